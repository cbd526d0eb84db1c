"""Wrasse for Python: recipes, datasets, and operators of your own.

`run` runs a recipe, `start` lets it go on beside the program; `read_jsonl` and its like
begin a chain of steps that is written down as a recipe and runs when it is written:

    wrasse.read_jsonl("pages.jsonl").clean_links_mapper().write_parquet("clean.parquet")

An operator is a class derived from `Mapper`, `Filter`, `Slicer` or `LLM`, or a
function decorated with `mapper`, `filter` or `slicer`; recipes name it by file or
module. `operators.load` finds one, `compat` offers DataMate's modules to
operators that were written for it.
"""

from typing import TYPE_CHECKING, Any

from wrasse import compat, operators
from wrasse.errors import (
    CompatError,
    DamagedInput,
    DeclarationError,
    EngineMissing,
    Finding,
    LoadError,
    MissingPackage,
    ParameterError,
    RecipeError,
    ResultError,
    RunFailed,
    TooManyRejects,
    UsageError,
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

if TYPE_CHECKING:
    from wrasse.datasets import Dataset, read_csv, read_documents, read_jsonl, read_parquet, read_text
    from wrasse.results import RunResult, Snapshot
    from wrasse.runs import RunHandle, catalog, check, explain, run, start

# What runs recipes is imported when it is asked for: workers do not need it.
_LATER = {
    "Dataset": "datasets",
    "RunHandle": "runs",
    "RunResult": "results",
    "Snapshot": "results",
    "catalog": "runs",
    "check": "runs",
    "explain": "runs",
    "read_csv": "datasets",
    "read_documents": "datasets",
    "read_jsonl": "datasets",
    "read_parquet": "datasets",
    "read_text": "datasets",
    "run": "runs",
    "start": "runs",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module `wrasse` has no attribute `{name}`")
    import importlib

    found = getattr(importlib.import_module(f"wrasse.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "LLM",
    "CompatError",
    "DamagedInput",
    "Dataset",
    "DeclarationError",
    "Dropped",
    "EngineMissing",
    "Failed",
    "Filter",
    "Finding",
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
    "RecipeError",
    "ResultError",
    "Row",
    "RunFailed",
    "RunHandle",
    "RunResult",
    "Sliced",
    "Slicer",
    "Snapshot",
    "Stats",
    "TableResult",
    "TooManyRejects",
    "UsageError",
    "WrasseError",
    "catalog",
    "check",
    "compat",
    "explain",
    "filter",
    "mapper",
    "operators",
    "read_csv",
    "read_documents",
    "read_jsonl",
    "read_parquet",
    "read_text",
    "run",
    "slicer",
    "start",
]
