"""The data behind the check: how old they may be, and that the index on this machine is the one of this code."""

from datetime import date, timedelta

import pytest

from bot.addresses.build import SOURCES, is_fresh
from bot.addresses.editions import EDITIONS

TWO_YEARS = timedelta(days=731)


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda e: e.package)
def test_no_edition_is_older_than_two_years(edition):
    today = date.today()  # noqa: DTZ011  # The day of the machine is exact enough for a limit of years.
    assert today - edition.watched < TWO_YEARS, f"{edition.package}: look for a newer edition of {edition.data}"
    assert edition.issued <= edition.reviewed


def test_every_source_package_has_an_edition_with_a_licence():
    pinned = [
        line.strip()
        for line in SOURCES.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert [p.replace("==", " ") for p in pinned] == [e.package for e in EDITIONS]
    assert all(e.licence for e in EDITIONS)


def test_the_index_here_was_built_by_this_code():
    assert is_fresh(), "run `flask addresses build`"
