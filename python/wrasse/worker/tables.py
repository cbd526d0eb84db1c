"""Columns of Arrow tables: what of them has changed.

`pyarrow` is imported when there is a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from wrasse.worker.columns import Incoming


def column(table: pa.Table, name: str) -> pa.Array:
    """A column in one piece; of several of a name the last."""
    import pyarrow as pa

    found = table.column(table.column_names.index(name))
    if table.column_names.count(name) > 1:
        found = [one for one, its in zip(table.columns, table.column_names) if its == name][-1]  # noqa: B905
    if found.num_chunks == 1:
        return found.chunk(0)
    return pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)


def taken(array: pa.Array, parents: list[int] | None) -> pa.Array:
    """The values of the rows that others came of."""
    return array if parents is None else array.take(as_numbers(parents))


def as_numbers(numbers: list[int]) -> pa.Array:
    """Numbers as an array."""
    import pyarrow as pa

    return pa.array(numbers, pa.int64())


def is_text(of: pa.DataType) -> bool:
    """Whether values are texts that lie one behind the other."""
    import pyarrow as pa

    return bool(pa.types.is_string(of) or pa.types.is_large_string(of))


def differs(new: pa.Array, old: pa.Array) -> pa.Array:
    """For each row whether it has another value, or null instead of one."""
    import pyarrow.compute as pc

    is_other = pc.fill_null(pc.not_equal(new, old), False)
    return pc.or_(is_other, pc.xor(new.is_null(), old.is_null()))


def n_changed(after: pa.Table, before: pa.Table, name: str) -> int:
    """Rows that have another value in a field."""
    if name not in after.column_names or name not in before.column_names:
        return after.num_rows if name in before.column_names + after.column_names else 0
    new, old = column(after, name), column(before, name)
    if new.type != old.type:
        return after.num_rows
    if new.equals(old):
        return 0
    if not is_text(new.type):
        return sum(bool(one != other) for one, other in zip(new.to_pylist(), old.to_pylist()))  # noqa: B905
    return int(differs(new, old).true_count)


def changed_texts(new: pa.Array, old: pa.Array) -> tuple[Any, Any, Any]:
    """What was done to each row's text, and the new ones: kinds, offsets, data."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from wrasse.worker.columns import JSON, SAME, TEXT

    kinds = [pa.scalar(kind, pa.uint8()) for kind in (SAME, TEXT, JSON)]
    is_other = differs(new, old)
    what = pc.if_else(is_other, pc.if_else(new.is_null(), kinds[2], kinds[1]), kinds[0])
    # A text that has become null is the JSON `null`.
    texts = pc.if_else(is_other, pc.fill_null(new, "null"), pa.scalar("", new.type))
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    n_bytes = pc.sum(pc.binary_length(texts)).as_py() or 0
    n_rows = len(new)
    return (
        memoryview(what.buffers()[1]).cast("B")[:n_rows],
        memoryview(offsets).cast("B")[: 8 * (n_rows + 1)],
        memoryview(data or b"").cast("B")[:n_bytes],
    )


def values(new: pa.Array, old: pa.Array | None, was: Sequence[Any]) -> list[Any]:
    """The values of a column as Python has them.

    `was`: what a row had before, or `MISSING`. A value that has not changed is the same
    object, and null where there was nothing stays nothing.
    """
    from wrasse.worker.columns import MISSING

    now: list[Any] = new.to_pylist()
    if old is None:
        return now
    if old.type == new.type:
        before = old.to_pylist()
        return [
            had if value == one or (value is None and had is MISSING) else value
            for value, one, had in zip(now, before, was)  # noqa: B905
        ]
    return [
        MISSING if value is None and had is MISSING else value
        for value, had in zip(now, was)  # noqa: B905
    ]


def rows(incoming: Incoming, table: pa.Table, parents: list[int] | None) -> list[dict[str, Any]]:
    """The rows of a table that came of other rows."""
    from wrasse.worker.columns import MISSING

    # Their lists and objects are changed from now on: they are the rows' own.
    incoming.rows()
    names = list(dict.fromkeys(table.column_names))
    is_cut = parents is not None and len(set(parents)) < len(parents)
    made: list[dict[str, Any]] = [{} for _ in range(table.num_rows)]
    for name in names:
        new = column(table, name)
        if name in incoming.names():
            had = incoming.column(name)
            was = had if parents is None else [had[parent] for parent in parents]
            now = values(new, taken(incoming.array(name), parents), was)
        else:
            now = new.to_pylist()
        for row, value in zip(made, now):  # noqa: B905
            if value is not MISSING:
                row[name] = copied(value) if is_cut else value
    return made


def copied(value: Any) -> Any:
    """A value that no other row has."""
    from copy import deepcopy

    return deepcopy(value) if isinstance(value, dict | list) else value
