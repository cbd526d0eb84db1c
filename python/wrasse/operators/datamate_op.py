"""Operators of DataMate as operators of this package.

DataMate's operators get a sample, a `dict` with certain fields, and answer by its
fields. Fields that a row lacks are given for the call and taken back afterwards, so
that a row of text is enough, and its fields are its own.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any, ClassVar

from wrasse.errors import LoadError
from wrasse.operators.base import Kind, Operator
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced

_RESULT = "execute_result"


def _given() -> Row:
    """What a sample has, with the values of one that is not a file."""
    return {
        "fileName": "",
        "fileType": "txt",
        "fileId": "",
        "filePath": "",
        "fileSize": 0,
        "export_path": "",
        "ext_params": {},
        "failed_reason": {},
        "target_type": None,
    }


class DataMateOperator(Operator):
    """An operator of DataMate; what the kinds have in common."""

    def __init__(self, op: Any, name: str, params: dict[str, Any]) -> None:
        self.op = op
        self._name = name
        self._params = params

    @property
    def name(self) -> str:
        """The name of its class."""
        return self._name

    @property
    def params(self) -> dict[str, Any]:
        """What its constructor got."""
        return dict(self._params)

    def apply(self, rows: list[Row]) -> list[Outcome]:
        """One outcome for each row, in their order."""
        outcomes: list[Outcome] = []
        for row in rows:
            try:
                outcomes.append(self._one(row))
            except (Exception, SystemExit) as error:
                outcomes.append(Failed.of(error))
        return outcomes

    def _one(self, row: Row) -> Outcome:
        if row.get(_RESULT) is False:
            return Kept(row)
        given = _given()
        sample = {**given, **row}
        # As in DataMate: these are set if the sample has no content yet.
        answer = self.op(
            sample, ext_params=sample["ext_params"], failed_reason={}, target_type=None
        )
        failed = answer if isinstance(answer, dict) else sample
        if failed.get(_RESULT) is False:
            return self._failure(failed)
        return self._outcome(row, given, sample, answer)

    def _outcome(self, row: Row, given: Row, sample: Row, answer: Any) -> Outcome:
        raise NotImplementedError

    def _failure(self, sample: Row) -> Failed:
        error = getattr(self.op, "_last_error", None)
        if error is None:
            reason = sample.get("failed_reason") or {}
            text = str(reason.get("reason", reason) if isinstance(reason, dict) else reason)
            return Failed(text, " ".join(text.split()))
        # A traceback holds the frames of the call, and these the sample.
        self.op._last_error = None
        return Failed.of(error)

    def _row(self, row: Row, given: Row, sample: Row) -> Row:
        """The sample without what it had for the call only."""
        data_key = getattr(self.op, "data_key", "data")
        text_key = getattr(self.op, "text_key", "text")
        defaults = {**given, data_key: b"", text_key: "", _RESULT: None}
        status = ("execute_status",)
        return {
            name: value
            for name, value in sample.items()
            if name in row or not (name in status or (name in defaults and value == defaults[name]))
        }


class _Mapper(DataMateOperator):
    kind: ClassVar[Kind] = "mapper"

    def _outcome(self, row: Row, given: Row, sample: Row, answer: Any) -> Outcome:
        if not isinstance(answer, dict):
            raise TypeError(f"`{self.name}` returned {type(answer).__name__}; expected the sample")
        return Kept(self._row(row, given, answer))


class _LLM(_Mapper):
    kind: ClassVar[Kind] = "llm"


class _Filter(DataMateOperator):
    kind: ClassVar[Kind] = "filter"

    def _outcome(self, row: Row, given: Row, sample: Row, answer: Any) -> Outcome:
        return Kept(self._row(row, given, sample)) if answer else Dropped(row)


class _Slicer(DataMateOperator):
    kind: ClassVar[Kind] = "slicer"

    def _outcome(self, row: Row, given: Row, sample: Row, answer: Any) -> Outcome:
        pieces = answer if isinstance(answer, list) else [answer]
        if len(pieces) == 1 and pieces[0] is sample:
            if sample.get(_RESULT) is False:
                return self._failure(sample)
            return Kept(self._row(row, given, sample))
        return Sliced([self._row(row, given, piece) for piece in pieces])


def adapter_of(cls: Any, name: str, base_op: ModuleType) -> type[DataMateOperator]:
    """The kind of operator that a class is, by its base class in `base_op`.

    Raises `LoadError` if it has none of them.
    """
    kinds: list[tuple[type, type[DataMateOperator]]] = [
        (base_op.LLM, _LLM),
        (base_op.Mapper, _Mapper),
        (base_op.Filter, _Filter),
        (base_op.Slicer, _Slicer),
    ]
    for base, adapter in kinds:
        if inspect.isclass(cls) and issubclass(cls, base):
            return adapter
    raise LoadError(
        f"`{name}` is derived from none of `Mapper`, `Filter`, `Slicer` and `LLM` of "
        "`datamate.core.base_op`"
    )
