"""Python's operators on Ray: actors that construct them once, whatever dies."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_fixtures import bench, fill, local, package  # noqa: F401
from ray_stand import Bench, Nodes, kill, nodes, wait_for

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

# What they do is written down beside them, under the process of the actor.
OPERATORS = """
import os, signal, time
from pathlib import Path

import wrasse

FOLDER = Path({folder!r})

def note(what):
    with open(FOLDER / f"{{what}}-{{os.getppid()}}", "a") as file:
        file.write(f"{{os.getpid()}}\\n")

class Model(wrasse.Mapper):
    def __init__(self, pause: float = 0.0):
        super().__init__()
        note("made")
        self.pause = pause

    def map_batch(self, table):
        note("began")
        time.sleep(self.pause)
        return table

@wrasse.mapper
def hold(row):
    while not (FOLDER / "go").exists():
        time.sleep(0.02)
    return row

@wrasse.mapper
def deadly(row):
    if "deadly" in row["text"]:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return row
"""


def recipe(*steps: str) -> str:
    listed = "".join(f"  - ./ops.py:{step}\n" for step in steps)
    return f"dataset_path: in\nexport_path: out.jsonl\nprocess:\n{listed}"


def prepare(bench: Bench, *steps: str, n_files: int = 10) -> bytes:  # noqa: F811
    """A run of these steps; what it gives on threads."""
    bench.write("ops.py", OPERATORS.format(folder=str(bench.folder)))
    fill(bench, recipe(*steps), n_files=n_files, n_rows=500)
    (bench.folder / "go").touch()
    expected = local(bench)
    for path in [bench.folder / "go", *bench.folder.glob("made-*"), *bench.folder.glob("began-*")]:
        path.unlink()
    return expected


def noted(bench: Bench, what: str) -> dict[int, list[int]]:  # noqa: F811
    """The processes that have noted this, a line each, by those of their actors."""
    return {
        int(path.name.rpartition("-")[2]): [int(line) for line in path.read_text().split()]
        for path in bench.folder.glob(f"{what}-*")
    }


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def cluster(package: Path) -> Iterator[Nodes]:  # noqa: F811
    with nodes(package) as made:
        yield made


def test_an_actor_constructs_its_operators_once_also_if_one_is_killed_at_work(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    expected = prepare(bench, "Model: {pause: 0.2}")
    flags = [*bench.ray(cluster.address), "--ray-task-bytes=64KiB"]
    process = bench.start("run", "recipe.yaml", "--quiet", *flags)
    first = next(iter(wait_for(lambda: noted(bench, "began"), 60)))
    wait_for(lambda: len(noted(bench, "began")[first]) >= 3, 30)
    kill(first)
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert bench.read("out.jsonl") == expected
    began, made = noted(bench, "began"), noted(bench, "made")
    assert len(began) == 2, "another came in its place, and no more"
    assert all(len(made[actor]) == 1 for actor in began), made
    # (Each task is a batch.)
    assert sum(len(batches) for batches in began.values()) >= 8
    left = [pid for actor, workers in made.items() for pid in [actor, *workers] if actor in began]
    wait_for(lambda: not any(map(is_there, left)), 20)


def test_an_interrupted_run_does_not_wait_for_what_an_actor_is_at(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    expected = prepare(bench, "Model", "hold", n_files=2)
    process = bench.start("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address))
    (actor,) = wait_for(lambda: noted(bench, "began"), 60)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    assert process.returncode == 130, process.stderr.read()
    wait_for(lambda: not is_there(actor), 20)
    (bench.folder / "go").touch()
    bench.run("run", "recipe.yaml", "--quiet", "--resume", *bench.ray(cluster.address))
    assert bench.read("out.jsonl") == expected


def test_blocks_of_an_actor_survive_its_node(bench: Bench, package: Path) -> None:  # noqa: F811
    expected = prepare(bench, "Model: {resources: {spot: 1}}", "hold: {num_cpus: 0.5}")
    with nodes(package, cpus=2) as made:
        doomed = made.add(cpus=1, resources={"spot": 1})
        # Larger than what Ray keeps with the driver.
        flags = [*bench.ray(made.address), "--ray-task-bytes=192KiB"]
        process = bench.start("run", "recipe.yaml", "--quiet", *flags)
        # Its blocks wait there: the next stage is at the first.
        wait_for(lambda: sum(map(len, noted(bench, "began").values())) >= 4, 60)
        (actor,) = noted(bench, "began")
        # Those that wait for the blocks have the room here that is needed to make them
        # again, and give it up.
        made.add(cpus=1, resources={"spot": 1})
        made.kill(doomed)
        (bench.folder / "go").touch()
        done = bench.wait(process)
        assert done.returncode == 0, done.stderr
    assert bench.read("out.jsonl") == expected
    assert len(noted(bench, "made")) == 2 and not is_there(actor)


def test_a_sample_that_kills_its_actor_is_rejected_alone(
    bench: Bench, cluster: Nodes  # noqa: F811
) -> None:
    texts = ["0 deadly", "1 buoy and gull", "2 buoy and gull"]
    rows = [json.dumps({"text": text}) + "\n" for text in texts]
    bench.write("in/a.jsonl", "".join(rows[:2]))
    bench.write("in/b.jsonl", rows[2])
    bench.write("ops.py", OPERATORS.format(folder=str(bench.folder)))
    bench.write("recipe.yaml", recipe("deadly:"))
    bench.run("run", "recipe.yaml", "--quiet", *bench.ray(cluster.address))
    kept = [json.loads(line)["text"] for line in bench.read("out.jsonl").splitlines()]
    assert kept == texts[1:]
    (reject,) = bench.read("out.wrasse/rejects.jsonl").splitlines()
    reject = json.loads(reject)
    assert json.loads(reject["raw"])["text"] == "0 deadly"
    assert reject["error"] == "the worker died at it each time"
    assert reject["attempts"] >= 2


def test_a_run_gets_other_processors_while_it_runs(bench: Bench, cluster: Nodes) -> None:  # noqa: F811
    expected = prepare(bench, "hold", n_files=2)
    live = bench.folder / "live"
    live.mkdir()
    process = bench.start("run", "recipe.yaml", "--live", live, *bench.ray(cluster.address))

    def threads() -> int | None:
        try:
            return json.loads((live / "snapshot.json").read_text())["threads"]
        except (FileNotFoundError, ValueError):
            return None

    wait_for(lambda: threads() == 2, 60)
    # What is told of outputs from now on is looked through otherwise, too.
    (live / "limits.json").write_text('{"threads": 1, "ray_metadata": "inline"}')
    wait_for(lambda: threads() == 1, 20)
    (live / "limits.json").write_text('{"threads": 2, "memory": "1GiB"}')
    time.sleep(1)
    (bench.folder / "go").touch()
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    assert "limits changed: 1 threads" in done.stderr
    assert "limits not changed: on Ray, --memory is what the driver keeps samples in" in done.stderr
    assert bench.read("out.jsonl") == expected
