"""The import hook: `ray.data` and `datatrove.executor` for as long as a script runs.

Nothing on disk is changed. A finder in front of all others answers for `ray.data`, and has
the executors of datatrove launch their tasks here once they are imported; all else of both
packages is what is installed. Where Ray is not, a `ray` with `init`, `shutdown` and `data`
stands in.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from wrasse.scripts.unsupported import Unsupported

_ANSWER = "wrasse.scripts.raydata.api"
_STANDS_IN_FOR_RAY = "wrasse.scripts.raydata.without_ray"


class Finder:
    """Answers for what scripts import of other tools."""

    def __init__(self) -> None:
        self.undo: list[Callable[[], None]] = []

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the names that are answered here; `None` for all others."""
        if name == "ray" and importlib.machinery.PathFinder.find_spec("ray") is None:
            return importlib.machinery.ModuleSpec(name, _Loader(_STANDS_IN_FOR_RAY))
        if name == "datatrove.executor":
            return self._patched(importlib.machinery.PathFinder.find_spec(name, path))
        if name in ("ray.data", "ray.data.context", "ray.data.dataset", "ray.data.datasource"):
            return importlib.machinery.ModuleSpec(name, _Loader(_ANSWER))
        if name.startswith("ray.data."):
            raise Unsupported(f"the module `{name}`", "use what `ray.data` itself has")
        return None

    def _patched(
        self, spec: importlib.machinery.ModuleSpec | None
    ) -> importlib.machinery.ModuleSpec | None:
        """The same module, whose executors launch their tasks here."""
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            from wrasse.scripts import datatrove

            self.undo.append(datatrove.patch(module))

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _Loader(importlib.abc.Loader):
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
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for undo in finder.undo:
            undo()
        for name in [one for one in sys.modules if _is_answered(one)]:
            del sys.modules[name]
        sys.modules.update(before)
        # `import ray.data` enters it into its package, too.
        if "ray" in sys.modules:
            entered = vars(sys.modules["ray"])
            entered.pop("data", None)
            if "ray.data" in before:
                entered["data"] = before["ray.data"]


def _is_answered(name: str) -> bool:
    is_ours = name == "ray.data" or name.startswith("ray.data.")
    stands_in = name == "ray" and sys.modules[name].__name__ == _STANDS_IN_FOR_RAY
    return is_ours or stands_in
