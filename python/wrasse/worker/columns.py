"""Rows as columns in a mapped file, as Arrow lays them out.

A column that comes in has a kind:

| kind | buffers |
|---|---|
| `text` | 32-bit offsets, one more than rows, and UTF-8 (`ascii`: nothing but ASCII) |
| `json` | all values as one JSON array |
| `int`, `float` | 64-bit numbers |

Rows that have null there are listed in `nulls`, rows that lack the field in `absent`
(32-bit numbers); what the buffers hold for them is of no meaning. `valid` is the same as a bitmap.

Columns that go out hold changes only: a byte for each row says what was done to the
field (`SAME`, `TEXT`, `JSON`, `REMOVED`), 64-bit offsets say where the new value lies.
"""

from __future__ import annotations

import json
import marshal
import math
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import is_, itemgetter
from typing import TYPE_CHECKING, Any, cast

from wrasse.outcome import Row
from wrasse.worker import tables

if TYPE_CHECKING:
    import pyarrow as pa

SAME, TEXT, JSON, REMOVED = range(4)

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
"""Stands for a field that a row does not have."""

Column = list[Any]


class Incoming:
    """The rows of a batch, decoded when they are asked for."""

    def __init__(self, message: dict[str, Any], view: memoryview) -> None:
        self.n_rows: int = message["rows"]
        self._about: dict[str, dict[str, Any]] = {one["name"]: one for one in message["columns"]}
        self._view = view
        self._columns: dict[str, Column] = {}
        self._arrays: dict[str, pa.Array] = {}
        # What the values of columns of JSON were before an operator had them.
        self._marks: dict[str, bytes | None] = {}

    def names(self) -> list[str]:
        """The fields that rows have, in order."""
        return list(self._about)

    def column(self, name: str) -> Column:
        """The values of a field; `MISSING` in rows that lack it."""
        known = self._columns.get(name)
        if known is None:
            known = self._columns[name] = self._values(self._about[name])
        return known

    def rows(self) -> list[Row]:
        """The rows, made anew; their values are those of the columns."""
        names = self.names()
        if not names:
            return [{} for _ in range(self.n_rows)]
        columns = [self.column(name) for name in names]
        for name in names:
            if self._about[name]["kind"] == "json" and name not in self._marks:
                self._marks[name] = _mark(self.column(name))
        rows = [dict(zip(names, values)) for values in zip(*columns)]  # noqa: B905
        for name in names:
            for number in self.absent(name):
                del rows[number][name]
        return rows

    def original(self, name: str, now: Column, parents: list[int] | None) -> Column:
        """What the values of a field were before operators changed lists and objects in place.

        `now`: what they are; if that is the same, it is what they were.
        """
        was = self.column(name)
        if name in self._marks:
            mark = self._marks[name]
            if parents is None and mark is not None and _mark(now) == mark:
                return now
            was = self._values(self._about[name])
        was = was if parents is None else [was[parent] for parent in parents]
        return now if name in self._marks and _is_same(now, was) else was

    def absent(self, name: str) -> list[int]:
        """The rows that lack a field."""
        return self._rows(self._about[name], "absent")

    def table(self) -> pa.Table:
        """The rows as a table, with null where a row lacks a field.

        Raises `pyarrow.ArrowInvalid` or `pyarrow.ArrowTypeError` if a field has values
        that no one type can hold.
        """
        import pyarrow as pa

        if not self._about:
            return pa.table({"": pa.nulls(self.n_rows)}).select([])
        return pa.table({name: self.array(name) for name in self._about})

    def array(self, name: str) -> pa.Array:
        """A column of the table."""
        known = self._arrays.get(name)
        if known is None:
            known = self._arrays[name] = self._array(self._about[name])
        return known

    def _rows(self, about: dict[str, Any], which: str) -> list[int]:
        return self._part(about[which]).cast("I").tolist() if which in about else []

    def _part(self, place: list[int]) -> memoryview:
        at, size = place
        return self._view[at : at + size]

    def _values(self, about: dict[str, Any]) -> Column:
        values: Column
        match about["kind"]:
            case "int":
                values = cast("Column", self._part(about["data"]).cast("q").tolist())
            case "float":
                values = cast("Column", self._part(about["data"]).cast("d").tolist())
            case "text":
                values = self._texts(about)
            case _:
                values = json.loads(str(self._part(about["data"]), "utf-8"))
        for number in self._rows(about, "nulls"):
            values[number] = None
        for number in self._rows(about, "absent"):
            values[number] = MISSING
        return values

    def _texts(self, about: dict[str, Any]) -> list[Any]:
        places = pairwise(self._part(about["offsets"]).cast("i").tolist())
        data = self._part(about["data"])
        if about.get("ascii"):
            # A character is a byte.
            whole = str(data, "ascii")
            return [whole[begin:end] for begin, end in places]
        return [str(data[begin:end], "utf-8") for begin, end in places]

    def _array(self, about: dict[str, Any]) -> pa.Array:
        import pyarrow as pa

        if about["kind"] == "json":
            column = self._values(about)
            return pa.array([None if value is MISSING else value for value in column])
        types = {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}
        # Not where they lie: the file is written anew for a later batch.
        buffers = [pa.py_buffer(bytes(self._part(about["data"])))]
        if about["kind"] == "text":
            buffers.insert(0, pa.py_buffer(bytes(self._part(about["offsets"]))))
        valid = pa.py_buffer(bytes(self._part(about["valid"]))) if "valid" in about else None
        return pa.Array.from_buffers(types[about["kind"]], self.n_rows, [valid, *buffers])


