"""What deduplicators have seen, in actors on the nodes: the same bytes, whatever dies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_brake import Brake
from ray_fixtures import WORDS, bench, brake, obedient  # noqa: F401
from ray_stand import Bench, Nodes, gateway_of, kill, nodes, processes, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

RECIPE = """
dataset_path: in
export_path: out.jsonl
process:
  - whitespace_normalization_mapper:
  - document_deduplicator:
  - words_num_filter: {min_num: 8}
  - document_deduplicator: {lowercase: true}
  - clean_links_mapper:
"""

SMALL = ["--ray-task-bytes=64KiB", "--commit-bytes=32KiB"]
N_ROWS = 1200


def fill(bench: Bench, n_files: int = 6) -> None:  # noqa: F811
    """Files of which each has half of what the one before it has."""

    def row(at: int) -> str:
        text = " ".join(WORDS[(at * 7 + k * k) % len(WORDS)] for k in range(40))
        return json.dumps({"text": f"{at} {text}"}) + "\n"

    for i in range(n_files):
        first = i * N_ROWS // 2
        bench.write(f"in/{i}.jsonl", "".join(map(row, range(first, first + N_ROWS))))
    bench.write("recipe.yaml", RECIPE)


def result(bench: Bench) -> tuple[bytes, list]:  # noqa: F811
    """What came out, and what each step did."""
    report = json.loads(bench.read("out.wrasse/report.json"))
    return bench.read("out.jsonl"), [
        [step[key] for key in ("name", "in", "out", "duplicates")] for step in report["operators"]
    ]


@pytest.fixture(scope="module")
def package(obedient: Brake) -> Path:  # noqa: F811
    return obedient.package


@pytest.fixture(scope="module")
def expected(
    wrasse: Path, package: Path, tmp_path_factory: pytest.TempPathFactory  # noqa: F811
) -> tuple[bytes, list]:
    """What threads make of the input."""
    bench = Bench(tmp_path_factory.mktemp("threads"), wrasse, package)
    fill(bench)
    bench.run("run", "recipe.yaml", "--quiet")
    return result(bench)


@pytest.fixture(scope="module")
def cluster(package: Path) -> Iterator[Nodes]:  # noqa: F811
    """A cluster of two nodes."""
    with nodes(package) as made:
        made.add(cpus=1)
        yield made


def parent(pid: int) -> int:
    """The raylet of an actor."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def shards(cluster: Nodes) -> list[int]:
    """The actors that keep fingerprints."""
    raylets = processes(f"--gcs-address={cluster.address}")
    return [pid for pid in processes("ray::Shard") if parent(pid) in raylets]


def memory(bench: Bench) -> dict:  # noqa: F811
    """Where the fingerprints were at the end."""
    return bench.snapshots()[-1]["memory"]


@pytest.mark.parametrize(
    ("bytes_max", "n_shards"), [("0", 4), ("72KiB", 4), ("100KiB", 2), ("1GiB", 0)]
)
def test_where_fingerprints_are_does_not_show(
    bench: Bench, cluster: Nodes, expected: tuple[bytes, list],  # noqa: F811
    bytes_max: str, n_shards: int,
) -> None:
    fill(bench)
    flags = [*bench.ray(cluster.address), *SMALL, f"--ray-gate-bytes={bytes_max}"]
    flags += ["--ray-polling"] if bytes_max == "72KiB" else []
    bench.run("run", "recipe.yaml", "--quiet", *flags)
    assert result(bench) == expected
    told = memory(bench)
    assert told["shards"] == n_shards
    assert (told["sharded"] > 0) == (n_shards > 0)
    wait_for(lambda: not shards(cluster), 20)


def test_actors_that_die_are_taught_what_they_knew(
    bench: Bench, cluster: Nodes, brake: Brake  # noqa: F811
) -> None:
    # It has to last until all have died.
    fill(bench, 30)
    bench.run("run", "recipe.yaml", "--quiet")
    expected = result(bench)
    shutil.rmtree(bench.folder / "out.wrasse")
    (bench.folder / "out.jsonl").unlink()
    brake.pause(0.1)
    with cluster.more(cpus=1) as doomed:
        raylet = doomed.all_processes["raylet"][0].process.pid
        flags = [*bench.ray(cluster.address), *SMALL, "--ray-gate-bytes=0", "--threads=1"]
        process = bench.start("run", "recipe.yaml", "--quiet", *flags)
        wait_for(lambda: bench.commits() >= 1, 60)
        for _ in range(2):
            before = bench.commits()
            for pid in wait_for(lambda: shards(cluster), 10)[:4]:
                kill(pid)
            wait_for(lambda: bench.commits() > before, 60)
        wait_for(lambda: raylet in map(parent, shards(cluster)), 20)
        assert process.poll() is None, process.communicate()
        cluster.kill(doomed)
        done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert memory(bench)["shards"] == 6
    assert result(bench) == expected


def test_a_killed_driver_goes_on_with_what_they_knew(
    bench: Bench, cluster: Nodes, brake: Brake, expected: tuple[bytes, list]  # noqa: F811
) -> None:
    fill(bench)
    brake.pause(0.1)
    flags = [*bench.ray(cluster.address), *SMALL, "--ray-gate-bytes=0"]
    process = bench.start("run", "recipe.yaml", "--quiet", *flags)
    gateway = gateway_of(process)
    wait_for(lambda: bench.commits() >= 2, 60)
    assert process.poll() is None, process.communicate()
    kill(process.pid)
    process.wait()
    wait_for(lambda: gateway not in processes("wrasse.ray.gateway") and not shards(cluster), 30)
    brake.release()
    bench.run("run", "recipe.yaml", "--quiet", "--resume", *flags)
    assert result(bench) == expected
    assert memory(bench)["shards"] == 4


def test_nodes_that_are_too_small_are_told_and_a_larger_cluster_goes_on(
    bench: Bench, cluster: Nodes, expected: tuple[bytes, list]  # noqa: F811
) -> None:
    fill(bench)
    flags = [*bench.ray(cluster.address), *SMALL, "--ray-gate-bytes=0"]
    with cluster.more(cpus=1, memory=250_000):
        done = bench.run("run", "recipe.yaml", "--quiet", *flags, code=3)
    assert "of `document_deduplicator` do not fit into 3 shards" in done.stderr, done.stderr
    cluster.cluster.wait_for_nodes()
    bench.run("run", "recipe.yaml", "--quiet", "--resume", *flags)
    assert result(bench) == expected
