"""What code opens, connects to and starts, by Python's audit events.

An audit hook cannot be taken away, so there is one, installed when it is first
needed, that tells whoever is watching. It sees what goes through Python: a library
in C that opens files by itself is not seen.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
# Events that change files, with the positions of their paths.
_CHANGES = {
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.link": (0, 1),
    "os.symlink": (0, 1),
    "shutil.rmtree": (0,),
}
_STARTS = {"subprocess.Popen": 1, "os.system": 0, "os.exec": 1, "os.posix_spawn": 1}


@dataclass
class Access:
    """What was done, each with how often. Paths are absolute."""

    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    connects: Counter[str] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """By kind; in the order of names, without kinds of which there is nothing."""
        kinds = {
            "reads": self.reads,
            "writes": self.writes,
            "connects": self.connects,
            "starts": self.starts,
        }
        return {kind: dict(sorted(found.items())) for kind, found in kinds.items() if found}


_watching: list[tuple[Access, tuple[str, ...]]] = []
_is_installed = False


@contextmanager
def watched(*passed_over: Path) -> Iterator[Access]:
    """Tells what is done within the block, but for files below these folders.

    What Python itself and installed packages consist of is passed over, too.
    """
    global _is_installed
    if not _is_installed:
        sys.addaudithook(_hook)
        _is_installed = True
    access = Access()
    entry = (access, (*_own_folders(), *(f"{path}{os.sep}" for path in passed_over)))
    _watching.append(entry)
    try:
        yield access
    finally:
        _watching.remove(entry)


def _own_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages(), "/dev", "/proc", "/sys"]
    folders.append(str(Path(__file__).parents[1]))
    return tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in dict.fromkeys(folders))


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _watching:
        return
    # It must never raise: that would be raised by what is looked at.
    try:
        _note(event, args)
    except Exception:  # noqa: BLE001, S110
        pass


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = args
        if isinstance(path, str | bytes | os.PathLike):
            is_write = bool((flags or 0) & _WRITES) or bool(set(mode or "") & set("wax+"))
            _note_path(path, is_write=is_write)
    elif event in _CHANGES:
        for position in _CHANGES[event]:
            _note_path(args[position], is_write=True)
    elif event in ("socket.connect", "socket.sendto"):
        _count("connects", _address(args[1]))
    elif event == "socket.getaddrinfo":
        _count("connects", f"{args[0]}:{args[1]}")
    elif event in _STARTS:
        command = args[_STARTS[event]]
        if isinstance(command, list | tuple):
            command = " ".join(os.fsdecode(part) for part in command)
        _count("starts", os.fsdecode(command))


def _note_path(path: Any, *, is_write: bool) -> None:
    full = os.path.realpath(os.fsdecode(path))
    for access, passed_over in _watching:
        folder = f"{full}{os.sep}"
        if is_write and full.endswith(".pyc") or f"{os.sep}__pycache__{os.sep}" in folder:
            continue
        if not folder.startswith(passed_over):
            (access.writes if is_write else access.reads)[full] += 1


def _count(kind: str, what: str) -> None:
    for access, _ in _watching:
        getattr(access, kind)[what] += 1


def _address(address: Any) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address) if isinstance(address, str | bytes) else str(address)
