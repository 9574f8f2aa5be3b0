"""Ports of this machine: one to serve at, and whether anybody does."""

import contextlib
import socket
import urllib.request


def free_port() -> int:
    """Return a port that nobody serves at now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def answers(url: str) -> bool:
    """Say whether an address answers well."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False
