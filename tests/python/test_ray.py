"""The same recipe on Ray: the same bytes, whatever dies on the way.

The clusters are real: Ray's own processes, several raylets where nodes are lost.
All of them listen on loopback addresses only and end with their test.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from ray_stand import Bench, Nodes, kill, nodes, processes, stage, wait_for

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


@pytest.fixture(scope="session")
def package(wrasse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("package"), wrasse)


@pytest.fixture
def bench(tmp_path: Path, wrasse: Path, package: Path) -> Bench:
    return Bench(tmp_path, wrasse, package)


@pytest.fixture(scope="module")
def cluster(package: Path) -> Iterator[Nodes]:
    """A cluster that no test harms."""
    with nodes(package) as made:
        yield made


def rows(n: int, salt: int = 0) -> str:
    """Rows of a few hundred bytes; each fourth one is a copy of an earlier one."""
    words = ["tide", "ebb", "harbor", "buoy", "gull", "mast", "keel", "stern", "https://a.example/b"]

    def row(i: int) -> str:
        at = i if i % 4 else i // 4
        text = "  ".join(words[(at * 7 + k * k) % len(words)] for k in range(5 + at % 60))
        return json.dumps({"id": i, "text": f"{at}  {text}", "salt": salt})

    return "".join(row(i) + "\n" for i in range(n))


def fill(bench: Bench, n_files: int = 4, n_rows: int = 4000) -> None:
    for i in range(n_files):
        bench.write(f"in/{i}.jsonl", rows(n_rows, i))
    bench.write("recipe.yaml", RECIPE)


def local(bench: Bench, recipe: str = "recipe.yaml", output: str = "out.jsonl") -> bytes:
    """What the recipe gives on threads; nothing else stays of that."""
    bench.run("run", recipe, "--quiet")
    data = bench.read(output)
    (bench.folder / output).unlink()
    shutil.rmtree(next(bench.folder.glob("*.wrasse")))
    return data


def tally(report: dict) -> dict:
    """The accounting, without times."""
    drop = re.compile(r"(_s|_ns|_bytes|threads|resumed|version)$|^(busy|cpu|time)")

    def clean(value):
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items() if not drop.search(key)}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return clean({key: report[key] for key in report if key in ("rows", "operators", "steps")})


def test_a_ray_of_its_own_gives_the_same_bytes_and_leaves_nothing(bench: Bench) -> None:
    fill(bench)
    expected = local(bench)
    process = bench.start(
        "run", "recipe.yaml", "--backend=ray", f"--ray-python={sys.executable}", "-j2",
        "--ray-object-store=128MiB", SMALL,
    )
    wait_for(lambda: processes("wrasse-ray-"), 60)
    listening = set()
    while process.poll() is None:
        listening |= listeners(processes("wrasse-ray-"))
        time.sleep(0.3)
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert bench.read("out.jsonl") == expected
    assert listening, "Ray listened nowhere"
    assert all(address.startswith("127.") or address == "::1" for address in listening), listening
    wait_for(lambda: not processes("wrasse-ray-"), 20)
    assert not list(Path("/tmp").glob("wrasse-ray-*"))


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


def test_callbacks_and_polling_give_the_same(bench: Bench, cluster: Nodes) -> None:
    fill(bench)
    expected = local(bench)
    for flags in [[], ["--ray-polling"]]:
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
    fill(bench, 3, 2000)
    (bench.folder / "packed.jsonl.gz").write_bytes(gzip.compress(rows(6000).encode()))
    bench.write("recipe.yaml", recipe)
    expected = local(bench, output=output)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), SMALL)
    assert bench.read(output) == expected


def test_standard_input_is_refused(bench: Bench) -> None:
    bench.write("recipe.yaml", "dataset_path: '-'\nexport_path: out.jsonl\nprocess: []\n")
    done = bench.run(
        "run", "recipe.yaml", "--backend=ray", f"--ray-python={sys.executable}", code=2
    )
    assert "standard input" in done.stderr


def test_a_python_without_ray_is_told(bench: Bench) -> None:
    fill(bench, 1, 10)
    bench.env["PYTHONPATH"] += f":{bench.folder}"
    bench.write("ray.py", "raise ImportError('no module named ray here')\n")
    flags = ["--backend=ray", f"--ray-python={sys.executable}"]
    # The program starts the gateway in its own folder, which is searched first.
    done = bench.run("run", "recipe.yaml", *flags, code=2)
    assert "has no Ray" in done.stderr and "pip install 'wrasse[ray]'" in done.stderr
    bench.run("run", "recipe.yaml", "--quiet")


def test_a_cluster_that_is_not_there_is_told(bench: Bench) -> None:
    fill(bench, 1, 10)
    done = bench.run("run", "recipe.yaml", *bench.ray("127.0.0.1:1"), code=2)
    assert "cannot join the cluster at 127.0.0.1:1" in done.stderr
