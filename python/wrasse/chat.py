"""A client for chat completions as OpenAI's API has them: one question, one answer.

Only the standard library; safe to use from several threads at once.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wrasse.errors import WrasseError

# Answers that a later attempt may better: timeouts, too many requests, overload.
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
# A server that asks for more patience than this is not waited for.
_WAIT_SECONDS_MAX = 60.0
# An answer is text for a row; more than this is a mistake, or an attack on memory.
_ANSWER_BYTES_MAX = 64 << 20


class ChatError(WrasseError):
    """The service did not answer, or not with an answer. `status`: of HTTP, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    def __reduce__(self) -> tuple[type[ChatError], tuple[str, int | None]]:
        return type(self), (str(self), self.status)


@dataclass
class ChatClient:
    """Where to ask, and how patiently.

    `timeout_s`: for each attempt. `attempts`: at most this many, with growing
    pauses between them, or those that the server asks for (60 s at the most).
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 120.0
    attempts: int = 4
    context: ssl.SSLContext | None = None
    handlers: tuple[urllib.request.BaseHandler, ...] = ()
    sleep: Callable[[float], None] = time.sleep

    def ask(self, body: Mapping[str, Any]) -> str:
        """Sends the body, gives the text of the first choice.

        Raises `ChatError` after the last attempt, or at once if another one
        would not help.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return answer_of(self._post(body))
            except urllib.error.HTTPError as error:
                with error:
                    detail = error.read(500).decode("utf-8", "replace")
                message = f"{self.url} answered {error.code}: {detail}"
                if error.code not in _TRANSIENT or attempt == self.attempts:
                    raise ChatError(message, error.code) from error
                self.sleep(_pause(attempt, error.headers.get("Retry-After")))
            except (OSError, http.client.HTTPException) as error:
                if attempt == self.attempts or isinstance(
                    getattr(error, "reason", error), ssl.SSLCertVerificationError
                ):
                    raise ChatError(f"no answer from {self.url}: {error}") from error
                self.sleep(_pause(attempt, None))
        raise ChatError(f"no attempt was made to ask {self.url}; `attempts` is {self.attempts}")

    def _post(self, body: Mapping[str, Any]) -> bytes:
        request = urllib.request.Request(
            self.url,
            json.dumps(body, ensure_ascii=False).encode(),
            {"Content-Type": "application/json", **self.headers},
            method="POST",
        )
        if request.type not in ("http", "https"):
            raise ChatError(f"`{self.url}` is not an address that begins with http or https")
        handlers = list(self.handlers)
        if self.context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=self.context))
        opener = urllib.request.build_opener(*handlers)
        with opener.open(request, timeout=self.timeout_s) as response:
            answer: bytes = response.read(_ANSWER_BYTES_MAX + 1)
        if len(answer) > _ANSWER_BYTES_MAX:
            raise ChatError(f"{self.url} answered with more than {_ANSWER_BYTES_MAX} bytes")
        return answer


def answer_of(response: bytes) -> str:
    """The text of the first choice of a response; raises `ChatError` if there is none."""
    try:
        answer = json.loads(response)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        start = response[:200].decode("utf-8", "replace")
        raise ChatError(f"expected `choices[0].message.content`, found: {start}") from error
    if not isinstance(answer, str) or not answer:
        raise ChatError("the answer is empty")
    return answer


def _pause(attempt: int, retry_after: str | None) -> float:
    """Seconds before the next attempt: what the server says, else 0.5, 1, 2, ... with spread."""
    try:
        asked = float(retry_after or "")
    except ValueError:
        # Without the spread all workers would come back at once.
        asked = 0.5 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
    return min(max(asked, 0.0), _WAIT_SECONDS_MAX)
