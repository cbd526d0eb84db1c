"""Packages that are imported when they are first needed.

A worker that imports only what its operators use starts in a fraction of a
second and holds a fraction of the memory.
"""

from __future__ import annotations

import importlib
from typing import Any

from wrasse.errors import MissingPackage

# What to install, where that is not the name of the module.
_PACKAGES = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "yaml": "PyYAML",
    "unstructured": "unstructured[docx,pptx,xlsx,csv,md,pdf]",
    "data_juicer": "py-data-juicer",
    "docx": "python-docx",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "openslide": "openslide-python openslide-bin",
}


def package_of(module: str) -> str:
    """The name under which `pip` knows a module."""
    root = module.partition(".")[0]
    return _PACKAGES.get(root, root)


def need(module: str, needed_for: str) -> Any:
    """Imports a module, or says what to install.

    Raises `MissingPackage` if it, or the package that it is part of, is
    missing; an error inside of it is raised as it is.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if module == missing or module.startswith(f"{missing}."):
            raise MissingPackage(package_of(module), needed_for) from error
        raise
