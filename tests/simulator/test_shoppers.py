"""What shoppers do, and the webhooks that come of it; media in both directions."""

import base64
import hashlib
import json
from typing import Any

import pytest

from tests.simulator.conftest import ASHA, NUMBER, Hook, Sim

Json = dict[str, Any]


def inbound(sim: Sim, hook: Hook, kind: str, **more: Any) -> Json:
    """Let Asha act and return the message node the business got."""
    wamid = sim.act(kind, **more)["wamid"]
    sim.idle()
    found = [node for node in hook.nodes("messages") if node["id"] == wamid]
    assert len(found) == 1
    return found[0]


def test_a_text_arrives_with_its_contact_and_number(sim: Sim, hook: Hook) -> None:
    sim.post("/phones", {"phone": "+91 98450 12345", "name": "Asha"})
    node = inbound(sim, hook, "text", text="haan bhej do", forwarded=True)
    assert node["from"] == ASHA
    assert node["type"] == "text"
    assert node["timestamp"].isdigit()
    assert node["context"] == {"forwarded": True}
    value = hook.bodies[0]["entry"][0]["changes"][0]["value"]
    assert value["metadata"] == {"display_phone_number": "911155500100", "phone_number_id": NUMBER}
    assert value["contacts"][0]["profile"] == {"name": "Asha"}
    assert value["contacts"][0]["wa_id"] == ASHA
    assert value["contacts"][0]["user_id"].startswith("IN.")


def test_buttons_and_list_rows_answer_with_their_ids(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    buttons = [{"type": "reply", "reply": {"id": f"b{i}", "title": t}} for i, t in enumerate(("Yes", "No"))]
    asked = {"type": "button", "body": {"text": "?"}, "action": {"buttons": buttons}}
    question = sim.sent({"type": "interactive", "interactive": asked})
    sections = [
        {"title": "Today", "rows": [{"id": "r0", "title": "Noon"}]},
        {"title": "Tomorrow", "rows": [{"id": "r1", "title": "Evening", "description": "4 to 8"}]},
    ]
    listed = {"type": "list", "body": {"text": "When?"}, "action": {"button": "Pick", "sections": sections}}
    choice = sim.sent({"type": "interactive", "interactive": listed})
    sim.idle()
    node = inbound(sim, hook, "tap", title="No")
    assert node["interactive"] == {"type": "button_reply", "button_reply": {"id": "b1", "title": "No"}}
    assert node["context"] == {"from": "911155500100", "id": question}
    node = inbound(sim, hook, "pick", index=1)
    reply = {"id": "r1", "title": "Evening", "description": "4 to 8"}
    assert node["interactive"] == {"type": "list_reply", "list_reply": reply}
    assert node["context"]["id"] == choice


def test_a_phone_cannot_do_what_it_does_not_show(sim: Sim) -> None:
    sim.freeze()
    sim.act("text", text="hi")
    assert "buttons" in sim.act("tap", index=0, expect=409)["error"]
    reply = {"type": "reply", "reply": {"id": "a", "title": "Yes"}}
    asked = {"type": "button", "body": {"text": "?"}, "action": {"buttons": [reply]}}
    wamid = sim.sent({"type": "interactive", "interactive": asked})
    assert "has not arrived" in sim.act("tap", wamid=wamid, index=0, expect=409)["error"]
    sim.advance(10)
    assert "between 0 and 0" in sim.act("tap", wamid=wamid, index=1, expect=409)["error"]
    assert "'Yes'" in sim.act("tap", wamid=wamid, title="Maybe", expect=409)["error"]
    assert "no list" in sim.act("pick", wamid=wamid, index=0, expect=409)["error"]
    assert "type must be one of" in sim.act("dance", expect=409)["error"]
    sim.post("/phones/nobody/send", {"type": "text", "text": "x"}, expect=404)


@pytest.mark.parametrize(
    ("kind", "more", "type_", "expected"),
    [
        ("location", {"latitude": 28.6, "longitude": 77.2, "name": "Home"}, "location",
         {"latitude": 28.6, "longitude": 77.2, "name": "Home"}),
        ("contacts", {"name": "Ravi", "phone": "+91 98111 11111"}, "contacts",
         [{"name": {"formatted_name": "Ravi", "first_name": "Ravi"},
           "phones": [{"phone": "+91 98111 11111", "wa_id": "919811111111", "type": "CELL"}]}]),
        ("order", {"order": {"catalog_id": "1"}}, "order", {"catalog_id": "1"}),
        ("unsupported", {"what": "poll_creation"}, "unsupported", {"type": "poll_creation"}),
        ("raw", {"node": {"type": "hologram", "hologram": {"depth": 3}}}, "hologram", {"depth": 3}),
    ],
)  # fmt: skip
def test_other_messages_have_the_shape_of_the_platform(
    sim: Sim, hook: Hook, kind: str, more: Json, type_: str, expected: Any
) -> None:
    node = inbound(sim, hook, kind, **more)
    assert node["type"] == type_
    assert node[type_] == expected
    assert sim.get(f"/phones/{ASHA}/chat")["messages"][0]["from"] == "shopper"
    if kind == "unsupported":
        assert node["errors"][0]["code"] == 131051


@pytest.mark.parametrize("kind", ["image", "video", "voice", "audio", "document", "sticker"])
def test_a_sample_file_can_be_resolved_and_downloaded_for_five_minutes(sim: Sim, hook: Hook, kind: str) -> None:
    sim.freeze()
    node = inbound(sim, hook, kind, caption="look")
    part = node[node["type"]]
    assert node["type"] == ("audio" if kind in ("voice", "audio") else kind)
    assert part.get("voice") == {"voice": True, "audio": False}.get(kind)
    assert ("caption" in part) == (kind in ("image", "video", "document"))
    described = sim.graph("GET", f"{part['id']}?phone_number_id={NUMBER}").json()
    assert described["mime_type"] == part["mime_type"]
    head = {"Authorization": "Bearer t"}
    data = sim.http.get(described["url"], headers=head, timeout=10).content
    assert len(data) == described["file_size"]
    digest = hashlib.sha256(data)
    assert described["sha256"] == digest.hexdigest(), "hexadecimal in the descriptor"
    assert base64.b64decode(part["sha256"]) == digest.digest(), "base64 in the webhook"
    assert sim.http.get(described["url"], timeout=10).status_code == 401
    forged = described["url"].replace("hash=", "hash=0")
    assert sim.http.get(forged, headers=head, timeout=10).status_code == 404
    sim.advance(301)
    assert sim.http.get(described["url"], headers=head, timeout=10).status_code == 404
    sim.advance(7 * 86_400)
    assert sim.graph("GET", part["id"]).json()["error"]["error_subcode"] == 33


def test_a_file_of_the_business_is_uploaded_sent_and_deleted(sim: Sim) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    form = {"messaging_product": "whatsapp", "type": "image/png"}
    answer = sim.graph("POST", f"{NUMBER}/media", data=form, files={"file": ("a.png", b"\x89PNG", "image/png")})
    media = answer.json()["id"]
    sim.sent({"type": "image", "image": {"id": media, "caption": "Your parcel"}})
    sim.idle()
    shown = sim.get(f"/phones/{ASHA}/chat")["messages"][-1]
    assert sim.http.get(sim.url + shown["media"]["url"], timeout=10).content == b"\x89PNG"
    assert sim.graph("DELETE", media).json() == {"success": True}
    assert sim.graph("GET", media).status_code == 400
    bad = sim.graph("POST", f"{NUMBER}/media", data=form | {"type": "text/html"}, files={"file": ("a", b"x")})
    assert "one of the following types" in bad.json()["error"]["message"]


def test_a_linked_file_that_cannot_be_fetched_fails_when_links_are_fetched(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0, "fetch_links": True})
    sim.act("text", text="hi")
    wamid = sim.sent({"type": "image", "image": {"link": "http://127.0.0.1:9/a.jpg"}})
    for _ in range(100):
        if hook.names(wamid):
            break
        sim.get("/changes?after=999999999&timeout=0.05")
    assert sim.line(wamid)["error"]["code"] == 131053


