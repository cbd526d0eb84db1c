"""A real browser without a window, driven over a pipe (Chrome DevTools Protocol).

Chromium reads commands from file 3 and writes answers and events to file 4, each a JSON
object that ends with a zero byte. Nothing but the standard library is needed for it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

# A browser starts in about a second; a loaded machine may take much longer.
ANSWER_SECONDS = 60


def find_browser() -> str | None:
    """The browser of `$BROWSER_PROGRAM`, or the first that is installed."""
    return os.environ.get("BROWSER_PROGRAM") or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab of a browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self.commands = commands
        self.answers = answers
        self.rest = b""
        self.last_id = 0
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method and waits for its answer; keeps the events that come before."""
        self.last_id += 1
        message: dict[str, Any] = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.last_id:
                assert "error" not in answer, f"{method}: {answer}"
                return answer["result"]
            self.events.append(answer)

    def read(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.answers, 1 << 16)
            assert more, "the browser ended"
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, path: Path) -> None:
        """Shows a file and waits until it is there."""
        self.go(path.resolve().as_uri())

    def go(self, address: str) -> None:
        """Shows what is at an address and waits until it is there."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read())

    def value(self, expression: str) -> Any:
        """The value of an expression of JavaScript."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits until an expression of JavaScript is something."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            if self.value(f"!!({expression})"):
                return
            time.sleep(0.05)
        raise AssertionError(f"not within {ANSWER_SECONDS} s: {expression}")

    def screenshot(self, path: Path) -> None:
        """Keeps what is shown, as a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def press(self, key: str) -> None:
        codes = {"Tab": (9, ""), "Enter": (13, "\r")}
        code, text = codes[key]
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def seen(self, method: str) -> list[dict[str, Any]]:
        """The events of a kind since the page was opened."""
        return [event["params"] for event in self.events if event["method"] == method]


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Page]:
    """Runs a browser with one empty tab until the block ends."""
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()

    def wire() -> None:
        # The ends may themselves be 3 or 4: both are moved out of the way first.
        reads, writes = os.dup(command_end), os.dup(answer_end)
        os.dup2(reads, 3)
        os.dup2(writes, 4)

    process = subprocess.Popen(
        [
            program,
            "--headless",
            "--remote-debugging-pipe",
            # In a container there is no other; what is shown is our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={profile}",
        ],
        preexec_fn=wire,
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(command_end)
    os.close(answer_end)
    try:
        page = Page(commands, answers)
        target = page.call("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        yield page
    finally:
        process.kill()
        process.wait(ANSWER_SECONDS)
        os.close(commands)
        os.close(answers)
