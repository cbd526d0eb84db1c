"""Objects that the engine reads where they lie: in this process's memory.

The socket would copy each byte into the system and out of it. Whether the engine can look
into this process it finds out by a token, of which it is told where that lies.
"""

from __future__ import annotations

import ctypes
import os
import secrets
from typing import Any


class Buffer(ctypes.Structure):
    """`Py_buffer`, of the stable interface of Python."""

    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    ]


def address(data: memoryview) -> int:
    """Where bytes lie, as long as somebody has `data`."""
    view = Buffer()
    python = ctypes.pythonapi
    python.PyObject_GetBuffer(ctypes.py_object(data), ctypes.byref(view), 0)
    try:
        return view.buf or 0
    finally:
        python.PyBuffer_Release(ctypes.byref(view))


class Lent:
    """What the engine is reading, by its numbers."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16).encode()
        self.data: dict[int, memoryview] = {}

    def probe(self) -> dict[str, Any]:
        """By what the engine knows that it looks into this process."""
        at = address(memoryview(self.token))
        return {"pid": os.getpid(), "at": at, "token": self.token.decode()}

    def lend(self, number: int, data: memoryview) -> int:
        """Keeps bytes until they were read; where they lie."""
        self.data[number] = data
        return address(data)

    def taken(self, number: int) -> None:
        """They were read."""
        self.data.pop(number, None)
