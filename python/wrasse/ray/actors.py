"""The gateway's side of actors: processes of Ray that keep the operators of a stage.

Ray starts an actor that dies again, and its task with it; so blocks that it has put out are
made again where they are lost, as those of tasks are. An actor that is not needed any more is
let go, not killed: Ray then ends it, and starts it once more if it has to make a block again.
What Ray does not do is to notice that there is no room for an actor whose node is gone. Then
it is given up here, and the engine hears of it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from wrasse.ray import private

# Attempts at a task of an actor that dies; those of its own that lost blocks are made with.
RETRIES = 3

# Seconds that an actor may take to begin anew when nodes are gone. (Its operators are not
# constructed in them.)
BEGINS_WITHIN = 20.0


def maker(ray: Any, setup: list[Any]) -> Callable[[int, dict], Any]:
    """Who begins an actor of this run, for a stage and with options of Ray's."""

    class Actor:
        def __init__(self, setup: list[Any], stage: int) -> None:
            self.setup, self.stage = setup, stage

        def ready(self) -> None:
            from wrasse.ray import worker

            worker.ready(self.setup, self.stage)

        def run(self, spec: bytes, source: Any) -> Any:
            from wrasse.ray import worker

            return worker.run(self.setup, spec, source)

        def stream(self, spec: bytes, source: Any) -> Any:
            from wrasse.ray import worker

            yield from worker.stream(self.setup, spec, source)

    return lambda stage, options: ray.remote(Actor).options(**options).remote(setup, stage)


class Actors:
    """Actors by the numbers that the engine knows them by. Each has one task at a time."""

    def __init__(self, ray: Any, make: Callable[[int, dict], Any]) -> None:
        self.ray = ray
        self.make = make
        self.handles: dict[int, Any] = {}
        # What each is at: the number of a task, and its first output.
        self.tasks: dict[int, tuple[int, Any]] = {}
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
        self.tasks[number] = (message["task"], first)
        return made

    def let_go(self, number: int) -> None:
        """An actor is not needed any more."""
        self.handles.pop(number, None)
        self.tasks.pop(number, None)
        self.missing.pop(number, None)

    def nodes_changed(self) -> None:
        """From now on, actors may be missing."""
        self.looks_until = time.monotonic() + 2 * BEGINS_WITHIN

    def lost(self) -> list[tuple[int, int | None]]:
        """Those that have not begun anew in time, with their tasks: they are given up."""
        now = time.monotonic()
        if now > self.looks_until and not self.missing:
            return []
        for number, handle in list(self.handles.items()):
            if private.is_missing(handle):
                self.missing.setdefault(number, now)
            else:
                self.missing.pop(number, None)
        late = [number for number, since in self.missing.items() if now - since > BEGINS_WITHIN]
        return [(number, self._give_up(number)) for number in late]

    def _give_up(self, number: int) -> int | None:
        task, first = self.tasks.get(number, (None, None))
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
