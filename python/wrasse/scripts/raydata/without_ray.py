"""`ray` where Ray is not installed: what scripts of Ray Data call besides `ray.data`."""

from __future__ import annotations

from typing import Any

from wrasse.scripts.unsupported import Unsupported

__version__ = "2.60.0"

_started = False


def init(*_args: Any, **_kwargs: Any) -> None:
    """Nothing is started: runs are Wrasse's."""
    global _started
    _started = True


def shutdown(*_args: Any, **_kwargs: Any) -> None:
    """Nothing is ended."""
    global _started
    _started = False


def is_initialized() -> bool:
    """Whether `init` was called."""
    return _started


def __getattr__(name: str) -> Any:
    if name == "data":
        import importlib

        return importlib.import_module("ray.data")
    if name.startswith("__"):
        raise AttributeError(name)
    raise Unsupported(f"`ray.{name}`, as Ray is not installed,", "`pip install ray`")


__path__: list[str] = []
