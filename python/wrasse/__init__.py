"""Wrasse for Python: recipes, datasets, and operators of your own.

`run` runs a recipe, `start` lets it go on beside the program; `read_jsonl` and its like
begin a chain of steps that is written down as a recipe and runs when it is written:

    wrasse.read_jsonl("pages.jsonl").clean_links_mapper().write_parquet("clean.parquet")

An operator is a class derived from `Mapper`, `Filter`, `Slicer` or `LLM`, or a
function decorated with `mapper`, `filter` or `slicer`; recipes name it by file or
module. `operators.load` finds one, `compat` offers DataMate's modules to
operators that were written for it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wrasse import compat, operators
    from wrasse.datasets import (
        Dataset,
        read_csv,
        read_documents,
        read_jsonl,
        read_parquet,
        read_text,
    )
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
    from wrasse.results import RunResult, Snapshot
    from wrasse.runs import RunHandle, catalog, check, explain, run, start
    from wrasse.sdk import Filter, Mapper, Slicer
    from wrasse.tables import TableResult
    from wrasse.values import Range

# Each is imported when it is asked for: the command needs none of them, and a worker
# only what its operators use.
_PLACES = {
    "datasets": (
        "Dataset",
        "read_csv",
        "read_documents",
        "read_jsonl",
        "read_parquet",
        "read_text",
    ),
    "errors": (
        "CompatError",
        "DamagedInput",
        "DeclarationError",
        "EngineMissing",
        "Finding",
        "LoadError",
        "MissingPackage",
        "ParameterError",
        "RecipeError",
        "ResultError",
        "RunFailed",
        "TooManyRejects",
        "UsageError",
        "WrasseError",
    ),
    "functions": ("OperatorFunction", "filter", "mapper", "slicer"),
    "llm": ("LLM",),
    "operators": ("Operator",),
    "outcome": ("Dropped", "Failed", "Kept", "Outcome", "Row", "Sliced", "Stats"),
    "params": ("Param",),
    "results": ("RunResult", "Snapshot"),
    "runs": ("RunHandle", "catalog", "check", "explain", "run", "start"),
    "sdk": ("Filter", "Mapper", "Slicer"),
    "tables": ("TableResult",),
    "values": ("Range",),
}
_LATER = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in ("compat", "operators"):
        return importlib.import_module(f"wrasse.{name}")
    if name not in _LATER:
        raise AttributeError(f"module `wrasse` has no attribute `{name}`")
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
