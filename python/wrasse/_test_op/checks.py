"""The checks: each looks at one side of an operator and says what it found."""

from __future__ import annotations

import json
import os
import pickle
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wrasse._test_op import values
from wrasse._test_op.access import Access, watched
from wrasse._test_op.samples import EDGES, row_of, text_of
from wrasse.errors import ParameterError, WrasseError
from wrasse.operators import Found, Operator, find
from wrasse.outcome import Dropped, Failed, Kept, Outcome, Sliced, one_line
from wrasse.params import Param

Status = Literal["ok", "warning", "failed", "skipped"]

# A row that takes this many times longer at the end than at the beginning tells
# of something that grows.
_GROWTH = 3.0
# Memory that rows may leave behind: allocators keep some.
_LEFT_BYTES = 64 << 20


@dataclass
class Check:
    """What one check found."""

    name: str
    status: Status
    message: str
    details: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What was found out about an operator."""

    reference: str
    name: str = ""
    kind: str = ""
    summary: str = ""
    checks: list[Check] = field(default_factory=list)
    settings: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, float | int] = field(default_factory=dict)
    access: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Whether no check failed."""
        return all(check.status != "failed" for check in self.checks)

    def add(self, name: str, status: Status, message: str, details: list[str] | None = None) -> None:
        """Adds a check."""
        self.checks.append(Check(name, status, message, details or []))


@dataclass(frozen=True)
class Options:
    """`given`: parameters of the operator. `n_rows`: rows to time, at most;
    `seconds`: how long, at most."""

    given: Mapping[str, Any]
    n_rows: int = 200
    seconds: float = 5.0


def look_at(reference: str, options: Options) -> Report:
    """Runs all checks that can be run. Nothing that the operator does raises here."""
    report = Report(reference)
    with tempfile.TemporaryDirectory(prefix="wrasse-test-op-") as folder:
        found = _import(report, reference)
        if found is None:
            return report
        _settings(report, found, options)
        op = _construct(report, found, options)
        if op is None:
            return report
        try:
            _effect(report, found, op, folder)
            _rows(report, op, options, folder)
            _edges(report, op, folder)
            _pickling(report, op, folder)
        finally:
            op.close()
    _access(report)
    return report


def _import(report: Report, reference: str) -> Found | None:
    began = time.perf_counter()
    before = _resident()
    with watched() as access:
        try:
            found = find(reference)
            description = found.description
        except (Exception, SystemExit) as error:
            report.add("import", "failed", _told(error))
            return None
    _note_access(report, "import", access)
    report.name, report.kind = description.name, description.kind
    report.summary = description.summary
    report.figures["import_seconds"] = time.perf_counter() - began
    report.figures["import_bytes"] = max(0, _resident() - before)
    report.add(
        "import",
        "ok",
        f"{_seconds(time.perf_counter() - began)}, {_size(report.figures['import_bytes'])}",
    )
    return found


def _settings(report: Report, found: Found, options: Options) -> None:
    params = found.description.params
    if not params:
        report.add("settings", "skipped", "it has none, or does not declare them")
        return
    for param in params:
        report.settings.append(
            {
                "name": param.name,
                "type": param.types,
                "required": param.is_required,
                "default": None if param.is_required else _plain(param.default),
            }
        )
    required = {param.name for param in params if param.is_required}
    given = dict(options.given)
    problems: list[str] = []
    n_tried = 0
    if required and not required <= set(given):
        n_tried += 1
        if _complaint(found, {}) is None:
            problems.append(f"{_names(required)} must be given, and may be left away")
    if not required <= set(given):
        missing = _names(required - set(given))
        report.add("settings", "skipped", f"{missing} must be given: `--set NAME=VALUE`")
        return
    n_tried += 1
    if _complaint(found, given | {"no_such_setting_": 1}) is None and _is_checked(found):
        problems.append("a setting that there is not is accepted")
    for param in params:
        tried, wrong = _try_values(found, param, given)
        n_tried += tried
        problems += wrong
    status: Status = "failed" if problems else "ok"
    report.add("settings", status, f"{len(params)} settings, {n_tried} values tried", problems)


