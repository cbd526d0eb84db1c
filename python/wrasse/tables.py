"""Rows and Arrow tables, each made from the other.

`pyarrow` is imported when the first table is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrasse.lazy import need
from wrasse.outcome import Row

if TYPE_CHECKING:
    import pyarrow as pa


def to_table(rows: list[Row]) -> pa.Table:
    """A table with a column for every field that any row has, in order of appearance.

    A row that lacks a field has null there. Raises `pyarrow.ArrowInvalid` or
    `pyarrow.ArrowTypeError` if a field has values that no one type can hold.
    """
    arrow = need("pyarrow", "an operator that works on tables")
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        # Without a column a table has no place to keep the number of its rows.
        return arrow.table({"": arrow.nulls(len(rows))}).select([])
    return arrow.table({name: [row.get(name) for row in rows] for name in names})


def to_rows(table: pa.Table) -> list[Row]:
    """The rows of a table."""
    if table.num_columns == 0:
        return [{} for _ in range(table.num_rows)]
    rows: list[Row] = table.to_pylist()
    return rows
