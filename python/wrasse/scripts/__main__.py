"""`python -m wrasse.scripts [flags of a run] FILE.py [args...]`."""

from __future__ import annotations

import os
import runpy
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import wrasse
from wrasse.errors import WrasseError
from wrasse.scripts import engine, hook
from wrasse.scripts.unsupported import Unsupported

FLAGS = "WRASSE_SCRIPT_FLAGS"
"""The variable with flags for all scripts."""

_VALUES = (
    "--threads -j --memory --gpus --npus --max-rejects --run-dir --backend --results --report "
    "--ray-address --ray-object-store --ray-python --ray-task-bytes --ray-gate-bytes "
    "--metrics-addr --no-progress-timeout"
).split()
_SWITCHES = (
    "--resume --restart --overwrite --trace-dropped --quiet -q --verbose -v --no-html "
    "--ray-shared-paths --ray-ship"
).split()

_USAGE = f"""usage: wrasse script [--python FILE] [flags of a run] FILE.py [args...]

Runs a script of Ray Data or datatrove, unmodified. Flags come before the script's name, or
from ${FLAGS}: {" ".join(_VALUES + _SWITCHES)}"""


def parse(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags, each with its value in one word, and the rest: the script and its words.

    Raises `ValueError` with what is wrong.
    """
    flags: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in _SWITCHES and not equals:
            flags.append(name)
        elif name in _VALUES:
            if not equals and not rest:
                raise ValueError(f"`{name}` needs a value")
            flags.append(
                f"{'--threads' if name == '-j' else name}={value if equals else rest.pop(0)}"
            )
        elif name == "--python":
            raise ValueError("`--python` comes before other flags")
        else:
            raise ValueError(f"`{word}` is no flag of a script's runs; its own follow its name")
    return flags, rest


def run(file: str, args: Sequence[str]) -> None:
    """Runs a file as `__main__`, as Python would."""
    before = sys.argv, list(sys.path)
    sys.argv = [file, *args]
    sys.path[0] = str(Path(file).resolve().parent)
    try:
        with hook.answering():
            runpy.run_path(file, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = before


def main(words: Sequence[str]) -> int:
    """Runs the script; returns the exit code."""
    _forget_package_path()
    if words and words[0] in ("-h", "--help"):
        print(_USAGE)
        return 0
    try:
        from_environment, rest = parse(shlex.split(os.environ.get(FLAGS, "")))
        if rest:
            raise ValueError(f"${FLAGS} holds `{rest[0]}`, which is no flag")
        flags, rest = parse(words)
        if not rest:
            raise ValueError("name a script")
        if not Path(rest[0]).is_file():
            raise ValueError(f"there is no file `{rest[0]}`")
    except ValueError as error:
        print(f"error: {error}\nhint: `wrasse script --help` tells how", file=sys.stderr)
        return 2
    engine.set_flags([*from_environment, *flags])
    try:
        run(rest[0], rest[1:])
    except WrasseError as error:
        # What it says is all there is to say: the frames are ours.
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, Unsupported) else 3
    return 0


def _forget_package_path() -> None:
    """What the script starts finds modules as if it had been started by itself."""
    own = str(Path(wrasse.__file__).resolve().parents[1])
    first, _, rest = os.environ.get("PYTHONPATH", "").partition(os.pathsep)
    if engine.PROGRAM in os.environ and first and os.path.realpath(first) == own:
        os.environ["PYTHONPATH"] = rest
        if not rest:
            del os.environ["PYTHONPATH"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
