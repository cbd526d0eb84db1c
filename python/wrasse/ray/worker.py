"""What runs on the nodes of a cluster: tasks of the engine.

A task gets its run (a reference to what every worker must know, fetched once a
process, and the folder that it was started in), its own description, and the objects that it
works on, if it does not read. It returns metadata for the driver, an object for the next task,
and pieces, where others need them.

Imported with the functions of a run, before the first object comes to a process.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from wrasse.ray import private

# Runs that a process remembers: one, and perhaps the one before it.
JOBS_MAX = 2

_jobs: OrderedDict[str, Any] = OrderedDict()

# Whether there are Python's operators, whose processes inherit what is set here.
_has_operators = False

# Those that write have several threads.
_making = threading.Lock()

if "ray" in sys.modules:
    private.without_addons()
    # What Ray has imported stays: nothing is found by looking through it.
    gc.freeze()


class Packed:
    """Bytes that go to and from the object store without a copy of their own."""

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data

    def __reduce_ex__(self, protocol: int) -> Any:
        if protocol >= 5:
            return Packed, (pickle.PickleBuffer(self.data),)
        return Packed, (bytes(self.data),)


def run(setup: list[Any], spec: bytes, *sources: Packed) -> tuple[Any, ...]:
    """A task with one output: its metadata, the object, and pieces."""
    meta, data, pieces = _begin(setup, spec, sources).next()
    return meta, Packed(data), *map(Packed, pieces)


def stream(setup: list[Any], spec: bytes, *sources: Packed) -> Iterator[Any]:
    """A task with any number of outputs: metadata, object and pieces by turns."""
    task = _begin(setup, spec, sources)
    while (output := task.next()) is not None:
        meta, data, pieces = output
        yield meta
        yield Packed(data)
        for piece in pieces:
            yield Packed(piece)
        del data, pieces, output


def ready(setup: list[Any], stage: int) -> None:
    """Constructs the operators of a stage, unless they are there."""
    global _has_operators
    _has_operators = True
    _job(*setup).ready(stage)


def write(setup: list[Any], spec: bytes, *sources: Packed) -> tuple[bytes, None]:
    """A task that writes a file of the output, or weighs pieces of keys; what became of it, and
    no object."""
    return _job(*setup).write(spec, [source.data for source in sources]), None


def _begin(setup: list[Any], spec: bytes, sources: tuple[Packed, ...]) -> Any:
    return _job(*setup).begin(spec, [source.data for source in sources])


def _job(ref: Any, folder: str) -> Any:
    key = ref.hex()
    with _making:
        if key not in _jobs:
            _jobs[key] = _make(ref, folder)
            while len(_jobs) > JOBS_MAX:
                _jobs.popitem(last=False)
        _jobs.move_to_end(key)
        return _jobs[key]


def _make(ref: Any, folder: str) -> Any:
    import ray

    # A process works for one run at a time. On another machine the folder may
    # not be there, and then nothing in it is.
    with contextlib.suppress(OSError):
        os.chdir(folder)

    # The engine's allocator gives back what was free for so many milliseconds. A task
    # frees all that it had, and the next one wants as much.
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", "10000")
    if not _has_operators:
        # Blocks come and go, of a MiB or less; a huge page is cleared for one as a whole.
        os.environ.setdefault("MIMALLOC_ALLOW_THP", "0")
    from wrasse import _engine

    return _engine.RayJob(ray.get(ref), sys.executable)
