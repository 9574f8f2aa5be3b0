"""Our message templates: read from templates/whatsapp, proved against Meta's rules, filled with values.

One file per template, named like it; one table per locale in it:

    category = "UTILITY"
    ttl_seconds = 43200
    [examples]
    name = "Asha"
    [en]
    body = "Hello {name}, ..."
    buttons = ["Confirm order", "Change address"]

https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bot.whatsapp.compose import BODY, FOOTER, HEADER, QUICK_REPLIES, ComposeError, Parameter, TemplateUse, length

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "whatsapp"
NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
BUTTON = 25
TTL_OF_UTILITY = range(30, 43201)
"""Seconds for which Meta may keep a utility message for a phone that is off; without one it is 30 days."""
WORDS_PER_PLACEHOLDER = 2
"""Meta refuses "too many variables for the length" (2388293) and does not say how many words are enough."""
FILE_KEYS = {"category", "ttl_seconds", "numbered", "examples"}
LOCALE_KEYS = {"language", "header", "body", "footer", "buttons"}


class TemplateError(ValueError):
    """A template file breaks a rule; the sentence names file, locale and rule."""


@dataclass(frozen=True)
class Template:
    """One of our templates in one locale."""

    name: str
    locale: str
    language: str
    """Meta's code; there is no fallback from one to another at Meta."""
    category: str
    body: str
    header: str = ""
    footer: str = ""
    buttons: tuple[str, ...] = ()
    """Titles of the quick replies."""
    examples: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    ttl_seconds: int | None = None

    def use(self, values: Mapping[str, str]) -> TemplateUse:
        """Return what is sent for these values; raise ComposeError when one is missing or the text gets too long."""
        for part, text, most in (("header", self.header, HEADER), ("body", self.body, BODY)):
            if length(self._filled(text, values)) > most:
                raise ComposeError(f"template {self.name}: {part} with its values is longer than {most} characters")
        return TemplateUse(
            self.name,
            self.language,
            header=self._parameters(self.header, values),
            body=self._parameters(self.body, values),
            quick_replies=len(self.buttons),
        )

    def read(self, values: Mapping[str, str]) -> str:
        """Return what the shopper reads, but for the buttons."""
        parts = (self.header, self.body, self.footer)
        return "\n\n".join(self._filled(part, values) for part in parts if part)

    def definition(self) -> dict[str, Any]:
        """Return what is submitted to Meta."""
        components: list[dict[str, Any]] = []
        if self.header:
            components.append({"type": "HEADER", "format": "TEXT", **self._submitted("header", self.header)})
        components.append({"type": "BODY", **self._submitted("body", self.body)})
        if self.footer:
            components.append({"type": "FOOTER", "text": self.footer})
        if self.buttons:
            buttons = [{"type": "QUICK_REPLY", "text": title} for title in self.buttons]
            components.append({"type": "BUTTONS", "buttons": buttons})
        definition: dict[str, Any] = {
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "parameter_format": "POSITIONAL" if self.numbered else "NAMED",
            "components": components,
        }
        return definition if self.ttl_seconds is None else definition | {"message_send_ttl_seconds": self.ttl_seconds}

    def _parameters(self, text: str, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        names = PLACEHOLDER.findall(text)
        return tuple(Parameter(values[name], None if self.numbered else name) for name in names)

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        missing = sorted(set(PLACEHOLDER.findall(text)) - set(values))
        if missing:
            raise ComposeError(f"template {self.name}: no value for {{{missing[0]}}}")
        return PLACEHOLDER.sub(lambda match: values[match[1]], text)

    def _submitted(self, part: str, text: str) -> dict[str, Any]:
        names = PLACEHOLDER.findall(text)
        places = {name: str(number) if self.numbered else name for number, name in enumerate(names, 1)}
        node: dict[str, Any] = {"text": PLACEHOLDER.sub(lambda match: "{{" + places[match[1]] + "}}", text)}
        if not names:
            return node
        if not self.numbered:
            listed = [{"param_name": name, "example": self.examples[name]} for name in names]
            return node | {"example": {f"{part}_text_named_params": listed}}
        plain = [self.examples[name] for name in names]
        # The header has one placeholder at most and takes a plain list, the body takes a list of lists.
        return node | {"example": {f"{part}_text": [plain] if part == "body" else plain}}


@dataclass(frozen=True)
class Catalogue:
    """All our templates."""

    templates: tuple[Template, ...]

    def find(self, name: str, locale: str) -> Template | None:
        """Return template `name` in our `locale`, in English when it has none there, None when there is no such one."""
        versions = {template.locale: template for template in self.templates if template.name == name}
        return versions.get(locale) or versions.get("en")

    def use(self, name: str, language: str, values: Mapping[str, str]) -> TemplateUse:
        """Return what is sent of template `name` in Meta's `language`; raise ComposeError when there is none."""
        for template in self.templates:
            if (template.name, template.language) == (name, language):
                return template.use(values)
        raise ComposeError(f"template {name}: none in language {language}")


@cache
def catalogue() -> Catalogue:
    """Return the templates of this installation, read once."""
    return load(FOLDER)


def load(folder: Path) -> Catalogue:
    """Read every template of `folder`; raise TemplateError for the first that Meta would refuse."""
    return Catalogue(tuple(template for path in sorted(folder.glob("*.toml")) for template in _file(path)))


def _file(path: Path) -> list[Template]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path.name}: {error}") from None
    texts = {locale: table for locale, table in content.items() if locale not in FILE_KEYS}
    for locale, table in texts.items():
        _require(isinstance(table, dict), f"{path.name}: {locale!r} is neither a setting nor the table of a locale")
    _require(bool(texts), f"{path.name}: no locale")
    examples, ttl = content.get("examples", {}), content.get("ttl_seconds")
    _require(isinstance(examples, dict) and all(isinstance(example, str) for example in examples.values()),
             f"{path.name}: every example is a string")  # fmt: skip
    _require(ttl is None or isinstance(ttl, int), f"{path.name}: ttl_seconds is a whole number")
    _require(isinstance(content.get("numbered", False), bool), f"{path.name}: numbered is true or false")
    templates = [_template(path, content, locale, table) for locale, table in texts.items()]
    for template in templates:
        _prove(template, f"{path.name} [{template.locale}]")
    languages = [template.language for template in templates]
    _require(len(set(languages)) == len(languages), f"{path.name}: two locales have the same language at Meta")
    return templates


