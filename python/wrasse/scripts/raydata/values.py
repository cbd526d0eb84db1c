"""Values of rows: what may go from step to step, and what a run can carry.

Between functions of one run any object goes. What a run reads, writes and hands to other
processes is JSON: text, numbers, booleans, null, lists and objects of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def plain_row(row: Mapping[str, Any]) -> Row:
    """A row of JSON's values; raises `TypeError` with the field that has another."""
    return {str(name): _plain(value, str(name)) for name, value in row.items()}


def _plain(value: Any, name: str) -> Any:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        # NaN is null, as in what Ray Data writes.
        if math.isinf(value):
            raise TypeError(f"`{name}` is infinite, which a run of Wrasse does not carry")
        return None if value != value else value
    if isinstance(value, Mapping):
        return {str(key): _plain(one, f"{name}.{key}") for key, one in value.items()}
    if kind is list or kind is tuple:
        return [_plain(one, name) for one in value]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        # NumPy's arrays and numbers.
        if value.dtype.kind in "mM":
            raise _other(name, f"numpy.{value.dtype}")
        return _plain(value.tolist(), name)
    if isinstance(value, str | bool | int | float):
        base = next(one for one in (str, bool, int, float) if isinstance(value, one))
        return _plain(base(value), name)
    raise _other(name, kind.__name__)


def _other(name: str, kind: str) -> TypeError:
    return TypeError(
        f"`{name}` is a `{kind}`; a run of Wrasse carries text, numbers, booleans, null, lists "
        "and objects of them: make it one of these, as in `str(value)`"
    )


def refused_type(kind: pa.DataType) -> pa.DataType | None:
    """The part of an Arrow type that a run cannot carry, if there is one."""
    import pyarrow.types as types

    if types.is_struct(kind):
        inner = [kind.field(at).type for at in range(kind.num_fields)]
        return next((bad for one in inner if (bad := refused_type(one)) is not None), None)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return refused_type(kind.value_type)
    if types.is_dictionary(kind):
        return refused_type(kind.value_type)
    is_carried = (
        types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_float32(kind)
        or types.is_float64(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
    )
    return None if is_carried else kind


def filled(rows: list[Row], names: Iterable[str] = ()) -> list[Row]:
    """Rows that all have the fields that any has; null where one has none."""
    known = dict.fromkeys(names)
    for row in rows:
        known.update(dict.fromkeys(row))
    return [row if len(row) == len(known) else {**known, **row} for row in rows]


def filled_as_they_come(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows that have the fields that were seen so far."""
    known: Row = {}
    for row in rows:
        if row.keys() != known.keys():
            known.update(dict.fromkeys(one for one in row if one not in known))
        yield row if len(row) == len(known) else {**known, **row}


def to_table(rows: list[Row]) -> pa.Table:
    """Rows as a table with all their fields."""
    import pyarrow as pa

    return pa.Table.from_pylist(filled(rows))
