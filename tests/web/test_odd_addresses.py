"""Whatever stands in an address or a form, no page breaks: on both databases, which differ in what they refuse."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from bot.services import Services
from bot.settings import Settings
from bot.web import orders
from bot.web.application import create_app
from flows import FLOWS
from tests.web import samples
from tests.web.conftest import SECRET, form_token, post
from tests.web.test_walls import VISITS

ODD = (
    "", "0", "-1", str(2**31), str(2**63), "9" * 40, "1e9", "nan", "\0", "%", "x" * 300, "२", "²", "2026-02-30",
    "0001-01-01", "9999-12-31", "\u202e", "'\"<", f"{2**62}~{2**62}", "2026-01-01T00:00:00+00:00~99999999999",
)  # fmt: skip
NUMBERS = (0, 2**31, 2**63, 10**40)
NAMES = sorted(
    {
        name
        for path in Path(orders.__file__).parent.glob("*.py")
        for name in re.findall(r'(?:args|given|form)\.get(?:list)?\("(\w+)"', path.read_text(encoding="utf-8"))
    }
)
"""What the pages read from addresses and forms."""


@pytest.fixture
def owner(database_url: str, redis_url: str) -> FlaskClient:
    """An owner's browser, on each of the databases."""
    services = Services.from_settings(
        Settings.from_env(database_url=database_url, redis_url=redis_url, secret_key=SECRET)
    )
    shop = samples.fill(services)
    client = create_app(services, flows=FLOWS).test_client()
    assert post(client, "/sign-in", email=shop.owner, password=samples.PASSWORD).status_code == 302
    return client


def test_no_page_breaks_by_what_its_address_says(owner: FlaskClient) -> None:
    broken = []
    queries = {odd: urlencode(dict.fromkeys(NAMES, odd)) for odd in ODD}
    addresses = {visit.address.split("?")[0] for visits in VISITS.values() for visit in visits if visit.method == "GET"}
    for address in sorted(addresses - {"/metrics"}):
        if "{" in address:
            for number in NUMBERS:
                place = re.sub(r"\{\w+\}", str(number), address)
                if owner.get(place).status_code >= 500:
                    broken.append(place)
            continue
        for odd in ODD:
            answer = owner.get(address, query_string=queries[odd])
            if answer.status_code >= 500:
                broken.append(f"{address} {odd[:20]!r}")
    assert "\n".join(broken) == ""


def test_no_form_breaks_by_what_it_says(owner: FlaskClient) -> None:
    broken = []
    addresses = {visit.address for visits in VISITS.values() for visit in visits if visit.method == "POST"}
    token = form_token(owner)
    for address in sorted(one for one in addresses if not one.startswith(("/api", "/webhooks", "/sign-out", "/entry"))):
        for number in (1, *NUMBERS) if "{" in address else (0,):
            place = re.sub(r"\{\w+\}", str(number), address)
            for odd in ODD if number < 2 else ("",):
                answer = owner.post(place, data={**dict.fromkeys(NAMES, odd), "csrf_token": token})
                if answer.status_code >= 500:
                    broken.append(f"{place} {odd[:20]!r}")
    assert "\n".join(broken) == ""
