"""Tasks of DataMate: `wrasse run process.yaml`, from a list of files to results.

What is recorded in PostgreSQL is tested on a server of Debian's package; without one
these tests are skipped, and `./test` says so at its end.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import postgres
import pytest

TASK = """
dataset_id: d1
instance_id: t1
dataset_path: {folder}/flow/dataset.jsonl
export_path: {folder}/out
executor_type: datamate
process:
  - FileWithShortOrLongLengthFilter: {{fileLength: [12, 10000000], cpu: 0.05, memory: 104857600}}
  - ExtraSpaceCleaner: {{cpu: 0.05, npu: 0}}
  - HtmlTagCleaner: {{removeTableTags: 'false'}}
"""


def listed(folder: Path, number: int, name: str, kind: str, content: bytes | None) -> dict:
    path = folder / "in" / str(number % 7) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    return {
        "fileId": f"f{number}",
        "fileName": name,
        "filePath": str(path),
        "fileType": kind,
        "fileSize": len(content or b""),
        "metadata": {},
    }


def write_task(folder: Path, n_files: int = 200) -> tuple[Path, list[dict]]:
    """A task over files of which some are short, gone, no text, or of one name."""
    files = []
    for i in range(n_files):
        text = f"<p>text  number {i}</p>\r\n\r\n second   line " * (1 + i % 5)
        content: bytes | None = text.encode()
        name = f"{i % (n_files * 9 // 10)}.txt"
        if i % 20 == 3:
            content = b"short"
        elif i % 50 == 7:
            content = None
        elif i % 50 == 9:
            content = b"caf\xe9 caf\xe9 caf\xe9"
        elif i % 20 == 11:
            # Long enough as it is, and nothing without its tags.
            content = b"<p><b></b></p><p></p>"
        kind = "txt"
        if i % 10 == 5:
            name, kind = f"{i}.html", "html"
        files.append(listed(folder, i, name, kind, content))
    write_list(folder, files)
    task = folder / "flow" / "process.yaml"
    task.write_text(TASK.format(folder=folder))
    return task, files


def write_list(folder: Path, files: list[dict]) -> None:
    (folder / "flow").mkdir(exist_ok=True)
    lines = "".join(json.dumps(file) + "\n" for file in files)
    (folder / "flow" / "dataset.jsonl").write_text(lines)


def run(wrasse: Path, task: Path, *flags: str, code: int = 0, **env: str) -> str:
    """Runs a task to its end; gives what it told."""
    done = subprocess.run(
        [wrasse, "run", task, "--no-html", *flags],
        capture_output=True,
        text=True,
        env=os.environ | env,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def exported(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


def results(folder: Path) -> list[dict[str, Any]]:
    """`t_clean_result` of SQLite, in the order of the list."""
    with sqlite3.connect(folder / "out.wrasse" / "results.sqlite") as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("SELECT * FROM t_clean_result")]
    return sorted(rows, key=lambda row: int(row["src_file_id"][1:]))


def kinds(rows: list[dict[str, Any]]) -> Counter[str]:
    def kind(row: dict[str, Any]) -> str:
        if row["status"] == "FAILED":
            return "failed"
        return "exported" if int(row["dest_size"]) else "filtered"

    return Counter(map(kind, rows))


def test_every_file_is_exported_or_accounted_for(wrasse: Path, tmp_path: Path) -> None:
    task, files = write_task(tmp_path)
    told = run(wrasse, task)

    rows = results(tmp_path)
    assert [row["src_file_id"] for row in rows] == [file["fileId"] for file in files]
    assert kinds(rows) == {"exported": 172, "filtered": 20, "failed": 8}
    assert "172 exported, 20 filtered, 8 failed" in told
    files_out = exported(tmp_path)
    names = [row["dest_name"] for row in rows if int(row["dest_size"])]
    assert sorted(names) == sorted(files_out)
    for row, file in zip(rows, files, strict=True):
        assert row["src_name"] == file["fileName"]
        assert row["src_type"] == file["fileType"]
        assert row["src_size"] == file["fileSize"]
        reason = json.loads(row["result"])
        if row["dest_size"]:
            assert row["dest_type"] == "txt"
            assert len(files_out[row["dest_name"]]) == row["dest_size"]
            assert reason == {}
        else:
            assert row["dest_type"] == ""
            assert reason["reason"]
    # Two of one name; the second comes after the first.
    assert (rows[0]["dest_name"], rows[180]["dest_name"]) == ("0.txt", "0_1.txt")
    assert rows[5]["dest_name"] == "5.txt"
    assert files_out["0.txt"] == b"text number 0\nsecond line"
    # Reasons name the operator as the task does.
    short, gone, encoding, emptied = (json.loads(rows[i]["result"]) for i in (3, 7, 9, 11))
    assert short["op_name"] == "FileWithShortOrLongLengthFilter"
    assert "out of range: stripped_len = 5" in short["reason"]
    assert gone["error_code"] == "ops.9999"
    assert "cannot be read" in gone["reason"]
    assert "not UTF-8 at byte 3" in encoding["reason"]
    assert "nothing is left" in emptied["reason"]

    with sqlite3.connect(tmp_path / "out.wrasse" / "results.sqlite") as db:
        size = sum(map(len, files_out.values()))
        assert db.execute("SELECT * FROM t_dm_datasets").fetchall() == [("d1", size, 172)]
        told = db.execute("SELECT id, status, after_size FROM t_clean_task").fetchall()
        assert told == [("t1", "PARTIAL_SUCCESS", size)]
        paths = {path for (path,) in db.execute("SELECT file_path FROM t_dm_dataset_files")}
    assert paths == {str(tmp_path / "out" / name) for name in files_out}


def test_threads_do_not_show(wrasse: Path, tmp_path: Path) -> None:
    outcomes = []
    task, _ = write_task(tmp_path, 600)
    for threads in ("1", "3"):
        run(wrasse, task, "-j", threads)
        outcomes.append((exported(tmp_path), results(tmp_path)))
    assert outcomes[0] == outcomes[1]


def test_a_killed_task_is_resumed_to_the_same_files_and_results(
    wrasse: Path, tmp_path: Path
) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "wild").mkdir()
    calm, _ = write_task(tmp_path / "calm", 4000)
    run(wrasse, calm)

    wild, _ = write_task(tmp_path / "wild", 4000)
    manifest = tmp_path / "wild" / "out.wrasse" / "manifest.jsonl"
    resume: list[str] = []
    n_commits = 0
    for _ in range(3):
        command = [wrasse, "run", wild, "--no-html", "-q", "-j", "1", "--commit-bytes", "4KiB"]
        process = subprocess.Popen([*command, *resume], stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                if manifest.exists() and manifest.read_text().count('{"commit"') >= n_commits + 3:
                    break
                time.sleep(0.001)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(60)
        n_commits = manifest.read_text().count('{"commit"')
        resume = ["--resume"]
    assert '"done"' not in manifest.read_text(), "killed too late: nothing was left to resume"
    # What a commit vouches for is there, as a whole.
    complete = exported(tmp_path / "calm")
    for name, content in exported(tmp_path / "wild").items():
        assert name.startswith(".") or content == complete[name]

    run(wrasse, wild, "--resume")
    assert exported(tmp_path / "wild") == complete
    # But for the folder, which is as long as the other: results are numbered by the
    # places of their lines.
    told = json.dumps(results(tmp_path / "wild")).replace("/wild/", "/calm/")
    assert json.loads(told) == results(tmp_path / "calm")
    assert not list((tmp_path / "wild" / "out.wrasse").glob("staging/*"))


def test_failed_files_are_tried_again_beside_the_others(wrasse: Path, tmp_path: Path) -> None:
    task, files = write_task(tmp_path)
    run(wrasse, task)
    before = exported(tmp_path)
    again = [file for file in files if not Path(file["filePath"]).exists()]
    for file in again:
        Path(file["filePath"]).write_text("now the file is here")
    write_list(tmp_path, again)
    run(wrasse, task)
    after = exported(tmp_path)
    assert len(again) == 4
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 4


def test_the_same_task_twice_gives_the_same_files(wrasse: Path, tmp_path: Path) -> None:
    task, _ = write_task(tmp_path)
    run(wrasse, task)
    before = exported(tmp_path), results(tmp_path)
    run(wrasse, task)
    assert (exported(tmp_path), results(tmp_path)) == before
    (tmp_path / "out" / "0.txt").unlink()
    assert "cannot be found" in run(wrasse, task, "--resume", code=2)


def test_what_cannot_be_recorded_is_told_before_the_run(wrasse: Path, tmp_path: Path) -> None:
    task, _ = write_task(tmp_path, 20)
    (tmp_path / "no-database").write_text("plain text, and long enough to be no database")
    told = run(wrasse, task, "--results", str(tmp_path / "no-database"), code=2)
    assert "SQLite" in told
    assert not (tmp_path / "out").exists()
    told = run(wrasse, task, "--results", "postgres://nobody@127.0.0.1:1/none", code=2)
    assert "cannot connect" in told
    run(wrasse, task, "--results", "none")
    assert not (tmp_path / "out.wrasse" / "results.sqlite").exists()
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"dataset_path: {task}\nexport_path: {tmp_path}/x.jsonl\n")
    assert "process.yaml" in run(wrasse, recipe, "--results", "x.sqlite", code=2)


def test_operator_folders_are_steps_by_their_raw_id(wrasse: Path, tmp_path: Path) -> None:
    told = subprocess.run([wrasse, "run", "--help"], capture_output=True, text=True, check=True)
    if "--python" not in told.stdout:
        pytest.skip("this program runs no operators in Python")
    texts = ["call 555 in 1999", "poison", "a text that is too long for its filter, by far"]
    files = [listed(tmp_path, i, f"{i}.txt", "txt", text.encode()) for i, text in enumerate(texts)]
    files.append(listed(tmp_path, 3, "3.png", "png", b"bytes that nobody decodes"))
    write_list(tmp_path, files)
    operators = Path(__file__).parent / "operators"
    task = tmp_path / "flow" / "process.yaml"
    task.write_text(
        f"""
