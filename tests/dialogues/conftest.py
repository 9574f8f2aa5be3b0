"""Play golden dialogues: text files in which the shopper's lines are written by hand and the bot's by `--update`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import engine
from bot.cli.rehearsal import Rehearsal, an_order, described, some_facts
from bot.engine import Effect, Facts, Send
from bot.text import locales
from flows import FLOWS

SPAN = re.compile(r"\+(\d+)\s*(min|h|d)")
UNITS = {"min": "minutes", "h": "hours", "d": "days"}
WORDS = ("start", "shopper", "clock", "order", "agent", "failed", "facts", "#")
"""A line that begins with one of these is the author's; all others are the bot's."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--update` write down what the bot says now."""
    parser.addoption("--update", action="store_true", help="rewrite the bot's lines of the golden dialogues")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> "Dialogue | WholeDialogue | None":
    """Collect the dialogues below the folders named after flows, and the scripts that are played in every language."""
    if file_path.suffix == ".txt" and file_path.parent.name in FLOWS:
        return Dialogue.from_parent(parent, path=file_path)
    if file_path.suffix == ".script" and file_path.stem in FLOWS:
        return WholeDialogue.from_parent(parent, path=file_path)
    return None


class Dialogue(pytest.File):
    """One file is one dialogue."""

    def collect(self) -> Iterator["Scene"]:
        """Yield the one test of the file."""
        scene = Scene.from_parent(self, name=self.path.stem)
        scene.flow, scene.golden = self.path.parent.name, self.path
        yield scene


class WholeDialogue(pytest.File):
    """One script is played in every language; the taps in it name choices by their ids."""

    def collect(self) -> Iterator["Scene"]:
        """Yield a test for each language, with its golden file in a folder of that language."""
        for locale in locales():
            scene = Scene.from_parent(self, name=locale)
            scene.flow, scene.script = self.path.stem, f"facts locale {locale}\n{self.path.read_text(encoding='utf-8')}"
            scene.golden = self.path.parent / locale / f"{self.path.stem}.txt"
            yield scene


