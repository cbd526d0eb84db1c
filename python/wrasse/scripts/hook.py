"""The import hook: `ray.data` and `datatrove.executor` for as long as a script runs.

Nothing on disk is changed. A finder in front of all others answers for these names; all
else of both packages is what is installed. Where Ray is not, a `ray` with `init`,
`shutdown` and `data` stands in.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from wrasse.scripts.unsupported import Unsupported

# Which module answers for which name.
_ANSWERS = {
    "ray.data": "wrasse.scripts.raydata.api",
    "datatrove.executor": "wrasse.scripts.datatrove",
}
_STANDS_IN_FOR_RAY = "wrasse.scripts.raydata.without_ray"


class Finder:
    """Answers for what scripts import of other tools."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the names that are answered here; `None` for all others."""
        if name == "ray" and importlib.machinery.PathFinder.find_spec("ray") is None:
            return importlib.machinery.ModuleSpec(name, _Loader(_STANDS_IN_FOR_RAY))
        if name in _ANSWERS:
            return importlib.machinery.ModuleSpec(name, _Loader(_ANSWERS[name]))
        if name.startswith("datatrove.executor."):
            return importlib.machinery.ModuleSpec(name, _Loader(_ANSWERS["datatrove.executor"]))
        if name in ("ray.data.context", "ray.data.dataset", "ray.data.datasource"):
            return importlib.machinery.ModuleSpec(name, _Loader(_ANSWERS["ray.data"]))
        if name.startswith("ray.data."):
            raise Unsupported(f"the module `{name}`", "use what `ray.data` itself has")
        return None


class _Loader:
    """Enters a module that is there under another name."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: importlib.machinery.ModuleSpec | None = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        # Python overwrites it with the other name's.
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


@contextmanager
def answering() -> Iterator[None]:
    """Answers within the block; what was imported before it is as it was after it."""
    before = {name: module for name, module in sys.modules.items() if _is_answered(name)}
    for name in before:
        del sys.modules[name]
    finder = Finder()
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]
        for name in [one for one in sys.modules if _is_answered(one)]:
            del sys.modules[name]
        sys.modules.update(before)
        for name in _ANSWERS:
            package, _, own = name.rpartition(".")
            parent = sys.modules.get(package)
            if name in before:
                setattr(parent, own, before[name])
            elif parent is not None and own in vars(parent):
                delattr(parent, own)


def _is_answered(name: str) -> bool:
    is_ours = any(name == one or name.startswith(f"{one}.") for one in _ANSWERS)
    stands_in = name == "ray" and sys.modules[name].__name__ == _STANDS_IN_FOR_RAY
    return is_ours or stands_in
