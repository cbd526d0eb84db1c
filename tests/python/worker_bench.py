"""What tests of Python operators share: operators, and the program in a folder with them."""

from __future__ import annotations

import json
import os
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
def careful(row):
    if row["text"] == "ocean!":
        raise ValueError(row["text"])
    return row


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


class Heavy(Mapper):
    """Takes memory."""

    mib: int = 100

    def setup(self):
        self.taken = bytearray(self.mib << 20)

    def map(self, row):
        time.sleep(0.02)
        row["worker"] = os.getpid()
        return row


@wrasse.mapper
def device(row):
    time.sleep(0.02)
    row["sees"] = os.environ.get("CUDA_VISIBLE_DEVICES")
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
    # The Python of the operators.
    python: str = sys.executable

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
        }

    def command(self, *args: Any) -> list[str]:
        return [str(self.program), *map(str, args), "--python", self.python]

    def told(self, *args: Any) -> str:
        """What the program says of a recipe that it refuses."""
        done = self.call(*args)
        assert done.returncode == 2, done
        return done.stderr

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
            timeout=900,
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
