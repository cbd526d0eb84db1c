"""Tasks that are processes, each in a group of its own."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from pathlib import Path
from typing import Any

from .scheduler import Task, TaskResult, TaskScheduler

# Between SIGTERM and SIGKILL.
GRACE_SECONDS = 5.0
# How often a group that shall end is looked at.
LOOK_SECONDS = 0.05


class CommandTask(Task):
    """A command: a line for the shell, a line of words, or a list of arguments."""

    def __init__(
        self,
        task_id: str,
        command: str | None = None,
        log_path: str | None = None,
        shell: bool = True,
        timeout: float | None = None,
        cmd_args: list[str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(task_id, *args, **kwargs)
        if command is None and cmd_args is None:
            raise ValueError("a command is needed, or its arguments")
        self.command = command
        self.log_path = log_path or f"/flow/{task_id}/output.log"
        self.cmd_args = cmd_args
        self.shell = shell and cmd_args is None
        self.timeout = timeout
        self.return_code: int | None = None

    async def _work(self) -> Any:
        log_path = free_path(Path(self.log_path))
        with log_path.open("ab", buffering=0) as log:
            options = {**self.kwargs, "stdout": log, "stderr": asyncio.subprocess.STDOUT}
            options["start_new_session"] = True
            if self.shell:
                process = await asyncio.create_subprocess_shell(str(self.command), **options)
            else:
                words = self.cmd_args or shlex.split(str(self.command))
                process = await asyncio.create_subprocess_exec(*words, **options)
            try:
                self.return_code = await asyncio.wait_for(process.wait(), self.timeout)
            except asyncio.TimeoutError:
                log.write(f"\nended after {self.timeout} s\n".encode())
                raise TimeoutError(f"its time of {self.timeout} s was up") from None
            finally:
                if self.return_code is None:
                    self.return_code = await asyncio.shield(end_group(process))
        if self.return_code != 0:
            raise RuntimeError(f"exit code {self.return_code}")

    def to_result(self) -> TaskResult:
        self.result = {
            "command": self.command or self.cmd_args,
            "return_code": self.return_code,
        }
        return super().to_result()


def free_path(path: Path) -> Path:
    """The path, or with the first `.1`, `.2`, ... that does not exist; in a folder that does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found, n = path, 0
    while found.exists():
        n += 1
        found = path.with_name(f"{path.name}.{n}")
    return found


async def end_group(process: asyncio.subprocess.Process) -> int:
    """Ends a process and all of its group: asked first, then not."""
    signal_group(process.pid, signal.SIGTERM)
    waits = asyncio.ensure_future(process.wait())
    for _ in range(round(GRACE_SECONDS / LOOK_SECONDS)):
        await asyncio.wait({waits}, timeout=LOOK_SECONDS)
        if waits.done():
            if not signal_group(process.pid, 0):
                break
            await asyncio.sleep(LOOK_SECONDS)
    signal_group(process.pid, signal.SIGKILL)
    return await waits


def signal_group(group: int, number: int) -> bool:
    """Sends a signal to a group; whether somebody is in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class CommandScheduler(TaskScheduler):
    """Runs commands."""

    _unknown_is_cancelled = True

    def __init__(self, max_concurrent: int = 5) -> None:
        super().__init__(max_concurrent)

    async def submit(
        self,
        task_id: str,
        command: str | None = None,
        log_path: str | None = None,
        shell: bool = True,
        timeout: float | None = None,
        cmd_args: list[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Submits a command; returns at once."""
        task = CommandTask(task_id, command, log_path, shell, timeout, cmd_args, **kwargs)
        return self._add(task)
