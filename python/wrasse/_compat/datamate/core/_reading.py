"""Reading files into samples, by their type.

Types are extensions without a dot. Packages for documents and images are imported
when the first file needs them.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from pathlib import Path

from wrasse.lazy import need

DOCUMENTS = frozenset({"ppt", "pptx", "docx", "doc", "xlsx", "csv", "md", "pdf"})
TEXTS = frozenset({"txt", "markdown", "xml", "html", "json", "jsonl"})
IMAGES = frozenset({"jpg", "jpeg", "png", "bmp"})


class UnsupportedType(ValueError):
    """A file of a type that cannot be read or exported."""


def plain_type(file_type: str) -> str:
    """The extension that a type stands for: `text/plain` and `.TXT` are `txt`."""
    if "/" in file_type:
        file_type = mimetypes.guess_extension(file_type, strict=False) or file_type
    return file_type.removeprefix(".").lower()


def reader(file_type: str) -> Callable[[str, str], tuple[str, bytes]] | None:
    """The function of path and type that gives text and data, or `None`."""
    if file_type in DOCUMENTS:
        return _document
    if file_type in TEXTS:
        return _text
    return _image if file_type in IMAGES else None


def _document(path: str, _: str) -> tuple[str, bytes]:
    partition = need("unstructured.partition.auto", f"reading `{Path(path).name}`").partition
    return "\n\n".join(str(element) for element in partition(filename=path)), b""


def _text(path: str, _: str) -> tuple[str, bytes]:
    return Path(path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n"), b""


def _image(path: str, file_type: str) -> tuple[str, bytes]:
    # Decoded and encoded again, as operators are used to it.
    what = f"reading `{Path(path).name}`"
    cv2, numpy = need("cv2", what), need("numpy", what)
    image = cv2.imdecode(numpy.fromfile(path, dtype=numpy.uint8), -1)
    if image is None or not image.size:
        raise ValueError(f"`{path}` is not an image that can be decoded")
    return "", cv2.imencode(f".{file_type}", image)[1].tobytes()
