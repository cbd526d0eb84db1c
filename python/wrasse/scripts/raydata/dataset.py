"""`ray.data.Dataset`: steps that are written down, and run when their rows are asked for."""

from __future__ import annotations

import inspect
import json
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wrasse.datasets import Dataset as Chain
from wrasse.scripts import engine
from wrasse.scripts.raydata import sources, steps, values
from wrasse.scripts.raydata.sources import Source
from wrasse.scripts.unsupported import NoSuchMethod, Unsupported, note, refuse_given

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Parameters that say where and how much at a time, and never what: the engine decides it.
_HINTS = frozenset(
    "compute concurrency num_cpus num_gpus memory zero_copy_batch udf_modifying_row_count "
    "resources accelerator_type label_selector fallback_strategy max_calls "
    "ray_remote_args ray_remote_args_fn max_restarts max_task_retries scheduling_strategy "
    "parallelism override_num_blocks num_rows_per_file min_rows_per_file "
    "max_rows_per_file min_bytes_per_file try_create_dir prefetch_batches".split()
)

# What there is instead of methods that are not here.
_INSTEAD = {
    "sort": "sort the rows that come out, with `to_pandas().sort_values(...)`",
    "groupby": "group the rows that come out, with `to_pandas().groupby(...)`",
    "aggregate": "there are `sum`, `min`, `max`, `mean` and `unique`",
    "std": "there are `sum`, `min`, `max` and `mean`",
    "join": "join the rows that come out, with `to_pandas().merge(...)`",
    "zip": "number the rows, and join what comes out with `to_pandas().merge(...)`",
    "random_shuffle": "rows keep the order of the input; shuffle the files that come out",
    "random_sample": "which rows Ray Data takes depends on its blocks; `filter` by a hash of the row",
    "with_column": "`add_column`, or `map`",
    "iter_torch_batches": "`iter_batches`, and make tensors of the arrays",
}


def refuse_others(what: str, given: dict[str, Any]) -> None:
    """Raises `Unsupported` for parameters that are no hints."""
    if given.get("num_gpus"):
        note("`num_gpus` says nothing here: there are as many workers as threads (`--threads`)")
    refuse_given(what, {name: one for name, one in given.items() if name not in _HINTS})


class Schema:
    """Names and types of columns."""

    def __init__(self, base_schema: pa.Schema) -> None:
        self.base_schema = base_schema

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return list(self.base_schema.names)

    @property
    def types(self) -> list[Any]:
        """Arrow's types."""
        return list(self.base_schema.types)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and other.base_schema == self.base_schema

    def __repr__(self) -> str:
        widest = max([6, *map(len, self.names)])
        lines = [f"{'Column':<{widest}}  Type", f"{'------':<{widest}}  ----"]
        pairs = zip(self.names, self.types, strict=True)
        return "\n".join([*lines, *(f"{name:<{widest}}  {kind}" for name, kind in pairs)])


