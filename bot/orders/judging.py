"""Read and check the orders of a list, chunk by chunk, with the memory of one chunk however long the list is."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.addresses import Report, check
from bot.orders.spreadsheet import Draft, OrderList, Parsed, Run, Shop, read_order

CHUNK = 1000
"""Rows in one transaction."""


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


def judge_list(orders: OrderList, shop: Shop, *, done: int = 0, size: int | None = None) -> Iterator[Chunk]:
    """Yield the list in chunks of about `size` rows, leaving out the first `done` rows."""
    for start, chunk in _chunks(orders, done, size or CHUNK):
        yield Chunk(start, judge_chunk(orders, chunk, shop))


def judge_chunk(orders: OrderList, chunk: list[tuple[Run, ...]], shop: Shop) -> tuple[Judged, ...]:
    """Read some orders and check their addresses."""
    return tuple(
        Judged(parsed, check(parsed.draft.address) if parsed.draft else None)
        for runs in chunk
        for parsed in read_order(orders, runs, shop)
    )


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
