"""What dies on the way costs time, or ends the run with a clear error and a way
to go on: never the output, and never a hang."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_brake import Brake
from ray_fixtures import bench, brake, fill, local, obedient  # noqa: F401
from ray_stand import Bench, Nodes, gateway_of, kill, nodes, processes, scratch_of, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

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

SMALL = ["--ray-task-bytes=128KiB", "--commit-bytes=32KiB"]
N_ROWS = 1600


@pytest.fixture(scope="module")
def package(obedient: Brake) -> Path:  # noqa: F811
    return obedient.package


@pytest.fixture(scope="module")
def expected(wrasse: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:  # noqa: F811
    """What threads make of the input."""
    bench = Bench(tmp_path_factory.mktemp("threads"), wrasse, package)
    fill(bench, RECIPE, n_rows=N_ROWS)
    return local(bench)


@pytest.fixture(scope="module")
def cluster(package: Path) -> Iterator[Nodes]:  # noqa: F811
    """A cluster that lives through these tests."""
    with nodes(package) as made:
        yield made


def test_workers_that_die_cost_time_alone(
    bench: Bench, cluster: Nodes, brake: Brake, expected: bytes  # noqa: F811
) -> None:
    fill(bench, RECIPE, n_rows=N_ROWS)
    brake.die("read", times=2)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *SMALL)
    assert brake.left() == []
    assert bench.read("out.jsonl") == expected


def test_a_killed_run_goes_on_with_either_backend(
    bench: Bench, cluster: Nodes, brake: Brake, expected: bytes  # noqa: F811
) -> None:
    fill(bench, RECIPE, n_rows=N_ROWS)
    brake.pause(0.1)
    ray = [*bench.ray(cluster.address), *SMALL]
    process = bench.start("run", "recipe.yaml", "--quiet", *ray)
    gateway = gateway_of(process)
    wait_for(lambda: bench.commits() >= 1, 60)
    kill(process.pid)
    process.wait()
    # The gateway hears that the engine is gone, and goes too.
    wait_for(lambda: gateway not in processes("wrasse.ray.gateway"), 30)
    first = bench.commits()
    process = bench.start("run", "recipe.yaml", "--quiet", "--resume", *ray)
    wait_for(lambda: bench.commits() > first, 60)
    kill(process.pid)
    process.wait()
    # (It may have been done a moment before; then there is nothing to do.)
    bench.run("run", "recipe.yaml", "--quiet", "--resume")
    assert bench.read("out.jsonl") == expected
    report = json.loads(bench.read("out.wrasse/report.json"))
    assert report["rows"]["in"] == 4 * N_ROWS


def test_an_interrupted_run_ends_softly_and_goes_on(
    bench: Bench, cluster: Nodes, brake: Brake, expected: bytes  # noqa: F811
) -> None:
    fill(bench, RECIPE, n_rows=N_ROWS)
    brake.pause(0.1)
    ray = [*bench.ray(cluster.address), *SMALL]
    process = bench.start("run", "recipe.yaml", "--quiet", *ray)
    wait_for(lambda: bench.commits() >= 1, 60)
    process.send_signal(signal.SIGINT)
    done = bench.wait(process)
    assert done.returncode == 130, done.stderr
    assert "everything up to here is safe" in done.stderr
    bench.run("run", "recipe.yaml", "--quiet", "--resume", *ray)
    assert bench.read("out.jsonl") == expected


def test_a_gateway_that_dies_is_told_and_leaves_nothing(
    bench: Bench, brake: Brake, expected: bytes  # noqa: F811
) -> None:
    fill(bench, RECIPE, n_rows=N_ROWS)
    brake.pause(0.1)
    process = bench.start(
        "run", "recipe.yaml", "--quiet", "--backend=ray", f"--ray-python={sys.executable}",
        "-j2", "--ray-object-store=128MiB", *SMALL,
    )
    gateway = gateway_of(process)
    wait_for(lambda: bench.commits() >= 1, 90)
    scratch = scratch_of(gateway)
    kill(gateway)
    done = bench.wait(process)
    assert done.returncode == 3, done.stderr
    assert "the gateway to Ray has ended (signal: 9" in done.stderr
    assert "--resume goes on from the last commit" in done.stderr
    wait_for(lambda: not processes(scratch), 30)
    assert not Path("/tmp", scratch).exists()
    bench.run("run", "recipe.yaml", "--quiet", "--resume")
    assert bench.read("out.jsonl") == expected


# An operator that lets nothing but the first file pass until it is told to, so that
# what has to happen meanwhile can take as long as it takes.
HOLD = """
import os
import time
from pathlib import Path

