"""Operator folders of DataMate, as they are, and what they import."""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import wrasse
from wrasse import Dropped, Failed, Kept, Sliced, compat
from wrasse.operators import load

FOLDERS = Path(__file__).parent / "operators"
CASES = ROOT.parent / "shared" / "conformance" / "datamate" / "TextSplitter.jsonl"


@pytest.fixture
def results() -> Iterator[list[tuple[str, dict]]]:
    """DataMate's modules, and all that they tell."""
    told: list[tuple[str, dict]] = []
    compat.install(on_result=lambda kind, record: told.append((kind, record)))
    yield told
    compat.uninstall()


@pytest.fixture
def strict() -> Iterator[list[tuple[str, dict]]]:
    """The same, with the original's behavior."""
    told: list[tuple[str, dict]] = []
    compat.install(strict=True, on_result=lambda kind, record: told.append((kind, record)))
    yield told
    compat.uninstall()


def folder(name: str, **given: Any) -> wrasse.Operator:
    return load(str(FOLDERS / name), given)


def texts(*values: Any) -> list[dict]:
    return [{"text": value} for value in values]


def a_file(folder: Path, name: str, text: str) -> dict:
    """A sample as DataMate makes it of a file."""
    path = folder / name
    path.write_text(text)
    file_type = path.suffix[1:]
    return {
        "fileId": f"id-{name}",
        "fileName": name,
        "filePath": str(path),
        "fileType": file_type,
        "fileSize": len(text),
        "sourceFileId": f"id-{name}",
        "sourceFileName": name,
        "sourceFileType": file_type,
        "sourceFileSize": len(text),
        "dataset_id": "d",
        "instance_id": "i",
        "export_path": str(folder / "out"),
        "execute_result": None,
    }


def test_a_mapper_works_on_rows_and_leaves_their_other_fields(results: list) -> None:
    op = folder("mask_digits")
    assert (op.name, op.kind) == ("MaskDigits", "mapper")
    outcomes = op.apply([{"text": "call 555 in 1999", "id": 7}, *texts("42", None)])
    assert outcomes == [
        Kept({"text": "call *** in ****", "id": 7}),
        Kept({"text": "42"}),
        Kept({"text": ""}),
    ]
    assert results == []


def test_a_failure_is_a_traceback_and_a_record(results: list) -> None:
    (failed, kept) = folder("mask_digits").apply(texts("poison", "1"))
    assert isinstance(failed, Failed)
    assert failed.reason == "LookupError: poisonous text"
    assert 'raise LookupError("poisonous text")' in failed.traceback
    assert kept == Kept({"text": "*"})
    ((kind, record),) = results
    assert (kind, record["status"]) == ("clean_result", "FAILED")
    reason = json.loads(record["result"])
    assert (reason["op_name"], reason["error_code"]) == ("MaskDigits", "ops.9999")
    assert "poisonous text" in reason["reason"]


def test_settings_are_checked_and_switches_are_what_they_say(results: list) -> None:
    assert folder("mask_digits").apply(texts("1999")) == [Kept({"text": "****"})]
    for on in (True, "true"):
        assert folder("mask_digits", keepYears=on).apply(texts("1999")) == [Kept({"text": "1999"})]
    with pytest.raises(wrasse.ParameterError) as caught:
        folder("mask_digits", maxDigits=21, keepYear=True, keepYears="maybe")
    assert caught.value.problems == [
        "`maxDigits`: expected a number from 1 to 20, found `21`",
        "there is no setting `keepYear`; did you mean `keepYears`?",
        "`keepYears`: expected true or false, found `maybe`",
    ]


def test_a_filter_drops_by_emptying_the_sample(results: list) -> None:
    outcomes = folder("short_file_filter").apply(texts("long enough", "no", "x" * 13))
    assert outcomes[:2] == [Kept({"text": "long enough"}), Dropped({"text": "no"})]
    assert isinstance(outcomes[2], Failed)
    assert outcomes[2].reason == "ValueError: an unlucky length"
    # Both have a record: the one that was dropped, and the one that failed.
    assert [record["status"] for _, record in results] == ["COMPLETED", "FAILED"]


