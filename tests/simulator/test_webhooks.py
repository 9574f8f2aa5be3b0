"""Webhooks: their bytes and signature, repetition until they are answered, batches, callbacks and verification."""

import json

from bot.simulator.webhook import serialise, signatures
from tests.simulator.conftest import ASHA, NUMBER, WABA, Hook, Sim, signed_well


def test_the_signature_of_the_published_vector_is_right() -> None:
    value = {"value": {"t": "café a/b 😀"}, "field": "messages"}
    body = serialise({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [value]}]})
    assert body == (
        b'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":'
        b'{"t":"caf\\u00e9 a\\/b \\ud83d\\ude00"},"field":"messages"}]}]}'
    )
    expected = "sha256=76f616809a20d647788c410d9fa2b6b2c54a1d58b50971cdede81774d7eb2717"
    assert signatures(body, "app-secret")["X-Hub-Signature-256"] == expected


def test_what_is_posted_is_ascii_and_signed_over_exactly_its_bytes(sim: Sim, hook: Hook) -> None:
    sim.act("text", text="गली नंबर ४ / 😀", phone="919811111111")
    sim.idle()
    body, headers = hook.posts[0]
    assert body.isascii()
    assert b"\\/" in body
    assert b"/" not in body.replace(b"\\/", b"")
    assert signed_well(body, headers)
    assert headers["X-Hub-Signature"].startswith("sha1=")
    assert headers["Content-Type"] == "application/json"
    assert hook.nodes("messages")[0]["text"]["body"] == "गली नंबर ४ / 😀"


def test_a_refused_webhook_is_repeated_at_once_and_then_at_growing_pauses_with_the_same_bytes(
    sim: Sim, hook: Hook
) -> None:
    sim.freeze()
    for status in (500, 503, 201, 302, 404):
        hook.answers.put(status)
    sim.act("text", text="hi")
    sim.idle()
    assert len(hook.posts) == 2, "once, and at once again"
    counts = []
    for seconds in (1, 1, 1, 4, 100):
        sim.advance(seconds)
        counts.append(len(hook.posts))
    assert counts == [3, 3, 4, 5, 6], "after 1, 2, 4 and 8 seconds; then it was answered with 200"
    assert len({body for body, _ in hook.posts}) == 1
    chat = sim.get(f"/phones/{ASHA}/chat")["messages"]
    assert chat[0]["status"] == "delivered"
    attempts = sim.get("/webhooks?limit=1")["webhooks"][0]["attempts"]
    assert [attempt["status"] for attempt in attempts] == [500, 503, 201, 302, 404, 200]


def test_a_webhook_nobody_takes_is_given_up_after_seven_days(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/app", {"webhook_url": "http://127.0.0.1:9/nobody"})
    sim.act("text", text="hi")
    sim.advance(7 * 86_400 + 3_700)
    webhook = sim.get("/webhooks")["webhooks"][0]
    assert webhook["state"] == "given_up"
    assert len(webhook["attempts"]) > 100
    assert sim.get(f"/phones/{ASHA}/chat")["messages"][0]["status"] == "sent"


def test_waiting_updates_travel_together_when_batches_are_on(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"batch_max": 50, "batch_wait_ms": 150})
    for i in range(40):
        sim.act("text", who=f"9198000000{i:02}", text=str(i))
    sim.idle()
    assert len(hook.nodes("messages")) == 40
    assert len(hook.posts) < 40
    value = max((b["entry"][0]["changes"][0]["value"] for b in hook.bodies), key=lambda v: len(v["messages"]))
    assert len(value["messages"]) > 1
    assert {c["wa_id"] for c in value["contacts"]} == {m["from"] for m in value["messages"]}


def test_a_callback_of_the_number_comes_before_that_of_the_account_and_the_app(sim: Sim, hook: Hook) -> None:
    for_waba, for_number = Hook(), Hook()
    for_waba.verify_token = for_number.verify_token = "other"
    asked: dict[str, object] = {"override_callback_uri": for_waba.url, "verify_token": "other"}
    assert sim.graph("POST", f"{WABA}/subscribed_apps", json=asked).json() == {"success": True}
    assert for_waba.queries[0]["hub.mode"] == ["subscribe"]
    asked = {"webhook_configuration": {"override_callback_uri": for_number.url, "verify_token": "other"}}
    assert sim.graph("POST", NUMBER, json=asked).json() == {"success": True}
    seen = sim.graph("GET", f"{NUMBER}?fields=webhook_configuration").json()["webhook_configuration"]
    assert seen == {"phone_number": for_number.url, "whatsapp_business_account": for_waba.url, "application": hook.url}
    sim.act("text", text="to the number")
    sim.idle()
    sim.graph("POST", NUMBER, json={"webhook_configuration": {"override_callback_uri": ""}})
    sim.act("text", text="to the account")
    sim.idle()
    sim.graph("POST", f"{WABA}/subscribed_apps", json={})
    sim.act("text", text="to the app")
    sim.idle()
    texts = [[m["text"]["body"] for m in each.nodes("messages")] for each in (for_number, for_waba, hook)]
    assert texts == [["to the number"], ["to the account"], ["to the app"]]
    for extra in (for_waba, for_number):
        extra.server.shutdown()
        extra.server.server_close()


def test_a_callback_that_fails_the_verification_is_not_taken(sim: Sim, hook: Hook) -> None:
    asked = {"override_callback_uri": hook.url, "verify_token": "wrong"}
    error = sim.graph("POST", f"{WABA}/subscribed_apps", json=asked).json()["error"]
    assert error["code"] == 2200
    assert "webhook_url" in sim.patch("/app", {"webhook_url": hook.url, "verify": True})
    sim.patch("/app", {"verify_token": "wrong", "verify": True}, expect=409)


def test_without_a_subscription_nothing_is_posted(sim: Sim, hook: Hook) -> None:
    assert sim.graph("DELETE", f"{WABA}/subscribed_apps").json() == {"success": True}
    sim.act("text", text="hi")
    sim.idle()
    assert hook.posts == []
    assert sim.graph("GET", f"{WABA}/subscribed_apps").json() == {"data": []}


def test_any_body_can_be_posted_signed_unsigned_or_broken(sim: Sim, hook: Hook) -> None:
    assert sim.post("/webhook", {"body": {"entry": "é"}})["status"] == 200
    sim.post("/webhook", {"text": '{"entry": [', "signature": ""})
    sim.post("/webhook", {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}})
    sim.idle()
    assert signed_well(*hook.posts[0])
    assert hook.posts[1][0] == b'{"entry": ['
    assert "X-Hub-Signature-256" not in hook.posts[1][1]
    entry = json.loads(hook.posts[2][0])["entry"][0]
    assert entry["changes"] == [{"value": {"event": "DISABLED_UPDATE"}, "field": "account_update"}]
    assert isinstance(entry["time"], int)
