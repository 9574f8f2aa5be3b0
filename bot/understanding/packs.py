"""Read language packs: data in files, checked against the closed set of word classes.

Everything here is lazy: a process that never sees Tamil never reads the Tamil pack.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("packs")

CLASSES = (
    "YES", "OK", "RIGHT", "NO", "NEG", "NOWANT", "BUT", "ALSO", "CANCEL", "UNDO", "KEEP", "SEND", "CONFIRM", "WANT",
    "DO",
    "ORDER", "ORDERED", "NOTMINE", "WHO", "WHY", "REASON", "STOP", "MSG", "OPTOUT", "OPTIN", "RESUME", "ADDRESS",
    "CHANGE", "WRONG",
    "OTHER", "HOME", "PLACE", "WHEN", "HOWLONG", "LATER", "AWAY", "WHERE", "STATUS", "ARRIVE", "LATE", "HOWMUCH",
    "PRICE",
    "OFFER", "PAY", "ONLINE", "CASH", "HUMAN", "TALK", "RETURN", "DAMAGED", "PRODUCT", "ASK", "GREET", "THANKS",
    "PLEASE",
    "FUNC", "CHAT",
)  # fmt: skip
ACTS = (
    "confirm", "cancel", "dont_cancel", "yes_but", "change_address", "address_fragment", "slot_choice", "reschedule",
    "ask_status", "ask_price", "pay_online", "not_my_order", "talk_to_human", "opt_out", "opt_in", "greeting_thanks",
    "review_rating", "review_text", "complaint_damaged", "return_refund", "out_of_scope",
)  # fmt: skip
STATES = ("confirm", "address_check", "address", "slot", "rating", "review", "idle")
_FORM = re.compile("[^,،]+")
DATE_TABLES = ("relative", "weekdays", "months", "parts", "units", "words", "numbers", "festivals")
_STATE_OF = {"slot_choice": "slot", "review_rating": "rating", "review_text": "review", "address_fragment": "address"}


class PackError(ValueError):
    """A pack is not as `packs/README.md` says; the message names the file and what to do."""


@dataclass(frozen=True)
class Sentence:
    """One labelled sentence of a pack."""

    text: str
    act: str
    state: str
    slots: dict[str, str] = field(default_factory=dict)
    line: int = 0
    stated: bool = False  # the section named a state, so the act may depend on it


@dataclass(frozen=True)
class Pack:
    """One language in one script, as its author wrote it; the lexicon is split into forms only where it is read."""

    name: str
    language: str
    script: str
    title: str
    regions: tuple[str, ...]
    postpositions: bool
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    reviewed_by: str
    lexicon: dict[str, str]
    dates: dict[str, dict[str, tuple[str, ...]]]
    ratings: dict[str, tuple[str, ...]]

    def forms(self, klass: str) -> Iterator[str]:
        """Yield the forms of a word class."""
        return forms(self.lexicon.get(klass, ""))


def names() -> tuple[str, ...]:
    """List the packs that ship, in a fixed order."""
    return tuple(sorted(entry.parent.name for entry in FOLDER.glob("*/pack.toml")))


def forms(value: str) -> Iterator[str]:
    """Yield the forms of a comma-separated string."""
    for part in _FORM.finditer(value):
        form = " ".join(part.group().split())
        if form:
            yield form


def _written(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise PackError(f"{where}: write one string of forms separated by commas")
    return value


def _read(name: str, file: str) -> dict[str, object]:
    path = FOLDER / name / file
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file == "pack.toml":
            raise PackError(f"{path}: there is no such pack; see packs/README.md") from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise PackError(f"{path}: {problem}") from None


@cache
def header(name: str) -> dict[str, object]:
    """Return pack.toml alone: scopes are decided without reading whole packs."""
    return _read(name, "pack.toml")


@cache
def scopes() -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Return (name, language, script, regions) of every pack."""
    rows = []
    for name in names():
        head = header(name)
        regions = head.get("regions", ())
        rows.append(
            (name, str(head["language"]), str(head["script"]), tuple(regions) if isinstance(regions, list) else ())
        )
    return tuple(rows)


