"""Simulated time, determinism under a seed, limits as properties, and watching what happens."""

import threading
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.limits import PAIR_BURST, PairRate, Throughput
from tests.simulator.conftest import ASHA, NOON, Hook, Sim

Json = dict[str, Any]
HELLO = {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}}


def play(sim: Sim, seed: int, phones: list[str]) -> tuple[dict[str, list[Any]], set[str]]:
    """Run one scene and return what happened per phone, and the media ids and bsuids."""
    sim.post("/reset", {"seed": seed})
    sim.freeze()
    seen: dict[str, list[Any]] = {}
    for phone in phones:
        sim.sent(HELLO, to=f"+{phone}")
    sim.advance(30)
    for phone in phones:
        sim.act("text", who=phone, text="yes")
        sim.sent(to=f"+{phone}")
    sim.advance(30)
    for line in sim.get("/ledger")["lines"]:
        seen.setdefault(line["wa_id"], []).append([line["wamid"], line["statuses"]])
    return seen, {p["bsuid"] for p in sim.get("/phones")["phones"]}


def test_the_same_seed_gives_the_same_ids_and_times_in_whatever_order_shoppers_come(sim: Sim) -> None:
    phones = [f"91980000000{i}" for i in range(5)]
    first = play(sim, 3, phones)
    assert play(sim, 3, phones) == first
    assert play(sim, 3, phones[::-1]) == first
    other = play(sim, 4, phones)
    assert other[1].isdisjoint(first[1])
    assert all(other[0][phone] != first[0][phone] for phone in phones)


def test_a_frozen_clock_stands_and_a_fast_one_runs(sim: Sim) -> None:
    sim.freeze()
    assert sim.get("/clock")["now"] == sim.get("/clock")["now"] == NOON
    wamid = sim.sent(HELLO)
    assert sim.get("/idle?within=0")["idle"]
    assert sim.statuses(wamid) == []
    sim.post("/clock", {"rate": 1000})
    sim.get("/idle?timeout=5&within=100")
    assert sim.statuses(wamid)[:2] == ["sent", "delivered"]
    assert sim.get("/clock")["now"] > NOON + 1
    assert abs(sim.post("/clock", {"real": True})["now"] - time.time()) < 5


def test_the_clock_does_not_go_back_while_something_is_planned(sim: Sim) -> None:
    sim.freeze()
    sim.sent(HELLO)
    assert "cannot go back" in sim.post("/clock", {"at": NOON - 1}, expect=409)["error"]


def test_on_the_way_each_thing_happens_at_its_own_time_and_webhooks_are_answered_in_between(
    sim: Sim, hook: Hook
) -> None:
    sim.freeze()
    for i in range(20):
        sim.sent(HELLO, to=f"+9198000000{i:02}")
    assert sim.advance(3600)["ran"] == 40
    times = [int(node["timestamp"]) for node in hook.nodes("statuses")]
    assert len(times) == 40
    assert times == sorted(times)
    assert times[-1] < NOON + 10


def test_what_follows_within_a_step_travels_together_and_keeps_its_own_time(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    sim.patch("/settings", {"batch_max": 100, "batch_wait_ms": 30})
    for i in range(60):
        sim.sent(HELLO, to=f"+9198000000{i:02}")
    sim.post("/clock", {"advance": 60, "step": 10})
    statuses = hook.nodes("statuses")
    assert len(statuses) == 120
    assert len(hook.posts) < 60
    assert len({node["timestamp"] for node in statuses}) > 1
    ledger = {line["wamid"]: line["statuses"] for line in sim.get("/ledger")["lines"]}
    assert all(
        int(node["timestamp"]) == int(next(s["at"] for s in ledger[node["id"]] if s["status"] == node["status"]))
        for node in statuses
    )


def test_a_watcher_is_woken_by_what_happens(sim: Sim) -> None:
    seq = sim.get("/changes?after=0&timeout=0")["seq"]
    found: list[Json] = []
    watcher = threading.Thread(target=lambda: found.append(sim.get(f"/changes?after={seq}&timeout=20&messages=1")))
    watcher.start()
    Sim(sim.url).act("text", text="hello?")
    watcher.join(10)
    kinds = [change["kind"] for change in found[0]["changes"]]
    assert "message" in kinds or "phone" in kinds
    news = sim.get(f"/changes?after={seq}&messages=1&phone={ASHA}")
    message = next(change for change in news["changes"] if change["kind"] == "message")
    assert message["message"]["text"] == "hello?"
    assert not news["missed"]
    assert sim.get("/changes?after=99999999&timeout=0")["missed"], "the simulator began again"


moments = st.lists(st.floats(0, 600), min_size=1, max_size=200).map(sorted)


@given(moments)
def test_a_pair_never_gets_more_than_one_message_in_six_seconds_and_a_burst(times: list[float]) -> None:
    rate = PairRate()
    taken = [t for t in times if rate.take(t, "pair")]
    for i, start in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= PAIR_BURST + (taken[j] - start) / 6 + 1
    assert taken[:1] == times[:1]


@given(moments, st.integers(1, 20))
def test_a_number_never_sends_more_than_its_rate(times: list[float], per_second: int) -> None:
    bucket = Throughput()
    taken = [t for t in times if bucket.take(t, per_second)]
    for i, start in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= per_second + (taken[j] - start) * per_second + 1e-6
