"""Take apart what Meta posted: every update of every batch, whatever is missing (pure).

Since usernames exist no id is certain, batches mix everything, and Meta's own samples have fields in the wrong
place: nothing here is taken for granted, and JSON of any shape gives a list.
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from bot.whatsapp.updates import (
    AccountEvent,
    Author,
    Card,
    Form,
    IdentityChange,
    Kind,
    Location,
    Media,
    Message,
    Preference,
    Reaction,
    Referral,
    Restriction,
    Status,
    Tap,
    TemplateEvent,
    Unknown,
    Update,
)
from bot.whatsapp.values import (
    Object,
    bsuid_of,
    codes_of,
    degrees_of,
    details_of,
    moment_of,
    object_of,
    objects_of,
    phone_of,
    text_of,
    word_of,
)

MEDIA_KINDS: dict[str, Kind] = {
    "image": "image", "video": "video", "audio": "audio", "voice": "audio", "document": "document",
    "sticker": "sticker",
}  # fmt: skip
ACCOUNT_FIELDS = frozenset({
    "account_update", "account_review_update", "account_alerts", "business_capability_update", "security",
    "phone_number_quality_update", "phone_number_name_update", "business_username_updates",
    "payment_configuration_update",
})  # fmt: skip


class NotJson(ValueError):
    """The bytes are no JSON that a computer of ordinary size can read."""


def parse(raw: bytes) -> list[Update]:
    """Return every update in `raw`, in the order in which they stand there.

    Each element of `messages` and of `statuses` gives exactly one update. Raises NotJson for bytes that are not
    JSON, and nothing for JSON of any shape.
    """
    found: list[Update] = []
    body = _read(raw)
    for entry in objects_of(object_of(body).get("entry")):
        for change in objects_of(entry.get("changes")):
            found.extend(_change(entry, change))
    return found


def _read(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        # Python's own reader takes what orjson refuses: lone surrogates, NaN, a byte order mark, UTF-16.
        # A number of thousands of digits is nobody's id, and must not cost the batch it stands in.
        return json.loads(raw, parse_int=lambda digits: int(digits) if len(digits) < 40 else 0)
    except (ValueError, RecursionError) as error:
        raise NotJson(type(error).__name__) from None


def _change(entry: Object, change: Object) -> Iterator[Update]:
    value = object_of(change.get("value"))
    # One of Meta's own samples has the field inside the value.
    field = word_of(change.get("field")) or word_of(value.get("field"))
    number = word_of(object_of(value.get("metadata")).get("phone_number_id"))
    account, at = word_of(entry.get("id")), moment_of(entry.get("time"))
    people = _people(value)
    messages, statuses = objects_of(value.get("messages")), objects_of(value.get("statuses"))
    wishes, moves = objects_of(value.get("user_preferences")), objects_of(value.get("user_id_update"))
    for message in messages:
        yield _message(message, number, people, live=field != "history")
    for status in statuses:
        yield _status(status, number, people)
    for wish in wishes:
        yield _preference(wish, number, people)
    for moved in moves:
        yield _moved(moved, number, people)
    codes = codes_of(value.get("errors"))
    if codes:
        yield AccountEvent(account, "errors", phone_number_id=number, at=at, errors=codes)
    elif word_of(value.get("message_template_name")):
        yield _template(value, account, at)
    elif field in ACCOUNT_FIELDS or (not field and word_of(value.get("event"))):
        yield _account(value, field or "account_update", account, at)
    elif not (messages or statuses or wishes or moves):
        yield Unknown(field or "change without field", number)


def _message(message: Object, number: str, people: dict[str, Author], live: bool) -> Update:
    given = word_of(message.get("type"))
    wamid = word_of(message.get("id"))
    if not wamid:
        return Unknown(f"message of type {given or 'none'} without id", number)
    context = object_of(message.get("context"))
    author = _author(message, people)
    at = moment_of(message.get("timestamp"))
    referral = object_of(message.get("referral"))
    common: Object = {
        "phone_number_id": number, "id": wamid, "author": author, "at": at, "live": live, "type": given,
        "quoted": word_of(context.get("id")) or None,
        "forwarded": bool(context.get("forwarded") or context.get("frequently_forwarded")),
        "referral": _referral(referral) if referral else None,
        "group_id": word_of(message.get("group_id")) or None,
        "errors": codes_of(message.get("errors")),
    }  # fmt: skip
    return Message(**(common | _content(given, message, author, at, number)))


def _content(given: str, message: Object, author: Author, at: datetime | None, number: str) -> Object:
    """Return what is particular to a type of message; a node that is missing makes it unsupported."""
    node = object_of(message.get(given))
    if given == "text" and isinstance(node.get("body"), str):
        return {"kind": "text", "text": text_of(node["body"])}
    if given == "button" and node:
        title = text_of(node.get("text"))
        return {"kind": "tap", "text": title, "tap": Tap(word_of(node.get("payload")) or title, title)}
    if given == "interactive":
        return _interactive(node)
    if given in MEDIA_KINDS:
        return _media(given, node)
    if given == "location":
        return _location(node)
    if given == "contacts":
        return {"kind": "contacts", "cards": tuple(_card(card) for card in objects_of(message.get("contacts")))}
    if given == "reaction" and word_of(node.get("message_id")):
        return {"kind": "reaction", "reaction": Reaction(text_of(node.get("emoji")), word_of(node["message_id"]))}
    if given == "order" and node:
        return {"kind": "order", "text": text_of(node.get("text"))}
    if given in ("edit", "revoke") and word_of(node.get("original_message_id")):
        edited = object_of(node.get("message"))
        words = object_of(edited.get(word_of(edited.get("type"))))
        return {"kind": given, "target": word_of(node["original_message_id"]),
                "text": text_of(words.get("body")) or text_of(words.get("caption"))}  # fmt: skip
    if given == "system" and node:
        return {"kind": "system", "type": word_of(node.get("type")) or "system",
                "change": _system_change(node, author, at, number)}  # fmt: skip
    inner = word_of(node.get("type")) if given == "unsupported" else ""
    return {"kind": "unsupported", "type": inner or given or "none"}


def _interactive(node: Object) -> Object:
    given = word_of(node.get("type"))
    answer = object_of(node.get(given))
    type_ = f"interactive.{given}" if given else "interactive"
    if given in ("button_reply", "list_reply") and answer:
        title = text_of(answer.get("title"))
        tap = Tap(word_of(answer.get("id")) or title, title, text_of(answer.get("description")))
        return {"kind": "tap", "type": type_, "text": title, "tap": tap}
    if given == "nfm_reply" and answer:
        return {"kind": "form", "type": type_, "text": text_of(answer.get("body")), "form": _form(answer)}
    return {"kind": "unsupported", "type": type_}


def _form(answer: Object) -> Form:
    response = answer.get("response_json")
    if isinstance(response, str):
        try:
            response = _read(response.encode("utf-8", "replace"))
        except NotJson:
            response = None
    fields = object_of(response)
    values = object_of(fields.get("values")) or fields
    plain = {text_of(name): text_of(value) for name, value in values.items() if isinstance(value, str | int | float)}
    return Form(word_of(answer.get("name")) or "flow", plain, word_of(fields.get("saved_address_id")),
                word_of(fields.get("flow_token")))  # fmt: skip


def _media(given: str, node: Object) -> Object:
    media_id = word_of(node.get("id"))
    if not media_id:
        return {"kind": "unsupported"}
    media = Media(
        media_id,
        mime=word_of(node.get("mime_type")),
        sha256=word_of(node.get("sha256")),
        filename=text_of(node.get("filename")),
        voice=given == "voice" or node.get("voice") is True,
        animated=node.get("animated") is True,
    )
    return {"kind": MEDIA_KINDS[given], "media": media, "text": text_of(node.get("caption"))}


def _location(node: Object) -> Object:
    latitude, longitude = degrees_of(node.get("latitude"), 90), degrees_of(node.get("longitude"), 180)
    if latitude is None or longitude is None:
        return {"kind": "unsupported"}
    place = Location(latitude, longitude, text_of(node.get("name")), text_of(node.get("address")))
    return {"kind": "location", "location": place}


def _card(card: Object) -> Card:
    phones = objects_of(card.get("phones"))
    wa_ids = tuple(digits for phone in phones if (digits := phone_of(phone.get("wa_id"))))
    written = tuple(number for phone in phones if (number := text_of(phone.get("phone"))))
    name = text_of(object_of(card.get("name")).get("formatted_name"))
    return Card(name, (*wa_ids, *written), wa_ids, card.get("origin") == "contact_request")


def _referral(node: Object) -> Referral:
    return Referral(word_of(node.get("source_type")), word_of(node.get("source_id")), word_of(node.get("source_url")),
                    word_of(node.get("ctwa_clid")))  # fmt: skip


def _system_change(node: Object, author: Author, at: datetime | None, number: str) -> IdentityChange:
    # Older payloads spell it new_wa_id.
    wa_id = phone_of(node.get("wa_id")) or phone_of(node.get("new_wa_id"))
    after = Author(wa_id or author.wa_id, bsuid_of(node.get("user_id")) or author.bsuid, name=author.name)
    return IdentityChange(number, author, after, at, word_of(node.get("type")) or "system")


def _preference(wish: Object, number: str, people: dict[str, Author]) -> Preference:
    category, value = word_of(wish.get("category")), word_of(wish.get("value"))
    return Preference(number, _author(wish, people), category, value, moment_of(wish.get("timestamp")))


def _moved(moved: Object, number: str, people: dict[str, Author]) -> IdentityChange:
    ids = object_of(moved.get("user_id"))
    wa_id = phone_of(moved.get("wa_id"))
    name = people[wa_id].name if wa_id in people else None
    before = Author(wa_id, bsuid_of(ids.get("previous")), name=name)
    after = Author(wa_id, bsuid_of(ids.get("current")), name=name)
    return IdentityChange(number, before, after, moment_of(moved.get("timestamp")), "user_id_update")


def _status(status: Object, number: str, people: dict[str, Author]) -> Update:
    wamid, given = word_of(status.get("id")), word_of(status.get("status"))
    if not wamid or not given:
        return Unknown("status without id or status", number, wamid)
    pricing, conversation = object_of(status.get("pricing")), object_of(status.get("conversation"))
    free = word_of(object_of(conversation.get("origin")).get("type")) == "referral_conversion"
    billable = pricing.get("billable")
    return Status(
        number,
        wamid,
        given,
        _recipient(status, people),
        moment_of(status.get("timestamp")),
        opaque=text_of(status.get("biz_opaque_callback_data")),
        errors=codes_of(status.get("errors")),
        details=details_of(status.get("errors")),
        category=word_of(pricing.get("category")),
        pricing=word_of(pricing.get("type")),
        billable=billable if isinstance(billable, bool) else None,
        free_until=moment_of(conversation.get("expiration_timestamp")) if free else None,
        type=word_of(status.get("type")) or "message",
        in_group=status.get("recipient_type") == "group",
    )


def _recipient(status: Object, people: dict[str, Author]) -> Author:
    """Return whom a status is about; in a group that is the participant."""
    if status.get("recipient_type") == "group":
        # Meta's pages have the participant's number under both spellings.
        wa_id = status.get("recipient_participant_id") or status.get("participant_recipient_id")
        return _person(wa_id, status.get("recipient_participant_user_id"), None, people)
    parent = status.get("recipient_parent_user_id") or status.get("parent_recipient_user_id")
    return _person(status.get("recipient_id"), status.get("recipient_user_id"), parent, people)


def _template(value: Object, account: str, at: datetime | None) -> TemplateEvent:
    other, rejection = object_of(value.get("other_info")), object_of(value.get("rejection_info"))
    reason = word_of(value.get("reason"))
    category, correct = word_of(value.get("new_category")), word_of(value.get("correct_category"))
    return TemplateEvent(
        account,
        word_of(value.get("message_template_id")),
        word_of(value.get("message_template_name")),
        # The same template comes as en-US and as en_US.
        word_of(value.get("message_template_language")).replace("-", "_"),
        at,
        status=word_of(value.get("event")).upper(),
        reason=word_of(other.get("title")) or (reason if reason != "NONE" else "") or word_of(rejection.get("reason")),
        quality=word_of(value.get("new_quality_score")).upper(),
        category=(category or word_of(value.get("message_template_category"))).upper(),
        coming_category=correct.upper(),
        coming_at=moment_of(value.get("category_update_timestamp")) if correct else None,
    )


def _account(value: Object, field: str, account: str, at: datetime | None) -> AccountEvent:
    happened = value.get("event") or value.get("decision") or value.get("status")
    alert = object_of(value.get("alert_info"))
    limit = value.get("max_daily_conversations_per_business") or value.get("max_daily_conversation_per_phone")
    restrictions = tuple(
        Restriction(word_of(one.get("restriction_type")), moment_of(one.get("expiration")))
        for one in objects_of(value.get("restriction_info"))
    )
    return AccountEvent(
        account,
        field,
        word_of(happened) or word_of(alert.get("alert_type")),
        phone_of(value.get("phone_number")) or phone_of(value.get("display_phone_number")) or "",
        at=at,
        restrictions=restrictions,
        violation=word_of(object_of(value.get("violation_info")).get("violation_type")),
        ban=word_of(object_of(value.get("ban_info")).get("waba_ban_state")),
        limit=word_of(limit) or word_of(value.get("current_limit")),
    )


def _people(value: Object) -> dict[str, Author]:
    """Return the contacts of a change under each of their ids; an index would mix up the people of a batch."""
    people: dict[str, Author] = {}
    for contact in objects_of(value.get("contacts")):
        profile = object_of(contact.get("profile"))
        person = Author(
            phone_of(contact.get("wa_id")),
            bsuid_of(contact.get("user_id")),
            bsuid_of(contact.get("parent_user_id")),
            text_of(profile.get("username")) or None,
            text_of(profile.get("name")) or None,
        )
        people.update({name: person for name in (person.wa_id, person.bsuid) if name})
    return people


def _author(node: Object, people: dict[str, Author]) -> Author:
    """Return who wrote a message or made a wish."""
    wa_id = node.get("from") or node.get("wa_id")
    # Some have seen a user id where the phone number belongs.
    bsuid = bsuid_of(node.get("from_user_id")) or bsuid_of(node.get("user_id")) or bsuid_of(wa_id)
    return _person(wa_id, bsuid, node.get("from_parent_user_id"), people)


def _person(wa_id: Any, bsuid: Any, parent: Any, people: dict[str, Author]) -> Author:
    phone, user = phone_of(wa_id), bsuid_of(bsuid)
    known = people.get(phone or "") or people.get(user or "") or Author()
    if user and known.bsuid and user != known.bsuid:
        # The card that has the phone number has another user id: the message itself knows better.
        known = people.get(user) or Author()
    return Author(phone or known.wa_id, user or known.bsuid, bsuid_of(parent) or known.parent_bsuid, known.username,
                  known.name)  # fmt: skip
