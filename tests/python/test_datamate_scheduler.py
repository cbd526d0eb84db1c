"""DataMate's schedulers: its names, and what its own get wrong."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wrasse import compat


@pytest.fixture
def scheduler() -> Iterator[Any]:
    compat.install()
    import datamate.scheduler

    yield datamate.scheduler
    compat.uninstall()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def test_the_limit_limits_and_waiting_waits(scheduler: Any) -> None:
    running = most = 0

    async def work(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return n * 2

    async def main() -> None:
        own = scheduler.CallableScheduler(max_concurrent=3)
        for n in range(8):
            assert await own.submit(f"t{n}", work, n) == f"t{n}"
        assert own.get_statistics()["pending"] == 5
        results = [await own.wait_for_task(f"t{n}") for n in range(8)]
        assert [one.result for one in results] == [n * 2 for n in range(8)]
        assert all(one.status is scheduler.TaskStatus.COMPLETED for one in results)
        assert own.get_statistics() == {
            "pending": 0, "running": 0, "completed": 8, "failed": 0, "cancelled": 0, "total": 8,
        }
        with pytest.raises(ValueError):
            await own.wait_for_task("none")

    asyncio.run(main())
    assert most == 3


def test_calls_fail_are_cancelled_and_time_out(scheduler: Any) -> None:
    async def fails() -> None:
        raise KeyError("gone")

    async def main() -> None:
        own = scheduler.CallableScheduler(max_concurrent=1)
        status = scheduler.TaskStatus
        await own.submit("fails", fails)
        failed = await own.wait_for_task("fails")
        assert (failed.status, failed.error) == (status.FAILED, "'gone'")
        await own.submit("long", asyncio.sleep, 999)
        await own.submit("waits", asyncio.sleep, 999)
        with pytest.raises(TimeoutError):
            await own.wait_for_task("long", timeout=0.02)
        assert own.cancel_task("waits")
        assert own.get_task_status("waits").status is status.CANCELLED
        with pytest.raises(ValueError, match="running"):
            await own.submit("long", asyncio.sleep, 1)
        assert own.cancel_task("long")
        assert (await own.wait_for_task("long")).status is status.CANCELLED
        assert not own.cancel_task("long") and not own.cancel_task("none")
        assert own.get_tasks_by_status(status.RUNNING) == []

    asyncio.run(main())


def test_commands_run_and_are_logged(scheduler: Any, tmp_path: Path) -> None:
    async def main() -> None:
        own = scheduler.CommandScheduler()
        log = str(tmp_path / "new" / "output.log")
        await own.submit("a", "echo $((1 + 2)); exit 3", log_path=log)
        ended = await own.wait_for_task("a")
        assert (ended.status, ended.error) == (scheduler.TaskStatus.FAILED, "exit code 3")
        assert ended.result == {"command": "echo $((1 + 2)); exit 3", "return_code": 3}
        await own.submit("b", cmd_args=["echo", "$HOME"], log_path=log)
        assert (await own.wait_for_task("b")).status is scheduler.TaskStatus.COMPLETED
        assert Path(log).read_text() == "3\n" and Path(f"{log}.1").read_text() == "$HOME\n"
        await own.submit("c", cmd_args=["/no/such/program"], log_path=log)
        assert "/no/such/program" in (await own.wait_for_task("c")).error
        await own.submit("d", "sleep 999", log_path=log, timeout=0.1)
        ended = await own.wait_for_task("d")
        assert ended.status is scheduler.TaskStatus.FAILED and "time" in ended.error
        assert ended.result["return_code"] == -15

    asyncio.run(main())


def test_a_cancelled_command_is_gone_with_its_children(
    scheduler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datamate.scheduler import cmd_task_scheduler

    monkeypatch.setattr(cmd_task_scheduler, "GRACE_SECONDS", 0.3)
    pids = tmp_path / "pids"
    line = f"trap '' TERM; echo $$ >> {pids}; (trap '' TERM; echo $BASHPID >> {pids}; sleep 999) & wait; sleep 999"

    async def main() -> None:
        own = scheduler.CommandScheduler()
        await own.submit("a", cmd_args=["bash", "-c", line], log_path=str(tmp_path / "log"))
        while not pids.exists() or len(pids.read_text().split()) < 2:
            await asyncio.sleep(0.02)
        found = [int(pid) for pid in pids.read_text().split()]
        assert all(map(is_alive, found))
        await own.shutdown()
        assert own.get_task_status("a").status is scheduler.TaskStatus.CANCELLED
        deadline = time.monotonic() + 30
        while any(map(is_alive, found)) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert not any(map(is_alive, found))

    asyncio.run(main())


class Cluster(http.server.BaseHTTPRequestHandler):
    """What of Ray's interface is used. A job says a line at each look."""

    jobs: dict[str, dict[str, Any]] = {}

    def answer(self, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(size) or b"{}")
        if self.path == "/api/jobs/":
            name = f"raysubmit_{len(self.jobs)}"
            self.jobs[name] = {"sent": sent, "looks": 0, "status": "RUNNING"}
            self.answer({"job_id": name, "submission_id": name})
        else:
            self.jobs[self.path.split("/")[3]]["status"] = "STOPPED"
            self.answer({"stopped": True})

    def do_GET(self) -> None:
        job = self.jobs[self.path.split("/")[3]]
        if self.path.endswith("/logs"):
            self.answer({"logs": "行\n" * job["looks"]})
            return
        job["looks"] += 1
        ends = {"python good.py --x 1": "SUCCEEDED", "python bad.py": "FAILED"}
        if job["looks"] == 3:
            job["status"] = ends.get(job["sent"]["entrypoint"], job["status"])
        self.answer({"status": job["status"], "message": f"it is {job['status']}"})

    def log_message(self, *args: Any) -> None:
        pass


