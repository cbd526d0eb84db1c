"""Codes of failures, by the type of exception; the most derived type that is listed counts."""

from __future__ import annotations

from enum import Enum

_LISTED: list[type[BaseException]] = [
    ImportError,
    ModuleNotFoundError,
    NameError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    SyntaxError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    OSError,
    FileNotFoundError,
    NotADirectoryError,
    PermissionError,
    TimeoutError,
]

ERROR_CODE_TABLE = {kind: f"ops.{number:04}" for number, kind in enumerate(_LISTED, 1)}
UNKNOWN_ERROR_CODE = "ops.9999"


class ErrorCode(Enum):
    """Codes of the service: number and message."""

    SUCCESS = (0, "Success")
    UNKNOWN_ERROR = (1, "Unknown error")
    PARAM_ERROR = (2, "Invalid parameter")
    FILE_NOT_FOUND_ERROR = (1000, "File not found!")
    SUBMIT_TASK_ERROR = (1001, "Task submitted Failed!")
    CANCEL_TASK_ERROR = (1002, "Task canceled Failed!")
