"""What a recipe calls an operator, and where that leads.

| reference | leads to |
|---|---|
| `path/to/file.py:Name` | a class or decorated function in a file |
| `path/to/file.py` | the only one in it |
| `path/to/file.pickle:name` | a function or class that `Dataset` wrote by value |
| `package.module:Name` | a class or decorated function in a module |
| `path/to/folder`, `path/to/folder:Name` | an operator folder of DataMate |
| `data_juicer:name` | an operator of Data-Juicer |
| `data_juicer:path:name` | one that a file or package registers with Data-Juicer |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wrasse.errors import LoadError

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, taken apart. `name` is empty if it was not said."""

    form: Literal["file", "pickle", "module", "folder", "data_juicer"]
    place: str
    name: str


def parse(reference: str, base: Path) -> Reference:
    """Takes a reference apart; paths are relative to `base`.

    Raises `LoadError` if it has none of the forms, or names no file or folder
    that is there.
    """
    place, colon, name = reference.rpartition(":")
    if not colon or not _NAME.match(name):
        place, name = reference, ""
    if place == "data_juicer" and name:
        return Reference("data_juicer", "", name)
    if place.startswith("data_juicer:") and name:
        custom = base / Path(place.removeprefix("data_juicer:")).expanduser()
        return Reference("data_juicer", str(custom), name)
    path = base / Path(place).expanduser()
    if place.endswith(".py"):
        if not path.is_file():
            raise LoadError(f"`{reference}`: there is no file `{path}`")
        return Reference("file", str(path), name)
    if place.endswith(".pickle"):
        if not path.is_file():
            raise LoadError(f"`{reference}`: there is no file `{path}`")
        if not name:
            raise LoadError(f"`{reference}`: name one of its functions, as in `{place}:name`")
        return Reference("pickle", str(path), name)
    if (path / "__init__.py").is_file() and (name == "" or "/" in place or not _is_module(place)):
        return Reference("folder", str(path), name)
    if name and _is_module(place):
        return Reference("module", place, name)
    if path.is_dir():
        raise LoadError(f"`{reference}`: the folder `{path}` has no `__init__.py`")
    raise LoadError(
        f"`{reference}` is no operator: expected `path/to/file.py:Name`, `package.module:Name`, "
        "a folder with `__init__.py`, or `data_juicer:name`"
    )


def _is_module(place: str) -> bool:
    return _MODULE.match(place) is not None
