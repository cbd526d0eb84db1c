"""`wrasse.read_jsonl(...)` and what follows: chains of steps, results as they come."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from wrasse.operators import find, load

import wrasse

pytestmark = pytest.mark.usefixtures("engine")

PAGES = ROOT / "examples/web-text/pages.jsonl"

def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_examples_in_the_documentation_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    warnings.simplefilter("ignore")
    n = 0
    for name in ["wrasse.runs", "wrasse.datasets", "wrasse._yaml"]:
        module = importlib.import_module(name)
        failed, tried = doctest.testmod(module, extraglobs={"tmp": tmp_path})
        assert failed == 0, name
        n += tried
    failed, tried = doctest.testfile(
        str(ROOT / "docs/python.md"), module_relative=False, globs={"tmp": tmp_path}
    )
    assert failed == 0
    assert n > 15 and tried > 5


def test_a_chain_is_a_recipe_and_changes_nothing_before_it(tmp_path: Path) -> None:
    start = wrasse.read_jsonl(PAGES, text_key="text")
    clean = start.clean_links_mapper().op("text_length_filter", min_len=100).set(limit=40)
    assert start.to_recipe().endswith("process: []\n")
    assert "clean_links_mapper" in repr(clean) and "clean_links_mapper" not in repr(start)
    result = clean.write_jsonl(tmp_path / "chain.jsonl")
    assert result.rows.in_ == 40

    path = clean.save(tmp_path / "folder/recipe.yaml")
    wrasse.run(path, export_path=tmp_path / "saved.jsonl")
    wrasse.run(clean, export_path=tmp_path / "given.jsonl")
    wrasse.run(clean.to_recipe(), export_path=tmp_path / "text.jsonl")
    with clean.start(tmp_path / "started.jsonl") as handle:
        assert handle.wait().complete
    written = [path.read_bytes() for path in tmp_path.glob("*.jsonl")]
    assert len(written) == 5 and len(set(written)) == 1
    assert "text_length_filter" in clean.explain()


def test_every_operator_is_a_method_with_its_parameters() -> None:
    dataset = wrasse.read_jsonl(PAGES)
    catalog = wrasse.catalog()
    assert len(catalog) > 90
    for operator in catalog:
        method = getattr(wrasse.Dataset, operator["name"])
        params = inspect.signature(method).parameters
        own = [name for name, param in params.items() if param.kind is param.KEYWORD_ONLY]
        schema = operator["params"]
        assert own == list(schema.get("properties", {})), operator["name"]
        required = [name for name in own if params[name].default is inspect.Parameter.empty]
        assert sorted(required) == sorted(schema.get("required", [])), operator["name"]
        assert operator["summary"].split()[0] in method.__doc__
        if not required:
            added = getattr(dataset, operator["name"])(text_key="body")
            assert added._recipe["process"] == [{operator["name"]: {"text_key": "body"}}]


def test_formats_are_read_and_written(tmp_path: Path) -> None:
    rows = [{"id": n, "text": f"number {n}"} for n in range(20)]
    source = write(tmp_path / "in.jsonl", *rows)
    jsonl = wrasse.read_jsonl(source)
    for n, (suffix, method, read) in enumerate(
        [
            ("jsonl.zst", "write_jsonl", wrasse.read_jsonl),
            ("parquet", "write_parquet", wrasse.read_parquet),
            ("csv", "write_csv", wrasse.read_csv),
        ]
    ):
        path = tmp_path / f"out{n}.{suffix}"
        assert getattr(jsonl, method)(path).rows.out == 20
        back = list(read(path))
        assert [str(row["id"]) for row in back] == [str(row["id"]) for row in rows]
        folder = f"{tmp_path}/folder{n}/"
        parts = getattr(jsonl, method)(folder).parts
        assert [part.rows for part in parts] == [20]
        assert read(folder).count() == 20

    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.md").write_text("# Title")
    (tmp_path / "texts/b.html").write_text("<p>Some words of a page.</p>")
    assert wrasse.read_text(tmp_path / "texts/a.md").take(1)[0]["text"] == "# Title"
    (document,) = wrasse.read_documents(tmp_path / "texts/b.html")
    assert document["text"].strip() == "Some words of a page."
    with pytest.raises(TypeError):
        wrasse.read_jsonl()


def test_rows_come_as_they_would_be_written(tmp_path: Path) -> None:
    dataset = wrasse.read_jsonl(PAGES).text_length_filter(min_len=300).document_deduplicator()
    dataset.write_jsonl(tmp_path / "out.jsonl")
    with dataset.iter_rows(run_dir=tmp_path / "run") as rows:
        found = list(rows)
        assert rows.result is not None and rows.result.rows.out == len(found)
    assert found == rows_of(tmp_path / "out.jsonl")
    assert (tmp_path / "run/rejects.jsonl").stat().st_size > 0
    with pytest.warns(UserWarning, match="samples? (were|was) rejected"):
        assert list(dataset) == found
    with pytest.warns(UserWarning, match="samples? (were|was) rejected"):
        assert dataset.count() == len(found)
    assert dataset.take(3) == found[:3]
    assert dataset.take(0) == []


def test_batches_hold_the_rows_that_are_written(tmp_path: Path) -> None:
    dataset = wrasse.read_jsonl(PAGES).set(limit=200)
    dataset.write_parquet(tmp_path / "out.parquet")
    whole = pq.read_table(tmp_path / "out.parquet")
    with dataset.iter_batches(run_dir=tmp_path / "run") as stream:
        batches = list(stream)
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    table = pa.concat_tables(
        [pa.table(batch) for batch in batches], promote_options="permissive"
    )
    assert table.select(whole.column_names).equals(whole)
    assert dataset.to_arrow().equals(whole)

    # From columns to columns, types stay.
    typed = pa.table(
        {"text": ["a", "bb"], "at": pa.array([1, 2], pa.timestamp("ms")), "n": pa.array([1, 2], pa.int8())}
    )
    pq.write_table(typed, tmp_path / "typed.parquet")
    (batch,) = wrasse.read_parquet(tmp_path / "typed.parquet").iter_batches()
    assert batch.schema.field("n").type == pa.int8()
    assert pa.table(batch).cast(typed.schema).equals(typed)


def test_a_batch_has_columns_that_hold_all_values_so_far(tmp_path: Path) -> None:
    # A block is half a MiB: of each kind enough for one.
    filler = "x" * 1000
    kinds: list[Any] = [1, 0.5, "word", None]
    source = write(
        tmp_path / "in.jsonl", *({"text": filler, "value": kind} for kind in kinds for _ in range(1200))
    )
    types = []
    with wrasse.read_jsonl(source).iter_batches(threads=1) as batches:
        n_rows = 0
        for batch in batches:
            n_rows += batch.num_rows
            types.append(str(batch.schema.field("value").type))
    assert n_rows == 4800
    assert list(dict.fromkeys(types)) == ["int64", "double", "string"]


def test_a_stream_that_is_left_ends_its_run(tmp_path: Path) -> None:
    source = tmp_path / "pages.jsonl"
    source.write_bytes(PAGES.read_bytes() * 50)
    dataset = wrasse.read_jsonl(source).clean_links_mapper()
    stream = dataset.iter_rows(run_dir=tmp_path / "run")
    first = next(stream)
    assert first["id"] and stream.result is None
    # The run waits for who reads: it comes to stand, and not to its end.
    seen: list[int] = []
    for snapshot in stream._handle:
        seen.append(snapshot.rows.in_)
        if seen[-5:] == [seen[-1]] * 5:
            break
    assert not stream._handle.done
    stream.close()
    assert stream._handle.done
    assert list(stream) == []
    with dataset.iter_batches() as batches:
        next(batches)
        folder = Path(batches._folder.name)  # type: ignore[union-attr]
        assert folder.is_dir()
    assert not folder.exists()


def test_a_run_that_fails_while_it_streams_raises(tmp_path: Path) -> None:
    with pytest.raises(wrasse.TooManyRejects):
        list(wrasse.read_jsonl(PAGES).iter_rows(max_rejects=0))
    with pytest.raises(wrasse.UsageError, match="cannot be found"):
        list(wrasse.read_jsonl(tmp_path / "missing.jsonl"))
    with pytest.raises(wrasse.RecipeError, match="no_such_mapper"):
        wrasse.read_jsonl(PAGES).op("no_such_mapper").take(1)


def test_to_pandas_says_what_to_install_or_does_it() -> None:
    dataset = wrasse.read_jsonl(PAGES).set(limit=5)
    try:
        frame = dataset.to_pandas()
    except wrasse.MissingPackage as error:
        assert error.package == "pandas"
    else:
        assert len(frame) == 5


# Functions


class Longer(wrasse.Filter):
    """Keeps texts that are long enough."""

    min_len: int = 3

    def keep(self, row: dict[str, Any]) -> bool:
        return len(row["text"]) >= self.min_len


@wrasse.mapper
def shout(row: dict[str, Any], *, mark: str = "!") -> dict[str, Any]:
    """Makes a text loud."""
    return {**row, "text": row["text"].upper() + mark}


def chain(source: Path) -> wrasse.Dataset:
    """Every way to write a step in Python."""
    suffix = "?"
    return (
        wrasse.read_jsonl(source)
        .map(lambda row: {**row, "text": row["text"] + suffix})
        .filter(lambda row, min_n: row["n"] >= min_n, min_n=1)
        .flat_map(lambda row: [row, {**row, "text": "copy"}])
        .map(shout, mark="!!")
        .op(Longer, min_len=5)
        .whitespace_normalization_mapper()
    )


def test_functions_are_loaded_from_the_file_that_a_recipe_names(tmp_path: Path) -> None:
    dataset = chain(tmp_path / "in.jsonl")
    path = dataset.save(tmp_path / "recipe.yaml")
    (pickles,) = tmp_path.glob("*.pickle")
    assert pickles.name == "recipe.pickle"
    steps = [step for step in dataset._recipe["process"]]
    assert "./recipe.pickle:lambda_" in path.read_text()

    row = {"text": "ab", "n": 1}
    outcomes = []
    for step in steps[:-1]:
        ((name, params),) = step.items()
        reference = name.replace("functions.pickle", "./recipe.pickle")
        with load(reference, params, base=tmp_path) as operator:
            outcomes.append(operator.apply([dict(row)])[0])
    assert outcomes == [
        wrasse.Kept({"text": "ab?", "n": 1}),
        wrasse.Kept(row),
        wrasse.Sliced([row, {"text": "copy", "n": 1}]),
        wrasse.Kept({"text": "AB!!", "n": 1}),
        wrasse.Dropped(row),
    ]
    described = find(f"{pickles}:{next(iter(steps[3])).partition(':')[2]}").description
    assert (described.kind, described.summary) == ("mapper", "Makes a text loud.")
    with pytest.raises(wrasse.ParameterError, match="there is no parameter"):
        find(f"{pickles}:{next(iter(steps[3])).partition(':')[2]}").check({"marc": 1})


def test_a_program_of_its_own_needs_nothing_of_itself_where_its_steps_run(
    tmp_path: Path,
) -> None:
    (tmp_path / "beside.py").write_text("SUFFIX = '?'\n\n\ndef end(text):\n    return text + SUFFIX\n")
    program = f"""
