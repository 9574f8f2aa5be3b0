"""Handing an order list in: preview, columns, import, report, undo."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import col, select

from bot.models import Order, Run, Upload
from bot.orders import uploads
from bot.services import Services
from tests.web.conftest import form_token
from tests.web.samples import Shop

SignIn = Callable[..., FlaskClient]

LIST = """Order No,Custumer Nmae,Mobile,Amount,Address,City,Pincode,Payment
A1,Asha Verma,9811122233,1299,"14 Park Road, Sector 15",Noida,201301,COD
A2,Rohan,98111,499,12 MG Road,Pune,411001,COD
A3,Meera,9811122255,799,"7 Lake View, Kowdiar",Thiruvananthapuram,695003,Prepaid
"""
STRANGE = "Alpha,Beta,Gamma\nX1,9811122233,500\nX2,9811122244,600\n"


@pytest.fixture
def console(shop: Shop, sign_in: SignIn) -> FlaskClient:
    """The browser of a member of staff."""
    return sign_in(shop.staff)


def _hand_in(client: FlaskClient, content: str | bytes, name: str = "list.csv"):  # type: ignore[no-untyped-def]
    raw = content.encode() if isinstance(content, str) else content
    return client.post(
        "/uploads",
        data={"csrf_token": form_token(client), "file": (io.BytesIO(raw), name)},
        content_type="multipart/form-data",
    )


def _press(client: FlaskClient, address: str, **fields: str):  # type: ignore[no-untyped-def]
    return client.post(address, data={"csrf_token": form_token(client), **fields})


def test_from_file_to_report(console: FlaskClient, services: Services) -> None:
    place = _hand_in(console, LIST).location
    preview = console.get(place).text
    for part in ("would be asked", "+91 98111 22233", "₹1,299", "Noida 201301", "Import and ask", "guessed"):
        assert part in preview, part
    with services.database.reader() as session:
        assert session.exec(select(Order).where(Order.reference == "A1")).first() is None, "a preview stores no order"
    assert _press(console, f"{place}/begin").status_code == 302
    assert "<progress" in console.get(place).text
    assert uploads.run(services, int(place.rsplit("/", 1)[1]))
    report = console.get(place).text
    figures = dict(re.findall(r"<dt>(\w+)</dt><dd>(\d+)</dd>", report))
    assert figures == {"rows": "3", "accepted": "1", "skipped": "1", "rejected": "1"}
    assert re.search(r'data-name="Row">3</td><td>Mobile</td><td class="value" dir="auto">98111</td>', report)
    assert "Prepaid" in console.get(f"{place}?rows=skipped").text
    with services.database.reader() as session:
        order = session.exec(select(Order).where(Order.reference == "A1")).one()
        assert session.exec(select(Run).where(Run.order_id == order.id)).one().status == "planned"


def test_the_list_comes_back_with_decisions(console: FlaskClient, services: Services) -> None:
    place = _hand_in(console, LIST, "Diwali list.csv").location
    _press(console, f"{place}/begin")
    uploads.run(services, int(place.rsplit("/", 1)[1]))
    answer = console.get(f"{place}/file/decisions")
    assert answer.mimetype == "text/csv"
    assert 'filename="Diwali list decisions.csv"' in answer.headers["Content-Disposition"]
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith('"Order No"')
    assert "Pakka Decision" in lines[0]
    assert len(lines) == 4
    assert console.get(f"{place}/file/nothing").status_code == 404


def test_the_same_file_again_leads_to_what_became_of_it(console: FlaskClient, services: Services) -> None:
    first = _hand_in(console, LIST).location
    _press(console, f"{first}/begin")
    uploads.run(services, int(first.rsplit("/", 1)[1]))
    again = _hand_in(console, LIST, "other name.csv")
    assert again.location == first
    assert "handed in before" in console.get(first).text
    with services.database.reader() as session:
        assert len(session.exec(select(Order).where(col(Order.reference).like("A%"))).all()) == 1


def test_columns_that_nobody_can_guess_are_chosen_by_hand(console: FlaskClient) -> None:
    place = _hand_in(console, STRANGE).location
    preview = console.get(place).text
    assert "Say which column holds" in preview
    assert "Import and ask" not in preview
    _press(console, f"{place}/columns", reference="0", phone="1", amount="2")
    preview = console.get(place).text
    assert "Import and ask" in preview
    assert "+91 98111 22233" in preview
    assert '<option value="1" selected>Beta</option>' in preview


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\x01\x02\x03" * 50, "table"),
        (b"PK\x03\x04 broken", "xlsx|workbook|Excel|unreadable|read"),
        ("just one line of words", "header|column"),
        (b"%PDF-1.7 ...", "table|read"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_reason(
    console: FlaskClient, services: Services, content: bytes, words: str
) -> None:
    answer = _hand_in(console, content, "../../etc/passwd.csv")
    assert answer.status_code == 422
    told = re.search(r'role="alert">([^<]+)<', answer.text)
    assert told
    assert re.search(words, told.group(1), re.I), told.group(1)
    with services.database.reader() as session:
        assert len(session.exec(select(Upload)).all()) == 1, "only the one of the sample shop"


def test_without_a_file_one_is_asked_for(console: FlaskClient) -> None:
    answer = console.post("/uploads", data={"csrf_token": form_token(console)}, follow_redirects=True)
    assert "Choose a file first" in answer.text


def test_a_list_can_be_taken_back_until_somebody_was_asked(console: FlaskClient, services: Services) -> None:
    place = _hand_in(console, LIST).location
    _press(console, f"{place}/begin")
    uploads.run(services, int(place.rsplit("/", 1)[1]))
    page = console.post(f"{place}/undo", data={"csrf_token": form_token(console)}, follow_redirects=True).text
    assert "was taken back" in page
    with services.database.reader() as session:
        assert session.exec(select(Order).where(Order.reference == "A1")).first() is None


def test_a_list_whose_shoppers_were_asked_stays(console: FlaskClient, shop: Shop, services: Services) -> None:
    answer = _press(console, f"/uploads/{shop.upload}/undo")
    assert "asked already" in console.get(answer.location).text
    with services.database.reader() as session:
        assert len(session.exec(select(Order)).all()) == 12
