"""Python operators in worker processes: the program, real workers, and real deaths."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
STAND_INS = HERE / "stand_ins"

# A worker that is missing after so long does not come.
PATIENCE_S = 60

OPERATORS = '''
import ctypes
import os
import subprocess
import sys
import time

import wrasse
from wrasse import Filter, Mapper, Slicer


class Suffix(Mapper):
    """Adds a suffix."""

    suffix: str
    times: int = 1

    def map(self, row):
        row["text"] += self.suffix * self.times
        return row


class Poison(Mapper):
    """Does to its worker what a row says."""

    def map(self, row):
        match row.get("poison"):
            case "raise":
                raise ValueError("not this one")
            case "exit":
                os._exit(3)
            case "hang":
                time.sleep(1000)
            case "huge":
                row["text"] = "x" * (80 << 20)
            case "segfault":
                ctypes.string_at(0)
            case "eat":
                self.eaten = []
                while True:
                    self.eaten.append(bytearray(8 << 20))
                    time.sleep(0.001)
            case "object":
                row["odd"] = object()
            case "nan":
                row["odd"] = float("nan")
            case "not a row":
                return 17
            case "leave":
                sys.exit("enough")
        return row


class PoisonBatch(Mapper):
    """The same for operators of batches, of which nobody knows the row."""

    def map_batch(self, table):
        if "exit" in table["poison"].to_pylist():
            os._exit(3)
        return table


@wrasse.mapper
def shout(row, times: int = 1):
    return {**row, "text": row["text"].upper() + "!" * times}


@wrasse.filter
def at_least(row, n: int = 5):
    return len(row["text"]) >= n


class Measured(Filter):
    def measure(self, row):
        return {"vowels": sum(one in "aeiou" for one in row["text"])}

    def keep(self, row, stats):
        return stats["vowels"] > 2


class Words(Slicer):
    def slice(self, row):
        for word in row["text"].split():
            yield {**row, "text": word}


@wrasse.mapper
def nested(row):
    row["meta"]["seen"] = True
    row["list"].append(1)
    return row


@wrasse.mapper
def fields(row):
    row.pop("gone", None)
    row["new"] = {"a": [1, None, "b"]}
    row["text"] = None
    return row


@wrasse.mapper
def chatty(row):
    print("out", row["text"])
    print("err", row["text"], file=sys.stderr)
    return row


@wrasse.mapper
def with_child(row):
    if not hasattr(with_child, "child"):
        with_child.child = subprocess.Popen(["sleep", "1000"])
    return row


@wrasse.mapper
def slow(row):
    time.sleep(0.005)
    return row


@wrasse.mapper
def busy_in_c(row):
    # Foreign code that never lets Python run.
    sum(range(10 ** 12))
    return row


class Scanner(Mapper):
    """Counts characters in whole batches."""

    def map_batch(self, table):
        import pyarrow.compute as pc

        return table.append_column("n_chars", pc.utf8_length(table["text"]))
'''


@dataclass
class Bench:
    """A folder with operators, and the program that runs recipes in it."""

    folder: Path
    program: Path
    mark: str

    def write(self, rows: list[dict[str, Any]], name: str = "in.jsonl") -> None:
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (self.folder / name).write_text("".join(line + "\n" for line in lines))

    def recipe(self, steps: str, export: str = "out.jsonl", **keys: Any) -> Path:
        path = self.folder / f"{export}.yaml"
        head = {"dataset_path": "in.jsonl", "export_path": export, **keys}
        lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
        path.write_text("\n".join([*lines, "process:", steps.strip("\n"), ""]))
        return path

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "WRASSE_TEST_MARK": self.mark,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PYTHONPATH": str(STAND_INS),
        }

    def command(self, *args: Any) -> list[str]:
        return [str(self.program), *map(str, args), "--python", sys.executable]

    def start(self, *args: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*args),
            cwd=self.folder,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, *args: Any, python: bool = True) -> subprocess.CompletedProcess[str]:
        command = self.command(*args) if python else [str(self.program), *map(str, args)]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )

    def run(self, recipe: Path, *args: Any) -> dict[str, Any]:
        done = self.call("run", recipe, "--report", "json", "--quiet", *args)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def rows(self, name: str = "out.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def rejects(self, name: str = "out") -> list[dict[str, Any]]:
        path = self.folder / f"{name}.wrasse" / "rejects.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def processes(self) -> list[int]:
        """The processes that carry the mark: the program's and all that came of it."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in found if not is_zombie(pid)]


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture
def bench(tmp_path: Path, wrasse: Path) -> Iterator[Bench]:
    (tmp_path / "ops.py").write_text(OPERATORS)
    bench = Bench(tmp_path, wrasse, f"mark-{uuid.uuid4()}")
    yield bench
    until(lambda: not bench.processes(), "processes are left")


