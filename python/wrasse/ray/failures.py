"""How tasks fail, in the engine's words, and what Ray's exceptions say."""

from __future__ import annotations

from typing import Any


def classify(exceptions: Any, error: BaseException) -> tuple[str, str]:
    """How a task failed, and what it says."""
    cause = getattr(error, "cause", None) or error
    lost = ("ObjectLostError", "ObjectReconstructionFailedError", "OwnerDiedError")
    died = (
        "WorkerCrashedError", "NodeDiedError", "OutOfMemoryError", "LocalRayletDiedError",
        "ActorUnavailableError",
    )

    def is_one(names: tuple[str, ...]) -> bool:
        types = tuple(kind for name in names if (kind := getattr(exceptions, name, None)))
        return isinstance(error, types) or isinstance(cause, types)

    if is_one(died):
        return "worker_lost", first_line(cause)
    if is_one(lost):
        return "object_lost", first_line(cause)
    if is_one(("RayActorError",)):
        # Within a task: the actor that has made, and would have to make again, what it works on.
        if isinstance(error, exceptions.RayTaskError):
            return "object_lost", first_line(cause)
        # An older Ray does not tell whether it comes again: it does.
        is_told = hasattr(exceptions, "ActorUnavailableError")
        return "actor_lost" if is_told else "worker_lost", first_line(cause)
    if is_one(("TaskCancelledError",)):
        return "cancelled", first_line(cause)
    text = str(cause)
    if "failed to import" in text or "No module named 'wrasse" in text:
        return "error", (
            "the workers of the cluster lack the package `wrasse`: "
            "install it on the nodes, or pass --ray-ship"
        )
    return "error", first_line(cause)


def first_line(error: BaseException) -> str:
    """What an exception says, without traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "runtime environment" in lines[0]:
        # Why is said at the end.
        return " ".join([lines[0], *lines[1:][-2:]])
    if "its creation task" in lines[0]:
        return lines[-1]
    return lines[0]