def _template(path: Path, content: dict[str, Any], locale: str, table: dict[str, Any]) -> Template:
    where = f"{path.name} [{locale}]"
    strange = sorted(set(table) - LOCALE_KEYS)
    _require(not strange, f"{where}: unknown setting {strange[:1]}")
    buttons = table.get("buttons", [])
    texts = [table.get(key, "") for key in ("language", "header", "body", "footer")]
    _require(isinstance(buttons, list) and all(isinstance(text, str) for text in (*texts, *buttons)),
             f"{where}: texts are strings and buttons is a list of them")  # fmt: skip
    return Template(
        path.stem,
        locale,
        texts[0] or locale.replace("-", "_"),
        content.get("category", "UTILITY"),
        body=texts[2].strip(),
        header=texts[1],
        footer=texts[3],
        buttons=tuple(buttons),
        examples=content.get("examples", {}),
        numbered=content.get("numbered", False),
        ttl_seconds=content.get("ttl_seconds"),
    )


def _prove(template: Template, where: str) -> None:
    """Refuse what Meta would refuse, before a reviewer does after a day."""
    names = PLACEHOLDER.findall(template.header + template.body)
    bare_body = PLACEHOLDER.sub("", template.body)
    everything = "".join((template.header, template.body, template.footer, *template.buttons))
    rules = [
        (NAME.fullmatch(template.name), "a name has lower-case letters, digits and underscores"),
        (LANGUAGE.fullmatch(template.language), f"{template.language} is no language of Meta's; set `language`"),
        (template.category in ("UTILITY", "MARKETING"), "category is UTILITY or MARKETING"),
        (template.category != "UTILITY" or template.ttl_seconds is None or template.ttl_seconds in TTL_OF_UTILITY,
         "ttl_seconds of a utility template lies between 30 and 43200"),
        (template.body, "no body"),
        (set(names) == set(template.examples), "placeholders and [examples] differ"),
        (len(set(names)) == len(names), "a placeholder stands twice"),
        (not re.search(r"[{}]", PLACEHOLDER.sub("", everything)), "a brace that belongs to no placeholder"),
        (not PLACEHOLDER.search("".join((template.footer, *template.buttons))), "no placeholder in footer and buttons"),
        (len(PLACEHOLDER.findall(template.header)) <= 1, "a header has one placeholder at most"),
        (not re.match(PLACEHOLDER, template.body) and not template.body.endswith("}"),
         "a body neither begins nor ends with a placeholder"),
        (not re.search(r"\}\s*\{", template.body), "two placeholders side by side"),
        (not re.search(r"\n{3}| {5}|\t", template.body), "a body has no tab, no run of spaces, no two empty lines"),
        (len(bare_body.split()) > WORDS_PER_PLACEHOLDER * len(PLACEHOLDER.findall(template.body)),
         "too many placeholders for so few words"),
        (len(template.buttons) <= QUICK_REPLIES, f"at most {QUICK_REPLIES} buttons"),
        (len(set(template.buttons)) == len(template.buttons), "two buttons have the same title"),
        (all(0 < length(title) <= BUTTON for title in template.buttons), f"a button has 1 to {BUTTON} characters"),
        (not any(_is_decorated(text) for text in (template.header, *template.buttons)),
         "no line break, emoji or markdown in header and buttons"),
        (length(template.footer) <= FOOTER, f"a footer has at most {FOOTER} characters"),
    ]  # fmt: skip
    for holds, sentence in rules:
        _require(bool(holds), f"{where}: {sentence}")
    try:
        template.use(template.examples)
    except ComposeError as error:
        raise TemplateError(f"{where}: {error}") from None


def _is_decorated(text: str) -> bool:
    return bool(re.search(r"[\n*_~`]", PLACEHOLDER.sub("", text))) or any(unicodedata.category(c) == "So" for c in text)


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise TemplateError(sentence)
