"""`http_request`: a request with JSON, by the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

# The original waits forever.
_TIMEOUT_SECONDS = 60.0


class RequestError(OSError):
    """There was no answer."""


@dataclass(frozen=True)
class Response:
    """An answer, with the names that `requests` has for its parts."""

    status_code: int
    content: bytes
    headers: Message

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode(self.headers.get_content_charset() or "utf-8", "replace")

    def json(self) -> Any:
        """The content, parsed; raises `ValueError` if it is not JSON."""
        return json.loads(self.content)


def http_request(
    method: str, url: str, data: dict[str, Any] | None = None, timeout_s: float = _TIMEOUT_SECONDS
) -> Response:
    """Sends `data` as JSON, with GET as part of the address; `timeout_s` is 60 by default.

    Raises `ValueError` if the status is not 200, 201, 202 or 204, and `RequestError`
    if there is no answer.
    """
    method, body = method.upper(), None
    if data is not None and method == "GET":
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(data, doseq=True)
    elif data is not None:
        body = json.dumps(data).encode()
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"`{url}` is not an address that begins with http:// or https://")
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            response = Response(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            response = Response(error.code, error.read(), error.headers)
    except OSError as error:
        raise RequestError(f"no answer from {url}: {error}") from error
    if response.status_code not in (200, 201, 202, 204):
        raise ValueError(f"{url} answered {response.status_code}: {response.text[:500]}")
    return response
