"""The guard: ends workers, and what they have started, when the engine is gone.

A killed engine cannot clear up, and a worker that is stuck in foreign code does not
notice that it is alone. The engine starts one guard with a pipe as its standard input,
and writes a line with the number of each worker's process group: `+123` when it has
started one, `-123` when it has ended it. At the end of the pipe the guard kills the
groups that are left.

It runs as a program of its own, without the package: it needs little, and starts often.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def guard() -> int:
    """Waits for the end of the standard input, then kills."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(guard())
