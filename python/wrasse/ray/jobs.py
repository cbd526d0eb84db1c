"""A whole run, handed to a cluster as a job of Ray's.

`wrasse submit` starts `python -m wrasse.ray.jobs`. The job runs the same program
on the cluster, which there joins the cluster that it is on. Here its log is
followed, and its end is reported by the exit code: that of the program. Ctrl-C
stops the job; what it has committed stays and can be resumed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Exit codes of the program: see `wrasse --help`.
USAGE, FAILED, INTERRUPTED = 2, 3, 130


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
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(upload(args.recipe, args.working_dir))
        environment: dict[str, Any] = {"working_dir": folder}
        if args.ship:
            environment["py_modules"] = [str(Path(__file__).parents[1])]
        try:
            client = JobSubmissionClient(args.address)
            job = client.submit_job(
                entrypoint=entrypoint(args), runtime_env=environment
            )
        except Exception as error:
            text = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            return fail(FAILED, f"the cluster at {args.address} does not take the job: {text}")
    print(f"submitted {job}", file=sys.stderr, flush=True)
    if args.detach:
        return 0
    try:
        asyncio.run(follow(client, job))
    except KeyboardInterrupt:
        print(f"stopping {job}", file=sys.stderr, flush=True)
        client.stop_job(job)
        return INTERRUPTED
    return report(client, job)


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


async def follow(client: Any, job: str) -> None:
    """Shows the log as it grows."""
    async for text in client.tail_job_logs(job):
        print(text, end="", file=sys.stderr, flush=True)


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
    sys.exit(main())
