"""Long lists are judged by several processes, with the same result as by one."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bot.orders import judging
from bot.orders.judging import judge_list
from bot.orders.spreadsheet import open_list
from bot.settings import ROOT
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


PROGRAM = """
import sys
from bot.orders.judging import judge_list
from bot.orders.spreadsheet import open_list
from tests.orders.conftest import INDIA, order_row, table

if __name__ == "__main__":
    orders = open_list(table(*(order_row(f"A-{n}") for n in range(3000))), "IN")
    for chunk in judge_list(orders, INDIA, rows=10_000, size=10):
        print(chunk.rows, flush=True)
"""


def test_no_process_is_left_over_when_the_import_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "judges.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, program], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"10\n"
        family = psutil.Process(started.pid).children(recursive=True)
        started.kill()
    assert len(family) >= 2
    _gone, left = psutil.wait_procs(family, timeout=20)
    assert left == []


def test_judging_can_begin_in_the_middle() -> None:
    orders = open_list(table(*(order_row(f"A-{n}") for n in range(10))), "IN")
    chunks = list(judge_list(orders, INDIA, done=4, size=3))
    assert [(chunk.start, chunk.rows) for chunk in chunks] == [(4, 3), (7, 3)]
