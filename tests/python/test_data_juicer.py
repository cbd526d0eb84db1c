"""Operators of Data-Juicer by name: the real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wrasse
from wrasse import Dropped, Failed, Kept, Operator, Sliced
from wrasse.operators import find, load


def op(name: str, **given: Any) -> Operator:
    return load(f"data_juicer:{name}", given)


def texts(*values: Any) -> list[dict]:
    return [{"text": value} for value in values]


def test_a_batched_mapper_changes_rows() -> None:
    mapper = op("whitespace_normalization_mapper")
    assert (mapper.name, mapper.kind, mapper.takes_batches) == (
        "whitespace_normalization_mapper",
        "mapper",
        True,
    )
    rows = [{"text": "a\u3000b "}, {"text": "c", "id": 1}, {"text": "d", "id": None}]
    assert mapper.apply(rows) == [
        Kept({"text": "a b"}),
        Kept({"text": "c", "id": 1}),
        Kept({"text": "d", "id": None}),
    ]
    assert mapper.apply([]) == []


def test_a_row_that_raises_costs_itself() -> None:
    outcomes = op("whitespace_normalization_mapper").apply(texts("a ", None, "b ", "c "))
    assert outcomes[0::2] == [Kept({"text": "a"}), Kept({"text": "b"})]
    assert outcomes[3] == Kept({"text": "c"})
    failed = outcomes[1]
    assert isinstance(failed, Failed)
    assert "'NoneType' object has no attribute 'strip'" in failed.reason
    assert "process_batched" in failed.traceback


def test_a_mapper_that_makes_several_rows_slices() -> None:
    mapper = op("text_chunk_mapper", max_len=3, split_pattern=None)
    outcomes = mapper.apply([{"text": "abcdefg", "id": 1}, {"text": "xy", "id": 2}])
    assert outcomes == [
        Sliced([{"text": "abc", "id": 1}, {"text": "def", "id": 1}, {"text": "g", "id": 1}]),
        Kept({"text": "xy", "id": 2}),
    ]


def test_a_batched_filter_tells_its_statistics() -> None:
    outcomes = op("text_length_filter", min_len=3).apply(texts("four", "12", None))
    assert outcomes[:2] == [
        Kept({"text": "four"}, {"text_len": 4}),
        Dropped({"text": "12"}, {"text_len": 2}),
    ]
    assert isinstance(outcomes[2], Failed)


def test_a_single_filter_tells_its_statistics() -> None:
    filter = op("specified_numeric_field_filter", field_key="n", min_value=2, max_value=9)
    assert not filter.takes_batches
    assert filter.apply([{"n": 5}, {"n": 1}]) == [
        Kept({"n": 5}, {"n": 5}),
        Dropped({"n": 1}, {"n": 1}),
    ]
    row = {"n": 1, "__dj__stats__": {}}
    assert filter.apply([row]) == [Dropped({"n": 1, "__dj__stats__": {}}, {"n": 1})]


def test_statistics_that_a_row_has_stay_in_it() -> None:
    row = {"text": "four", "__dj__stats__": {"lang": "en"}}
    (kept,) = op("text_length_filter", min_len=3).apply([row])
    assert isinstance(kept, Kept)
    assert kept.row["__dj__stats__"] == {"lang": "en", "text_len": 4}
    assert row["__dj__stats__"] == {"lang": "en"}


def test_a_second_attempt_begins_with_the_row_as_it_came() -> None:
    op("text_length_filter")
    from data_juicer.ops.base_op import OPERATORS
    from data_juicer.ops.base_op import Mapper as Base

    class Tags(Base):
        _batched_op = True

        def process_batched(self, samples: dict) -> dict:
            for tags in samples["tags"]:
                tags.append("seen")
            samples["text"] = [text.strip() for text in samples["text"]]
            return samples

    OPERATORS.modules["tags_mapper"] = Tags
    try:
        rows = [{"text": "a", "tags": []}, {"text": None, "tags": []}]
        kept, failed = op("tags_mapper").apply(rows)
    finally:
        del OPERATORS.modules["tags_mapper"]
    assert kept == Kept({"text": "a", "tags": ["seen"]})
    assert isinstance(failed, Failed)


def test_an_operator_is_described() -> None:
    about = find("data_juicer:text_length_filter").description
    assert (about.name, about.kind, about.takes_batches) == ("text_length_filter", "filter", True)
    assert [(one.name, one.default) for one in about.params][:1] == [("min_len", 10)]


def test_wrong_names_are_told() -> None:
    with pytest.raises(wrasse.LoadError, match="did you mean `text_length_filter`"):
        op("text_lenght_filter")
    with pytest.raises(wrasse.ParameterError, match="did you mean `min_len`"):
        op("text_length_filter", minlen=1)
    with pytest.raises(wrasse.LoadError, match="a deduplicator, which needs the whole data set"):
        op("document_deduplicator")


def test_nothing_is_installed_on_the_way() -> None:
    op("text_length_filter")
    from data_juicer.utils.lazy_loader import LazyLoader

    with pytest.raises(wrasse.MissingPackage, match="`pip install some-package`"):
        LazyLoader._install_package("some-package")


def test_a_missing_data_juicer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == "data_juicer"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "data_juicer", None)
    with pytest.raises(wrasse.MissingPackage, match="`pip install py-data-juicer`"):
        op("text_length_filter")


CUSTOM = '''
from data_juicer.ops.base_op import OPERATORS, Filter, Mapper

@OPERATORS.register_module("vowels_filter")
class Vowels(Filter):
    """Keeps texts with enough vowels."""

    def __init__(self, at_least: int = 1, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.at_least = at_least

    def compute_stats_single(self, sample, context=False):
        sample["__dj__stats__"]["vowels"] = sum(c in "aeiou" for c in sample[self.text_key])
        return sample

    def process_single(self, sample):
        return sample["__dj__stats__"]["vowels"] >= self.at_least

@OPERATORS.register_module("loud_mapper")
class Loud(Mapper):
    def process_single(self, sample):
        sample[self.text_key] = sample[self.text_key].upper()
        return sample
'''


def test_operators_of_a_recipe_s_own_files_and_packages_run(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    filters, _, mappers = CUSTOM.partition('@OPERATORS.register_module("loud')
    (tmp_path / "vowel_ops.py").write_text(filters)
    package = tmp_path / "loud_ops"
    package.mkdir()
    (package / "__init__.py").write_text("from . import loud\n")
    header = CUSTOM[: CUSTOM.index("@")]
    (package / "loud.py").write_text(f'{header}@OPERATORS.register_module("loud{mappers}')
    (tmp_path / "in.jsonl").write_text('{"text": "queue"}\n{"text": "rhythm"}\n')
    (tmp_path / "recipe.yaml").write_text(
        "dataset_path: in.jsonl\nexport_path: out.jsonl\nkeep_stats_in_res_ds: true\n"
        "custom_operator_paths: [./vowel_ops.py, ./loud_ops]\n"
        "process:\n  - vowels_filter: {at_least: 2}\n  - loud_mapper:\n"
    )
    program = request.getfixturevalue("wrasse")
    run = [program, "run", "recipe.yaml", "--python", sys.executable, "--quiet"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row == {"text": "QUEUE", "__dj__stats__": {"vowels": 4}}

    (tmp_path / "vowel_ops.py").write_text("1 / 0\n")
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "`custom_operator_paths`: Error loading" in done.stderr
    assert "division by zero" in done.stderr


def test_an_old_name_leads_to_the_new_one() -> None:
    with pytest.raises(wrasse.LoadError, match="did you mean `generate_qa_from_text_mapper`"):
        op("extract_qa_mapper")
    with pytest.raises(wrasse.ParameterError, match="did you mean `max_score`"):
        find("data_juicer:image_nsfw_filter").check({"score_threshold": 0.5})


def test_parameters_that_are_passed_on_are_known() -> None:
    # Its own constructor names two of them; its base class has the rest.
    found = find("data_juicer:llm_difficulty_score_filter")
    found.check({"api_endpoint": "/v1", "min_score": 0.5, "try_num": 2})
    with pytest.raises(wrasse.ParameterError, match="tries"):
        found.check({"tries": 2})


def test_an_aggregator_makes_one_row_of_a_group(tmp_path: Path) -> None:
    (tmp_path / "joining_ops.py").write_text(
        "from data_juicer.ops.base_op import OPERATORS, Aggregator\n\n"
        "@OPERATORS.register_module('joining_aggregator')\n"
        "class Joining(Aggregator):\n"
        "    def process_single(self, sample):\n"
        "        sample['__dj__batch_meta__']['n'] = len(sample['text'])\n"
        "        return {**sample, 'text': ' '.join(sample['text'])}\n"
    )
    aggregator = load(f"data_juicer:{tmp_path}/joining_ops.py:joining_aggregator")
    assert aggregator.kind == "mapper"
    assert aggregator.apply([{"text": ["a", "b"]}]) == [
        Kept({"text": "a b", "__dj__batch_meta__": {"n": 2}})
    ]


def test_what_needs_a_model_is_left_to_the_original(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "dataset_path: in.jsonl\nprocess:\n"
        "  - words_num_filter: {tokenization: true}\n"
        "  - token_num_filter: {hf_tokenizer: some/model}\n"
    )
    check = [request.getfixturevalue("wrasse"), "check", "recipe.yaml", "--python", sys.executable]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("words_num_filter", "token_num_filter"):
        assert f"Data-Juicer's own `{name}` runs instead, in Python" in done.stderr
