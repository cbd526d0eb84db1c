"""Operators of DataMate as operators of this package.

DataMate's operators get a sample, a `dict` with certain fields, and answer by its
fields. Fields that a row lacks are given for the call and taken back afterwards, so
that a row of text is enough, and its fields are its own.

A row of a list of files has its data as text, in Base64. Operators get bytes, and
what they leave goes back as text.
"""

from __future__ import annotations

import base64
import inspect
from types import ModuleType
from typing import Any, ClassVar

from wrasse._compat.datamate.core._op import _SAVED_MARKS
from wrasse.compat.settings import current
from wrasse.errors import LoadError
from wrasse.operators.base import Kind, Operator
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Row, Sliced
from wrasse.sdk import singly

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
        return singly(rows, self._one)

    def _one(self, row: Row) -> Outcome:
        if row.get(_RESULT) is False:
            return Kept(row)
        given = _given()
        sample = {**given, **row}
        if self._is_file(row):
            data_key = self._key("data")
            sample[data_key] = base64.b64decode(row[data_key], validate=True)
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
        data_key, text_key = self._key("data"), self._key("text")
        if self._is_file(row):
            sample = self._as_file(sample, data_key, text_key)
        defaults = {**given, data_key: b"", text_key: "", _RESULT: None}
        status = ("execute_status",)
        return {
            name: value
            for name, value in sample.items()
            if name in row or not (name in status or (name in defaults and value == defaults[name]))
        }


    def _key(self, name: str) -> str:
        key: str = getattr(self.op, f"{name}_key", name)
        return key

    def _is_file(self, row: Row) -> bool:
        """Whether a row is one of a list of files."""
        return isinstance(row.get(self._key("data")), str)

    def _as_file(self, sample: Row, data_key: str, text_key: str) -> Row:
        """The sample as a row of a list of files."""
        as_row = dict(sample)
        if isinstance(as_row.get(data_key), bytes | bytearray):
            as_row[data_key] = base64.b64encode(as_row[data_key]).decode()
        # An operator that wrote its files itself leaves a mark, which is to become
        # no file; the original's way is to have one.
        if getattr(self.op, "_n_saved", 0) and as_row.get(text_key) in _SAVED_MARKS:
            as_row[text_key] = as_row[text_key] if current().strict else ""
        return as_row


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
