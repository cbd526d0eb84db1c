"""Runs of what a script asks for, by the program `wrasse`.

A run that writes shows itself on standard error as any run does. One whose rows the script
takes is quiet, and ends with who takes them.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from wrasse.datasets import Dataset
from wrasse.errors import WrasseError

PROGRAM = "WRASSE_PROGRAM"
"""The variable with the program that started the script; a Python stands for its package."""

# A run that is told to end does so within moments; one that does not is ended.
_ENDS_WITHIN_S = 10.0

# Of Linux: a script that is killed leaves no run behind.
_SIGNAL_OF_PARENTS_DEATH = 1

_flags: list[str] = []


class ScriptRunFailed(WrasseError, RuntimeError):
    """A run that a script asked for did not come to its end."""


def set_flags(flags: Sequence[str]) -> None:
    """Flags of `wrasse run` for all runs from now on."""
    _flags[:] = flags


def has_flag(name: str) -> bool:
    """Whether the user gave a flag."""
    return any(one == name or one.startswith(f"{name}=") for one in _flags)


def flag(name: str) -> str | None:
    """The value that the user gave a flag."""
    return next((one.partition("=")[2] for one in _flags if one.startswith(f"{name}=")), None)


def write(dataset: Dataset, path: str, form: str, run_dir: Path) -> None:
    """Runs a dataset into a folder (or file). Raises `ScriptRunFailed`."""
    run_dir.mkdir(parents=True, exist_ok=True)
    recipe = dataset.set(export_path=path, export_type=form).save(run_dir / "script.yaml")
    again = [] if has_flag("--resume") or has_flag("--restart") else ["--restart"]
    process = _start(_command(recipe, run_dir, again))
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # It has felt the same Ctrl-C, and ends in good order.
        process.wait()
        raise
    _check(code, run_dir, "")


def lines(dataset: Dataset, flags: Sequence[str] = ()) -> Generator[bytes, None, None]:
    """Runs a dataset, and gives its rows as lines of JSON while the run goes on.

    `flags` are for where the user gave none of their names. Who closes it ends the run.
    Raises `ScriptRunFailed`.
    """
    with tempfile.TemporaryDirectory(prefix="wrasse-script-") as folder:
        run_dir = Path(folder)
        recipe = dataset.set(export_path="-", export_type="jsonl").save(run_dir / "script.yaml")
        own = ["--quiet", "--no-html", *flags]
        command = _command(recipe, run_dir / "run", own, is_own_place=True)
        with open(run_dir / "messages", "w+b") as messages:
            process = _start(command, stdout=subprocess.PIPE, stderr=messages)
            try:
                assert process.stdout is not None
                yield from process.stdout
                process.wait()
            finally:
                _end(process)
            messages.seek(0)
            text = messages.read().decode(errors="replace").strip()
            _check(process.returncode, run_dir / "run", text)


def rows(dataset: Dataset, most: int | None = None) -> Generator[dict[str, Any], None, None]:
    """The rows of `lines`, the first `most` of them."""
    if most is not None and most <= 0:
        return
    with closing(lines(dataset)) as found:
        for number, line in enumerate(found, 1):
            yield json.loads(line)
            if number == most:
                return


def _command(
    recipe: Path, run_dir: Path, own: list[str], *, is_own_place: bool = False
) -> list[str]:
    program = os.environ.get(PROGRAM) or sys.executable
    command = [program, "-m", "wrasse"] if Path(program).name.startswith("python") else [program]
    given = list(_flags)
    if is_own_place:
        # Nothing that it leaves is kept, so that there is nothing to go on from.
        own_only = ("--run-dir", "--resume", "--restart", "--overwrite", "--results")
        given = [one for one in given if not one.startswith(own_only)]
    # As in the tools that scripts are written for: what fails ends the script.
    own = [*own, f"--run-dir={run_dir}", "--max-rejects=0"]
    names = {one.partition("=")[0] for one in given}
    given += [one for one in own if one.partition("=")[0] not in names]
    return [*command, "run", str(recipe), *given]


def _start(command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
    # Functions run in the Python in which the script does.
    environment = {**os.environ, "WRASSE_PYTHON": sys.executable}
    prctl = ctypes.CDLL(None).prctl

    def ends_with_the_script() -> None:
        prctl(_SIGNAL_OF_PARENTS_DEATH, signal.SIGTERM)

    return subprocess.Popen(command, env=environment, preexec_fn=ends_with_the_script, **streams)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _check(code: int, run_dir: Path, text: str) -> None:
    if code == 0:
        return
    if code in (130, -2):
        raise KeyboardInterrupt
    message = f"the run ended with exit code {code}"
    if text:
        message += f"\n{text}"
    if code == 1 and (cause := _first_reject(run_dir)):
        message += f"\nthe first sample that failed:\n{cause}"
    raise ScriptRunFailed(message)


def _first_reject(run_dir: Path) -> str | None:
    try:
        with open(Path(flag("--run-dir") or run_dir) / "rejects.jsonl", "rb") as rejects:
            first = json.loads(rejects.readline() or b"{}")
    except (OSError, ValueError):
        return None
    cause = first.get("traceback") or first.get("error")
    where = f"{first.get('file')} at {first.get('position')}"
    return f"{cause}\n({where}: {first.get('raw', '')[:200]})" if cause else None
