"""Post one event to one receiver: signed, to the address that was checked, with an end to everything."""

import base64
import hashlib
import hmac
import http.client
import secrets
import socket
import ssl
import time
from dataclasses import dataclass
from functools import cache
from threading import Event, Timer

from bot.hooks.targets import BadTarget, Policy, Target, resolve

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 10.0
"""From the first byte to the last; a receiver that drips bytes is cut off."""
_ANSWER_BYTES = 1024
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went: the HTTP status, or the code of an error when there was none; how long it took."""

    status: int | None
    error: str
    milliseconds: int

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def reached(self) -> bool:
        """Whether there was an answer at all."""
        return self.status is not None


def new_secret() -> str:
    """Make a secret of 256 bits, in the spelling of Standard Webhooks."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of https://www.standardwebhooks.com: HMAC-SHA256 over id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def send(url: str, policy: Policy, secret: str, event_id: str, event: str, body: bytes) -> Outcome:
    """Post `body`; never raises for anything that a receiver or a network does."""
    began = time.monotonic()
    status, error = None, ""
    try:
        status = _post(resolve(url, policy), _headers(secret, event_id, event, body), body)
        error = "" if 200 <= status < 300 else "redirect" if 300 <= status < 400 else "refused"
    except BadTarget as refused:
        error = refused.code
    except TimeoutError:
        error = "timeout"
    except ssl.SSLError:
        error = "certificate"
    except (OSError, http.client.HTTPException, ValueError):
        error = "timeout" if time.monotonic() - began >= WHOLE_SECONDS else "connection"
    return Outcome(status, error, round((time.monotonic() - began) * 1000))


def _headers(secret: str, event_id: str, event: str, body: bytes) -> dict[str, str]:
    # The receiver compares with its own clock, so this is the machine's, also while a demo plays on a fast one.
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "Pakka-Hooks/1",
        "Pakka-Event": event,
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, event_id, timestamp, body),
    }


def _post(target: Target, headers: dict[str, str], body: bytes) -> int:
    """Return the status; the answer's body is looked at only so far as to be polite, and redirects not at all."""
    connected = socket.create_connection((target.ip, target.port), CONNECT_SECONDS)
    connected.settimeout(WHOLE_SECONDS)
    if target.https:
        connected = _tls().wrap_socket(connected, server_hostname=target.host, do_handshake_on_connect=False)
    # A time-out of the socket begins anew with every byte; this one does not.
    late = Event()
    end = Timer(WHOLE_SECONDS, _cut, (connected, late))
    end.daemon = True
    end.start()
    try:
        if isinstance(connected, ssl.SSLSocket):
            connected.do_handshake()
        link = http.client.HTTPConnection(target.host, target.port)
        link.sock = connected
        link.request("POST", target.path, body, {"Host": target.authority, "Connection": "close", **headers})
        answer = link.getresponse()
        answer.read(_ANSWER_BYTES)
        if late.is_set():
            # An answer that was cut off looks like one whose headers ended.
            raise TimeoutError
        return answer.status
    finally:
        end.cancel()
        connected.close()


def _cut(connected: socket.socket, late: Event) -> None:
    late.set()
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        connected.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
