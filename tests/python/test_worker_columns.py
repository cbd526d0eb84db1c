"""Rows on their way through a worker: as the engine lays them down, and what goes back.

The engine's side is played here; `crates/wrasse-pyhost/src/columns.rs` is the real one.
"""

from __future__ import annotations

import copy
import json
import random
from array import array
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from wrasse import Filter, Mapper, Slicer
from wrasse.worker import chain
from wrasse.worker.columns import JSON, REMOVED, SAME, TEXT, Incoming, Outgoing

Row = dict[str, Any]

LIMIT = 1 << 20


def incoming(rows: list[Row]) -> Incoming:
    """A batch as the engine sends it."""
    buffer = bytearray()

    def add(part: bytes) -> list[int]:
        at = len(buffer)
        buffer.extend(part + b"\0" * (-len(part) % 8))
        return [at, len(part)]

    columns = []
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        absent = [number for number, row in enumerate(rows) if name not in row]
        nulls = [n for n, row in enumerate(rows) if name in row and row[name] is None]
        types = {type(one) for one in values if one is not None}
        about: dict[str, Any] = {"name": name, "kind": "json"}
        if types == {str} and all(one.isprintable() or one.isascii() for one in values if one):
            parts = [(one or "").encode() for one in values]
            ends = [sum(map(len, parts[:number])) for number in range(len(parts) + 1)]
            about |= {"kind": "text", "data": add(b"".join(parts))}
            about["offsets"] = add(array("I", ends).tobytes())
            about["ascii"] = b"".join(parts).isascii()
        elif types in ({int}, {float}):
            kind = "int" if types == {int} else "float"
            code = "q" if types == {int} else "d"
            about |= {"kind": kind, "data": add(array(code, [v or 0 for v in values]).tobytes())}
        else:
            about["data"] = add(json.dumps(values).encode())
        for key, numbers in (("absent", absent), ("nulls", nulls)):
            if numbers:
                about[key] = add(array("I", numbers).tobytes())
        if absent or nulls:
            bits = bytearray(b"\xff" * (-(-len(rows) // 8)))
            for number in absent + nulls:
                bits[number // 8] &= ~(1 << number % 8)
            about["valid"] = add(bytes(bits))
        columns.append(about)
    message = {"rows": len(rows), "columns": columns}
    return Incoming(message, memoryview(bytes(buffer)))


def through(rows: list[Row], *operators: Any) -> tuple[list[Row], chain.Result, set[str]]:
    """The rows as the engine has them afterwards, and the fields of which it was sent changes."""
    batch = incoming(rows)
    progress = chain.Progress(memoryview(bytearray(64)))
    result = chain.run(list(operators), batch, progress, "text")
    outgoing = Outgoing(LIMIT)
    columns = None
    if result.table is not None:
        columns = outgoing.encode_table(batch, result.table, result.parents)
    if columns is None:
        result.into_rows(batch)
        outgoing = Outgoing(LIMIT)
        columns, unwritable = outgoing.encode(batch, result.rows, result.parents)
        assert not unwritable
    n_rows = len(result.rows) if result.table is None else result.table.num_rows
    parents = range(n_rows) if result.parents is None else result.parents
    made = [copy.deepcopy(rows[parent]) for parent in parents]
    answer = bytearray(outgoing.size)
    outgoing.write(memoryview(answer))

    def part(place: list[int]) -> bytes:
        return bytes(answer[place[0] : place[0] + place[1]])

    for column in columns:
        name, kinds = column["name"], part(column["kinds"])
        offsets = memoryview(part(column["offsets"])).cast("q").tolist()
        data = part(column["data"])
        assert len(kinds) == n_rows
        assert len(offsets) == n_rows + 1
        for number, row in enumerate(made):
            value = data[offsets[number] : offsets[number + 1]].decode()
            match kinds[number]:
                case 1:
                    row[name] = value
                case 2:
                    row[name] = json.loads(value)
                case 3:
                    del row[name]
    assert (SAME, TEXT, JSON, REMOVED) == (0, 1, 2, 3)
    return made, result, {column["name"] for column in columns}


class Change(Mapper):
    """Does to rows what a function says."""

    do: Any

    def map(self, row: Row) -> Row:
        return self.do(row)


class ChangeTable(Mapper):
    do: Any

    def map_batch(self, table: pa.Table) -> pa.Table:
        return self.do(table)


class KeepTable(Filter):
    def keep_batch(self, table: pa.Table) -> pa.Array:
        return pc.less(pc.utf8_length(table["text"]), 3)


class TwiceTable(Slicer):
    def slice_batch(self, table: pa.Table) -> tuple[pa.Table, list[int]]:
        numbers = [number for number in range(table.num_rows) for _ in range(2)]
        return table.take(numbers), numbers


def same(one: Any) -> Any:
    return one


def shout(table: pa.Table) -> pa.Table:
    at = table.column_names.index("text")
    return table.set_column(at, "text", pc.utf8_upper(table["text"]))


def row_of(seed: random.Random) -> Row:
    values = [
        lambda: seed.choice(["", "a", "é", "文" * 3, "two\nlines", "x" * 50, "😀"]),
        lambda: seed.randrange(-5, 5),
        lambda: seed.random(),
        lambda: None,
        lambda: seed.choice([True, False]),
        lambda: {"a": seed.randrange(3), "b": [1, None], "c": {"d": "é"}},
        lambda: [seed.randrange(3)],
    ]
    row: Row = {"text": values[0]()}
    for name, choice in (("t", 0), ("i", 1), ("f", 2), ("j", 5)):
        if seed.random() < 0.8:
            row[name] = (
                seed.choice([values[choice], values[3]])()
                if seed.random() < 0.5
                else (values[choice]())
            )
    if seed.random() < 0.3:
        row["any"] = seed.choice(values)()
    return row


def exact(rows: list[Row]) -> list[str]:
    """Rows so that 1, 1.0 and true differ, and so do other orders of nested keys."""
    return [json.dumps(dict(sorted(row.items()))) for row in rows]


@pytest.mark.parametrize("seed", range(40))
def test_rows_come_through_as_they_are(seed: int) -> None:
    rows = [row_of(random.Random(seed * 100 + n)) for n in range(random.Random(seed).randrange(9))]
    for operators in ([Change(do=same)], [ChangeTable(do=same)] * 2, []):
        if rows or operators:
            made, _, changed = through(rows, *operators)
            assert exact(made) == exact(rows)
            assert changed == set(), "nothing was changed, and nothing is sent"


@pytest.mark.parametrize("seed", range(40))
def test_changes_of_rows_come_back(seed: int) -> None:
    rows = [row_of(random.Random(seed * 100 + n)) for n in range(8)]

    def change(row: Row) -> Row:
        pick = random.Random(repr(sorted(row.items())))
        for name in sorted(row):
            match pick.randrange(8):
                case 0:
                    row[name] = row_of(pick).get("any", "new")
                case 1:
                    del row[name]
                case 2:
                    row[f"new {name}"] = row_of(pick).get("i")
                case 3 if isinstance(row[name], dict):
                    row[name]["a"] = 9
        return row

    expected = [change(copy.deepcopy(row)) for row in rows]
    made, result, _ = through(rows, Change(do=change))
    assert exact(made) == exact(expected)
    texts = [old["text"] != new.get("text") for old, new in zip(rows, made, strict=True)]
    assert result.counts[0].changed == sum(texts)
    # The same behind an operator that takes tables.
    made, _, _ = through(rows, ChangeTable(do=same), Change(do=change))
    assert exact(made) == exact(expected)


@pytest.mark.parametrize("seed", range(40))
def test_changes_of_tables_come_back(seed: int) -> None:
    rows = [row_of(random.Random(seed * 100 + n)) for n in range(8)]
    for row in rows:
        row.pop("any", None)
    expected = [{**row, "text": row["text"].upper()} for row in rows]
    made, result, changed = through(rows, ChangeTable(do=shout))
    assert exact(made) == exact(expected)
    assert changed <= {"text"}
    assert result.counts[0].changed == sum(r["text"] != r["text"].upper() for r in rows)
    kept = [row for row in expected if len(row["text"]) < 3]
    made, result, _ = through(rows, ChangeTable(do=shout), KeepTable(), ChangeTable(do=same))
    assert exact(made) == exact(kept)
    assert result.counts[1].dropped == len(rows) - len(kept) == len(result.dropped)
    made, result, _ = through(rows, ChangeTable(do=shout), TwiceTable(), KeepTable())
    assert exact(made) == exact([row for row in kept for _ in range(2)])
    assert result.counts[1].sliced == len(rows)


def test_a_list_that_was_changed_in_place_goes_back_and_others_do_not() -> None:
    rows = [{"text": "a", "meta": {"n": [1]}}, {"text": "b", "meta": {"n": [2]}}]

    def change(row: Row) -> Row:
        if row["text"] == "b":
            row["meta"]["n"].append(True)
        return row

    made, _, changed = through(rows, Change(do=change))
    assert exact(made) == exact([rows[0], {"text": "b", "meta": {"n": [2, True]}}])
    assert changed == {"meta"}


def test_pieces_of_one_row_do_not_share_their_objects() -> None:
    rows = [{"text": "a", "meta": {"n": 0}}]
    seen = []

    def change(row: Row) -> Row:
        seen.append(row["meta"]["n"])
        row["meta"]["n"] += 1
        return row

    made, _, _ = through(rows, TwiceTable(), Change(do=change))
    assert seen == [0, 0]
    assert [row["meta"] for row in made] == [{"n": 1}, {"n": 1}]


def test_objects_of_other_shapes_keep_theirs_in_a_table() -> None:
    rows = [{"text": "a", "meta": {"x": 1}}, {"text": "b", "meta": {"y": 2}}, {"text": "c"}]
    made, _, changed = through(rows, ChangeTable(do=shout))
    assert [row.get("meta") for row in made] == [{"x": 1}, {"y": 2}, None]
    assert changed == {"text"}
    assert "meta" not in made[2]


def test_null_and_nothing_stay_apart_in_tables() -> None:
    rows: list[Row] = [{"text": "a", "t": None}, {"text": "b"}, {"text": "c", "t": "x"}]

    def swap(table: pa.Table) -> pa.Table:
        return table.set_column(1, "t", pa.array([None, None, None], pa.string()))

    made, _, _ = through(rows, ChangeTable(do=swap))
    assert made == [{"text": "a", "t": None}, {"text": "b"}, {"text": "c", "t": None}]

    def fill(table: pa.Table) -> pa.Table:
        return table.set_column(1, "t", pa.array(["é", None, ""], pa.string()))

    made, _, _ = through(rows, ChangeTable(do=fill))
    assert made == [{"text": "a", "t": "é"}, {"text": "b"}, {"text": "c", "t": ""}]


def test_columns_of_a_table_may_come_go_and_change_their_type() -> None:
    rows: list[Row] = [{"text": "a", "i": 1, "gone": 1}, {"text": "b"}]

    def change(table: pa.Table) -> pa.Table:
        table = table.drop_columns(["gone"]).append_column("new", pa.array([None, [1]]))
        return table.set_column(1, "i", pc.cast(table["i"], pa.float64()))

    made, _, _ = through(rows, ChangeTable(do=change))
    assert exact(made) == exact([{"text": "a", "i": 1.0, "new": None}, {"text": "b", "new": [1]}])


def test_rows_that_fit_into_no_table_are_given_in_parts() -> None:
    rows: list[Row] = [{"text": "a", "any": "x"}, {"text": "b", "any": {"y": 1}}]
    made, result, _ = through(rows, ChangeTable(do=shout))
    assert [row["text"] for row in made] == ["A", "B"]
    assert [row["any"] for row in made] == ["x", {"y": 1}]
    assert not result.failed


def test_what_cannot_be_written_is_said_of_its_row() -> None:
    rows: list[Row] = [{"text": "a"}, {"text": "b"}, {"text": "c" * (LIMIT + 1)}]
    batch = incoming(rows)

    def change(row: Row) -> Row:
        return {**row, "new": object() if row["text"] == "a" else row["text"]}

    progress = chain.Progress(memoryview(bytearray(64)))
    result = chain.run([Change(do=change)], batch, progress, "text")
    _, unwritable = Outgoing(LIMIT).encode(batch, result.rows, result.parents)
    assert sorted(unwritable) == [0, 2]
    assert "`new`: a value of type `object`" in unwritable[0]
    assert "more than" in unwritable[2]
    batch = incoming(rows)
    result = chain.run([ChangeTable(do=shout)], batch, progress, "text")
    assert result.table is not None
    assert Outgoing(LIMIT).encode_table(batch, result.table, result.parents) is None


def test_the_row_at_work_can_be_seen() -> None:
    view = memoryview(bytearray(64))
    seen = []

    def look(row: Row) -> Row:
        seen.append(view[:32].cast("q").tolist()[1:3])
        return row

    class Drop(Filter):
        def keep(self, row: Row) -> bool:
            return row["text"] != "b"

    rows = [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    progress = chain.Progress(view)
    progress.begin(7)
    chain.run([Drop(), Change(do=look)], incoming(rows), progress, "text")
    assert view[:32].cast("q").tolist()[0] == 7
    assert seen == [[1, 0], [1, 2]], "operator, and the number of the row in the batch"
