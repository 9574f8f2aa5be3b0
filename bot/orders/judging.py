"""Read and check the orders of a list, chunk by chunk, with the memory of one chunk however long the list is."""

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

from bot.addresses import Report, check
from bot.orders.spreadsheet import Draft, OrderList, Parsed, Row, Run, Shop, read_order

CHUNK = 1000
"""Rows in one transaction."""

LONG = 5_000
"""Rows from which the start of other processes pays."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of some rows; `report` is about the address of an accepted order."""

    parsed: Parsed
    report: Report | None = None

    @property
    def order(self) -> tuple[Draft, Report] | None:
        """The order and what is known of its address, when the rows are accepted."""
        return (self.parsed.draft, self.report) if self.parsed.draft and self.report else None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some orders of a list; `start` counts the rows before them."""

    start: int
    judged: tuple[Judged, ...]

    @property
    def rows(self) -> int:
        """How many rows of the file it covers."""
        return sum(len(one.parsed.rows) for one in self.judged)


def judge_list(
    orders: OrderList, shop: Shop, *, done: int = 0, rows: int = 0, size: int | None = None
) -> Iterator[Chunk]:
    """Yield the list in chunks of about `size` rows, leaving out the first `done` of its `rows`.

    Long lists are judged by as many processes as there are processors; the chunks come in the list's order all the
    same, and no more than a few are in memory.
    """
    chunks = _chunks(orders, done, size or CHUNK)
    processors = os.cpu_count() or 1
    if rows - done < LONG or processors == 1:
        for start, chunk in chunks:
            yield Chunk(start, judge_chunk(orders, chunk, shop))
        return
    sheetless = replace(orders, sheet=None)
    # Spawned, because neither threads nor connections of this process may be copied into the others, and as its own
    # children, so that they can be made to end with it.
    with ProcessPoolExecutor(processors, get_context("spawn"), _end_with, (os.getpid(),)) as pool:
        waiting: deque[tuple[int, list[tuple[Run, ...]], Future[list[Judged]]]] = deque()
        for start, chunk in chunks:
            waiting.append((start, chunk, pool.submit(_judge_apart, sheetless, chunk, shop)))
            if len(waiting) > 2 * processors:
                yield _gathered(*waiting.popleft())
        while waiting:
            yield _gathered(*waiting.popleft())


def judge_chunk(orders: OrderList, chunk: list[tuple[Run, ...]], shop: Shop) -> tuple[Judged, ...]:
    """Read some orders and check their addresses."""
    return tuple(
        Judged(parsed, check(parsed.draft.address) if parsed.draft else None)
        for runs in chunk
        for parsed in read_order(orders, runs, shop)
    )


def _judge_apart(orders: OrderList, chunk: list[tuple[Run, ...]], shop: Shop) -> list[Judged]:
    """Judge in another process; rows are sent back without the cells that the first process has anyway."""
    return [
        replace(one, parsed=replace(one.parsed, rows=tuple(Row(row.number, []) for row in one.parsed.rows)))
        for one in judge_chunk(orders, chunk, shop)
    ]


def _gathered(start: int, chunk: list[tuple[Run, ...]], judged: "Future[list[Judged]]") -> Chunk:
    by_number = {row.number: row for runs in chunk for run in runs for row in run}
    return Chunk(
        start,
        tuple(
            replace(one, parsed=replace(one.parsed, rows=tuple(by_number[row.number] for row in one.parsed.rows)))
            for one in judged.result()
        ),
    )


def _end_with(parent: int) -> None:
    """Let this process end with its parent, also when that one is killed: it would wait for work for ever."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


_PR_SET_PDEATHSIG = 1


def _chunks(orders: OrderList, done: int, size: int) -> Iterator[tuple[int, list[tuple[Run, ...]]]]:
    start = passed = 0
    chunk: list[tuple[Run, ...]] = []
    for runs in orders.orders():
        passed += sum(map(len, runs))
        if passed <= done:
            start = passed
            continue
        chunk.append(runs)
        if passed - start >= size:
            yield start, chunk
            start, chunk = passed, []
    if chunk:
        yield start, chunk
