"""A second opinion on the addresses of a new list, from the provider that an operator has switched on.

Nothing leaves this machine unless one is set. Providers add evidence for people to see; they never change what a shop
or a shopper wrote, and when they fail the offline check stands.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot import addresses
from bot.addresses.providers import Provider, consult, make_provider
from bot.models import AddressVersion, UploadRow
from bot.services import Services
from bot.talk.places import address_of

SIDE_BY_SIDE = 8
CODE = "PROVIDER"
REMARKS = {
    "ELSEWHERE": "{provider} finds this place under the postal code {value}.",
    "DOUBT": "{provider}: the {field} is {status}.",
    "OTHERWISE": "{provider} would write {value!r} for the {field}.",
}
"""What a provider may remark, in English; the console reads the key back from it."""


def add_evidence(services: Services, upload_id: int) -> int:
    """Ask the provider about each address of a list and keep what it says; return how many it spoke on."""
    settings = services.settings
    provider = make_provider(settings.address_provider, settings.address_provider_url, settings.address_provider_key)
    if provider is None:
        return 0
    with services.database.reader() as session:
        statement = (
            select(col(AddressVersion.id), col(AddressVersion.parts))
            .join(UploadRow, col(UploadRow.order_id) == col(AddressVersion.order_id))
            .where(col(UploadRow.upload_id) == upload_id, col(AddressVersion.version) == 1)
            .distinct()
        )
        given = dict(session.execute(statement).all())
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        said = dict(zip(given, pool.map(lambda parts: list(_opinion(provider, parts)), given.values()), strict=True))
    spoken = {version_id: remarks for version_id, remarks in said.items() if remarks}
    with services.database.session() as session:
        for version_id, remarks in spoken.items():
            version = session.get_one(AddressVersion, version_id)
            own = [finding for finding in version.findings if finding["code"] != CODE]
            version.findings = [*own, *remarks]
    return len(spoken)


def _opinion(provider: Provider, parts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the provider doubts or would write instead, as findings for people."""
    address = address_of(parts)
    report = addresses.check(address)
    found = consult(provider, address, report)
    for component in found.components[len(report.components) :]:
        if component.kind == "pincode" and component.value not in ("", address.postal_code):
            yield _finding("postal_code", "ELSEWHERE", provider=provider.name, value=component.value)
        elif component.status in ("conflict", "missing", "unconfirmed"):
            yield _finding(component.kind, "DOUBT", provider=provider.name, status=component.status)
    for suggestion in found.suggestions[len(report.suggestions) :]:
        yield _finding(suggestion.field, "OTHERWISE", provider=provider.name, value=suggestion.value)


def _finding(field: str, remark: str, **told: str) -> dict[str, Any]:
    return {"code": CODE, "severity": "info", "field": field, "sentence": REMARKS[remark].format(field=field, **told)}
