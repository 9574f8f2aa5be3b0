"""The console's languages: nothing is left untranslated, nothing is left over, placeholders agree."""

import re
from collections.abc import Callable

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from bot.settings import ROOT
from bot.web.languages import LANGUAGES, TRANSLATIONS
from tests.web.conftest import post
from tests.web.samples import Shop

SignIn = Callable[..., FlaskClient]
OTHERS = sorted(set(LANGUAGES) - {"en"})
_KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module")
def sentences() -> set[str | tuple[str, ...]]:
    """Every sentence that pages and modules show."""
    found: set[str | tuple[str, ...]] = set()
    for folder, method in ((ROOT / "bot" / "web", "python"), (ROOT / "templates" / "pages", "jinja2")):
        pattern = "**.py" if method == "python" else "**.html"
        for _file, _line, message, _comments, _context in extract_from_dir(
            str(folder), [(pattern, method)], keywords=_KEYWORDS
        ):
            found.add(message)
    return found


def _catalogue(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated_and_none_is_left_over(
    language: str, sentences: set[str | tuple[str, ...]]
) -> None:
    known = {
        message.id if isinstance(message.id, str) else tuple(message.id)
        for message in _catalogue(language)
        if message.id
    }
    assert sentences - known == set(), f"add these to bot/web/translations/{language}"
    assert known - sentences == set(), f"nobody says these any more; take them out of bot/web/translations/{language}"


@pytest.mark.parametrize("language", OTHERS)
def test_translations_are_whole_and_carry_the_same_placeholders(language: str) -> None:
    for message in _catalogue(language):
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(texts), message.id
        wanted = set(re.findall(r"%\(\w+\)s", "".join(ids)))
        assert set(re.findall(r"%\(\w+\)s", "".join(texts))) == wanted, message.id


def test_a_person_reads_the_console_in_their_own_language(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    post(client, "/account/profile", name="मालिक", locale="hi")
    page = client.get("/orders").text
    assert '<html lang="hi"' in page
    for words in ("आपकी ज़रूरत", "पक्का", "नकद तैयार", "भेजें", "₹4,649"):
        assert words in page


def test_a_guest_is_greeted_in_the_browsers_language_until_they_choose(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(shop.owner)
    post(client, "/sign-out")
    assert "साइन इन करें" in client.get("/sign-in", headers={"Accept-Language": "hi-IN,hi;q=0.9,en;q=0.5"}).text
    assert "Sign in" in client.get("/sign-in", headers={"Accept-Language": "fr"}).text
    post(client, "/account/look", language="hi", back="/sign-in")
    assert "साइन इन करें" in client.get("/sign-in", headers={"Accept-Language": "en"}).text
