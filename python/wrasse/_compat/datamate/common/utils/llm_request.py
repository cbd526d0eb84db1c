"""`LlmReq`: asks a language model, with the parameters that DataMate has for it."""

from __future__ import annotations

import copy
import functools
import http.client
import logging
import os
import socket
import ssl
import urllib.request
from pathlib import Path
from typing import Any

from wrasse._compat.datamate.common.utils import decrypt
from wrasse.chat import ChatClient, ChatError

_log = logging.getLogger(__name__)
_CERTIFICATES = "/certPersonal/global"
# The name in the certificates of DataMate's own services.
_SERVER_NAME = "edatamate"


class LlmReq:
    """A service of chat completions: calling it with a prompt gives the answer.

    `url`: its address. `header`, `body`: of each request; the prompt becomes the
    content of the first message. `access_type`: false (the default) for a service
    inside of DataMate, which wants a certificate of the client (the variables
    `RAY_TLS_SERVER_CERT`, `RAY_TLS_SERVER_KEY`, `RAY_TLS_CA_CERT`,
    `RAY_TLS_SERVER_KEY_PASSWORD`, `GLOBAL_PWD`) if its address is https; true for any
    other. `is_certificate`, `certificate_path`: the authority to trust instead of the
    system's. `timeout_s` and `attempts`: of a request; 300 and 4.

    Calling raises `RuntimeError` with one of the codes below and what happened.
    """

    ERRORCODE_INCOMPLETE_CONFIG = 83005
    ERRORCODE_INVALID_RESPONSE = 83006
    ERRORCODE_SERVICE_UNAVAILABLE = 83007

    def __init__(
        self,
        url: str | None = None,
        header: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        access_type: int | bool | None = None,
        is_https: bool = False,
        is_certificate: bool = False,
        certificate_path: str | Path | None = None,
        timeout_s: float = 300.0,
        attempts: int = 4,
    ) -> None:
        self.url = url
        self.header = header or {}
        self.body = body or {}
        self.access_type = access_type
        self.is_https = is_https
        self.is_certificate = is_certificate
        self.certificate_path = certificate_path
        self.timeout_s = timeout_s
        self.attempts = attempts

    def __call__(self, input_str: str) -> str:
        """The answer to a prompt. Any number of threads may ask."""
        if not self.url:
            raise RuntimeError(
                self.ERRORCODE_INCOMPLETE_CONFIG, "LLM is not configured: `LLMUrl` is missing"
            )
        try:
            return self._client.ask(self._body(input_str))
        except ChatError as error:
            is_answer = error.__cause__ is None or not isinstance(error.__cause__, OSError)
            code = (
                self.ERRORCODE_INVALID_RESPONSE
                if is_answer and error.status is None
                else self.ERRORCODE_SERVICE_UNAVAILABLE
            )
            _log.error("asking the language model failed: %s", error)
            raise RuntimeError(code, str(error)) from error
        except OSError as error:
            raise RuntimeError(self.ERRORCODE_SERVICE_UNAVAILABLE, str(error)) from error

    def __getstate__(self) -> dict[str, Any]:
        # The client holds a context of TLS, which cannot be sent.
        return {name: value for name, value in vars(self).items() if name != "_client"}

    def _body(self, prompt: str) -> dict[str, Any]:
        # Each request has its own: prompts of threads must not meet in one.
        body = copy.deepcopy(self.body)
        messages = body.setdefault("messages", [])
        if not messages:
            messages.append({"role": "user"})
        messages[0]["content"] = prompt
        return body

    @functools.cached_property
    def _client(self) -> ChatClient:
        url = self.url or ""
        if not self.access_type and url.startswith("https:"):
            handlers = (_InnerHandler(_inner_context()),)
            return ChatClient(url, self.header, self.timeout_s, self.attempts, handlers=handlers)
        context = None
        if self.is_https and self.is_certificate:
            authority = str(self.certificate_path) if self.certificate_path else None
            context = ssl.create_default_context(cafile=authority)
        return ChatClient(url, self.header, self.timeout_s, self.attempts, context)


def _inner_context() -> ssl.SSLContext:
    own = f"{_CERTIFICATES}/identity"
    password = os.environ.get("GLOBAL_PWD")
    if not password:
        place = os.environ.get("RAY_TLS_SERVER_KEY_PASSWORD", f"{own}/pwd.txt")
        password = Path(place).read_text().strip()
    context = ssl.create_default_context(
        cafile=os.environ.get("RAY_TLS_CA_CERT", f"{_CERTIFICATES}/trust/ca.crt")
    )
    context.load_cert_chain(
        os.environ.get("RAY_TLS_SERVER_CERT", f"{own}/global.crt"),
        os.environ.get("RAY_TLS_SERVER_KEY", f"{own}/global.key"),
        decrypt(password),
    )
    return context


class _InnerConnection(http.client.HTTPSConnection):
    """Checks the certificate for the services' common name instead of the host's."""

    inner_context: ssl.SSLContext

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self.inner_context.wrap_socket(plain, server_hostname=_SERVER_NAME)


class _InnerHandler(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._connection: Any = type("_Connection", (_InnerConnection,), {"inner_context": context})

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)
