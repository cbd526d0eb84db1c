"""The service with its jobs in PostgreSQL, on a server of this machine.

Without one installed these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import end_all, start

USER = "wrasse"


def find_programs() -> Path | None:
    """The folder of `initdb` and `postgres`."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


pytestmark = pytest.mark.skipif(
    find_programs() is None, reason="NO POSTGRESQL: jobs were not stored in one"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    programs = find_programs()
    assert programs
    folder = Path(tempfile.mkdtemp(prefix="wrasse-postgres-"))
    # It refuses to be root; its package brings a user for it.
    other = {}
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        other = {"user": "postgres", "group": "postgres", "cwd": folder}
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-A", "trust", "-U", USER, "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, timeout=120, **other,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-k", folder,
         "-c", "listen_addresses=127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **other,
    )
    try:
        deadline = time.monotonic() + 60
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready).returncode != 0:
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield f"postgres://{USER}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


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
