"""`python -m wrasse.test_op REFERENCE`: tries an operator outside of a job.

The reference is one of those that recipes use: an operator folder of DataMate, a file
with a class or function, a module, or an operator of Data-Juicer. It is imported,
its settings are tried (defaults, bounds, and what lies beyond), it is constructed, run
on the example of its metadata, on texts of usual and unusual kinds, and watched: how
long, how much memory, what it opens, connects to and starts.

Exit codes: 0 if no check failed, 1 if one did, 2 if the arguments are wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from wrasse._test_op.checks import Options, Report, look_at

_MARKS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED ", "skipped": "skipped"}
# What an operator printed is told in so many lines.
_PRINTED_LINES = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    args = _parser().parse_args(argv)
    try:
        given = dict(_setting(one) for one in args.set)
    except ValueError as error:
        print(f"error: --set {error}", file=sys.stderr)
        return 2
    with _quiet(args.timeout) as printed:
        report = look_at(args.reference, Options(given, args.rows, args.seconds))
    lines = printed()
    if args.json:
        print(json.dumps(as_json(report, lines), ensure_ascii=False, indent=2))
    else:
        tell(report, lines, sys.stdout)
    return 0 if report.is_ok else 1


def as_json(report: Report, printed: list[str]) -> dict[str, Any]:
    """The report as values of JSON."""
    return {
        **dataclasses.asdict(report),
        "printed_lines": len(printed),
        "ok": report.is_ok,
    }


def tell(report: Report, printed: list[str], to: TextIO) -> None:
    """The report for people."""
    title = f"{report.name} ({report.kind})" if report.name else report.reference
    print(title + (f": {report.summary}" if report.summary else ""), file=to)
    for setting in report.settings:
        default = "required" if setting["required"] else f"default {setting['default']!r}"
        print(f"  {setting['name']}: {setting['type']}, {default}", file=to)
    for check in report.checks:
        print(f"{_MARKS[check.status]} {check.name}: {check.message}", file=to)
        for detail in check.details:
            print(f"          {detail}", file=to)
    if printed:
        print(f"printed {len(printed)} lines, such as:", file=to)
        for line in printed[:_PRINTED_LINES]:
            print(f"          {line[:160]}", file=to)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wrasse test-op", description="Tries an operator outside of a job."
    )
    parser.add_argument(
        "reference",
        help="an operator folder of DataMate, `file.py:Name`, `package.module:Name`, "
        "or `data_juicer:name`",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting; JSON or text"
    )
    parser.add_argument("--json", action="store_true", help="tell it as JSON")
    parser.add_argument(
        "--rows", type=_positive(int), default=200, metavar="N", help="texts to time, at most (200)"
    )
    parser.add_argument(
        "--seconds", type=_positive(float), default=5.0, help="time for them, at most (5)"
    )
    parser.add_argument(
        "--timeout", type=_positive(float), default=300.0, help="end after so many seconds (300)"
    )
    return parser


def _positive(kind: Any) -> Any:
    def read(text: str) -> Any:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError(text)
        return value

    read.__name__ = f"positive {kind.__name__}"
    return read


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"`{text}`: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


@contextmanager
def _quiet(timeout: float) -> Iterator[Callable[[], list[str]]]:
    """Keeps what is printed within the block, by C code and other processes, too.

    Yields a function that gives its lines, after the block. A block that takes longer
    than `timeout` ends the program, which tells where it hangs: exit code 1.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept: list[str] = []
    with tempfile.TemporaryFile() as file:
        saved = [os.dup(1), os.dup(2)]
        stderr = os.fdopen(os.dup(2), "w")
        faulthandler.dump_traceback_later(timeout, exit=True, file=stderr)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: kept
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in enumerate(saved, 1):
                os.dup2(copy, number)
                os.close(copy)
            faulthandler.cancel_dump_traceback_later()
            stderr.close()
            file.seek(0)
            kept += file.read().decode(errors="replace").splitlines()


if __name__ == "__main__":
    sys.exit(main())
