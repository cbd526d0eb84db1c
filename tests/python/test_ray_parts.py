"""Parts of the output that workers write: the same files as on threads, whatever dies
on the way, and the rows do not come to the driver."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Bucket
from ray_fixtures import bench, fill, package  # noqa: F401
from ray_stand import Bench, Nodes, kill, nodes, processes, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

# Where there is a last step, it looks for what is not there at length, so that something
# can die meanwhile; where there is none, a gate decides on rows that are encoded.
STEPS = """
  - whitespace_normalization_mapper:
  - text_length_filter: {min_len: 60}
  - document_deduplicator:
"""
SLOW = '  - replace_content_mapper: {pattern: "[a-z].*(?<!x)#", repl: ""}\n'
FLAGS = ["--ray-task-bytes=128KiB", "--commit-bytes=32KiB"]
# To write takes some milliseconds: who is to be seen at it does it often.
OFTEN = ["--ray-task-bytes=16KiB", "--commit-bytes=4KiB"]
N_ROWS = 1600

OUTPUTS = {
    "a folder": ("out/", "export_shard_size: 100000", SLOW),
    "packed and counted, a gate at the end": ("out/x.jsonl.gz", "export_shard_size: 70000", ""),
    "one part": ("out/", "", ""),
    "a table in parts": ("out/", "export_type: parquet\nexport_shard_size: 100000", SLOW),
    "a table in a file, a gate at the end": ("out/x.csv.gz", "", ""),
}


@pytest.fixture(scope="module")
def cluster(package: Path, s3: str) -> Iterator[Nodes]:  # noqa: F811
    """A cluster that lives through these tests; its workers reach the store."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in Bucket(s3, "of-workers").env.items():
            patch.setenv(name, value)
        with nodes(package) as made:
            yield made


def prepare(bench: Bench, output: str) -> dict[str, bytes]:  # noqa: F811
    """Writes recipe and input; what threads make of them."""
    path, size, slow = OUTPUTS[output]
    recipe = f"dataset_path: in\nexport_path: {path}\n{size}\nprocess:{STEPS}{slow}"
    fill(bench, recipe, n_rows=N_ROWS)
    bench.run("run", "recipe.yaml", "--quiet")
    expected = files(bench)
    shutil.rmtree(bench.folder / "out")
    for path in bench.folder.glob("*.wrasse"):
        shutil.rmtree(path)
    return expected


def run_dir(bench: Bench) -> Path:  # noqa: F811
    return next(path for path in bench.folder.rglob("*.wrasse"))


def files(bench: Bench) -> dict[str, bytes]:  # noqa: F811
    """The files of the output, those that were left behind included."""
    found = (path for path in (bench.folder / "out").rglob("*") if path.is_file())
    return {
        path.name: path.read_bytes() for path in found if ".wrasse/" not in str(path)
    }


def fetched(bench: Bench) -> list[int]:  # noqa: F811
    """How many bytes had come to the driver, from look to look."""
    lines = (run_dir(bench) / "events.jsonl").read_text().splitlines()
    snapshots = [event["snapshot"] for event in map(json.loads, lines) if "snapshot" in event]
    assert snapshots[-1]["bytes"]["out"] > 0
    return [snapshot["bytes"]["fetched"] for snapshot in snapshots]


def commits(bench: Bench) -> int:  # noqa: F811
    manifests = list(bench.folder.rglob("*.wrasse/manifest.jsonl"))
    return manifests[0].read_text().count('{"commit"') if manifests else 0


@pytest.mark.parametrize("output", OUTPUTS)
def test_workers_write_the_parts_that_threads_write(
    bench: Bench, cluster: Nodes, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *FLAGS)
    assert files(bench) == expected
    # No row came to the driver.
    assert fetched(bench)[-1] == 0
    assert not (run_dir(bench) / "staging").exists()


@pytest.mark.parametrize("output", ["a folder", "a table in parts"])
def test_a_driver_that_is_killed_between_parts_goes_on(
    bench: Bench, cluster: Nodes, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    ray = [*bench.ray(cluster.address), *FLAGS]
    before = 0
    for flags in [[], ["--resume"]]:
        process = bench.start("run", "recipe.yaml", "--quiet", *ray, *flags)
        wait_for(lambda before=before: commits(bench) > before or process.poll() is not None, 60)
        assert process.poll() is None, process.communicate()
        kill(process.pid)
        process.wait()
        before = commits(bench)
        # What has a name is whole.
        named = {n: data for n, data in files(bench).items() if not n.startswith(".")}
        assert all(expected[name] == data for name, data in named.items())
    half = bench.folder / "half"
    shutil.copytree(bench.folder / "out", half / "out")
    for path in bench.folder.glob("*.wrasse"):
        shutil.copytree(path, half / path.name)
    bench.run("run", "recipe.yaml", "--quiet", "--resume", *ray)
    assert files(bench) == expected
    # What workers have begun, threads go on with.
    shutil.rmtree(bench.folder / "out")
    for path in bench.folder.glob("*.wrasse"):
        shutil.rmtree(path)
    shutil.copytree(half, bench.folder, dirs_exist_ok=True)
    bench.run("run", "recipe.yaml", "--quiet", "--resume")
    assert files(bench) == expected


def test_a_worker_that_dies_while_it_writes_costs_time_alone(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    expected = prepare(bench, "a folder")
    process = bench.start(
        "run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *OFTEN
    )
    killed = 0
    while process.poll() is None and killed < 3:
        for pid in processes("ray::write parts"):
            kill(pid)
            killed += 1
        time.sleep(0.005)
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert killed, "nobody was seen to write"
    assert files(bench) == expected


@pytest.mark.parametrize("output", ["a folder", "a table in parts"])
def test_workers_write_to_a_store_and_a_killed_driver_goes_on(
    bench: Bench, cluster: Nodes, bucket: Bucket, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    recipe = bench.read("recipe.yaml").decode()
    folder = output.replace(" ", "-") + "/"
    address = f"s3://{bucket.name}/{folder}"
    bench.write("recipe.yaml", recipe.replace("path: out/", f"path: {address}"))
    bench.env |= bucket.env
    flags = ["--quiet", "--run-dir=x.wrasse", *bench.ray(cluster.address), *FLAGS]
    process = bench.start("run", "recipe.yaml", *flags)
    wait_for(lambda: commits(bench) > 1 or process.poll() is not None, 60)
    assert process.poll() is None, process.communicate()
    kill(process.pid)
    process.wait()
    # What workers have written and has no name yet lies beside the parts.
    assert any("/.part-" in key for key in bucket.keys(folder))
    bench.run("run", "recipe.yaml", "--resume", *flags)
    keys = bucket.keys(folder)
    assert {key.removeprefix(folder): bucket.get(key) for key in keys} == expected
    assert fetched(bench)[-1] == 0
