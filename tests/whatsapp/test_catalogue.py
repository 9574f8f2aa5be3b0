"""Our templates are proved before a reviewer sees them, filled with values, and written as Meta takes them."""

from dataclasses import replace
from typing import Any

import pytest

from bot import text
from bot.whatsapp.catalogue import Catalogue, Template, TemplateError, catalogue, prove
from bot.whatsapp.compose import ComposeError, Parameter

ENGLISH = Template(
    "order_confirmation",
    "en",
    "order_confirmation",
    "en",
    "UTILITY",
    header="Order {reference}",
    body="Hello {name}, your parcel comes with cash on delivery, please have {amount} ready. Shall we send it?",
    footer="Reply STOP to opt out",
    buttons=("Confirm order", "Change address", "Cancel order"),
    examples={"reference": "#1042", "name": "Asha", "amount": "₹1,299"},
    ttl_seconds=43200,
)
HINGLISH = replace(ENGLISH, locale="hi-Latn", name="order_confirmation_hinglish", buttons=("Haan, bhejo",))
BOTH = Catalogue((ENGLISH, HINGLISH))
VALUES = {"reference": "#7", "name": "Ravi", "amount": "₹450"}


def test_a_template_is_found_by_our_name_and_locale_and_sent_under_meta_s() -> None:
    assert BOTH.find("order_confirmation", "hi-Latn") == HINGLISH
    assert BOTH.use("order_confirmation_hinglish", "en", VALUES).quick_replies == 1
    assert BOTH.use("order_confirmation", "en", VALUES).quick_replies == 3


def test_a_locale_that_a_template_does_not_have_is_served_in_english() -> None:
    assert BOTH.find("order_confirmation", "ta") == ENGLISH
    assert BOTH.find("other", "en") is None


def test_values_become_parameters_and_a_text_to_read() -> None:
    use = ENGLISH.use(VALUES)
    assert use.header == (Parameter("#7", "reference"),)
    assert use.body == (Parameter("Ravi", "name"), Parameter("₹450", "amount"))
    assert ENGLISH.read(VALUES).startswith("Order #7\n\nHello Ravi, your parcel")


def test_a_missing_value_a_missing_language_and_a_text_grown_too_long_are_named() -> None:
    with pytest.raises(ComposeError, match=r"no value for \{amount\}"):
        ENGLISH.use({"reference": "#7", "name": "Ravi"})
    with pytest.raises(ComposeError, match="none in language hi"):
        BOTH.use("order_confirmation", "hi", VALUES)
    with pytest.raises(ComposeError, match="body with its values is longer than 1024"):
        ENGLISH.use(VALUES | {"name": "R" * 1000})


def test_the_definition_has_named_placeholders_with_examples() -> None:
    definition = ENGLISH.definition()
    assert (definition["parameter_format"], definition["message_send_ttl_seconds"]) == ("NAMED", 43200)
    header, body, footer, buttons = definition["components"]
    assert header == {
        "type": "HEADER",
        "format": "TEXT",
        "text": "Order {{reference}}",
        "example": {"header_text_named_params": [{"param_name": "reference", "example": "#1042"}]},
    }
    assert "Hello {{name}}, your parcel" in body["text"]
    assert body["example"]["body_text_named_params"][1] == {"param_name": "amount", "example": "₹1,299"}
    assert footer == {"type": "FOOTER", "text": "Reply STOP to opt out"}
    assert buttons["buttons"][1] == {"type": "QUICK_REPLY", "text": "Change address"}


def test_a_good_template_passes() -> None:
    prove(ENGLISH)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "Order-Confirmation"}, "lower-case letters"),
        ({"language": "hi_Latn"}, "hi_Latn is no language of Meta's"),
        ({"category": "utility"}, "category is UTILITY or MARKETING"),
        ({"ttl_seconds": 90000}, "ttl_seconds of a utility template"),
        ({"ttl_seconds": 29}, "ttl_seconds of a utility template"),
        ({"body": ""}, "no body"),
        ({"examples": {"name": "Asha"}}, "placeholders and examples differ"),
        ({"body": ENGLISH.body + " Yes, {name}?"}, "a placeholder stands twice"),
        ({"body": ENGLISH.body + " {Really?"}, "a brace that belongs to no placeholder"),
        (
            {"body": "{name} has a parcel with cash on delivery, and {amount} are to be paid."},
            "neither begins",
        ),
        (
            {"body": "Hello {name}, a parcel comes with cash on delivery, please pay {amount}"},
            "neither begins",
        ),
        ({"body": "Hello to you, dear {name} {amount} are to be paid at the door of your home."}, "side by side"),
        ({"body": "Hello {name}, pay {amount} now."}, "too many placeholders"),
        ({"body": ENGLISH.body + "\n\n\nBye."}, "no two empty lines"),
        ({"body": ENGLISH.body + "\tBye."}, "no tab"),
        ({"body": ENGLISH.body + " Bye." * 250}, "longer than 1024"),
        ({"header": "Order {reference} of {amount}"}, "a placeholder stands twice"),
        ({"header": "*Order* {reference}"}, "no line break, emoji or markdown"),
        ({"header": "Order {reference}" + "x" * 60}, "header with its values is longer than 60"),
        ({"footer": "Yours, {name}"}, "no placeholder in footer and buttons"),
        ({"footer": "x" * 61}, "a footer has at most 60 characters"),
        ({"buttons": ("Confirm 👍",)}, "no line break, emoji or markdown"),
        ({"buttons": ("★★★★★",)}, "no line break, emoji or markdown"),
        ({"buttons": ("x" * 26,)}, "a button has 1 to 25 characters"),
        ({"buttons": ("",)}, "a button has 1 to 25 characters"),
        ({"buttons": ("Yes", "Yes")}, "two buttons have the same title"),
        ({"buttons": tuple(f"Choice {n}" for n in range(11))}, "at most 10 buttons"),
    ],
)
def test_what_meta_would_refuse_is_refused_at_once(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TemplateError) as error:
        prove(replace(ENGLISH, **change))
    assert sentence in str(error.value)
    assert "order_confirmation [en]" in str(error.value)


def test_our_own_templates_are_good_in_every_locale() -> None:
    ours = catalogue()
    assert {template.category for template in ours.templates} == {"UTILITY"}
    for key, versions in text.templates().items():
        for locale, written in versions.items():
            found = ours.find(key, locale)
            assert found is not None
            assert (found.name, found.language, found.locale) == (written.name, written.language, locale)
            assert ours.use(found.name, found.language, found.examples).quick_replies == len(written.buttons)
