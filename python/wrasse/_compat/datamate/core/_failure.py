"""How a failure is told."""

from __future__ import annotations

import traceback

from wrasse._compat.datamate.common.error_code import ERROR_CODE_TABLE, UNKNOWN_ERROR_CODE


def get_exception_info(e: BaseException) -> str:
    """Type, message, file, line and code of an exception, as DataMate's pages show them."""
    frames = traceback.extract_tb(e.__traceback__)
    file, line, code = (
        (frames[-1].filename, frames[-1].lineno, frames[-1].line)
        if frames
        else (
            None,
            None,
            None,
        )
    )
    parts = {
        "错误类型": type(e).__name__,
        "错误原因": e,
        "文件名": file,
        "行号": line,
        "代码行": code,
    }
    return "\n".join(f"{name}: {value}" for name, value in parts.items())


def error_code(e: BaseException) -> str:
    """The code of an exception: that of its most derived type that has one."""
    for kind in type(e).__mro__:
        if kind in ERROR_CODE_TABLE:
            return ERROR_CODE_TABLE[kind]
    return UNKNOWN_ERROR_CODE
