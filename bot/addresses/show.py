"""Reports and merges as a few lines of English, for a terminal or a merchant's note."""

from __future__ import annotations

from bot.addresses.records import Merge, Report

MARK = {"bad": "x", "warn": "!", "info": "-"}


def report_lines(report: Report) -> list[str]:
    """Write a report for people: score, findings, what may be put right, what to ask, the parts."""
    lines = [f"score {report.score} ({report.band})"]
    lines += [
        f"  {MARK[f.severity]} {f.code:<14} {f.sentence}{f' [{f.value}]' if f.value else ''}" for f in report.findings
    ]
    for suggestion in report.suggestions:
        how = "put right" if suggestion.safe else "offer"
        lines.append(f"  > {how}: {suggestion.field} = {suggestion.value}")
    if report.question:
        options = " / ".join(o.label for o in report.question.options)
        lines.append(f"ask: {report.question.code}: {report.question.sentence}" + (f" ({options})" if options else ""))
    else:
        lines.append("ask: nothing, only confirm")
    lines += [f"  {c.kind:<12} {c.value}  ({c.status}, {c.confidence:.0%})" for c in report.components]
    lines.append(f"data: {report.edition}")
    return lines


def merge_lines(result: Merge) -> list[str]:
    """Write the outcome of a merge for people: the differences, what was noticed, what is open."""
    lines = [f"  {c.field}: {c.old or '(empty)'} -> {c.new or '(empty)'}" for c in result.changes] or [
        "  nothing changed"
    ]
    if result.flags:
        lines.append("noticed: " + ", ".join(result.flags))
    lines.append(f"open: {result.open.code}: {result.open.sentence}" if result.open else "open: nothing")
    return lines
