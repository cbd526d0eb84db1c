"""What became of a row: kept, dropped, sliced or failed.

Every row that goes into an operator comes out as one outcome, in the same
order. Rows are `dict`s of field names and values.
"""

from __future__ import annotations

import os
import traceback as _traceback
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Stats: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Kept:
    """The row goes on, changed or not. `stats`: what was measured on the way."""

    row: Row
    stats: Stats = field(default_factory=dict)


@dataclass(slots=True)
class Dropped:
    """A decision of a filter. `row` is as it came, `stats` what it was measured to be."""

    row: Row
    stats: Stats = field(default_factory=dict)


@dataclass(slots=True)
class Sliced:
    """The row was replaced by any number of rows, 0 included."""

    rows: list[Row]


@dataclass(slots=True)
class Failed:
    """The row could not be processed.

    `reason` is one line, such as `ValueError: no digits`; `traceback` is
    Python's, beginning with the operator's own frames.
    """

    traceback: str
    reason: str

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """The failure that an exception stands for, without the frames above the operator's."""
        inner = error.__traceback__
        while inner is not None and inner.tb_next is not None:
            if not inner.tb_frame.f_globals.get("__name__", "").startswith("wrasse."):
                break
            inner = inner.tb_next
        text = "".join(_traceback.format_exception(type(error), error, inner))
        # The same text wherever the files lie.
        return cls(text.replace(f'File "{os.getcwd()}{os.sep}', 'File "'), one_line(error))


Outcome: TypeAlias = Kept | Dropped | Sliced | Failed


def one_line(error: BaseException) -> str:
    """Type and message of an exception on one line."""
    return " ".join("".join(_traceback.format_exception_only(error)).split())
