"""One address in, one report out."""

from __future__ import annotations

import re

from bot.addresses.records import FINDINGS, QUESTIONS, WEIGHTS, Address, Finding, Question, Report


def check(address: Address) -> Report:
    """Find what is wrong with an address, score it and choose the one question that helps most."""
    codes = []
    text = " ".join((address.address1, address.address2, address.landmark))
    if not re.search(r"\w", text):
        codes.append("JUNK")
    if not address.postal_code and address.country == "IN":
        codes.append("PIN_MISSING")
    if not re.search(r"\d", text):
        codes.append("HOUSE")
    findings = tuple(Finding(c, FINDINGS[c][0], "address1", FINDINGS[c][1]) for c in codes)
    score = max(0, 100 - sum(WEIGHTS[c] for c in codes))
    ladder = {"JUNK": "ASK_FULL", "PIN_MISSING": "ASK_PIN", "HOUSE": "ASK_HOUSE"}
    code = next((ladder[c] for c in codes if c in ladder), None)
    question = Question(code, QUESTIONS[code]) if code else None
    return Report((), findings, score, "ok" if score >= 85 else "ask" if score >= 60 else "hold", question=question)