def numbered(n: int) -> list[dict[str, Any]]:
    return [{"text": f"document {i} of some words", "id": i} for i in range(n)]


def test_operators_of_all_kinds_in_one_recipe_survive_four_poisons(bench: Bench) -> None:
    rows = numbered(4000)
    poisons = ["raise", "exit", "hang", "huge"]
    for number, row in enumerate(random.Random(7).sample(rows, 4)):
        row["poison"] = poisons[number]
    bench.write(rows)
    folder = HERE / "operators" / "mask_digits"
    steps = f"""
  - text_length_filter: {{min_len: 3}}
  - {folder}:
  - data_juicer:reverse_mapper:
  - ./ops.py:shout: {{times: 2}}
  - ./ops.py:Poison: {{timeout_s: 1, num_proc: WORKERS}}
  - whitespace_normalization_mapper:
"""
    names = stand_in_names()
    steps = steps.replace("data_juicer:reverse_mapper", f"data_juicer:{names[0]}")
    for workers in (1, 2):
        recipe = bench.recipe(steps.replace("WORKERS", str(workers)), f"out{workers}.jsonl")
        report = bench.run(recipe, "--threads", workers)
        counts = report["rows"]
        assert (counts["in"], counts["out"], counts["rejected"]) == (4000, 3996, 4)
    assert (bench.folder / "out1.jsonl").read_bytes() == (bench.folder / "out2.jsonl").read_bytes()
    rejects = bench.rejects("out1")
    assert rejects == bench.rejects("out2")
    causes = {json.loads(one["raw"])["poison"]: one for one in rejects}
    assert causes["raise"]["error"] == "ValueError: not this one"
    assert "ops.py" in causes["raise"]["traceback"]
    assert "code 3" in causes["exit"]["error"]
    assert causes["exit"]["attempts"] == 2
    assert "no sign of life for 1 s" in causes["hang"]["error"]
    assert "`text`: the row would have more than" in causes["huge"]["error"]
    assert all("Poison" in one["operator"] for one in rejects)


def stand_in_names() -> list[str]:
    """Mappers of Data-Juicer that are there: its own, or those of the stand-in."""
    import importlib.util

    if importlib.util.find_spec("data_juicer") is not None:
        return ["whitespace_normalization_mapper"]
    sys.path.insert(0, str(STAND_INS))
    try:
        from data_juicer.ops import OPERATORS as known
        from data_juicer.ops.base_op import Mapper

        return [name for name, cls in known.modules.items() if issubclass(cls, Mapper)]
    finally:
        sys.path.remove(str(STAND_INS))


@pytest.mark.parametrize(
    ("poison", "cause"),
    [
        ("segfault", "signal 11 (SIGSEGV)"),
        ("eat", "may take 300 MiB"),
        ("object", "`odd`: a value of type `object` has no form in JSON"),
        ("nan", "`odd`"),
        ("not a row", "returned int; a row is a `dict`"),
        ("leave", "SystemExit: enough"),
    ],
)
def test_what_a_row_does_costs_that_row(bench: Bench, poison: str, cause: str) -> None:
    rows = numbered(300)
    rows[123]["poison"] = poison
    bench.write(rows)
    bench.run(bench.recipe("  - ./ops.py:Poison: {num_proc: 1, mem_required: 300MiB}"))
    assert [row["id"] for row in bench.rows()] == [i for i in range(300) if i != 123]
    (reject,) = bench.rejects()
    assert cause in reject["error"]


def test_a_batch_that_kills_is_halved_until_the_row_is_alone(bench: Bench) -> None:
    rows = [{**row, "poison": ""} for row in numbered(200)]
    for number in (0, 77, 78):
        rows[number]["poison"] = "exit"
    bench.write(rows)
    bench.run(bench.recipe("  - ./ops.py:PoisonBatch: {num_proc: 1}"))
    assert [row["id"] for row in bench.rows()] == [
        i for i in range(200) if i not in (0, 77, 78)
    ]
    assert [one["attempts"] for one in bench.rejects()] == [2, 2, 2]