def test_a_filter_decides_by_a_bool(results: list) -> None:
    outcomes = folder("says_yes_or_no").apply(texts("oh yes", "no"))
    assert outcomes == [Kept({"text": "oh yes"}), Dropped({"text": "no"})]


def test_a_range_has_the_default_of_its_parts(results: list) -> None:
    assert folder("short_file_filter").params["fileLength"] == [5, 20]
    assert folder("short_file_filter", fileLength=[1, ""]).params["fileLength"] == [1, ""]
    with pytest.raises(wrasse.ParameterError, match="expected a number from 0 to 1000"):
        folder("short_file_filter", fileLength=[0, 2000])


def test_a_slicer_gives_samples(results: list) -> None:
    (sliced,) = folder("line_slicer").apply([{"text": "a\nb", "id": 1}])
    assert sliced == Sliced(
        [
            {"text": "a", "id": 1, "line": 1, "fileNum": 2},
            {"text": "b", "id": 1, "line": 2, "fileNum": 2},
        ]
    )


def test_a_slicer_writes_files_and_its_mark_does_not_become_one(
    results: list, tmp_path: Path
) -> None:
    sample = a_file(tmp_path, "a.txt", "one paragraph\n\nanother paragraph")
    (kept,) = folder("paragraph_slicer", is_first_op=True, is_last_op=True).apply([sample])
    assert isinstance(kept, Kept)
    assert kept.row["fileNum"] == 2
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert written == {"id-a.txt_1.txt": "one paragraph", "id-a.txt_2.txt": "another paragraph"}
    assert [kind for kind, _ in results] == ["slice", "slice", "clean_result"]
    assert results[-1][1]["status"] == "COMPLETED"


def test_a_slicer_without_a_folder_gives_samples(results: list) -> None:
    (sliced,) = folder("paragraph_slicer").apply([{"text": "one\n\n" + "two " * 4, "id": 1}])
    assert isinstance(sliced, Sliced)
    assert [(row["text"], row["id"]) for row in sliced.rows] == [
        ("one", 1),
        (("two " * 4).strip(), 1),
    ]
    assert set(sliced.rows[0]) == {"text", "id", "fileNum"}
    assert results == []


