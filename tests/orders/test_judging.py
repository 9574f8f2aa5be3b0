"""Long lists are judged by several processes, with the same result as by one."""

import pytest

from bot.orders import judging
from bot.orders.judging import judge_list
from bot.orders.spreadsheet import open_list
from tests.orders.conftest import INDIA, order_row, table


def test_several_processes_judge_as_one_does_and_in_the_lists_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "CHUNK", 50)
    monkeypatch.setattr(judging.os, "cpu_count", lambda: 2)
    rows = [
        order_row(f"A-{n}", phone=f"9000{n:06d}" if n % 7 else "12", pin="" if n % 5 else "201301") for n in range(400)
    ]
    orders = open_list(table(*rows, rows[3]), "IN")
    alone = list(judge_list(orders, INDIA, rows=100))
    together = list(judge_list(orders, INDIA, rows=judging.LONG))
    assert len(alone) > 5
    assert together == alone
    assert sum(chunk.rows for chunk in together) == 401


def test_judging_can_begin_in_the_middle() -> None:
    orders = open_list(table(*(order_row(f"A-{n}") for n in range(10))), "IN")
    chunks = list(judge_list(orders, INDIA, done=4, size=3))
    assert [(chunk.start, chunk.rows) for chunk in chunks] == [(4, 3), (7, 3)]
