"""`CustomImporter`: makes the contents of a folder modules of the top level."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class CustomImporter(MetaPathFinder):
    """A finder for `sys.meta_path` that looks into `base_path`."""

    def __init__(self, base_path: str | Path) -> None:
        self.base_path = Path(base_path).resolve()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a file `a/b.py` or package `a/b` for the name `a.b`."""
        place = self.base_path.joinpath(*fullname.split("."))
        file, package = place.with_name(f"{place.name}.py"), place / "__init__.py"
        if file.is_file():
            return importlib.util.spec_from_file_location(fullname, file)
        if package.is_file():
            return importlib.util.spec_from_file_location(
                fullname, package, submodule_search_locations=[str(place)]
            )
        return None
