"""Operator folders of DataMate, as they are.

A folder has an `__init__.py` that registers a class, usually a `process.py` with
the class, and a `metadata.yml` with its settings. It is imported under the name
that DataMate gives it, `ops.user.<folder>`, and those of its other categories.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from wrasse import compat
from wrasse.compat import hook
from wrasse.errors import LoadError, MissingPackage, WrasseError
from wrasse.operators import metadata as _metadata
from wrasse.operators.base import Operator
from wrasse.operators.datamate_op import adapter_of
from wrasse.operators.declared import import_error
from wrasse.operators.found import Description, Found, summary_of

# Where DataMate has its own operators; a folder does not say which it is from.
_CATEGORIES = ("user", "mapper", "filter", "slicer", "llms", "formatter", "annotation", "examples")


@dataclass(frozen=True, slots=True)
class _Folder:
    package: str
    # What was registered: classes, or paths of modules, by the name of the class.
    entries: dict[str, Any]


_loaded: dict[tuple[str, Path], _Folder] = {}


def find_folder(folder: Path, name: str) -> Found:
    """The operator of a folder; `name` says which, if it registers several.

    Its parameters are its settings, and `is_first_op` and `is_last_op` (both false) for
    one that reads or exports files. Installs DataMate's modules if they are not.
    """
    folder = folder.resolve()
    root = compat.root_module()
    loaded = _import(folder, root)
    about = _metadata.read(folder)
    name = _choose(folder, loaded, name or about.raw_id, is_said=bool(name))
    cls = _class_of(folder, loaded, name)
    return _Class(cls, name, about, folder, importlib.import_module(f"{root}.core.base_op"))


class _Class(Found):
    """A class of an operator folder."""

    def __init__(
        self, cls: Any, name: str, about: _metadata.Metadata, folder: Path, base_op: ModuleType
    ) -> None:
        self.cls = cls
        self.name = name
        self.about = about
        self.folder = folder
        self.adapter = adapter_of(cls, name, base_op)

    @property
    def description(self) -> Description:
        return Description(
            self.name,
            self.adapter.kind,
            self.about.description or summary_of(self.cls),
            self.about.params(),
            effect=self.about.effect,
            runtime=self.about.runtime,
        )

    def check(self, given: Mapping[str, Any]) -> None:
        self.about.kwargs(self.name, given, strict=compat.current().strict)

    def construct(self, given: Mapping[str, Any]) -> Operator:
        kwargs = self.about.kwargs(self.name, given, strict=compat.current().strict)
        try:
            op = self.cls(**kwargs)
        except WrasseError:
            raise
        except (Exception, SystemExit) as error:
            raise _told(self.folder, error, f"`{self.name}` cannot be constructed") from error
        return self.adapter(op, self.name, kwargs)


def _import(folder: Path, root: str) -> _Folder:
    key = root, folder
    if key in _loaded and _loaded[key].package in sys.modules:
        return _loaded[key]
    leaf = re.sub(r"\W", "_", folder.name)
    package = f"{root}.ops.user.{leaf}"
    other = sys.modules.get(package)
    place = None if other is None else Path(str(other.__file__)).parent
    if place is not None and place != folder:
        raise LoadError(
            f"`{folder}` cannot be loaded beside `{place}`: "
            f"both are `ops.user.{leaf}`; rename one of the folders"
        )
    # What lies beside it is imported from there: other operators, and what they share.
    hook.add_place(f"{root}.ops.user", folder.parent)
    for category in _CATEGORIES:
        _alias(f"ops.{category}.{leaf}", package, root)
    registry = importlib.import_module(f"{root}.core.base_op").OPERATORS
    before = dict(registry.modules)
    if other is None:
        _execute(folder, package)
    is_new = {
        name: entry
        for name, entry in registry.modules.items()
        if before.get(name) is not entry or (other is not None and _is_of(entry, package))
    }
    # One that it imports from beside it registers itself, too.
    entries = {name: entry for name, entry in is_new.items() if _is_of(entry, package)} or is_new
    _loaded[key] = _Folder(package, entries)
    return _loaded[key]


def _is_of(entry: Any, package: str) -> bool:
    """Whether a package registered this: a class, or the path of its module."""
    if isinstance(entry, str):
        return f".{package.rpartition('.')[2]}." in f".{entry}."
    return f"{entry.__module__}.".startswith(f"{package}.")


def _execute(folder: Path, package: str) -> None:
    spec = importlib.util.spec_from_file_location(
        package, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise LoadError(f"`{folder}` cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        for name in [one for one in sys.modules if f"{one}.".startswith(f"{package}.")]:
            del sys.modules[name]
        if isinstance(error, Exception | SystemExit):
            raise _told(folder, error, f"`{folder}` cannot be imported") from error
        raise


def _choose(folder: Path, loaded: _Folder, name: str, *, is_said: bool) -> str:
    if not loaded.entries:
        raise LoadError(
            f"`{folder}` registers no operator; its `__init__.py` is to call "
            "`OPERATORS.register_module(module_name=..., module_path=...)`"
        )
    if name in loaded.entries:
        return name
    if len(loaded.entries) == 1 and not is_said:
        return next(iter(loaded.entries))
    names = ", ".join(f"`{one}`" for one in loaded.entries)
    if is_said:
        raise LoadError(f"`{folder}` registers no `{name}`; it registers {names}")
    raise LoadError(f"`{folder}` registers {names}; name one of them, as in `{folder.name}:NAME`")


def _class_of(folder: Path, loaded: _Folder, name: str) -> Any:
    entry = loaded.entries[name]
    if not isinstance(entry, str):
        return entry
    prefix, _, leaf = entry.rpartition(".")
    is_own = (folder / f"{leaf}.py").is_file() or (folder / leaf / "__init__.py").is_file()
    module = f"{loaded.package}.{leaf}" if is_own else entry
    if is_own and prefix.startswith(("ops.", "datamate.ops.")):
        # It may import itself by the name that it says.
        _alias(prefix.removeprefix("datamate."), loaded.package, loaded.package.split(".ops.")[0])
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        raise LoadError(f"`{folder}`: `{entry}` has no class `{name}`") from None
    except (Exception, SystemExit) as error:
        raise _told(folder, error, f"`{entry}` of `{folder}` cannot be imported") from error


def _alias(name: str, package: str, root: str) -> None:
    """Lets `ops.<category>.<folder>` lead to the package, with and without `datamate`."""
    category = name.rpartition(".")[0]
    hook.ensure_package(f"{root}.{category}")
    for prefix in ("", "datamate.", f"{root}."):
        hook.add_alias(f"{prefix}{name}", package)


def _told(folder: Path, error: BaseException, what: str) -> WrasseError:
    told = import_error(f"`{folder.name}`", error)
    requirements = folder / "requirements.txt"
    if isinstance(told, MissingPackage) and requirements.is_file():
        return MissingPackage(
            told.package, f"`{folder.name}` (all it needs: `pip install -r {requirements}`)"
        )
    if isinstance(told, MissingPackage):
        return told
    return LoadError(f"{what}: {type(error).__name__}: {error}")
