"""The gateway's side of actors: processes of Ray that keep the operators of a stage.

Ray starts an actor that dies again, and its task with it; so blocks that it has put out are
made again where they are lost, as those of tasks are. An actor that is not needed any more is
let go, not killed: Ray then ends it, and starts it once more if it has to make a block again.
What Ray does not notice is that, when nodes are gone, actors hold the room that is needed to
make again what they wait for. Such are given up here, and so are those who find no room any
more; the engine hears of it, and has their tasks done by others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from wrasse.ray import private

# Attempts at a task of an actor that dies; those of its own that lost blocks are made with.
RETRIES = 3

# Seconds that an actor may wait for an input that is gone, or for room, once nodes are; and
# where nodes may come. Twice as long after each time that some were given up.
PATIENCE = 10.0
PATIENCE_GROWS = 300.0


def maker(ray: Any, setup: list[Any]) -> Callable[[int, dict], Any]:
    """Who begins an actor of this run, for a stage and with options of Ray's."""

    class Actor:
        def __init__(self, stage: int) -> None:
            self.stage = stage

        def ready(self) -> None:
            from wrasse.ray import worker

            worker.ready(setup, self.stage)

        def run(self, spec: bytes, source: Any) -> Any:
            from wrasse.ray import worker

            return worker.run(setup, spec, source)

        def stream(self, spec: bytes, source: Any) -> Any:
            from wrasse.ray import worker

            yield from worker.stream(setup, spec, source)

    kind = ray.remote(Actor)
    return lambda stage, options: kind.options(**options).remote(stage)


class Actors:
    """Actors by the numbers that the engine knows them by. Each has one task at a time."""

    def __init__(self, ray: Any, make: Callable[[int, dict], Any], grows: bool) -> None:
        self.ray = ray
        self.make = make
        self.patience = PATIENCE_GROWS if grows else PATIENCE
        self.handles: dict[int, Any] = {}
        # What each is at: the number of a task, its input, and its first output.
        self.tasks: dict[int, tuple[int, Any, Any]] = {}
        self.of_task: dict[int, int] = {}
        # All that ever were, by Ray's names: Ray may start one again that was let go.
        self.names: dict[str, int] = {}
        # Whether nodes have gone; since when actors wait for what was there, or for room.
        self.are_looked_at = False
        self.waiting: dict[int, float] = {}

    def hire(self, number: int, stage: int, options: dict) -> Any:
        """Has an actor begun; what is there when it has its operators."""
        options = {
            **options, "max_restarts": -1, "max_task_retries": RETRIES,
            "scheduling_strategy": "SPREAD",
        }
        handle = self.make(stage, options)
        self.handles[number] = handle
        self.names[private.name_of(handle)] = number
        return handle.ready.remote()

    def submit(self, message: dict, spec: bytes, source: Any) -> Any:
        """Submits a task to an actor; nothing, if it was given up a moment ago."""
        number = message["actor"]
        handle = self.handles.get(number)
        if handle is None:
            return None
        options = {"max_task_retries": message["retries"], "name": message["name"][:100]}
        if message["streams"]:
            made = private.streaming_call(handle.stream, options, spec, source)
            first = made
        else:
            made = private.call(handle.run, {"num_returns": 2, **options}, spec, source)
            first = made[0]
        self.tasks[number] = (message["task"], source, first)
        self.of_task[message["task"]] = number
        return made

    def done(self, task: int) -> int | None:
        """A task is over; who had it, if that was an actor."""
        number = self.of_task.pop(task, None)
        if number is not None:
            self.tasks.pop(number, None)
        return number

    def let_go(self, number: int) -> None:
        """An actor is not needed any more."""
        self.handles.pop(number, None)
        task, *_ = self.tasks.pop(number, (None,))
        self.of_task.pop(task, None)

    def given_up(self) -> list[tuple[int, int | None, Callable[[], None]]]:
        """Those that are in the way of others, or that others are in the way of; their tasks,
        and how these are stopped."""
        if not self.are_looked_at:
            return []
        now = time.monotonic()
        missing = {self.names[name] for name in private.restarting() if name in self.names}
        waiting = [number for number in list(self.tasks) if self._waits(number)]
        self.waiting = {at: self.waiting.get(at, now) for at in [*waiting, *missing]}
        late = {at for at, since in self.waiting.items() if now - since > self.patience}
        chosen = late - missing or late.intersection(self.handles)
        if chosen:
            self.patience *= 2
        return [self._give_up(number) for number in sorted(chosen) if number in self.handles]

    def _waits(self, number: int) -> bool:
        """Whether an actor has a task, and the input of that is not there."""
        _, source, first = self.tasks.get(number, (None, None, None))
        if source is None:
            return False
        _, lacks = self.ray.wait([source], timeout=0, fetch_local=False)
        if not lacks or not isinstance(first, self.ray.ObjectRef):
            return bool(lacks)
        return not self.ray.wait([first], timeout=0, fetch_local=False)[0]

    def _give_up(self, number: int) -> tuple[int, int | None, Callable[[], None]]:
        task, _, first = self.tasks.get(number, (None, None, None))
        handle = self.handles[number]
        self.let_go(number)

        def stop() -> None:
            if first is None:
                return
            try:
                self.ray.cancel(first)
            except Exception:
                # A Ray that cannot cancel what an actor has.
                with contextlib.suppress(Exception):
                    self.ray.kill(handle)

        return number, task, stop
