"""What a script asks for and Wrasse does not have: said with the line, never passed over."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from wrasse.errors import WrasseError

_OURS = str(Path(__file__).resolve().parents[1]) + os.sep


class Unsupported(WrasseError):
    """A part of another tool that is not there. `hint` says what is there instead."""

    def __init__(self, what: str, hint: str = "") -> None:
        place = place_in_script()
        message = f"{place}: {what} is not supported by `wrasse script`"
        super().__init__(f"{message}\nhint: {hint}" if hint else message)
        self.hint = hint


class NoSuchMethod(Unsupported, AttributeError):
    """A method that is not there: a script may ask with `hasattr` before it calls."""


def place_in_script() -> str:
    """`file:line` of the innermost frame that is not of this package or of Python's imports."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_back is not None:
        file = frame.f_code.co_filename
        if not file.startswith((_OURS, "<frozen")) and "importlib" not in file:
            break
        frame = frame.f_back
    file = frame.f_code.co_filename
    near = os.path.relpath(file)
    return f"{file if near.startswith('..') else near}:{frame.f_lineno}"


def refuse_given(what: str, given: dict[str, Any], hint: str = "") -> None:
    """Raises `Unsupported` for the first parameter that was given a value."""
    for name, value in given.items():
        if value is not None and value is not False and value != {}:
            raise Unsupported(f"`{name}=` of `{what}`", hint)


def note(message: str) -> None:
    """Says once in a script's life what goes another way than its author knows."""
    if message not in _said:
        _said.add(message)
        print(f"wrasse: {place_in_script()}: {message}", file=sys.stderr)


_said: set[str] = set()