class Scene(pytest.Item):
    """Play a dialogue and compare."""

    flow: str
    golden: Path
    script: str | None = None

    def runtest(self) -> None:
        """Fail where the bot says something else than the file holds."""
        written = self.golden.read_text(encoding="utf-8") if self.golden.exists() else ""
        played = play(self.flow, self.script or written)
        if self.config.getoption("--update", default=False):
            if played != written:
                self.golden.parent.mkdir(exist_ok=True)
                self.golden.write_text(played, encoding="utf-8")
            return
        assert played.splitlines() == written.splitlines(), (
            f"{self.golden.name} differs; if the new lines are right: pytest tests/dialogues --update"
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the dialogue in reports."""
        return self.path, 0, f"{self.flow}/{self.name}"


def play(flow: str, script: str, stage: Rehearsal | None = None) -> str:
    """Return the script with the bot's lines as they are now."""
    stage = stage or Rehearsal(FLOWS[flow], some_facts())
    lines: list[str] = []
    for line in script.splitlines():
        if not line.startswith(WORDS):
            continue
        if lines and not line.startswith(("facts", "#")):
            lines.append("")
        lines.append(line)
        try:
            lines += written(stage, act(stage, line))
        except (LookupError, ValueError, KeyError) as error:
            raise AssertionError(f"{flow}: cannot play {line!r}: {error}") from error
    return "\n".join(lines) + "\n"


def written(stage: Rehearsal, effects: list[Effect]) -> list[str]:
    """Write down what the bot said and did."""
    said: list[str] = []
    done = [text for text in map(described, effects) if text]
    shown = iter(stage.prompts[-sum(isinstance(one, Send) for one in effects) :])
    for _ in (one for one in effects if isinstance(one, Send)):
        prompt = next(shown)
        body = prompt.body.replace("\u2068", "").replace("\u2069", "").splitlines()
        said += [f"bot {prompt.turn}: {body[0]}", *(f"    {one}".rstrip() for one in body[1:])]
        said += [f"    ( {title}{' — ' + detail if detail else ''} )" for _, title, detail in prompt.choices]
        if prompt.form in ("location", "address"):
            said.append(f"    ( Meta's {prompt.form} form )")
    return [*said, *done]


def act(stage: Rehearsal, line: str) -> list[Effect]:
    """Do what an author's line says."""
    word, _, rest = line.partition(" ")
    if line.startswith("#"):
        return []
    if word == "start":
        return stage.feed(engine.Started())
    if rest.startswith("horizon "):
        stage.rules = replace(stage.rules, horizon_days=int(rest.split()[1]))
        return []
    if word == "facts":
        stage.facts = changed(stage.facts, rest)
        return []
    if word == "clock":
        match = SPAN.fullmatch(rest.strip())
        if match is None:
            raise ValueError("a span such as +4h is needed")
        return stage.wait(timedelta(**{UNITS[match[2]]: int(match[1])}))
    if word == "order":
        status = rest.strip()
        return stage.change(status, **({} if status == "details" else {"status": status}))
    if word == "agent":
        return stage.feed(engine.Released({"releases": "bot", "settles": "done"}[rest.strip()]))
    if word == "failed":
        return stage.feed(engine.Undeliverable(int(rest)))
    if word == "shopper:":
        return stage.say(rest.strip())
    return shopper(stage, rest)


def shopper(stage: Rehearsal, rest: str) -> list[Effect]:
    """Do what the shopper does: `taps Confirm`, `taps Confirm on 1`, `sends a location`, ..."""
    verb, _, what = rest.partition(" ")
    if verb == "taps":
        title, _, turn = what.partition(" on ")
        return stage.tap(*stage.find(title, int(turn) if turn else None))
    if verb == "means":
        return meaning(stage, what)
    if verb == "forges":
        choice, _, turn = what.partition(" on ")
        return stage.tap(choice, int(turn))
    if verb != "sends":
        raise ValueError("a shopper taps, sends or writes")
    kind, _, detail = what.removeprefix("a ").removeprefix("an ").partition(" ")
    if kind == "location":
        latitude, longitude = (float(one) for one in (detail or "28.6271,77.3727").split(","))
        return stage.feed(engine.Replied(location=engine.Location(latitude, longitude)))
    if kind == "contact":
        return stage.feed(engine.Replied(contact=engine.Contact("Papa", detail)))
    if kind == "form":
        values: dict[str, Any] = dict(pair.split("=", 1) for pair in detail.split("; "))
        return stage.feed(engine.Replied(form=values))
    return stage.feed(engine.Replied(media=engine.Media(kind, id="media-1", caption=detail), text=detail))


def meaning(stage: Rehearsal, what: str) -> list[Effect]:
    """Feed acts as the understanding would give them: `ask_who`, `language lang=hi`, `opt_out unsure`."""
    kind, *words = what.split()
    slots = dict(word.split("=", 1) for word in words if "=" in word)
    return stage.feed(engine.Replied((engine.Act(kind, slots),), text="...", safe="unsure" not in words))


def changed(facts: Facts, text: str) -> Facts:
    """Change the facts before or between: `flows delivery_slot`, `region AE`, `other 1043 Red shoes 899`, ..."""
    name, _, value = text.strip().partition(" ")
    one: dict[str, Any]
    order, merchant, person = facts.order, facts.merchant, facts.shopper
    if name == "flows":
        return replace(facts, merchant=replace(merchant, flows=merchant.flows | set(value.split())))
    if name == "patience":
        return replace(
            facts, merchant=replace(merchant, patience=tuple(timedelta(hours=int(h)) for h in value.split()))
        )
    if name == "locale":
        return replace(facts, shopper=replace(person, locale=value))
    if name == "languages":
        known = frozenset(locales()) if value == "all" else frozenset(value.split())
        return replace(facts, merchant=replace(merchant, locales=known))
    if name == "name":
        return replace(facts, shopper=replace(person, name=value))
    if name in ("pays_online", "address_form"):
        one = {name: True}
        return replace(facts, merchant=replace(merchant, **one))
    if name in ("seen", "complaint"):
        one = {name: value != "no"}
        return replace(facts, **one)
    if name == "other":
        number, minor, title = value.split(" ", 2)
        return replace(facts, others=(*facts.others, an_order(int(number), title, int(minor) * 100)))
    if name == "address":
        field, _, content = value.partition("=")
        return replace(facts, order=replace(order, address={**order.address, field: content}))
    if name == "others":
        return replace(facts, others=tuple(replace(other, status=value) for other in facts.others))
    if name in ("expected_to", "not_before"):
        one = {name: date.fromisoformat(value)}
        return replace(facts, order=replace(order, **one))
    if name in ("status", "intent", "courier", "tracking", "receiver"):
        one = {name: value}
        return replace(facts, order=replace(order, **one))
    raise ValueError(f"there is no fact {name!r}")