dataset_id: d1
instance_id: t1
dataset_path: {tmp_path}/flow/dataset.jsonl
export_path: {tmp_path}/out
operators_dir: {operators}
process:
  - UnicodeSpaceCleaner: {{cpu: 0.05}}
  - MaskDigits: {{maskChar: '#', keepYears: 'true', cpu: 0.05, memory: 104857600}}
  - FileWithShortOrLongLengthFilter: {{fileLength: [0, 20]}}
"""
    )
    run(wrasse, task, "--python", sys.executable)
    assert exported(tmp_path) == {"0.txt": b"call ### in 1999"}
    rows = results(tmp_path)
    assert kinds(rows) == {"exported": 1, "failed": 1, "filtered": 2}
    failed = json.loads(rows[1]["result"])
    assert (failed["op_name"], failed["reason"]) == ("MaskDigits", "LookupError: poisonous text")

    last = "\n  - FileWithShortOrLongLengthFilter: {fileLength: [0, 20]}\n"
    task.write_text(task.read_text().replace(last, "\n"))
    run(wrasse, task, "--python", sys.executable)
    # Data goes through operators as it is.
    assert exported(tmp_path)["3.png"] == b"bytes that nobody decodes"


@pytest.fixture
def database(database_server: postgres.Server, request: pytest.FixtureRequest) -> postgres.Database:
    """A database with DataMate's tables, a data set and a task."""
    found = database_server.database(request.node.name[:60])
    found.sql(postgres.TABLES)
    found.sql(
        """INSERT INTO t_dm_datasets (id, name, dataset_type) VALUES ('d1', 'd', 'TEXT');
        INSERT INTO t_clean_task (id, name, status) VALUES ('t1', 't', 'RUNNING');"""
    )
    return found


