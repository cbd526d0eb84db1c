"""`find` and `load`: from what a recipe calls an operator to the operator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wrasse.operators import reference as _reference
from wrasse.operators.base import Operator
from wrasse.operators.found import Found


def find(reference: str, *, base: str | os.PathLike[str] | None = None) -> Found:
    """Finds an operator, and imports it, to be described, checked or constructed.

    `reference`: one of the forms that `wrasse.operators.reference` lists. `base`: the
    folder that paths are relative to; the current one by default.

    Raises `LoadError` if it leads to no operator, or if importing it raises something,
    which is the cause; `MissingPackage` if something must be installed first.
    """
    found = _reference.parse(reference, Path(base) if base is not None else Path.cwd())
    # Each with what it needs, when it is needed.
    if found.form == "folder":
        from wrasse.operators.datamate import find_folder

        return find_folder(Path(found.place), found.name)
    if found.form == "data_juicer":
        from wrasse.operators.data_juicer import find_named

        return find_named(found.name, found.place)
    from wrasse.operators.declared import find_in_file, find_in_module, find_in_pickle

    if found.form == "pickle":
        return find_in_pickle(Path(found.place), found.name)
    if found.form == "file":
        return find_in_file(Path(found.place), found.name)
    return find_in_module(found.place, found.name)


def load(
    reference: str,
    params: Mapping[str, Any] | None = None,
    *,
    base: str | os.PathLike[str] | None = None,
) -> Operator:
    """Finds an operator and constructs it; `params` are its parameters, none by default.

    Raises what `find` and `Found.construct` raise.
    """
    return find(reference, base=base).construct(params or {})
