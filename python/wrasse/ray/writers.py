"""The gateway's side of writing where all processors are taken: an actor on each node.

Tasks that stream keep their processors until what they have put out is written. For tasks
that ask for none Ray starts processes and ends them a second later, over and over, each of
which takes a third of a second of a processor to begin. An actor's stays, and writes on as
many threads as it is given tasks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from wrasse.ray import shards

# Attempts at a task of an actor that dies.
RETRIES = 3

# Tasks of one actor at once. The engine bounds those of all.
THREADS = 16


def maker(ray: Any, setup: list[Any]) -> Callable[[int], Any]:
    """Who begins an actor on a node, each in its turn."""

    class Writer:
        def write(self, spec: bytes, *sources: Any) -> Any:
            from wrasse.ray import worker

            return worker.write(setup, spec, *sources)

    kind = ray.remote(
        num_cpus=0, max_restarts=-1, max_task_retries=RETRIES, max_concurrency=THREADS
    )(Writer)
    return lambda turn: kind.options(scheduling_strategy=shards.place(ray, turn)).remote()


class Writers:
    """Actors, and how many tasks each has."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self.make = make
        # Nodes that work.
        self.n_nodes = 1
        self.handles: list[Any] = []
        self.n_tasks: list[int] = []
        self.of_task: dict[int, int] = {}
        self.lock = threading.Lock()

    def submit(self, number: int, name: str, spec: bytes, *sources: Any) -> Any:
        """Gives a task to who has the fewest; metadata and no object."""
        with self.lock:
            least = min(range(len(self.handles)), key=self.n_tasks.__getitem__, default=None)
            if least is None or (self.n_tasks[least] > 0 and len(self.handles) < self.n_nodes):
                least = len(self.handles)
                self.handles.append(self.make(least))
                self.n_tasks.append(0)
            self.n_tasks[least] += 1
            self.of_task[number] = least
        return self.handles[least].write.options(num_returns=2, name=name).remote(spec, *sources)

    def done(self, number: int) -> None:
        """A task is over, if it was one of these."""
        with self.lock:
            actor = self.of_task.pop(number, None)
            if actor is not None:
                self.n_tasks[actor] -= 1
