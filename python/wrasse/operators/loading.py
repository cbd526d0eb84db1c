"""`load`: from what a recipe calls an operator to an operator that can be applied."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wrasse.operators import reference as _reference
from wrasse.operators.base import Operator


def load(
    reference: str,
    params: Mapping[str, Any] | None = None,
    *,
    base: str | os.PathLike[str] | None = None,
) -> Operator:
    """Finds an operator and constructs it.

    `reference`: one of the forms that `wrasse.operators.reference` lists.
    `params`: its parameters; none by default. `base`: the folder that paths are
    relative to; the current one by default.

    Raises `LoadError` if it leads to no operator, `ParameterError` if parameters
    are wrong, `MissingPackage` if something must be installed first. Whatever the
    operator's own code raises when it is imported or constructed is the cause of
    a `LoadError`.
    """
    given = dict(params or {})
    found = _reference.parse(reference, Path(base) if base is not None else Path.cwd())
    # Each with what it needs, when it is needed.
    if found.form == "folder":
        from wrasse.operators.datamate import load_folder

        return load_folder(Path(found.place), found.name, given)
    if found.form == "data_juicer":
        from wrasse.operators.data_juicer import load_named

        return load_named(found.name, given)
    from wrasse.operators.declared import load_file, load_module

    if found.form == "file":
        return load_file(Path(found.place), found.name, given)
    return load_module(found.place, found.name, given)
