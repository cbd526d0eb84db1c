"""Batches in the formats that functions of Ray Data take and give."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

FORMATS = ("default", "numpy", "pandas", "pyarrow", None)


def to_format(table: pa.Table, form: str | None) -> Any:
    """A table as a function takes it: `default` is `numpy`, and nothing is `pyarrow`."""
    match form:
        case "pandas":
            return table.to_pandas(ignore_metadata=True)
        case "pyarrow" | None:
            return table
        case _:
            columns = zip(table.column_names, table.columns, strict=True)
            return {name: _array(column) for name, column in columns}


def _array(column: pa.ChunkedArray) -> Any:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else whole.cast(whole.type)
    return whole.to_numpy(zero_copy_only=False)


def tables_of(given: Any) -> Iterator[pa.Table]:
    """What a function gave, as tables: one batch, or those that it yields.

    Raises `ValueError` if it is no batch.
    """
    if isinstance(given, pa.Table):
        yield given
    elif isinstance(given, pa.RecordBatch):
        yield pa.Table.from_batches([given])
    elif _is_frame(given):
        yield pa.Table.from_pandas(given, preserve_index=False).replace_schema_metadata()
    elif isinstance(given, Mapping):
        yield pa.table({str(name): _column(str(name), one) for name, one in given.items()})
    elif isinstance(given, Iterator):
        for one in given:
            yield from tables_of(one)
    else:
        raise ValueError(
            f"the function gave a `{type(given).__name__}`; a batch is a dict of arrays, a "
            "`pandas.DataFrame`, a `pyarrow.Table`, or an iterator of them"
        )


def _is_frame(given: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


def _column(name: str, values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if getattr(values, "ndim", 1) > 1:
        return pa.array(values.tolist())
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise ValueError(f"`{name}` is a `{type(values).__name__}`; a column is a list or an array")
    return pa.array(values)


def joined(tables: list[pa.Table]) -> pa.Table:
    """Tables one after the other; a column that one of them lacks is null there."""
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables, promote_options="permissive")
