"""A chain of operators over a batch of rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from wrasse.operators.base import Operator
from wrasse.operators.halves import TOLD_KEPT
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced, Stats
from wrasse.tables import TableResult
from wrasse.worker import tables
from wrasse.worker.columns import Incoming

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = -1
"""For the number of a row: nobody knows which one is at work."""


class Progress:
    """Where the worker is, for the engine to see if it dies: batch, operator, row, step.

    Four 64-bit numbers at the beginning of a file that both have mapped. The step is
    counted up with each batch and operator; a change of any of the four is a sign of
    life, so that a worker that is slow can be told from one that is stuck.
    """

    def __init__(self, view: memoryview) -> None:
        self.at = view[:32].cast("q")

    def begin(self, batch: int) -> None:
        """A batch begins."""
        self.at[1], self.at[2] = 0, UNKNOWN
        self.at[0] = batch
        self.at[3] += 1

    def operator(self, number: int) -> None:
        """An operator begins."""
        self.at[2] = UNKNOWN
        self.at[1] = number
        self.at[3] += 1


class Watched(list[Row]):
    """Rows that tell which of them is at work, to whom takes them one by one."""

    def __init__(self, rows: list[Row], parents: list[int] | None, progress: Progress) -> None:
        super().__init__(rows)
        self._parents = parents
        self._at = progress.at

    def __iter__(self) -> Iterator[Row]:
        at, parents = self._at, self._parents
        numbers = range(len(self)) if parents is None else parents
        for number, row in zip(numbers, super().__iter__()):  # noqa: B905
            at[2] = number
            yield row


@dataclass(slots=True)
class Count:
    """What one operator did with the rows of a batch; `ns` is processor time."""

    rows_in: int = 0
    rows_out: int = 0
    dropped: int = 0
    rejected: int = 0
    sliced: int = 0
    changed: int = 0
    ns: int = 0

    def numbers(self) -> list[int]:
        """Its numbers, in the order in which they are declared."""
        return [getattr(self, name) for name in self.__slots__]


@dataclass(slots=True)
class DroppedRow:
    """A row that an operator dropped: its number, and what it was measured to be.

    Of a piece of a row: which piece, and the piece itself.
    """

    number: int
    operator: int
    stats: Stats
    piece: int | None = None
    row: Row | None = None


@dataclass(slots=True)
class FailedRow:
    """A row that an operator failed on; of a piece of it which piece."""

    number: int
    operator: int
    why: Failed
    piece: int | None = None


@dataclass(slots=True)
class Result:
    """What became of the rows of a batch, which are numbered from 0.

    `table`: those that go on, as long as operators take tables; then `rows` is of no
    meaning. `rows`: those that go on, with `parents`, the number of the row that each came of
    (`None`: each is the row of its own number), and, once rows were sliced, `pieces`,
    which piece of it. `dropped` and `failed`: the other ones. `stats`: of rows that go on,
    by the position in `rows`.
    """

    rows: list[Row]
    parents: list[int] | None
    pieces: list[int] | None = None
    dropped: list[DroppedRow] = field(default_factory=list)
    failed: list[FailedRow] = field(default_factory=list)
    stats: dict[int, Stats] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    is_sliced: bool = False
    table: pa.Table | None = None

    def into_rows(self, incoming: Incoming) -> None:
        """Makes a table into rows."""
        if self.table is not None:
            self.rows = tables.rows(incoming, self.table, self.parents)
            self.table = None


def run(
    operators: list[Operator],
    incoming: Incoming,
    progress: Progress,
    text_key: str,
    *,
    measures: bool = False,
) -> Result:
    """Takes a batch through all operators, one operator after the other.

    With `measures` filters drop nothing; what they decide goes with the stats.
    """
    result = Result([], None)
    if measures or not operators or not _takes_tables(operators[0]):
        result.rows = incoming.rows()
    else:
        try:
            result.table = incoming.table()
        except (ValueError, TypeError):
            # As Arrow's errors are: there is no table that holds all of the rows.
            result.rows = incoming.rows()
    for number, operator in enumerate(operators):
        progress.operator(number)
        began = time.thread_time_ns()
        count = Count()
        result.counts.append(count)
        counts_changes = operator.kind in ("mapper", "llm")
        if result.table is not None and _takes_tables(operator):
            before = result.table
            made = operator.apply_table(before)  # type: ignore[attr-defined]
            _step_table(result, made, number, count, is_sliced=operator.kind == "slicer")
            if counts_changes:
                old = before if made.parents is None else before.take(made.parents)
                count.changed = tables.n_changed(made.table, old, text_key)
        else:
            result.into_rows(incoming)
            texts = [row.get(text_key) for row in result.rows] if counts_changes else []
            outcomes = _by_rows(operator, result, progress)
            if measures and operator.kind == "filter":
                outcomes = [_measured(one) for one in outcomes]
            if counts_changes:
                count.changed = sum(
                    [
                        type(one) is Kept and one.row.get(text_key) != text
                        for one, text in zip(outcomes, texts)  # noqa: B905
                    ]
                )
            _step(result, outcomes, number, count)
        count.ns = time.thread_time_ns() - began
    return result


def _measured(outcome: Outcome) -> Outcome:
    """A decision as a measured value."""
    if isinstance(outcome, Kept | Dropped):
        return Kept(outcome.row, {**outcome.stats, TOLD_KEPT: isinstance(outcome, Kept)})
    return outcome


def _takes_tables(operator: Operator) -> bool:
    return operator.takes_batches and hasattr(operator, "apply_table")


def _step_table(
    result: Result, made: TableResult, number: int, count: Count, *, is_sliced: bool
) -> None:
    """Books what an operator made of the table."""
    assert result.table is not None
    count.rows_in = result.table.num_rows
    count.rows_out = made.table.num_rows
    count.dropped, count.rejected = len(made.dropped), len(made.failed)
    parents, pieces = result.parents, result.pieces
    before = result.table
    for row in made.dropped:
        gone = DroppedRow(_of(parents, row), number, {})
        if pieces is not None:
            gone.piece, gone.row = pieces[row], before.slice(row, 1).to_pylist()[0]
        result.dropped.append(gone)
    for row, why in made.failed.items():
        result.failed.append(FailedRow(_of(parents, row), number, why, _piece(pieces, row)))
    if is_sliced:
        count.sliced = count.rows_in - count.dropped - count.rejected
        result.is_sliced = result.is_sliced or count.sliced > 0
    if made.parents is not None:
        result.parents = [_of(parents, row) for row in made.parents]
        if is_sliced:
            result.pieces = _numbered(made.parents)
        elif pieces is not None:
            result.pieces = [pieces[row] for row in made.parents]
    result.table = made.table


def _numbered(parents: list[int]) -> list[int]:
    """For pieces that came of these rows, one after the other, which piece each is."""
    pieces: list[int] = []
    for at, parent in enumerate(parents):
        pieces.append(pieces[-1] + 1 if at and parents[at - 1] == parent else 0)
    return pieces


def _piece(pieces: list[int] | None, row: int) -> int | None:
    return None if pieces is None else pieces[row]


def _of(parents: list[int] | None, row: int) -> int:
    return row if parents is None else parents[row]


def _by_rows(operator: Operator, result: Result, progress: Progress) -> list[Outcome]:
    rows = result.rows
    given = rows if operator.takes_batches else Watched(rows, result.parents, progress)
    outcomes = operator.apply(given)
    if len(outcomes) != len(rows):
        raise RuntimeError(
            f"`{operator.name}` gave {len(outcomes)} outcomes for {len(rows)} rows; "
            "this is a bug of Wrasse"
        )
    return outcomes


def _step(result: Result, outcomes: list[Outcome], number: int, count: Count) -> None:
    """Books what an operator made of the rows, which then are those that go on."""
    old_parents, old_stats = result.parents, result.stats
    if set(map(type, outcomes)) <= {Kept} and not old_stats:
        # Most batches: all rows go on.
        kept = cast("list[Kept]", outcomes)
        count.rows_in = count.rows_out = len(kept)
        result.rows = [one.row for one in kept]
        result.stats = {at: one.stats for at, one in enumerate(kept) if one.stats}
        return
    rows: list[Row] = []
    parents: list[int] = []
    old_pieces, pieces = result.pieces, cast("list[int]", [])
    is_sliced = old_pieces is not None or any(type(one) is Sliced for one in outcomes)
    stats: dict[int, Stats] = {}
    count.rows_in = len(outcomes)
    is_identity = old_parents is None
    for at, outcome in enumerate(outcomes):
        parent, piece = _of(old_parents, at), _piece(old_pieces, at)
        if type(outcome) is Kept:
            known = old_stats.get(at) if old_stats else None
            if known or outcome.stats:
                stats[len(rows)] = {**(known or {}), **outcome.stats}
            rows.append(outcome.row)
            parents.append(parent)
            pieces.append(piece or 0)
            continue
        is_identity = False
        if isinstance(outcome, Dropped):
            count.dropped += 1
            row = None if piece is None else outcome.row
            result.dropped.append(DroppedRow(parent, number, outcome.stats, piece, row))
        elif isinstance(outcome, Failed):
            count.rejected += 1
            result.failed.append(FailedRow(parent, number, outcome, piece))
        elif isinstance(outcome, Sliced):
            count.sliced += 1
            result.is_sliced = True
            rows += outcome.rows
            parents += [parent] * len(outcome.rows)
            pieces += range(len(outcome.rows))
    count.rows_out = len(rows)
    result.rows, result.stats = rows, stats
    result.parents = None if is_identity else parents
    result.pieces = pieces if is_sliced else None