RESULTS = """SELECT src_file_id, dest_file_id, src_name, dest_name, src_type, dest_type,
    src_size, dest_size, status, result FROM t_clean_result WHERE instance_id = 't1'"""


def test_results_go_to_the_tables_of_datamate(
    wrasse: Path, database: postgres.Database, tmp_path: Path
) -> None:
    task, _ = write_task(tmp_path)
    run(wrasse, task)
    (tmp_path / "out" / "slice_1.txt").write_text("what an operator wrote")
    told = run(wrasse, task, "--results", database.address)
    assert "172 exported, 20 filtered, 8 failed, 1 written by operators" in told

    rows = database.sql(RESULTS)
    names = "src_file_id dest_file_id src_name dest_name src_type dest_type src_size dest_size"
    found = [dict(zip([*names.split(), "status", "result"], row, strict=True)) for row in rows]
    found.sort(key=lambda row: int(row["src_file_id"][1:]))
    # The same as in SQLite.
    local = [{name: str(row[name]) for name in found[0]} for row in results(tmp_path)]
    assert found == local
    files = exported(tmp_path)
    listed_files = database.sql(
        """SELECT id, dataset_id, file_name, file_path, file_type, file_size, status,
        abs(extract(epoch from (upload_time - last_access_time))) < 3600
        FROM t_dm_dataset_files"""
    )
    assert {row[2] for row in listed_files} == set(files)
    by_id = {row["dest_file_id"]: row for row in found}
    for number, dataset, name, path, kind, size, status, is_recent in listed_files:
        assert (dataset, path, kind) == ("d1", str(tmp_path / "out" / name), "txt")
        assert (int(size), status, is_recent) == (len(files[name]), "COMPLETED", "t")
        assert name == "slice_1.txt" or by_id[number]["dest_name"] == name
    size = sum(map(len, files.values()))
    assert database.sql("SELECT size_bytes, file_count FROM t_dm_datasets") == [[str(size), "173"]]
    ended = database.sql("SELECT status, after_size, finished_at IS NOT NULL FROM t_clean_task")
    assert ended == [["PARTIAL_SUCCESS", str(size), "t"]]

    # Once more, and the database by DataMate's variables: nothing is doubled.
    place = urlsplit(database.address)
    run(
        wrasse,
        task,
        "--results",
        "postgres",
        PG_HOST=place.hostname or "",
        PG_PORT=str(place.port),
        PG_USER=place.username or "",
        PG_PASSWORD=place.password or "",
        PG_DATABASE=place.path.removeprefix("/"),
    )
    assert sorted(database.sql(RESULTS)) == sorted(rows)
    assert database.sql("SELECT count(*) FROM t_dm_dataset_files") == [["173"]]


