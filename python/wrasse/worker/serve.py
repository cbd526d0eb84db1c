"""The worker's main loop."""

from __future__ import annotations

import json
import mmap
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from wrasse import compat
from wrasse.errors import MissingPackage, ParameterError, WrasseError
from wrasse.operators import load
from wrasse.operators.base import Operator
from wrasse.operators.halves import Again
from wrasse.outcome import Failed, one_line
from wrasse.worker import chain
from wrasse.worker.columns import Incoming, Outgoing
from wrasse.worker.protocol import VERSION, Channel

PROGRESS_BYTES = 64
"""The beginning of the first file that goes to the engine: see `chain.Progress`."""

_GROWTH = 1 << 20


class Mapped:
    """A file that both sides have mapped."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b", buffering=0)  # noqa: SIM115 (for as long as the process)
        self._map: mmap.mmap | None = None
        self._view = memoryview(b"")

    def view(self, size: int) -> memoryview:
        """At least so many bytes; the file grows if it is smaller."""
        if len(self._view) < size:
            if os.fstat(self._file.fileno()).st_size < size:
                os.ftruncate(self._file.fileno(), -(-size // _GROWTH) * _GROWTH)
            # The old mapping goes when nobody has a view of it any more.
            self._map = mmap.mmap(self._file.fileno(), 0)
            self._view = memoryview(self._map)
        return self._view


class Worker:
    """Operators, constructed once, and the files through which rows come and go."""

    def __init__(self, start: dict[str, Any]) -> None:
        self._inbox = [Mapped(path) for path in start["inbox"]]
        self._outbox = [Mapped(path) for path in start["outbox"]]
        self._text_key: str = start.get("text_key") or "text"
        self._measures = bool(start.get("settings", {}).get("measures"))
        self._row_bytes_max: int = start["row_bytes_max"]
        self._progress = chain.Progress(self._outbox[0].view(PROGRESS_BYTES))
        self._told: list[list[Any]] = []
        self.operators = [construct(one) for one in start["operators"]]

    def batch(self, message: dict[str, Any]) -> dict[str, Any]:
        """Takes a batch through the operators; the answer."""
        slot = message["slot"]
        self._progress.begin(message["batch"])
        incoming = Incoming(message, self._inbox[slot].view(message["bytes"]))
        result = chain.run(
            self.operators, incoming, self._progress, self._text_key, measures=self._measures
        )
        outgoing, columns = self._encode(incoming, result)
        gone = [one for one in result.dropped if one.row is not None]
        gone_rows, gone_parents = [one.row or {} for one in gone], [one.number for one in gone]
        answer = {
            "done": message["batch"],
            "rows": len(result.rows) if result.table is None else result.table.num_rows,
            "parents": None if result.parents is None else outgoing.numbers(result.parents),
            "columns": columns,
            "pieces": None if result.pieces is None else outgoing.numbers(result.pieces),
            "dropped": [
                [one.number, one.operator, one.stats, one.piece] for one in result.dropped
            ],
            "gone": outgoing.encode(incoming, gone_rows, gone_parents)[0] if gone else [],
            "failed": [
                [one.number, one.operator, one.why.reason, one.why.traceback, one.piece]
                for one in result.failed
            ],
            "told": self._take_told(),
            "stats": list(result.stats.items()),
            "counts": [count.numbers() for count in result.counts],
            "is_sliced": result.is_sliced,
        }
        self._write(slot, outgoing)
        return answer

    def _encode(
        self, incoming: Incoming, result: chain.Result
    ) -> tuple[Outgoing, list[dict[str, Any]]]:
        """The changes; rows that cannot be handed over are rejected."""
        outgoing = Outgoing(self._row_bytes_max)
        if result.table is not None:
            columns = outgoing.encode_table(incoming, result.table, result.parents)
            if columns is not None:
                return outgoing, columns
            result.into_rows(incoming)
            outgoing = Outgoing(self._row_bytes_max)
        columns, unwritable = outgoing.encode(incoming, result.rows, result.parents)
        if unwritable:
            self._reject(result, unwritable)
            outgoing = Outgoing(self._row_bytes_max)
            columns, _ = outgoing.encode(incoming, result.rows, result.parents)
        return outgoing, columns

    def tell(self, kind: str, record: dict[str, Any]) -> None:
        """Takes a record that an operator writes, to be told with the row that it is at.

        Without times, which are another in each run.
        """
        row, operator = max(self._progress.at[2], 0), self._progress.at[1]
        stays = {name: one for name, one in record.items() if not isinstance(one, datetime)}
        self._told.append([row, operator, kind, json.loads(json.dumps(stays, default=str))])

    def _take_told(self) -> list[list[Any]]:
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Lets the operators let go of what they hold."""
        for operator in self.operators:
            operator.close()

    def _write(self, slot: int, outgoing: Outgoing) -> None:
        view = self._outbox[slot].view(PROGRESS_BYTES + outgoing.size)
        outgoing.write(view[PROGRESS_BYTES:])

    def _reject(self, result: chain.Result, unwritable: dict[int, str]) -> None:
        """Takes out rows that cannot be handed over: failures of the last operator."""
        last = len(self.operators) - 1
        parents = result.parents
        if parents is None:
            parents = list(range(len(result.rows)))
        pieces = result.pieces
        for number, reason in unwritable.items():
            piece = None if pieces is None else pieces[number]
            failed = chain.FailedRow(parents[number], last, Failed(reason, reason), piece)
            result.failed.append(failed)
        count = result.counts[last]
        count.rejected += len(unwritable)
        count.rows_out -= len(unwritable)
        kept = [number for number in range(len(result.rows)) if number not in unwritable]
        result.stats = {
            at: result.stats[number] for at, number in enumerate(kept) if number in result.stats
        }
        result.rows = [result.rows[number] for number in kept]
        result.parents = [parents[number] for number in kept]
        if pieces is not None:
            result.pieces = [pieces[number] for number in kept]


