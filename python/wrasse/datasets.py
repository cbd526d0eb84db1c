"""`Dataset`: what to read and the steps to take, written down and not yet done.

Every method gives a new dataset; nothing is read before one that writes, counts or
iterates. A dataset is a recipe: `to_recipe` shows it, `save` keeps it.

>>> dataset = read_jsonl("examples/web-text/pages.jsonl")
>>> dataset = dataset.clean_links_mapper().text_length_filter(min_len=200)
>>> print(dataset.to_recipe())
dataset:
  configs:
    - type: local
      path: examples/web-text/pages.jsonl
      format: jsonl
process:
  - clean_links_mapper
  - text_length_filter:
      min_len: 200
<BLANKLINE>
>>> result = dataset.write_parquet(tmp / "pages.parquet", progress=False)
>>> result.rows.out == result.parts[0].rows
True
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wrasse import _display, _yaml, runs
from wrasse._pickled import PICKLES, Pickled
from wrasse._steps import Steps
from wrasse.errors import Finding
from wrasse.functions import OperatorFunction
from wrasse.lazy import need
from wrasse.results import RunResult
from wrasse.sdk import Declared
from wrasse.streams import Batches, RowStream

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PathLike = str | os.PathLike[str]
Row = dict[str, Any]


# Endings of files that tell their format.
_SUFFIXES = {"jsonl": (".jsonl", ".ndjson", ".json"), "parquet": ".parquet", "csv": ".csv"}


class Dataset(Steps):
    """An input with steps, see `wrasse.datasets`. Made by `read_jsonl` and its like."""

    def __init__(self, recipe: Mapping[str, Any], pickled: Mapping[str, Pickled]) -> None:
        self._recipe = dict(recipe)
        self._pickled = dict(pickled)

    # Steps

    def op(self, operator: Any, /, **params: Any) -> Dataset:
        """Adds a step: an operator by the name that recipes use, or a class or decorated
        function of `wrasse`.

        >>> read_text("docs").op("text_length_filter", min_len=10)
        <Dataset: docs | text_length_filter>
        """
        if isinstance(operator, str):
            return self._step(operator, params)
        if isinstance(operator, OperatorFunction):
            pickled = Pickled.of_function(operator.function, operator.base.kind, operator.batch)
        elif isinstance(operator, type) and issubclass(operator, Declared):
            pickled = Pickled.of_class(operator)
        else:
            raise TypeError(
                "an operator is a name, a class derived from `wrasse.Mapper` and so on, or a "
                "function decorated with `wrasse.mapper`; plain functions are for `map`, "
                "`filter` and `flat_map`"
            )
        return self._pickled_step(pickled, params)

    def map(
        self, function: Callable[..., Any], /, *, batch: bool | None = None, **params: Any
    ) -> Dataset:
        """Adds a function of `row -> row`, or of `table -> table` with `batch=True`.

        A row is a `dict`; `params` are given to the function by name.
        """
        return self._function(function, "mapper", batch, params)

    def filter(
        self, function: Callable[..., Any], /, *, batch: bool | None = None, **params: Any
    ) -> Dataset:
        """Adds a function of `row -> bool`: rows for which it is true are kept.

        With `batch=True` it is one of `table -> booleans`.
        """
        return self._function(function, "filter", batch, params)

    def flat_map(
        self, function: Callable[..., Any], /, *, batch: bool | None = None, **params: Any
    ) -> Dataset:
        """Adds a function of `row -> rows`, any number of them.

        With `batch=True` it is one of `table -> (pieces, numbers of their rows)`.
        """
        return self._function(function, "slicer", batch, params)

    def set(self, **keys: Any) -> Dataset:
        """Sets keys of the recipe, such as `limit`, `np` or `keep_stats_in_res_ds`.

        >>> read_text("docs").set(limit=10).to_recipe().splitlines()[-1]
        'limit: 10'
        """
        return Dataset({**self._recipe, **keys}, self._pickled)

    # The recipe

    def to_recipe(self) -> str:
        """The recipe as YAML. Functions are named by a file that `save` writes."""
        return _yaml.dump(self._recipe)

    def save(self, path: PathLike) -> Path:
        """Writes the recipe, and functions beside it (`clean.yaml`, `clean.pickle`).

        Returns its path, for `wrasse run` or `wrasse.run`.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        recipe = self._recipe
        if self._pickled:
            beside = path.with_suffix(".pickle")
            Pickled.write(self._pickled, beside)
            recipe = self._naming(f"./{beside.name}")
        path.write_text(_yaml.dump(recipe), encoding="utf-8")
        return path

    def check(self) -> list[Finding]:
        """All that is to be said of the recipe, as `wrasse.check`.

        >>> [finding.message for finding in read_text("docs").op("no_filter").check()]
        ['unknown operator `no_filter`']
        """
        with tempfile.TemporaryDirectory(prefix="wrasse-") as folder:
            return runs.check(self._placed(Path(folder)))

    def explain(self, **overrides: Any) -> str:
        """How it would run, as `wrasse.explain`."""
        with tempfile.TemporaryDirectory(prefix="wrasse-") as folder:
            return runs.explain(self._placed(Path(folder)), **overrides)

    # Results

    def write_jsonl(
        self, path: PathLike, *, progress: bool | None = None, **overrides: Any
    ) -> RunResult:
        """Runs it, and writes JSONL: a file (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`), or a folder.

        For `overrides`, and what it raises, see `wrasse.run`.
        """
        return self._write(path, "jsonl", progress, overrides)

    def write_parquet(
        self, path: PathLike, *, progress: bool | None = None, **overrides: Any
    ) -> RunResult:
        """Runs it, and writes Parquet: a file, or a folder if the path ends in `/`."""
        return self._write(path, "parquet", progress, overrides)

    def write_csv(
        self, path: PathLike, *, progress: bool | None = None, **overrides: Any
    ) -> RunResult:
        """Runs it, and writes CSV: a file (`.csv`, `.csv.gz`, `.csv.zst`), or a folder."""
        return self._write(path, "csv", progress, overrides)

    def start(self, path: PathLike, **overrides: Any) -> runs.RunHandle:
        """Starts a run that writes to `path`, whose ending tells the format; see `wrasse.start`."""
        return runs.start(self.set(export_path=os.fspath(path)), **overrides)

    def iter_rows(self, **overrides: Any) -> RowStream:
        """Runs it, and gives the rows as `dict`s while the run goes on.

        Nothing is written, and a few blocks are in memory at a time. An iteration that
        ends early ends the run.

        >>> dataset = read_jsonl("examples/web-text/pages.jsonl").text_length_filter(min_len=500)
        >>> with dataset.iter_rows() as rows:
        ...     all(len(row["text"]) >= 500 for row in rows)
        True
        """
        return RowStream(self._stream_recipe(), overrides)

    __iter__ = iter_rows

    def iter_batches(self, **overrides: Any) -> Batches:
        """Runs it, and gives the rows as `pyarrow.RecordBatch`es while the run goes on.

        A batch has the columns that were seen so far, in types that hold all their values
        so far: the next one may have more columns, and wider ones (an integer column
        becomes one of floats). Where all must have one type, use `to_arrow`.

        Nothing is written, and a few batches are in memory at a time. An iteration that
        ends early ends the run.
        """
        return Batches(self._stream_recipe(), overrides)

    def take(self, n: int, **overrides: Any) -> list[Row]:
        """The first `n` rows that come out; the run ends with them.

        >>> [row["id"] for row in read_jsonl("examples/web-text/pages.jsonl").take(2)]
        ['spam/okna', 'ko/eumsik-nanum']
        """
        if n <= 0:
            return []
        rows: list[Row] = []
        with self.iter_rows(**overrides) as stream:
            for row in stream:
                rows.append(row)
                if len(rows) == n:
                    break
        return rows

    def count(self, **overrides: Any) -> int:
        """How many rows come out.

        >>> read_jsonl("examples/web-text/pages.jsonl").document_deduplicator().count()
        355
        """
        with RowStream(self._stream_recipe(), overrides, "nothing") as stream:
            for _ in stream:
                pass
        assert stream.result is not None
        return stream.result.rows.out

    def to_arrow(self, **overrides: Any) -> pa.Table:
        """All rows as a table in memory, each column of the one type that holds its values."""
        need("pyarrow", "`to_arrow`")
        import pyarrow.parquet as parquet

        with tempfile.TemporaryDirectory(prefix="wrasse-") as folder:
            path = Path(folder) / "rows.parquet"
            self.write_parquet(path, html=False, **overrides)
            return parquet.read_table(path)

    def to_pandas(self, **overrides: Any) -> pd.DataFrame:
        """All rows as a data frame in memory."""
        need("pandas", "`to_pandas`")
        return self.to_arrow(**overrides).to_pandas()

    def __repr__(self) -> str:
        inputs = (one["path"] for one in self._recipe["dataset"]["configs"])
        steps = (one if isinstance(one, str) else next(iter(one)) for one in self._process)
        return f"<Dataset: {' | '.join([', '.join(inputs), *steps])}>"

    # What the above stands on

    @property
    def _process(self) -> list[Any]:
        return list(self._recipe.get("process", []))

    def _step(self, name: str, params: Mapping[str, Any]) -> Dataset:
        step = {name: dict(params)}
        return Dataset({**self._recipe, "process": [*self._process, step]}, self._pickled)

    def _function(
        self,
        function: Callable[..., Any],
        kind: str,
        batch: bool | None,
        params: Mapping[str, Any],
    ) -> Dataset:
        if isinstance(function, OperatorFunction):
            if function.base.kind != kind:
                raise TypeError(f"`{function.function.__name__}` is a {function.base.kind}")
            return self.op(function, **params)
        return self._pickled_step(Pickled.of_function(function, kind, batch), params)

    def _pickled_step(self, pickled: Pickled, params: Mapping[str, Any]) -> Dataset:
        step = self._step(f"{PICKLES}:{pickled.name}", params)
        return Dataset(step._recipe, {**self._pickled, pickled.name: pickled})

    def _placed(self, folder: Path) -> dict[str, Any]:
        """The recipe with the functions in a file of that folder, if there are some."""
        if not self._pickled:
            return self._recipe
        # Another run may use the folder, and its workers the functions in it.
        name = f"functions-{Pickled.digest(self._pickled)}.pickle"
        path = (folder / name).absolute()
        Pickled.write(self._pickled, path)
        return self._naming(str(path))

    def _naming(self, path: str) -> dict[str, Any]:
        """The recipe with this path of the functions."""
        own = {f"{PICKLES}:{name}": f"{path}:{name}" for name in self._pickled}
        process = [
            {own.get(name, name): params for name, params in step.items()}
            if isinstance(step, Mapping)
            else step
            for step in self._process
        ]
        return {**self._recipe, "process": process}

    def _place_functions(self, overrides: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The recipe to run and how; functions lie in the run directory."""
        if not self._pickled:
            return self._recipe, overrides
        export_path = os.fspath(
            overrides.get("export_path") or self._recipe.get("export_path") or "outputs/recipe.jsonl"
        )
        run_dir = overrides.get("run_dir") or self._recipe.get("run_dir")
        folder = Path(run_dir or runs._default_run_dir(export_path, "recipe"))
        return self._placed(folder), {**overrides, "run_dir": folder}

    def _write(
        self, path: PathLike, form: str, progress: bool | None, overrides: Mapping[str, Any]
    ) -> RunResult:
        dataset = self.set(export_path=os.fspath(path))
        # Said only where it is not: so it is the same run however it is written.
        name = os.fspath(path).removesuffix(".gz").removesuffix(".zst")
        if not name.endswith(_SUFFIXES[form]):
            dataset = dataset.set(export_type=form)
        show = _display.Display.wanted(progress)
        handle = runs.RunHandle._start(dataset, overrides, in_terminal=show.is_terminal)
        return runs._finish(handle, show)

    def _stream_recipe(self) -> Dataset:
        return self.set(export_path="-", export_type="jsonl")


def read_jsonl(*paths: PathLike, text_key: str | None = None, **keys: Any) -> Dataset:
    """Files of a JSON object a line, or of an array of them; `.gz` and `.zst` too.

    `paths`: files, folders, globs, or addresses such as `s3://bucket/a.jsonl`. `text_key`:
    the field that holds the text; `text` by default. `keys`: others of the recipe.
    """
    return _read("jsonl", paths, text_key, keys)


def read_parquet(*paths: PathLike, text_key: str | None = None, **keys: Any) -> Dataset:
    """Parquet files; otherwise as `read_jsonl`."""
    return _read("parquet", paths, text_key, keys)


def read_csv(*paths: PathLike, text_key: str | None = None, **keys: Any) -> Dataset:
    """Tables of text with a header; of `.tsv` files, with tabs. Otherwise as `read_jsonl`."""
    is_tsv = all(".tsv" in os.fspath(path) for path in paths)
    return _read("tsv" if is_tsv else "csv", paths, text_key, keys)


def read_text(*paths: PathLike, text_key: str | None = None, **keys: Any) -> Dataset:
    """Files of text, Markdown or source code, each of them a row."""
    return _read("text", paths, text_key, keys)


def read_documents(*paths: PathLike, text_key: str | None = None, **keys: Any) -> Dataset:
    """Documents (PDF, HTML, office formats and so on), each of them a row of its text."""
    return _read("documents", paths, text_key, keys)


def _read(
    form: str, paths: tuple[PathLike, ...], text_key: str | None, keys: Mapping[str, Any]
) -> Dataset:
    if not paths:
        raise TypeError("name a file, a folder, a glob or an address to read")
    configs = [{"type": "local", "path": os.fspath(path), "format": form} for path in paths]
    recipe: dict[str, Any] = {"dataset": {"configs": configs}}
    if text_key is not None:
        recipe["text_keys"] = text_key
    return Dataset({**recipe, **keys, "process": []}, {})
