"""A chain of operators over a batch of rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wrasse.operators.base import Operator
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced, Stats
from wrasse.worker.columns import MISSING, Incoming

UNKNOWN = -1
"""For the number of a row: nobody knows which one is at work."""


class Progress:
    """Where the worker is, for the engine to see if it dies: batch, operator, row, step.

    Four 64-bit numbers at the beginning of a file that both have mapped. The step is
    counted up with each row, so that a worker that is slow can be told from one that
    is stuck.
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
        for number, row in enumerate(super().__iter__()):
            at[2] = number if parents is None else parents[number]
            at[3] += 1
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
class Result:
    """What became of the rows of a batch, which are numbered from 0.

    `rows`: those that go on, with `parents`, the number of the row that each came of
    (`None`: each is the row of its own number). `dropped`: row, operator, stats.
    `failed`: row, operator, failure. `stats`: of rows that go on, by the position in
    `rows`.
    """

    rows: list[Row]
    parents: list[int] | None
    dropped: list[tuple[int, int, Stats]] = field(default_factory=list)
    failed: list[tuple[int, int, Failed]] = field(default_factory=list)
    stats: dict[int, Stats] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    is_sliced: bool = False


def run(operators: list[Operator], incoming: Incoming, progress: Progress, text_key: str) -> Result:
    """Takes a batch through all operators, one operator after the other."""
    result = Result([], None)
    for number, operator in enumerate(operators):
        progress.operator(number)
        began = time.thread_time_ns()
        count = Count()
        result.counts.append(count)
        if number == 0:
            result.rows = incoming.rows()
        texts = [row.get(text_key) for row in result.rows]
        if number == 0 and operator.takes_batches and hasattr(operator, "apply_table"):
            outcomes = _by_table(operator, incoming)
        else:
            outcomes = _by_rows(operator, result, progress)
        if operator.kind in ("mapper", "llm"):
            pairs = zip(outcomes, texts)  # noqa: B905
            count.changed = sum(
                type(one) is Kept and one.row.get(text_key) != text for one, text in pairs
            )
        _step(result, outcomes, number, count)
        count.ns = time.thread_time_ns() - began
    return result


def _by_table(operator: Any, incoming: Incoming) -> list[Outcome]:
    """The outcomes of an operator that takes the batch as a table."""
    rows = incoming.rows()
    made = operator.apply_table(incoming.table())
    outcomes: list[Outcome] = made.outcomes(rows, is_sliced=operator.kind == "slicer")
    for name in incoming.absent():
        # A table has null where a row has no field.
        for row, outcome in zip(rows, outcomes):  # noqa: B905
            pieces = outcome.rows if isinstance(outcome, Sliced) else []
            if isinstance(outcome, Kept):
                pieces = [outcome.row]
            for piece in pieces:
                if name not in row and piece.get(name, MISSING) is None:
                    del piece[name]
    return outcomes


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
    rows: list[Row] = []
    parents: list[int] = []
    stats: dict[int, Stats] = {}
    count.rows_in = len(outcomes)
    is_identity = old_parents is None
    for at, outcome in enumerate(outcomes):
        parent = at if old_parents is None else old_parents[at]
        if type(outcome) is Kept:
            known = old_stats.get(at) if old_stats else None
            if known or outcome.stats:
                stats[len(rows)] = {**(known or {}), **outcome.stats}
            rows.append(outcome.row)
            parents.append(parent)
            continue
        is_identity = False
        if isinstance(outcome, Dropped):
            count.dropped += 1
            result.dropped.append((parent, number, outcome.stats))
        elif isinstance(outcome, Failed):
            count.rejected += 1
            result.failed.append((parent, number, outcome))
        elif isinstance(outcome, Sliced):
            count.sliced += 1
            result.is_sliced = True
            rows += outcome.rows
            parents += [parent] * len(outcome.rows)
    count.rows_out = len(rows)
    result.rows, result.stats = rows, stats
    result.parents = None if is_identity else parents