def test_nothing_is_written_to_the_folder_that_happens_to_be(
    results: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (failed,) = folder("mask_digits", is_last_op=True).apply([{"text": "1", "fileName": "a.txt"}])
    assert isinstance(failed, Failed)
    assert "no `export_path`" in failed.reason
    assert list(tmp_path.iterdir()) == []


def test_the_first_operator_reads_and_the_last_one_exports(results: list, tmp_path: Path) -> None:
    sample = a_file(tmp_path, "a.md.txt", "\ufeffcall 555\r\n")
    (kept,) = folder("mask_digits", is_first_op=True, is_last_op=True).apply([sample])
    assert isinstance(kept, Kept)
    exported = tmp_path / "out" / "a.md.txt"
    assert exported.read_bytes() == b"call ***\n"
    assert exported.stat().st_mode & 0o777 == 0o640
    assert (kept.row["filePath"], kept.row["fileSize"]) == (str(exported), "9")
    assert kept.row["execute_result"] is True
    (_, result), (_, file) = results
    assert result["dest_file_id"] == file["id"]
    assert (result["src_size"], result["dest_size"]) == (sample["fileSize"], "9")
    assert (file["file_path"], file["dataset_id"]) == (str(exported), "d")


def test_names_that_are_taken_get_numbers(results: list, tmp_path: Path) -> None:
    op = folder("mask_digits", is_first_op=True, is_last_op=True)
    for _ in range(3):
        op.apply([a_file(tmp_path, "a.txt", "text")])
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a.txt", "a_1.txt", "a_2.txt"]


def test_an_operator_that_does_not_read_its_file_gets_it_read(
    results: list, tmp_path: Path
) -> None:
    rows = [a_file(tmp_path, "a.txt", "yes"), a_file(tmp_path, "b.txt", "no")]
    kept, dropped = folder("says_yes_or_no", is_first_op=True, is_last_op=True).apply(rows)
    assert isinstance(kept, Kept) and isinstance(dropped, Dropped)
    assert (tmp_path / "out" / "a.txt").read_text() == "yes"
    assert not (tmp_path / "out" / "b.txt").exists()


def test_types_that_are_not_known_fail_and_jsonl_is(results: list, tmp_path: Path) -> None:
    op = folder("mask_digits", is_first_op=True, is_last_op=True)
    by_mime = {**a_file(tmp_path, "c.txt", "3"), "fileType": "text/plain"}
    rows = [a_file(tmp_path, "a.jsonl", "1"), a_file(tmp_path, "b.rst", "2"), by_mime]
    kept, failed, other = op.apply(rows)
    assert isinstance(kept, Kept) and isinstance(other, Kept)
    assert isinstance(failed, Failed)
    assert failed.reason.endswith("UnsupportedType: files of type `rst` cannot be read")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.txt", "c.txt"]


def test_what_fails_on_export_is_a_failure_of_the_file(results: list, tmp_path: Path) -> None:
    sample = a_file(tmp_path, "a.txt", "1")
    (tmp_path / "out").write_text("in the way")
    (failed,) = folder("mask_digits", is_first_op=True, is_last_op=True).apply([sample])
    assert isinstance(failed, Failed)
    assert failed.reason.startswith("FileExistsError")
    assert results[-1][1]["status"] == "FAILED"


def test_nothing_returned_is_a_failure(results: list) -> None:
    outcomes = load(f"{FOLDERS / 'two_in_one'}:Halves").apply(texts("abcd"))
    assert isinstance(outcomes[0], Failed)
    assert "`execute` returned NoneType; it returns the sample" in outcomes[0].reason


def test_strict_is_the_original_with_its_defects(strict: list, tmp_path: Path) -> None:
    base_op = importlib.import_module("datamate.core.base_op")

    class Raises(base_op.Filter):
        def execute(self, sample: dict) -> dict:
            raise ValueError

    class Bool(base_op.Filter):
        def execute(self, sample: dict) -> bool:
            return True

    failed = {"text": "a", "execute_result": False}
    assert base_op.Slicer()(failed) is failed
    assert Raises()({"text": "a"}) is False
    assert strict == []
    with pytest.raises(TypeError, match="does not support item assignment"):
        Bool()({"text": "a"})
    # Said to be done, and not there.
    op = folder("mask_digits", is_first_op=True, is_last_op=True)
    op.apply([{**a_file(tmp_path, "a.rst", "1"), "text": "1"}])
    assert [record["status"] for kind, record in strict if kind == "clean_result"] == ["COMPLETED"]
    assert list((tmp_path / "out").glob("*")) == []
    # `bool("false")`
    assert folder("mask_digits").apply(texts("1999")) == [Kept({"text": "1999"})]


def test_what_failed_before_is_passed_on(results: list) -> None:
    base_op = importlib.import_module("datamate.core.base_op")
    failed = {"text": "a", "execute_result": False}
    assert base_op.Slicer()(failed) == [failed]
    assert base_op.Mapper()(failed) is failed
    assert base_op.Filter()(failed) is failed


def test_all_names_lead_to_the_same_objects(results: list) -> None:
    op = folder("short_file_filter")
    names = ["datamate.core.base_op", "core.base_op", "wrasse._compat.datamate.core.base_op"]
    assert len({id(importlib.import_module(name)) for name in names}) == 1
    folders = [
        f"{root}.{category}.short_file_filter.process"
        for root in ("ops", "datamate.ops")
        for category in ("user", "filter")
    ]
    classes = {importlib.import_module(name).ShortFileFilter for name in folders}
    assert classes == {type(op.op)}
    spec = importlib.import_module("core.base_op").__spec__
    assert spec is not None and spec.name == "wrasse._compat.datamate.core.base_op"


def test_an_operator_can_be_pickled(results: list) -> None:
    op = pickle.loads(pickle.dumps(folder("mask_digits")))
    assert op.apply(texts("5")) == [Kept({"text": "*"})]


def test_a_missing_package_is_told_with_what_to_do(results: list) -> None:
    with pytest.raises(wrasse.MissingPackage) as caught:
        folder("needs_a_package")
    message = str(caught.value)
    assert "`pip install a_package_that_nobody_has`" in message
    assert "needs_a_package/requirements.txt" in message


def test_a_folder_with_two_operators_wants_a_name(results: list) -> None:
    with pytest.raises(wrasse.LoadError, match="registers `Doubles`, `Halves`; name one of them"):
        folder("two_in_one")
    op = load(f"{FOLDERS / 'two_in_one'}:Doubles")
    assert op.apply(texts("ab")) == [Kept({"text": "abab"})]
    with pytest.raises(wrasse.LoadError, match="registers no `Triples`"):
        load(f"{FOLDERS / 'two_in_one'}:Triples")


def test_two_folders_of_one_name_are_not_mixed_up(results: list, tmp_path: Path) -> None:
    folder("mask_digits")
    other = tmp_path / "mask_digits"
    other.mkdir()
    (other / "__init__.py").write_text("")
    with pytest.raises(wrasse.LoadError, match="rename one of the folders"):
        load(str(other))


def test_a_folder_that_registers_nothing_or_is_broken_is_told(
    results: list, tmp_path: Path
) -> None:
    for name, code, message in [
        ("silent", "", "registers no operator"),
        ("broken", "1 / 0", "ZeroDivisionError: division by zero"),
    ]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code)
        with pytest.raises(wrasse.LoadError, match=message):
            load(str(tmp_path / name))


