"""Runs on Ray whose outputs are far larger than its object store: they take their time, and
nobody waits for what another holds."""

from __future__ import annotations

import json
import random
import sys

import pytest

from ray_fixtures import WORDS, bench, package  # noqa: F401
from ray_stand import Bench

pytest.importorskip("ray", reason="Ray is not installed; ./test installs it")

# Pieces are five times what is read, and Python makes each twelve times as long: those of one
# task are more than the store may hold. The last step lets a few short ones pass.
RECIPE = """
dataset_path: in
export_path: out.jsonl
process:
  - text_chunk_mapper: {max_len: 2000, overlap_len: 1600}
  - ./ops.py:grow:
  - text_length_filter: {max_len: 23900}
"""

OPERATOR = """
import wrasse

@wrasse.mapper
def grow(row):
    row["text"] = " ".join([row["text"]] * 12)
    return row
"""

# The least that Ray takes.
STORE = ["--ray-object-store=80MiB", "--ray-task-bytes=1MiB", "--threads=2"]


def test_readers_that_wait_to_be_read_leave_a_processor_to_who_takes_what_they_read(
    bench: Bench,  # noqa: F811
) -> None:
    chance = random.Random(1)
    for i in range(2):
        texts = (" ".join(chance.choices(WORDS, k=3000)) for _ in range(60))
        rows = (json.dumps({"id": at, "text": text}) + "\n" for at, text in enumerate(texts))
        bench.write(f"in/{i}.jsonl", "".join(rows))
    # Ray puts nothing on a disk that is full by nineteen in twenty parts.
    bench.env["RAY_local_fs_capacity_threshold"] = "0.999"
    bench.write("recipe.yaml", RECIPE)
    bench.write("ops.py", OPERATOR)
    python = f"--python={sys.executable}"
    bench.run("run", "recipe.yaml", "--quiet", python)
    expected = bench.read("out.jsonl")
    assert 0 < len(expected)
    ray = ["--backend=ray", f"--ray-python={sys.executable}", *STORE]
    bench.run("run", "recipe.yaml", "--quiet", "--restart", python, *ray)
    assert bench.read("out.jsonl") == expected
