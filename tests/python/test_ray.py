"""The same recipe on Ray: the same bytes, whatever dies on the way.

The clusters are real: Ray's own processes, several raylets where nodes are lost.
All of them listen on loopback addresses only and end with their test.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from ray_fixtures import bench, fill, local, package, rows  # noqa: F401
from ray_stand import Bench, Nodes, gateway_of, nodes, processes, scratch_of, wait_for

RAY = pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

RECIPE = """
dataset_path: in
export_path: out.jsonl
process:
  - whitespace_normalization_mapper:
  - text_length_filter: {min_len: 60}
  - document_deduplicator:
  - clean_links_mapper:
  - words_num_filter: {min_num: 8}
"""

# Tasks of this size make some of a small input.
SMALL = "--ray-task-bytes=256KiB"


@pytest.fixture(scope="module")
def cluster(package: Path) -> Iterator[Nodes]:
    """A cluster that no test harms."""
    with nodes(package) as made:
        yield made


def test_a_ray_of_its_own_gives_the_same_bytes_and_leaves_nothing(bench: Bench) -> None:
    fill(bench, RECIPE)
    expected = local(bench)
    process = bench.start(
        "run", "recipe.yaml", "--backend=ray", f"--ray-python={sys.executable}", "-j2",
        "--ray-object-store=128MiB", SMALL,
    )
    scratch = scratch_of(gateway_of(process))
    listening = set()
    while process.poll() is None:
        listening |= listeners(processes(scratch))
        time.sleep(0.3)
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert bench.read("out.jsonl") == expected
    assert listening, "Ray listened nowhere"
    assert all(address.startswith("127.") or address == "::1" for address in listening), listening
    wait_for(lambda: not processes(scratch), 20)
    assert not Path("/tmp", scratch).exists()


def listeners(pids: list[int]) -> set[str]:
    """The addresses at which these processes wait for TCP connections."""
    sockets = set()
    for pid in pids:
        try:
            for link in Path(f"/proc/{pid}/fd").iterdir():
                target = str(link.readlink())
                if target.startswith("socket:["):
                    sockets.add(target[8:-1])
        except OSError:
            continue
    found = set()
    for table in ["/proc/net/tcp", "/proc/net/tcp6"]:
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(address(fields[1].rpartition(":")[0]))
    return found


def address(digits: str) -> str:
    digits = digits.removeprefix("0000000000000000FFFF0000")
    if len(digits) == 8:
        return ".".join(str(byte) for byte in reversed(bytes.fromhex(digits)))
    return "::1" if digits == "00000000000000000000000001000000" else digits


def test_how_the_driver_hears_of_outputs_changes_nothing(bench: Bench, cluster: Nodes) -> None:
    fill(bench, RECIPE)
    expected = local(bench)
    for flags in [[], ["--ray-polling", "--ray-metadata=inline"]]:
        bench.run(
            "run", "recipe.yaml", "--quiet", "--restart", *bench.ray(cluster.address), SMALL, *flags
        )
        assert bench.read("out.jsonl") == expected, flags


KINDS = {
    "packed files and a slicer stream": (
        """
dataset_path: [packed.jsonl.gz, in/1.jsonl]
export_path: out.jsonl.gz
process:
  - text_chunk_mapper: {max_len: 40, overlap_len: 5}
  - text_length_filter: {min_len: 10}
""",
        "out.jsonl.gz",
    ),
    "columns": (
        """
dataset_path: in
export_path: out.parquet
process:
  - text_length_filter: {min_len: 100}
  - document_deduplicator:
  - document_deduplicator: {text_key: salt_text}
""",
        "out.parquet",
    ),
    "all at once": (
        """
dataset_path: in
export_path: out.jsonl
process:
  - text_length_filter: {min_len: 60}
  - document_minhash_deduplicator: {tokenization: space, window_size: 3}
  - whitespace_normalization_mapper:
  - topk_specified_field_selector: {field_key: id, topk: 900}
  - document_deduplicator:
""",
        "out.jsonl",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_stage_gives_the_same_bytes(
    bench: Bench, cluster: Nodes, kind: str
) -> None:
    recipe, output = KINDS[kind]
    fill(bench, recipe, 3, 2000)
    (bench.folder / "packed.jsonl.gz").write_bytes(gzip.compress(rows(6000).encode()))
    expected = local(bench, output=output)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), SMALL)
    assert bench.read(output) == expected


FROM_STDIN = """
dataset_path: [in/0.jsonl, "-", in/1.jsonl]
export_path: out.jsonl
process:
  - whitespace_normalization_mapper:
  - text_length_filter: {min_len: 60}
  - document_deduplicator:
