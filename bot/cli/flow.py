"""`flask flow`: prove the flows, talk to one in a terminal, draw one."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.cli.rehearsal import Rehearsal
    from bot.engine import Effect, Flow


@click.group("flow")
def command() -> None:
    """Prove, try and draw the flows."""


@command.command("check")
def check() -> None:
    """Prove every flow, its texts in every language, and its WhatsApp templates."""
    from bot.engine import fingerprint
    from bot.text import locales, problems, templates
    from flows import FLOWS

    found = problems(FLOWS.values())
    for problem in found:
        click.echo(problem, err=True)
    if found:
        raise SystemExit(f"{len(found)} problems")
    for flow in FLOWS.values():
        click.echo(f"{flow.name} version {flow.version}: {len(flow.steps)} steps, {fingerprint(flow)}")
    click.echo(f"{len(locales())} languages, {len(templates())} WhatsApp templates: all good")


@command.command("graph")
@click.argument("name")
def graph(name: str) -> None:
    """Print a flow as a Mermaid diagram."""
    from bot.engine import mermaid

    click.echo(mermaid(_flow(name)), nl=False)


@command.command("chat")
@click.argument("name")
@click.option("--locale", default="en", show_default=True, help="The shopper's language.")
@click.option("--with", "more", multiple=True, help="Another flow of the shop that is on, such as delivery_slot.")
def chat(name: str, locale: str, more: tuple[str, ...]) -> None:
    """Talk to a flow: write, tap with /1 or /1.2 (second choice of bubble 1), let time pass with /wait 4h."""
    from dataclasses import replace

    from bot import engine
    from bot.cli.rehearsal import Rehearsal, some_facts
    from bot.text import locales

    flow = _flow(name)
    facts = some_facts()
    status = "delivered" if name == "review" else "open"
    facts = replace(
        facts,
        order=replace(facts.order, status=status),
        shopper=replace(facts.shopper, locale=locale),
        merchant=replace(facts.merchant, flows=facts.merchant.flows | set(more), locales=frozenset(locales())),
    )
    stage = Rehearsal(flow, facts)
    _show(stage, stage.feed(engine.Started()))
    while True:
        try:
            line = click.prompt(click.style("you", fg="green"), prompt_suffix=": ").strip()
        except (EOFError, click.Abort):
            click.echo()
            return
        try:
            _show(stage, _act(stage, line))
        except (LookupError, ValueError) as error:
            click.echo(f"({error})", err=True)


def _flow(name: str) -> "Flow":
    from flows import FLOWS

    if name not in FLOWS:
        raise click.BadParameter(f"there is no flow {name!r}; there are {', '.join(FLOWS)}")
    return FLOWS[name]


def _act(stage: "Rehearsal", line: str) -> "list[Effect]":
    from datetime import timedelta

    from bot import engine

    if not line.startswith("/"):
        return stage.say(line)
    word, _, rest = line[1:].partition(" ")
    if word == "wait":
        units = {"m": "minutes", "h": "hours", "d": "days"}
        if not rest[:-1].isdigit() or rest[-1:] not in units:
            raise ValueError("say for example: /wait 4h")
        return stage.wait(timedelta(**{units[rest[-1]]: int(rest[:-1])}))
    if word == "pin":
        return stage.feed(engine.Replied(location=engine.Location(28.6271, 77.3727)))
    if word in ("audio", "image", "video", "sticker", "reaction"):
        return stage.feed(engine.Replied(media=engine.Media(word)))
    turn, _, number = word.rpartition(".")
    if not number.isdigit() or (turn and not turn.isdigit()):
        raise ValueError("say /1 for the first choice, /2.1 for the first one of bubble 2, /wait 4h, /pin, /audio")
    with_choices = [prompt for prompt in stage.prompts if prompt.choices and (not turn or prompt.turn == int(turn))]
    if not with_choices or not 0 < int(number) <= len(with_choices[-1].choices):
        raise LookupError("there is no such choice")
    prompt = with_choices[-1]
    return stage.tap(prompt.choices[int(number) - 1][0], prompt.turn)


def _show(stage: "Rehearsal", effects: "list[Effect]") -> None:
    from bot import engine
    from bot.cli.rehearsal import described

    sent = sum(isinstance(effect, engine.Send) for effect in effects)
    for prompt in stage.prompts[len(stage.prompts) - sent :]:
        click.echo(click.style(f"bot {prompt.turn}: ", fg="cyan") + prompt.body)
        for number, (_, title, detail) in enumerate(prompt.choices, 1):
            click.echo(
                click.style(f"   /{prompt.turn}.{number} {title}", fg="yellow") + (f"  {detail}" if detail else "")
            )
    for line in filter(None, map(described, effects)):
        click.echo(click.style(line, dim=True))
