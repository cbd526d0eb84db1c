"""The gateway's side of actors: processes of Ray that keep the operators of a stage.

Ray starts an actor that dies again, and its task with it; so blocks that it has put out are
made again where they are lost, as those of tasks are. An actor that is not needed any more is
let go, not killed: Ray then ends it, and starts it once more if it has to make a block again.
What Ray does not notice is that there is no room for an actor whose node is gone. It may be
that those who have the room wait for what only it can make again: then they are given up
here, and if that does not help, it is; the engine hears of it, and has their tasks done by
others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from wrasse.ray import private

# Attempts at a task of an actor that dies; those of its own that lost blocks are made with.
RETRIES = 3

# Seconds that an actor may take to begin anew when nodes are gone (its operators are not
# constructed in them); and where nodes may come.
BEGINS_WITHIN = 10.0
COMES_WITHIN = 300.0


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
        self.begins_within = COMES_WITHIN if grows else BEGINS_WITHIN
        self.handles: dict[int, Any] = {}
        # What each was given last: the number of a task, its input, and its first output.
        self.tasks: dict[int, tuple[int, Any, Any]] = {}
        # All that ever were, by Ray's names: Ray may start one again that was let go.
        self.names: dict[str, int] = {}
        # Until when they are looked at, and since when some were not there.
        self.looks_until = 0.0
        self.missing: dict[int, float] = {}

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
        return made

    def of_task(self, task: int) -> int | None:
        """Who has this task, if that is an actor."""
        return next((actor for actor, (of, *_) in self.tasks.items() if of == task), None)

    def let_go(self, number: int) -> None:
        """An actor is not needed any more."""
        self.handles.pop(number, None)
        self.tasks.pop(number, None)

    def nodes_changed(self) -> None:
        """From now on, actors may be missing."""
        self.looks_until = time.monotonic() + 6 * self.begins_within

    def given_up(self) -> list[tuple[int, int | None]]:
        """Those that others are in the way of, or that are in the way, with their tasks."""
        now = time.monotonic()
        if now > self.looks_until and not self.missing:
            return []
        missing = {self.names[name] for name in private.restarting() if name in self.names}
        self.missing = {number: self.missing.get(number, now) for number in missing}
        late = [at for at, since in self.missing.items() if now - since > self.begins_within]
        if not late:
            return []
        self.missing = dict.fromkeys(self.missing, now)
        waiting = [at for at in list(self.tasks) if at not in self.missing and self._waits(at)]
        late = [number for number in late if number in self.handles]
        return [(number, self._give_up(number)) for number in waiting or late]

    def _waits(self, number: int) -> bool:
        """Whether an actor has a task, and the input of that is not there."""
        _, source, first = self.tasks[number]
        _, lacks = self.ray.wait([source], timeout=0, fetch_local=False)
        if not lacks or not isinstance(first, self.ray.ObjectRef):
            return bool(lacks)
        return not self.ray.wait([first], timeout=0, fetch_local=False)[0]

    def _give_up(self, number: int) -> int | None:
        task, _, first = self.tasks.get(number, (None, None, None))
        handle = self.handles[number]
        self.let_go(number)
        if first is not None:
            try:
                self.ray.cancel(first)
            except Exception:
                # A Ray that cannot cancel what an actor has.
                with contextlib.suppress(Exception):
                    self.ray.kill(handle)
        return task