"""


def test_standard_input_is_read_here_and_worked_on_there(bench: Bench, cluster: Nodes) -> None:
    fill(bench, FROM_STDIN, 2, 1000)
    given = rows(6000, 7) + "no row\n"

    def run(*flags: str) -> None:
        process = bench.start("run", "recipe.yaml", "--quiet", *flags, stdin=given)
        done = bench.wait(process)
        assert done.returncode == 0, done.stderr

    ray = [*bench.ray(cluster.address), SMALL]
    for limit in [[], ["--limit=3210"]]:
        ends = []
        for flags in [[], ray]:
            run("--restart", "--commit-bytes=64KiB", *limit, *flags)
            report = json.loads(bench.read("out.wrasse/report.json"))
            rejects = bench.folder / "out.wrasse" / "rejects.jsonl"
            rejected = rejects.read_bytes() if rejects.exists() else b""
            ends.append((bench.read("out.jsonl"), rejected, report["rows"]))
        assert ends[0] == ends[1], limit


def test_a_python_without_ray_is_told(bench: Bench) -> None:
    fill(bench, RECIPE, 1, 10)
    bench.env["PYTHONPATH"] += f":{bench.folder}"
    bench.write("ray.py", "raise ImportError('no module named ray here')\n")
    flags = ["--backend=ray", f"--ray-python={sys.executable}"]
    # The program starts the gateway in its own folder, which is searched first.
    done = bench.run("run", "recipe.yaml", *flags, code=2)
    assert "has no Ray" in done.stderr and "pip install 'wrasse[ray]'" in done.stderr
    bench.run("run", "recipe.yaml", "--quiet")


def test_a_cluster_that_is_not_there_is_told(bench: Bench) -> None:
    fill(bench, RECIPE, 1, 10)
    done = bench.run("run", "recipe.yaml", *bench.ray("127.0.0.1:1"), code=2)
    assert "cannot join the cluster at 127.0.0.1:1" in done.stderr


# How columns of times end in the tables of results.
TIMES = ("_at", "_time")


def split_sections(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The sections of a guide: title, and its blocks, each with its first line."""
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        blocks = re.findall(r"^(`{3,})([^\n`]+)\n(.*?)^\1[ ]*$", section, flags=re.M | re.S)
        yield section.splitlines()[0], [(info, body) for _, info, body in blocks]


def play(bench: Bench, blocks: list[tuple[str, str]], flags: list[str]) -> tuple[list, dict]:
    """Runs a section as it is written: exit codes, and the files at the end."""
    codes = []
    for info, body in blocks:
        language, _, rest = info.partition(" ")
        named = re.fullmatch(r"(?:input|file)=(\S+)", rest)
        if named or info == "yaml":
            bench.write(named[1] if named else "recipe.yaml", body)
        elif language == "console":
            for line in re.findall(r"^\$ (.*)$", body, flags=re.M):
                words = shlex.split(line)
                runs = words[1] == "run" and "<" not in words
                stdin = None
                if "<" in words:
                    stdin = (bench.folder / words[-1]).open("rb")
                    words = words[: words.index("<")]
                process = subprocess.Popen(
                    [bench.program, *words[1:], *(flags if runs else [])],
                    cwd=bench.folder, env=bench.env, stdin=stdin or subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )
                codes.append((line, bench.wait(process).returncode))
                if stdin:
                    stdin.close()
    own = {"manifest.jsonl", "events.jsonl", "report.html", "report.json", "lock", "ray-gateway.log"}
    files = {
        str(path.relative_to(bench.folder)): content(path, bench.folder)
        for path in bench.folder.rglob("*")
        if path.is_file() and path.name not in own
    }
    return codes, files


def content(path: Path, folder: Path) -> object:
    """The bytes of a file; of tables of results, all rows, without times and this folder."""
    if path.suffix != ".sqlite":
        return path.read_bytes()
    tables = {}
    with contextlib.closing(sqlite3.connect(path)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            rows = database.execute(f'SELECT * FROM "{name}"')
            told = [column[0] for column in rows.description]
            timeless = [at for at, column in enumerate(told) if not column.endswith(TIMES)]
            found = [[row[at] for at in timeless] for row in rows]
            tables[name] = told, str(found).replace(str(folder), "")
    return tables


# Of the guides that run recipes, those in which most can differ; with WRASSE_RAY_ALL=1,
# all of them, which takes minutes.
GUIDES = [
    "datamate-tasks.md",
    "dropped-and-stats.md",
    "duplicate-decisions.md",
    "limits.md",
    "rejects-and-replay.md",
    "waiting-for-all.md",
]
if os.environ.get("WRASSE_RAY_ALL") == "1":
    GUIDES = sorted(
        path.name
        for path in (ROOT / "tests" / "recipes").glob("*.md")
        if "$ wrasse run" in path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("guide", GUIDES)
def test_guides_come_out_the_same_on_a_cluster(
    guide: str, tmp_path: Path, wrasse: Path, package: Path, cluster: Nodes
) -> None:
    text = (ROOT / "tests" / "recipes" / guide).read_text(encoding="utf-8")
    for at, (title, blocks) in enumerate(split_sections(text)):
        if not any("$ wrasse run" in body for info, body in blocks if info == "console"):
            continue
        ways = []
        for way in ["threads", "ray"]:
            (tmp_path / f"{at}-{way}").mkdir()
            bench = Bench(tmp_path / f"{at}-{way}", wrasse, package)
            ways.append(play(bench, blocks, bench.ray(cluster.address) if way == "ray" else []))
        (codes, files), (ray_codes, ray_files) = ways
        assert ray_codes == codes, f"{guide}: {title}"
        assert sorted(ray_files) == sorted(files), f"{guide}: {title}"
        for name, data in files.items():
            assert ray_files[name] == data, f"{guide}: {title}: {name}"
