"""Tasks that are jobs of a Ray cluster, through its REST interface.

With Ray installed its own client is used, which can send a local `working_dir`; without,
only what the cluster can reach by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Protocol

from .scheduler import Task, TaskResult, TaskScheduler, logger

RAY_DASHBOARD_ADDRESS = os.environ.get(
    "RAY_DASHBOARD_ADDRESS", "http://datamate-raycluster-head-svc:8265"
)

POLL_SECONDS = 2.0
# A cluster that is gone for so many looks does not come back.
FAILURES_MAX = 5
ANSWER_SECONDS = 30


class Jobs(Protocol):
    """What is asked of a cluster."""

    def submit_job(self, *, entrypoint: str, runtime_env: dict[str, Any],
                   metadata: dict[str, str]) -> str: ...

    def status(self, job: str) -> tuple[str, str | None]: ...

    def get_job_logs(self, job: str) -> str: ...

    def stop_job(self, job: str) -> object: ...


class RestJobs:
    """A cluster by its REST interface."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address}/api/jobs/{path}", data, {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)

    def submit_job(self, *, entrypoint: str, runtime_env: dict[str, Any],
                   metadata: dict[str, str]) -> str:
        sent = {"entrypoint": entrypoint, "runtime_env": runtime_env, "metadata": metadata}
        answer = self._ask("POST", "", sent)
        return answer.get("submission_id") or answer["job_id"]

    def status(self, job: str) -> tuple[str, str | None]:
        info = self._ask("GET", job)
        return info["status"], info.get("message")

    def get_job_logs(self, job: str) -> str:
        return self._ask("GET", f"{job}/logs").get("logs") or ""

    def stop_job(self, job: str) -> object:
        return self._ask("POST", f"{job}/stop")


def jobs_of(address: str) -> Jobs:
    """The cluster at an address."""
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        return RestJobs(address)

    class RayJobs(JobSubmissionClient):  # type: ignore[misc]
        def status(self, job: str) -> tuple[str, str | None]:
            info = self.get_job_info(job)
            return str(getattr(info.status, "value", info.status)), info.message

    return RayJobs(address)


class RayJobTask(Task):
    """A job of a cluster."""

    def __init__(
        self,
        task_id: str,
        entrypoint: str,
        runtime_env: dict[str, Any] | None = None,
        log_path: str | None = None,
        timeout: float | None = None,
        *args: Any,
        address: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(task_id, *args, **kwargs)
        self.entrypoint = entrypoint
        self.runtime_env = runtime_env or {}
        self.log_path = log_path or f"/flow/{task_id}/output.log"
        self.timeout = timeout
        self.address = address or RAY_DASHBOARD_ADDRESS
        self.job_id: str | None = None

    async def _work(self) -> Any:
        # Calls wait for a network: not in the loop's thread.
        jobs = await asyncio.to_thread(jobs_of, self.address)
        self.job_id = await asyncio.to_thread(
            jobs.submit_job,
            entrypoint=self.entrypoint,
            runtime_env=self.runtime_env,
            metadata={"task_id": self.task_id},
        )
        has_ended = False
        try:
            await self._follow(jobs, self.job_id)
            has_ended = True
        except JobFailed:
            has_ended = True
            raise
        finally:
            if not has_ended:
                await asyncio.shield(self._stop(jobs, self.job_id))

    async def _follow(self, jobs: Jobs, job: str) -> None:
        stall_seconds = float(os.environ.get("RAY_JOB_STALL_TIMEOUT", "3600"))
        began = moved = time.monotonic()
        written = failures = 0
        Path(self.log_path).parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                # First the state, so that the log behind it is the whole of it.
                status, message = await asyncio.to_thread(jobs.status, job)
                log = await asyncio.to_thread(jobs.get_job_logs, job)
                failures = 0
            except (OSError, RuntimeError) as error:
                failures += 1
                if failures >= FAILURES_MAX:
                    text = f"the cluster did not answer {failures} times: {error}"
                    raise ConnectionError(text) from error
                logger.warning("task %s: %s", self.task_id, error)
                await asyncio.sleep(POLL_SECONDS)
                continue
            if len(log) > written:
                with open(self.log_path, "a", encoding="utf-8") as file:
                    file.write(log[written:])
                written = len(log)
                moved = time.monotonic()
            if status == "SUCCEEDED":
                return
            if status in ("FAILED", "STOPPED"):
                raise JobFailed(message or f"the job is {status.lower()}")
            now = time.monotonic()
            if self.timeout and now - began >= self.timeout:
                raise TimeoutError(f"its time of {self.timeout} s was up")
            if now - moved >= stall_seconds:
                raise TimeoutError(f"nothing was logged for {stall_seconds:g} s")
            await asyncio.sleep(POLL_SECONDS)

    async def _stop(self, jobs: Jobs, job: str) -> None:
        try:
            await asyncio.to_thread(jobs.stop_job, job)
        except (OSError, RuntimeError) as error:
            logger.warning("task %s: its job %s cannot be stopped: %s", self.task_id, job, error)

    def to_result(self) -> TaskResult:
        self.result = {"entrypoint": self.entrypoint, "job_id": self.job_id}
        return super().to_result()


class JobFailed(Exception):
    """A job ended by itself, and not well."""


class RayJobScheduler(TaskScheduler):
    """Runs jobs of a cluster."""

    _unknown_is_cancelled = True
    _ended_is_cancelled = True

    def __init__(self, max_concurrent: int = 5, ray_address: str | None = None) -> None:
        super().__init__(max_concurrent)
        self.ray_address = ray_address or RAY_DASHBOARD_ADDRESS

    async def submit(
        self,
        task_id: str,
        script_path: str,
        script_args: str = "",
        runtime_env: dict[str, Any] | None = None,
        log_path: str | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> str:
        """Submits `python <script_path> <script_args>`; returns at once."""
        if runtime_env is None:
            runtime_env = {"working_dir": "/opt/runtime"}
        task = RayJobTask(
            task_id,
            f"python {script_path} {script_args}".rstrip(),
            runtime_env,
            log_path,
            timeout,
            address=self.ray_address,
            **kwargs,
        )
        return self._add(task)
