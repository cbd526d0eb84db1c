"""Operators that were written for this package: classes and decorated functions."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from wrasse import params as _params
from wrasse.errors import LoadError, MissingPackage, WrasseError
from wrasse.functions import OperatorFunction
from wrasse.lazy import package_of
from wrasse.operators.base import Operator
from wrasse.operators.found import Description, Found, summary_of
from wrasse.sdk import Declared


def find_in_file(path: Path, name: str) -> Found:
    """An operator of a file; without a name, the only one that the file defines."""
    module = import_file(path)
    if name:
        return _found(_named(module, name, str(path)), name)
    own = {
        one: value
        for one, value in vars(module).items()
        if _is_operator(value) and getattr(value, "__module__", "") == module.__name__
    }
    if len(own) == 1:
        ((name, value),) = own.items()
        return _found(value, name)
    if not own:
        raise LoadError(
            f"`{path}` defines no operator: no subclass of `wrasse.Mapper`, `Filter`, `Slicer` or "
            "`LLM`, and no function with `@wrasse.mapper`, `@wrasse.filter` or `@wrasse.slicer`"
        )
    names = ", ".join(f"`{one}`" for one in own)
    raise LoadError(f"`{path}` defines {names}; name one of them, as in `{path.name}:{min(own)}`")


def find_in_module(module: str, name: str) -> Found:
    """An operator of a module that can be imported."""
    try:
        imported = importlib.import_module(module)
    except Exception as error:
        raise import_error(f"the module `{module}`", error) from error
    return _found(_named(imported, name, module), name)


def find_in_pickle(path: Path, name: str) -> Found:
    """An operator that was written by value."""
    from wrasse import _pickled

    return _found(_pickled.load(path, name), name)


def import_file(path: Path) -> ModuleType:
    """Imports a file as a module; again the same one if it was imported before.

    Its own folder is searched for what it imports, as if it were a program.
    """
    path = path.resolve()
    # Two files of one name are two modules.
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    name = f"_wrasse_{digest}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"`{path}` is not a Python file")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, Exception | SystemExit):
            raise import_error(f"`{path}`", error) from error
        raise
    return module


def _found(found: Any, name: str) -> Found:
    if isinstance(found, OperatorFunction):
        return _Function(found)
    if inspect.isclass(found) and issubclass(found, Declared):
        return _Class(found, name)
    raise LoadError(
        f"`{name}` is {_what(found)}; derive it from `wrasse.Mapper`, `Filter`, `Slicer` or `LLM`, "
        "or decorate the function with `@wrasse.mapper`, `@wrasse.filter` or `@wrasse.slicer`"
    )


class _Function(Found):
    """A decorated function."""

    def __init__(self, function: OperatorFunction) -> None:
        self.function = function

    @property
    def description(self) -> Description:
        return Description(
            self.function.function.__name__,
            self.function.base.kind,
            summary_of(self.function.function),
            tuple(self.function.declared()),
            self.function.batch,
        )

    def check(self, given: Mapping[str, Any]) -> None:
        _params.check(self.function.function.__name__, self.function.declared(), given)

    def construct(self, given: Mapping[str, Any]) -> Operator:
        return self.function.bind(**given)


class _Class(Found):
    """A class of an operator."""

    def __init__(self, cls: type[Declared], name: str) -> None:
        self.cls = cls
        self.name = name

    @property
    def description(self) -> Description:
        return Description(
            self.name,
            self.cls.kind,
            summary_of(self.cls),
            tuple(self.cls.declared()),
            self.cls._has(self.cls._batch_form),
        )

    def check(self, given: Mapping[str, Any]) -> None:
        _params.check(self.name, self.cls.declared(), given)

    def construct(self, given: Mapping[str, Any]) -> Operator:
        values = _params.check(self.name, self.cls.declared(), given)
        try:
            # Its own constructor knows its defaults; ours takes what was given.
            return self.cls(**{one: values[one] for one in given})
        except WrasseError:
            raise
        except (Exception, SystemExit) as error:
            raise LoadError(
                f"`{self.name}` cannot be constructed: {type(error).__name__}: {error}"
            ) from error


def import_error(what: str, error: BaseException) -> WrasseError:
    """What to say when something cannot be imported: what to install, or what it raised."""
    if isinstance(error, WrasseError):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name:
        return MissingPackage(package_of(error.name), what)
    return LoadError(f"{what} cannot be imported: {type(error).__name__}: {error}")


def _named(module: ModuleType, name: str, place: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        names = [f"`{one}`" for one, value in vars(module).items() if _is_operator(value)]
        there = f"; there is {', '.join(names)}" if names else ""
        raise LoadError(f"`{place}` has no `{name}`{there}") from None


def _is_operator(value: Any) -> bool:
    if isinstance(value, OperatorFunction):
        return True
    is_class = inspect.isclass(value) and issubclass(value, Declared)
    return is_class and not value.__module__.startswith("wrasse.")


def _what(value: Any) -> str:
    if inspect.isclass(value):
        return "a class of its own"
    return "a plain function" if callable(value) else f"a `{type(value).__name__}`"
