"""Images and objects as bytes, and back.

Images are arrays of NumPy of shape height, width, 3 with the colors blue, green,
red, as OpenCV has them; it is used if it is installed, else Pillow.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import pickle
from typing import TYPE_CHECKING, Any

from wrasse.lazy import need

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

_WHAT = "an operator on images"


def bytes_to_numpy(image_bytes: bytes) -> np.ndarray[Any, Any]:
    """The image of an encoded file; an alpha channel is left out.

    With OpenCV, what is no image gives `None`, as in the original; with Pillow it
    raises `PIL.UnidentifiedImageError`.
    """
    numpy = need("numpy", _WHAT)
    if _has_opencv():
        cv2 = need("cv2", _WHAT)
        encoded = numpy.frombuffer(image_bytes, dtype=numpy.uint8)
        decoded: np.ndarray[Any, Any] = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        return decoded
    turned = need("PIL.ImageOps", _WHAT).exif_transpose(bytes_to_pil(image_bytes))
    # Red, green, blue, the other way round.
    array: np.ndarray[Any, Any] = numpy.ascontiguousarray(
        numpy.asarray(turned.convert("RGB"))[..., ::-1]
    )
    return array


def numpy_to_bytes(image_np: np.ndarray[Any, Any], file_type: str) -> bytes:
    """An encoded file of an image; `file_type` with its dot (`.png`). No pixels give `b""`."""
    if not image_np.size:
        return b""
    if _has_opencv():
        return bytes(need("cv2", _WHAT).imencode(file_type, image_np)[1].tobytes())
    image_module = need("PIL.Image", _WHAT)
    colors = image_np[..., ::-1] if image_np.ndim == 3 else image_np
    image = image_module.fromarray(need("numpy", _WHAT).ascontiguousarray(colors))
    image_format = image_module.registered_extensions().get(file_type.lower())
    if image_format is None:
        raise ValueError(f"`{file_type}` is no type of images; write it with its dot, as in `.png`")
    # OpenCV's quality; Pillow's own is 75.
    options = {"quality": 95} if image_format == "JPEG" else {}
    buffer = io.BytesIO()
    image.save(buffer, format=image_format, **options)
    return buffer.getvalue()


def pil_to_bytes(src: Image) -> bytes:
    """An image of Pillow as a PNG file, in RGB."""
    buffer = io.BytesIO()
    src.convert("RGB").save(buffer, format="PNG")
    return buffer.getvalue()


def bytes_to_pil(src: bytes) -> Image:
    """An image of Pillow, decoded."""
    image: Image = need("PIL.Image", _WHAT).open(io.BytesIO(src))
    image.load()
    return image


def pil_to_base64(src: Image) -> bytes:
    """An image of Pillow as a PNG file in base64."""
    buffer = io.BytesIO()
    src.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue())


def obj_to_bytes(src: object) -> bytes:
    """Any object, pickled."""
    return pickle.dumps(src)


def bytes_to_obj(src: bytes) -> Any:
    """The object of `obj_to_bytes`. Only for bytes of your own: unpickling runs code."""
    return pickle.loads(src)


def _has_opencv() -> bool:
    return importlib.util.find_spec("cv2") is not None
