"""`wrasse tune` with other parameters for filters in Python."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from worker_bench import OPERATORS, Bench

WORDS = ("ocean!", "tide", "a", "harbor", "gulls and", "noon", "aeiou", "42")

FILTERS = '''

class Vowels(Filter):
    """Counts letters, and compares."""

    letters: str = "aeiou"
    least: int = 2
    share: float = 0.0

    def setup(self):
        # Two of a kind are never equal.
        self.model = object()
        self.table = {letter: self.model for letter in self.letters}

    def measure(self, row):
        n = sum(one in self.table for one in row["text"])
        return {"n": n, "share": n / max(len(row["text"]), 1), "seen": {"by": "letters"}}

    def keep(self, row, stats):
        return stats["n"] >= self.least and stats["share"] >= self.share


class Peeks(Vowels):
    def keep(self, row, stats):
        try:
            return stats["n"] >= self.least or row["text"] == "noon"
        except Exception:
            return False


class ByRow(Vowels):
    def keep(self, row):
        return len(row["text"]) >= self.least


class Counts(Vowels):
    """Decides by what it remembers, which no stats tell."""

    def measure(self, row):
        self.seen = len(row["text"])
        return {"n": 1}

    def keep(self, row, stats):
        return getattr(self, "seen", 0) >= self.least


class Odd(Vowels):
    def measure(self, row):
        return {"n": len(vars(self))}


@wrasse.filter(batch=True)
def batches(table, n: int = 2):
    return [len(text) >= n for text in table["text"].to_pylist()]
'''

STEPS = """
  - text_length_filter: {min_len: 2}
  - ./ops.py:Vowels: {num_proc: 2}
  - data_juicer:alphanumeric_filter: {min_ratio: 0.2, num_proc: 1}
  - ./ops.py:Words: {num_proc: 1}
  - data_juicer:text_length_filter: {min_len: 1, max_len: 9, num_proc: 1}
  - data_juicer:word_repetition_filter: {rep_len: 1, max_ratio: 0.9, num_proc: 1}
"""

HERE = Path(__file__).parent

REFUSING_STEPS = """
  - ./ops.py:Peeks: {num_proc: 1}
  - ./ops.py:ByRow: {num_proc: 1}
  - ./ops.py:at_least: {num_proc: 1}
  - ./ops.py:batches: {num_proc: 1}
  - ./ops.py:Odd: {num_proc: 1}
  - ./ops.py:Counts: {num_proc: 1}
  - short_file_filter: {fileLength: [1, 20], num_proc: 1}
  - data_juicer:specified_numeric_field_filter: {field_key: id, min_value: 3, num_proc: 1}
  - ./ops.py:Words: {num_proc: 1}
"""

NOT_ITS_BOUND = "changes what it measures, not only what it keeps"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, wrasse: Path) -> Bench:
    """A folder in which both recipes were analyzed. There is no input any more."""
    bench = Bench(tmp_path_factory.mktemp("tuning"), wrasse, "mark-tuning")
    dice = random.Random(5)
    bench.write(
        [
            {"text": " ".join(dice.choices(WORDS, k=dice.randrange(1, 6))), "id": i}
            for i in range(300)
        ]
    )
    (bench.folder / "ops.py").write_text(OPERATORS + FILTERS)
    folders = ("--operators", HERE / "operators")
    for recipe in (bench.recipe(STEPS), bench.recipe(REFUSING_STEPS, "refusing.jsonl")):
        done = bench.call(
            "analyze", recipe, "--quiet", "--no-html", "--threads", "2", *folders
        )
        assert done.returncode == 0, done.stderr
    (bench.folder / "in.jsonl").rename(bench.folder / "hidden.jsonl")
    return bench


def changed(steps: str, *changes: str) -> list[str]:
    """Arguments that change parameters of steps, which are numbered from 0."""
    names = [line.strip("- ").split(": {")[0] for line in steps.strip("\n").splitlines()]
    args = []
    for change in changes:
        number, _, rest = change.partition(".")
        args += ["--set", f"process.{number}.{names[int(number)]}.{rest}"]
    return args


def of_filters(operators: list[dict[str, Any]]) -> list[list[Any]]:
    keys = ("name", "in", "out", "dropped", "rejected")
    return [[one[key] for key in keys] for one in operators if one.get("kind") in (None, "filter")]


@pytest.mark.parametrize(
    "changes",
    [
        ("1.least=4", "1.share=0.3", "4.max_len=5", "4.min_closed_interval=false"),
        ("2.min_ratio=0.85", "2.max_ratio=0.95", "2.reversed_range=true", "0.min_len=5"),
    ],
)
def test_other_parameters_decide_as_in_a_run(bench: Bench, changes: tuple[str, ...]) -> None:
    args = changed(STEPS, *changes)
    recipe, stats = bench.folder / "out.jsonl.yaml", bench.folder / "out.analysis/stats.parquet"
    done = bench.call("tune", stats, "--recipe", recipe, "--json", *args)
    assert done.returncode == 0, done.stderr
    tuned = json.loads(done.stdout)
    report = bench.run(recipe, "--restart", "--set", "dataset_path=hidden.jsonl", *args)
    assert of_filters(tuned["filters"]) == of_filters(report["operators"])
    assert tuned["rows"]["kept"] == report["rows"]["out"] > 0
    steps = [int(change.partition(".")[0]) + 1 for change in changes]
    assert all(one["dropped"] > 0 for one in tuned["filters"] if one["step"] in steps)


@pytest.mark.parametrize(
    ("steps", "change", "why"),
    [
        (STEPS, "1.letters=xyz", f"`table` {NOT_ITS_BOUND}"),
        (STEPS, "5.rep_len=2", f"`n` {NOT_ITS_BOUND}"),
        (STEPS, "4.text_key=other", f"`text_key` {NOT_ITS_BOUND}"),
        (
            REFUSING_STEPS,
            "0.least=3",
            "it decides by the sample's `text`, not by what it has measured alone",
        ),
        (
            REFUSING_STEPS,
            "1.least=3",
            "its `keep(self, row)` decides on the sample itself, "
            "and not, as `keep(self, row, stats)` can, on what `measure` gave",
        ),
        (
            REFUSING_STEPS,
            "2.n=3",
            "its `keep` decides on the sample itself: it has no `measure`",
        ),
        (REFUSING_STEPS, "3.n=3", "its `keep_batch` decides on the samples themselves"),
        (
            REFUSING_STEPS,
            "4.least=3",
            "it cannot be seen which of its parameters matter where it measures",
        ),
        (
            REFUSING_STEPS,
            "5.least=3",
            "with {'n': 1} it would drop now what it kept in the analysis",
        ),
        (
            REFUSING_STEPS,
            "6.fileLength=[2, 20]",
            "it decides on the sample itself, and measures nothing",
        ),
        (
            REFUSING_STEPS,
            "7.min_value=5",
            "it decides by fields of the sample, and measures nothing",
        ),
    ],
)
def test_what_needs_the_samples_is_refused(
    bench: Bench, steps: str, change: str, why: str
) -> None:
    name = "out" if steps == STEPS else "refusing"
    done = bench.call(
        "tune",
        bench.folder / f"{name}.analysis/stats.parquet",
        "--recipe",
        bench.folder / f"{name}.jsonl.yaml",
        "--operators",
        HERE / "operators",
        *changed(steps, change),
    )
    assert done.returncode == 2, done.stdout
    told = done.stderr.splitlines()
    assert told[0].endswith(f"cannot be decided again on its stats: {why}")
    assert told[1:] == ["hint: run `wrasse analyze` with this recipe first"]
