"""Fault rules: requests and updates misbehave exactly as told, and never otherwise."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.simulator.conftest import ASHA, NUMBER, WABA, Hook, Sim, signed_well

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        ("130429", 400, 130429), ("130429-http-429", 429, 130429), ("131056", 400, 131056), ("4", 400, 4),
        ("80007", 400, 80007), ("1", 500, 1), ("2", 503, 2), ("131000", 500, 131000), ("131016", 500, 131016),
        ("131057", 500, 131057), ("190", 401, 190), ("368", 403, 368), ("error-200", 200, 131000),
        ({"code": 131045, "details": "certificate"}, 500, 131045),
    ],
)  # fmt: skip
def test_an_error_is_answered_and_nothing_is_accepted(sim: Sim, effect: Any, status: int, code: int) -> None:
    sim.fault("messages.send", effect, next=1)
    answer = sim.send()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert sim.get("/ledger")["accepted"] == 0
    assert sim.send().ok
    if effect in ("4", "80007"):
        assert '"estimated_time_to_regain_access": 1' in answer.headers["X-Business-Use-Case-Usage"]
        assert WABA in answer.headers["X-Business-Use-Case-Usage"]


@pytest.mark.parametrize(
    ("effect", "status", "accepted"),
    [("html-502", 502, 0), ("html-200", 200, 0), ("empty-500", 500, 0), ("truncated", 200, 0), ("redirect", 302, 0),
     ("accept_then_502", 502, 1)],
)  # fmt: skip
def test_answers_that_are_no_json_are_given(sim: Sim, effect: str, status: int, accepted: int) -> None:
    sim.fault("messages.send", effect, next=1)
    answer = sim.graph(
        "POST", f"{NUMBER}/messages", allow_redirects=False,
        json={"messaging_product": "whatsapp", "to": ASHA, "text": {"body": "a"}},
    )  # fmt: skip
    assert answer.status_code == status
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert sim.get("/ledger")["accepted"] == accepted


def test_a_connection_can_be_reset_before_and_after_the_message_was_accepted(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    for effect in ("reset_before_accept", "accept_then_reset"):
        sim.fault("messages.send", effect, next=1)
        with pytest.raises(requests.ConnectionError):
            sim.send(biz_opaque_callback_data=effect)
    sim.idle()
    assert [line["opaque"] for line in sim.get("/ledger")["lines"]] == ["accept_then_reset"]
    assert "accept_then_reset" in {node["biz_opaque_callback_data"] for node in hook.nodes("statuses")}


def test_a_message_is_accepted_although_the_answer_hangs(sim: Sim) -> None:
    sim.fault("messages.send", {"hang": 20, "accept": True}, next=1)
    started = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        sim.graph(
            "POST", f"{NUMBER}/messages", timeout=0.3,
            json={"messaging_product": "whatsapp", "to": ASHA, "text": {"body": "a"}},
        )  # fmt: skip
    assert time.monotonic() - started < 5
    assert sim.get("/ledger")["accepted"] == 1


def test_silence_ends_when_the_client_gives_up_so_that_many_silences_stop_nobody(sim: Sim) -> None:
    sim.patch("/settings", {"enforce_pair": False, "enforce_throughput": False})
    sim.fault("messages.send", {"hang": 60, "accept": True}, next=300)
    body = {"messaging_product": "whatsapp", "to": ASHA, "text": {"body": "a"}}

    def give_up(_: int) -> None:
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{sim.url}/v26.0/{NUMBER}/messages", json=body, headers={"Authorization": "Bearer t"}, timeout=0.2
            )

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(give_up, range(300)))
    assert sim.send().ok, "more silences than threads, and one is free"
    assert sim.get("/ledger")["accepted"] == 301


def test_the_first_status_can_come_before_the_answer_to_the_send(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.act("text", text="hi")
    sim.fault("messages.send", "status_before_answer")
    wamid = sim.sent()
    assert hook.names(wamid) == ["sent"]


def test_rules_apply_to_the_next_to_each_nth_to_a_share_to_a_phone_and_for_a_while(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/settings", {"enforce_pair": False, "enforce_throughput": False})

    def failures(count: int = 12, **more: Any) -> list[int]:
        return [i for i in range(count) if not sim.send(**more).ok]

    sim.fault("messages.send", "2", next=2)
    assert failures() == [0, 1]
    sim.fault("messages.send", "2", every=4)
    assert failures() == [3, 7, 11]
    sim.call("DELETE", "/faults")
    sim.fault("messages.send", "2", phone="919811111111")
    assert failures(2) == []
    assert failures(2, to="+919811111111") == [0, 1]
    sim.call("DELETE", "/faults")
    now = sim.get("/clock")["now"]
    rule = sim.fault("messages.send", "2", since=now + 10, until=now + 20)
    assert failures(1) == []
    sim.advance(10)
    assert failures(1) == [0]
    sim.advance(10)
    assert failures(1) == []
    assert sim.call("DELETE", f"/faults/{rule['id']}")["removed"] == 1
    sim.fault("messages.send", "2", p=0.3)
    share = failures(100)
    assert 15 <= len(share) <= 45


def test_webhooks_are_doubled_delayed_refused_lost_or_badly_signed(sim: Sim, hook: Hook) -> None:
    sim.freeze()

    def say(effect: Any) -> list[tuple[bytes, dict[str, str]]]:
        hook.posts.clear()
        sim.fault("webhook.post", effect, next=1)
        sim.act("text", text="hi")
        sim.idle()
        return hook.posts

    assert [body for body, _ in say({"duplicate": 2})] == [hook.posts[0][0]] * 3
    assert len(say("late_duplicate")) == 1
    sim.advance(3 * 3600)
    assert len(hook.posts) == 2
    assert say({"delay": 30}) == []
    sim.advance(30)
    assert len(hook.posts) == 1
    assert len(say("refuse")) == 1, "the repetition arrives"
    assert say("drop") == []
    sim.advance(86_400)
    assert hook.posts == []
    assert not signed_well(*say("bad_signature")[0])
    assert "X-Hub-Signature-256" not in say("unsigned")[0][1]


def test_reordered_webhooks_arrive_in_another_order(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.fault("webhook.post", {"reorder": 60})
    wamids = [sim.act("text", text=str(i))["wamid"] for i in range(8)]
    sim.advance(60)
    arrived = [node["id"] for node in hook.nodes("messages")]
    assert sorted(arrived) == sorted(wamids)
    assert arrived != wamids


@pytest.mark.parametrize(
    "how", ["timestamp_ms", "timestamp_int", "no_contacts", "no_profile", "no_from", "unknown_type", "unknown_field"]
)
def test_odd_shapes_that_were_seen_can_be_sent(sim: Sim, hook: Hook, how: str) -> None:
    sim.fault("webhook.post", how, next=1)
    sim.act("text", text="hi")
    sim.idle()
    change = hook.bodies[0]["entry"][0]["changes"][0]
    message = change["value"]["messages"][0]
    seen = {
        "timestamp_ms": len(str(message["timestamp"])) == 13,
        "timestamp_int": isinstance(message["timestamp"], int),
        "no_contacts": "contacts" not in change["value"],
        "no_profile": "profile" not in (change["value"].get("contacts") or [{"profile": 1}])[0],
        "no_from": "from" not in message,
        "unknown_type": message["type"] == "hologram",
        "unknown_field": change["field"] == "brand_new_field",
    }
    assert seen[how]
    assert signed_well(*hook.posts[0])


def test_a_status_can_be_lost_late_or_doubled(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.act("text", text="hi")
    sim.fault("status.sent", {"drop": True}, next=1)
    sim.fault("status.delivered", {"duplicate": 1}, next=1)
    first = sim.sent()
    sim.advance(10)
    assert hook.names(first) == ["delivered", "delivered"]
    sim.fault("status.sent", {"delay": 60}, next=1)
    second = sim.sent()
    sim.advance(70)
    assert hook.names(second) == ["delivered", "sent"]


def test_media_and_templates_can_fail_too(sim: Sim) -> None:
    sim.fault("templates", "2", next=1)
    assert sim.graph("GET", f"{WABA}/message_templates").status_code == 503
    sim.fault("media.upload", "131016", next=1)
    assert sim.graph("POST", f"{NUMBER}/media", data={}).json()["error"]["code"] == 131016
    sim.fault("graph", "html-502", next=1)
    assert sim.graph("GET", NUMBER).status_code == 502


def test_the_latency_knob_delays_answers_without_stopping_others(sim: Sim) -> None:
    sim.patch("/settings", {"latency_ms": 300})
    started = time.monotonic()
    sim.sent()
    assert time.monotonic() - started >= 0.3
    started = time.monotonic()
    sim.get("/health")
    assert time.monotonic() - started < 0.25