def construct(about: dict[str, Any]) -> Operator:
    """An operator, as a message describes it.

    With `measured_with`, the parameters of an analysis: a filter that decides on the
    stats of that.
    """
    reference, base = about["reference"], about.get("base")
    operator = load(reference, about["params"], base=base)
    if "measured_with" not in about:
        return operator
    return Again(operator, load(reference, about["measured_with"], base=base))


def refusal(error: BaseException) -> dict[str, Any]:
    """Why an operator cannot be had, for the engine."""
    answer: dict[str, Any] = {"refused": one_line(error), "traceback": Failed.of(error).traceback}
    if isinstance(error, WrasseError):
        cause = error.__cause__
        answer = {"refused": str(error)}
        if cause is not None and not isinstance(error, MissingPackage):
            answer["traceback"] = Failed.of(cause).traceback
    if isinstance(error, ParameterError):
        answer["problems"] = error.problems
    return answer


def serve() -> int:
    """Serves the engine that is at the other end of the standard input, to the end."""
    # An operator that reads its standard input must not take the engine's messages.
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # The engine decides what an interrupt means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    channel = Channel(connection)
    channel.send({"hello": VERSION, "python": platform.python_version(), "pid": os.getpid()})
    start = channel.receive()
    if start is None:
        return 0
    told: list[Callable[[str, dict[str, Any]], None]] = []
    # Records are of rows: what a constructor writes is nobody's.
    prepare(
        start.get("settings", {}), lambda kind, record: told[0](kind, record) if told else None
    )
    try:
        worker = Worker(start)
        told.append(worker.tell)
    except (Exception, SystemExit) as error:
        channel.send(refusal(error))
        return 1
    channel.send({"ready": [operator.kind for operator in worker.operators]})
    while (message := channel.receive()) is not None:
        channel.send(worker.batch(message))
    worker.close()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that operators have left behind must not keep the process.
    if threading.active_count() > 1:
        os._exit(0)
    return 0


def prepare(settings: dict[str, Any], on_result: Callable[[str, dict[str, Any]], None]) -> None:
    """Sets up the process as a recipe asks: where modules are looked for, DataMate's face."""
    for path in reversed(settings.get("paths", [])):
        if path not in sys.path:
            sys.path.insert(0, str(Path(path)))
    strict = bool(settings.get("strict"))
    compat.set_up(compat.Settings(strict, on_result, tells_ends=False))
    if strict:
        compat.root_module()