def test_a_database_is_there_for_those_who_compare(results: list, tmp_path: Path) -> None:
    compat.install(sql_path=tmp_path / "features.db")
    op = folder("seen_before")
    assert op.apply(texts("a", "b", "a")) == [
        Kept({"text": "a"}),
        Kept({"text": "b"}),
        Dropped({"text": "a"}),
    ]
    # Another operator, as in another worker.
    assert folder("seen_before").apply(texts("b")) == [Dropped({"text": "b"})]
    assert folder("seen_before", uuid="other").apply(texts("b")) == [Kept({"text": "b"})]


def test_statements_of_postgresql_work(results: list) -> None:
    manager = importlib.import_module("datamate.sql_manager.sql_manager").SQLManager
    with manager.create_connect() as connection:
        connection.execute("CREATE TABLE t (id SERIAL PRIMARY KEY, a BYTEA, b TEXT)")
        connection.execute("INSERT INTO t (a, b) VALUES (:a, :b)", {"a": b"\x00", "b": "x"})
        many = [{"a": b"1", "b": "y"}, {"a": b"2", "b": "z"}]
        connection.execute("INSERT INTO t (a, b) VALUES (%(a)s, %(b)s)", many)
    # Another connection sees what that one left.
    with manager.create_connect() as connection:
        rows = connection.execute("SELECT id, a, b FROM t ORDER BY id").fetchall()
        connection.execute("DROP TABLE t")
    assert rows == [(1, b"\x00", "x"), (2, b"1", "y"), (3, b"2", "z")]


def test_threads_that_ask_a_model_get_their_own_answers(results: list, tmp_path: Path) -> None:
    from test_sdk import model

    lines = [f"line {i}" for i in range(40)]
    with model() as (url, _):
        settings = {"LLMUrl": url, "accessType": True, "LLMBody": {"model": "m"}}
        op = folder("summary_by_model", is_first_op=True, is_last_op=True, **settings)
        (kept,) = op.apply([{**a_file(tmp_path, "a.txt", ""), "text": "\n".join(lines)}])
    assert op.kind == "llm"
    assert isinstance(kept, Kept)
    (written,) = (tmp_path / "out").iterdir()
    saved = [json.loads(line) for line in written.read_text().splitlines()]
    assert saved == [{"line": line, "answer": f"echo sum up {line}"} for line in lines]


