"""Wrasse for Python: operators of your own, and those of other tools.

An operator is a class derived from `Mapper`, `Filter`, `Slicer` or `LLM`, or a
function decorated with `mapper`, `filter` or `slicer`; recipes name it by file or
module. `operators.load` finds one, `compat` offers DataMate's modules to
operators that were written for it.
"""

from wrasse import compat, operators
from wrasse.errors import (
    CompatError,
    DeclarationError,
    LoadError,
    MissingPackage,
    ParameterError,
    WrasseError,
)
from wrasse.functions import OperatorFunction, filter, mapper, slicer
from wrasse.llm import LLM
from wrasse.operators import Operator
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced, Stats
from wrasse.params import Param
from wrasse.sdk import Filter, Mapper, Slicer
from wrasse.tables import TableResult
from wrasse.values import Range

__all__ = [
    "LLM",
    "CompatError",
    "DeclarationError",
    "Dropped",
    "Failed",
    "Filter",
    "Kept",
    "LoadError",
    "Mapper",
    "MissingPackage",
    "Operator",
    "OperatorFunction",
    "Outcome",
    "Param",
    "ParameterError",
    "Range",
    "Row",
    "Sliced",
    "Slicer",
    "Stats",
    "TableResult",
    "WrasseError",
    "compat",
    "filter",
    "mapper",
    "operators",
    "slicer",
]
