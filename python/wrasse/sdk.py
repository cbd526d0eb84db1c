"""Classes to derive an operator from: `Mapper`, `Filter`, `Slicer`.

Parameters are declared as in a dataclass and checked before anything runs:

    >>> from wrasse import Mapper
    >>> class AddSuffix(Mapper):
    ...     suffix: str
    ...     times: int = 1
    ...     def map(self, row):
    ...         row["text"] += self.suffix * self.times
    ...         return row
    >>> AddSuffix(suffix="!", times=2).apply([{"text": "hello"}])
    [Kept(row={'text': 'hello!!'}, stats={})]
    >>> AddSuffix(sufix="!")
    Traceback (most recent call last):
    wrasse.errors.ParameterError: `AddSuffix`: there is no parameter `sufix`; \
did you mean `suffix`?; `suffix` is missing: string

Each class has a form for rows and one for Arrow tables; an operator writes
exactly one of the two. In the form for tables, a batch that raises is halved
until the row that is to blame stands alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from wrasse import params as _params
from wrasse.errors import DeclarationError, NotDecidable
from wrasse.operators.base import Kind, Operator
from wrasse.operators.halves import Halves, NoRow
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced, Stats
from wrasse.params import Param
from wrasse.tables import TableResult, joined, to_table

if TYPE_CHECKING:
    import pyarrow as pa

# What a failing row raises; `sys.exit()` in an operator ends a row, not the worker.
CAUGHT = (Exception, SystemExit)


@dataclass_transform(kw_only_default=True)
class Declared(Operator):
    """What `Mapper`, `Filter` and `Slicer` have in common: parameters and batches."""

    _row_form: ClassVar[str]
    _batch_form: ClassVar[str]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Declared:
        """Refuses a class that is not complete; raises `DeclarationError`."""
        has_row, has_batch = cls._has(cls._row_form), cls._has(cls._batch_form)
        if has_row == has_batch:
            what = "both" if has_row else "neither"
            raise DeclarationError(
                f"`{cls.__name__}` has {what} of `{cls._row_form}` and `{cls._batch_form}`; "
                "write exactly one of them"
            )
        return super().__new__(cls)

    def __init__(self, **given: Any) -> None:
        self._params = _params.check(type(self).__name__, self.declared(), given)
        for name, value in self._params.items():
            setattr(self, name, value)
        self.setup()

    @classmethod
    def declared(cls) -> list[Param]:
        """The parameters, from the constructor if the class has its own, else from annotations."""
        if cls.__init__ is not Declared.__init__:
            return _params.of_function(cls.__init__, skip=1)
        return _params.of_class(cls, Declared)

    def setup(self) -> None:
        """Prepares what the operator needs, once, when its parameters are set."""

    @property
    def params(self) -> dict[str, Any]:
        """The parameters with their values."""
        return dict(getattr(self, "_params", {}))

    @property
    def takes_batches(self) -> bool:
        """Whether the operator is written for tables."""
        return type(self)._has(self._batch_form)

    def apply(self, rows: list[Row]) -> list[Outcome]:
        """One outcome for each row, in their order."""
        if self.takes_batches:
            return halved(rows, self._apply_batch)
        return self._apply_rows(rows)

    def apply_table(self, table: pa.Table) -> TableResult:
        """What becomes of the rows of a table; for operators that take batches.

        As `apply`, it raises nothing that the operator raises: a batch that fails is
        halved until the rows to blame stand alone.
        """
        if table.num_rows == 0:
            return TableResult(table)
        try:
            return self._on_table(table)
        except CAUGHT as error:
            if table.num_rows == 1:
                failed = {0: Failed.of(error)}
                return TableResult(table.slice(0, 0), [], failed=failed)
        middle = table.num_rows // 2
        first, second = table.slice(0, middle), table.slice(middle)
        return joined(self.apply_table(first), self.apply_table(second), middle)

    def _apply_batch(self, rows: list[Row]) -> list[Outcome]:
        # Not by `apply_table`: rows that do not fit into one table can be halved too.
        table = to_table(rows)
        result = self._on_table(table)
        return result.outcomes(rows, table, is_sliced=self.kind == "slicer")

    def _apply_rows(self, rows: list[Row]) -> list[Outcome]:
        raise NotImplementedError

    def _on_table(self, table: pa.Table) -> TableResult:
        raise NotImplementedError

    @classmethod
    def _has(cls, method: str) -> bool:
        return bool(method) and getattr(cls, method) is not getattr(_base_of(cls), method)


class Mapper(Declared):
    """Changes rows. Write `map` or `map_batch`."""

    kind: ClassVar[Kind] = "mapper"
    _row_form, _batch_form = "map", "map_batch"

    def map(self, row: Row) -> Row:
        """The row as it shall be; `row` may be changed and returned."""
        raise NotImplementedError

    def map_batch(self, table: pa.Table) -> pa.Table:
        """A table with as many rows, in the same order; columns may come and go."""
        raise NotImplementedError

    def _apply_rows(self, rows: list[Row]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        add, function = outcomes.append, self.map
        for row in rows:
            try:
                mapped = function(row)
                if type(mapped) is not dict:
                    mapped = as_row(mapped, "map")
            except CAUGHT as error:
                add(Failed.of(error))
            else:
                add(Kept(mapped, {}))
        return outcomes

    def _on_table(self, table: pa.Table) -> TableResult:
        mapped = as_table(self.map_batch(table), "map_batch")
        _same_length("map_batch", mapped.num_rows, table.num_rows)
        return TableResult(mapped)


class Filter(Declared):
    """Keeps rows or drops them. Write `keep`, perhaps with `measure`, or `keep_batch`."""

    kind: ClassVar[Kind] = "filter"
    _row_form, _batch_form = "keep", "keep_batch"

    def measure(self, row: Row) -> Stats:
        """Named numbers that `keep` decides on; they appear with what is dropped.

        If `keep(self, row, stats)` decides on them alone, `wrasse tune` can try other
        parameters on the stats of an analysis.
        """
        return {}

    if TYPE_CHECKING:
        # `keep(self, row, stats)` is as good; a signature can say only one of them.
        keep: Callable[..., bool]
    else:

        def keep(self, row: Row) -> bool:
            """Whether the row is kept. It must not change `row`."""
            raise NotImplementedError

    def keep_batch(self, table: pa.Table) -> pa.BooleanArray | Sequence[bool]:
        """For each row of the table whether it is kept."""
        raise NotImplementedError

    def halves(self) -> Halves:
        """`measure`, and `keep` on its stats."""
        if self.takes_batches:
            raise NotDecidable("its `keep_batch` decides on the samples themselves")
        if not self._measures():
            raise NotDecidable("its `keep` decides on the sample itself: it has no `measure`")
        if not _takes_stats(type(self)):
            raise NotDecidable(
                "its `keep(self, row)` decides on the sample itself, "
                "and not, as `keep(self, row, stats)` can, on what `measure` gave"
            )
        return Halves(self, ("measure",), self._decide)

    def _decide(self, stats: Stats) -> bool:
        row = NoRow()
        try:
            return as_bool(self.keep(row, stats), "keep")
        finally:
            row.check()

    def _measures(self) -> bool:
        return type(self).measure is not Filter.measure

    def _apply_rows(self, rows: list[Row]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with_stats = _takes_stats(type(self))
        measures = self._measures()
        for row in rows:
            try:
                stats = self.measure(row) if measures else {}
                is_kept = as_bool(self.keep(row, stats) if with_stats else self.keep(row), "keep")
            except CAUGHT as error:
                outcomes.append(Failed.of(error))
            else:
                outcomes.append(Kept(row, stats) if is_kept else Dropped(row, stats))
        return outcomes

    def _on_table(self, table: pa.Table) -> TableResult:
        answer: Any = self.keep_batch(table)
        mask = answer.to_pylist() if hasattr(answer, "to_pylist") else list(answer)
        _same_length("keep_batch", len(mask), table.num_rows)
        mask = [as_bool(one, "keep_batch") for one in mask]
        if all(mask):
            return TableResult(table)
        kept = [number for number, is_kept in enumerate(mask) if is_kept]
        dropped = [number for number, is_kept in enumerate(mask) if not is_kept]
        return TableResult(table.filter(mask), kept, dropped)


class Slicer(Declared):
    """Makes any number of rows of each. Write `slice` or `slice_batch`."""

    kind: ClassVar[Kind] = "slicer"
    _row_form, _batch_form = "slice", "slice_batch"

    def slice(self, row: Row) -> Iterable[Row]:
        """The pieces of a row, in order; a list or a generator."""
        raise NotImplementedError

    def slice_batch(self, table: pa.Table) -> tuple[pa.Table, Sequence[int]]:
        """All pieces as one table, and for each the number of its row, from 0, not decreasing."""
        raise NotImplementedError

    def _apply_rows(self, rows: list[Row]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for row in rows:
            try:
                pieces = [as_row(piece, "slice") for piece in self.slice(row)]
            except CAUGHT as error:
                outcomes.append(Failed.of(error))
            else:
                outcomes.append(Sliced(pieces))
        return outcomes

    def _on_table(self, table: pa.Table) -> TableResult:
        answer: Any = self.slice_batch(table)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise TypeError(
                f"`slice_batch` returned {type(answer).__name__}; return the table of the pieces "
                "and the number of each one's row"
            )
        pieces, parents = as_table(answer[0], "slice_batch"), answer[1]
        parents = parents.to_pylist() if hasattr(parents, "to_pylist") else list(parents)
        _same_length("slice_batch", len(parents), pieces.num_rows)
        last = table.num_rows - 1
        if any(not 0 <= one <= last for one in parents) or parents != sorted(parents):
            raise ValueError(
                f"`slice_batch` returned numbers of rows that are not 0 to {last} in order"
            )
        return TableResult(pieces, parents)


def singly(rows: list[Row], run: Callable[[Row], Outcome]) -> list[Outcome]:
    """Outcomes of rows, each by itself; one that raises has failed."""
    outcomes: list[Outcome] = []
    for row in rows:
        try:
            outcomes.append(run(row))
        except CAUGHT as error:
            outcomes.append(Failed.of(error))
    return outcomes


def halved(rows: list[Row], run: Callable[[list[Row]], list[Outcome]]) -> list[Outcome]:
    """Outcomes of a batch; if it raises, those of its halves, down to single rows."""
    if not rows:
        return []
    try:
        return run(rows)
    except CAUGHT as error:
        if len(rows) == 1:
            return [Failed.of(error)]
    middle = len(rows) // 2
    return halved(rows[:middle], run) + halved(rows[middle:], run)


def as_row(value: Any, method: str) -> Row:
    """The value if it is a row; raises `TypeError` with the method's name if not."""
    if isinstance(value, dict):
        return value
    raise TypeError(f"`{method}` returned {type(value).__name__}; a row is a `dict`")


def as_bool(value: Any, method: str) -> bool:
    """The value if it is true or false, NumPy's included; raises `TypeError` if not."""
    if value is True or value is False:
        return value
    if type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise TypeError(f"`{method}` returned {type(value).__name__}; return `True` to keep the row")


def as_table(value: Any, method: str) -> pa.Table:
    """The value as a table, which a record batch is too; raises `TypeError` if it is neither."""
    import pyarrow as pa

    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if isinstance(value, pa.Table):
        return value
    raise TypeError(f"`{method}` returned {type(value).__name__}; return a `pyarrow.Table`")


def _same_length(method: str, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(f"`{method}` returned {found} values for {expected} rows")


def _base_of(cls: type) -> type:
    """The class of this package that a class is derived from."""
    return next(one for one in cls.__mro__ if "_row_form" in one.__dict__)


@functools.cache
def _takes_stats(cls: type[Filter]) -> bool:
    n_params = len(inspect.signature(cls.keep).parameters)
    if n_params not in (2, 3):
        raise DeclarationError(
            f"`{cls.__name__}.keep` takes {n_params - 1} arguments; "
            "it is `keep(self, row)` or `keep(self, row, stats)`"
        )
    return n_params == 3
