"""`wrasse analyze` with operators in Python, and `wrasse tune` on what they measured."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from worker_bench import Bench, bench

__all__ = ["bench"]

WORDS = ("ocean!", "tide", "a", "harbor", "gulls and", "noon", "aeiou")

STEPS = """
  - text_length_filter: {min_len: 5}
  - ./ops.py:Measured: {num_proc: 2}
  - ./ops.py:Suffix: {suffix: "!", num_proc: 1}
  - ./ops.py:Words: {num_proc: 1}
  - data_juicer:text_length_filter: {min_len: 4, max_len: 7, num_proc: 2}
  - ./ops.py:odd_batch: {num_proc: 1}
  - text_length_filter: {min_len: 1, max_len: 6, recompute_stats: true}
  - ./ops.py:Measured: {num_proc: 1}
"""

MORE = '''

@wrasse.filter(batch=True)
def odd_batch(table):
    return [len(text) % 2 > 1 // (text != "aeiou!") - 1 for text in table["text"].to_pylist()]
'''


@pytest.fixture
def measured(bench: Bench) -> Path:
    dice = random.Random(3)
    rows = [
        {"id": i, "text": " ".join(dice.choices(WORDS, k=dice.randrange(6)))} for i in range(700)
    ]
    rows[17]["text"] = 17
    bench.write(rows)
    ops = (bench.folder / "ops.py").read_text()
    (bench.folder / "ops.py").write_text(ops + MORE)
    recipe = bench.recipe(STEPS)
    done = bench.call("analyze", recipe, "--quiet", "--no-html", "--threads", "3")
    assert done.returncode == 0, done.stderr
    return recipe


def of_filters(operators: list[dict[str, Any]]) -> list[list[Any]]:
    keys = ("name", "in", "out", "dropped", "rejected")
    return [[one[key] for key in keys] for one in operators if one.get("kind") in (None, "filter")]


def test_what_python_decides_is_measured(bench: Bench, measured: Path) -> None:
    sets = ("--set", "process.0.text_length_filter.min_len=9")
    stats = bench.folder / "out.analysis" / "stats.parquet"
    done = bench.call("tune", stats, "--recipe", measured, "--json", *sets)
    assert done.returncode == 0, done.stderr
    tuned = json.loads(done.stdout)
    report = bench.run(measured, "--restart", *sets)
    assert of_filters(tuned["filters"]) == of_filters(report["operators"])
    assert tuned["not_decided"] == []
    assert tuned["rows"]["kept"] == report["rows"]["out"] == len(bench.rows()) > 0
    assert tuned["rows"]["rejected"] == report["rows"]["rejected"] > 1
    assert all(one["dropped"] > 0 for one in tuned["filters"])


def test_each_step_has_columns_of_its_own(bench: Bench, measured: Path) -> None:
    folder = bench.folder / "out.analysis"
    table = pq.read_table(folder / "stats.parquet")
    own = [name for name in table.column_names if "@" in name]
    kept = [f"kept@{step}" for step in (2, 5, 6, 8)]
    assert sorted(own) == [*kept, "text_len@5", "vowels@2", "vowels@8"]
    for row in table.to_pylist():
        if row["kept@5"] is not None:
            assert row["kept@5"] == (4 <= row["text_len@5"] <= 7)
            assert row["origin_step"] == 4
    places = [row["origin_position"] for row in table.to_pylist()]
    assert places == sorted(places)
    before = (folder / "stats.parquet").read_bytes()
    done = bench.call("analyze", measured, "--quiet", "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert (folder / "stats.parquet").read_bytes() == before
    page = (folder / "report.html").read_text()
    assert "vowels" in page and "Step 2" in page
    # Nothing is said of bounds that only the filter knows.
    of_step = page.partition('id="step-5"')[2].partition('id="step-6"')[0]
    assert "the filter decides itself; samples that it kept have 4 to 7." in of_step
    assert "any value" not in of_step
