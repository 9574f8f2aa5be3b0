"""The present address and a shopper's reply in, the next version out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.addresses.check import check
from bot.addresses.records import Address, Change, Merge, Question, Reply


def merge(before: Address, question: Question | str | None, replies: Iterable[Reply | str]) -> Merge:
    """Read the replies in order and return the address they make, what changed and what is still open."""
    texts = [r if isinstance(r, str) else r.text for r in replies]
    added = ", ".join(t.strip() for t in texts if t.strip())
    after = replace(before, landmark=added or before.landmark)
    changes = (Change("landmark", before.landmark, added),) if added else ()
    report = check(after)
    return Merge(after, changes, report.question, (), report)
