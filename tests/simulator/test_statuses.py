"""What becomes of an accepted message: windows, fates, statuses in time, prices, and what hidden phones reveal."""

from typing import Any

import pytest

from tests.simulator.conftest import ASHA, NOON, NUMBER, WABA, Hook, Sim

HELLO = {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}}


def test_a_message_is_sent_delivered_and_read_when_the_shopper_answers(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    wamid = sim.sent(HELLO, biz_opaque_callback_data="o:7")
    assert sim.statuses(wamid) == []
    sim.advance(1)
    assert sim.statuses(wamid) == ["sent"]
    sim.advance(3)
    assert sim.statuses(wamid) == ["sent", "delivered"]
    sim.act("text", text="yes")
    sim.idle()
    assert sim.statuses(wamid) == ["sent", "delivered", "read"]
    statuses = hook.nodes("statuses")
    assert [node["status"] for node in statuses] == ["sent", "delivered", "read"]
    assert {node["biz_opaque_callback_data"] for node in statuses} == {"o:7"}
    assert {node["recipient_id"] for node in statuses} == {ASHA}
    assert [("pricing" in node) for node in statuses] == [True, True, False]
    assert statuses[0]["pricing"] == {
        "billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"
    }  # fmt: skip
    assert NOON <= int(statuses[0]["timestamp"]) <= NOON + 1


def test_free_text_fails_once_the_window_has_closed(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.act("text", text="hi")
    sim.advance(86_399)
    good = sim.sent()
    sim.advance(10)
    late = sim.sent()
    sim.advance(10)
    assert hook.names(good) == ["sent", "delivered"]
    failed = next(node for node in hook.nodes("statuses") if node["id"] == late)
    assert failed["status"] == "failed"
    assert failed["errors"][0]["code"] == 131047
    assert failed["errors"][0]["error_data"]["details"]
    value = hook.bodies[-1]["entry"][0]["changes"][0]["value"]
    assert "contacts" not in value


def test_an_advertisement_opens_the_window_for_three_days_free_of_charge(sim: Sim) -> None:
    sim.freeze()
    referral = {"source_url": "https://fb.me/x", "source_type": "ad", "source_id": "1", "ctwa_clid": "c"}
    sim.act("text", text="hi", referral=referral)
    sim.advance(2 * 86_400)
    wamid = sim.sent()
    sim.advance(10)
    assert sim.line(wamid)["pricing"]["type"] == "free_entry_point"
    sim.advance(86_400)
    assert sim.line(sim.sent())["status"] == "accepted"
    sim.advance(10)
    assert sim.get("/ledger/summary")["by_error"] == {"131047": 1}


MARKETING = {
    "name": "sale",
    "language": "en",
    "category": "MARKETING",
    "components": [{"type": "BODY", "text": "Sale"}],
}
SALE = {"type": "template", "template": {"name": "sale", "language": {"code": "en"}}}
FORM = {
    "type": "interactive",
    "interactive": {
        "type": "address_message", "body": {"text": "Where?"},
        "action": {"name": "address_message", "parameters": {"country": "IN"}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("shopper", "body", "code"),
    [
        ({"on_whatsapp": False}, HELLO, 131026),
        ({"stopped_marketing": True}, SALE, 131050),
        ({"stopped_marketing": True}, HELLO, 0),
        ({"blocked_by": [NUMBER]}, HELLO, 130403),
        ({"supports_address": False}, FORM, 1026),
        ({}, FORM, 0),
    ],
)
def test_a_message_fails_with_the_code_of_its_reason(sim: Sim, shopper: Any, body: Any, code: int) -> None:
    sim.freeze()
    sim.patch("/settings", {"review_seconds": 0})
    sim.graph("POST", f"{WABA}/message_templates", json=MARKETING)
    sim.act("text", text="hi")
    sim.patch(f"/phones/{ASHA}", shopper)
    wamid = sim.sent(body)
    sim.advance(10)
    line = sim.line(wamid)
    assert (line["error"] or {"code": 0})["code"] == code
    assert line["status"] == ("failed" if code else "delivered")


def test_marketing_to_american_numbers_and_over_the_cap_is_not_delivered(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/settings", {"review_seconds": 0})
    sim.graph("POST", f"{WABA}/message_templates", json=MARKETING)
    american = sim.sent(SALE, to="+16505551234")
    sim.patch("/settings", {"marketing_cap": 1.0})
    capped = sim.sent(SALE)
    sim.advance(10)
    assert [sim.line(w)["error"]["code"] for w in (american, capped)] == [131049, 131049]


def test_a_missing_payment_method_fails_what_was_accepted(sim: Sim) -> None:
    sim.freeze()
    sim.patch(f"/wabas/{WABA}", {"payment_missing": True})
    wamid = sim.sent(HELLO)
    sim.advance(10)
    assert sim.line(wamid)["error"]["code"] == 131042


def test_an_unknown_number_is_a_new_shopper_or_not_on_whatsapp(sim: Sim) -> None:
    sim.freeze()
    sim.sent(HELLO)
    assert sim.get(f"/phones/{ASHA}")["name"] == "Shopper 2345"
    sim.patch("/settings", {"auto_create": False})
    wamid = sim.sent(HELLO, to="+919800000001")
    sim.advance(10)
    assert sim.line(wamid)["error"]["code"] == 131026


def test_a_shopper_who_blocked_the_business_gives_no_sign(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.post("/phones", {"phone": ASHA, "blocked_business": True})
    wamid = sim.sent(HELLO)
    sim.advance(3600)
    assert hook.names(wamid) == ["sent"]
    sim.patch("/settings", {"blocked_effect": "failed"})
    other = sim.sent(HELLO)
    sim.advance(10)
    assert sim.line(other)["error"]["code"] == 131026


def test_a_phone_that_is_off_gets_its_messages_later_and_in_order(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.post("/phones", {"phone": ASHA, "online": False})
    wamids = [sim.sent(HELLO) for _ in range(5)]
    sim.advance(3600)
    assert sim.get(f"/phones/{ASHA}/chat")["messages"] == []
    sim.patch(f"/phones/{ASHA}", {"online": True})
    sim.advance(10)
    assert [m["wamid"] for m in sim.get(f"/phones/{ASHA}/chat")["messages"]] == wamids
    assert [n["id"] for n in hook.nodes("statuses") if n["status"] == "delivered"] == wamids


def test_a_message_that_expired_is_dropped_without_a_word(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.patch("/settings", {"review_seconds": 0})
    brief = {
        "name": "brief", "language": "en", "category": "UTILITY", "message_send_ttl_seconds": 60,
        "components": [{"type": "BODY", "text": "Now"}],
    }  # fmt: skip
    sim.graph("POST", f"{WABA}/message_templates", json=brief)
    sim.post("/phones", {"phone": ASHA, "online": False})
    wamid = sim.sent({"type": "template", "template": {"name": "brief", "language": {"code": "en"}}})
    sim.advance(120)
    sim.patch(f"/phones/{ASHA}", {"online": True})
    sim.advance(3600)
    assert hook.names(wamid) == ["sent"]
    assert sim.get(f"/phones/{ASHA}/chat")["messages"] == []


def test_delivered_is_skipped_while_the_chat_is_open_and_read_without_receipts(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.post("/phones", {"phone": ASHA, "chat_open": True})
    open_chat = sim.sent(HELLO)
    sim.advance(10)
    assert hook.names(open_chat) == ["sent", "read"]
    sim.patch(f"/phones/{ASHA}", {"chat_open": False, "read_receipts": False, "reads_after": 5})
    silent = sim.sent(HELLO)
    sim.advance(30)
    assert hook.names(silent) == ["sent", "delivered"]
    assert sim.line(silent)["status"] == "read"


def test_a_reaction_of_the_business_is_only_sent_and_shown_on_its_message(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    mine = sim.act("text", text="thanks")["wamid"]
    wamid = sim.sent({"type": "reaction", "reaction": {"message_id": mine, "emoji": "❤️"}})
    sim.advance(10)
    assert hook.names(wamid) == ["sent"]
    messages = sim.get(f"/phones/{ASHA}/chat")["messages"]
    assert [(m["wamid"], m["reaction"]) for m in messages] == [(mine, "❤️")]


def test_the_phone_number_is_withheld_but_the_pair_can_be_learned_from_a_status(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    bsuid = sim.post("/phones", {"phone": ASHA, "hidden": True, "username": "asha", "name": "Asha"})["bsuid"]
    by_phone = sim.sent(HELLO)
    sim.advance(10)
    node = next(n for n in hook.nodes("statuses") if n["id"] == by_phone)
    assert (node["recipient_id"], node["recipient_user_id"]) == (ASHA, bsuid)
    sim.act("text", text="yes", reply_to=by_phone)
    sim.idle()
    body = hook.bodies[-1] if "messages" in hook.bodies[-1]["entry"][0]["changes"][0]["value"] else hook.bodies[-2]
    value = body["entry"][0]["changes"][0]["value"]
    assert value["contacts"] == [{"profile": {"name": "Asha", "username": "asha"}, "user_id": bsuid}]
    message = value["messages"][0]
    assert "from" not in message
    assert (message["from_user_id"], message["context"]["id"]) == (bsuid, by_phone)
    assert ASHA not in str(value)
    by_id = sim.sent({"to": None, "recipient": bsuid})
    sim.advance(10)
    assert all("recipient_id" not in n for n in hook.nodes("statuses") if n["id"] == by_id)


def test_before_business_scoped_ids_nothing_of_them_is_seen(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.patch("/settings", {"bsuid": "none", "webhook_version": 23})
    sim.act("text", text="hi")
    wamid = sim.sent()
    sim.advance(10)
    assert "user_id" not in str(hook.bodies)
    conversation = next(n for n in hook.nodes("statuses") if n["id"] == wamid)["conversation"]
    assert conversation["origin"] == {"type": "service"}
    assert "expiration_timestamp" in conversation


def test_before_october_2026_service_messages_were_free(sim: Sim) -> None:
    sim.freeze(1_780_000_000)
    sim.act("text", text="hi")
    free, template = sim.sent(), sim.sent(HELLO)
    sim.advance(10)
    assert sim.line(free)["pricing"]["type"] == "free_customer_service"
    assert sim.line(template)["pricing"]["billable"] is False
    sim.advance(86_400)
    outside = sim.sent(HELLO)
    sim.advance(10)
    assert sim.line(outside)["pricing"]["billable"] is True