def test_what_is_not_touched_keeps_its_bytes(bench: Bench) -> None:
    lines = [
        '{ "text" : "a\\u00e9" ,"big": 123456789012345678901234567890, "f": 1.0, "n": null}',
        '{"f":1e3,"text":"b","only":[1,  2]}',
    ]
    (bench.folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    bench.run(bench.recipe("  - ./ops.py:at_least: {n: 1}"))
    assert (bench.folder / "out.jsonl").read_text().splitlines() == lines
    bench.run(bench.recipe("  - ./ops.py:Suffix: {suffix: '!'}"), "--restart")
    first, second = (bench.folder / "out.jsonl").read_text().splitlines()
    assert first == lines[0].replace('"a\\u00e9"', '"aé!"')
    assert second == lines[1].replace('"b"', '"b!"')


def test_values_within_values_and_fields_that_come_and_go(bench: Bench) -> None:
    bench.write([{"text": "a", "gone": 1, "meta": {"x": 1}, "list": []}, {"text": "b", "meta": {}, "list": [0]}])
    bench.run(bench.recipe("  - ./ops.py:nested:\n  - ./ops.py:fields:"))
    assert bench.rows() == [
        {"text": None, "meta": {"x": 1, "seen": True}, "list": [1], "new": {"a": [1, None, "b"]}},
        {"text": None, "meta": {"seen": True}, "list": [0, 1], "new": {"a": [1, None, "b"]}},
    ]


def test_slicers_filters_and_stats(bench: Bench) -> None:
    bench.write([{"text": "one ocean three"}, {"text": ""}, {"text": "aeiou xyz"}])
    steps = "  - ./ops.py:Words:\n  - ./ops.py:Measured:"
    report = bench.run(bench.recipe(steps), "--trace-dropped")
    assert [row["text"] for row in bench.rows()] == ["ocean", "aeiou"]
    dropped = (bench.folder / "out.wrasse" / "dropped.jsonl").read_text().splitlines()
    measured = [json.loads(line) for line in dropped]
    assert [(one["stats"], one["operator"]) for one in measured] == [
        ({"vowels": 2}, "./ops.py:Measured"),
        ({"vowels": 2}, "./ops.py:Measured"),
        ({"vowels": 0}, "./ops.py:Measured"),
    ]
    counts = report["rows"]
    assert (counts["in"], counts["added_by_slicing"], counts["out"]) == (3, 2, 2)


def test_operators_of_tables(bench: Bench) -> None:
    pytest.importorskip("pyarrow")
    bench.write([{"text": "aé"}, {"text": "", "other": 1}, {"text": "xyz"}])
    bench.run(bench.recipe("  - ./ops.py:Scanner:"))
    assert bench.rows() == [
        {"text": "aé", "n_chars": 2},
        {"text": "", "other": 1, "n_chars": 0},
        {"text": "xyz", "n_chars": 3},
    ]


def test_what_operators_print_is_kept_with_who_printed_it(bench: Bench) -> None:
    bench.write([{"text": "hello"}])
    bench.run(bench.recipe("  - ./ops.py:chatty:"))
    log = (bench.folder / "out.wrasse" / "workers.log").read_text()
    assert "[./ops.py:chatty#0] out hello\n" in log
    assert "[./ops.py:chatty#0] err hello\n" in log


def test_a_dry_run_runs_them_too(bench: Bench) -> None:
    bench.write(numbered(50))
    done = bench.call("run", bench.recipe("  - ./ops.py:shout:"), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert not (bench.folder / "out.jsonl").exists()
    assert "./ops.py:shout" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("step", "place", "message"),
    [
        ("./ops.py:Suffix: {sufix: x}", "4:30", "did you mean `suffix`"),
        ("./ops.py:Suffix: {suffix: x, times: many}", "4:41", "expected integer"),
        ("./ops.py:Suffix:", "4:5", "`suffix` is missing"),
        ("./ops.py:Nobody:", "4:5", "Nobody"),
        ("./nothing.py:Suffix:", "4:5", "there is no file"),
        ("./ops.py:shout: {num_proc: 0}", "4:32", "expected a number from 1"),
        ("no_such_operator_at_all:", "4:5", "unknown operator"),
    ],
)
def test_mistakes_are_found_before_the_run(
    bench: Bench, step: str, place: str, message: str
) -> None:
    bench.write([{"text": "a"}])
    done = bench.call("check", bench.recipe(f"  - {step}"))
    assert done.returncode == 2, done.stderr
    assert f":{place}" in done.stderr, done.stderr
    assert message in done.stderr


def test_a_package_that_is_missing_is_named_with_the_command(bench: Bench) -> None:
    bench.write([{"text": "a"}])
    folder = HERE / "operators" / "needs_a_package"
    done = bench.call("check", bench.recipe(f"  - {folder}:"))
    assert done.returncode == 2
    assert "pip install" in done.stderr


def test_a_python_that_is_none_is_named(bench: Bench) -> None:
    bench.write([{"text": "a"}])
    recipe = bench.recipe("  - ./ops.py:shout:")
    done = bench.call("run", recipe, "--python", "/nowhere/python", python=False)
    assert done.returncode == 2
    assert "/nowhere/python (named by --python)" in done.stderr


def test_an_operator_folder_is_found_by_its_name_and_raw_id(bench: Bench) -> None:
    bench.write([{"text": "call 123"}])
    bench.run(bench.recipe("  - mask_digits:"), "--operators", HERE / "operators")
    by_name = bench.rows()
    raw_id = next(
        line.partition(":")[2].strip().strip("'\"")
        for line in (HERE / "operators" / "mask_digits" / "metadata.yml").read_text().splitlines()
        if line.startswith("raw_id")
    )
    recipe = bench.recipe(f"  - {raw_id}:", operator_dirs=[str(HERE / "operators")])
    bench.run(recipe, "--restart")
    assert bench.rows() == by_name != [{"text": "call 123"}]


def test_no_process_outlives_a_killed_engine(bench: Bench) -> None:
    bench.write(numbered(20_000))
    for step in ("with_child", "busy_in_c"):
        steps = f"  - ./ops.py:{step}: {{num_proc: 2}}\n  - ./ops.py:slow: {{num_proc: 2}}"
        engine = bench.start("run", bench.recipe(steps), "--restart", "--quiet")
        # The engine, its guard, and workers that have begun.
        until(lambda: len(bench.processes()) >= 4, "no workers")
        if step == "with_child":
            until(lambda: any_sleeps(bench), "no grandchild")
        engine.send_signal(signal.SIGKILL)
        engine.communicate()
        until(lambda: not bench.processes(), f"processes are left: {bench.processes()}")


def any_sleeps(bench: Bench) -> bool:
    return any(
        Path(f"/proc/{pid}/comm").read_text().strip() == "sleep" for pid in bench.processes()
    )


def test_an_interrupted_run_goes_on_to_the_same_bytes(bench: Bench) -> None:
    bench.write(numbered(600) + [{"text": "x" * 400_000, "id": i} for i in range(12)])
    steps = "  - ./ops.py:slow: {num_proc: 2}\n  - ./ops.py:Suffix: {suffix: '.'}"
    bench.run(bench.recipe(steps, "whole.jsonl"))
    recipe = bench.recipe(steps)
    engine = bench.start("run", recipe, "--quiet", "--commit-bytes", "1")
    until(lambda: len(bench.processes()) >= 3, "no workers")
    time.sleep(1)
    engine.send_signal(signal.SIGINT)
    _, told = engine.communicate(timeout=PATIENCE_S)
    assert engine.returncode == 130, told
    until(lambda: not bench.processes(), "processes are left")
    bench.run(recipe, "--resume")
    assert (bench.folder / "out.jsonl").read_bytes() == (
        bench.folder / "whole.jsonl"
    ).read_bytes()


def test_changed_code_is_another_run(bench: Bench) -> None:
    bench.write(numbered(20_000))
    recipe = bench.recipe("  - ./ops.py:slow: {num_proc: 1}")
    engine = bench.start("run", recipe, "--quiet")
    until(lambda: len(bench.processes()) >= 3, "no workers")
    engine.send_signal(signal.SIGINT)
    engine.communicate(timeout=PATIENCE_S)
    (bench.folder / "ops.py").write_text(OPERATORS + "\n# changed\n")
    done = bench.call("run", recipe, "--resume")
    assert done.returncode == 2, done.stderr
    assert "code" in done.stderr
