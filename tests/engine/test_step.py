"""The interpreter's rules, on a flow small enough to see through."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.engine import (
    CLOSE,
    JSON,
    RESUME,
    STAY,
    Act,
    Ask,
    CallAgent,
    Changed,
    Choice,
    Decide,
    Effect,
    End,
    Facts,
    Flow,
    FlowError,
    Found,
    Go,
    HandOver,
    Interrupt,
    Items,
    LookUp,
    Media,
    Merchant,
    Money,
    OptOut,
    Order,
    Outcome,
    React,
    Record,
    Released,
    Replied,
    Send,
    SetLocale,
    Silence,
    Started,
    State,
    Text,
    Undeliverable,
    View,
    Wake,
    go,
    listening,
    prove,
    start,
    step,
)

FACTS = Facts(
    order=Order("7", "#7", Items(()), Money(100, "INR")),
    merchant=Merchant("Shop", locales=frozenset({"en", "hi"})),
    now=datetime(2026, 11, 25, 10, tzinfo=UTC),
    others=(Order("8", "#8", Items(()), Money(200, "INR")),),
)
CONFIRMED = Record("intent", "confirmed")


def flow(**changes: object) -> Flow:
    """Make the flow of these tests: one question with a detour, a look-up, an end that listens."""
    parts: dict[str, object] = {
        "name": "small",
        "version": 1,
        "entry": "begin",
        "gone": "gone",
        "lost": "lost",
        "settled": "settled",
        "unanswered": "settled",
        "undeliverable": go("settled", Record("intent", "unreachable")),
        "closed": lambda view: view.facts.order.status == "shipped",
        "late": {"no": "sure"},
        "changed": {"cancelled": "settled"},
        "values": lambda view: {"order": view.order.reference},
        "interrupts": (
            Interrupt(("ask_price",), say="price"),
            Interrupt(("ask_who",), say="who"),
            Interrupt(("talk_to_human",), to="lost"),
            Interrupt(("greeting_thanks",), say="hello", thanks="🙏"),
            Interrupt(("@audio",), say="audio", again="lost"),
            Interrupt(("@sticker",), say="sticker", again="quiet"),
            Interrupt(("@unknown",), say="unknown", again="miss"),
        ),
        "steps": (
            Decide("begin", lambda view: "ask", {"ask": "question"}),
            Ask(
                "question",
                on={"yes": go("find", CONFIRMED), "no": go("over", Record("intent", "cancelled"))},
                hear={"confirm": go("find", CONFIRMED), "cancel": "sure", "yes_but": go(STAY, say="what")},
                patience=(timedelta(hours=4), timedelta(hours=16), timedelta(hours=24)),
                silent=go(CLOSE, Record("intent", "silent")),
                template="t",
                reminder="t",
            ),
            Decide(
                "find",
                lambda view: Outcome("good" if view.found.get("good") else "bad", {"seen": view.found.get("seen")}),
                {"good": go("done", say="found"), "bad": "place"},
                look_up=("address_check", lambda view: {"asks": view.open}),
            ),
            Ask(
                "place",
                form="address",
                read=lambda view: "text" if isinstance(view.event, Replied) and view.event.text else None,
                hear={"text": "done"},
                patience=(timedelta(hours=20),),
                silent=CLOSE,
                template="t",
            ),
            Ask(
                "sure",
                on={"yes": go("over", Record("intent", "cancelled")), "keep": RESUME, "other": go(STAY, keep=other)},
                patience=(timedelta(hours=20),),
                silent=CLOSE,
            ),
            End("done", on={"change": "question"}, hear={"cancel": "sure"}),
            End("over", react="👍"),
            End("gone", hear={"cancel": "lost"}),
            End("settled", quiet=True, hear={"confirm": go("find", CONFIRMED)}),
            HandOver("lost", "lost"),
        ),
    }
    return Flow(**{**parts, **changes})  # type: ignore[arg-type]  # the parts are those of Flow


def other(view: View) -> dict[str, JSON]:
    """Speak about the second order from now on."""
    return {"about": "8"}


SMALL = prove(flow())


class Talk:
    """A run of the small flow; the state goes through JSON at every step."""

    def __init__(self, played: Flow = SMALL, facts: Facts = FACTS) -> None:
        self.flow, self.facts = played, facts
        self.state = start(played)

    def __call__(self, event: object) -> list[Effect]:
        moved = step(self.flow, self.state, event, self.facts)  # type: ignore[arg-type]
        self.state = State.from_json(json.loads(json.dumps(moved.state.to_json())))
        return list(moved.effects)

    def tap(self, choice: str, turn: int) -> list[Effect]:
        """Tap a button of a turn, a minute after whatever came before."""
        self.facts = replace(self.facts, now=self.facts.now + timedelta(minutes=2))
        return self(Replied(choice=choice, turn=turn))

    def say(self, *kinds: str, safe: bool = True, text: str = "words") -> list[Effect]:
        """Write something that means these acts."""
        return self(Replied(acts=tuple(Act(kind) for kind in kinds), text=text, safe=safe))


@pytest.fixture
def talk() -> Talk:
    """Return a talk whose first question is open (turn 1)."""
    one = Talk()
    one(Started())
    return one


def said(effects: list[Effect]) -> list[str]:
    """Return the text keys of the one bubble, or nothing."""
    sends = [effect for effect in effects if isinstance(effect, Send)]
    assert len(sends) <= 1
    return [part.key.removeprefix("small.") for send in sends for part in send.parts]


def records(effects: list[Effect]) -> list[object]:
    """Return what was recorded."""
    return [effect.value for effect in effects if isinstance(effect, Record)]


def test_a_run_begins_with_its_question_and_a_timer() -> None:
    talk = Talk()
    effects = talk(Started())
    assert said(effects) == ["question.text"]
    send = effects[0]
    assert isinstance(send, Send)
    assert (send.turn, send.template, send.form) == (1, "t", "buttons")
    assert [choice.id for choice in send.choices] == ["yes", "no"]
    assert effects[1] == Wake(1, 1, timedelta(hours=4))


def test_beginning_twice_asks_once(talk: Talk) -> None:
    assert talk(Started()) == []


def test_a_tap_follows_its_way_through_a_look_up(talk: Talk) -> None:
    effects = talk.tap("yes", 1)
    assert records(effects) == ["confirmed"]
    assert effects[-1] == LookUp("address_check", {"asks": "question"})
    effects = talk(Found("address_check", {"good": True, "seen": 3}))
    assert said(effects) == ["found", "done.text"]
    assert (talk.state.status, talk.state.data["seen"]) == ("done", 3)


def test_what_was_to_be_said_before_a_look_up_is_said_after_it() -> None:
    ways: dict[str, Go | str] = {"yes": go("find", CONFIRMED, say="thanks"), "no": "over"}
    steps = tuple(
        replace(one, on=ways) if isinstance(one, Ask) and one.name == "question" else one for one in SMALL.steps
    )
    talk = Talk(prove(flow(steps=steps)))
    talk(Started())
    talk.tap("yes", 1)
    assert said(talk(Found("address_check", {"good": True}))) == ["thanks", "found", "done.text"]


def test_a_look_up_that_was_lost_is_asked_again_by_the_next_reply(talk: Talk) -> None:
    talk.tap("yes", 1)
    assert talk.say("confirm") == [LookUp("address_check", {"asks": "find"})]


def test_an_answer_to_another_look_up_changes_nothing(talk: Talk) -> None:
    assert talk(Found("days", {})) == []
    talk.tap("yes", 1)
    assert talk(Found("days", {})) == []


def test_a_tap_on_any_bubble_of_the_open_question_answers_it(talk: Talk) -> None:
    talk(Silence(1, 1))
    assert records(talk.tap("yes", 1)) == ["confirmed"]


def test_a_tap_on_an_older_question_never_answers_a_newer_one(talk: Talk) -> None:
    talk.say("cancel")
    assert talk.state.step == "sure"
    effects = talk.tap("yes", 1)
    assert records(effects) == []
    assert said(effects) == ["common.older_question", "sure.again"]


def test_a_late_tap_that_the_flow_knows_asks_first(talk: Talk) -> None:
    talk.tap("yes", 1)
    talk(Found("address_check", {"good": True}))
    effects = talk.tap("no", 1)
    assert (records(effects), said(effects)) == ([], ["sure.text"])


@pytest.mark.parametrize("turn", [None, 0, -1, 2, 99])
def test_a_turn_that_was_never_sent_answers_nothing(talk: Talk, turn: int | None) -> None:
    assert records(talk(Replied(choice="yes", turn=turn))) == []
    assert talk.state.step == "question"


def test_an_unknown_choice_answers_nothing(talk: Talk) -> None:
    assert said(talk.tap("destroy", 1)) == ["common.older_question", "question.again"]


def test_two_taps_within_a_minute_are_one(talk: Talk) -> None:
    talk.tap("no", 1)
    assert talk(Replied(choice="no", turn=1)) == []


def test_certain_words_answer(talk: Talk) -> None:
    assert records(talk.say("confirm", safe=True)) == ["confirmed"]


def test_uncertain_words_are_asked_for_one_tap(talk: Talk) -> None:
    effects = talk.say("confirm", safe=False)
    assert (records(effects), said(effects)) == ([], ["common.did_you_mean", "question.again"])
    send = effects[0]
    assert isinstance(send, Send)
    assert send.parts[0].values["choice"] == Text("small.question.choices.yes")


def test_where_no_single_button_says_the_same_any_tap_is_asked_for(talk: Talk) -> None:
    steps = tuple(
        replace(one, hear={**one.hear, "opt_out": go("gone", OptOut())})
        if isinstance(one, Ask) and one.name == "question"
        else one
        for one in SMALL.steps
    )
    talk = Talk(prove(flow(steps=steps)))
    talk(Started())
    assert said(talk.say("opt_out", safe=False)) == ["common.please_tap", "question.again"]


def test_contradicting_acts_bind_nobody(talk: Talk) -> None:
    assert records(talk.say("confirm", "dont_cancel", safe=True)) == []


def test_a_condition_is_no_yes(talk: Talk) -> None:
    effects = talk.say("yes_but", "confirm", safe=True)
    assert (records(effects), said(effects)) == ([], ["what", "question.again"])


def test_the_second_part_of_a_condition_comes_first(talk: Talk) -> None:
    assert said(talk.say("yes_but", "cancel")) == ["sure.text"]
    condition = Replied(acts=(Act("yes_but", {"also": "ask_price"}),), safe=True)
    fresh = Talk()
    fresh(Started())
    assert said(fresh(condition)) == ["price", "question.again"]


def test_a_question_is_answered_and_the_open_one_repeated(talk: Talk) -> None:
    effects = talk.say("ask_price")
    assert said(effects) == ["price", "question.again"]
    assert effects[-1] == Wake(2, 1, timedelta(hours=4))
    assert records(talk.tap("yes", 1)) == ["confirmed"]


def test_several_questions_get_one_bubble(talk: Talk) -> None:
    assert said(talk.say("ask_price", "ask_who")) == ["who", "price", "question.again"]


def test_a_question_beside_an_answer_is_answered_too(talk: Talk) -> None:
    talk.say("ask_price", "confirm")
    assert said(talk(Found("address_check", {"good": True}))) == ["price", "found", "done.text"]


def test_thanks_after_the_end_get_an_emoji(talk: Talk) -> None:
    talk.tap("no", 1)
    assert talk.say("greeting_thanks") == [React("🙏")]


def test_an_end_can_answer_with_an_emoji_alone(talk: Talk) -> None:
    assert talk.tap("no", 1) == [Record("intent", "cancelled"), React("👍")]


def test_three_misses_call_a_person(talk: Talk) -> None:
    assert said(talk.say()) == ["common.missed_1", "question.again"]
    assert said(talk.say()) == ["common.missed_2", "question.again"]
    effects = talk.say()
    assert said(effects) == ["lost.text"]
    assert CallAgent("lost") in effects
    assert talk.state.status == "handed_over"


def test_uncertainty_without_end_calls_a_person(talk: Talk) -> None:
    for _ in range(2):
        talk.say("confirm", safe=False)
    assert CallAgent("lost") in talk.say("confirm", safe=False)


def test_misses_are_forgotten_with_the_next_question(talk: Talk) -> None:
    talk.say()
    talk.say()
    talk.say("cancel")
    assert talk.state.misses == 0


def test_what_an_agent_owns_is_left_alone(talk: Talk) -> None:
    talk.say("talk_to_human")
    for event in (Replied(choice="yes", turn=1), Silence(2, 1), Started(), Undeliverable(1), Changed("cancelled")):
        assert talk(event) == []


def test_a_released_run_asks_its_question_anew(talk: Talk) -> None:
    talk.say("talk_to_human")
    effects = talk(Released("bot"))
    assert said(effects) == ["question.again"]
    assert records(talk.tap("yes", 1)) == []


def test_a_settled_run_says_nothing_and_still_listens(talk: Talk) -> None:
    talk.say("talk_to_human")
    assert talk(Released("done")) == []
    assert (talk.state.step, talk.state.status) == ("settled", "done")
    assert records(talk.say("confirm")) == ["confirmed"]


def test_a_release_nobody_waits_for_changes_nothing(talk: Talk) -> None:
    assert talk(Released("bot")) == []


def test_silence_reminds_twice_and_then_gives_up(talk: Talk) -> None:
    effects = talk(Silence(1, 1))
    assert said(effects) == ["question.remind"]
    assert effects[-1] == Wake(2, 2, timedelta(hours=16))
    effects = talk(Silence(2, 2))
    assert effects[-1] == Wake(3, 3, timedelta(hours=24))
    effects = talk(Silence(3, 3))
    assert (said(effects), records(effects)) == ([], ["silent"])
    assert talk.state.status == "done"


@pytest.mark.parametrize(("turn", "nth"), [(1, 2), (2, 1), (0, 1), (1, 0), (9, 9)])
def test_a_timer_of_another_turn_or_order_does_nothing(talk: Talk, turn: int, nth: int) -> None:
    assert talk(Silence(turn, nth)) == []


def test_a_timer_after_the_answer_does_nothing(talk: Talk) -> None:
    talk.tap("no", 1)
    assert talk(Silence(1, 1)) == []


def test_the_merchants_patience_replaces_that_of_a_ruled_question() -> None:
    steps = tuple(
        replace(one, ruled=True) if isinstance(one, Ask) and one.name == "question" else one for one in SMALL.steps
    )
    talk = Talk(prove(flow(steps=steps)), replace(FACTS, merchant=Merchant("Shop", patience=(timedelta(hours=1),))))
    assert talk(Started())[-1] == Wake(1, 1, timedelta(hours=1))
    assert records(talk(Silence(1, 1))) == ["silent"]


def test_a_reminder_may_depend_on_the_first_being_read() -> None:
    steps = tuple(
        replace(one, remind_if=lambda view: view.facts.seen) if isinstance(one, Ask) and one.name == "question" else one
        for one in SMALL.steps
    )
    talk = Talk(prove(flow(steps=steps)))
    talk(Started())
    assert talk(Silence(1, 1)) == [Wake(1, 2, timedelta(hours=16))]
    talk.facts = replace(FACTS, seen=True)
    assert said(talk(Silence(1, 2))) == ["question.remind"]


def test_a_detour_returns_to_the_question_it_left(talk: Talk) -> None:
    talk.say("cancel")
    assert said(talk.tap("keep", 2)) == ["question.again"]


def test_a_detour_from_an_end_returns_to_it_without_a_question(talk: Talk) -> None:
    talk.tap("yes", 1)
    talk(Found("address_check", {"good": True}))
    talk.say("cancel")
    assert talk.tap("keep", 3) == []
    assert (talk.state.step, talk.state.status) == ("done", "done")


def test_an_agent_called_from_a_detour_releases_to_the_question(talk: Talk) -> None:
    talk.say("cancel")
    talk.say("talk_to_human")
    assert said(talk(Released("bot"))) == ["question.again"]


def test_effects_go_to_the_order_that_is_spoken_about(talk: Talk) -> None:
    talk.say("cancel")
    effects = talk.tap("other", 2)
    assert isinstance(effects[0], Send)
    assert effects[0].parts[0].values["order"] == "#8"
    assert talk.tap("yes", 3)[0] == Record("intent", "cancelled", "8")


def test_an_order_that_left_meanwhile_is_no_longer_asked_about(talk: Talk) -> None:
    talk.facts = replace(FACTS, order=replace(FACTS.order, status="shipped"))
    effects = talk.tap("yes", 1)
    assert (said(effects), records(effects)) == (["gone.text"], [])
    assert CallAgent("lost") in talk.say("cancel")


def test_a_reminder_about_an_order_that_left_is_not_sent(talk: Talk) -> None:
    talk.facts = replace(FACTS, order=replace(FACTS.order, status="shipped"))
    assert talk(Silence(1, 1)) == []


def test_a_change_by_another_hand_is_followed_only_while_a_question_is_open(talk: Talk) -> None:
    assert talk(Changed("cancelled")) == []
    assert talk.state.step == "settled"
    assert talk(Changed("cancelled")) == []


def test_a_prompt_that_cannot_arrive_follows_the_flows_way(talk: Talk) -> None:
    assert records(talk(Undeliverable(131026))) == ["unreachable"]


def test_a_form_that_a_phone_cannot_show_is_asked_in_words(talk: Talk) -> None:
    talk.tap("yes", 1)
    effects = talk(Found("address_check", {"good": False}))
    assert isinstance(effects[0], Send)
    assert effects[0].form == "address"
    effects = talk(Undeliverable(1026))
    assert isinstance(effects[0], Send)
    assert (effects[0].form, said(effects)) == ("text", ["place.again"])


def test_a_reader_takes_what_nothing_else_caught(talk: Talk) -> None:
    talk.tap("yes", 1)
    talk(Found("address_check", {"good": False}))
    assert said(talk.say("ask_price")) == ["price", "place.again"]
    assert said(talk.say(text="Flat 9")) == ["done.text"]


def test_a_voice_note_is_answered_once_and_then_given_to_a_person(talk: Talk) -> None:
    assert said(talk(Replied(media=Media("audio")))) == ["audio", "question.again"]
    assert CallAgent("lost") in talk(Replied(media=Media("audio")))


def test_a_sticker_is_answered_once(talk: Talk) -> None:
    assert said(talk(Replied(media=Media("sticker")))) == ["sticker", "question.again"]
    assert talk(Replied(media=Media("sticker"))) == []


def test_a_kind_of_message_nobody_knows_is_answered_and_then_a_miss(talk: Talk) -> None:
    assert said(talk(Replied(media=Media("hologram")))) == ["unknown", "question.again"]
    assert said(talk(Replied(media=Media("hologram")))) == ["common.missed_1", "question.again"]


def test_words_under_a_picture_confirm_nothing(talk: Talk) -> None:
    effects = talk(Replied(media=Media("image", caption="yes"), acts=(Act("confirm"),), safe=True))
    assert records(effects) == []


def test_the_language_of_a_long_message_is_spoken_back(talk: Talk) -> None:
    effects = talk(Replied(acts=(Act("ask_price"),), lang="hi"))
    assert effects[0] == SetLocale("hi")
    assert isinstance(effects[1], Send)
    assert effects[1].locale == "hi"


def test_a_language_the_shop_does_not_have_is_not_spoken(talk: Talk) -> None:
    assert SetLocale("fr") not in talk(Replied(acts=(Act("ask_price"),), lang="fr"))


def test_what_a_step_listens_for_is_told_to_the_understanding(talk: Talk) -> None:
    heard = listening(talk.flow, talk.state, talk.facts)
    assert (heard.state, [choice.id for choice in heard.choices]) == ("confirm", ["yes", "no"])
    assert set(heard.acts) == {"confirm", "cancel", "yes_but"}
    assert listening(talk.flow, start(talk.flow), talk.facts).state == "idle"


def test_only_a_rating_numbers_its_choices() -> None:
    stars = tuple(Choice(f"stars:{n}", "t") for n in (1, 2))
    steps = tuple(
        replace(one, on={"stars": "over", "yes": "find"}, offer=lambda view: stars, listens="rating")
        if isinstance(one, Ask) and one.name == "question"
        else one
        for one in SMALL.steps
    )
    talk = Talk(prove(flow(steps=steps)))
    talk(Started())
    assert listening(talk.flow, talk.state, talk.facts).numbers == (1, 2)


def test_an_authors_mistake_is_a_flow_error_and_nothing_else() -> None:
    steps = tuple(
        replace(one, choose=lambda view: 1 / 0) if isinstance(one, Decide) and one.name == "begin" else one  # type: ignore[arg-type, return-value]
        for one in SMALL.steps
    )
    with pytest.raises(FlowError, match="ZeroDivisionError"):
        Talk(flow(steps=steps))(Started())
    steps = tuple(
        replace(one, choose=lambda view: "nowhere") if isinstance(one, Decide) and one.name == "begin" else one
        for one in SMALL.steps
    )
    with pytest.raises(FlowError, match="not one of its ways"):
        Talk(flow(steps=steps))(Started())


def test_stopping_messages_needs_certain_words() -> None:
    steps = tuple(
        replace(one, hear={**one.hear, "opt_out": go("over", OptOut())})
        if isinstance(one, Ask) and one.name == "question"
        else one
        for one in SMALL.steps
    )
    talk = Talk(prove(flow(steps=steps)))
    talk(Started())
    assert OptOut() not in talk.say("opt_out", safe=False)
    assert OptOut() in talk.say("opt_out", safe=True)
