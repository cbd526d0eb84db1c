"""Messages between engine and worker: JSON, each behind its length.

The length is a 32-bit unsigned integer, little-endian. A message without `version`
belongs to the version that both sides named at the start.

| from | message | what it says |
|---|---|---|
| worker | `hello` | its version, its Python |
| engine | `start` | the operators, the files, the limits |
| worker | `ready` or `refused` | whether the operators could be constructed |
| engine | `batch` | rows lie in a file; where each column is |
| worker | `done` | what became of them; where the changed columns are; what operators told |

The engine ends a worker by closing the socket.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

VERSION = 3
"""The version of the protocol; both sides must have the same."""

_LENGTH = struct.Struct("<I")


class Channel:
    """A socket that carries messages."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message; raises `OSError` if the engine is gone."""
        body = json.dumps(message, ensure_ascii=False, default=str).encode(
            "utf-8", "backslashreplace"
        )
        self._socket.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> dict[str, Any] | None:
        """The next message; `None` at the end."""
        head = self._exactly(_LENGTH.size)
        if head is None:
            return None
        body = self._exactly(_LENGTH.unpack(head)[0])
        if body is None:
            return None
        message: dict[str, Any] = json.loads(body)
        return message

    def _exactly(self, n: int) -> bytes | None:
        parts: list[bytes] = []
        while n:
            part = self._socket.recv(min(n, 1 << 20))
            if not part:
                return None
            parts.append(part)
            n -= len(part)
        return b"".join(parts)
