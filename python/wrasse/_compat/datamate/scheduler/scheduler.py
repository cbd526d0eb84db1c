"""What the schedulers share: tasks, their states, and the limit."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

logger = logging.getLogger("datamate.scheduler")

# Tasks that came to their end and are still known; the oldest are forgotten.
FINISHED_MAX = 10_000


class TaskStatus(Enum):
    """Where a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it."""
        return self not in (TaskStatus.PENDING, TaskStatus.RUNNING)


@dataclass
class TaskResult:
    """A task as it stood when it was asked for."""

    task_id: str
    status: TaskStatus
    result: Any = None
    error: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    progress: float = 0.0


class Task:
    """Something to be done. A subclass does it in `_work`."""

    def __init__(self, task_id: str, *args: Any, **kwargs: Any) -> None:
        self.task_id = task_id
        self.args = args
        self.kwargs = kwargs
        self.status = TaskStatus.PENDING
        self.result: Any = None
        self.error: str | None = None
        self.created_at = datetime.now()
        self.started_at: datetime | None = None
        self.completed_at: datetime | None = None
        self.progress = 0.0
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._ended = asyncio.Event()

    def get(self) -> asyncio.Task[None] | None:
        """What runs it, once it runs."""
        return self._task

    def start(self) -> Task:
        """Begins it, if it has not begun. There must be a running loop."""
        if self.status is TaskStatus.PENDING:
            self.status = TaskStatus.RUNNING
            self.started_at = datetime.now()
            self._task = asyncio.create_task(self._execute())
        return self

    async def _work(self) -> Any:
        """Does it: gives its result, or raises."""
        raise NotImplementedError

    async def _execute(self) -> None:
        status = TaskStatus.FAILED
        try:
            self.result = await self._work()
            self.progress = 100.0
            status = TaskStatus.COMPLETED
        except asyncio.CancelledError:
            self._cancelled = True
        except Exception as error:
            self.error = str(error) or type(error).__name__
            logger.error("task %s failed: %s", self.task_id, self.error)
        self._end(TaskStatus.CANCELLED if self._cancelled else status)

    def _end(self, status: TaskStatus) -> None:
        self.status = status
        self.completed_at = datetime.now()
        self._ended.set()

    def cancel(self) -> bool:
        """Asks for its end; whether there was something to end."""
        if self.status is TaskStatus.PENDING:
            self._cancelled = True
            self._end(TaskStatus.CANCELLED)
            return True
        if self.status is TaskStatus.RUNNING and self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()
        return self.status is TaskStatus.RUNNING

    def to_result(self) -> TaskResult:
        """How it stands."""
        return TaskResult(
            task_id=self.task_id,
            status=self.status,
            result=self.result,
            error=self.error,
            created_at=self.created_at,
            started_at=self.started_at,
            completed_at=self.completed_at,
            progress=self.progress,
        )


class TaskScheduler:
    """Runs tasks, `max_concurrent` at a time, in the order of their submission."""

    # Whether the end of what is unknown, and of what has ended, counts as brought about.
    _unknown_is_cancelled = False
    _ended_is_cancelled = False

    def __init__(self, max_concurrent: int = 10) -> None:
        if max_concurrent < 1:
            raise ValueError(f"max_concurrent is {max_concurrent}, expected a number from 1")
        self.max_concurrent = max_concurrent
        self.tasks: dict[str, Task] = {}
        self._waiting: deque[Task] = deque()
        self._running: set[Task] = set()
        # The loop holds tasks weakly.
        self._watchers: set[asyncio.Task[None]] = set()

    def _add(self, task: Task) -> str:
        old = self.tasks.get(task.task_id)
        if old is not None and not old.status.is_final:
            raise ValueError(f"task {task.task_id} is {old.status.value} already")
        self.tasks.pop(task.task_id, None)
        self.tasks[task.task_id] = task
        self._waiting.append(task)
        self._forget()
        self._fill()
        return task.task_id

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.max_concurrent:
            task = self._waiting.popleft()
            if task.status is TaskStatus.PENDING:
                self._running.add(task.start())
                watcher = asyncio.create_task(self._watch(task))
                self._watchers.add(watcher)
                watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, task: Task) -> None:
        await task._ended.wait()
        self._running.discard(task)
        self._fill()

    def _forget(self) -> None:
        if len(self.tasks) > 2 * FINISHED_MAX:
            ended = [name for name, task in self.tasks.items() if task.status.is_final]
            for name in ended[: len(ended) - FINISHED_MAX]:
                del self.tasks[name]

    def get_task_status(self, task_id: str) -> TaskResult | None:
        """A task as it stands; `None` if it is unknown."""
        task = self.tasks.get(task_id)
        return None if task is None else task.to_result()

    def get_all_tasks(self) -> list[TaskResult]:
        """All tasks that are known."""
        return [task.to_result() for task in self.tasks.values()]

    def get_tasks_by_status(self, status: TaskStatus) -> list[TaskResult]:
        """The tasks of a state."""
        return [task.to_result() for task in self.tasks.values() if task.status is status]

    def cancel_task(self, task_id: str) -> bool:
        """Asks for a task's end, if it waits or runs; whether it has one, or gets one."""
        task = self.tasks.get(task_id)
        if task is None:
            return self._unknown_is_cancelled
        return task.cancel() or self._ended_is_cancelled

    async def wait_for_task(self, task_id: str, timeout: float | None = None) -> TaskResult:
        """A task at its end. Raises `ValueError` if it is unknown, `TimeoutError` in time."""
        task = self.tasks.get(task_id)
        if task is None:
            raise ValueError(f"there is no task {task_id}")
        try:
            await asyncio.wait_for(task._ended.wait(), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"task {task_id} has not ended in {timeout} s") from None
        return task.to_result()

    async def shutdown(self) -> None:
        """Cancels all that waits and runs, and waits until it is gone."""
        active = [task for task in self.tasks.values() if not task.status.is_final]
        for task in active:
            task.cancel()
        for task in active:
            await task._ended.wait()

    def get_statistics(self) -> dict[str, int]:
        """How many there are of each state, and in all."""
        counts = {status.value: 0 for status in TaskStatus}
        for task in self.tasks.values():
            counts[task.status.value] += 1
        return {**counts, "total": len(self.tasks)}
