"""Parts of the output that workers write: the same files as on threads, whatever dies
on the way, and the rows do not come to the driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Bucket
from ray_brake import Brake
from ray_fixtures import bench, brake, fill, obedient  # noqa: F401
from ray_stand import Bench, Nodes, kill, nodes, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

# Where there is no last step, a gate decides on rows that are encoded.
STEPS = """
  - whitespace_normalization_mapper:
  - text_length_filter: {min_len: 60}
  - document_deduplicator:
"""
LAST = "  - clean_links_mapper:\n"
# Tasks do not stream: those that write take their turn with them.
IN_TURN = ["--ray-task-bytes=512KiB", "--commit-bytes=32KiB"]
# Tasks stream. The driver writes then, as all objects lie on its node, unless the gateway lends
# none: that is so where it is polled.
FLAGS = ["--ray-task-bytes=128KiB", "--commit-bytes=32KiB"]
N_ROWS = 1600

OUTPUTS = {
    "a folder": ("out/", "export_shard_size: 100000", LAST),
    "packed and counted, a gate at the end": ("out/x.jsonl.gz", "export_shard_size: 70000", ""),
    "one part": ("out/", "", ""),
    "a table in parts": ("out/", "export_type: parquet\nexport_shard_size: 100000", LAST),
    "a table in a file, a gate at the end": ("out/x.csv.gz", "", ""),
}


@pytest.fixture(scope="module")
def package(obedient: Brake) -> Path:  # noqa: F811
    return obedient.package


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
    snapshots = bench.snapshots()
    assert snapshots[-1]["bytes"]["out"] > 0
    return [snapshot["bytes"]["fetched"] for snapshot in snapshots]


@pytest.mark.parametrize("output", OUTPUTS)
def test_workers_write_the_parts_that_threads_write(
    bench: Bench, cluster: Nodes, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *IN_TURN)
    assert files(bench) == expected
    # No row came to the driver.
    assert fetched(bench)[-1] == 0
    assert not (run_dir(bench) / "staging").exists()


@pytest.mark.parametrize(
    "output", ["packed and counted, a gate at the end", "a table in parts"]
)
def test_the_driver_of_a_small_node_writes_while_all_workers_stream(
    bench: Bench, cluster: Nodes, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *FLAGS)
    assert files(bench) == expected
    assert fetched(bench)[-1] > 0
    assert not (run_dir(bench) / "staging").exists()


@pytest.mark.parametrize("output", ["a folder", "a table in parts"])
def test_a_driver_that_is_killed_between_parts_goes_on(
    bench: Bench, cluster: Nodes, brake: Brake, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    brake.pause(0.1)
    ray = [*bench.ray(cluster.address), *FLAGS]
    before = 0
    for flags in [[], ["--resume"]]:
        process = bench.start("run", "recipe.yaml", "--quiet", *ray, *flags)
        wait_for(lambda before=before: bench.commits() > before or process.poll() is not None, 60)
        assert process.poll() is None, process.communicate()
        kill(process.pid)
        process.wait()
        before = bench.commits()
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


@pytest.mark.parametrize("flags", [IN_TURN, [*FLAGS, "--ray-polling"]], ids=["tasks", "an actor"])
def test_workers_that_die_with_what_they_have_written_cost_time_alone(
    bench: Bench, cluster: Nodes, brake: Brake, flags: list[str]  # noqa: F811
) -> None:
    expected = prepare(bench, "a folder")
    brake.die("write parts", times=2)
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address), *flags)
    assert brake.left() == []
    assert files(bench) == expected


@pytest.mark.parametrize("output", ["a folder", "a table in parts"])
def test_workers_write_to_a_store_and_a_killed_driver_goes_on(
    bench: Bench, cluster: Nodes, brake: Brake, bucket: Bucket, output: str  # noqa: F811
) -> None:
    expected = prepare(bench, output)
    brake.pause(0.1)
    recipe = bench.read("recipe.yaml").decode()
    folder = output.replace(" ", "-") + "/"
    address = f"s3://{bucket.name}/{folder}"
    bench.write("recipe.yaml", recipe.replace("path: out/", f"path: {address}"))
    bench.env |= bucket.env
    flags = ["--quiet", "--run-dir=x.wrasse", *bench.ray(cluster.address), *FLAGS]
    process = bench.start("run", "recipe.yaml", *flags)
    wait_for(lambda: bench.commits() > 1 or process.poll() is not None, 60)
    assert process.poll() is None, process.communicate()
    kill(process.pid)
    process.wait()
    # What workers have written and has no name yet lies beside the parts.
    assert any("/.part-" in key for key in bucket.keys(folder))
    bench.run("run", "recipe.yaml", "--resume", *flags)
    keys = bucket.keys(folder)
    assert {key.removeprefix(folder): bucket.get(key) for key in keys} == expected
    assert fetched(bench)[-1] == 0
