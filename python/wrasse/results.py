"""What is known of a run while it goes on, and when it is over."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Rows:
    """Where samples went: `in_ + added_by_slicing` is the sum of all that follows.

    `unreadable` and `unwritable` are among the rejected.
    """

    in_: int
    out: int
    dropped: int
    duplicates: int
    merged: int
    rejected: int
    added_by_slicing: int = 0
    unreadable: int = 0
    unwritable: int = 0

    @classmethod
    def of(cls, json: Mapping[str, int]) -> Rows:
        """From the report's or a snapshot's own words."""
        return cls(**{"in_" if name == "in" else name: n for name, n in json.items()})


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the output: its path or address, its rows and bytes."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class OperatorResult:
    """What an operator did, in samples, bytes of text and seconds."""

    name: str
    kind: str
    in_: int
    bytes_in: int
    out: int
    changed: int
    dropped: int
    duplicates: int
    merged: int
    rejected: int
    cpu_seconds: float

    @classmethod
    def of(cls, json: Mapping[str, Any]) -> OperatorResult:
        """From the report's own words."""
        names = cls.__dataclass_fields__
        said = {"in_" if name == "in" else name: value for name, value in json.items()}
        return cls(**{name: value for name, value in said.items() if name in names})


@dataclass(frozen=True)
class RunResult:
    """How a run went.

    `report`: all of it, as in `report.json`. `text`: the same for people, which is also
    what `print` shows.
    """

    report: Mapping[str, Any]
    text: str = field(repr=False)

    @property
    def complete(self) -> bool:
        """Whether the output is complete; otherwise the run can be resumed."""
        return bool(self.report["complete"])

    @property
    def resumed(self) -> bool:
        """Whether it went on from an earlier run."""
        return bool(self.report["resumed"])

    @cached_property
    def rows(self) -> Rows:
        """The accounting: where the samples went."""
        return Rows.of(self.report["rows"])

    @cached_property
    def parts(self) -> list[Part]:
        """The files of the output, in order; none if it is not complete."""
        return [Part(**part) for part in self.report["parts"]]

    @cached_property
    def operators(self) -> list[OperatorResult]:
        """What each operator did, in the order of the recipe."""
        return [OperatorResult.of(one) for one in self.report["operators"]]

    @property
    def warnings(self) -> list[str]:
        """What a user should know of the input."""
        return list(self.report["warnings"])

    @property
    def seconds(self) -> float:
        """How long it took, of a resumed run the last time."""
        return float(self.report["seconds"])

    @property
    def run_dir(self) -> str:
        """The folder with the manifest, the rejects and the report."""
        return str(self.report["run_dir"])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        rows = self.rows
        state = "" if self.complete else ", not complete"
        return (
            f"<RunResult: {rows.in_} in, {rows.out} out, {rows.dropped} dropped, "
            f"{rows.duplicates} duplicates, {rows.rejected} rejected{state}>"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands, at one moment. `json`: all that is known of it."""

    json: Mapping[str, Any]

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began; of a resumed run, since it was resumed."""
        return float(self.json["elapsed_s"])

    @property
    def share_done(self) -> float | None:
        """The share of the input that is done, from 0 to 1; `None` if its size is unknown."""
        share = self.json["share_done"]
        return None if share is None else float(share)

    @cached_property
    def rows(self) -> Rows:
        """Where the samples went so far."""
        return Rows.of(self.json["rows"])

    def __repr__(self) -> str:
        share = "?" if self.share_done is None else f"{self.share_done:.0%}"
        return f"<Snapshot: {share}, {self.rows.in_} in, {self.rows.out} out>"
