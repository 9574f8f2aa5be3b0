"""Rehearse a flow without a database: the world as the runner would keep it, in memory.

`flask flow chat` and the golden dialogues use it. It holds one shopper, their orders and one run, passes the state
through JSON at every step, answers look-ups as `bot.talk` does, and fires timers when its clock is moved.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot import engine
from bot.engine import Effect, Event, Facts, Flow, Money, Order, State
from bot.orders.rules import Rules
from bot.talk.hearing import hear
from bot.talk.lookups import answer, promise_of
from bot.text import render_send

MORNING = datetime(2026, 11, 25, 10, 0, tzinfo=ZoneInfo("Asia/Kolkata"))
ADDRESS = {
    "address1": "Flat 302, Tower B, Green Heights, Sector 62",
    "landmark": "Near metro gate 2",
    "city": "Noida",
    "state": "Uttar Pradesh",
    "postal_code": "201309",
    "country": "IN",
}


def an_order(number: int = 1042, title: str = "Blue cotton kurta", minor: int = 129900) -> Order:
    """Make an order to talk about."""
    return Order(
        id=str(number),
        reference=f"#{number}",
        items=engine.Items((engine.Item(title),)),
        total=Money(minor, "INR"),
        address=dict(ADDRESS),
    )


def some_facts(**changes: object) -> Facts:
    """Make the facts of an ordinary order; `changes` replace fields of Facts."""
    merchant = engine.Merchant(shop="Mira Crafts", site="miracrafts.example", hours="10–19", locales=frozenset({"en"}))
    facts = Facts(order=an_order(), merchant=merchant, now=MORNING, shopper=engine.Shopper("Asha Verma"))
    return replace(facts, **changes)  # type: ignore[arg-type]  # the caller names fields of Facts


@dataclass(slots=True)
class Prompt:
    """A bubble as the shopper sees it."""

    turn: int
    body: str
    choices: tuple[tuple[str, str, str], ...]
    form: str
    template: str | None


@dataclass(slots=True)
class Rehearsal:
    """One run and its world."""

    flow: Flow
    facts: Facts
    state: State = field(init=False)
    prompts: list[Prompt] = field(default_factory=list)
    records: list[Effect] = field(default_factory=list)
    timers: list[tuple[datetime, int, int]] = field(default_factory=list)
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        """Prepare a run that has not begun."""
        self.state = engine.start(self.flow)

    def feed(self, event: Event) -> list[Effect]:
        """Let one event move the run; return everything that came of it, look-ups answered."""
        happened: list[Effect] = []
        for _ in range(6):
            moved = engine.step(self.flow, self.state, event, self.facts)
            self.state = State.from_json(json.loads(json.dumps(moved.state.to_json())))
            found = None
            for effect in moved.effects:
                if isinstance(effect, engine.LookUp):
                    found = effect
                    continue
                happened.append(effect)
                self._carry_out(effect)
            if found is None:
                return happened
            promise = promise_of(self.rules, self.facts.order, self.facts.now)
            value = json.loads(json.dumps(answer(found.kind, found.query, promise)))
            event = engine.Found(found.kind, value)
        raise engine.FlowError("the flow looks up without end")

    def say(self, text: str) -> list[Effect]:
        """Let the shopper write."""
        return self.feed(hear(self.flow, self.state, self.facts, engine.Replied(text=text)))

    def tap(self, choice: str, turn: int) -> list[Effect]:
        """Let the shopper tap."""
        return self.feed(engine.Replied(choice=choice, turn=turn))

    def find(self, title: str, turn: int | None = None) -> tuple[str, int]:
        """Return the id and turn of the newest button (or row) with a title or an id."""
        for prompt in reversed(self.prompts):
            if turn is not None and prompt.turn != turn:
                continue
            for choice, shown, _ in prompt.choices:
                if title in (shown, choice):
                    return choice, prompt.turn
        raise LookupError(f"no button is called {title!r}")

    def wait(self, span: timedelta) -> list[Effect]:
        """Let time pass; timers that fall due are fired in their order."""
        until = self.facts.now + span
        happened: list[Effect] = []
        while True:
            due = sorted(timer for timer in self.timers if timer[0] <= until)
            if not due:
                break
            self.timers.remove(due[0])
            at, turn, nth = due[0]
            self.facts = replace(self.facts, now=max(at, self.facts.now))
            happened += self.feed(engine.Silence(turn, nth))
        self.facts = replace(self.facts, now=until)
        return happened

    def change(self, what: str, **fields: object) -> list[Effect]:
        """Let the merchant or the courier change the order."""
        order = replace(self.facts.order, **fields)  # type: ignore[arg-type]  # the caller names fields of Order
        self.facts = replace(self.facts, order=order)
        return self.feed(engine.Changed(what))

    def _carry_out(self, effect: Effect) -> None:
        facts = self.facts
        self.records.append(effect)
        if isinstance(effect, engine.Send):
            shown = render_send(effect, facts.shopper.locale, facts.shopper.region)
            self.prompts.append(Prompt(effect.turn, shown.body, shown.choices, shown.form, effect.template))
            self.timers = [timer for timer in self.timers if timer[1] >= effect.turn]
        elif isinstance(effect, engine.Wake):
            self.timers.append((facts.now + effect.after, effect.turn, effect.nth))
        elif isinstance(effect, engine.SetLocale):
            self.facts = replace(facts, shopper=replace(facts.shopper, locale=effect.locale))
        elif isinstance(effect, engine.OptOut | engine.OptIn):
            out = isinstance(effect, engine.OptOut)
            self.facts = replace(facts, shopper=replace(facts.shopper, opted_out=out))
        elif isinstance(effect, engine.SaveAddress) and effect.settled:
            self._order(effect.order, address={name: str(value) for name, value in effect.address.items()})
        elif isinstance(effect, engine.Record):
            self._record(effect)

    def _record(self, effect: engine.Record) -> None:
        value = effect.value
        if effect.field == "intent":
            intent = value if value in ("confirmed", "cancelled") else ""
            self._order(effect.order, intent=intent)
        elif effect.field == "not_before":
            self._order(effect.order, not_before=date.fromisoformat(value) if isinstance(value, str) else None)
        elif effect.field == "slot":
            self._order(effect.order, slot_part=value)

    def _order(self, order_id: str, **fields: object) -> None:
        facts = self.facts
        if order_id in ("", facts.order.id):
            changed = replace(facts.order, **fields)  # type: ignore[arg-type]  # named by the callers above
            self.facts = replace(facts, order=changed)
            return
        others = [replace(one, **fields) if one.id == order_id else one for one in facts.others]  # type: ignore[arg-type]
        self.facts = replace(facts, others=tuple(one for one in others if one.intent != "cancelled"))


def described(effect: Effect) -> str:
    """Write an effect that no shopper sees, in one line; "" for one that is seen."""
    if isinstance(effect, engine.Record):
        return f"[{_about(effect.order)}{effect.field}={_json(effect.value)}]"
    if isinstance(effect, engine.SaveAddress):
        changes = "; ".join(f"{name}: {old} → {new}" for name, old, new in effect.changes)
        return f"[{_about(effect.order)}address {'settled' if effect.settled else 'noted'}: {changes}]"
    if isinstance(effect, engine.CallAgent):
        return f"[agent called: {effect.reason}]"
    if isinstance(effect, engine.OpenTask):
        return f"[{_about(effect.order)}task: {effect.reason}]"
    if isinstance(effect, engine.Notice):
        return f"[notice: {effect.code} {_json(effect.values)}]"
    if isinstance(effect, engine.Begin):
        return f"[{_about(effect.order)}begins {effect.flow}]"
    if isinstance(effect, engine.SetLocale):
        return f"[language: {effect.locale}]"
    if isinstance(effect, engine.React):
        return f"[reaction: {effect.emoji}]"
    if isinstance(effect, engine.Wake):
        hours = effect.after.total_seconds() / 3600
        return f"[waits {hours:g} h]"
    names = {engine.OptOut: "[messages stopped]", engine.OptIn: "[messages resumed]", engine.NotMine: "[number wiped]"}
    return names.get(type(effect), "")


def _about(order: str) -> str:
    return f"order {order}: " if order else ""


def _json(value: object) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
