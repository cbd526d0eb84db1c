"""Rows as columns in a mapped file, as Arrow lays them out.

A column that comes in has a kind:

| kind | buffers |
|---|---|
| `text` | 32-bit offsets, one more than rows, and UTF-8 |
| `json` | the same; each value is JSON, decoded when rows are made |
| `int`, `float` | 64-bit numbers |

Rows that have null there are listed in `nulls`, rows that lack the field in `absent`
(32-bit numbers); what the buffers hold for them is of no meaning. `valid` is the same as a bitmap.

Columns that go out hold changes only: a byte for each row says what was done to the
field (`SAME`, `TEXT`, `JSON`, `REMOVED`), 64-bit offsets say where the new value lies.
"""

from __future__ import annotations

import json
import math
from array import array
from itertools import accumulate
from operator import is_
from typing import TYPE_CHECKING, Any

from wrasse.outcome import Row

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
        self._about: list[dict[str, Any]] = message["columns"]
        self._view = view
        self._columns: dict[str, Column] | None = None
        # Of columns of JSON: operators may change what is within a value.
        self._json: dict[str, list[str]] = {}

    def columns(self) -> dict[str, Column]:
        """The columns as lists of values, by name."""
        if self._columns is None:
            self._columns = {about["name"]: self._column(about) for about in self._about}
        return self._columns

    def original(self, name: str) -> Column:
        """A column as it came, whatever was done within its values since."""
        values = self.columns()[name]
        texts = self._json.get(name)
        if texts is None:
            return values
        return [
            json.loads(text) if type(value) in (dict, list) else value
            for value, text in zip(values, texts)  # noqa: B905
        ]

    def rows(self) -> list[Row]:
        """The rows."""
        columns = self.columns()
        names = list(columns)
        if not names:
            return [{} for _ in range(self.n_rows)]
        rows = [dict(zip(names, values)) for values in zip(*columns.values())]  # noqa: B905
        for about in self._about:
            for number in self._rows(about, "absent"):
                del rows[number][about["name"]]
        return rows

    def absent(self) -> list[str]:
        """The fields that not all rows have."""
        return [about["name"] for about in self._about if about.get("absent")]

    def table(self) -> pa.Table:
        """The rows as a table; text and numbers are not copied."""
        import pyarrow as pa

        if not self._about:
            return pa.table({"": pa.nulls(self.n_rows)}).select([])
        return pa.table({about["name"]: self._array(about) for about in self._about})

    def _rows(self, about: dict[str, Any], which: str) -> list[int]:
        return self._part(about[which]).cast("I").tolist() if which in about else []

    def _part(self, place: list[int]) -> memoryview:
        at, size = place
        return self._view[at : at + size]

    def _column(self, about: dict[str, Any]) -> Column:
        values: Column
        match about["kind"]:
            case "int":
                values = self._part(about["data"]).cast("q").tolist()
            case "float":
                values = self._part(about["data"]).cast("d").tolist()
            case "text":
                values = self._texts(about)
            case _:
                texts = self._json[about["name"]] = self._texts(about)
                values = [json.loads(text) if text else None for text in texts]
        for number in self._rows(about, "nulls"):
            values[number] = None
        for number in self._rows(about, "absent"):
            values[number] = MISSING
        return values

    def _texts(self, about: dict[str, Any]) -> list[str]:
        offsets = self._part(about["offsets"]).cast("i").tolist()
        data = self._part(about["data"])
        whole = str(data, "utf-8")
        places = zip(offsets, offsets[1:])  # noqa: B905
        if len(whole) == len(data):
            # ASCII: a character is a byte.
            return [whole[begin:end] for begin, end in places]
        return [str(data[begin:end], "utf-8") for begin, end in places]

    def _array(self, about: dict[str, Any]) -> pa.Array:
        import pyarrow as pa

        if about["kind"] == "json":
            column = self._column(about)
            return pa.array([None if value is MISSING else value for value in column])
        types = {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}
        # Both a copy would be: the file is written anew for a later batch.
        buffers = [pa.py_buffer(bytes(self._part(about["data"])))]
        if about["kind"] == "text":
            buffers.insert(0, pa.py_buffer(bytes(self._part(about["offsets"]))))
        valid = pa.py_buffer(bytes(self._part(about["valid"]))) if "valid" in about else None
        return pa.Array.from_buffers(types[about["kind"]], self.n_rows, [valid, *buffers])


class Unwritable(Exception):
    """A value that cannot be handed to the engine; says of which field, and why."""


class Outgoing:
    """Changed columns on their way to the engine."""

    def __init__(self, row_bytes_max: int) -> None:
        self._row_bytes_max = row_bytes_max
        self._parts: list[bytes | bytearray] = []
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
        before = incoming.columns()
        for name in self._names(before, rows):
            now = [row.get(name, MISSING) for row in rows]
            was = incoming.original(name) if name in before else None
            if was is not None and parents is not None:
                was = [was[parent] for parent in parents]
            if was is None:
                was = [MISSING] * len(rows)
            if all(map(is_, now, was)):
                continue
            kinds, values = self._changes(name, now, was, sizes, unwritable)
            if any(kinds):
                columns.append(self._column(name, kinds, values))
        return columns, unwritable

    def numbers(self, values: list[int]) -> list[int]:
        """Adds 64-bit numbers; where they lie."""
        return self._add(array("q", values).tobytes())

    def parts(self) -> tuple[list[bytes | bytearray], int]:
        """What is to be written, and how many bytes that is."""
        return self._parts, self._size

    @staticmethod
    def _names(before: dict[str, Column], rows: list[Row]) -> list[str]:
        names = list(before)
        new = set().union(*rows) - before.keys()
        if new:
            names += dict.fromkeys(name for row in rows for name in row if name in new)
        return names

    def _changes(
        self,
        name: str,
        now: Column,
        was: Column,
        sizes: list[int],
        unwritable: dict[int, str],
    ) -> tuple[bytearray, list[bytes]]:
        kinds = bytearray(len(now))
        values = [b""] * len(now)
        for number, (value, old) in enumerate(zip(now, was)):  # noqa: B905
            if value is old:
                continue
            if number in unwritable:
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

    def _add(self, part: bytes | bytearray) -> list[int]:
        place = [self._size, len(part)]
        filling = -len(part) % 8
        self._parts += (part, b"\0" * filling) if filling else (part,)
        self._size += len(part) + filling
        return place


def as_json(value: Any) -> str:
    """A value as JSON; raises `TypeError` or `ValueError` if it has no such form."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)


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
