"""`POST /<number>/messages`: what is accepted, what is refused, in which order and with which words."""

import base64
from typing import Any

import pytest

from tests.simulator.conftest import ASHA, NOON, NUMBER, WABA, Sim

Json = dict[str, Any]


def interactive(**node: Any) -> Json:
    return {"type": "interactive", "interactive": {"body": {"text": "Choose"}, **node}}


def reply_buttons(*titles: str, ids: list[str] | None = None) -> Json:
    buttons = [
        {"type": "reply", "reply": {"id": (ids or list(map(str, range(9))))[i], "title": title}}
        for i, title in enumerate(titles)
    ]
    return interactive(type="button", action={"buttons": buttons})


def rows(*titles: str, **more: Any) -> Json:
    section = {"rows": [{"id": str(i), "title": title, **more} for i, title in enumerate(titles)]}
    return interactive(type="list", action={"button": "Choose", "sections": [section]})


REFUSED: dict[str, tuple[Json, int, int, str]] = {
    # name: body, HTTP status, code, text that stands in the message or the details
    "no product": ({"messaging_product": None}, 400, 100, "The parameter messaging_product is required."),
    "no recipient": ({"to": None}, 400, 100, "The parameter to is required."),
    "a recipient that is no number": ({"to": "call me"}, 400, 131009, "not valid"),
    "the business itself": ({"to": "+91 11 5550 0100"}, 400, 131021, "Recipient cannot be sender"),
    "a BSUID of the wrong shape": ({"to": None, "recipient": "nobody"}, 400, 131009, "business-scoped"),
    "an unknown BSUID": ({"to": None, "recipient": "IN.12345"}, 400, 100, "does not exist"),
    "an unknown type": ({"type": "smell"}, 400, 100, "must be one of {AUDIO"),
    "a group": ({"recipient_type": "group"}, 400, 100, "recipient_type"),
    "no object of its type": ({"type": "image"}, 400, 131008, "Parameter 'image' is mandatory"),
    "a long text": (
        {"text": {"body": "x" * 4097}}, 400, 100, "(#100) Param text['body'] must be at most 4096 characters long."
    ),
    "a text that is none": ({"text": {"body": 5}}, 400, 100, "(#100) Param text['body'] must be a string."),
    "an empty text": ({"text": {"body": ""}}, 400, 100, "at least 1"),
    "a long opaque value": ({"biz_opaque_callback_data": "x" * 513}, 400, 100, "at most 512"),
    "an unknown interactive type": (
        interactive(type="dance"), 400, 100, "Param interactive['type'] must be one of {ADDRESS_MESSAGE, BUTTON,"
    ),
    "a header image that is none": (
        interactive(type="button", header={"type": "image", "image": "x"}, action={"buttons": []}),
        400, 100, "(#100) Param interactive['header']['image'] must be a JSON object.",
    ),
    "an empty header": (
        interactive(type="button", header={"type": "text", "text": ""}, action={"buttons": []}),
        400, 131009, "Text cannot be null for header type text",
    ),
    "a long button": (
        reply_buttons("x" * 21), 400, 131009, "Button title length invalid. Min length: 1, Max length: 20"
    ),
    "an empty button": (reply_buttons(""), 400, 131009, "Button title length invalid. Min length: 1, Max length: 20"),
    "a bold button": (reply_buttons("*Yes*"), 400, 131009, "Markdown is not allowed for button title"),
    "a button with spaces around": (reply_buttons(" Yes"), 400, 131009, "spaces"),
    "two equal buttons": (reply_buttons("Yes", "Yes"), 400, 131009, "unique"),
    "two equal button ids": (reply_buttons("Yes", "No", ids=["a", "a"]), 400, 131009, "unique"),
    "four buttons": (reply_buttons("1", "2", "3", "4"), 400, 131009, "buttons count"),
    "a long row": (rows("x" * 25), 400, 131009, "Row title is too long. Max length is 24"),
    "a long row description": (rows("x", description="y" * 73), 400, 131009, "Row description is too long"),
    "eleven rows": (rows(*map(str, range(11))), 400, 131009, "Total row count exceed max allowed count: 10"),
    "two sections without titles": (
        interactive(type="list", action={"button": "x", "sections": [{"rows": [{"id": "1", "title": "a"}]}] * 2}),
        400, 131009, "Section title is required",
    ),
    "a long body": (
        {**reply_buttons("Yes"), "interactive": {**reply_buttons("Yes")["interactive"], "body": {"text": "x" * 1025}}},
        400, 131009, "Max length: 1024",
    ),
    "a link without address": (
        interactive(type="cta_url", action={"name": "cta_url", "parameters": {"display_text": "Go", "url": "x"}}),
        400, 131009, "URL",
    ),
    "an address form without country": (
        interactive(type="address_message", action={"name": "address_message", "parameters": {}}),
        400, 131008, "'country' is mandatory",
    ),
    "a place off the globe": (
        {"type": "location", "location": {"latitude": 91, "longitude": 0}}, 400, 131009, "latitude"
    ),
    "a file nobody uploaded": ({"type": "image", "image": {"id": "123"}}, 400, 100, "Object with ID '123'"),
    "a file given twice": ({"type": "image", "image": {"id": "1", "link": "https://x.in/a"}}, 400, 100, "exactly one"),
    "a caption of a sticker": (
        {"type": "sticker", "sticker": {"link": "https://x.in/a.webp", "caption": "x"}}, 400, 100, "caption"
    ),
    "a reaction to nothing": (
        {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}, 400, 131009, "message_id"
    ),
    "a card without a name": ({"type": "contacts", "contacts": [{"name": {}}]}, 400, 131008, "formatted_name"),
    "an unknown template": (
        {"type": "template", "template": {"name": "order_confirm", "language": {"code": "en"}}},
        404, 132001, "template name (order_confirm) does not exist in en",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_message_is_refused_as_the_platform_refuses_it(sim: Sim, name: str) -> None:
    body, status, code, text = REFUSED[name]
    answer = sim.send(body)
    error = answer.json()["error"]
    said = f"{error['message']} | {error.get('error_data', {}).get('details', '')}"
    assert (answer.status_code, error["code"]) == (status, code)
    assert text in said
    assert error["type"] in ("OAuthException", "GraphMethodException")
    assert error["fbtrace_id"]
    assert sim.get("/ledger")["accepted"] == 0


ACCEPTED: dict[str, Json] = {
    "text": {"text": {"body": "x" * 4096, "preview_url": True}},
    "three buttons": reply_buttons("Yes, ship it", "Change address", "Cancel order"),
    "ten rows": rows(*map(str, range(10)), description="when"),
    "cta_url": interactive(
        type="cta_url", action={"name": "cta_url", "parameters": {"display_text": "Track", "url": "https://x.in/1"}}
    ),
    "location request": interactive(type="location_request_message", action={"name": "send_location"}),
    "address form": interactive(
        type="address_message", action={"name": "address_message", "parameters": {"country": "IN"}}
    ),
    "flow": interactive(
        type="flow",
        action={
            "name": "flow",
            "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Open", "flow_token": "t"},
        },
    ),
    "contact request": interactive(type="request_contact_info", action={"name": "request_contact_info"}),
    "location": {"type": "location", "location": {"latitude": 28.6, "longitude": "77.2", "name": "Home"}},
    "contacts": {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "A B", "first_name": "A"}, "phones": []}],
    },
    "image by link, null caption": {"type": "image", "image": {"link": "https://x.in/a.jpg", "caption": None}},
    "document": {
        "type": "document",
        "document": {"link": "https://x.in/a.pdf", "filename": "a.pdf", "caption": "bill"},
    },
    "voice": {"type": "audio", "audio": {"link": "https://x.in/a.ogg", "voice": True}},
    "hello_world": {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}},
    "no type is text": {"type": "text"},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_type_is_accepted_and_shown_on_the_phone(sim: Sim, name: str) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    answer = sim.send(ACCEPTED[name], biz_opaque_callback_data="o:1")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["contacts"] == [{"input": f"+{ASHA}", "wa_id": ASHA}]
    assert body["messages"][0].get("message_status") == ("accepted" if name == "hello_world" else None)
    sim.idle()
    shown = sim.get(f"/phones/{ASHA}/chat")["messages"]
    assert [message["from"] for message in shown] == ["shopper", "business"]
    line = sim.line(body["messages"][0]["id"])
    assert (line["opaque"], line["status"]) == ("o:1", "delivered")


