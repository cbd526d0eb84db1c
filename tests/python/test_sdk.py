"""Operators as a user writes them: classes and decorated functions, rows and tables."""

from __future__ import annotations

import enum
import json
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import wrasse
from wrasse import Dropped, Failed, Filter, Kept, Mapper, Range, Sliced, Slicer


class AddSuffix(Mapper):
    suffix: str
    times: Annotated[int, Range(1, 10)] = 1

    def map(self, row: dict) -> dict:
        if row["text"] is None:
            raise ValueError("no text")
        row["text"] += self.suffix * self.times
        return row


class LongEnough(Filter):
    min_len: int = 3

    def measure(self, row: dict) -> dict:
        return {"len": len(row["text"])}

    def keep(self, row: dict, stats: dict) -> bool:
        return stats["len"] >= self.min_len


class Words(Slicer):
    def slice(self, row: dict) -> Iterator[dict]:
        for word in row["text"].split():
            yield {**row, "text": word}


class Upper(Mapper):
    def map_batch(self, table: pa.Table) -> pa.Table:
        if pc.any(pc.match_substring(table["text"], "poison")).as_py():
            raise RuntimeError("poison")
        at = table.schema.get_field_index("text")
        return table.set_column(at, "text", pc.utf8_upper(table["text"]))


class LongEnoughBatch(Filter):
    def keep_batch(self, table: pa.Table) -> pa.BooleanArray:
        return pc.greater(pc.utf8_length(table["text"]), 2)


class Twice(Slicer):
    def slice_batch(self, table: pa.Table) -> tuple[pa.Table, list[int]]:
        parents = [i for i in range(table.num_rows) for _ in range(2)]
        return table.take(parents), parents


def texts(*values: Any) -> list[dict]:
    return [{"text": value} for value in values]


def test_a_mapper_keeps_rows_and_fails_the_one_that_raises() -> None:
    outcomes = AddSuffix(suffix="!", times=2).apply(texts("a", None, "b"))
    assert [type(one) for one in outcomes] == [Kept, Failed, Kept]
    assert outcomes[2] == Kept({"text": "b!!"})
    failed = outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.reason == "ValueError: no text"
    # The operator's own frame, and nothing of ours above it.
    assert 'raise ValueError("no text")' in failed.traceback
    assert "_apply_rows" not in failed.traceback


def test_a_filter_tells_what_it_measured() -> None:
    outcomes = LongEnough().apply(texts("four", "12"))
    assert outcomes == [Kept({"text": "four"}, {"len": 4}), Dropped({"text": "12"}, {"len": 2})]


def test_a_slicer_gives_any_number_of_rows() -> None:
    outcomes = Words().apply(texts("a b", "", None))
    assert outcomes[:2] == [Sliced(texts("a", "b")), Sliced([])]
    assert isinstance(outcomes[2], Failed)


def test_tables_are_mapped_filtered_and_sliced() -> None:
    rows = texts("abc", "d")
    assert Upper().apply(rows) == [Kept({"text": "ABC"}), Kept({"text": "D"})]
    assert LongEnoughBatch().apply(rows) == [Kept({"text": "abc"}), Dropped({"text": "d"})]
    assert Twice().apply(rows) == [Sliced(texts("abc", "abc")), Sliced(texts("d", "d"))]
    assert Upper().takes_batches
    assert not AddSuffix(suffix="").takes_batches


def test_a_batch_that_raises_is_halved_down_to_the_row_to_blame() -> None:
    outcomes = Upper().apply(texts("a", "b", "poison", "c", "d"))
    assert [type(one) for one in outcomes] == [Kept, Kept, Failed, Kept, Kept]
    assert outcomes[4] == Kept({"text": "D"})


