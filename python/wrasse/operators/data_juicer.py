"""Operators of Data-Juicer, by name: mappers, filters (single and batched), aggregators.

They are the originals of the package `py-data-juicer`. Statistics of filters come
with the outcome; a row that has the field `__dj__stats__` has them there too.
"""

from __future__ import annotations

import copy
import difflib
import inspect
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from wrasse import params as _params
from wrasse.errors import LoadError, MissingPackage, NotDecidable, ParameterError, WrasseError
from wrasse.lazy import need, package_of
from wrasse.operators.base import Kind, Operator
from wrasse.operators.found import Description, Found, summary_of
from wrasse.operators.halves import Halves, NoRow
from wrasse.outcome import Dropped, Kept, Outcome, Row, Sliced, Stats
from wrasse.sdk import halved, singly

# A column that no operator knows tells afterwards which rows came of which.
_LINEAGE = "__wrasse_row__"

Columns = dict[str, list[Any]]


# What versions before 1.0 called operators, where the new name is not like the old one.
_RENAMED = {
    "extract_qa_mapper": "generate_qa_from_text_mapper",
    "generate_instruction_mapper": "generate_qa_from_examples_mapper",
    "optimize_instruction_mapper": "optimize_query_mapper",
}

# What parameters were called, where the new name is not like the old one.
_RENAMED_PARAMS = {
    "hf_model": "api_or_hf_model",
    "redis_host": "redis_address",
    "score_threshold": "max_score",
}

# Whose operators are registered by now, and what each brought.
_customs: dict[str, frozenset[str]] = {}


def find_named(name: str, custom: str = "") -> Found:
    """The operator of this name; `custom` is the file or package that registers it.

    Raises `MissingPackage` if Data-Juicer is not installed; `LoadError` if there is no
    such operator, or if it needs more than single rows, as deduplicators, selectors,
    groupers and aggregators do.
    """
    base_op = need("data_juicer.ops.base_op", f"`data_juicer:{name}`")
    known = _registered(name)
    if custom:
        registered_by(custom)
    if name not in known:
        close = [_RENAMED[name]] if name in _RENAMED else difflib.get_close_matches(name, known)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        raise LoadError(f"Data-Juicer has no operator `{name}`{hint}")
    cls = known[name]
    # An aggregator makes one row of one: a row in which a grouper put the samples of a group.
    # Not every version has them.
    aggregator = getattr(base_op, "Aggregator", ())
    is_mapper = issubclass(cls, (base_op.Mapper, aggregator))
    if not is_mapper and not issubclass(cls, base_op.Filter):
        kind = next(one.__name__ for one in cls.__mro__ if one.__module__ == base_op.__name__)
        raise LoadError(
            f"`data_juicer:{name}` is a {kind.lower()}, which needs the whole data set; "
            "only mappers, filters and aggregators work on rows"
        )
    # The fields that Data-Juicer makes before such operators run.
    fields = need("data_juicer.utils.constant", f"`data_juicer:{name}`").Fields
    made = [fields.meta] if name in base_op.TAGGING_OPS.modules else []
    if not is_mapper and name not in base_op.NON_STATS_FILTERS.modules:
        made.append(fields.stats)
    if issubclass(cls, aggregator):
        made.append(fields.batch_meta)
    return _Class(cls, name, _Mapper if is_mapper else _Filter, made)


def registered_by(custom: str) -> frozenset[str]:
    """The names of the operators that a file or package brings; it is imported once.

    Raises `LoadError` if it cannot be.
    """
    custom = str(Path(custom).resolve())
    if custom not in _customs:
        before = frozenset(_registered(custom))
        config = need("data_juicer.config.config", f"`{custom}`")
        try:
            config.load_custom_operators([custom])
        except (Exception, SystemExit) as error:
            raise LoadError(f"`custom_operator_paths`: {error}") from error
        _customs[custom] = frozenset(_registered(custom)) - before
    return _customs[custom]


def _registered(wanted: str) -> dict[str, Any]:
    """All operators by their names; importing Data-Juicer's registers them."""
    _forbid_installing()
    modules: dict[str, Any] = need("data_juicer.ops", f"`data_juicer:{wanted}`").OPERATORS.modules
    return modules