def test_each_request_has_a_body_of_its_own(results: list) -> None:
    request = importlib.import_module("datamate.common.utils.llm_request").LlmReq
    asks = request("http://127.0.0.1:9/", body={"model": "m", "messages": [{"role": "user"}]})
    first, second = asks._body("a"), asks._body("b")
    assert first == {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    assert second["messages"][0]["content"] == "b"
    assert asks.body == {"model": "m", "messages": [{"role": "user"}]}


def test_a_model_that_is_not_configured_is_told_when_it_is_asked(results: list) -> None:
    (failed,) = folder("summary_by_model").apply(texts("a"))
    assert isinstance(failed, Failed)
    assert "83005" in failed.reason and "`LLMUrl` is missing" in failed.reason


def test_importing_costs_no_package(tmp_path: Path) -> None:
    """All modules, in a fresh process: nothing is imported that is not Python's own."""
    code = """
import sys
from wrasse import compat
compat.install()
before = set(sys.modules)
import datamate.core.base_op, datamate.core.constant, datamate.sql_manager.persistence_atction
import datamate.sql_manager.sql_manager, core.constant, ops
for name in "bytes_transform file_scanner lazy_loader text_splitter aho_corasick registry" \\
        " llm_request rest_client custom_importer".split():
    __import__(f"datamate.common.utils.{name}")
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
# What the standard library knows of the machine has a name of its own there.
roots = {name for name in roots if not name.startswith("_sysconfigdata")}
print(sorted(roots - set(sys.stdlib_module_names) - {"wrasse", "datamate", "core", "ops"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "python")},
        check=False,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("is_real", [False, True])
def test_a_real_datamate_wins_if_the_user_says_so(tmp_path: Path, is_real: bool) -> None:
    package = tmp_path / "datamate"
    (package / "core").mkdir(parents=True)
    for one in (package, package / "core"):
        (one / "__init__.py").write_text("")
    if is_real:
        (package / "core" / "base_op.py").write_text("OPERATORS = 'the real one'")
    code = """
from wrasse import compat
import sys
print(compat.install(prefer_installed=sys.argv[1] == "yes"))
from datamate.core.base_op import OPERATORS
import core.base_op
assert core.base_op.OPERATORS is OPERATORS
print(OPERATORS if isinstance(OPERATORS, str) else "ours")
"""
    for prefer in ("yes", "no"):
        done = subprocess.run(
            [sys.executable, "-c", code, prefer],
            capture_output=True,
            env={"PYTHONPATH": f"{ROOT / 'python'}:{tmp_path}"},
            check=False,
            text=True,
        )
        wanted = "the real one" if is_real and prefer == "yes" else "ours"
        assert done.stdout.splitlines()[1:] == [wanted], done.stderr


def test_another_datamate_that_was_imported_before_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datamate", sys)
    with pytest.raises(wrasse.CompatError, match="another `datamate` was imported before"):
        compat.install()


def test_words_are_found_wherever_they_are(results: list) -> None:
    from wrasse._compat.datamate.common.utils.aho_corasick import AhoCorasic

    assert AhoCorasic(["abc", "bcd", "xyz"]).search("zabcdx", set()) == ["abc", "bcd"]
    assert AhoCorasic(["abcd", "bc"]).search("abcx", set()) == ["bc"]
    assert AhoCorasic(["ab"]).search("*a*-b*ab", {"*", "-"}) == ["a*-b", "ab"]
    assert AhoCorasic([]).search("abc", set()) == []


def test_words_are_those_that_a_plain_search_finds(results: list) -> None:
    import random

    from wrasse._compat.datamate.common.utils.aho_corasick import AhoCorasic

    chance = random.Random(5)
    for _ in range(300):
        words = ["".join(chance.choices("ab", k=chance.randint(1, 4))) for _ in range(4)]
        text = "".join(chance.choices("ab", k=12))
        found = AhoCorasic(words).search(text, set())
        assert set(found) == {word for word in words if word in text}, (words, text)


def test_texts_are_split_as_in_the_original(results: list) -> None:
    from wrasse._compat.datamate.common.utils.text_splitter import TextSplitter

    splitter = TextSplitter(-1, 10, 3)
    assert splitter.split_text("一二三，四五六。七八九十") == ["一二三，四五六。", "七八九十"]
    assert splitter.split_text("a" * 24) == ["a" * 10, "a" * 10, "a" * 10]
    assert splitter.split_text("ab\ncd\n\nefghijkl") == ["ab\ncd", "efghijkl"]
    assert splitter.split_text("") == []
    with pytest.raises(Exception, match="must be more than"):
        TextSplitter(-1, 10, 10)
    if not CASES.is_file():
        return
    n = 0
    for line in CASES.read_text().strip().split("\n"):
        case = json.loads(line)
        splitter = TextSplitter(**case["params"])
        for row, wanted in zip(case["input"], case["expected"], strict=True):
            assert splitter.split_text(row["text"]) == wanted["chunks"], case["id"]
            n += 1
    assert n > 500


def test_images_are_arrays_and_back(results: list) -> None:
    import numpy as np

    from wrasse._compat.datamate.common.utils import bytes_transform as transform

    blue = np.zeros((2, 3, 3), dtype=np.uint8)
    blue[..., 0] = 255
    again = transform.bytes_to_numpy(transform.numpy_to_bytes(blue, ".png"))
    assert (again == blue).all() and again.shape == (2, 3, 3)
    image = transform.bytes_to_pil(transform.numpy_to_bytes(blue, ".png"))
    assert image.getpixel((0, 0)) == (0, 0, 255)
    assert transform.bytes_to_pil(transform.pil_to_bytes(image)).size == (3, 2)
    assert transform.numpy_to_bytes(np.zeros((0,)), ".png") == b""


def test_the_registry_knows_names_and_refuses_others(results: list) -> None:
    operators = importlib.import_module("datamate.core.base_op").OPERATORS
    folder("mask_digits")
    assert operators.get("MaskDigits") == "ops.user.mask_digits.process"
    assert operators.load("MaskDigits").__name__ == "MaskDigits"
    with pytest.raises(KeyError, match="did you mean `MaskDigits`"):
        operators.load("MaskDigit")
    operators.register_module(module_name="MaskDigits", module_path="ops.user.mask_digits.process")
    with pytest.raises(KeyError, match="already"):
        operators.register_module(module_name="MaskDigits", module_path="ops.user.other.process")


def test_a_lazy_module_is_imported_when_it_is_used(results: list) -> None:
    lazy = importlib.import_module("datamate.common.utils.lazy_loader").LazyLoader
    decoder = lazy("json.decoder")
    assert decoder.JSONDecoder is json.JSONDecoder
    with pytest.raises(wrasse.MissingPackage, match="pip install no_such_package_here"):
        _ = lazy("no_such_package_here").anything


def test_files_of_a_folder_are_told_once(results: list, tmp_path: Path) -> None:
    scanner = importlib.import_module("datamate.common.utils.file_scanner").FileScanner
    for name in ("b.txt", "a.docx", ".hidden"):
        (tmp_path / name).write_text(name)
    scanner("d").scan_and_process(str(tmp_path), batch_size=1)
    assert [(record["file_name"], record["file_type"]) for _, record in results] == [
        ("a.docx", "docx"),
        ("b.txt", "txt"),
    ]
    results.clear()
    compat.install(
        existing_files=lambda _: [str(tmp_path / "a.docx")],
        on_result=lambda kind, record: results.append((kind, record)),
    )
    scanner("d").scan_and_process(str(tmp_path))
    assert [record["file_name"] for _, record in results] == ["b.txt"]


def test_requests_have_answers_or_errors(results: list) -> None:
    from test_sdk import model

    rest = importlib.import_module("datamate.common.utils.rest_client")
    with model((200, "hello"), (500, "")) as (url, asked):
        body = {"messages": [{"content": "x"}]}
        answer = rest.http_request("post", url, body)
        assert answer.status_code == 200
        assert answer.json()["choices"][0]["message"]["content"] == "hello"
        with pytest.raises(ValueError, match="answered 500"):
            rest.http_request("POST", url, body)
    assert asked[0] == body
    with pytest.raises(rest.RequestError, match="no answer"):
        rest.http_request("GET", "http://127.0.0.1:9/")


def test_a_row_of_a_list_of_files_has_its_data_as_text(results: list, tmp_path: Path) -> None:
    row = a_file(tmp_path, "a.txt", "one\n\ntwo") | {"data": "", "text": "call 555"}
    [outcome] = folder("mask_digits").apply([dict(row)])
    assert outcome == Kept(row | {"text": "call ***"})
    image = row | {"data": "aGk=", "text": ""}
    assert folder("mask_digits").apply([dict(image)]) == [Kept(image)]
    [broken] = folder("mask_digits").apply([row | {"data": "?"}])
    assert isinstance(broken, Failed)
    # What a slicer leaves in place of the files that it wrote is no file.
    [sliced] = folder("paragraph_slicer").apply([row | {"text": "one\n\ntwo"}])
    assert isinstance(sliced, Kept)
    assert (sliced.row["text"], sliced.row["data"]) == ("", "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir())