from __future__ import annotations
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
from typing import Any, Literal
import wrasse
from beside import end

class Mark(wrasse.Mapper):
    mark: Literal["!", "?"] = "!"

    def map(self, row: dict[str, Any]) -> dict[str, Any]:
        return {{"text": row["text"] + self.mark}}

def both(row: dict[str, Any], how: Literal["end", "no"] = "end") -> dict[str, Any]:
    return {{"text": end(row["text"])}} if how == "end" else row

dataset = wrasse.read_jsonl("in.jsonl").op(Mark, mark="?").map(both).map(end)
print(dataset.save("recipe.yaml"))
print(*dataset._pickled)
assert isinstance(both.__annotations__["how"], str)
"""
    (tmp_path / "program.py").write_text(program)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    command = [sys.executable, tmp_path / "program.py"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    mark, both, _ = ran.stdout.split()[1:]
    worker = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
from wrasse.operators import find
for name, params in [({mark!r}, {{"mark": "?"}}), ({both!r}, {{}})]:
    found = find("recipe.pickle:" + name)
    print(found.construct(params).apply([{{"text": "a"}}])[0].row["text"], found.description.params[0].types)
"""
    ran = subprocess.run(
        [sys.executable, "-c", worker], cwd=folder, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["a? `!` or `?`", "a? `end` or `no`"]


def test_the_same_function_is_the_same_in_every_session(tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
import wrasse

class Same(wrasse.Mapper):
    def map(self, row):
        return Other().one(row)

class Other:
    def one(self, row):
        return row

# As a notebook does.
cell = "def first(row): return second(row)\\ndef second(row): return row"
exec(compile(cell, f"/tmp/ipykernel_{{sys.argv[1]}}/1.py", "exec"))
dataset = wrasse.read_jsonl("a").op(Same).map(first)
dataset.save(f"{{sys.argv[1]}}.yaml")
"""
    for n in range(2):
        (tmp_path / f"folder{n}").mkdir()
        subprocess.run(
            [sys.executable, "-c", program, tmp_path / str(n)], cwd=tmp_path / f"folder{n}", check=True
        )
    first, second = (path.read_bytes() for path in sorted(tmp_path.glob("*.pickle")))
    assert first == second


def test_another_function_is_another_recipe() -> None:
    dataset = wrasse.read_jsonl(PAGES)
    one, same, other = (
        dataset.map(function).to_recipe()
        for function in [lambda row: row, lambda row: row, lambda row: {**row, "n": 1}]
    )
    assert one != other
    assert dataset.map(shout).to_recipe() == dataset.map(shout).to_recipe()
    assert len({one.split(":lambda_")[0], same.split(":lambda_")[0]}) == 1


def test_batch_functions_take_tables(tmp_path: Path) -> None:
    dataset = wrasse.read_jsonl(PAGES).map(lambda table: table, batch=True)
    dataset.save(tmp_path / "recipe.yaml")
    (name,) = dataset._pickled
    found = find(f"{tmp_path}/recipe.pickle:{name}")
    assert found.description.takes_batches
    assert found.construct({}).apply([{"text": "a"}]) == [wrasse.Kept({"text": "a"})]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("missing.pickle:f", "there is no file"),
        ("good.pickle", "name one of its functions"),
        ("good.pickle:f", "has no `f`; there is `lambda_"),
        ("text.pickle:f", "holds no functions"),
        ("old.pickle:f", "another version"),
    ],
)
def test_a_file_without_the_function_says_so(
    reference: str, message: str, tmp_path: Path
) -> None:
    wrasse.read_jsonl(PAGES).map(lambda row: row).save(tmp_path / "good.yaml")
    (tmp_path / "text.pickle").write_text("no pickle")
    (tmp_path / "old.pickle").write_bytes(pickle.dumps({"version": 0}))
    with pytest.raises(wrasse.LoadError) as caught:
        find(reference, base=tmp_path)
    assert message in str(caught.value)


def test_what_is_no_step_is_refused() -> None:
    dataset = wrasse.read_jsonl(PAGES)
    for wrong in [
        lambda: dataset.map(5),  # type: ignore[arg-type]
        lambda: dataset.op(len),
        lambda: dataset.filter(shout),
        lambda: dataset.map(lambda: None),
    ]:
        with pytest.raises((TypeError, wrasse.DeclarationError)):
            wrong()


def test_python_steps_run_among_native_ones(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl", {"text": "one\u00a0word", "n": 1}, {"text": "x", "n": 1}, {"text": "y", "n": 0}
    )
    result = chain(source).write_jsonl(tmp_path / "out.jsonl")
    assert [row["text"] for row in rows_of(tmp_path / "out.jsonl")] == [
        "ONE WORD?!!",
        "COPY!!",
        "COPY!!",
    ]
    assert (result.rows.in_, result.rows.dropped, result.rows.added_by_slicing) == (3, 2, 2)
    # Saved, it is the same recipe.
    saved = chain(source).save(tmp_path / "recipe.yaml")
    wrasse.run(saved, export_path=tmp_path / "saved.jsonl")
    assert rows_of(tmp_path / "saved.jsonl") == rows_of(tmp_path / "out.jsonl")


def test_rows_of_python_steps_come_as_they_are_made() -> None:
    dataset = wrasse.read_jsonl(PAGES).map(lambda row: {"text": str(len(row["text"]))})
    assert all(row["text"].isdigit() for row in dataset.take(10))


def test_a_function_that_fails_costs_its_sample(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", *({"text": str(n)} for n in range(10)))
    dataset = wrasse.read_jsonl(source).map(lambda row: {"text": str(10 // int(row["text"]))})
    result = dataset.write_jsonl(tmp_path / "out.jsonl")
    assert (result.rows.out, result.rows.rejected) == (9, 1)
    (reject,) = rows_of(tmp_path / "out.wrasse/rejects.jsonl")
    assert "ZeroDivisionError" in json.dumps(reject)


def test_a_run_with_functions_is_resumed_with_the_same_ones(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", *({"text": f"{n} " * 200} for n in range(5000)))
    dataset = wrasse.read_jsonl(source).map(lambda row: {"text": row["text"][:10]})
    with dataset.start(tmp_path / "out.jsonl", threads=1) as handle:
        handle.cancel()
    assert not handle.wait().complete
    other = wrasse.read_jsonl(source).map(lambda row: {"text": row["text"][:11]})
    with pytest.raises(wrasse.UsageError, match="cannot resume .*code"):
        other.write_jsonl(tmp_path / "out.jsonl", resume=True)
    result = dataset.write_jsonl(tmp_path / "out.jsonl", resume=True)
    assert result.complete and result.rows.out == 5000