class _Class(Found):
    """A class of Data-Juicer."""

    def __init__(
        self,
        cls: Any,
        name: str,
        adapter: type[_DataJuicerOperator],
        made: list[str],
    ) -> None:
        self.cls = cls
        self.name = name
        self.adapter = adapter
        self.made = made

    @property
    def description(self) -> Description:
        return Description(
            self.name,
            self.adapter.kind,
            summary_of(self.cls),
            tuple(_own_params(self.cls)),
            bool(self.cls._batched_op),
        )

    def check(self, given: Mapping[str, Any]) -> None:
        """Refuses names that neither the operator nor its base classes take.

        They would be ignored. Values are checked by the operator itself: its annotations
        are of several libraries' types.
        """
        base = [_params.Param(one, Any, None) for one in self.cls._BASE_PARAMS]
        known = [*_own_params(self.cls), *base]
        unknown = [one for one in given if one not in {param.name for param in known}]
        if unknown:
            raise ParameterError(self.name, _params.unknown(unknown, known, _RENAMED_PARAMS))

    def construct(self, given: Mapping[str, Any]) -> Operator:
        self.check(given)
        try:
            op = self.cls(**given)
        except ModuleNotFoundError as error:
            missing = package_of(error.name or self.name)
            raise MissingPackage(missing, f"`data_juicer:{self.name}`") from error
        except WrasseError:
            raise
        except (Exception, SystemExit) as error:
            raise LoadError(
                f"`data_juicer:{self.name}` cannot be constructed: {type(error).__name__}: {error}"
            ) from error
        return self.adapter(op, self.name, dict(given), self.made)


def _own_params(cls: Any) -> list[_params.Param]:
    """What the class names, then what it passes on to those that it is derived from."""
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found: dict[str, _params.Param] = {}
    for one_of in cls.__mro__:
        if one_of.__module__ == "data_juicer.ops.base_op":
            break
        if "__init__" not in vars(one_of):
            continue
        for one in list(inspect.signature(one_of.__init__).parameters.values())[1:]:
            if one.kind not in kinds and one.name not in found:
                found[one.name] = _params.Param(
                    one.name,
                    Any if one.annotation is one.empty else one.annotation,
                    _params.REQUIRED if one.default is one.empty else one.default,
                )
    return list(found.values())


def _forbid_installing() -> None:
    """Makes a missing package an error that says what to install.

    Data-Juicer would install it, while it runs, into an environment that workers share.
    """
    lazy_loader = need("data_juicer.utils.lazy_loader", "Data-Juicer")

    def refuse(_: Any, package_spec: str, pip_args: Any = None) -> None:
        raise MissingPackage(package_spec, "an operator of Data-Juicer")

    lazy_loader.LazyLoader._install_package = classmethod(refuse)


class _DataJuicerOperator(Operator):
    """What mappers and filters have in common."""

    def __init__(self, op: Any, name: str, params: dict[str, Any], made: list[str]) -> None:
        from data_juicer.utils.constant import Fields

        self.op = op
        self._name = name
        self._params = params
        self._stats_key: str = Fields.stats
        self._made = made

    @property
    def name(self) -> str:
        """Its name in Data-Juicer."""
        return self._name

    @property
    def params(self) -> dict[str, Any]:
        """What it was given; defaults are Data-Juicer's affair."""
        return dict(self._params)

    @property
    def takes_batches(self) -> bool:
        """Whether it is a batched operator."""
        return bool(self.op.is_batched_op())

    def apply(self, rows: list[Row]) -> list[Outcome]:
        """One outcome for each row."""
        return halved(rows, self._batch) if self.takes_batches else singly(rows, self._single)

    @abstractmethod
    def _single(self, row: Row) -> Outcome: ...

    @abstractmethod
    def _batch(self, rows: list[Row]) -> list[Outcome]: ...

    def _sample(self, row: Row) -> Row:
        return {**{name: {} for name in self._made if name not in row}, **row}


