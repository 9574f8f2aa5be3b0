"""`flask understand`: read messages from standard input, explain one, rebuild the classifier, check the packs."""

import json
import sys
from datetime import datetime

import click


@click.group("understand", invoke_without_command=True)
@click.option("--explain", "sentence", metavar="TEXT", help="Show which words were known, which layer decided and why.")
@click.option("--state", default="confirm", show_default=True, help="What the bot had just asked (with --explain).")
@click.option("--region", default="IN", show_default=True, help="ISO country of the shopper's phone (with --explain).")
@click.option("--lang", "language", default=None, help="Language of the shopper, if known (with --explain).")
@click.pass_context
def command(ctx: click.Context, sentence: str | None, state: str, region: str, language: str | None) -> None:
    """Read JSON lines {"id", "text", "state", "lang"?, "region"?, "at"?} and write what each message means.

    Written per line: {"id", "intent", "acts", "slots",
    "confidence"}; the intent is null for a message that was not understood.
    "at" is the message's time as ISO 8601 in the shopper's zone; without it the time of the development set is used.
    """
    if ctx.invoked_subcommand is not None:
        return
    if sentence is not None:
        from bot.understanding.trial import explain

        click.echo(explain(sentence, region, state, language))
        return
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            click.echo(_answer(line, number))


def _answer(line: str, number: int) -> str:
    """Return the JSON line for one request; a malformed one is answered with what is wrong with it."""
    from bot.understanding import understand
    from bot.understanding.packs import STATES
    from bot.understanding.trial import act_of, context

    row = None
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise ValueError('"text" is missing or is not a string')
        for name in ("lang", "region", "state", "at"):
            if not isinstance(row.get(name), str | None):
                raise ValueError(f'"{name}" is not a string')
        state = row.get("state") or "idle"
        if state not in STATES:
            raise ValueError(f"state {state!r} is not one of {', '.join(STATES)}")
        at = datetime.fromisoformat(row["at"]) if row.get("at") else None
    except (ValueError, TypeError) as problem:
        return json.dumps(
            {
                "id": row.get("id") if isinstance(row, dict) else None,
                "intent": None,
                "acts": [],
                "slots": {},
                "confidence": 0.0,
                "error": f"line {number}: {problem}",
            }
        )
    read = understand(row["text"], context(state, row.get("region"), row.get("lang"), at))
    intent, slots, confidence = act_of(read)
    acts = [
        {"kind": act_of_kind(act.kind, act.slots), "slots": act.slots, "confidence": act.confidence}
        for act in read.acts
    ]
    result = {
        "id": row.get("id"),
        "intent": intent,
        "acts": acts,
        "slots": slots,
        "confidence": confidence,
        "safe": read.safe,
    }
    return json.dumps(result, ensure_ascii=False)


def act_of_kind(kind: str, slots: dict[str, str | int | float | bool]) -> str:
    """Name an option of the question by the act that it stands for."""
    return str(slots.get("id", kind)) if kind == "choice" else kind


@command.command("train")
def train() -> None:
    """Rebuild the classifier from the packs' examples, byte for byte the same on every run."""
    from bot.understanding.training import train as build

    click.echo(build())


@command.command("packs")
@click.argument("names", nargs=-1)
def packs(names: tuple[str, ...]) -> None:
    """Check language packs (all, or those named): schema, contradictions, collisions, and their own tests."""
    from bot.understanding.packs_check import main

    raise SystemExit(main(list(names) or ["--all"]))
