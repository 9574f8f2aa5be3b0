"""
Address services behind one port: off unless a setting names one. A provider adds evidence and never
overwrites what the shopper said; when it fails or is slow, the offline report stands. Nothing about an
address or a person is logged, and nothing leaves the machine unless a provider was chosen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import requests
import structlog
from urllib3.exceptions import HTTPError, ReadTimeoutError

from bot.addresses.records import Address, Component, Report, Suggestion

#: Seconds for the whole call. A shopper waits for the next question meanwhile.
TIME_OUT = 1.5
LARGEST = 1_000_000
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold what a provider says: components with status, how exact it is, coordinates, replacements it proposes."""

    components: tuple[Component, ...] = ()
    granularity: str = ""
    latitude: float | None = None
    longitude: float | None = None
    suggestions: tuple[Suggestion, ...] = ()


class Provider(Protocol):
    """Answer one question about an address over the network; raise `ProviderError` when that fails."""

    name: str

    def look_up(self, address: Address) -> Evidence:
        """Return the evidence, within `TIME_OUT` seconds."""


class ProviderError(Exception):
    """A provider could not answer; the message names the reason without any part of the address."""


def make_provider(name: str, url: str = "", key: str = "") -> Provider | None:
    """Return the provider of a setting: "" (none), google, libpostal, nominatim or pelias.

    `url` is the server's base address (google has a default), `key` the API key where one is needed. Raises
    `ValueError` for an unknown name or a missing URL or key, at start and not at the first order.
    """
    wanted = name.strip().lower()
    if wanted in ("", "none", "off"):
        return None
    if wanted == "google":
        if not key:
            raise ValueError("The address provider google needs a key.")
        return Google(url or "https://addressvalidation.googleapis.com", key)
    makers: dict[str, Callable[[str, str], Provider]] = {
        "libpostal": Libpostal,
        "nominatim": Nominatim,
        "pelias": Pelias,
    }
    if wanted not in makers:
        raise ValueError(f"The address provider {name!r} is unknown: use google, libpostal, nominatim or pelias.")
    if not url:
        raise ValueError(f"The address provider {wanted} needs the URL of its server.")
    return makers[wanted](url, key)


def consult(provider: Provider | None, address: Address, report: Report) -> Report:
    """Return the report with the provider's evidence added, or unchanged when there is none."""
    if provider is None:
        return report
    began = time.monotonic()
    try:
        evidence = provider.look_up(address)
    except ProviderError as error:
        log.warning(
            "address_provider_failed",
            provider=provider.name,
            reason=str(error),
            seconds=round(time.monotonic() - began, 2),
        )
        return report
    taken = {s.field for s in report.suggestions}
    offered = tuple(replace(s, safe=False) for s in evidence.suggestions if s.field not in taken)
    return replace(
        report, components=(*report.components, *evidence.components), suggestions=(*report.suggestions, *offered)
    )


def fetch(session: requests.Session, method: str, url: str, *, seconds: float = TIME_OUT, **request: Any) -> Any:
    """Send a request and read its JSON answer within `seconds` and `LARGEST` bytes; raise `ProviderError` otherwise.

    Connecting and each wait for bytes may take that long; between two reads the whole call is held to it.
    """
    until = time.monotonic() + seconds
    try:
        with session.request(method, url, timeout=seconds, stream=True, allow_redirects=False, **request) as response:
            if response.status_code != 200:
                raise ProviderError(f"status {response.status_code}")
            body = b""
            # read1 returns what has arrived: a server that drips must not hold the call until a block is full.
            while chunk := response.raw.read1(65536, decode_content=True):
                body += chunk
                if time.monotonic() > until:
                    raise ProviderError("time-out")
                if len(body) > LARGEST:
                    raise ProviderError("answer too long")
    except (requests.Timeout, ReadTimeoutError) as error:
        raise ProviderError("time-out") from error
    except (requests.RequestException, HTTPError) as error:
        raise ProviderError(type(error).__name__) from error
    try:
        return json.loads(body)
    except ValueError as error:
        raise ProviderError("answer is not JSON") from error


def _line(address: Address) -> str:
    parts = (address.address1, address.address2, address.city, address.state, address.postal_code)
    return ", ".join(p for p in parts if p)


