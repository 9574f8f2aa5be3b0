"""Our message templates as Meta takes them: proved against Meta's rules, filled with values.

What they say stands in templates/messages, like everything that shoppers read; templates/whatsapp names the texts.
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bot import text as texts
from bot.whatsapp.compose import BODY, FOOTER, HEADER, QUICK_REPLIES, ComposeError, Parameter, TemplateUse, length

NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
BUTTON = 25
TTL_OF_UTILITY = range(30, 43201)
"""Seconds for which Meta may keep a utility message for a phone that is off; without one it is 30 days."""
WORDS_PER_PLACEHOLDER = 2
"""Meta refuses "too many variables for the length" (2388293) and does not say how many words are enough."""


class TemplateError(ValueError):
    """A template breaks a rule; the sentence names template, locale and rule."""


@dataclass(frozen=True)
class Template:
    """One of our templates in one locale."""

    key: str
    """Our own name for it, the same in every locale."""
    locale: str
    name: str
    """Its name at Meta."""
    language: str
    """Its language at Meta; there is no fallback from one to another there."""
    category: str
    body: str
    header: str = ""
    footer: str = ""
    buttons: tuple[str, ...] = ()
    """Titles of the quick replies."""
    examples: Mapping[str, str] = field(default_factory=dict)
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
            "parameter_format": "NAMED",
            "components": components,
        }
        return definition if self.ttl_seconds is None else definition | {"message_send_ttl_seconds": self.ttl_seconds}

    def _parameters(self, text: str, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        names = PLACEHOLDER.findall(text)
        return tuple(Parameter(values[name], name) for name in names)

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        missing = sorted(set(PLACEHOLDER.findall(text)) - set(values))
        if missing:
            raise ComposeError(f"template {self.name}: no value for {{{missing[0]}}}")
        return PLACEHOLDER.sub(lambda match: values[match[1]], text)

    def _submitted(self, part: str, text: str) -> dict[str, Any]:
        names = PLACEHOLDER.findall(text)
        node: dict[str, Any] = {"text": PLACEHOLDER.sub(lambda match: "{{" + match[1] + "}}", text)}
        if not names:
            return node
        listed = [{"param_name": name, "example": self.examples[name]} for name in names]
        return node | {"example": {f"{part}_text_named_params": listed}}


@dataclass(frozen=True)
class Catalogue:
    """All our templates."""

    templates: tuple[Template, ...]

    def find(self, key: str, locale: str) -> Template | None:
        """Return template `key` in our `locale`, in English when it has none there, None when there is no such one."""
        versions = {template.locale: template for template in self.templates if template.key == key}
        return versions.get(locale) or versions.get("en")

    def use(self, name: str, language: str, values: Mapping[str, str]) -> TemplateUse:
        """Return what is sent of Meta's template `name` and `language`; raise ComposeError when there is none."""
        for template in self.templates:
            if (template.name, template.language) == (name, language):
                return template.use(values)
        raise ComposeError(f"template {name}: none in language {language}")


@cache
def catalogue() -> Catalogue:
    """Return our templates, read once; raise TemplateError for the first that Meta would refuse."""
    found = [
        _template(key, locale, written)
        for key, versions in texts.templates().items()
        for locale, written in versions.items()
    ]
    for template in found:
        prove(template)
    languages = Counter((template.name, template.language) for template in found)
    for (name, language), count in languages.items():
        _require(count == 1, f"{name}: two locales have the language {language} at Meta")
    return Catalogue(tuple(found))


def _template(key: str, locale: str, written: texts.Template) -> Template:
    return Template(
        key,
        locale,
        written.name,
        written.language,
        written.category,
        body=written.body,
        footer=written.footer,
        buttons=written.buttons,
        examples=written.examples,
        ttl_seconds=written.ttl_seconds,
    )


def prove(template: Template) -> None:
    """Refuse what Meta would refuse, before a reviewer does after a day; raise TemplateError."""
    where = f"{template.key} [{template.locale}]"
    names = PLACEHOLDER.findall(template.header + template.body)
    bare_body = PLACEHOLDER.sub("", template.body)
    everything = "".join((template.header, template.body, template.footer, *template.buttons))
    rules = [
        (NAME.fullmatch(template.name), "a name has lower-case letters, digits and underscores"),
        (LANGUAGE.fullmatch(template.language), f"{template.language} is no language of Meta's"),
        (template.category in ("UTILITY", "MARKETING"), "category is UTILITY or MARKETING"),
        (template.category != "UTILITY" or template.ttl_seconds is None or template.ttl_seconds in TTL_OF_UTILITY,
         "ttl_seconds of a utility template lies between 30 and 43200"),
        (template.body, "no body"),
        (set(names) == set(template.examples), "placeholders and examples differ"),
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