def test_a_data_set_or_tables_that_are_missing_are_told(
    wrasse: Path, database_server: postgres.Server, database: postgres.Database, tmp_path: Path
) -> None:
    task, _ = write_task(tmp_path, 20)
    database.sql("DELETE FROM t_dm_datasets")
    told = run(wrasse, task, "--results", database.address, code=2)
    assert "there is no data set `d1`" in told
    assert "secret" not in told
    empty = database_server.database("empty")
    told = run(wrasse, task, "--results", empty.address, code=2)
    assert "has not DataMate's tables" in told
    told = run(wrasse, task, "--results", empty.address.replace("secret", "wrong"), code=2)
    assert "password authentication failed" in told
    assert not (tmp_path / "out").exists()


def test_results_that_the_database_refused_are_made_up_for(
    wrasse: Path, database: postgres.Database, tmp_path: Path
) -> None:
    task, _ = write_task(tmp_path)
    refuse = "ALTER TABLE t_clean_result ADD CONSTRAINT no CHECK (src_file_id <> 'f100')"
    database.sql(refuse)
    told = run(wrasse, task, "--results", database.address, code=3)
    assert "results could not be recorded" in told
    assert "--resume" in told
    assert len(exported(tmp_path)) == 172
    database.sql("ALTER TABLE t_clean_result DROP CONSTRAINT no")
    run(wrasse, task, "--results", database.address, "--resume")
    assert database.sql("SELECT count(*) FROM t_clean_result") == [["200"]]
    assert database.sql("SELECT status FROM t_clean_task") == [["PARTIAL_SUCCESS"]]
