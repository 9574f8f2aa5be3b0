"""The address while replies are merged into it, and the small steps that every kind of reply takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.addresses.india_names import other_names, state_of
from bot.addresses.parts import latin
from bot.addresses.phones import check_phone
from bot.addresses.records import Address, Option
from bot.addresses.text import key

#: Questions to which bare figures are a postal code.
PIN_QUESTIONS = frozenset({"CONFIRM_PIN", "ASK_PIN", "CONFIRM_CITY_OR_PIN"})
FIELDS = (
    "address1",
    "address2",
    "landmark",
    "directions",
    "city",
    "state",
    "postal_code",
    "country",
    "alt_phone",
    "latitude",
    "longitude",
)


@dataclass(slots=True)
class Work:
    """Hold the address while the replies are read, and what was noticed on the way."""

    address: Address
    asked: str
    options: tuple[Option, ...]
    facts: bool = False
    yes: bool = False
    no: bool = False
    unclear_correction: bool = False
    gave_code: bool = False
    flags: list[str] = field(default_factory=list)

    def set(self, **fields: object) -> None:
        changed = replace(self.address, **fields)  # type: ignore[arg-type]  # the callers name fields of Address
        if changed != self.address:
            self.address = changed
            self.facts = True

    def flag(self, name: str) -> None:
        if name not in self.flags:
            self.flags.append(name)

    def accept(self, what: str) -> None:
        if what not in self.address.accepted:
            self.set(accepted=(*self.address.accepted, what))


def choose(work: Work, option: Option) -> None:
    """Take an offered option; a code that is chosen as it stood is the shopper's and not doubted again."""
    values = {name: value for name, value in option.values if name in FIELDS}
    code = values.get("postal_code", "")
    same = code and code == work.address.postal_code
    work.yes = True
    work.gave_code = work.gave_code or bool(code)
    work.set(**values)
    if same:
        work.accept(f"pin:{code}")
        work.flag("shopper_confirmed_pin")


def add_phone(work: Work, number: str) -> None:
    report = check_phone(number, work.address.country)
    value = report.e164
    if value and value not in work.address.alt_phone:
        work.set(alt_phone=f"{work.address.alt_phone}; {value}".strip("; "))


def is_other_city(before: Address, after: Address) -> bool:
    old, new = key(latin(before.city)), key(latin(after.city))
    return bool(
        old
        and new
        and old != new
        and new not in other_names(old, state_of(before.state))
        and old not in other_names(new, state_of(after.state))
    )
