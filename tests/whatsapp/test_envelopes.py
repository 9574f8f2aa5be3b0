"""Bodies that wait together share a commit, and nobody is told "kept" before it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.database import Database
from bot.whatsapp import envelopes as envelopes_module
from bot.whatsapp.envelopes import Envelopes, NotKept


class Gate(Database):
    """A database whose commits can be held back and made to fail."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.open = threading.Event()
        self.open.set()
        self.commits = 0
        self.fails = False

    @contextmanager
    def session(self) -> Iterator[Any]:
        with super().session() as session:
            yield session
            assert self.open.wait(10)
            if self.fails:
                raise OperationalError("commit", {}, Exception("disk full"))
        self.commits += 1

    def stored(self) -> list[bytes]:
        with self.reader() as session:
            return [bytes(body) for body in session.execute(text("select body from envelope order by id")).scalars()]


@pytest.fixture
def gate(database_url: str) -> Iterator[Gate]:
    made = Gate(database_url)
    yield made
    made.engine.dispose()


def start(keep: Any, bodies: list[bytes]) -> tuple[list[threading.Thread], list[bytes], list[bytes]]:
    kept: list[bytes] = []
    refused: list[bytes] = []

    def run(body: bytes) -> None:
        try:
            keep(body)
            kept.append(body)
        except NotKept:
            refused.append(body)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    return threads, kept, refused


def wait_for(envelopes: Envelopes, waiting: int) -> None:
    for _ in range(1000):
        if len(envelopes._waiting) == waiting:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the threads never came to wait")


def test_those_that_wait_share_the_next_commit_and_nobody_returns_before_it(gate: Gate) -> None:
    rings: list[int] = []
    envelopes = Envelopes(gate, lambda: rings.append(1))
    gate.open.clear()
    first = start(envelopes.keep, [b"first"])
    wait_for(envelopes, 0)
    rest = start(envelopes.keep, [b"%d" % n for n in range(30)])
    wait_for(envelopes, 30)
    assert (first[1], rest[1], gate.stored()) == ([], [], [])
    gate.open.set()
    for thread in (*first[0], *rest[0]):
        thread.join()
    assert len(rest[1]) == 30
    assert len(gate.stored()) == 31
    assert (gate.commits, len(rings)) == (2, 2)


def test_a_commit_that_fails_is_told_to_everyone_who_waited_for_it(gate: Gate) -> None:
    envelopes = Envelopes(gate, lambda: None)
    gate.open.clear()
    gate.fails = True
    first = start(envelopes.keep, [b"first"])
    wait_for(envelopes, 0)
    rest = start(envelopes.keep, [b"%d" % n for n in range(10)])
    wait_for(envelopes, 10)
    gate.open.set()
    for thread in (*first[0], *rest[0]):
        thread.join()
    assert (first[1], rest[1]) == ([], [])
    assert len(first[2] + rest[2]) == 11
    assert gate.stored() == []
    gate.fails = False
    envelopes.keep(b"again")
    assert gate.stored() == [b"again"]


def test_a_thread_that_is_ended_in_its_commit_neither_blocks_nor_deceives_the_others(gate: Gate) -> None:
    envelopes = Envelopes(gate, lambda: None)
    original = gate.session
    interrupted: list[bool] = []

    @contextmanager
    def interrupting() -> Iterator[Any]:
        with original() as session:
            yield session
            if not interrupted:
                interrupted.append(True)
                raise SystemExit

    gate.session = interrupting  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        envelopes.keep(b"ended")
    envelopes.keep(b"next")
    assert gate.stored() == [b"next"]


def test_a_large_crowd_is_kept_in_several_commits(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes_module, "MOST_BODIES", 7)
    monkeypatch.setattr(envelopes_module, "MOST_BYTES", 30)
    envelopes = Envelopes(gate, lambda: None)
    bodies = [b"x" * (n % 40) + b"%d" % n for n in range(100)]
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(envelopes.keep, bodies))
    assert sorted(gate.stored()) == sorted(bodies)


def test_two_processes_with_the_same_bodies_do_not_wait_for_each_other(database_url: str) -> None:
    doors = [Envelopes(Database(database_url), lambda: None) for _ in range(2)]
    bodies = [b"%d" % n for n in range(60)]
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda n: doors[n % 2].keep(bodies[n // 2 if n % 4 < 2 else 59 - n // 2]), range(120)))
    assert set(Gate(database_url).stored()) <= set(bodies)
    assert len(Gate(database_url).stored()) == len(set(Gate(database_url).stored()))
