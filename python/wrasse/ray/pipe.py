"""Frames between engine and gateway, as `crates/wrasse-ray/src/protocol.rs` describes them."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import struct
import threading
from typing import Any

FRONT = struct.Struct("<IQ")

# Messages in one frame at the most, so that none waits for long.
FRAME_MESSAGES = 256


class Closed(Exception):
    """The engine has closed the socket."""


class Pipe:
    """Frames in and out."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb", buffering=1 << 16)
        self.out: queue.SimpleQueue[tuple[dict, Any]] = queue.SimpleQueue()
        self.sender = threading.Thread(target=self._send_all, name="say", daemon=True)
        self.sender.start()

    def say(self, message: dict, data: Any = None) -> None:
        """Sends a message soon, with its bytes."""
        self.out.put((message, data))

    def read(self) -> tuple[list[dict], memoryview]:
        """The next frame; raises `Closed` at the end."""
        header, payload = FRONT.unpack(self._exactly(FRONT.size))
        messages = json.loads(self._exactly(header))
        return messages, memoryview(self._exactly(payload))

    def _exactly(self, n: int) -> bytes:
        data = self.file.read(n)
        if len(data) < n:
            raise Closed
        return data

    def _send_all(self) -> None:
        late = None
        with contextlib.suppress(OSError):
            while True:
                message, data = late or self.out.get()
                late = None
                if message is None:
                    return
                if message["ev"] == "data":
                    # Alone: its bytes are neither copied here nor there.
                    self._send([message], [data])
                    continue
                messages, payload = [message], [data] if data else []
                while len(messages) < FRAME_MESSAGES:
                    try:
                        message, data = self.out.get_nowait()
                    except queue.Empty:
                        break
                    if message is None or message["ev"] == "data":
                        late = (message, data)
                        break
                    messages.append(message)
                    if data:
                        payload.append(data)
                self._send(messages, payload)

    def _send(self, messages: list[dict], payload: list[Any]) -> None:
        header = json.dumps(messages, separators=(",", ":")).encode()
        size = sum(len(part) for part in payload)
        front = FRONT.pack(len(header), size) + header
        if size < 1 << 16:
            self.sock.sendall(b"".join([front, *payload]))
            return
        self.sock.sendall(front)
        for part in payload:
            self.sock.sendall(part)

    def end(self) -> None:
        """Sends what is left to say, if the engine still listens."""
        self.out.put((None, None))
        self.sender.join(2)
