"""A message is composed as the Cloud API wants it, or refused with the limit it breaks; nothing is cut."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.whatsapp.compose import Choice, ComposeError, Outgoing, Parameter, TemplateUse, compose, flatten, length

YES_NO = (Choice("81.1.yes.aa", "Confirm"), Choice("81.1.no.bb", "Cancel", ""))
CONFIRM = TemplateUse(
    "order_confirmation",
    "en",
    header=(Parameter("#1042", "reference"),),
    body=(Parameter("Asha", "name"), Parameter("₹1,299", "amount")),
    quick_replies=2,
)


def to_asha(kind: str, body: str = "Shall we send it?", **more: object) -> Outgoing:
    return Outgoing(kind, body, to_phone="919000012345", **more)  # type: ignore[arg-type]


def test_a_phone_number_always_has_its_plus_and_a_user_id_goes_beside_it() -> None:
    assert compose(to_asha("text"))["to"] == "+919000012345"
    assert compose(Outgoing("text", "x", to_phone="+919000012345"))["to"] == "+919000012345"
    only_id = compose(Outgoing("text", "x", to_bsuid="IN.123"))
    assert only_id["recipient"] == "IN.123"
    assert "to" not in only_id


def test_a_text_has_no_link_preview_and_carries_our_name_and_the_quoted_message() -> None:
    assert compose(to_asha("text", opaque="o:1:ab", quoted="wamid.X")) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+919000012345",
        "type": "text",
        "text": {"body": "Shall we send it?", "preview_url": False},
        "biz_opaque_callback_data": "o:1:ab",
        "context": {"message_id": "wamid.X"},
    }


def test_buttons() -> None:
    assert compose(to_asha("buttons", choices=YES_NO, footer="Reply STOP to opt out"))["interactive"] == {
        "type": "button",
        "body": {"text": "Shall we send it?"},
        "footer": {"text": "Reply STOP to opt out"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "81.1.yes.aa", "title": "Confirm"}},
                {"type": "reply", "reply": {"id": "81.1.no.bb", "title": "Cancel"}},
            ]
        },
    }


def test_a_list() -> None:
    rows = (Choice("a", "Morning", "9 to 12"), Choice("b", "Evening"))
    interactive = compose(to_asha("list", choices=rows, list_button="Choose a time"))["interactive"]
    assert interactive["action"] == {
        "button": "Choose a time",
        "sections": [
            {"rows": [{"id": "a", "title": "Morning", "description": "9 to 12"}, {"id": "b", "title": "Evening"}]}
        ],
    }


def test_requests_for_a_pin_an_address_and_a_phone_number() -> None:
    assert compose(to_asha("location_request"))["interactive"]["action"] == {"name": "send_location"}
    assert compose(to_asha("contact_request"))["interactive"]["type"] == "request_contact_info"
    form = compose(to_asha("address_form", form_values={"city": "Pune"}, form_errors={"in_pin_code": "Six digits"}))
    assert form["interactive"]["action"] == {
        "name": "address_message",
        "parameters": {
            "country": "IN",
            "values": {"city": "Pune"},
            "validation_errors": {"in_pin_code": "Six digits"},
        },
    }


def test_a_template_has_named_values_and_a_payload_for_each_button() -> None:
    assert compose(to_asha("template", "", choices=YES_NO, template=CONFIRM))["template"] == {
        "name": "order_confirmation",
        "language": {"code": "en"},
        "components": [
            {"type": "header", "parameters": [{"type": "text", "parameter_name": "reference", "text": "#1042"}]},
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "parameter_name": "name", "text": "Asha"},
                    {"type": "text", "parameter_name": "amount", "text": "₹1,299"},
                ],
            },
            {"type": "button", "sub_type": "quick_reply", "index": "0",
             "parameters": [{"type": "payload", "payload": "81.1.yes.aa"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "1",
             "parameters": [{"type": "payload", "payload": "81.1.no.bb"}]},
        ],
    }  # fmt: skip


def test_a_numbered_template_has_values_without_names_and_a_bare_one_has_none() -> None:
    numbered = TemplateUse("x", "en", body=(Parameter("Asha"),))
    (body,) = compose(to_asha("template", template=numbered))["template"]["components"]
    assert body["parameters"] == [{"type": "text", "text": "Asha"}]
    assert "components" not in compose(to_asha("template", template=TemplateUse("x", "en")))["template"]


def test_choices_that_the_template_has_no_button_for_stay_behind() -> None:
    message = to_asha("template", template=replace(CONFIRM, quick_replies=1), choices=YES_NO)
    buttons = [one for one in compose(message)["template"]["components"] if one["type"] == "button"]
    assert [one["parameters"][0]["payload"] for one in buttons] == ["81.1.yes.aa"]


def test_a_reaction_stands_on_a_message() -> None:
    assert compose(to_asha("reaction", "👍", target="wamid.X"))["reaction"] == {"message_id": "wamid.X", "emoji": "👍"}


def rows(count: int) -> tuple[Choice, ...]:
    return tuple(Choice(str(n), f"Row {n}") for n in range(count))


def template(text: str) -> TemplateUse:
    return TemplateUse("x", "en", body=(Parameter(text, "address"),))


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (Outgoing("text", "x"), "recipient"),
        (to_asha("text", ""), "text: empty"),
        (to_asha("text", " \n"), "text: empty"),
        (to_asha("text", "x" * 4097), "text: 4097 characters, at most 4096"),
        (to_asha("text", opaque="x" * 513), "opaque value"),
        (to_asha("buttons", "x" * 1025, choices=YES_NO), "body: 1025 characters, at most 1024"),
        (to_asha("buttons", "😀" * 513, choices=YES_NO), "body: 1026 characters"),
        (to_asha("buttons"), "buttons: 0, from 1 to 3"),
        (to_asha("buttons", choices=rows(4)), "buttons: 4, from 1 to 3"),
        (to_asha("buttons", choices=(Choice("a", "x" * 21),)), "title of button 1: 21 characters, at most 20"),
        (to_asha("buttons", choices=(Choice("a", "*Yes*"),)), "title of button 1: no markdown"),
        (to_asha("buttons", choices=(Choice("a", " Yes"),)), "title of button 1: spaces around it"),
        (to_asha("buttons", choices=(Choice("a", "Yes\nno"),)), "title of button 1: no line break"),
        (to_asha("buttons", choices=(Choice("a", "Yes", "why"),)), "button 1: a button has no description"),
        (to_asha("buttons", choices=(Choice("x" * 257, "Yes"),)), "id of button 1: 257 characters, at most 256"),
        (to_asha("buttons", choices=(Choice("a", "Yes"), Choice("b", "Yes"))), "titles of the buttons: two are"),
        (to_asha("buttons", choices=(Choice("a", "Yes"), Choice("a", "No"))), "ids of the buttons: two are the same"),
        (to_asha("buttons", choices=YES_NO, footer="x" * 61), "footer: 61 characters, at most 60"),
        (to_asha("buttons", choices=YES_NO, header="x" * 61), "header: 61 characters, at most 60"),
        (to_asha("list", choices=rows(11), list_button="Choose"), "rows: 11, from 1 to 10"),
        (to_asha("list", choices=(Choice("a", "x" * 25),), list_button="Choose"), "title of row 1: 25"),
        (to_asha("list", choices=(Choice("a", "x", "y" * 73),), list_button="Choose"), "description of row 1: 73"),
        (to_asha("list", choices=(Choice("x" * 201, "x"),), list_button="Choose"), "id of row 1: 201"),
        (to_asha("list", choices=rows(2)), "title of the list's button: empty"),
        (to_asha("list", choices=rows(2), list_button="x" * 21), "title of the list's button: 21"),
        (to_asha("list", "x" * 4097, choices=rows(2), list_button="Choose"), "body: 4097"),
        (to_asha("location_request", "x" * 1025), "body: 1025"),
        (to_asha("address_form", form_country="AE"), "address form: there is none for AE"),
        (to_asha("address_form", form_values={"street": "x"}), "address form: no field 'street'"),
        (to_asha("address_form", form_values={"in_pin_code": "4110455"}), "in_pin_code of the address form: 7"),
        (to_asha("reaction", "👍"), "reaction: on no message"),
        (to_asha("template"), "template: none given"),
        (to_asha("template", template=CONFIRM), "quick replies: 0 payloads for 2 buttons"),
        (to_asha("template", template=CONFIRM, choices=(Choice("x" * 129, ""), Choice("y", ""))), "payload of quick"),
        (to_asha("template", template=template("Flat 2\nPune")), "parameter address: no line break, tab"),
        (to_asha("template", template=template("Flat 2\tPune")), "parameter address: no line break, tab"),
        (to_asha("template", template=template("Flat 2     Pune")), "parameter address: no line break, tab"),
        (to_asha("template", template=template("  ")), "parameter address: empty"),
        (to_asha("template", template=template("x" * 1025)), "parameter address: 1025"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_broken_limit_is_named(message: Outgoing, names: str) -> None:
    with pytest.raises(ComposeError) as error:
        compose(message)
    assert str(error.value).startswith(names)


def test_what_just_fits_is_sent_whole() -> None:
    assert compose(to_asha("text", "x" * 4096))["text"]["body"] == "x" * 4096
    three = tuple(Choice(str(n) * 256, str(n) * 20) for n in range(3))
    assert len(compose(to_asha("buttons", "x" * 1024, choices=three))["interactive"]["action"]["buttons"]) == 3
    ten = tuple(Choice(str(n), str(n) * 24, "d" * 72) for n in range(10))
    assert (
        len(compose(to_asha("list", choices=ten, list_button="x" * 20))["interactive"]["action"]["sections"][0]["rows"])
        == 10
    )
    assert compose(to_asha("template", template=template("Flat 2    Pune")))


@given(st.text())
def test_a_flattened_text_is_fit_for_a_template_and_keeps_every_word(text: str) -> None:
    flat = flatten(text)
    assert flat.split() == text.split()
    if flat and length(flat) <= 1024:
        compose(to_asha("template", template=template(flat)))
