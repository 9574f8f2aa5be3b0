"""Whatever Meta posts, every message and status comes out of it, and nothing raises."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.whatsapp.parse import NotJson, parse
from bot.whatsapp.updates import (
    AccountEvent,
    Author,
    IdentityChange,
    Message,
    Preference,
    Status,
    Tap,
    TemplateEvent,
    Unknown,
)

FOLDER = Path(__file__).parents[1] / "payloads"
FILES = sorted(FOLDER.glob("*.json"))
ASHA = Author("919000012345", "IN.20417736650912348871", name="Asha Verma")
RAVI = Author(None, "IN.77120934455601928374", "IN.ENT.88120934455601920001", "ravi.of.pune", "Ravi")
OUR_WAMID = "wamid.HBgMOTE5MDAwMDEyMzQ1FQIAERgSQjE3RDkwMDAwMUE3AA=="


def only(name: str) -> Any:
    """Return the one update that a file holds."""
    updates = parse((FOLDER / f"{name}.json").read_bytes())
    assert len(updates) == 1
    return updates[0]


def count(body: Any) -> tuple[int, int]:
    """Count messages and statuses that have a name: the parser's result, done again in a few lines."""
    values = [change.get("value") for entry in _objects(body, "entry") for change in _objects(entry, "changes")]
    messages = [one for value in values for one in _objects(value, "messages") if _has(one, "id")]
    statuses = [
        one for value in values for one in _objects(value, "statuses") if _has(one, "id") and _has(one, "status")
    ]
    return len(messages), len(statuses)


def _objects(value: Any, key: str) -> list[dict[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _has(one: dict[str, Any], key: str) -> bool:
    return type(one.get(key)) in (str, int, float) and str(one[key]).strip() != ""


def counted(updates: list[Any]) -> tuple[int, int]:
    """Count the messages and statuses among updates."""
    return sum(isinstance(one, Message) for one in updates), sum(isinstance(one, Status) for one in updates)


def mutations(body: Any) -> Iterator[Any]:
    """Yield the body with one thing wrong at a time: dropped, null, of another type, doubled, unstorable."""
    for path in _paths(body):
        key = path[-1]
        for damage in ("drop", "null", "type", "double", "wrap", "unstorable"):
            damaged = copy.deepcopy(body)
            place = damaged
            for step in path[:-1]:
                place = place[step]
            if damage == "drop":
                del place[key]
            elif damage == "double":
                if not isinstance(place, list):
                    continue
                place.insert(key, copy.deepcopy(place[key]))
            else:
                place[key] = {"null": None, "type": _other(place[key]), "wrap": [place[key]],
                              "unstorable": "\x00\ud800\u202e"}[damage]  # fmt: skip
            yield damaged


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _other(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else 7
    return "text" if isinstance(value, dict | list | bool) or value is None else str(value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_sample_and_every_mutation_of_it_gives_all_its_messages_and_statuses(path: Path) -> None:
    raw = path.read_bytes()
    body = json.loads(raw)
    assert counted(parse(raw)) == count(body)
    for damaged in mutations(body):
        updates = parse(json.dumps(damaged).encode())
        assert counted(updates) == count(damaged)
        assert all(str(update).encode() and "\x00" not in str(update) for update in updates)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["entry", "changes", "value", "messages", "statuses", "contacts", "id", "type", "text", "from",
                         "interactive", "errors", "field", "timestamp", "metadata", "profile", "context", "pricing"]),
        inner, max_size=6),
    max_leaves=40,
)  # fmt: skip


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_json_of_any_shape_gives_a_list(body: Any) -> None:
    wrapped = {"entry": [{"changes": [{"value": body}]}]}
    for one in (body, wrapped, {"entry": [{"changes": [{"value": {"messages": [body], "statuses": [body]}}]}]}):
        assert isinstance(parse(json.dumps(one).encode()), list)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe\xfd", b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000])
def test_bytes_that_are_no_json_are_named_so(raw: bytes) -> None:
    with pytest.raises(NotJson):
        parse(raw)


def with_text(text: str) -> str:
    message = f'{{"id":"wamid.1","type":"text","from":"919000012345","text":{{"body":{text}}}}}'
    return f'{{"entry":[{{"changes":[{{"value":{{"messages":[{message}],"odd":%s}}}}]}}]}}'


@pytest.mark.parametrize("odd", ["NaN", "1e999", "9" * 5000, '"\\ud800"', "[" * 900 + "]" * 900, '{"a":1,"a":2}'])
def test_an_odd_value_costs_nothing_but_itself(odd: str) -> None:
    assert [update.text for update in parse((with_text('"haan"') % odd).encode())] == ["haan"]  # type: ignore[union-attr]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings_of_json_are_read(encoding: str) -> None:
    assert len(parse((with_text('"ठीक है"') % 0).encode(encoding))) == 1


def test_a_batch_gives_every_update_with_its_own_author_and_number() -> None:
    updates = parse((FOLDER / "batch_mixed.json").read_bytes())
    messages = [update for update in updates if isinstance(update, Message)]
    assert [(one.text, one.author.name, one.phone_number_id) for one in messages] == [
        ("pehla", "Asha Verma", "100200300400500"),
        ("doosra", "Ravi", "100200300400500"),
        ("teesra", "Asha Verma", "100200300400600"),
    ]
    assert [update.status for update in updates if isinstance(update, Status)] == ["sent", "delivered", "read"]
    assert [update.errors for update in updates if isinstance(update, AccountEvent)] == [(131000,)]


def test_a_thousand_updates_in_one_body_all_come_out() -> None:
    body = json.loads((FOLDER / "text.json").read_bytes())
    value = body["entry"][0]["changes"][0]["value"]
    value["messages"] = [value["messages"][0] | {"id": f"wamid.{n}"} for n in range(600)]
    value["statuses"] = [{"id": f"wamid.{n}", "status": "sent"} for n in range(400)]
    updates = parse(json.dumps(body).encode())
    assert counted(updates) == (600, 400)
    assert len({update.key for update in updates if isinstance(update, Message | Status)}) == 1000


def test_a_text_has_its_author_its_time_and_its_words() -> None:
    message = only("text")
    assert (message.kind, message.text, message.author) == ("text", "haan bhej do", ASHA)
    assert message.at == datetime.fromtimestamp(1795000000, UTC)
    assert message.key == f"msg:100200300400500:{message.id}"


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("text_phone_withheld", RAVI),
        ("text_before_user_ids", Author("919000012345", name="Asha Verma")),
        ("text_user_id_in_from", RAVI),
        ("text_without_contacts", Author("919000012345", "IN.20417736650912348871")),
        ("text_contact_without_profile", Author("919000012345", "IN.20417736650912348871")),
    ],
)
def test_an_author_is_known_by_whatever_ids_there_are(name: str, author: Author) -> None:
    assert only(name).author == author


