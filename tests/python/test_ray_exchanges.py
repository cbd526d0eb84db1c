"""Operators that decide over all samples, on a cluster: samples wait where they are, keys are
weighed by tasks, and what comes out is what threads make of it, whatever dies on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_brake import Brake
from ray_fixtures import bench, brake, obedient, rows  # noqa: F401
from ray_stand import Bench, Nodes, kill, nodes, processes, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

MINHASH = "  - document_minhash_deduplicator: {window_size: 3}\n"
CLEAN = "  - text_length_filter: {min_len: 60}\n"
LINES = "  - document_line_deduplicator: {frequency_threshold: 300}\n"

# What decides, and whether that makes an order of its own.
STEPS = {
    "near duplicates": CLEAN + MINHASH + "  - whitespace_normalization_mapper:\n",
    "near duplicates, the last ones stay": (
        "  - document_minhash_deduplicator_with_uid: {window_size: 3}\n"
    ),
    "lines": LINES + CLEAN,
    "of what is cut": "  - text_chunk_mapper: {max_len: 400, overlap_len: 5}\n" + MINHASH,
    "small keys": "  - document_simhash_deduplicator: {window_size: 3}\n",
    "an order": "  - topk_specified_field_selector: {field_key: id, topk: 700}\n" + CLEAN,
    "groups": "  - key_value_grouper: {group_by_keys: [salt, kind]}\n",
    "one after the other": (
        "  - document_deduplicator:\n" + MINHASH + "  - random_selector: {select_num: 900}\n"
        + LINES + "  - document_deduplicator:\n"
    ),
    "nothing is left": "  - text_length_filter: {min_len: 100000}\n" + MINHASH,
}

SMALL = ["--ray-task-bytes=128KiB", "--commit-bytes=32KiB", "--trace-dropped"]
RESULTS = ["dropped.jsonl", "clusters.jsonl", "rejects.jsonl"]


@pytest.fixture(scope="module")
def package(obedient: Brake) -> Path:  # noqa: F811
    return obedient.package


@pytest.fixture(scope="module")
def cluster(package: Path) -> Iterator[Nodes]:  # noqa: F811
    """A cluster that lives through these tests. On a single node the driver may write the
    output by itself, and then it has all of it."""
    with nodes(package, cpus=1) as made:
        made.add(cpus=1)
        yield made


def prepare(bench: Bench, steps: str, n_rows: int = 1600, times: int = 1) -> None:  # noqa: F811
    """Writes recipe and input, in which nearly the same texts are far apart, each so many
    times as long."""
    bench.write("recipe.yaml", f"dataset_path: in\nexport_path: out/\nprocess:\n{steps}")
    for i in range(4):
        found = [json.loads(row) for row in rows(n_rows, i).splitlines()]
        for row in found:
            row["kind"] = row["id"] % 11
            row["text"] = "  ".join([row["text"]] * times)
            # One that is in nobody's way has no number.
            if row["id"] != 5:
                row["__dj__uid"] = 10 * (n_rows - row["id"]) + i
            if row["id"] % 3 == 0:
                # In this file alone.
                row["text"] = " ".join(f"{word}{i}" for word in row["text"].split())
            elif row["id"] % 5 == 0:
                row["text"] += f" in {i}"
        bench.write(f"in/{i}.jsonl", "".join(json.dumps(row) + "\n" for row in found))


def results(bench: Bench) -> dict[str, object]:  # noqa: F811
    """All that a run leaves behind and that does not speak of time."""
    run_dir = next(bench.folder.rglob("*.wrasse"))
    found = {path.name: path.read_bytes() for path in (bench.folder / "out").glob("*.jsonl")}
    for name in RESULTS:
        path = run_dir / name
        found[name] = path.read_bytes() if path.exists() else None
    report = json.loads((run_dir / "report.json").read_text())
    steps = [{k: v for k, v in step.items() if "cpu" not in k} for step in report["operators"]]
    return {**found, "rows": report["rows"], "steps": steps}


def forget(bench: Bench) -> None:  # noqa: F811
    for path in [bench.folder / "out", *bench.folder.glob("*.wrasse")]:
        shutil.rmtree(path, ignore_errors=True)


def on_threads(bench: Bench, *flags: str) -> dict[str, object]:  # noqa: F811
    bench.run("run", "recipe.yaml", "--quiet", "--trace-dropped", *flags)
    expected = results(bench)
    forget(bench)
    return expected


@pytest.mark.parametrize("steps", STEPS)
def test_what_is_decided_on_a_cluster_is_what_threads_decide(
    bench: Bench, cluster: Nodes, steps: str  # noqa: F811
) -> None:
    prepare(bench, STEPS[steps])
    expected = on_threads(bench)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *SMALL)
    assert results(bench) == expected
    n_bytes = sum(path.stat().st_size for path in (bench.folder / "in").iterdir())
    # Rows do not come to the driver, but what is left of keys and where samples are from: some
    # twenty bytes for each of these short ones.
    fetched = bench.snapshots()[-1]["bytes"]["fetched"]
    assert 0 < fetched < n_bytes * 0.07, f"{fetched} of {n_bytes}"


def test_workers_that_die_when_all_is_decided_cost_time_alone(
    bench: Bench, cluster: Nodes, brake: Brake  # noqa: F811
) -> None:
    prepare(bench, MINHASH + STEPS["an order"] + "  - whitespace_normalization_mapper:\n")
    expected = on_threads(bench)
    for task in ["decide", "pick", "(stage 1)", "(stage 2)"]:
        brake.die(task)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *SMALL)
    assert results(bench) == expected
    assert brake.left() == []


@pytest.mark.parametrize("steps", ["near duplicates", "an order"])
def test_a_run_that_threads_began_goes_on_in_the_middle_of_an_object(
    bench: Bench, cluster: Nodes, steps: str  # noqa: F811
) -> None:
    # Objects of several blocks; the last step looks for what is not there at length, so that
    # threads are at it for a while.
    slow = '  - replace_content_mapper: {pattern: "[a-z].*(?<!x)#", repl: ""}\n'
    prepare(bench, STEPS[steps] + slow, n_rows=1200, times=6)
    expected = on_threads(bench)
    process = bench.start("run", "recipe.yaml", "--quiet", *SMALL[1:], "-j1")
    wait_for(lambda: bench.commits() > 0 or process.poll() is not None, 60)
    assert process.poll() is None, process.communicate()
    kill(process.pid)
    process.wait()
    flags = [*bench.ray(cluster.address), "--ray-task-bytes=4MiB", *SMALL[1:]]
    bench.run("run", "recipe.yaml", "--quiet", "--resume", *flags)
    assert results(bench) == expected


def test_samples_that_wait_on_a_node_that_is_lost_are_made_again(
    bench: Bench, package: Path, brake: Brake  # noqa: F811
) -> None:
    prepare(bench, MINHASH + "  - whitespace_normalization_mapper:\n")
    expected = on_threads(bench)
    brake.pause(0.2)
    with nodes(package, cpus=1) as made:
        doomed = made.add(cpus=1)
        flags = [*bench.ray(made.address), *SMALL]
        process = bench.start("run", "recipe.yaml", "--quiet", *flags)
        wait_for(lambda: processes("(stage 1)"), 90)
        made.kill(doomed)
        done = bench.wait(process)
        assert done.returncode == 0, done.stderr
    assert results(bench) == expected
