"""A whole run, handed to a cluster as a job of Ray's.

`wrasse submit` starts `python -m wrasse.ray.jobs`. The job runs the same program
on the cluster, which there joins the cluster that it is on. Here its log is
followed, and its end is reported by the exit code: that of the program. Ctrl-C
stops the job; what it has committed stays and can be resumed.

All talk with the cluster is on threads beside the main one, which waits for them
and for interrupts: no call that hangs keeps an interrupt from being heard.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Exit codes of the program: see `wrasse --help`.
USAGE, FAILED, INTERRUPTED = 2, 3, 130

# The states that a job of Ray's does not leave any more.
ENDED = ("SUCCEEDED", "STOPPED", "FAILED")

# Seconds in which a cluster is ready to take a job.
TAKES_WITHIN = 30.0

# Seconds in which a job is stopped: Ray gives it 3 before it is killed, and one that
# has no process yet is asked again until it has.
STOPS_WITHIN = 60.0

# Seconds between two looks at a job, and at what was asked by signals.
LOOK, GLANCE = 0.5, 0.1


class Interrupts:
    """Ctrl-C and SIGTERM: the first asks to stop the job, the second gives up."""

    def __init__(self) -> None:
        self.is_asked = False
        self.job: str | None = None
        # Who was started in the background may have inherited that they be ignored.
        signals = {signal.SIGINT, signal.SIGTERM}
        for number in signals:
            signal.signal(number, self._heard)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def _heard(self, number: int, frame: Any) -> None:
        if self.is_asked:
            # Not through `print`, which may be at work.
            left = f"{self.job} may still run" if self.job else "the job may have been taken"
            os.write(2, f"given up; {left}\n".encode())
            os._exit(INTERRUPTED)
        self.is_asked = True


class Call(threading.Thread):
    """A function at work on a thread of its own, which keeps nobody from ending."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        super().__init__(daemon=True)
        self.call = lambda: function(*args)
        self.value: Any = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.value = self.call()
        except Exception as error:
            self.error = error

    def wait(self, until: Callable[[], object]) -> bool:
        """Waits for its end, or until something holds; whether it has ended."""
        while self.is_alive() and not until():
            self.join(GLANCE)
        return not self.is_alive()


def main() -> int:
    """Submits a run, and follows it."""
    parser = argparse.ArgumentParser(prog="wrasse submit")
    parser.add_argument("--address", required=True)
    parser.add_argument("--working-dir")
    parser.add_argument("--ship", action="store_true")
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("recipe")
    parser.add_argument("flags", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError as error:
        return fail(USAGE, f"{sys.executable} cannot submit jobs: {error}", "pip install 'wrasse[ray]'")
    interrupts = Interrupts()
    # Known before it is submitted, so that it can be stopped whatever the answer.
    job = f"raysubmit_{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(upload(args.recipe, args.working_dir))
        environment: dict[str, Any] = {"working_dir": folder}
        if args.ship:
            environment["py_modules"] = [str(Path(__file__).parents[1])]

        def submit() -> Any:
            client = JobSubmissionClient(args.address)
            until = time.monotonic() + TAKES_WITHIN
            while True:
                try:
                    client.submit_job(
                        entrypoint=entrypoint(args), runtime_env=environment, submission_id=job
                    )
                    return client
                except RuntimeError as error:
                    # A cluster that has just begun.
                    if "No available agent" not in str(error) or time.monotonic() > until:
                        raise
                time.sleep(LOOK)

        submitting = Call(submit)
        submitting.wait(lambda: False)
    if submitting.error is not None:
        text = first_line(submitting.error)
        return fail(FAILED, f"the cluster at {args.address} does not take the job: {text}")
    client = submitting.value
    interrupts.job = job
    print(f"submitted {job}", file=sys.stderr, flush=True)
    if args.detach and not interrupts.is_asked:
        return 0
    following = Call(follow, client, job)
    if following.wait(lambda: interrupts.is_asked):
        if following.error is None:
            return report(client, job)
        return fail(FAILED, f"{job} cannot be followed: {first_line(following.error)}")
    return stop(client, job)


def first_line(error: BaseException) -> str:
    """What an exception says, without what follows."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else repr(error)


@contextlib.contextmanager
def upload(recipe: str, folder: str | None) -> Any:
    """The folder that the job starts in: the recipe's alone, unless one is named."""
    if folder is not None:
        yield folder
        return
    scratch = tempfile.mkdtemp(prefix="wrasse-submit-")
    try:
        shutil.copy(recipe, scratch)
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def entrypoint(args: argparse.Namespace) -> str:
    """What the job runs."""
    recipe = Path(args.recipe).name
    if args.working_dir:
        recipe = os.path.relpath(args.recipe, args.working_dir)
    # What the job was given, its workers get too.
    flags = [flag for flag in args.flags if flag != "--"]
    run = ["run", recipe, "--backend=ray", "--ray-address=auto", *flags]
    return " ".join(["python", "-m", "wrasse", *map(shlex.quote, run)])


def follow(client: Any, job: str) -> None:
    """Shows the log as it grows, until the job has ended."""

    async def show() -> None:
        async for text in client.tail_job_logs(job):
            print(text, end="", file=sys.stderr, flush=True)

    try:
        asyncio.run(show())
    except Exception as error:
        message = f"the log of {job} cannot be followed any more: {first_line(error)}"
        print(message, file=sys.stderr, flush=True)
    while status(client, job) not in ENDED:
        time.sleep(LOOK)


def status(client: Any, job: str) -> str:
    """The state of a job, in Ray's words."""
    found = client.get_job_status(job)
    return str(getattr(found, "value", found))


def stop(client: Any, job: str) -> int:
    """Stops a job, and says how it ended, or that it has not."""
    print(f"stopping {job} (once more: give up)", file=sys.stderr, flush=True)

    def ask() -> None:
        # A job whose process is being started does not hear the first time, and
        # says nothing of it.
        while True:
            with contextlib.suppress(Exception):
                if status(client, job) in ENDED:
                    return
                client.stop_job(job)
            time.sleep(LOOK)

    until = time.monotonic() + STOPS_WITHIN
    if Call(ask).wait(lambda: time.monotonic() > until):
        return report(client, job)
    return fail(
        INTERRUPTED,
        f"{job} has not stopped after {STOPS_WITHIN:.0f} s",
        f"`ray job stop {job}` asks once more",
    )


def report(client: Any, job: str) -> int:
    """How the job ended."""
    info = client.get_job_info(job)
    status = str(getattr(info.status, "value", info.status))
    code = getattr(info, "driver_exit_code", None)
    if status == "SUCCEEDED":
        return 0
    if status == "STOPPED":
        return fail(INTERRUPTED, f"{job} was stopped")
    if code:
        return fail(int(code), f"{job} ended with {code}")
    return fail(FAILED, f"{job}: {info.message or status}")


def fail(code: int, message: str, hint: str | None = None) -> int:
    """Tells the user, as the program does."""
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    return code


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # A call that hangs is not waited for.
    os._exit(code)
