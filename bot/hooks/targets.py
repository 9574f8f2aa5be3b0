"""Where a hook may point: a public HTTPS address, resolved once and connected to exactly there.

A shop chooses the address, our server calls it: without these rules it could be made to call our own database, a
neighbour's router or a cloud's metadata service (server-side request forgery, OWASP ASVS 1.3.6).
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

_LONGEST = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadTarget(ValueError):
    """A hook may not point there; `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Policy:
    """What this installation allows, by how it is reached itself."""

    plain_http: bool = False
    private: bool = False

    @classmethod
    def of(cls, public_url: str) -> "Policy":
        """Return what goes with our own address: a demo on one machine calls receivers on that machine."""
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        try:
            private = not is_public(ipaddress.ip_address(host))
        except ValueError:
            private = host == "localhost" or host.endswith(".localhost")
        return cls(plain_http=parts.scheme == "http", private=private)


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved address: `host` is what the certificate must name, `ip` is what is connected to."""

    https: bool
    host: str
    port: int
    path: str
    ip: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.https else 80) else f"{host}:{self.port}"


def resolve(url: str, policy: Policy) -> Target:
    """Return where `url` is. Raises BadTarget when it is malformed, cannot be found, or may not be called.

    One address of several that may not be called refuses them all: the next resolution could choose it.
    """
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or any(sign in url for sign in ' "<>\\^`{|}'):
        raise BadTarget("malformed", "This is not a web address.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadTarget("malformed", "This is not a web address.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise BadTarget("malformed", "A web address begins with https:// and names a host.")
    if parts.scheme == "http" and not policy.plain_http:
        raise BadTarget("not_https", "Only https:// is called.")
    if parts.username is not None or parts.password is not None:
        raise BadTarget("malformed", "A name and a password in the address would end up in logs: leave them out.")
    https = parts.scheme == "https"
    ips = _look_up(host, port or (443 if https else 80))
    if not policy.private and not all(is_public(ip) for ip in ips):
        raise BadTarget("private", "This address is not on the public internet.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(https, host, port or (443 if https else 80), path, str(ips[0]))


def is_public(ip: Address) -> bool:
    """Tell whether an address is on the public internet, also when it is an IPv4 one in the dress of an IPv6 one."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if ip.scope_id is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ips = [ipaddress.ip_address(str(place[4][0])) for place in found]
    except (OSError, UnicodeError, ValueError):
        ips = []
    if not ips:
        raise BadTarget("not_found", "This host cannot be found.")
    # IPv4 first: a host without IPv6 must still reach a receiver that has both.
    return sorted(ips, key=lambda ip: ip.version)
