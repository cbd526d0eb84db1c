"""Functions of a script as operators: what runs in workers.

Each is written by value with the script's function in it. A class is constructed once in
each worker, as Ray Data does in each actor.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wrasse.outcome import Kept, Outcome, Row
from wrasse.scripts.raydata import values
from wrasse.sdk import Mapper

if TYPE_CHECKING:
    import pyarrow as pa


def function_of(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An object that can be called as the function that a chain takes."""

    def call(data: Any) -> Any:
        return step(data)

    call.__annotations__ = {}
    call.__name__ = call.__qualname__ = step.__name__
    return call


class Step:
    """A function or class of a script, with what it is called with besides the data."""

    def __init__(
        self,
        function: Any,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        made_with: tuple[Sequence[Any], Mapping[str, Any]] = ((), {}),
    ) -> None:
        self.function, self.args, self.kwargs = function, list(args), dict(kwargs or {})
        self.made_with = made_with
        name = getattr(function, "__name__", type(function).__name__)
        self.__name__ = "lambda_" if name == "<lambda>" else name
        self._made: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": None}

    def called(self, data: Any) -> Any:
        """What the function makes of a row or batch."""
        if self._made is None:
            self._made = self.function
            if inspect.isclass(self.function):
                args, kwargs = self.made_with
                self._made = self.function(*args, **kwargs)
        return self._made(data, *self.args, **self.kwargs)


class MapRows(Step):
    """`Dataset.map`."""

    def __call__(self, row: Row) -> Row:
        made = self.called(row)
        if not isinstance(made, Mapping):
            raise ValueError(f"`map` takes functions that give a dict, not {made!r:.100}")
        return dict(made)


class KeepRows(Step):
    """`Dataset.filter` with a function."""

    def __call__(self, row: Row) -> bool:
        return bool(self.called(row))


class FlatMapRows(Step):
    """`Dataset.flat_map`."""

    def __call__(self, row: Row) -> list[Row]:
        pieces: list[Row] = []
        for one in self.called(row):
            if not isinstance(one, Mapping):
                raise ValueError(f"`flat_map` takes functions that give dicts, not {one!r:.100}")
            pieces.append(dict(one))
        return pieces


class MapBatches(Step):
    """`Dataset.map_batches`: batches of at most `size` rows in a format."""

    size: int | None = None
    form: str | None = "default"

    def __call__(self, table: pa.Table) -> tuple[pa.Table, list[int]]:
        from wrasse.scripts.raydata import batches

        made: list[pa.Table] = []
        parents: list[int] = []
        size = self.size or table.num_rows
        for begin in range(0, table.num_rows, size):
            batch = table.slice(begin, size)
            whole = list(batches.tables_of(self.called(batches.to_format(batch, self.form))))
            if not whole:
                continue
            made.append(batches.joined(whole))
            n = made[-1].num_rows
            # Which row a row came of is known only where there are as many; else it is
            # said to be the first of the batch.
            is_same = n == batch.num_rows
            parents += range(begin, begin + n) if is_same else [begin] * n
        return (batches.joined(made) if made else table.slice(0, 0)), parents


def lines(row: Row) -> list[Row]:
    """The lines of a file of text, but for empty ones."""
    return [{"text": line} for line in row["text"].splitlines() if line.strip()]


def all_lines(row: Row) -> list[Row]:
    """The lines of a file of text."""
    return [{"text": line} for line in row["text"].splitlines()]


def plain(row: Row) -> Row:
    """The last step: values that a run carries."""
    return values.plain_row(row)


def packed(row: Row) -> Row:
    """The last step of rows for the script: as one text, so that fields keep their order."""
    return {"row": json.dumps(values.plain_row(row), ensure_ascii=False)}


class Fill(Mapper):
    """Gives rows the fields that others have, with null, as those of a block of Arrow."""

    names: list[str]

    def map(self, row: Row) -> Row:
        """One row alone."""
        return values.filled([row], self.names)[0]

    def _apply_rows(self, rows: list[Row]) -> list[Outcome]:
        return [Kept(row, {}) for row in values.filled(list(rows), self.names)]
