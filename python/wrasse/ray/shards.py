"""The gateway's side of shards: actors that know a range each of what a deduplicator has seen.

What is said to them and how an answer is read is the engine's. An actor lives once: one that
dies is not begun again by Ray, which would begin it with nothing and let it answer; the engine
hears of it, and begins another, of the next life.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

# How an actor ends that nobody has done anything wrong to.
DIED = ("actor_lost", "worker_lost", "object_lost")

# Seconds that an actor may wait for its memory: a cluster may have to grow.
PATIENCE = 300.0

# It asks for no processor: it has work for moments. (One that asks for nothing at all, not
# even for memory, Ray puts where it likes.)
OPTIONS = {"num_cpus": 0, "max_restarts": 0, "max_task_retries": 0}


def maker(ray: Any, version: str) -> Callable[[int, int | None], Any]:
    """Who begins an actor that knows nothing, for a shard that may hold so many bytes."""

    class Shard:
        def __init__(self) -> None:
            from wrasse import _engine

            self.shard = _engine.RayShard(version)

        def ask(self, question: bytes) -> bytes:
            return self.shard.ask(question)

    kind = ray.remote(**OPTIONS)(Shard)
    return lambda shard, memory: kind.options(
        scheduling_strategy=place(ray, shard), memory=memory
    ).remote()


def place(ray: Any, shard: int) -> Any:
    """The node for a shard: each in its turn, of those that work (a head may have no
    processors). If it is gone in this moment, any."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = sorted(node["NodeID"] for node in ray.nodes() if works(node))
    if not nodes:
        return "SPREAD"
    return NodeAffinitySchedulingStrategy(nodes[shard % len(nodes)], soft=True)


def works(node: dict) -> bool:
    """Whether a node is up and has processors."""
    return node["Alive"] and node["Resources"].get("CPU", 0) > 0


class Shards:
    """Shards by the numbers that the engine knows them by."""

    def __init__(
        self, make: Callable[[int, int | None], Any], pipe: Any,
        when_done: Callable[[Any, Callable[[Any], None]], None],
        classify: Callable[[BaseException], tuple[str, str]],
    ) -> None:
        self.make = make
        self.pipe = pipe
        self.when_done = when_done
        self.classify = classify
        self.handles: dict[int, Any] = {}
        # Those that have not begun: since when, and what they wait for.
        self.waiting: dict[int, tuple[float, int | None]] = {}

    def begin(self, shard: int, memory: int | None) -> None:
        """Begins an actor that may hold so many bytes; that of an earlier life is let go."""
        self.waiting[shard] = time.monotonic(), memory
        self.handles[shard] = self.make(shard, memory)

    def look(self) -> None:
        """Ends the run if an actor finds no room: others may hold what nodes have."""
        for shard, (since, memory) in list(self.waiting.items()):
            if time.monotonic() - since > PATIENCE and self.waiting.pop(shard, None):
                message = (
                    "an actor that shall hold what a deduplicator has seen finds no node with "
                    f"{memory} bytes of memory that nobody has"
                )
                hint = "`ray status` tells who has it; --resume goes on from the last commit"
                self.pipe.say({"ev": "fatal", "message": message, "hint": hint})

    def ask(self, shard: int, life: int, question: bytes) -> None:
        """Has a question answered."""
        self.when_done(
            self.handles[shard].ask.remote(question),
            lambda result: self._answered(shard, life, result),
        )

    def _answered(self, shard: int, life: int, result: Any) -> None:
        who = {"shard": shard, "life": life}
        if not isinstance(result, BaseException):
            self.waiting.pop(shard, None)
            self.pipe.say({"ev": "answered", **who, "bytes": len(result)}, result)
            return
        kind, text = self.classify(result)
        if kind in DIED:
            self.pipe.say({"ev": "shard_lost", **who, "message": text})
        else:
            message = f"what a deduplicator has seen cannot be asked for: {text}"
            self.pipe.say({"ev": "fatal", "message": message, "hint": None})