def test_the_address_form_and_the_flow_answer_with_a_json_string(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    action: Json = {"name": "address_message", "parameters": {"country": "IN"}}
    form = {"type": "address_message", "body": {"text": "Where?"}, "action": action}
    sim.sent({"type": "interactive", "interactive": form})
    parameters = {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Open", "flow_token": "run.1"}
    flow = {"type": "flow", "body": {"text": "Form"}, "action": {"name": "flow", "parameters": parameters}}
    sim.sent({"type": "interactive", "interactive": flow})
    sim.idle()
    reply = inbound(sim, hook, "address", values={"in_pin_code": "560034", "city": "Bengaluru"})
    answer = reply["interactive"]["nfm_reply"]
    assert answer["name"] == "address_message"
    assert json.loads(answer["response_json"]) == {"values": {"in_pin_code": "560034", "city": "Bengaluru"}}
    reply = inbound(sim, hook, "flow", response={"slot": "noon"})
    assert json.loads(reply["interactive"]["nfm_reply"]["response_json"]) == {"slot": "noon", "flow_token": "run.1"}


def test_reactions_edits_and_deletions_refer_to_their_message(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    mine = sim.act("text", text="No 12")["wamid"]
    theirs = sim.sent()
    sim.idle()
    assert inbound(sim, hook, "reaction", wamid=theirs, emoji="👍")["reaction"] == {"message_id": theirs, "emoji": "👍"}
    assert sim.get(f"/phones/{ASHA}/chat")["messages"][-1]["reaction"] == "👍"
    assert "emoji" not in inbound(sim, hook, "reaction", wamid=theirs)["reaction"]
    edit = inbound(sim, hook, "edit", wamid=mine, text="No 21")["edit"]
    assert edit["original_message_id"] == mine
    assert edit["message"]["text"]["body"] == "No 21"
    assert inbound(sim, hook, "revoke", wamid=mine)["revoke"] == {"original_message_id": mine}


def test_a_call_rings_the_business_and_opens_the_window(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("call")
    sim.idle()
    change = hook.bodies[0]["entry"][0]["changes"][0]
    assert change["field"] == "calls"
    assert change["value"]["calls"][0]["event"] == "connect"
    wamid = sim.sent()
    sim.idle()
    assert sim.line(wamid)["status"] == "delivered"


def test_a_changed_number_is_a_system_message_without_contact(sim: Sim, hook: Hook) -> None:
    node = inbound(sim, hook, "change_number", to="+91 98111 22233")
    assert node["system"]["type"] == "user_changed_number"
    assert (node["from"], node["system"]["wa_id"]) == (ASHA, "919811122233")
    assert "contacts" not in hook.bodies[0]["entry"][0]["changes"][0]["value"]
    assert sim.act("text", text="x", expect=409)["error"] == "this number is not on WhatsApp"


def test_stopping_marketing_is_a_preference(sim: Sim, hook: Hook) -> None:
    sim.act("preference", value="stop")
    sim.idle()
    change = hook.bodies[0]["entry"][0]["changes"][0]
    assert change["field"] == "user_preferences"
    assert change["value"]["user_preferences"][0]["value"] == "stop"
    assert sim.get(f"/phones/{ASHA}")["stopped_marketing"] is True


def test_a_hidden_phone_shares_its_number_when_asked(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.post("/phones", {"phone": ASHA, "hidden": True})
    sim.act("text", text="hi")
    asked = {"type": "request_contact_info", "body": {"text": "?"}, "action": {"name": "request_contact_info"}}
    sim.sent({"type": "interactive", "interactive": asked})
    sim.idle()
    card = inbound(sim, hook, "share_phone")["contacts"][0]
    assert (card["origin"], card["phones"][0]["wa_id"]) == ("contact_request", ASHA)


def test_the_business_is_deaf_to_a_shopper_it_blocked(sim: Sim, hook: Hook) -> None:
    block = {"messaging_product": "whatsapp", "block_users": [{"user": ASHA}]}
    sim.post("/phones", {"phone": ASHA})
    late = sim.graph("POST", f"{NUMBER}/block_users", json=block).json()["block_users"]
    assert late["failed_users"][0]["errors"][0]["code"] == 131047
    sim.act("text", text="hi")
    sim.idle()
    assert sim.graph("POST", f"{NUMBER}/block_users", json=block).json()["block_users"]["added_users"]
    sim.act("text", text="hello?")
    sim.idle()
    assert len(hook.posts) == 1
    assert sim.graph("GET", f"{NUMBER}/block_users").json()["data"][0]["wa_id"] == ASHA
    sim.graph("DELETE", f"{NUMBER}/block_users", json=block)
    sim.act("text", text="again")
    sim.idle()
    assert len(hook.posts) == 2


def test_two_businesses_have_separate_chats_with_one_shopper(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.post("/numbers", {"id": "777", "waba": "888", "display": "+91 22 5550 0199", "name": "Second shop"})
    sim.act("text", text="to the second", number="777")
    sim.idle()
    entry = hook.bodies[0]["entry"][0]
    assert entry["id"] == "888"
    assert entry["changes"][0]["value"]["metadata"]["phone_number_id"] == "777"
    assert sim.get(f"/phones/{ASHA}/chat")["messages"] == []
    assert len(sim.get(f"/phones/{ASHA}/chat?number=777")["messages"]) == 1
    wamid = sim.sent()
    sim.idle()
    assert sim.line(wamid)["status"] == "failed", "the window of the second number does not open the first"


def test_bad_requests_get_a_sentence_and_change_nothing(sim: Sim) -> None:
    assert "phone" in sim.post("/phones", {"phone": "x"}, expect=400)["error"]
    assert "unknown field colour" in sim.post("/phones", {"phone": ASHA, "colour": 1}, expect=400)["error"]
    assert "online" in sim.patch(f"/phones/{ASHA}", {"online": "yes"}, expect=400)["error"]
    assert "unknown field" in sim.patch("/settings", {"nonsense": 1}, expect=400)["error"]
    assert "TIER_250" in sim.patch("/settings", {"messaging_limit": "x"}, expect=400)["error"]
    assert "advance" in sim.post("/clock", {"advance": -1}, expect=400)["error"]
    assert "target" in sim.post("/faults", {"target": "x", "effect": "1"}, expect=400)["error"]
    assert (
        "unknown effect"
        in sim.post("/faults", {"target": "messages.send", "effect": {"explode": 1}}, expect=400)["error"]
    )
    assert "no state" in sim.call("PUT", "/state", {"format": 1}, expect=400)["error"]
    assert sim.http.post(f"{sim.url}/sim/phones", data=b"{oops", timeout=10).status_code == 400
    foreign = {"Origin": "https://evil.example"}
    assert sim.http.post(f"{sim.url}/sim/reset", json={}, headers=foreign, timeout=10).status_code == 403
