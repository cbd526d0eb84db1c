"""The command `wrasse`: the program of the engine, as a process of its own."""

from __future__ import annotations

import os
import signal
import sys

from wrasse._engine import program


def main() -> int:
    """Runs the program with the arguments of the process; returns its exit code."""
    # The engine takes over the signals that it waits for. Python's own handlers
    # would only make a note that nobody reads while the engine works.
    # Operators in Python run where this was installed, unless somebody says otherwise.
    os.environ.setdefault("WRASSE_PYTHON", sys.executable)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What a script asks for is run by this program again.
    os.environ["WRASSE_PROGRAM"] = sys.executable
    return program(["wrasse", *sys.argv[1:]])