def test_ray_jobs_are_followed_and_stopped(
    scheduler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datamate.scheduler import job_task_scheduler

    monkeypatch.setattr(job_task_scheduler, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(job_task_scheduler, "jobs_of", job_task_scheduler.RestJobs)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    async def main() -> None:
        own = scheduler.RayJobScheduler(ray_address=f"http://127.0.0.1:{server.server_port}")
        status = scheduler.TaskStatus
        log = tmp_path / "flow" / "output.log"
        await own.submit("good", "good.py", "--x 1", log_path=str(log))
        assert (await own.wait_for_task("good", 30)).status is status.COMPLETED
        # Each character once, though it takes more than a byte.
        assert log.read_text(encoding="utf-8") == "行\n" * 3
        sent = Cluster.jobs["raysubmit_0"]["sent"]
        assert sent["runtime_env"] == {"working_dir": "/opt/runtime"}
        assert sent["metadata"] == {"task_id": "good"}
        await own.submit("bad", "bad.py", log_path=str(log))
        ended = await own.wait_for_task("bad", 30)
        assert (ended.status, ended.error) == (status.FAILED, "it is FAILED")
        await own.submit("long", "long.py", log_path=str(log))
        while not own.get_task_status("long").result["job_id"]:
            await asyncio.sleep(0.01)
        assert own.cancel_task("long")
        ended = await own.wait_for_task("long", 30)
        assert ended.status is status.CANCELLED
        assert Cluster.jobs[ended.result["job_id"]]["status"] == "STOPPED"
        await own.submit("late", "late.py", log_path=str(log), timeout=0.1)
        ended = await own.wait_for_task("late", 30)
        assert ended.status is status.FAILED and "time" in ended.error
        assert Cluster.jobs[ended.result["job_id"]]["status"] == "STOPPED"
        gone = scheduler.RayJobScheduler(ray_address="http://127.0.0.1:9")
        await gone.submit("gone", "x.py", log_path=str(log))
        assert (await gone.wait_for_task("gone", 30)).status is status.FAILED

    try:
        asyncio.run(main())
    finally:
        server.shutdown()
        server.server_close()
