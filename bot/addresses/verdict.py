"""From findings to a score, and from findings to the one best question."""

from __future__ import annotations

from bot.addresses.records import FINDINGS, QUESTIONS, WEIGHTS, Component, Finding, Option, Question, Report, Suggestion

FIELD = {"PIN": "postal_code", "STATE": "state", "CITY": "city", "LOCALITY": "postal_code"}

FIELD_OF = {"PIN_CITY": "city", "PIN_CITY_SOFT": "city", "LANDMARK": "landmark"}


def finding(code: str, value: str = "", sentence: str = "") -> Finding:
    """Make a finding with the severity and sentence of its code (or a sentence that fits the case better)."""
    severity, usual = FINDINGS[code]
    field = FIELD_OF.get(code) or FIELD.get(code.split("_")[0], "address1")
    return Finding(code, severity, field, sentence or usual, value)


def ask(code: str, *options: Option) -> Question:
    """Make a question with its sentence and at most two options."""
    field = {
        "CONFIRM_PIN": "postal_code",
        "ASK_PIN": "postal_code",
        "CONFIRM_CITY_OR_PIN": "city",
        "ASK_LANDMARK": "landmark",
    }
    return Question(code, QUESTIONS[code], field.get(code, "address1"), options[:2])


def pin_option(code: str) -> Option:
    """Offer a postal code."""
    return Option(code, (("postal_code", code),))


def report(
    components: tuple[Component, ...],
    findings: list[Finding],
    suggestions: list[Suggestion],
    question: Question | None,
    pins: tuple[str, ...],
    edition: str,
) -> Report:
    """Score the findings and put the report together."""
    score = max(0, 100 - sum(WEIGHTS.get(f.code, 0) for f in findings))
    band = "ok" if score >= 85 else "ask" if score >= 60 else "hold"
    return Report(components, tuple(findings), score, band, tuple(suggestions), question, pins, edition)
