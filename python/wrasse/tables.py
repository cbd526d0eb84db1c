"""Rows and Arrow tables, each made from the other; what became of a table's rows.

`pyarrow` is imported when the first table is made.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wrasse.lazy import need
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced

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


@dataclass(slots=True)
class TableResult:
    """What an operator made of a table; rows are numbered from 0.

    `table`: the rows that go on, in order. `parents`: for each of them the number of
    the row that it came of, not decreasing; `None` if they are those of the input, one
    by one. `dropped` and `failed`: the other rows, by number. A row that is in none of
    the three was sliced into nothing.
    """

    table: pa.Table
    parents: list[int] | None = None
    dropped: list[int] = field(default_factory=list)
    failed: dict[int, Failed] = field(default_factory=dict)

    def outcomes(self, rows: list[Row], given: pa.Table, *, is_sliced: bool) -> list[Outcome]:
        """The outcomes of the rows that the table `given` was made of.

        Fields that were not changed have the values that they had, which a table may
        have in another form, and null is not given to rows that have no such field.
        """
        arrow = need("pyarrow", "an operator that works on tables")
        parents = list(range(len(rows))) if self.parents is None else self.parents
        made: list[list[Row]] = [[] for _ in rows]
        for parent, row in zip(parents, to_rows(self.table), strict=True):
            made[parent].append(row)
        numbers = arrow.array(parents, arrow.int64())
        for name in set(self.table.column_names) & set(given.column_names):
            before = given.column(name).take(numbers)
            is_same = self.table.column(name).equals(before)
            for row, pieces in zip(rows, made, strict=True):
                for piece in pieces:
                    if name not in row:
                        if piece[name] is None:
                            del piece[name]
                    elif is_same:
                        piece[name] = deepcopy(row[name]) if len(pieces) > 1 else row[name]
        dropped = set(self.dropped)
        outcomes: list[Outcome] = []
        for number, pieces in enumerate(made):
            if number in self.failed:
                outcomes.append(self.failed[number])
            elif number in dropped:
                outcomes.append(Dropped(rows[number]))
            else:
                outcomes.append(Sliced(pieces) if is_sliced else Kept(pieces[0]))
        return outcomes


def joined(first: TableResult, second: TableResult, n_first: int) -> TableResult:
    """The results of the two parts of a table, of which the first had `n_first` rows."""
    arrow = need("pyarrow", "an operator that works on tables")
    some = [one.table for one in (first, second) if one.table.num_rows]
    table = (
        arrow.concat_tables(some, promote_options="permissive") if some else first.table.slice(0, 0)
    )
    parents = [n_first + one for one in _parents(second)]
    dropped = [n_first + one for one in second.dropped]
    failed = {n_first + one: failure for one, failure in second.failed.items()}
    return TableResult(
        table, _parents(first) + parents, first.dropped + dropped, first.failed | failed
    )


def _parents(result: TableResult) -> list[int]:
    return list(range(result.table.num_rows)) if result.parents is None else result.parents