@pytest.mark.parametrize("name", ["text_milliseconds", "text_timestamp_as_number"])
def test_milliseconds_and_numbers_are_times_too(name: str) -> None:
    assert int(only(name).at.timestamp()) == 1795000000


def test_what_no_database_stores_is_taken_out_of_a_text() -> None:
    assert only("text_unstorable").text == "ab c\u202ed\ufeff"


def test_a_tap_has_our_payload_the_title_and_the_message_it_answers() -> None:
    assert only("tap_template").tap == Tap("81.1.yes.5f3a9c", "Confirm order")
    assert only("tap_template").quoted == OUR_WAMID
    assert only("tap_button").tap == Tap("81.2.change.77ab01", "Change address")
    assert only("pick_row").tap == Tap("81.3.evening.90cc12", "Evening", "5 pm to 8 pm")
    assert only("pick_row").text == "Evening"


def test_a_tap_without_payload_has_its_title_for_one() -> None:
    assert only("tap_template_without_payload").tap == Tap("Confirm order", "Confirm order")


def test_an_address_form_gives_its_values() -> None:
    form = only("form_address").form
    assert (form.name, form.saved_address_id) == ("address_message", "address1")
    assert (form.values["in_pin_code"], form.values["address"], form.values["floor_number"]) == (
        "411045", "Neem Lane", "")  # fmt: skip


def test_a_flow_gives_its_token_and_plain_values() -> None:
    form = only("form_flow").form
    assert (form.name, form.token, form.values["rating"]) == ("flow", "81.4.rate.aa11", "5")
    assert only("form_unreadable").form.values == {}


def test_a_pin_has_degrees_and_an_impossible_one_is_none() -> None:
    pin = only("location").location
    assert (pin.latitude, pin.longitude, pin.name) == (18.559, 73.7868, "Neem Lane")
    assert only("location_impossible").kind == "unsupported"


def test_a_phone_number_shared_on_request_is_told_from_a_card_of_somebody_else() -> None:
    (card,) = only("contact_shared_on_request").cards
    assert (card.requested, card.wa_ids, card.phones[0]) == (True, ("919000054321",), "919000054321")
    (other,) = only("contact_of_somebody").cards
    assert (other.requested, other.phones, other.name) == (False, ("090000 11111",), "Papa")


def test_files_have_id_type_and_caption() -> None:
    assert (only("image").text, only("image").media.id) == ("gali ka board", "1320456789012345")
    assert only("image_not_fetched").errors == (131052,)
    assert (only("voice_note").kind, only("voice_note").media.voice) == ("audio", True)
    assert (only("voice_note_old").kind, only("voice_note_old").media.voice) == ("audio", True)
    assert only("document").media.filename == "bijli bill.pdf"
    assert only("sticker").media.animated


def test_a_reaction_without_emoji_is_taken_back() -> None:
    assert only("reaction").reaction.emoji == "👍"
    assert only("reaction_taken_back").reaction.emoji == ""
    assert only("reaction").reaction.target == OUR_WAMID


