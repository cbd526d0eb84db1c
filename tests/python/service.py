"""A service on this machine, for tests, and what talks to it."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = "a secret of this test"

# A loaded machine may take long.
PATIENCE_SECONDS = 120


class Service:
    """A service that runs, or ran."""

    def __init__(self, port: int, token: str | None, pid: int | None = None) -> None:
        self.port = port
        self.token = token
        self.pid = pid
        self.connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        sent = dict(headers or {})
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        elif self.connection.sock and select.select([self.connection.sock], [], [], 0.0)[0]:
            # The service closed it: it does not read on what it has refused.
            self.connection.close()
        try:
            self.connection.request(method, path, data, sent)
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """The body of an answer that is no error."""
        status, answer = self.ask(method, path, body)
        assert status < 400, (method, path, status, answer)
        return json.loads(answer)

    def submit(self, work: dict[str, Any], **rest: Any) -> str:
        return self.json("POST", "/api/v1/jobs", {"work": work, **rest})["id"]

    def wait(self, job: str) -> dict[str, Any]:
        """A job at its end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.json("GET", f"/api/v1/jobs/{job}/wait?timeout_s=30")
            if found["state"] not in ("pending", "running"):
                return found
        raise AssertionError(f"{job} has not come to its end")


def start(program: Path, folder: Path, *flags: str, token: str | None = TOKEN, port: int = 0
          ) -> tuple[subprocess.Popen[str], Service]:
    """Starts a service whose state is in `folder`, and waits until it listens."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("WRASSE_")}
    if token:
        env["WRASSE_TOKEN"] = token
        flags = ("--allow-commands", *flags)
    process = subprocess.Popen(
        [program, "serve", "--listen", str(port), "--state", folder / "state", *flags],
        cwd=folder, env=env, stderr=subprocess.PIPE, text=True,
    )
    assert process.stderr
    line = process.stderr.readline()
    assert "serving at http://" in line, line + process.stderr.read()
    address = line.split("http://")[1].strip().rstrip("/")
    return process, Service(int(address.split(":")[1]), token, process.pid)


@contextmanager
def serve(program: Path, folder: Path, *flags: str, token: str | None = TOKEN) -> Iterator[Service]:
    """A service until the block ends; what it started is ended, too."""
    process, service = start(program, folder, *flags, token=token)
    try:
        yield service
    finally:
        end_all(service, folder)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def end_all(service: Service, folder: Path) -> None:
    """Ends what still runs, even if the service does not answer."""
    for started in (folder / "state" / "jobs").glob("*/*/started"):
        if not (started.parent / "exit.json").exists():
            try:
                os.kill(json.loads(started.read_text())["pid"], signal.SIGTERM)
            except (OSError, TypeError, ValueError):
                pass
