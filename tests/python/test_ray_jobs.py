"""Whole runs handed to a cluster, and clusters that lack the package."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_fixtures import bench, fill, local, package  # noqa: F401
from ray_stand import Bench, Nodes, nodes, processes, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

RECIPE = """
dataset_path: {folder}/in
export_path: {folder}/out.jsonl
process:
  - replace_content_mapper: {{pattern: "{pattern}", repl: ""}}
  - text_length_filter: {{min_len: 60}}
  - document_deduplicator:
"""

SLOW = "[a-z].*(?<!x)#"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A cluster that takes jobs, and whose nodes lack the package."""
    with nodes(None, dashboard=True) as made:
        yield made


def prepare(bench: Bench, pattern: str, n_rows: int) -> None:  # noqa: F811
    recipe = RECIPE.format(folder=bench.folder, pattern=pattern)
    fill(bench, recipe, n_rows=n_rows)


def test_workers_that_lack_the_package_are_told_or_given_it(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    prepare(bench, "buoy", 200)
    expected = local(bench)
    ray = bench.ray(cluster.address)
    done = bench.run("run", "recipe.yaml", "--quiet", *ray, code=3)
    assert "the workers of the cluster lack the package `wrasse`" in done.stderr
    assert "--ray-ship" in done.stderr
    bench.run("run", "recipe.yaml", "--quiet", "--resume", "--ray-ship", *ray)
    assert bench.read("out.jsonl") == expected


def test_a_submitted_run_is_followed_to_its_end(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    prepare(bench, "buoy", 200)
    expected = local(bench)
    submit = ["submit", "recipe.yaml", f"--address={cluster.jobs}", "--ray-ship"]
    submit.append(f"--ray-python={sys.executable}")
    done = bench.run(*submit)
    assert bench.read("out.jsonl") == expected
    assert "submitted raysubmit_" in done.stderr
    # The log of the run: its accounting.
    assert "800 in = " in done.stderr, done.stderr
    report = json.loads(bench.read("out.wrasse/report.json"))
    assert report["rows"]["in"] == 800
    done = bench.run(*submit, "--", "--max-rejects=lots", code=2)
    assert "--max-rejects" in done.stderr


def test_a_submitted_run_is_stopped(bench: Bench, cluster: Nodes) -> None:  # noqa: F811
    prepare(bench, SLOW, 20000)
    process = bench.start(
        "submit", "recipe.yaml", f"--address={cluster.jobs}", "--ray-ship",
        f"--ray-python={sys.executable}", "--", "--ray-task-bytes=128KiB",
        # As a shell does with what it starts in the background.
        deaf=True,
    )
    manifest = Path(bench.folder / "out.wrasse" / "manifest.jsonl")
    wait_for(lambda: manifest.exists(), 60)
    process.send_signal(signal.SIGINT)
    done = bench.wait(process)
    assert done.returncode == 130, done.stderr
    assert "was stopped" in done.stderr, done.stderr
    assert not processes(str(bench.folder)), "the run is still there"
    assert not (bench.folder / "out.jsonl").exists()


def test_a_second_interrupt_gives_up_at_once(bench: Bench) -> None:  # noqa: F811
    bench.write("recipe.yaml", RECIPE.format(folder=bench.folder, pattern="buoy"))
    bench.write("in/a.jsonl", "")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        process = bench.start(
            "submit", "recipe.yaml", f"--address=http://127.0.0.1:{port}",
            f"--ray-python={sys.executable}",
        )
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None, "one interrupt asks to stop"
            process.send_signal(signal.SIGINT)
            done = bench.wait(process)
    assert done.returncode == 130, done.stderr
    assert "given up" in done.stderr