def load(name: str) -> Pack:
    """Read one pack with what it extends; unknown classes, tables and keys are errors."""
    pack = _own(name)
    base = header(name).get("extends")
    if not base:
        return pack
    other = _own(str(base))
    lexicon = {klass: ",".join((other.lexicon.get(klass, ""), pack.lexicon.get(klass, ""))) for klass in CLASSES}
    ratings = {key: other.ratings.get(key, ()) + pack.ratings.get(key, ()) for key in ("5", "4", "3", "2", "1", "star")}
    dates = {table: dict(other.dates.get(table, {})) for table in DATE_TABLES}
    for table, rows in pack.dates.items():
        for key, listed in rows.items():
            dates[table][key] = dates[table].get(key, ()) + listed
    return replace(pack, lexicon=lexicon, dates=dates, ratings=ratings)


def _own(name: str) -> Pack:
    head = header(name)
    for key in ("language", "script", "name", "regions", "operators"):
        if key not in head:
            raise PackError(f"packs/{name}/pack.toml: `{key}` is missing")
    if head["operators"] not in ("after", "before"):
        raise PackError(f'packs/{name}/pack.toml: operators must be "after" or "before"')
    lexicon = {}
    for klass, value in _read(name, "lexicon.toml").items():
        if klass not in CLASSES:
            raise PackError(f"packs/{name}/lexicon.toml: unknown word class {klass}; see packs/README.md")
        lexicon[klass] = _written(value, f"packs/{name}/lexicon.toml {klass}")
    dates: dict[str, dict[str, tuple[str, ...]]] = {}
    for table, rows in _read(name, "dates.toml").items():
        if table not in DATE_TABLES or not isinstance(rows, dict):
            raise PackError(f"packs/{name}/dates.toml: unknown table {table}; see packs/README.md")
        dates[table] = {
            key: tuple(forms(_written(value, f"packs/{name}/dates.toml {table}.{key}"))) for key, value in rows.items()
        }
    ratings = {}
    for key, value in _read(name, "ratings.toml").items():
        if key not in ("1", "2", "3", "4", "5", "star"):
            raise PackError(f"packs/{name}/ratings.toml: unknown key {key}; use 1 to 5 and star")
        ratings[key] = tuple(forms(_written(value, f"packs/{name}/ratings.toml {key}")))
    regions = head["regions"]
    return Pack(
        name=name, language=str(head["language"]), script=str(head["script"]), title=str(head["name"]),
        regions=tuple(regions) if isinstance(regions, list) else (), postpositions=head["operators"] == "after",
        prefixes=tuple(forms(_written(head.get("prefixes", ""), f"packs/{name}/pack.toml prefixes"))),
        suffixes=tuple(forms(_written(head.get("suffixes", ""), f"packs/{name}/pack.toml suffixes"))),
        reviewed_by=str(head.get("reviewed_by", "")), lexicon=lexicon, dates=dates, ratings=ratings,
    )  # fmt: skip


def sentences(name: str, file: str) -> Iterator[Sentence]:
    """Read examples.txt or tests.txt; `file` is "examples" or "tests"."""
    path = FOLDER / name / f"{file}.txt"
    if not path.exists():
        return
    act = state = ""
    stated = False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            act, _, given = line[1:-1].partition("@")
            act, given = act.strip(), given.strip()
            if act not in ACTS or (given and given not in STATES):
                raise PackError(f"{path}:{number}: unknown act or state in {line}")
            state, stated = given or _STATE_OF.get(act, "confirm"), bool(given)
            continue
        if not act:
            raise PackError(f"{path}:{number}: a sentence before the first [act]")
        text, arrow, rest = line.partition("=>")
        slots = {}
        for part in rest.split() if arrow else ():
            key, equals, value = part.partition("=")
            if not equals:
                raise PackError(f"{path}:{number}: write slots as key=value, not {part!r}")
            slots[key] = value
        yield Sentence(text.strip(), act, state, slots, number, stated)