import wrasse
from helper import mark

@wrasse.mapper
def hold(row):
    go = Path({go!r})
    if not row["salt"]:
        # So many of these that a second worker is worth its while.
        time.sleep(0.003)
    while row["salt"] and not go.exists():
        # Whose process it is.
        (go.parent / f"held-{{os.getppid()}}").touch()
        time.sleep(0.02)
    return {{"text": mark(row["text"])}}
"""
HELPER = """
def mark(text):
    return text + " held"
"""
HELD = """
dataset_path: in
export_path: out.jsonl
process:
  - text_length_filter: {min_len: 60}
  - ops/ops.py:hold:
  - document_deduplicator:
"""


def fill_held(bench: Bench) -> Path:  # noqa: F811
    """A run that waits for a file; the file."""
    go = bench.folder / "go"
    bench.write("ops/ops.py", HOLD.format(go=str(go)))
    bench.write("ops/helper.py", HELPER)
    fill(bench, HELD, n_files=5, n_rows=800)
    return go


def processors(bench: Bench) -> float | None:  # noqa: F811
    """What the run was last told that the cluster has; nothing if that never changed."""
    events = (bench.folder / "out.wrasse" / "events.jsonl").read_text().splitlines(keepends=True)
    told = [json.loads(event) for event in events if event.endswith("\n")]
    limits = [event["limits"]["cpu"] for event in told if event["event"] == "limits_changed"]
    return limits[-1] if limits else None


def holding(bench: Bench) -> list[int]:  # noqa: F811
    """The workers that wait in a run, and are there."""
    held = [int(path.name.rpartition("-")[2]) for path in bench.folder.glob("held-*")]
    return [pid for pid in held if Path(f"/proc/{pid}").exists()]


def test_a_node_comes_late_and_another_dies_with_its_blocks(
    bench: Bench, package: Path  # noqa: F811
) -> None:
    go = fill_held(bench)
    go.touch()
    expected = local(bench)
    go.unlink()
    with nodes(package, cpus=1) as made:
        doomed = made.add(cpus=1)
        flags = [*bench.ray(made.address), *SMALL]
        process = bench.start("run", "recipe.yaml", "--quiet", *flags)
        # One of two processors is for tasks.
        wait_for(lambda: len(holding(bench)) == 1, 90)
        made.add(cpus=1)
        wait_for(lambda: len(holding(bench)) == 2, 90)
        made.kill(doomed)
        # It is missed after a while.
        wait_for(lambda: processors(bench) == 2, 60)
        go.touch()
        done = bench.wait(process)
        assert done.returncode == 0, done.stderr
    assert bench.read("out.jsonl") == expected
    report = json.loads(bench.read("out.wrasse/report.json"))
    assert report["threads"] == 2, "two of three nodes were left"


def test_operators_that_a_node_does_not_have_come_along(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    go = fill_held(bench)
    go.touch()
    expected = local(bench)
    go.unlink()
    process = bench.start("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *SMALL)
    wait_for(lambda: len(holding(bench)) == 1, 90)
    # What is started from now on does not find them under their path.
    (bench.folder / "ops").rename(bench.folder / "gone")
    for pid in holding(bench):
        kill(pid)
    go.touch()
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert bench.read("out.jsonl") == expected
    assert not (bench.folder / "out.wrasse" / "rejects.jsonl").exists()


POISON = """
dataset_path: in
export_path: out.jsonl
process:
  - replace_content_mapper: {pattern: "first-poison", repl: "KILLS"}
  - document_deduplicator:
  - replace_content_mapper: {pattern: "second-poison", repl: "KILLS"}
"""


def test_a_sample_that_kills_its_workers_is_rejected_alone(
    bench: Bench, cluster: Nodes, brake: Brake  # noqa: F811
) -> None:
    brake.die_of("KILLS")
    texts = [f"{i} buoy and gull" for i in range(12)]
    texts[3] = "3 first-poison"
    texts[9] = "9 second-poison"
    bench.write("in/a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in texts))
    bench.write("recipe.yaml", POISON)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address))
    kept = [json.loads(line)["text"] for line in bench.read("out.jsonl").splitlines()]
    assert kept == [text for text in texts if "poison" not in text]
    rejects = [json.loads(line) for line in bench.read("out.wrasse/rejects.jsonl").splitlines()]
    assert [json.loads(reject["raw"])["text"] for reject in rejects] == [texts[3], texts[9]]
    assert all(reject["error"] == "the worker died at it each time" for reject in rejects)
    assert all(reject["attempts"] >= 2 for reject in rejects)