def test_tables_need_no_rows() -> None:
    table = pa.table({"text": ["a", "poison", "bcd", "e"]})
    result = Upper().apply_table(table)
    assert result.table.to_pylist() == texts("A", "BCD", "E")
    assert (result.parents, result.dropped, list(result.failed)) == ([0, 2, 3], [], [1])
    assert result.failed[1].reason == "RuntimeError: poison"
    assert "apply_table" not in result.failed[1].traceback
    result = LongEnoughBatch().apply_table(table)
    assert result.table.to_pylist() == texts("poison", "bcd")
    assert (result.parents, result.dropped) == ([1, 2], [0, 3])
    result = Twice().apply_table(table.slice(0, 1))
    assert (result.table.num_rows, result.parents) == (2, [0, 0])
    whole = LongEnoughBatch().apply_table(table.slice(1, 2))
    assert whole.parents is None and whole.table.num_rows == 2
    assert Upper().apply_table(table.slice(0, 0)).table.num_rows == 0


def test_rows_that_fit_into_no_table_fail_alone() -> None:
    outcomes = LongEnoughBatch().apply([{"text": "abc"}, {"text": 5}, {"text": "d"}])
    assert [type(one) for one in outcomes] == [Kept, Failed, Dropped]


def test_rows_of_different_fields_become_one_table() -> None:
    @wrasse.mapper(batch=True)
    def same(table: Any) -> Any:
        return table

    outcomes = same.bind().apply([{"a": 1}, {"b": "x"}])
    assert outcomes == [Kept({"a": 1}), Kept({"b": "x"})]
    assert same.bind().apply([{}, {}]) == [Kept({}), Kept({})]
    assert same.bind().apply([]) == []


def test_what_is_no_result_is_a_failure() -> None:
    @wrasse.mapper
    def nothing(row: dict) -> None:
        row["text"] = ""

    @wrasse.filter
    def unclear(row: dict) -> str:
        return "yes"

    @wrasse.mapper
    def fewer(table: pa.Table) -> pa.Table:
        return table.slice(1)

    (failed,) = nothing.bind().apply(texts("a"))
    assert isinstance(failed, Failed) and "`map` returned NoneType" in failed.reason
    (failed,) = unclear.bind().apply(texts("a"))
    assert isinstance(failed, Failed) and "`keep` returned str" in failed.reason
    for one in fewer.bind().apply(texts("a", "b")):
        assert isinstance(one, Failed) and "0 values for 1 rows" in one.reason


def test_an_exit_costs_its_row() -> None:
    @wrasse.mapper
    def leave(row: dict) -> dict:
        sys.exit(3)

    (failed,) = leave.bind().apply(texts("a"))
    assert isinstance(failed, Failed)
    assert failed.reason == "SystemExit: 3"


def test_functions_are_operators_and_still_functions() -> None:
    @wrasse.mapper
    def cut(row: dict, *, at: int = 2) -> dict:
        return {**row, "text": row["text"][:at]}

    assert cut({"text": "abc"}, at=1) == {"text": "a"}
    assert cut.bind(at=1).apply(texts("abc")) == [Kept({"text": "a"})]
    assert (cut.bind().name, cut.bind().params, cut.bind().kind) == ("cut", {"at": 2}, "mapper")
    with pytest.raises(wrasse.ParameterError, match="did you mean `at`"):
        cut.bind(att=1)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Mapper):
    count: Annotated[int, Range(min=1)]
    share: float = 0.5
    flag: bool = False
    words: list[str] = []
    pair: tuple[int, str] | None = None
    color: Color = Color.RED
    form: Literal["nfc", "nfkc"] = "nfc"
    limits: dict[str, int] = {}
    path: Path = Path("x")
    _hidden: int = 0

    def map(self, row: dict) -> dict:
        return row


