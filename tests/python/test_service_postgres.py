"""The service with its jobs in PostgreSQL, on a server of this machine.

Without one installed these tests are skipped.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import postgres
import pytest
from service import end_all, start


@pytest.fixture
def address(database_server: postgres.Server) -> str:
    return database_server.database("jobs").address


def test_jobs_survive_killed_services_and_a_second_one_is_refused(
    wrasse: Path, tmp_path: Path, address: str
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    flags = ("--store", address, "--max-concurrent", "2")
    process, service = start(wrasse, tmp_path, *flags)
    names = []
    try:
        env = {**os.environ, "WRASSE_TOKEN": "x"}
        second = subprocess.run(
            [wrasse, "serve", "--listen", "0", "--state", tmp_path / "other", "--store", address],
            env=env, capture_output=True, text=True, timeout=60, cwd=tmp_path,
        )
        assert second.returncode == 3 and "another scheduler" in second.stderr, second
        for round in range(3):
            for i in range(10):
                name = f"p{round}-{i}"
                line = f"echo x >> {marks}/{name}; sleep 0.1; exit {i % 3}"
                names.append(name)
                assert service.submit({"kind": "command", "shell": line}, id=name) == name
            process.kill()
            process.wait()
            # The server takes a moment to see that the lock's holder is gone.
            deadline = time.monotonic() + 60
            while True:
                try:
                    process, service = start(wrasse, tmp_path, *flags)
                    break
                except AssertionError:
                    assert time.monotonic() < deadline
        for name in names:
            done = service.wait(name)
            code = int(name[-1]) % 3
            assert done["state"] == ("failed" if code else "completed"), done
            assert done["result"]["code"] == code and done["attempts"] == 1, done
            assert (marks / name).read_text() == "x\n"
            steps = service.json("GET", f"/api/v1/jobs/{name}/history")["history"]
            assert [step["state"] for step in steps] == ["pending", "running", done["state"]]
        listed = service.json("GET", "/api/v1/jobs?state=failed&limit=1000")["jobs"]
        assert len(listed) == service.json("GET", "/api/v1/statistics")["failed"] == 18
        assert service.ask("POST", "/api/v1/jobs/p0-1/retry")[0] == 202
        assert service.wait("p0-1")["launches"] == 2
        assert service.ask("DELETE", "/api/v1/jobs/p0-1")[0] == 204
        assert service.ask("GET", "/api/v1/jobs/p0-1")[0] == 404
    finally:
        end_all(service, tmp_path)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