class Dataset:
    """Rows to be: a source with steps. Every method that adds one gives a new dataset."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._chain = source.chain
        # Whether steps were added that run in Python, and whether rows still may lack
        # fields that others of their block have.
        self._has_python = bool(source.chain._recipe["process"])
        self._may_lack = source.may_lack
        # Whether a row that comes out is a row that went in.
        self._is_row_by_row = not self._has_python
        self._done: Dataset | None = None

    # Steps

    def map(self, fn: Any, **given: Any) -> Dataset:
        """A function of a row that gives a row."""
        step = _step(steps.MapRows, "map", fn, given)
        return self._with_rows(lambda chain: chain.map(steps.function_of(step)), is_row_by_row=True)

    def flat_map(self, fn: Any, **given: Any) -> Dataset:
        """A function of a row that gives rows."""
        step = _step(steps.FlatMapRows, "flat_map", fn, given)
        return self._with_rows(lambda chain: chain.flat_map(steps.function_of(step)))

    def filter(self, fn: Any = None, expr: Any = None, **given: Any) -> Dataset:
        """Keeps the rows for which a function or an expression is true."""
        if (fn is None) == (expr is None):
            raise ValueError("Exactly one of 'fn' or 'expr' must be provided.")
        if fn is not None:
            step = _step(steps.KeepRows, "filter", fn, given)
            return self._with_rows(lambda chain: chain.filter(steps.function_of(step)))
        refuse_others("filter", given)
        if not isinstance(expr, str):
            raise Unsupported("an expression that is no text", "a function of the row")
        from wrasse.scripts.raydata.columns import KeepWhere

        try:
            where = KeepWhere(expr)
        except ValueError as error:
            raise Unsupported(f"the expression {error}", "a function of the row") from error
        return self._with(self._chain.filter(steps.function_of(where), batch=True))

    def map_batches(
        self, fn: Any, *, batch_size: Any = None, batch_format: Any = "default", **given: Any
    ) -> Dataset:
        """A function of a batch that gives a batch, or yields some, of as many rows as it likes."""
        from wrasse.scripts.raydata import batches

        if batch_format not in batches.FORMATS:
            raise Unsupported(f"`batch_format={batch_format!r}`", "numpy, pandas or pyarrow")
        step = _step(steps.MapBatches, "map_batches", fn, given)
        step.form = batch_format
        step.size = batch_size if isinstance(batch_size, int) else None
        return self._with(self._chain.flat_map(steps.function_of(step), batch=True), may_lack=True)

    def add_column(
        self, col: str, fn: Any, *, batch_format: str = "pandas", **given: Any
    ) -> Dataset:
        """A column of what a function makes of a batch."""
        from wrasse.scripts.raydata.columns import AddColumn

        step = _step(AddColumn, "add_column", fn, given)
        step.column, step.form = col, batch_format
        return self._with(self._chain.map(steps.function_of(step), batch=True), is_row_by_row=True)

    def drop_columns(self, cols: list[str], **given: Any) -> Dataset:
        """Without some columns."""
        refuse_others("drop_columns", given)
        return self._columns("drop", [cols] if isinstance(cols, str) else list(cols))

    def select_columns(self, cols: str | list[str], **given: Any) -> Dataset:
        """With some columns only."""
        refuse_others("select_columns", given)
        return self._columns("select", [cols] if isinstance(cols, str) else list(cols))

    def rename_columns(self, names: dict[str, str] | list[str], **given: Any) -> Dataset:
        """With other names: of some columns, or of all in order."""
        refuse_others("rename_columns", given)
        if not isinstance(names, dict):
            known = self.columns() or []
            if len(known) != len(names):
                raise ValueError(f"rename_columns requires as many names as columns: {known}")
            names = dict(zip(known, names, strict=True))
        return self._columns("rename", names)

    def limit(self, limit: int) -> Dataset:
        """The first rows."""
        if self._is_row_by_row and "limit" not in self._chain._recipe:
            return self._with(self._chain.set(limit=limit), is_row_by_row=True)
        return Dataset(sources.rows(self._rows(limit), self._source.keeps))

    def union(self, *other: Dataset) -> Dataset:
        """The rows of this one, then those of others."""
        parts = [one._as_source() for one in (self, *other)]
        configs = [one for part in parts for one in part.chain._recipe["dataset"]["configs"]]
        first = parts[0].chain
        chain = Chain({**first._recipe, "dataset": {"configs": configs}}, first._pickled)
        return Dataset(
            Source(
                chain,
                [file for part in parts for file in part.files],
                list(dict.fromkeys(name for part in parts for name in part.names)),
                may_lack=True,
                keeps=tuple(keep for part in parts for keep in part.keeps),
            )
        )

    def repartition(self, *_args: Any, **_given: Any) -> Dataset:
        """The same rows: blocks are the engine's affair."""
        return self

    def materialize(self) -> Dataset:
        """The rows, which are made once."""
        if self._done is None:
            self._done = Dataset(sources.rows(self._rows(), self._source.keeps))
        return self._done

    # Rows

    def iter_rows(self) -> Iterator[values.Row]:
        """The rows, while the run goes on; an iteration that ends early ends it."""
        return values.filled_as_they_come(self._rows())

    def iter_batches(
        self,
        *,
        batch_size: int | None = 256,
        batch_format: str | None = "default",
        drop_last: bool = False,
        **given: Any,
    ) -> Iterator[Any]:
        """The rows in batches, while the run goes on."""
        from wrasse.scripts.raydata import batches

        refuse_others("iter_batches", given)
        with closing(self._rows()) as rows:
            while some := list(islice(rows, batch_size)):
                if drop_last and batch_size is not None and len(some) < batch_size:
                    return
                yield batches.to_format(values.to_table(some), batch_format)

    def take(self, limit: int = 20) -> list[values.Row]:
        """The first rows."""
        return values.filled(list(self._rows(limit)))

    def take_all(self, limit: int | None = None) -> list[values.Row]:
        """All rows; raises `ValueError` if there are more than `limit`."""
        rows = list(self._rows(None if limit is None else limit + 1))
        if limit is not None and len(rows) > limit:
            raise ValueError(f"The dataset has more than the given limit of {limit} records.")
        return values.filled(rows)

    def take_batch(self, batch_size: int = 20, *, batch_format: str | None = "default") -> Any:
        """The first rows as a batch; raises `ValueError` if there are none."""
        from wrasse.scripts.raydata import batches

        rows = self.take(batch_size)
        if not rows:
            raise ValueError("The dataset is empty.")
        return batches.to_format(values.to_table(rows), batch_format)

    def show(self, limit: int = 20) -> None:
        """Prints the first rows."""
        for row in self.take(limit):
            print(row)

    def count(self) -> int:
        """How many rows there are."""
        with closing(engine.lines(self._final())) as lines:
            return sum(1 for _ in lines)

    def schema(self, fetch_if_missing: bool = True) -> Schema | None:
        """Names and types, of the first rows."""
        rows = self.take(100)
        return Schema(values.to_table(rows).schema) if rows else None

    def columns(self, fetch_if_missing: bool = True) -> list[str] | None:
        """The names of the columns, of the first rows."""
        rows = self.take(100)
        return list(rows[0]) if rows else None

    def to_pandas(self, limit: int | None = None) -> pd.DataFrame:
        """All rows as a data frame; raises `ValueError` if there are more than `limit`."""
        return values.to_table(self.take_all(limit)).to_pandas()

    # Numbers of a column

    def unique(self, column: str, ignore_nulls: bool = False) -> list[Any]:
        """The values of a column, each once."""
        seen: dict[Any, Any] = {}
        for value in self._values(column):
            if value is None and ignore_nulls:
                continue
            seen.setdefault(repr(value), value)
        return list(seen.values())

    def sum(self, on: Any = None, ignore_nulls: bool = True) -> Any:
        """The sum of a column, or of some."""
        return self._number("sum", on, ignore_nulls, sum)

    def min(self, on: Any = None, ignore_nulls: bool = True) -> Any:
        """The least value of a column, or of some."""
        return self._number("min", on, ignore_nulls, min)

    def max(self, on: Any = None, ignore_nulls: bool = True) -> Any:
        """The greatest value of a column, or of some."""
        return self._number("max", on, ignore_nulls, max)

    def mean(self, on: Any = None, ignore_nulls: bool = True) -> Any:
        """The mean of a column, or of some."""
        return self._number("mean", on, ignore_nulls, lambda some: sum(some) / len(some))

    # Files

    def write_json(self, path: str, *, mode: Any = "APPEND", **given: Any) -> None:
        """Writes JSON into a folder, a row a line."""
        self._write("write_json", path, "jsonl", "json", mode, given)

    def write_parquet(self, path: str, *, mode: Any = "APPEND", **given: Any) -> None:
        """Writes Parquet into a folder."""
        self._write("write_parquet", path, "parquet", "parquet", mode, given)

    def write_csv(self, path: str, *, mode: Any = "APPEND", **given: Any) -> None:
        """Writes CSV into a folder."""
        self._write("write_csv", path, "csv", "csv", mode, given)

    def input_files(self) -> list[str]:
        """The files that it reads."""
        return list(self._source.files)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NoSuchMethod(f"`Dataset.{name}`", _INSTEAD.get(name, ""))

    def __repr__(self) -> str:
        return f"Dataset({self._chain!r})"

    # What the above stands on

    def _with(
        self, chain: Chain, *, may_lack: bool | None = None, is_row_by_row: bool = False
    ) -> Dataset:
        made = Dataset(self._source)
        made._chain, made._has_python = chain, bool(chain._recipe["process"])
        made._may_lack = self._may_lack if may_lack is None else may_lack
        made._is_row_by_row = self._is_row_by_row and is_row_by_row
        return made

    def _with_rows(self, add: Callable[[Chain], Chain], *, is_row_by_row: bool = False) -> Dataset:
        """A step on rows, which have all fields of their block."""
        chain = self._chain
        if self._may_lack:
            names = [] if self._has_python else self._source.names
            chain = chain.op(steps.Fill, names=names)
        return self._with(add(chain), may_lack=False, is_row_by_row=is_row_by_row)

    def _columns(self, what: str, names: Any) -> Dataset:
        from wrasse.scripts.raydata.columns import Columns

        step = Columns(what, names)
        return self._with(self._chain.map(steps.function_of(step), batch=True), is_row_by_row=True)

    def _final(self) -> Chain:
        if self._done is not None:
            return self._done._chain
        return self._chain.map(steps.plain) if self._has_python else self._chain

    def _rows(self, most: int | None = None) -> Generator[values.Row, None, None]:
        if self._done is not None or not self._has_python:
            yield from engine.rows(self._final(), most)
            return
        for row in engine.rows(self._chain.map(steps.packed), most):
            yield json.loads(row["row"])

    def _as_source(self) -> Source:
        """Itself if it is nothing but files, else the rows that come out."""
        done = self if not self._has_python else self.materialize()
        if "limit" in done._chain._recipe:
            done = done.materialize()
        formats = {one["format"] for one in done._chain._recipe["dataset"]["configs"]}
        return done._source if formats == {"jsonl"} else done.materialize()._source

    def _values(self, column: str) -> Iterator[Any]:
        for row in self.iter_rows():
            if column not in row:
                raise KeyError(column)
            yield row[column]

    def _number(
        self, what: str, on: Any, ignore_nulls: bool, of: Callable[[list[Any]], Any]
    ) -> Any:
        if on is None:
            raise Unsupported(f"`{what}` of all columns", "name one")
        if not isinstance(on, str):
            return {f"{what}({one})": self._number(what, one, ignore_nulls, of) for one in on}
        found = list(self._values(on))
        some = [one for one in found if one is not None]
        if not some or (not ignore_nulls and len(some) < len(found)):
            return None
        return of(some)

    def _write(
        self, what: str, path: Any, form: str, ending: str, mode: Any, given: dict[str, Any]
    ) -> None:
        refuse_others(what, given)
        mode = getattr(mode, "name", str(mode)).upper()
        if "://" in str(path):
            raise Unsupported(f"`{what}` to an object store", "write to a folder, and copy it")
        folder = Path(path)
        is_there = folder.is_dir() and any(folder.iterdir())
        if is_there and mode == "ERROR":
            raise ValueError(f"Path {path} already exists.")
        if is_there and mode == "IGNORE":
            return
        run_dir = Path(engine.flag("--run-dir") or f"{str(folder).rstrip('/')}.wrasse")
        staging = run_dir / "out"
        engine.write(self._final(), f"{staging}/", form, run_dir)
        if is_there and mode == "OVERWRITE":
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        written = uuid.uuid4().hex
        for number, part in enumerate(sorted(one for one in staging.iterdir() if one.is_file())):
            shutil.move(part, folder / f"{written}_{number:06}_000000.{ending}")


def _step(kind: Any, what: str, fn: Any, given: dict[str, Any]) -> Any:
    """The step of a function, with the parameters that all steps take."""
    own = ("fn_args", "fn_kwargs", "fn_constructor_args", "fn_constructor_kwargs")
    args, kwargs, made_args, made_kwargs = (given.pop(name, None) for name in own)
    refuse_others(what, given)
    called = fn.__call__ if inspect.isclass(fn) else fn
    if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
        raise Unsupported(f"an `async` function in `{what}`", "a plain one")
    if not callable(fn):
        raise ValueError(f"fn must be a UserDefinedFunction, but got {type(fn).__name__} instead.")
    if not inspect.isclass(fn) and (made_args or made_kwargs):
        raise ValueError("fn_constructor_args are for callable classes")
    return kind(fn, args or (), kwargs, (list(made_args or ()), dict(made_kwargs or {})))