def _mark(values: Column) -> bytes | None:
    """The same for the same values, inside lists and objects too; `None` if there is none."""
    try:
        # Later versions tell apart whether equal objects are one object.
        return marshal.dumps(values, 2)
    except ValueError:
        return None


def _is_same(now: Column, was: Column) -> bool:
    if MISSING in was:
        if [one is MISSING for one in now] != [one is MISSING for one in was]:
            return False
        now = [None if one is MISSING else one for one in now]
        was = [None if one is MISSING else one for one in was]
    mark = _mark(was)
    return mark is not None and _mark(now) == mark


class Unwritable(Exception):
    """A value that cannot be handed to the engine; says of which field, and why."""


class Outgoing:
    """Changed columns on their way to the engine."""

    def __init__(self, row_bytes_max: int) -> None:
        self._row_bytes_max = row_bytes_max
        self._parts: list[Any] = []
        self._size = 0

    def encode(
        self, incoming: Incoming, rows: list[Row], parents: list[int] | None
    ) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """Columns of the changes, and the rows that cannot be written, with the reason.

        `parents`: for each row the number of the one that it came of; `None` if they
        are those that came in. A row that cannot be written has no changes.
        """
        columns = []
        unwritable: dict[int, str] = {}
        sizes = [0] * len(rows)
        names = incoming.names()
        now = {name: _field(rows, name) for name in names}
        for name in [*names, *_new_names(rows, now)]:
            values = now.get(name) or _field(rows, name)
            was: Sequence[Any] = [MISSING] * len(rows)
            if name in now:
                was = incoming.original(name, values, parents)
            if was is values or (name in now and all(map(is_, values, was))):
                continue
            kinds, new = self._changes(name, values, was, sizes, unwritable)
            if any(kinds):
                columns.append(self._column(name, kinds, new))
        return columns, unwritable

    def encode_table(
        self, incoming: Incoming, table: pa.Table, parents: list[int] | None
    ) -> list[dict[str, Any]] | None:
        """The same of a table; `None` if it has to be made into rows for that."""
        made = [
            column
            for name in dict.fromkeys([*incoming.names(), *table.column_names])
            if (column := self._table_column(incoming, table, parents, name)) is not _SAME_COLUMN
        ]
        # A row is no longer than all of them together.
        if None in made or self._size > self._row_bytes_max:
            return None
        return [column for column in made if column is not None]

    def _table_column(
        self, incoming: Incoming, table: pa.Table, parents: list[int] | None, name: str
    ) -> dict[str, Any] | None:
        n_rows = table.num_rows
        is_new = name not in incoming.names()
        if name not in table.column_names:
            kinds = bytearray([REMOVED]) * n_rows
            gone = set(incoming.absent(name))
            for number in range(n_rows) if gone else ():
                if (number if parents is None else parents[number]) in gone:
                    kinds[number] = SAME
            return self._column(name, kinds, [b""] * n_rows)
        new = tables.column(table, name)
        old = None if is_new else tables.taken(incoming.array(name), parents)
        if old is not None and old.type == new.type:
            if new.equals(old):
                return cast("dict[str, Any]", _SAME_COLUMN)
            if tables.is_text(new.type):
                return self._texts(name, tables.changed_texts(new, old))
        was = [MISSING] * n_rows
        if not is_new:
            column = incoming.column(name)
            was = column if parents is None else [column[parent] for parent in parents]
        unwritable: dict[int, str] = {}
        values = tables.values(new, old, was)
        kinds, written = self._changes(name, values, was, [0] * n_rows, unwritable)
        return None if unwritable else self._column(name, kinds, written)

    def _texts(self, name: str, changes: tuple[Any, Any, Any]) -> dict[str, Any]:
        kinds, offsets, data = changes
        return {
            "name": name,
            "kinds": self._add(kinds),
            "offsets": self._add(offsets),
            "data": self._add(data),
        }

    def numbers(self, values: list[int]) -> list[int]:
        """Adds 64-bit numbers; where they lie."""
        return self._add(array("q", values).tobytes())

    @property
    def size(self) -> int:
        """Bytes that are to be written."""
        return self._size

    def write(self, view: memoryview) -> None:
        """Writes all that was added to the beginning of `view`."""
        at = 0
        for part in self._parts:
            view[at : at + len(part)] = part
            at += len(part)

    def _changes(
        self,
        name: str,
        now: Column,
        was: Sequence[Any],
        sizes: list[int],
        unwritable: dict[int, str],
    ) -> tuple[bytearray, list[bytes]]:
        kinds = bytearray(len(now))
        values = [b""] * len(now)
        for number, (value, old) in enumerate(zip(now, was)):  # noqa: B905
            if value is old or number in unwritable:
                continue
            try:
                if value is MISSING:
                    kinds[number] = REMOVED
                elif type(value) is str:
                    if value != old:
                        kinds[number], values[number] = TEXT, value.encode()
                else:
                    text = as_json(value)
                    if type(old) is not type(value) or text != as_json(old):
                        kinds[number], values[number] = JSON, text.encode()
                sizes[number] += len(values[number])
                if sizes[number] > self._row_bytes_max:
                    raise Unwritable(f"the row would have more than {self._row_bytes_max} bytes")
            except (Unwritable, ValueError, TypeError, RecursionError) as error:
                unwritable[number] = f"the result cannot be handed over: `{name}`: {error}"
                kinds[number], values[number] = SAME, b""
        return kinds, values

    def _column(self, name: str, kinds: bytearray, values: list[bytes]) -> dict[str, Any]:
        offsets = array("q", accumulate(map(len, values), initial=0))
        return {
            "name": name,
            "kinds": self._add(kinds),
            "offsets": self._add(offsets.tobytes()),
            "data": self._add(b"".join(values)),
        }

    def _add(self, part: Any) -> list[int]:
        place = [self._size, len(part)]
        filling = -len(part) % 8
        self._parts += (part, b"\0" * filling) if filling else (part,)
        self._size += len(part) + filling
        return place


_SAME_COLUMN: Any = {}


def _field(rows: list[Row], name: str) -> Column:
    """A field of rows; `MISSING` in rows that lack it."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name, MISSING) for row in rows]


def _new_names(rows: list[Row], known: dict[str, Column]) -> list[str]:
    """The fields that are not known, in the order in which they first appear."""
    lengths = set(map(len, rows))
    if lengths <= {len(known)} and not any(MISSING in column for column in known.values()):
        return []
    new = set().union(*rows) - known.keys()
    return list(dict.fromkeys(name for row in rows for name in row if name in new)) if new else []


def as_json(value: Any) -> str:
    """A value as JSON; raises `TypeError` or `ValueError` if it has no such form."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> Any:
    """A value that JSON has no form for as one that it has: NumPy's and the like."""
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    for method in ("tolist", "item"):
        convert = getattr(value, method, None)
        if callable(convert) and type(value).__module__.partition(".")[0] == "numpy":
            return convert()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise TypeError(f"a value of type `{type(value).__name__}` has no form in JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain)
