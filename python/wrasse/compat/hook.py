"""The import hook: one module under several names.

A finder in front of all others answers for the aliases and leads each to the
module it stands for, which is imported as usual and then entered under the alias
too. Nothing is executed twice.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from wrasse.compat import settings as _settings
from wrasse.errors import CompatError

_OURS = "wrasse._compat.datamate"

# What `datamate` was called in its first versions.
_FORMER = "data_platform"


class AliasFinder:
    """Knows which names stand for which modules; the longest prefix decides."""

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}

    def real_name(self, name: str) -> str | None:
        """The module that a name stands for."""
        prefix = name
        while prefix:
            if prefix in self.aliases:
                return self.aliases[prefix] + name[len(prefix) :]
            prefix = prefix.rpartition(".")[0]
        return None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for an alias; `None` for all other names."""
        real = self.real_name(fullname)
        if real is None or (real not in sys.modules and not _exists(real)):
            return None
        return ModuleSpec(fullname, _AliasLoader(real))


class _AliasLoader:
    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        # Python overwrites it with the alias's.
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


_finder = AliasFinder()
_root: str | None = None


def install(
    *,
    strict: bool = False,
    prefer_installed: bool = False,
    on_result: _settings.ResultCallback | None = None,
    existing_files: Callable[[str], Iterable[str]] | None = None,
    sql_path: Path | None = None,
) -> str:
    """Offers `datamate`, `core` and `ops`; again, with other settings, as often as you like.

    `prefer_installed`: a real installation of DataMate is used if there is one;
    otherwise, and by default, ours is. A package that has merely the name is never
    taken for it. The rest: see `Settings`.

    Returns the name of the module that `datamate` stands for. Raises `CompatError`
    if another `datamate` was imported before.
    """
    _settings.replace(_settings.Settings(strict, on_result, existing_files, sql_path))
    return _offer(prefer_installed=prefer_installed)


def set_up(settings: _settings.Settings) -> None:
    """Sets how the modules behave, whether they are offered yet or only when needed."""
    _settings.replace(settings)


def _offer(*, prefer_installed: bool) -> str:
    global _root
    root = "datamate" if prefer_installed and _real_is_installed() else _OURS
    if _root is not None:
        if root != _root:
            raise CompatError(f"`datamate` is `{_root}` already and cannot become `{root}`")
        return root
    aliases = {"core": f"{root}.core", "ops": f"{root}.ops"}
    if root == _OURS:
        loaded = sys.modules.get("datamate")
        if loaded is not None:
            raise CompatError(
                f"another `datamate` was imported before, from {_place(loaded)}; "
                "uninstall it, or have it used with `prefer_installed` if it is DataMate"
            )
        aliases["datamate"] = root
        if not _exists(_FORMER):
            aliases[_FORMER] = root
    for alias in ("core", "ops"):
        loaded = sys.modules.get(alias)
        if loaded is not None:
            # It may be a module of the user, which others hold on to.
            warnings.warn(
                f"`{alias}` is {_place(loaded)} and stays it; operators that import DataMate's "
                f"`{alias}` will not find it",
                stacklevel=2,
            )
            del aliases[alias]
    _finder.aliases.update(aliases)
    sys.meta_path.insert(0, _finder)
    _root = root
    return root


def uninstall() -> None:
    """Takes the aliases back. Modules that were imported stay with those who have them."""
    global _root
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in list(sys.modules):
        if _finder.real_name(name) is not None or f"{name}.".startswith(f"{_OURS}."):
            del sys.modules[name]
    _finder.aliases.clear()
    _settings.replace(_settings.Settings())
    _root = None


def is_installed() -> bool:
    """Whether the aliases are offered."""
    return _root is not None


def root_module() -> str:
    """The name of the module that `datamate` stands for; offers ours if none was."""
    return _root if _root is not None else _offer(prefer_installed=False)


def add_place(package: str, folder: Path) -> None:
    """Lets modules of a package be found in one more folder, after the others."""
    ensure_package(package)
    places = sys.modules[package].__path__
    if str(folder) not in places:
        places.append(str(folder))


def add_alias(alias: str, real: str) -> None:
    """Lets one more name stand for a module; names that are taken stay as they are."""
    if alias != real:
        _finder.aliases.setdefault(alias, real)


def ensure_package(name: str) -> None:
    """Makes an empty package if there is none of this name, and its parents."""
    if name in sys.modules or _exists(name):
        importlib.import_module(name)
        return
    parent, _, child = name.rpartition(".")
    module = ModuleType(name, "A place for operators.")
    module.__path__ = []
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    sys.modules[name] = module
    if parent:
        ensure_package(parent)
        setattr(sys.modules[parent], child, module)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def _real_is_installed() -> bool:
    loaded: Any = sys.modules.get("datamate")
    if loaded is not None:
        places = list(getattr(loaded, "__path__", []))
    else:
        spec = PathFinder.find_spec("datamate")
        places = list(spec.submodule_search_locations or []) if spec else []
    return any(Path(place, "core", "base_op.py").is_file() for place in places)


def _place(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or f"a module without a file (`{module.__name__}`)"
