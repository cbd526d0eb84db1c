"""What an operator needs reaches Ray, and the books of a run are those of its cluster."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port

from ray_fixtures import bench, fill, package  # noqa: F401
from ray_stand import Bench, Nodes, growing, nodes, told

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

# An operator that says where it was put, and what of the devices it sees.
OPERATOR = """
import os, time
import wrasse

@wrasse.mapper
def place(row, pause: float = 0.0):
    time.sleep(pause)
    # A raylet started the worker of Ray that started this process.
    with open(f"/proc/{os.getppid()}/stat") as stat:
        row["node"] = int(stat.read().rpartition(")")[2].split()[1])
    row["gpus"] = os.environ.get("CUDA_VISIBLE_DEVICES", "none")
    return row
"""

SMALL = "--ray-task-bytes=64KiB"


def recipe(needs: str) -> str:
    return f"""
dataset_path: in
export_path: out.jsonl
process:
  - ./ops.py:place: {{{needs}}}
"""


@pytest.fixture(scope="module")
def devices(package: Path) -> Iterator[tuple[Nodes, int]]:  # noqa: F811
    """A head without devices, and a node that says it has some: its raylet."""
    with nodes(package, cpus=1) as made:
        node = made.add(cpus=2, num_gpus=1, resources={"npu": 2})
        yield made, node.all_processes["raylet"][0].process.pid


def start(bench: Bench, address: str, needs: str, *flags: str) -> subprocess.Popen:  # noqa: F811
    fill(bench, recipe(needs), n_files=2, n_rows=300)
    bench.write("ops.py", OPERATOR)
    return bench.start(
        "run", "recipe.yaml", "--quiet", f"--python={sys.executable}",
        *bench.ray(address), SMALL, *flags,
    )


def usage(port: int) -> dict[str, float]:
    """What the operator holds of each resource, if the run tells."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    line = r'wrasse_usage{stage="./ops.py:place",[^}]*resource="(\w+)"} (\S+)'
    return {name: float(amount) for name, amount in re.findall(line, text)}


def test_tasks_go_where_there_is_what_they_need(
    bench: Bench, devices: tuple[Nodes, int]  # noqa: F811
) -> None:
    made, node = devices
    needs = "num_cpus: 0.5, num_gpus: 0.5, mem_required: 200MiB, resources: {npu: 1}, pause: 0.002"
    port = free_port()
    process = start(bench, made.address, needs, f"--metrics-addr=127.0.0.1:{port}")
    seen = []
    while process.poll() is None:
        seen.append(usage(port))
        time.sleep(0.05)
    done = bench.wait(process)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in bench.read("out.jsonl").splitlines()]
    assert len(rows) == 600
    assert {(row["node"], row["gpus"]) for row in rows} == {(node, "0")}
    used = [usage for usage in seen if usage.get("npu")]
    assert used, f"nothing was seen at work: {seen}"
    # What an actor has it holds for as long as it lives.
    for amounts in used:
        n = amounts["npu"]
        assert n in (1, 2), amounts
        want = {"cpu": 0.5 * n, "gpu": 0.5 * n, "memory": n * 200 * 2**20}
        assert amounts == amounts | want


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ("resources: {npu: 3}", "the recipe needs 3 of npu at the least, for an actor of `./ops.py:place`, and the cluster has 2"),
        ("resources: {tpu: 1}", "the recipe needs 1 of tpu at the least, for an actor of `./ops.py:place`, and the cluster has 0"),
        ("num_gpus: 2", "the recipe needs 2 of gpu at the least, for an actor of `./ops.py:place`, and the cluster has 1"),
        ("num_cpus: 3", "an actor of `./ops.py:place` needs cpu 3 on one node, and no node of the cluster has that"),
    ],
)
def test_what_a_cluster_can_never_give_is_refused(
    bench: Bench, devices: tuple[Nodes, int], needs: str, message: str  # noqa: F811
) -> None:
    done = bench.wait(start(bench, devices[0].address, needs))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_stages_before_and_behind_an_exchange_have_one_accelerator_by_turns(
    bench: Bench, devices: tuple[Nodes, int]  # noqa: F811
) -> None:
    steps = "  - topk_specified_field_selector: {field_key: id, topk: 50}\n"
    steps += "  - ./ops.py:place: {num_gpus: 1, pause: 0.001}\n"
    fill(bench, recipe("num_gpus: 1") + steps, n_files=2, n_rows=300)
    bench.write("ops.py", OPERATOR)
    flags = [f"--python={sys.executable}", *bench.ray(devices[0].address), SMALL]
    bench.run("run", "recipe.yaml", "--quiet", *flags)
    rows = [json.loads(line) for line in bench.read("out.jsonl").splitlines()]
    assert len(rows) == 50 and {row["gpus"] for row in rows} == {"0"}
    # Both at once is more than there is.
    bench.write("recipe.yaml", recipe("num_gpus: 1") + "  - ./ops.py:place: {num_gpus: 0.5}\n")
    done = bench.run("run", "recipe.yaml", "--quiet", "--restart", *flags, code=2)
    assert "needs 1.5 of gpu" in done.stderr, done.stderr


def test_a_cluster_that_grows_is_asked_for_what_it_lacks(
    bench: Bench, package: Path  # noqa: F811
) -> None:
    with growing(package, {"CPU": 1, "npu": 1}) as address:
        process = start(bench, address, "resources: {npu: 1}")
        asked = []
        while process.poll() is None:
            asked += json.loads(told(address, b"autoscaler_resource_request") or b"[]")
            time.sleep(0.2)
        done = bench.wait(process)
        assert done.returncode == 0, done.stderr
        assert {"CPU": 1.0, "npu": 1.0} in asked
        # Nobody wants anything any more.
        assert json.loads(told(address, b"autoscaler_resource_request")) == []
    assert len(bench.read("out.jsonl").splitlines()) == 600
