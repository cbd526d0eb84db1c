"""Workers of Ray that do as a test wishes, so that no test is a race: they take their time
over what they give out, and die where they are told to."""

from __future__ import annotations

import shutil
from pathlib import Path

# Added to the module of the workers. A wish is a file, and its name says it.
OBEDIENT = """

import signal as _signal
import time as _time

_WISHES = {folder!r}
_run, _stream, _write = run, stream, write


def run(setup, spec, *sources):
    _pause()
    outputs = _run(setup, spec, *sources)
    _die_of(outputs[1])
    _die()
    return outputs


def stream(setup, spec, *sources):
    for at, output in enumerate(_stream(setup, spec, *sources)):
        if at % 2 == 0:
            _pause()
        _die_of(output)
        yield output
        if at == 1:
            _die()


def write(setup, spec, *sources):
    _pause()
    done = _write(setup, spec, *sources)
    _die()
    return done


def _pause():
    for wish in os.listdir(_WISHES):
        if wish.startswith("pause "):
            _time.sleep(float(wish.removeprefix("pause ")))


def _die_of(output):
    for wish in os.listdir(_WISHES):
        if wish.startswith("die of ") and isinstance(output, Packed):
            if wish.removeprefix("die of ").encode() in bytes(output.data):
                os.kill(os.getpid(), _signal.SIGKILL)


def _die():
    import ray

    name = ray.get_runtime_context().get_task_name()
    for wish in os.listdir(_WISHES):
        if wish.startswith("die at ") and wish.partition(": ")[2] in name:
            with contextlib.suppress(FileNotFoundError):
                # One of those that see it.
                os.rename(os.path.join(_WISHES, wish), os.path.join(_WISHES, "was " + wish))
                os.kill(os.getpid(), _signal.SIGKILL)
"""


class Brake:
    """A package whose workers obey, and what they are to do."""

    def __init__(self, installed: Path, folder: Path) -> None:
        self.package = folder / "package"
        self.wishes = folder / "wishes"
        self.wishes.mkdir()
        # Links are followed: what is changed below is a copy.
        shutil.copytree(installed, self.package)
        worker = self.package / "wrasse" / "ray" / "worker.py"
        worker.write_text(worker.read_text() + OBEDIENT.format(folder=str(self.wishes)))

    def pause(self, seconds: float) -> None:
        """Has each object that comes out of a task come so much later."""
        (self.wishes / f"pause {seconds}").touch()

    def die(self, task: str, times: int = 1) -> None:
        """Has so many workers die that have just made (the first of) what a task with this in
        its name gives."""
        for time in range(times):
            (self.wishes / f"die at {time}: {task}").touch()

    def die_of(self, text: str) -> None:
        """Has each worker die that has made something with this in it."""
        (self.wishes / f"die of {text}").touch()

    def left(self) -> list[str]:
        """The tasks at which nobody has died yet."""
        wishes = (path.name for path in self.wishes.glob("die at *"))
        return sorted(wish.partition(": ")[2] for wish in wishes)

    def release(self) -> None:
        """Forgets all wishes."""
        for path in self.wishes.iterdir():
            path.unlink()