def _try_values(found: Found, param: Param, given: dict[str, Any]) -> tuple[int, list[str]]:
    """Tries a setting's default, its bounds, and what lies beyond them."""
    problems = []
    n_tried = 0
    if not param.is_required and param.default is not None:
        n_tried += 1
        complaint = _complaint(found, given | {param.name: param.default})
        if complaint:
            problems.append(f"the default of `{param.name}` is not allowed: {complaint}")
    for value in values.edges(found, param):
        n_tried += 1
        complaint = _complaint(found, given | {param.name: value})
        if complaint is None:
            complaint = _cannot_construct(found, given | {param.name: value})
        if complaint:
            problems.append(f"`{param.name}: {value}` is within its bounds, but: {complaint}")
    for what, value in values.wrong(found, param):
        n_tried += 1
        if _complaint(found, given | {param.name: value}) is None:
            problems.append(f"`{param.name}: {value}` is accepted ({what})")
    return n_tried, problems


def _complaint(found: Found, given: Mapping[str, Any]) -> str | None:
    try:
        found.check(given)
    except ParameterError as error:
        return "; ".join(error.problems)
    except WrasseError as error:
        return str(error)
    return None


def _cannot_construct(found: Found, given: Mapping[str, Any]) -> str | None:
    try:
        found.construct(given).close()
    except (Exception, SystemExit) as error:
        return _told(error)
    return None


def _is_checked(found: Found) -> bool:
    """Whether unknown settings can be told: a folder without metadata knows none."""
    about = getattr(found, "about", None)
    return about is None or about.is_there


def _construct(report: Report, found: Found, options: Options) -> Operator | None:
    before = _resident()
    with watched() as access:
        began = time.perf_counter()
        try:
            op = found.construct(options.given)
        except (Exception, SystemExit) as error:
            report.add("construct", "failed", _told(error))
            return None
        seconds = time.perf_counter() - began
    _note_access(report, "construct", access)
    report.figures["construct_seconds"] = seconds
    report.figures["construct_bytes"] = max(0, _resident() - before)
    message = f"{_seconds(seconds)}, {_size(report.figures['construct_bytes'])}"
    report.add("construct", "ok", message)
    return op


def _effect(report: Report, found: Found, op: Operator, folder: str) -> None:
    effect = found.description.effect
    before, after = effect.get("before"), effect.get("after")
    if not isinstance(before, str) or not isinstance(after, str):
        report.add("effect", "skipped", "the metadata has no example of texts before and after")
        return
    [outcome] = op.apply([row_of(before, 1, folder)])
    if isinstance(outcome, Failed):
        report.add("effect", "failed", outcome.reason)
        return
    texts = _texts(outcome)
    got = "".join(texts)
    if got == after:
        report.add("effect", "ok", "the example gives what it says")
    elif got.strip() == after.strip():
        report.add("effect", "ok", "the example gives what it says, but for white space around it")
    else:
        report.add(
            "effect",
            "failed",
            "the example gives something else",
            [f"before:   {_short(before)}", f"expected: {_short(after)}", f"got:      {_short(got)}"],
        )


def _rows(report: Report, op: Operator, options: Options, folder: str) -> None:
    """Times rows one by one, and looks at what they leave behind."""
    rows = [row_of(text_of(i), i, folder) for i in range(options.n_rows)]
    times: list[float] = []
    outcomes: list[Outcome] = []
    before = _resident()
    with watched(Path(folder)) as access:
        began = time.perf_counter()
        for row in rows:
            start = time.perf_counter()
            outcomes += op.apply([dict(row)])
            times.append(time.perf_counter() - start)
            if time.perf_counter() - began > options.seconds:
                break
    _note_access(report, "rows", access)
    left = max(0, _resident() - before)
    counts = Counter(type(outcome).__name__.lower() for outcome in outcomes)
    quarter = max(1, len(times) // 4)
    # The first row may load what all need.
    growth = statistics.median(times[-quarter:]) / max(statistics.median(times[:quarter]), 1e-9)
    report.figures |= {
        "rows": len(times),
        "row_seconds": statistics.median(times),
        "row_seconds_max": max(times),
        "rows_per_second": len(times) / max(sum(times), 1e-9),
        "growth": growth,
        "rows_bytes": left,
    }
    what = ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))
    message = (
        f"{len(times)} texts of 2 KB: {what}; {_seconds(statistics.median(times))} each "
        f"(at most {_seconds(max(times))}), {_size(left)} left behind"
    )
    failures = [outcome.reason for outcome in outcomes if isinstance(outcome, Failed)]
    details = [f"{n} times: {reason}" for reason, n in Counter(failures).most_common(3)]
    status: Status = "failed" if len(failures) == len(outcomes) else "ok"
    if failures and status == "ok":
        status = "warning"
    if growth > _GROWTH and len(times) >= 40:
        status = "warning" if status == "ok" else status
        details.append(f"the last rows take {growth:.1f} times as long as the first: what grows?")
    if left > _LEFT_BYTES:
        status = "warning" if status == "ok" else status
        details.append(f"{_size(left)} of memory are kept after {len(times)} rows")
    [again] = op.apply([dict(rows[0])])
    if outcomes and repr(again) != repr(outcomes[0]):
        status = "warning" if status == "ok" else status
        details.append("the first row, once more, gives something else: results depend on the order")
    report.add("rows", status, message, details)


