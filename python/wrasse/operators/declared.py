"""Operators that were written for this package: classes and decorated functions."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from wrasse import params as _params
from wrasse.errors import LoadError, MissingPackage, WrasseError
from wrasse.functions import OperatorFunction
from wrasse.lazy import package_of
from wrasse.operators.base import Operator
from wrasse.sdk import Declared


def load_file(path: Path, name: str, given: dict[str, Any]) -> Operator:
    """An operator of a file; without a name, the only one that the file defines."""
    module = import_file(path)
    if name:
        return construct(_named(module, name, str(path)), name, given)
    own = {
        one: value
        for one, value in vars(module).items()
        if _is_operator(value) and getattr(value, "__module__", "") == module.__name__
    }
    if len(own) == 1:
        ((name, value),) = own.items()
        return construct(value, name, given)
    if not own:
        raise LoadError(
            f"`{path}` defines no operator: no subclass of `wrasse.Mapper`, `Filter`, `Slicer` or "
            "`LLM`, and no function with `@wrasse.mapper`, `@wrasse.filter` or `@wrasse.slicer`"
        )
    names = ", ".join(f"`{one}`" for one in own)
    raise LoadError(f"`{path}` defines {names}; name one of them, as in `{path.name}:{min(own)}`")


def load_module(module: str, name: str, given: dict[str, Any]) -> Operator:
    """An operator of a module that can be imported."""
    try:
        imported = importlib.import_module(module)
    except Exception as error:
        raise import_error(f"the module `{module}`", error) from error
    return construct(_named(imported, name, module), name, given)


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


def construct(found: Any, name: str, given: dict[str, Any]) -> Operator:
    """The operator of a class or decorated function, with parameters."""
    try:
        if isinstance(found, OperatorFunction):
            return found.bind(**given)
        if inspect.isclass(found) and issubclass(found, Declared):
            declared = found.declared()
            values = _params.check(name, declared, given)
            # Its own constructor knows its defaults; ours takes what was given.
            return found(**{one: values[one] for one in given})
    except WrasseError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadError(
            f"`{name}` cannot be constructed: {type(error).__name__}: {error}"
        ) from error
    raise LoadError(
        f"`{name}` is {_what(found)}; derive it from `wrasse.Mapper`, `Filter`, `Slicer` or `LLM`, "
        "or decorate the function with `@wrasse.mapper`, `@wrasse.filter` or `@wrasse.slicer`"
    )


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