def test_an_edit_and_a_revoke_name_the_message_they_are_about() -> None:
    assert (only("edit").kind, only("edit").text) == ("edit", "Flat 12, not 21")
    assert only("edit").target == only("revoke").target == "wamid.HBgMOTE5MDAwMDEyMzQ1FQIAEhgUM0E5OTk5OTkA"


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("unsupported", "poll_creation"),
        ("type_of_the_future", "hologram"),
        ("interactive_without_node", "interactive"),
        ("payment_method_chosen", "interactive.payment_method"),
    ],
)
def test_what_we_cannot_use_keeps_its_name(name: str, type_: str) -> None:
    assert (only(name).kind, only(name).type) == ("unsupported", type_)


@pytest.mark.parametrize("name", ["system_number_changed", "system_number_changed_old_spelling"])
def test_a_new_number_is_a_change_of_identity(name: str) -> None:
    change = only(name).change
    assert (change.before.wa_id, change.after.wa_id) == ("919000012345", "919000099999")


def test_a_new_user_id_is_a_change_of_identity() -> None:
    for change in (only("system_user_id_changed").change, only("user_id_update")):
        assert isinstance(change, IdentityChange)
        assert (change.before.bsuid, change.after.bsuid) == ("IN.20417736650912348871", "IN.90000000000000000002")
        assert change.before.wa_id == change.after.wa_id == "919000012345"


def test_what_meta_copies_from_the_past_is_not_live() -> None:
    assert not only("history_of_the_past").live
    assert only("image").live


def test_a_status_has_our_name_for_the_message_and_what_it_costs() -> None:
    status = only("status_sent")
    assert (status.status, status.opaque, status.category, status.billable) == (
        "sent",
        "o:8812:5f3a9c01",
        "utility",
        True,
    )
    assert only("status_delivered_teaches_the_pair").recipient == ASHA
    assert only("status_delivered_phone_withheld").recipient == RAVI
    assert only("status_free_entry_point").free_until == datetime.fromtimestamp(1795259200, UTC)


def test_a_failure_has_its_code_with_or_without_contacts() -> None:
    assert only("status_failed").code == 131026
    assert only("status_failed_form_unknown_to_phone").code == 1026
    assert only("status_sent").code is None


def test_a_status_of_a_group_is_one_for_each_participant() -> None:
    status = only("status_in_group")
    assert status.recipient.wa_id == "919000012345"
    assert status.key.endswith(":read:919000012345")
    assert only("status_read_old").key.endswith(":read")


def test_a_status_of_a_payment_is_told_from_one_of_a_message() -> None:
    assert only("status_of_payment").type == "payment"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("template_approved", {"status": "APPROVED", "reason": "", "language": "en"}),
        ("template_rejected", {"status": "REJECTED", "reason": "INVALID_FORMAT", "language": "hi"}),
        ("template_paused", {"status": "PAUSED", "reason": "FIRST_PAUSE", "language": "en_US"}),
        ("template_quality_under_wrong_field", {"status": "", "quality": "YELLOW"}),
        ("template_becomes_marketing_soon", {"category": "UTILITY", "coming_category": "MARKETING"}),
        ("template_became_marketing", {"category": "MARKETING", "coming_category": ""}),
    ],
)
def test_news_of_a_template_is_read_by_its_content(name: str, expected: dict[str, str]) -> None:
    event = only(name)
    assert isinstance(event, TemplateEvent)
    assert event.name == "order_confirmation"
    assert {key: getattr(event, key) for key in expected} == expected


def test_news_of_the_account_say_whether_sending_must_stop() -> None:
    stopping = {"account_restricted", "account_disabled"}
    for name in (
        *stopping,
        "account_violation",
        "account_review",
        "account_limit",
        "number_faster",
        "field_inside_value",
    ):
        assert isinstance(only(name), AccountEvent)
        assert only(name).stops_sending == (name in stopping), name
    assert only("account_restricted").restrictions[0].until == datetime.fromtimestamp(1795600000, UTC)
    assert (only("number_faster").event, only("number_faster").phone) == ("THROUGHPUT_UPGRADE", "911155500100")
    assert only("account_limit").limit == "2000"
    assert only("errors_without_message").errors == (130429,)


def test_a_wish_to_stop_has_its_author_even_without_a_phone_number() -> None:
    stop, resume = only("preference_stop"), only("preference_resume")
    assert isinstance(stop, Preference)
    assert (stop.author, stop.value, resume.value, resume.author) == (RAVI, "stop", "resume", ASHA)
    assert stop.key != resume.key


@pytest.mark.parametrize("name", ["message_without_id", "status_without_id", "field_of_the_future"])
def test_what_cannot_be_named_is_unknown_and_not_lost(name: str) -> None:
    assert isinstance(only(name), Unknown)


def test_an_envelope_without_object_is_read_and_an_empty_one_is_empty() -> None:
    assert only("object_missing").text == "still read"
    assert (
        parse((FOLDER / "entry_empty.json").read_bytes()) == parse((FOLDER / "changes_empty.json").read_bytes()) == []
    )