def _edges(report: Report, op: Operator, folder: str) -> None:
    failures = []
    for i, (what, text) in enumerate(EDGES.items()):
        [outcome] = op.apply([row_of(text, 10_000 + i, folder)])
        if isinstance(outcome, Failed):
            failures.append(f"{what}: {outcome.reason}")
    n = len(EDGES)
    if failures:
        message = f"{len(failures)} of {n} unusual texts fail"
        report.add("unusual texts", "warning", message, failures)
    else:
        report.add("unusual texts", "ok", f"none of {n} fails")


def _pickling(report: Report, op: Operator, folder: str) -> None:
    """What a row becomes has to leave the process; an operator is made in its worker."""
    [outcome] = op.apply([row_of(text_of(1), 1, folder)])
    try:
        pickle.loads(pickle.dumps(outcome))  # noqa: S301
        json.dumps(_fields(outcome), default=_as_json)
    except Exception as error:  # noqa: BLE001
        report.add("pickling", "failed", f"what a row becomes cannot be sent: {one_line(error)}")
        return
    try:
        size = len(pickle.dumps(op))
    except Exception as error:  # noqa: BLE001
        message = "what rows become can be sent; the operator itself cannot, which is not needed"
        report.add("pickling", "ok", message, [one_line(error)])
        return
    report.add("pickling", "ok", f"operator ({_size(size)}) and what rows become can be sent")


def _access(report: Report) -> None:
    lines = []
    for phase, kinds in report.access.items():
        for kind, found in kinds.items():
            for what, n in found.items():
                lines.append(f"{phase} {kind} {what}" + (f" ({n} times)" if n > 1 else ""))
    beyond = any(kind != "reads" for kinds in report.access.values() for kind in kinds)
    if beyond:
        message = "writes, connects or starts something"
        report.add("access", "warning", message, lines)
    elif lines:
        report.add("access", "ok", "reads files, writes none, connects to nothing", lines)
    else:
        report.add("access", "ok", "opens nothing but its own folder, connects to nothing")


def _note_access(report: Report, phase: str, access: Access) -> None:
    folder = _own_folder(report.reference)
    if folder is not None:
        prefix = f"{folder}{os.sep}"
        for path in [path for path in access.reads if path.startswith(prefix)]:
            del access.reads[path]
    found = access.as_dict()
    if found:
        report.access[phase] = found


def _own_folder(reference: str) -> str | None:
    """The folder that an operator consists of."""
    for place in (reference, reference.rpartition(":")[0]):
        if place and Path(place).exists():
            path = Path(place).resolve()
            return str(path if path.is_dir() else path.parent)
    return None


def _texts(outcome: Outcome) -> list[str]:
    rows = [outcome.row] if isinstance(outcome, Kept) else []
    if isinstance(outcome, Sliced):
        rows = outcome.rows
    return [str(row.get("text") or "") for row in rows]


def _fields(outcome: Outcome) -> Any:
    if isinstance(outcome, Kept | Dropped):
        return [outcome.row, outcome.stats]
    return outcome.rows if isinstance(outcome, Sliced) else outcome.reason


def _as_json(value: Any) -> Any:
    """What is no JSON but goes over: bytes, and NumPy's numbers."""
    if isinstance(value, bytes | bytearray):
        return len(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"`{type(value).__name__}` is no value of a field")


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | list | None) else str(value)


def _names(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, WrasseError) else one_line(error)


def _short(text: str) -> str:
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    return repr(shown)


def _seconds(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _size(n: float) -> str:
    if n < 1 << 10:
        return f"{n:.0f} B"
    return f"{n / (1 << 10):.0f} KiB" if n < 1 << 20 else f"{n / (1 << 20):.0f} MiB"


def _resident() -> int:
    """Bytes of memory that this process holds; 0 where that cannot be known."""
    if sys.platform.startswith("linux"):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
