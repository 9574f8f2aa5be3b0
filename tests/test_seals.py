"""The audit's seals: whatever is done to a line inside of a chain is found, and honest appends never break it."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from bot import seals
from bot.cli.merchants import command
from bot.clock import now
from bot.database import Database
from bot.models import Audit, Merchant
from bot.services import Services
from bot.settings import Settings
from workers.clock import Clock

SECRET = "a secret of the tests, long enough"
KEY = seals.key_of(SECRET)


@pytest.fixture
def services(database_url: str) -> Iterator[Services]:
    """Services on a fresh database with two shops."""
    settings = Settings.from_env(database_url=database_url, redis_url="redis://127.0.0.1:1/0", secret_key=SECRET)
    services = Services.from_settings(settings)
    with services.database.session() as session:
        for slug in ("one", "two"):
            session.add(Merchant(slug=slug, name=slug, created_at=now()))
    yield services
    services.database.engine.dispose()


def shops(database: Database) -> list[int | None]:
    with database.reader() as session:
        return [*session.exec(select(Merchant.id).order_by(col(Merchant.id))).all(), None]


def line(shop: int | None, number: int) -> Audit:
    detail = {"ü": [number, 0.1, None], "a": {"z": 1, "b": True}}
    return Audit(merchant_id=shop, at=now() + timedelta(microseconds=number), act="a.b", object="x:1", detail=detail)


def fill(database: Database, count: int) -> None:
    with database.session() as session:
        session.add_all([line(shop, number) for number in range(count) for shop in shops(database)])


def seal_all(services: Services) -> None:
    Clock(services).seal_audit()


def look(database: Database, shop: int | None) -> seals.Verdict:
    with database.reader() as session:
        return seals.verify(session, KEY, shop)


def test_each_shop_has_a_chain_of_its_own_and_so_have_lines_of_no_shop(services: Services) -> None:
    fill(services.database, 5)
    assert look(services.database, None) == seals.Verdict(unsealed=5)
    seal_all(services)
    for shop in shops(services.database):
        told = look(services.database, shop)
        assert (told.first, told.lines, told.unsealed, told.wrong) == (1, 5, 0, None)
    fill(services.database, 1)
    assert look(services.database, None).unsealed == 1


def test_more_lines_than_one_transaction_seals_are_all_sealed(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "BATCH", 4)
    fill(services.database, 7)
    seal_all(services)
    assert {look(services.database, shop).lines for shop in shops(services.database)} == {7}


def change(session: Session, ids: list[int], dice: random.Random) -> None:
    other = {
        "act": "c.d", "object": "y:2", "detail": {"b": 1}, "at": now(), "merchant_id": None, "seal": "0" * 64,
        "place": None, "seal_before": "0" * 64,
    }  # fmt: skip
    name = dice.choice(sorted(other))
    session.execute(update(Audit).where(col(Audit.id) == dice.choice(ids[:-1])).values({name: other[name]}))


def remove(session: Session, ids: list[int], dice: random.Random) -> None:
    session.execute(delete(Audit).where(col(Audit.id) == dice.choice(ids[1:-1])))


def insert(session: Session, ids: list[int], dice: random.Random) -> None:
    """Put a line in, with a place and seals as good as one can make them without the key."""
    before = session.get_one(Audit, dice.choice(ids[:-1]))
    session.execute(
        update(Audit)
        .where(col(Audit.merchant_id) == before.merchant_id, col(Audit.place) > before.place)
        .values(place=col(Audit.place) + 1000)
    )
    new = line(before.merchant_id, 1)
    new.place, new.seal_before, new.seal = (before.place or 0) + 1, before.seal, "1" * 64
    session.add(new)
    session.flush()
    session.execute(
        update(Audit)
        .where(col(Audit.merchant_id) == before.merchant_id, col(Audit.place) > 1000)
        .values(place=col(Audit.place) - 999)
    )


def swap(session: Session, ids: list[int], dice: random.Random) -> None:
    """Let two lines change their places, and what they say of the chain with them."""
    one, other = (session.get_one(Audit, number) for number in dice.sample(ids, 2))
    session.execute(update(Audit).where(col(Audit.id) == one.id).values(place=None))
    for row, new in ((other, one), (one, other)):
        values = {"place": new.place, "seal_before": new.seal_before, "seal": new.seal}
        session.execute(
            update(Audit).where(col(Audit.id) == row.id).values(values).execution_options(synchronize_session=False)
        )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("deed", [change, remove, insert, swap])
def test_whatever_is_done_to_a_line_is_found(services: Services, deed, seed: int) -> None:  # type: ignore[no-untyped-def]  # One of four.
    dice = random.Random(seed)
    database = services.database
    fill(database, 6)
    seal_all(services)
    shop = shops(database)[0]
    with database.session() as session:
        ids = session.exec(select(Audit.id).where(Audit.merchant_id == shop).order_by(col(Audit.place))).all()
        deed(session, list(ids), dice)
    seal_all(services)
    told = look(database, shop)
    assert told.wrong is not None
    assert told.why
    assert {look(database, other).wrong for other in shops(database)[1:2]} == {None}


def test_the_first_wrong_line_is_named_and_the_command_ends_with_1(services: Services) -> None:
    fill(services.database, 6)
    seal_all(services)
    app = Flask("commands")
    app.extensions["pakka"] = services
    app.cli.add_command(command)
    whole = app.test_cli_runner().invoke(args=["merchants", "audit"])
    assert whole.exit_code == 0
    assert [row.split(";")[0] for row in whole.output.splitlines()] == [
        "one: 6 lines unbroken", "two: 6 lines unbroken", "(no shop): 6 lines unbroken",
    ]  # fmt: skip
    shop = shops(services.database)[0]
    with services.database.session() as session:
        for place in (3, 5):
            session.execute(
                update(Audit).where(col(Audit.merchant_id) == shop, col(Audit.place) == place).values(act="nothing")
            )
        third = session.exec(select(Audit.id).where(Audit.merchant_id == shop, Audit.place == 3)).one()
    broken = app.test_cli_runner().invoke(args=["merchants", "audit", "one"])
    assert broken.exit_code == 1
    assert broken.output.startswith(f"one: BROKEN at line {third} (")
    assert "it does not say what it said when it was sealed" in broken.output


def test_the_seal_of_another_secret_proves_nothing(services: Services) -> None:
    fill(services.database, 2)
    seal_all(services)
    with services.database.reader() as session:
        assert seals.verify(session, seals.key_of("another secret of the tests"), None).wrong is not None


def test_when_old_lines_were_wiped_the_chain_begins_at_the_oldest_that_is_kept(services: Services) -> None:
    fill(services.database, 9)
    seal_all(services)
    with services.database.session() as session:
        session.execute(delete(Audit).where(col(Audit.place) <= 4))
    fill(services.database, 1)
    seal_all(services)
    for shop in shops(services.database):
        told = look(services.database, shop)
        assert (told.first, told.last, told.lines, told.wrong) == (5, 10, 6, None)


def test_only_the_newest_lines_can_be_looked_at(services: Services) -> None:
    fill(services.database, 9)
    seal_all(services)
    with services.database.session() as session:
        session.execute(update(Audit).where(col(Audit.place) == 2).values(act="nothing"))
    with services.database.reader() as session:
        assert seals.verify(session, KEY, None, newest=7).lines == 7
        assert seals.verify(session, KEY, None, newest=8).wrong is not None


def test_appends_and_sweeps_at_once_neither_break_nor_fork_a_chain(services: Services) -> None:
    database = services.database
    every = shops(database)

    def append(number: int) -> None:
        with database.session() as session:
            session.add(line(every[number % 3], number))

    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(append, number) for number in range(120)]
        work += [pool.submit(seal_all, services) for _ in range(12)]
        for one in work:
            one.result()
    seal_all(services)
    told = [look(database, shop) for shop in every]
    assert [(one.first, one.lines, one.unsealed, one.wrong) for one in told] == [(1, 40, 0, None)] * 3


def test_a_line_that_is_committed_after_a_younger_one_was_sealed_comes_behind_it(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with Session(database.engine) as slow:
        slow.add(line(None, 1))
        slow.flush()
        with database.session() as session:
            session.add(line(None, 2))
        with database.session() as session:
            assert seals.seal(session, KEY) == 1
        slow.commit()
    with database.session() as session:
        assert seals.seal(session, KEY) == 1
        ids = session.exec(select(Audit.id).order_by(col(Audit.place))).all()
    assert ids == sorted(ids, key=lambda number: -(number or 0))
    assert look(database, None).lines == 2
    database.engine.dispose()
