"""`Registry`: operators by name, imported when they are first needed."""

from __future__ import annotations

import difflib
import importlib
import logging
import re
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_PATH = re.compile(r"[A-Za-z_][\w.]*\Z")


class Registry:
    """Names, each with a class or with the path of the module that has it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._modules: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """What is registered here."""
        return self._name

    @property
    def modules(self) -> dict[str, Any]:
        """All entries: classes, or paths of modules such as `ops.user.pkg.process`."""
        return self._modules

    def list(self) -> None:
        """Logs all names."""
        for name in self._modules:
            _log.info("%s\t%s", self._name, name)

    def get(self, module_key: str) -> Any:
        """The entry as it is, or `None`."""
        return self._modules.get(module_key)

    def load(self, module_key: str) -> Any:
        """The class of a name, imported if it is a path.

        Raises `KeyError` if there is no such name, `ValueError` if name or path are
        not well-formed, `AttributeError` if the module has no such class.
        """
        if module_key not in self._modules:
            close = difflib.get_close_matches(module_key, self._modules, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            raise KeyError(f"`{module_key}` is not in {self._name}{hint}")
        entry = self._modules[module_key]
        if not isinstance(entry, str):
            return entry
        if not _NAME.match(module_key) or not _PATH.match(entry):
            raise ValueError(f"`{module_key}` in `{entry}` is not the name of a class in a module")
        return getattr(importlib.import_module(entry), module_key)

    def register_module(
        self,
        module_name: str | None = None,
        module_cls: type | None = None,
        module_path: str | None = None,
        force: bool = False,
    ) -> Any:
        """Registers a class, or the path of its module; without both, is a decorator.

        The same entry twice is one. Raises `KeyError` if the name has another entry
        and `force` is not set, `TypeError` if the name is not a string.
        """
        if module_name is not None and not isinstance(module_name, str):
            raise TypeError(f"`module_name` is a string or None, not {type(module_name).__name__}")
        if module_cls is not None:
            self._enter(module_name or module_cls.__name__, module_cls, force)
            return module_cls
        if module_path is not None:
            if module_name is None:
                raise TypeError("`module_path` needs a `module_name`")
            self._enter(module_name, module_path, force)
            return module_path
        return self._decorator(module_name, force)

    def _decorator(self, name: str | None, force: bool) -> Callable[[type], type]:
        def register(cls: type) -> type:
            self._enter(name or cls.__name__, cls, force)
            return cls

        return register

    def _enter(self, name: str, entry: Any, force: bool) -> None:
        if name in self._modules and self._modules[name] != entry and not force:
            raise KeyError(f"`{name}` is in {self._name} already, as `{self._modules[name]}`")
        self._modules[name] = entry
