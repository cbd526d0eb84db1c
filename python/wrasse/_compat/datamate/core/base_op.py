"""The base classes of operators, and the registry of them."""

from wrasse._compat.datamate.common.utils.registry import Registry
from wrasse._compat.datamate.core._exporter import FileExporter
from wrasse._compat.datamate.core._failure import get_exception_info
from wrasse._compat.datamate.core._llm import LLM
from wrasse._compat.datamate.core._mapper import Filter, Mapper
from wrasse._compat.datamate.core._op import FAILED_STATUS, SUCCESS_STATUS, BaseOp
from wrasse._compat.datamate.core._slicer import Slicer

__all__ = [
    "FAILED_STATUS",
    "LLM",
    "OPERATORS",
    "SUCCESS_STATUS",
    "BaseOp",
    "FileExporter",
    "Filter",
    "Mapper",
    "Slicer",
    "get_exception_info",
]

OPERATORS = Registry("Operators")