def _get(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class Google:
    """Google Address Validation. Confirmation levels become our statuses, replacements become suggestions.

    https://developers.google.com/maps/documentation/address-validation/understand-response
    """

    name = "google"
    _KINDS: ClassVar[dict[str, str]] = {
        "subpremise": "unit",
        "street_number": "house_no",
        "premise": "building",
        "route": "street",
        "neighborhood": "locality",
        "sublocality": "locality",
        "sublocality_level_1": "locality",
        "sublocality_level_2": "sublocality",
        "landmark": "landmark",
        "locality": "city",
        "administrative_area_level_1": "state",
        "postal_code": "pincode",
    }
    _STATUS: ClassVar[dict[str, tuple[str, float]]] = {
        "CONFIRMED": ("confirmed", 0.95),
        "UNCONFIRMED_BUT_PLAUSIBLE": ("plausible", 0.6),
        "UNCONFIRMED_AND_SUSPICIOUS": ("conflict", 0.2),
    }
    _FIELDS: ClassVar[dict[str, str]] = {"pincode": "postal_code", "city": "city", "state": "state"}

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key, self._session = url.rstrip("/"), key, requests.Session()

    def look_up(self, address: Address) -> Evidence:
        """Validate an address."""
        asked = {
            "regionCode": address.country or "IN",
            "locality": address.city,
            "administrativeArea": address.state,
            "postalCode": address.postal_code,
            "addressLines": [p for p in (address.address1, address.address2, address.landmark) if p],
        }
        answer = fetch(
            self._session,
            "POST",
            f"{self._url}/v1:validateAddress",
            json={"address": asked},
            headers={"X-Goog-Api-Key": self._key},
        )
        components, suggestions = [], []
        for part in _get(answer, "result", "address", "addressComponents") or ():
            kind = self._KINDS.get(str(_get(part, "componentType")))
            value = str(_get(part, "componentName", "text") or "")
            if kind is None or not value:
                continue
            status, confidence = self._STATUS.get(str(_get(part, "confirmationLevel")), ("unconfirmed", 0.4))
            components.append(Component(kind, value, f"provider:{self.name}", status, confidence))
            if kind in self._FIELDS and (_get(part, "replaced") or _get(part, "spellCorrected")):
                suggestions.append(Suggestion(self._FIELDS[kind], value, False, confidence))
        place = _get(answer, "result", "geocode", "location")
        return Evidence(
            tuple(components),
            str(_get(answer, "result", "verdict", "validationGranularity") or ""),
            _number(_get(place, "latitude")),
            _number(_get(place, "longitude")),
            tuple(suggestions),
        )


class Libpostal:
    """A libpostal server (`POST /parser`): components only. In the process it would cost every worker 1.9 GB."""

    name = "libpostal"
    _KINDS: ClassVar[dict[str, str]] = {
        "house_number": "house_no",
        "unit": "unit",
        "level": "floor",
        "house": "building",
        "road": "street",
        "suburb": "locality",
        "city_district": "sublocality",
        "near": "landmark",
        "po_box": "post",
        "city": "city",
        "state": "state",
        "postcode": "pincode",
    }

    def __init__(self, url: str, key: str = "") -> None:
        self._url, self._session = url.rstrip("/"), requests.Session()

    def look_up(self, address: Address) -> Evidence:
        """Parse an address."""
        answer = fetch(self._session, "POST", f"{self._url}/parser", json={"query": _line(address)})
        found = []
        for part in answer if isinstance(answer, list) else ():
            kind, value = self._KINDS.get(str(_get(part, "label"))), _get(part, "value")
            if kind and value:
                found.append(Component(kind, str(value), f"provider:{self.name}", "unconfirmed", 0.5))
        return Evidence(tuple(found))


class Nominatim:
    """A Nominatim server (`GET /search`): coordinates, and how exact they are."""

    name = "nominatim"
    _KINDS: ClassVar[dict[str, str]] = {
        "house_number": "house_no",
        "road": "street",
        "suburb": "locality",
        "neighbourhood": "sublocality",
        "village": "village",
        "city": "city",
        "town": "city",
        "state": "state",
        "postcode": "pincode",
    }

    def __init__(self, url: str, key: str = "") -> None:
        self._url, self._session = url.rstrip("/"), requests.Session()
        self._session.headers["User-Agent"] = "Pakka"

    def look_up(self, address: Address) -> Evidence:
        """Find an address on the map."""
        asked = {
            "q": _line(address),
            "format": "jsonv2",
            "addressdetails": "1",
            "limit": "1",
            "countrycodes": (address.country or "IN").lower(),
        }
        answer = fetch(self._session, "GET", f"{self._url}/search", params=asked)
        best = answer[0] if isinstance(answer, list) and answer else {}
        return _map_evidence(
            self.name,
            self._KINDS,
            _get(best, "address"),
            str(_get(best, "addresstype") or ""),
            _get(best, "lat"),
            _get(best, "lon"),
        )


class Pelias:
    """A Pelias server (`GET /v1/search`): coordinates, and the layer that was matched."""

    name = "pelias"
    _KINDS: ClassVar[dict[str, str]] = {
        "housenumber": "house_no",
        "street": "street",
        "neighbourhood": "locality",
        "locality": "city",
        "region": "state",
        "postalcode": "pincode",
    }

    def __init__(self, url: str, key: str = "") -> None:
        self._url, self._key, self._session = url.rstrip("/"), key, requests.Session()

    def look_up(self, address: Address) -> Evidence:
        """Find an address on the map."""
        asked = {
            "text": _line(address),
            "size": "1",
            "boundary.country": address.country or "IN",
            **({"api_key": self._key} if self._key else {}),
        }
        answer = fetch(self._session, "GET", f"{self._url}/v1/search", params=asked)
        features = _get(answer, "features")
        best = features[0] if isinstance(features, list) and features else {}
        point = _get(best, "geometry", "coordinates")
        lon, lat = point[:2] if isinstance(point, list) and len(point) >= 2 else (None, None)
        return _map_evidence(
            self.name, self._KINDS, _get(best, "properties"), str(_get(best, "properties", "layer") or ""), lat, lon
        )


def _map_evidence(name: str, kinds: Mapping[str, str], parts: Any, level: str, lat: Any, lon: Any) -> Evidence:
    found = tuple(
        Component(kinds[k], str(v), f"provider:{name}", "plausible", 0.6)
        for k, v in (parts.items() if isinstance(parts, Mapping) else ())
        if k in kinds and v
    )
    return Evidence(found, level.upper(), _number(lat), _number(lon))
