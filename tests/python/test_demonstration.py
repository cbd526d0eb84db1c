"""One recipe with operators of every origin over real text, with poisonous samples in it.

Native operators, a DataMate folder, an operator of Data-Juicer's and functions. Without
more it runs over the bundled pages. In full:

    WRASSE_TEST_CORPUS=FOLDER pytest tests/python/test_demonstration.py

FOLDER has `*.jsonl` or `*.jsonl.zst` with a field `text`.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from conftest import ROOT
from worker_bench import HERE, Bench, bench

__all__ = ["bench"]

CORPUS = os.environ.get("WRASSE_TEST_CORPUS")

# One sample in so many is poisonous.
EVERY = 1000

# What is written of the sample that each way of poison costs.
CAUSES = {
    "raise": "ValueError: not this one",
    "exit": "the worker process ended by itself, with code 3",
    "hang": "no sign of life for 2 s (timeout_s); the worker process was ended",
    "huge": "`text`: the row would have more than",
}

STEPS = f"""
  - text_length_filter: {{min_len: 20}}
  - {HERE / "operators" / "mask_digits"}:
  - data_juicer:whitespace_normalization_mapper:
  - ./ops.py:shout: {{times: 2}}
  - ./ops.py:Poison: {{timeout_s: 2, num_proc: WORKERS}}
  - document_deduplicator:
  - clean_links_mapper:
"""


def texts() -> Iterator[str]:
    if CORPUS is None:
        # Line by line, until there are four poisonous ones. Some rows are damaged on purpose.
        pages = (ROOT / "examples/web-text/pages.jsonl").read_text(errors="replace")
        for text in re.findall(r'"text": ?("(?:[^"\\\n]|\\.)*")', pages):
            yield from json.loads(text, strict=False).splitlines()
        return
    import pyarrow as pa

    for path in sorted(Path(CORPUS).glob("*.jsonl*")):
        packed = "zstd" if path.suffix == ".zst" else None
        with pa.input_stream(str(path), compression=packed) as stream:
            for line in stream.read().splitlines():
                yield json.loads(line)["text"]


def poisoned() -> list[dict[str, Any]]:
    """Rows of the texts; every thousandth that comes so far is poisonous, in four ways in turn."""
    ways = list(CAUSES)
    rows: list[dict[str, Any]] = []
    for number, text in enumerate(islice(texts(), None if CORPUS else 4 * EVERY)):
        row: dict[str, Any] = {"id": number, "text": text}
        if number % EVERY == EVERY // 2:
            row["poison"] = ways[number // EVERY % len(ways)]
            # Neither dropped as too short nor a duplicate.
            row["text"] = f"{text} poisonous sample of number {number}".replace("poison", "toxic")
        rows.append(row)
    return rows


def test_four_ways_of_poison_cost_their_samples_and_nothing_else(bench: Bench) -> None:
    rows = poisoned()
    n_poisonous = Counter(row["poison"] for row in rows if "poison" in row)
    assert set(n_poisonous) == set(CAUSES), len(rows)
    bench.write(rows)
    reports = []
    for n in (1, 2):
        recipe = bench.recipe(STEPS.replace("WORKERS", str(n)), f"out{n}.jsonl")
        reports.append(bench.run(recipe, "--threads", n))
    outputs = [(bench.folder / f"out{n}.jsonl").read_bytes() for n in (1, 2)]
    assert outputs[0] == outputs[1]
    assert bench.rejects("out1") == bench.rejects("out2")
    counts = reports[0]["rows"]
    assert counts == reports[1]["rows"]
    ends = ("out", "dropped", "duplicates", "rejected")
    assert counts["in"] == len(rows) == sum(counts[end] for end in ends)

    # Each poisonous sample is rejected, for what it did; so are texts that the folder refuses.
    found: Counter[str] = Counter()
    for reject in bench.rejects("out1"):
        row = json.loads(reject["raw"])
        cause = CAUSES.get(row.get("poison", ""), "LookupError: poisonous text")
        assert cause in reject["error"], reject
        found[row.get("poison", "refused")] += 1
    refused = sum("poison" in row["text"] and len(row["text"]) >= 20 for row in rows)
    assert found == n_poisonous + Counter({"refused": refused} if refused else {})

    # Without them the others come to the same.
    bench.write([row for row in rows if "poison" not in row])
    bench.run(bench.recipe(STEPS.replace("WORKERS", "2"), "clean.jsonl"), "--threads", 2)
    assert (bench.folder / "clean.jsonl").read_bytes() == outputs[0]
