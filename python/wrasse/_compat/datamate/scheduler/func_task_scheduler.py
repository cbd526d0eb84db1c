"""Tasks that are coroutine functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .scheduler import Task, TaskScheduler


class CallableTask(Task):
    """A call."""

    def __init__(
        self, task_id: str, func: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(task_id, *args, **kwargs)
        self.func = func

    async def _work(self) -> Any:
        return await self.func(*self.args, **self.kwargs)


class CallableScheduler(TaskScheduler):
    """Runs coroutine functions."""

    async def submit(
        self, task_id: str, func: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> str:
        """Submits a call; returns at once."""
        return self._add(CallableTask(task_id, func, *args, **kwargs))
