"""`wrasse tune` with other parameters for filters in Python."""

from __future__ import annotations

import functools
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from worker_bench import OPERATORS, Bench

from wrasse.errors import NotDecidable
from wrasse.operators import load
from wrasse.operators.halves import Again, same
from wrasse.outcome import Dropped, Failed, Kept

WORDS = ("ocean!", "tide", "a", "harbor", "gulls and", "noon", "aeiou", "42")

FILTERS = '''
import threading

class Vowels(Filter):
    """Counts letters, and compares."""

    letters: str = "aeiou"
    least: int = 2
    share: float = 0.0

    def setup(self):
        # As a model, it cannot be compared with another one.
        self.model = threading.Lock()
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
    """Decides by what no stats tell."""

    def keep(self, row, stats):
        return False


class Odd(Vowels):
    def measure(self, row):
        return {"n": len(vars(self)), "share": 1.0}


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
  - ./ops.py:Peeks: {num_proc: 1}
"""

AGAIN = "cannot be decided again on its stats"
NOT_ITS_BOUND = "changes what it measures, not only what it keeps"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, wrasse: Path) -> Bench:
    """A folder in which the recipe was analyzed. There is no input any more."""
    bench = Bench(tmp_path_factory.mktemp("tuning"), wrasse, "mark-tuning")
    dice = random.Random(5)
    rows = [{"text": " ".join(dice.choices(WORDS, k=dice.randrange(1, 6)))} for _ in range(300)]
    bench.write(rows)
    (bench.folder / "ops.py").write_text(OPERATORS + FILTERS)
    for name in ("flagged_words", "stopwords"):
        words = {"en": ["tide", "a"], "zh": ["noon"]}
        (bench.folder / f"{name}.json").write_text(json.dumps(words))
    done = bench.call("analyze", bench.recipe(STEPS), "--quiet", "--no-html", "--threads", "2")
    assert done.returncode == 0, done.stderr
    (bench.folder / "in.jsonl").rename(bench.folder / "hidden.jsonl")
    return bench


def changed(*changes: str) -> list[str]:
    """Arguments that change parameters of steps, which are numbered from 0."""
    names = [line.strip("- ").split(": {")[0] for line in STEPS.strip("\n").splitlines()]
    args = []
    for change in changes:
        number, _, rest = change.partition(".")
        args += ["--set", f"process.{number}.{names[int(number)]}.{rest}"]
    return args


def tune(bench: Bench, *args: str) -> Any:
    recipe, stats = bench.folder / "out.jsonl.yaml", bench.folder / "out.analysis/stats.parquet"
    return bench.call("tune", stats, "--recipe", recipe, "--json", *args)


def of_filters(operators: list[dict[str, Any]]) -> list[list[Any]]:
    keys = ("name", "in", "out", "dropped", "rejected")
    return [[one[key] for key in keys] for one in operators if one.get("kind") in (None, "filter")]


def test_other_parameters_decide_as_in_a_run(bench: Bench) -> None:
    args = changed(
        "0.min_len=5",
        "1.least=4",
        "1.share=0.3",
        "2.min_ratio=0.81",
        "2.max_ratio=0.84",
        "2.reversed_range=true",
        "4.max_len=5",
        "4.min_closed_interval=false",
    )
    done = tune(bench, *args)
    assert done.returncode == 0, done.stderr
    tuned = json.loads(done.stdout)
    report = bench.run(
        bench.folder / "out.jsonl.yaml", "--restart", "--set", "dataset_path=hidden.jsonl", *args
    )
    assert of_filters(tuned["filters"]) == of_filters(report["operators"])
    assert tuned["rows"]["kept"] == report["rows"]["out"] > 0
    assert all(one["dropped"] > 0 for one in tuned["filters"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("1.letters=xyz", f"step 2 (`./ops.py:Vowels`) {AGAIN}: `table` {NOT_ITS_BOUND}"),
        (
            "5.least=3",
            f"step 6 (`./ops.py:Peeks`) {AGAIN}: it decides by the sample's `text`, "
            "not by what it has measured alone",
        ),
    ],
)
def test_what_needs_the_samples_is_refused(bench: Bench, change: str, why: str) -> None:
    done = tune(bench, *changed(change))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"error: {why}",
        "hint: run `wrasse analyze` with this recipe first",
    ]


@pytest.mark.parametrize(
    ("name", "then", "now", "why"),
    [
        ("ops.py:Vowels", {}, {"least": 3, "share": 0.5}, None),
        ("ops.py:Vowels", {}, {"letters": "xyz"}, f"`table` {NOT_ITS_BOUND}"),
        ("ops.py:ByRow", {}, {"least": 3}, "`keep(self, row)` decides on the sample itself"),
        ("ops.py:at_least", {}, {"n": 3}, "it has no `measure`"),
        ("ops.py:batches", {}, {"n": 3}, "its `keep_batch` decides on the samples"),
        ("ops.py:Odd", {}, {"least": 3}, "it cannot be seen which of its parameters matter"),
        ("data_juicer:suffix_filter", {"suffixes": ["txt"]}, {"suffixes": []}, "by fields of"),
        ("data_juicer:words_num_filter", {}, {"lang": "zh"}, None),
        ("data_juicer:word_repetition_filter", {}, {"rep_len": 2}, f"`n` {NOT_ITS_BOUND}"),
        ("data_juicer:text_length_filter", {}, {"text_key": "t"}, f"`text_key` {NOT_ITS_BOUND}"),
        (
            "data_juicer:flagged_words_filter",
            {"flagged_words_dir": "."},
            {"lang": "zh", "min_ratio": 0.1},
            f"`lang` {NOT_ITS_BOUND}",
        ),
    ],
)
def test_filters_say_what_is_a_bound(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    then: dict[str, Any],
    now: dict[str, Any],
    why: str | None,
) -> None:
    monkeypatch.chdir(bench.folder)
    one, other = (load(name, params, base=bench.folder) for params in ({**then, **now}, then))
    if why is None:
        Again(one, other)
        return
    with pytest.raises(NotDecidable) as error:
        Again(one, other)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("alphanumeric_filter", {"min_ratio": 0.8}),
        ("average_line_length_filter", {"min_len": 6, "max_len": 9}),
        ("character_repetition_filter", {"rep_len": 10, "max_ratio": 0.05}),
        ("flagged_words_filter", {"max_ratio": 0.3, "flagged_words_dir": "."}),
        ("maximum_line_length_filter", {"min_len": 9, "reversed_range": True}),
        ("special_characters_filter", {"max_ratio": 0.2}),
        ("specified_numeric_field_filter", {"field_key": "id", "max_value": 17}),
        ("stopwords_filter", {"min_ratio": 0.4, "stopwords_dir": "."}),
        ("text_length_filter", {"min_len": 20}),
        ("word_repetition_filter", {"max_ratio": 0.1}),
        ("words_num_filter", {"min_num": 3}),
    ],
)
def test_filters_of_data_juicer_decide_on_stats(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str, now: dict[str, Any]
) -> None:
    monkeypatch.chdir(bench.folder)
    words = [*WORDS, "the", "of", "tide tide\ntide tide", "%$#!", "x" * 30]
    dice = random.Random(7)
    rows = [{"text": " ".join(dice.choices(words, k=1 + i % 12)), "id": i} for i in range(40)]
    is_bound = ("min_", "max_", "reversed")
    fixed = {key: value for key, value in now.items() if not key.startswith(is_bound)}
    measured, other = (load(f"data_juicer:{name}", params) for params in (fixed, now))
    # As they come out of a file.
    stats = [
        {**json.loads(json.dumps(one.stats)), "@kept": isinstance(one, Kept)}
        for one in measured.apply([dict(row) for row in rows])
    ]
    decided = [type(one) for one in Again(other, measured).apply(stats)]
    assert decided == [type(one) for one in other.apply([dict(row) for row in rows])]
    assert set(decided) == {Kept, Dropped}


def test_who_asks_for_the_row_is_found_out(bench: Bench) -> None:
    peeks = [load("ops.py:Peeks", {"least": n}, base=bench.folder) for n in (3, 2)]
    kept, failed = Again(*peeks).apply([{"n": 9, "@kept": True}, {"n": 1, "@kept": False}])
    assert isinstance(kept, Kept)
    # Although it goes on without an answer.
    assert isinstance(failed, Failed)
    assert failed.reason.startswith("it decides by the sample's `text`")


def test_stats_that_do_not_lead_to_the_decision_are_told(bench: Bench) -> None:
    load_it = [load("ops.py:Counts", {"least": n}, base=bench.folder) for n in (3, 2)]
    told = Again(*load_it).apply([{"n": 1, "@kept": True}, {"@kept": False}])
    assert isinstance(told[0], Failed)
    assert told[0].reason == "with {'n': 1} it would drop now what it kept in the analysis"
    assert isinstance(told[1], Kept | Dropped)


def test_values_are_compared_through_and_through() -> None:
    class Model:
        def __init__(self, *parts: Any) -> None:
            self.parts = parts
            self.me = self

    alike = [
        (Model({"a": [1, 2.5]}, {3}), Model({"a": [1, 2.5]}, {3})),
        (functools.partial(sorted, key=len), functools.partial(sorted, key=len)),
        (re.compile("a+"), re.compile("a+")),
    ]
    others = [
        (Model(1), Model(2)),
        (Model("x"), Model("y")),
        (functools.partial(sorted, key=len), functools.partial(sorted, key=str)),
        (re.compile("a+"), re.compile("a")),
        (1, True),
        (lambda: 1, lambda: 1),
    ]
    assert [same(*pair) for pair in alike] == [True] * 3
    assert [same(*pair) for pair in others] == [False] * 6
