"""DataMate's task schedulers: asyncio, in this process.

The names and arguments are DataMate's. What it gets wrong is right here: as many tasks
run as were allowed, `wait_for_task` waits, a task that waits can be cancelled, an end
is the end of all processes, and errors are kept. Tasks live in this process only;
those of `wrasse serve` survive it.
"""

from .cmd_task_scheduler import CommandScheduler
from .func_task_scheduler import CallableScheduler
from .job_task_scheduler import RayJobScheduler
from .scheduler import Task, TaskResult, TaskScheduler, TaskStatus

cmd_scheduler = CommandScheduler(max_concurrent=5)
func_scheduler = CallableScheduler(max_concurrent=5)
ray_job_scheduler = RayJobScheduler(max_concurrent=5)

__all__ = [
    "CallableScheduler",
    "CommandScheduler",
    "RayJobScheduler",
    "Task",
    "TaskResult",
    "TaskScheduler",
    "TaskStatus",
    "cmd_scheduler",
    "func_scheduler",
    "ray_job_scheduler",
]