class _Mapper(_DataJuicerOperator):
    """A mapper; a batched one may make several rows of one, or none."""

    kind: ClassVar[Kind] = "mapper"

    def _single(self, row: Row) -> Outcome:
        return Kept(_plain(self.op.process_single(self._sample(row))))

    def _batch(self, rows: list[Row]) -> list[Outcome]:
        if len(rows) == 1:
            return [self._alone(rows[0])]
        columns = _columns([self._sample(row) for row in rows])
        columns[_LINEAGE] = list(range(len(rows)))
        # Operators change what they are given, and the rows may be needed again.
        result = dict(self.op.process_batched(copy.deepcopy(columns)))
        parents = result.pop(_LINEAGE, None)
        n_rows = {len(column) for column in result.values()}
        if parents is None or n_rows != {len(parents)}:
            # What became of which row is told only if each goes alone.
            return singly(rows, self._alone)
        pieces: list[list[Row]] = [[] for _ in rows]
        for parent, piece in zip(parents, _rows(result), strict=True):
            pieces[parent].append(_without_fill(piece, rows[parent], columns))
        return [_of_pieces(some) for some in pieces]

    def _alone(self, row: Row) -> Outcome:
        result = self.op.process_batched(copy.deepcopy(_columns([self._sample(row)])))
        return _of_pieces(_rows(dict(result)))


class _Filter(_DataJuicerOperator):
    """A filter; its outcomes have statistics."""

    kind: ClassVar[Kind] = "filter"

    def _single(self, row: Row) -> Outcome:
        # Not the row's own statistics: what is kept in it is to be seen when it is kept.
        sample = _plain(self.op.compute_stats_single(copy.deepcopy(self._sample(row))))
        return self._outcome(row, sample, self.op.process_single(sample))

    def halves(self) -> Halves:
        """`compute_stats` and `process`."""
        if self._stats_key not in self._made:
            raise NotDecidable("it decides by fields of the sample, and measures nothing")
        form = "batched" if self.takes_batches else "single"
        return Halves(self.op, (f"compute_stats_{form}",), self._decide)

    def _decide(self, stats: Stats) -> bool:
        is_batch = self.takes_batches
        row = NoRow({self._stats_key: [stats] if is_batch else stats})
        try:
            if is_batch:
                (is_kept,) = self.op.process_batched(row)
            else:
                is_kept = self.op.process_single(row)
            return bool(is_kept)
        finally:
            row.check()

    def _batch(self, rows: list[Row]) -> list[Outcome]:
        columns = copy.deepcopy(_columns([self._sample(row) for row in rows]))
        columns = dict(self.op.compute_stats_batched(columns))
        kept = list(self.op.process_batched(columns))
        if len(kept) != len(rows):
            raise ValueError(f"`process` answered for {len(kept)} of {len(rows)} rows")
        samples = _rows(columns)
        return [self._outcome(*one) for one in zip(rows, samples, kept, strict=True)]

    def _outcome(self, row: Row, sample: Row, is_kept: Any) -> Outcome:
        stats = _plain(sample.get(self._stats_key) or {})
        if not is_kept:
            return Dropped(row, stats)
        result = _without_fill(sample, row, sample)
        if self._stats_key not in row:
            result.pop(self._stats_key, None)
        return Kept(result, stats)


def _columns(rows: list[Row]) -> Columns:
    """Rows as a `dict` of lists, as Data-Juicer has them; what a row lacks is `None`."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _rows(columns: Columns) -> list[Row]:
    names = list(columns)
    return [
        dict(zip(names, map(_plain, values), strict=True))
        for values in zip(*columns.values(), strict=True)
    ]


def _without_fill(piece: Row, row: Row, columns: Any) -> Row:
    """Without the fields that are there only because another row has them."""
    return {
        name: value
        for name, value in piece.items()
        if value is not None or name in row or name not in columns
    }


def _of_pieces(pieces: list[Row]) -> Outcome:
    return Kept(pieces[0]) if len(pieces) == 1 else Sliced(pieces)


def _plain(value: Any) -> Any:
    """Values of NumPy as Python's, which every format of rows knows."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if type(value).__module__ == "numpy":
        return _plain(value.tolist())
    return value
