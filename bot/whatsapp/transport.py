"""HTTP to Meta: kept-alive connections, timeouts, no hidden retry, and an answer or a typed error.

It is urllib3 itself and not requests, because requests costs twice the processor time per send and hides the one
thing that matters here: whether a request was ever written to the wire.
"""

import json as json_module
import os
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import certifi
import orjson
from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, NewConnectionError
from urllib3.response import BaseHTTPResponse as Response

from bot.whatsapp.errors import Retry, Unknown, refusal

CONNECT_SECONDS = 3.05
READ_SECONDS = 12.0
"""With the connect timeout, and twice for a body that trickles, it ends before the 30 seconds of a sender's claim."""
IDLE_SECONDS = 30.0
"""A connection that rested longer is not trusted: a send into a dead one would leave its message unknown."""
CONNECTIONS = 64
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """A success. It has the two members of a response that heyoo looks at."""

    body: dict[str, Any]
    status_code: int = 200

    def json(self) -> dict[str, Any]:
        """Return the decoded body."""
        return self.body


class Transport:
    """One pool of connections per process, shared by its threads and never over a fork."""

    def __init__(self) -> None:
        """Prepare; nothing is opened until the first request."""
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._pool: PoolManager | None = None

    @property
    def pool(self) -> PoolManager:
        """The connections of this process."""
        if self._pool is None:
            with self._lock:
                self._pool = self._pool or _new_pool()
        return self._pool

    def post(self, url: str, headers: dict[str, str], json: Any) -> Answer:
        """Send `json`; raise a SendError, Unknown when it may have been accepted."""
        return self._exchange("POST", url, headers, json_module.dumps(json).encode())

    def get(self, url: str, headers: dict[str, str]) -> Answer:
        """Ask for `url`; raise a SendError, Retry when no answer came, because asking twice is harmless."""
        try:
            return self._exchange("GET", url, headers, None)
        except Unknown as error:
            raise Retry(error.code, http_status=error.http_status, details=error.details) from None

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        try:
            with self.stream(method, url, headers, body) as response:
                raw = b"".join(_pieces(response, time.monotonic() + READ_SECONDS))
        except (ConnectTimeoutError, LocationValueError) as error:
            # Refused, no such host, no TLS, no address at all: not a byte of the request was written.
            raise Retry(details=type(error).__name__) from None
        except (HTTPError, OSError) as error:
            raise Unknown(details=type(error).__name__) from None
        answer = _decoded(raw)
        if 200 <= response.status < 300 and isinstance(answer, dict) and "error" not in answer:
            return Answer(answer)
        raise refusal(response.status, answer, {name.lower(): value for name, value in response.headers.items()})

    @contextmanager
    def stream(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Iterator[Response]:
        """Open the answer to a request for reading; a redirect is an answer like any other, never followed."""
        response = self.pool.urlopen(
            method,
            url,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )
        try:
            yield response
        finally:
            # Closes nothing but what was not read to the end: a connection that was has gone back to the pool.
            response.close()
            response.release_conn()


def _pieces(response: Response, until: float) -> Iterator[bytes]:
    size = 0
    while piece := response.read1(65536):
        size += len(piece)
        if size > MOST_BYTES or time.monotonic() > until:
            raise HTTPError("the answer is too long, or comes too slowly")
        yield piece


def _decoded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _new_pool() -> PoolManager:
    # Certificates of the system (an operator's own authority) and, for machines without any, certifi's.
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    pool = PoolManager(maxsize=CONNECTIONS, ssl_context=context)
    pool.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return pool


class _Watched:
    """A connection that knows whether it ever stood, and when it was last used."""

    used_at = 0.0

    def connect(self) -> None:
        """Connect; whatever fails here, TLS included, fails before anything was sent."""
        try:
            super().connect()  # type: ignore[misc]  # Mixed into urllib3's connections below.
        except ConnectTimeoutError:
            raise
        except (HTTPError, OSError) as error:
            self.close()  # type: ignore[attr-defined]
            raise NewConnectionError(self, type(error).__name__) from error  # type: ignore[arg-type]

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Note the time of use."""
        self.used_at = time.monotonic()
        super().request(*args, **kwargs)  # type: ignore[misc]

    @property
    def is_connected(self) -> bool:
        """Whether the connection may be used again."""
        return super().is_connected and time.monotonic() - self.used_at < IDLE_SECONDS  # type: ignore[misc]


class _Connection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
