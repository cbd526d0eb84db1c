"""The engine's side of the protocol, with a gateway that is no gateway: without Ray."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ray_fixtures import bench, fill, package  # noqa: F401
from ray_stand import Bench

RECIPE = """
dataset_path: in
export_path: out.jsonl
process:
  - text_length_filter: {min_len: 60}
"""

FAKE = """#!{python}
import json, os, socket, struct, sys, time

sock = socket.socket(fileno=os.dup(0))
file = sock.makefile("rb")


def read():
    header, payload = struct.unpack("<IQ", file.read(12))
    return json.loads(file.read(header)), file.read(payload)


def say(*messages, payload=b""):
    header = json.dumps(messages).encode()
    sock.sendall(struct.pack("<IQ", len(header), len(payload)) + header + payload)


def ready(**changes):
    resources = {{"CPU": 2.0, "object_store_memory": 1e9}}
    say({{"ev": "ready", "resources": resources, "nodes": 1, "machines": 1, **changes}})


hello, _ = read()
assert hello[0]["op"] == "hello", hello
{body}
"""


def act(bench: Bench, body: str) -> list[str]:  # noqa: F811
    """A gateway that does this after it was greeted; the flags of a run with it."""
    program = bench.folder / "fake"
    program.write_text(FAKE.format(python=sys.executable, body=body))
    program.chmod(0o755)
    return ["--backend=ray", f"--ray-python={program}"]


FAILS = '''
ready()
while True:
    for message in read()[0]:
        if message["op"] == "submit":
            say({"ev": "failed", "task": message["task"], "kind": KIND, "message": "so it is"})
'''

CASES = {
    "another version": (
        'say({"ev": "fatal", "message": "the engine speaks version 2, the gateway 3", "hint": "x"})',
        2,
        "the engine speaks version 2, the gateway 3",
    ),
    "it ends at once": ("sys.exit(7)", 3, "the gateway to Ray has ended (exit status: 7)"),
    "garbage": ('sock.sendall(b"Traceback (most recent call last)"); file.read()', 3, "answer"),
    "several machines": (
        "ready(machines=3, nodes=3); read()",
        2,
        "lies on a disk of this machine, and the cluster has 3 machines",
    ),
    "an object is lost": (
        FAILS.replace("KIND", '"object_lost"'),
        3,
        "a block is lost and Ray cannot make it again: so it is",
    ),
    "a task fails": (FAILS.replace("KIND", '"error"'), 3, "so it is"),
    "workers die for ever": (
        FAILS.replace("KIND", '"worker_lost"'),
        3,
        "workers die at a part of the input: so it is",
    ),
    "the cluster goes away": (
        'ready(); say({"ev": "fatal", "message": "the cluster does not answer", "hint": None})\n'
        "file.read()",
        3,
        "the cluster does not answer",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_gateway_may_do_ends_the_run_with_a_clear_error(
    bench: Bench, case: str  # noqa: F811
) -> None:
    body, code, message = CASES[case]
    fill(bench, RECIPE, 1, 10)
    done = bench.run("run", "recipe.yaml", "--quiet", *act(bench, body), code=code)
    assert message in done.stderr, done.stderr
    assert not (bench.folder / "out.jsonl").exists()


def test_shared_paths_are_the_users_word(bench: Bench) -> None:  # noqa: F811
    body = 'ready(machines=3, nodes=3)\nprint(read(), flush=True)\nsys.exit(9)'
    fill(bench, RECIPE, 1, 10)
    flags = [*act(bench, body), "--ray-shared-paths"]
    done = bench.run("run", "recipe.yaml", "--quiet", *flags, code=3)
    assert "exit status: 9" in done.stderr
    assert "'op': 'setup'" in (bench.folder / "out.wrasse" / "ray-gateway.log").read_text()


def test_flags_of_ray_need_ray(bench: Bench) -> None:  # noqa: F811
    fill(bench, RECIPE, 1, 10)
    done = bench.run("run", "recipe.yaml", "--ray-address=auto", code=2)
    assert "--ray-address needs --backend ray" in done.stderr
