"""The module that scripts import as `ray.data`."""

from __future__ import annotations

import builtins
import enum
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from wrasse.scripts.raydata import sources
from wrasse.scripts.raydata.dataset import Dataset, Schema, refuse_others
from wrasse.scripts.unsupported import Unsupported

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "ActorPoolStrategy",
    "DataContext",
    "Dataset",
    "ExecutionOptions",
    "ExecutionResources",
    "SaveMode",
    "Schema",
    "TaskPoolStrategy",
    "from_arrow",
    "from_items",
    "from_pandas",
    "range",
    "read_csv",
    "read_json",
    "read_parquet",
    "read_text",
]


def read_json(paths: Any, *, lines: bool = False, **given: Any) -> Dataset:
    """Files and folders of JSON, a row a line (or an array of rows a file)."""
    refuse_others("read_json", given)
    return Dataset(sources.json_files(paths))


def read_parquet(paths: Any, *, columns: list[str] | None = None, **given: Any) -> Dataset:
    """Files and folders of Parquet."""
    refuse_others("read_parquet", given)
    return Dataset(sources.parquet_files(paths, columns))


def read_csv(paths: Any, **given: Any) -> Dataset:
    """Files and folders of CSV with a header."""
    refuse_others("read_csv", given)
    return Dataset(sources.csv_files(paths))


def read_text(
    paths: Any, *, encoding: str = "utf-8", drop_empty_lines: bool = True, **given: Any
) -> Dataset:
    """Files and folders of text, a row a line."""
    refuse_others("read_text", given)
    if encoding.lower() not in ("utf-8", "utf8"):
        raise Unsupported(f"`encoding={encoding!r}`", "make the files UTF-8")
    return Dataset(sources.text_files(paths, drop_empty_lines=drop_empty_lines))


def from_items(items: Iterable[Any], **given: Any) -> Dataset:
    """Rows at hand; what is no dict becomes the field `item`."""
    refuse_others("from_items", given)
    rows = (dict(one) if isinstance(one, Mapping) else {"item": one} for one in items)
    return Dataset(sources.rows(rows))


def from_pandas(dfs: pd.DataFrame | list[pd.DataFrame], **given: Any) -> Dataset:
    """Data frames at hand."""
    import pyarrow as pa

    refuse_others("from_pandas", given)
    frames = dfs if isinstance(dfs, list) else [dfs]
    return from_arrow([pa.Table.from_pandas(one, preserve_index=False) for one in frames])


def from_arrow(tables: pa.Table | list[pa.Table], **given: Any) -> Dataset:
    """Tables at hand."""
    from wrasse.scripts.raydata.batches import joined

    refuse_others("from_arrow", given)
    return Dataset(sources.table(joined(tables if isinstance(tables, list) else [tables])))


def range(n: int, **given: Any) -> Dataset:
    """Numbers from 0, in the field `id`."""
    refuse_others("range", given)
    return Dataset(sources.rows({"id": number} for number in builtins.range(n)))


# A package, so that the modules in it are asked for, and refused by name.
__path__: list[str] = []


class SaveMode(enum.Enum):
    """What becomes of what is there already."""

    APPEND = "append"
    OVERWRITE = "overwrite"
    IGNORE = "ignore"
    ERROR = "error"
    CREATE = "create"


class _Hint:
    """Says how Ray would run; here it says nothing."""

    def __init__(self, *_args: Any, **given: Any) -> None:
        self.__dict__.update(given)


class ActorPoolStrategy(_Hint):
    """How many actors there are."""


class TaskPoolStrategy(_Hint):
    """How many tasks there are."""


class ExecutionResources(_Hint):
    """What a run may use."""


class ExecutionOptions(_Hint):
    """How a run goes."""


class DataContext(_Hint):
    """Settings of Ray Data, which can be set and say nothing here."""

    _current: DataContext | None = None
    execution_options: Any

    def __init__(self) -> None:
        super().__init__(execution_options=ExecutionOptions())
        self.execution_options.resource_limits = ExecutionResources()

    @classmethod
    def get_current(cls) -> DataContext:
        """The one of the script."""
        if cls._current is None:
            cls._current = cls()
        return cls._current


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    there = [one for one in __all__ if one.startswith(("read_", "from_"))]
    raise Unsupported(f"`ray.data.{name}`", f"there are {', '.join(there)}")