def test_values_become_what_their_types_say() -> None:
    op = Everything(count=1, share=1, pair=[1, "a"], color="blue", path="a/b")
    assert (op.share, type(op.share)) == (1.0, float)
    assert (op.pair, op.color, op.path) == ((1, "a"), Color.BLUE, Path("a/b"))
    assert op.words is not Everything(count=1).words
    assert "_hidden" not in op.params


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "`count` is missing: integer from 1"),
        ({"count": "1"}, "`count`: expected integer from 1, found string `'1'`"),
        ({"count": 0}, "`count`: expected integer from 1, found integer `0`"),
        ({"count": True}, "expected integer from 1, found true or false"),
        ({"count": 1, "flag": 1}, "`flag`: expected true or false, found integer"),
        ({"count": 1, "words": ["a", 1]}, r"`words`: \[1\]: expected string, found integer"),
        ({"count": 1, "words": "ab"}, "`words`: expected list of string, found string"),
        ({"count": 1, "pair": [1]}, "`pair`: expected list of integer or string or null"),
        ({"count": 1, "color": "green"}, "expected `red` or `blue`, found string"),
        ({"count": 1, "form": "nfd"}, "expected `nfc` or `nfkc`"),
        ({"count": 1, "limits": {"a": "b"}}, r"`limits`: \['a'\]: expected integer"),
        ({"count": 1, "_hidden": 1}, "there is no parameter `_hidden`"),
        ({"count": 1, "shares": 1}, "did you mean `share`"),
    ],
)
def test_wrong_parameters_are_told(given: dict, message: str) -> None:
    with pytest.raises(wrasse.ParameterError, match=message):
        Everything(**given)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(wrasse.ParameterError) as caught:
        Everything(share="x", flg=True)
    assert len(caught.value.problems) == 3


def test_a_class_without_its_method_is_no_operator() -> None:
    class Neither(Mapper):
        pass

    class Both(AddSuffix):
        def map_batch(self, table: pa.Table) -> pa.Table:
            return table

    with pytest.raises(wrasse.DeclarationError, match="neither of `map` and `map_batch`"):
        Neither()
    with pytest.raises(wrasse.DeclarationError, match="both of `map` and `map_batch`"):
        Both(suffix="")


@wrasse.mapper
def cut_to(row: dict, *, at: int = 2) -> dict:
    return {"text": row["text"][:at]}


def test_what_is_sent_between_processes_survives_it() -> None:
    error = wrasse.ParameterError("op", ["a", "b"])
    for one in [Kept({"a": 1}), Sliced([]), error, wrasse.MissingPackage("x", "y")]:
        copied = pickle.loads(pickle.dumps(one))
        assert str(copied) == str(one)
    op = pickle.loads(pickle.dumps(AddSuffix(suffix="?")))
    assert op.apply(texts("a")) == [Kept({"text": "a?"})]
    op = pickle.loads(pickle.dumps(cut_to.bind(at=1)))
    assert (op.name, op.apply(texts("abc"))) == ("cut_to", [Kept({"text": "a"})])


@contextmanager
def model(*answers: tuple[int, str | None]) -> Iterator[tuple[str, list[dict]]]:
    """A server that gives these statuses and answers in turn, then echoes what it is asked."""
    waiting, asked = list(answers), []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                asked.append(body)
                status, text = waiting.pop(0) if waiting else (200, None)
            text = f"echo {body['messages'][0]['content']}" if text is None else text
            answer = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}/v1/chat/completions", asked
        finally:
            http.shutdown()
            thread.join()


class Ask(wrasse.LLM):
    def prompt(self, row: dict) -> str:
        return row["text"]


def test_answers_come_to_their_rows() -> None:
    with model() as (url, asked):
        op = Ask(url=url, model="m", options={"temperature": 0}, concurrency=4)
        outcomes = op.apply(texts(*(f"q{i}" for i in range(20)), None))
    assert outcomes[:20] == [Kept({"text": f"q{i}", "answer": f"echo q{i}"}) for i in range(20)]
    assert asked[0]["model"] == "m" and asked[0]["temperature"] == 0


def test_an_overloaded_model_is_asked_again_and_a_refusal_is_not() -> None:
    with model((503, ""), (429, "")) as (url, asked):
        assert Ask(url=url, model="m").apply(texts("a")) == [
            Kept({"text": "a", "answer": "echo a"})
        ]
        assert len(asked) == 3
    with model((400, "bad")) as (url, asked):
        (failed,) = Ask(url=url, model="m").apply(texts("a"))
        assert isinstance(failed, Failed) and "answered 400" in failed.reason
        assert len(asked) == 1


def test_a_key_that_is_not_set_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(wrasse.ParameterError, match="`SOME_KEY` is not set"):
        Ask(url="http://127.0.0.1:1/", model="m", api_key_env="SOME_KEY")