def test_the_first_thing_that_is_wrong_is_refused(sim: Sim) -> None:
    bad = {"messaging_product": "x", "type": "smell"}
    assert sim.graph("POST", "42/messages", json=bad, headers={}).json()["error"]["code"] == 190
    unknown = sim.graph("POST", "42/messages", json=bad).json()["error"]
    assert (unknown["code"], unknown["error_subcode"], unknown["type"]) == (100, 33, "GraphMethodException")
    sim.fault("messages.send", "131057", next=1)
    assert sim.send(bad).json()["error"]["code"] == 131057
    assert "messaging_product" in sim.send(bad).json()["error"]["message"]
    sim.patch(f"/numbers/{NUMBER}", {"status": "DISCONNECTED"})
    assert sim.send({"type": "smell"}).json()["error"]["code"] == 133010


def test_a_token_can_be_required_and_expire(sim: Sim) -> None:
    sim.patch("/app", {"tokens": ["token"]})
    assert sim.send().status_code == 200
    wrong = sim.graph("POST", f"{NUMBER}/messages", json={}, headers={"Authorization": "Bearer other"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, 190)
    sim.patch("/app", {"expired": ["token"]})
    error = sim.send().json()["error"]
    assert (error["code"], error["error_subcode"]) == (190, 463)


def test_broken_json_and_chunked_bodies_are_answered(sim: Sim) -> None:
    assert sim.graph("POST", f"{NUMBER}/messages", data=b"{oops").json()["error"]["code"] == 100
    chunks = (part for part in (b'{"messaging_product":"whatsapp","to":"+', ASHA.encode(), b'","text":{"body":"a"}}'))
    assert sim.graph("POST", f"{NUMBER}/messages", data=chunks).status_code == 200


@pytest.mark.parametrize("version", ["v14.0", "v26.0", "v99.0"])
def test_any_version_is_answered_and_old_ones_with_a_warning(sim: Sim, version: str) -> None:
    answer = sim.graph(
        "POST", f"{NUMBER}/messages", version=version,
        json={"messaging_product": "whatsapp", "to": ASHA, "text": {"body": "a"}},
    )  # fmt: skip
    assert answer.status_code == 200
    assert ("X-Ad-Api-Version-Warning" in answer.headers) == (version == "v14.0")
    assert answer.headers["Facebook-Api-Version"] == ("v26.0" if version == "v14.0" else version)


def test_a_message_id_has_the_recorded_shape(sim: Sim) -> None:
    raw = base64.b64decode(sim.sent().removeprefix("wamid."))
    assert raw[:3] == b"\x1c\x18\x0c"
    assert raw[3:15] == ASHA.encode()
    assert raw[15:19] == b"\x15\x02\x00\x11"
    assert (raw[19:21], len(raw)) == (b"\x18\x12", 40)


def test_the_pair_rate_allows_a_burst_and_then_one_message_in_six_seconds(sim: Sim) -> None:
    sim.freeze()
    codes = [sim.send().status_code for _ in range(46)]
    assert codes == [200] * 45 + [400]
    error = sim.send().json()["error"]
    assert error["code"] == 131056
    assert error["message"] == "(#131056) (Business Account, Consumer Account) pair rate limit hit"
    assert sim.send(to="+919811111111").status_code == 200
    sim.advance(45 * 6 - 1)
    assert sim.send().status_code == 400
    sim.advance(1)
    assert sim.send().status_code == 200


def test_the_throughput_of_a_number_is_limited_and_refills(sim: Sim) -> None:
    sim.freeze()
    sim.patch(f"/numbers/{NUMBER}", {"mps": 5})
    codes = [sim.send(to=f"+9198000000{i:02}").status_code for i in range(6)]
    assert codes == [200] * 5 + [400]
    error = sim.send(to="+919800000099").json()["error"]
    assert (error["code"], error["error_data"]["details"]) == (130429, "Cloud API message throughput has been reached.")
    sim.advance(0.4)
    assert [sim.send(to=f"+9198000001{i:02}").status_code for i in range(3)] == [200, 200, 400]


def test_new_users_of_a_day_are_limited_for_the_whole_portfolio(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/settings", {"messaging_limit": "TIER_50"})
    sim.post("/numbers", {"id": "777", "waba": "888", "display": "+91 22 5550 0199", "name": "Second shop"})
    assert all(sim.send(to=f"+9198000000{i:02}", number="777" if i % 2 else NUMBER).ok for i in range(50))
    assert sim.send(to="+919811112222").json()["error"]["code"] == 131048
    assert sim.send(to="+919800000003", number="777").ok, "a user who was counted already is not counted again"
    sim.act("text", who="919811112222", text="hi")
    assert sim.send(to="+919811112222").ok, "inside an open window nothing is counted"
    sim.advance(86_400)
    assert sim.send(to="+919811113333").ok


def test_only_allowed_recipients_can_be_reached_from_a_test_number(sim: Sim) -> None:
    sim.patch("/settings", {"allowed_recipients": ["919811111111"]})
    assert sim.send(to="+91 98111 11111").ok
    assert sim.send().json()["error"]["code"] == 131030


def test_a_restricted_account_cannot_send(sim: Sim) -> None:
    sim.patch(f"/wabas/{WABA}", {"restricted": True})
    assert sim.send().json()["error"]["code"] == 131031
    assert sim.graph("GET", f"{NUMBER}?fields=health_status").json()["health_status"]["can_send_message"] == "BLOCKED"


def test_reading_marks_earlier_messages_too_and_typing_is_shown_until_the_answer(sim: Sim) -> None:
    sim.freeze()
    first, second = sim.act("text", text="one")["wamid"], sim.act("text", text="two")["wamid"]
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": second}
    typing = {**read, "typing_indicator": {"type": "text"}}
    assert sim.graph("POST", f"{NUMBER}/messages", json=typing).json() == {"success": True}
    chat = sim.get(f"/phones/{ASHA}/chat")
    assert [message["status"] for message in chat["messages"]] == ["read", "read"]
    assert chat["typing"]
    assert chat["messages"][0]["wamid"] == first
    sim.advance(26)
    assert not sim.get(f"/phones/{ASHA}/chat")["typing"]
    sim.graph("POST", f"{NUMBER}/messages", json=typing)
    sim.sent()
    assert not sim.get(f"/phones/{ASHA}/chat")["typing"]


def test_only_messages_of_shoppers_can_be_marked_as_read(sim: Sim) -> None:
    out = sim.sent()
    mark = {"messaging_product": "whatsapp", "status": "read"}
    error = sim.graph("POST", f"{NUMBER}/messages", json={**mark, "message_id": out}).json()["error"]
    assert "is outgoing. Please use an incoming message ID." in error["error_data"]["details"]
    error = sim.graph("POST", f"{NUMBER}/messages", json={**mark, "message_id": "wamid.junk"}).json()["error"]
    assert error["error_data"]["details"] == "Please check the message ID you have provided."


def test_a_shopper_is_reached_by_business_scoped_id_without_learning_the_number(sim: Sim) -> None:
    bsuid = sim.post("/phones", {"phone": ASHA, "hidden": True, "username": "asha"})["bsuid"]
    answer = sim.send({"to": None, "recipient": bsuid}).json()
    assert answer["contacts"] == [{"input": bsuid, "user_id": bsuid}]
    assert ASHA.encode() not in base64.b64decode(answer["messages"][0]["id"].removeprefix("wamid."))
    assert sim.send({"recipient": bsuid}).json()["contacts"][0]["input"] == f"+{ASHA}", "`to` wins"


def test_the_ledger_shows_what_was_accepted_twice(sim: Sim) -> None:
    first, second = sim.sent(biz_opaque_callback_data="o:1"), sim.sent(biz_opaque_callback_data="o:1")
    sim.sent(biz_opaque_callback_data="o:2")
    sim.sent()
    summary = sim.get("/ledger/summary")
    assert (summary["accepted"], summary["distinct_opaque"], summary["without_opaque"]) == (4, 2, 1)
    assert summary["doubled"] == {"o:1": [first, second]}
    lines = sim.get("/ledger?opaque=o:1")["lines"]
    assert [line["body"]["text"]["body"] for line in lines] == ["hello", "hello"]
    assert sim.get("/ledger?after=3")["lines"][0]["n"] == 4


def test_service_messages_start_to_cost_after_the_free_quota_of_the_month(sim: Sim) -> None:
    sim.freeze(NOON)
    sim.patch("/settings", {"service_quota": 1})
    sim.act("text", text="hi")
    first, second = sim.sent(), sim.sent()
    sim.advance(10)
    assert [sim.line(w)["pricing"]["billable"] for w in (first, second)].count(True) == 1
    assert sim.get("/ledger/summary")["charged"] == {"service": 1}
