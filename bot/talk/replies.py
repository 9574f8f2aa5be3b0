"""Turn what a phone sent into what the engine knows as a reply; words are understood later (`bot.talk.hearing`)."""

from typing import Any

import phonenumbers

from bot import engine
from bot.models import Message


def reply_of(said: dict[str, Any], quoted: Message | None, region: str | None) -> engine.Replied:
    """Return a message that is no tap as a reply; `region` says where a number without a country code belongs."""
    kind, text = said["kind"], said["text"]
    if kind == "text":
        return engine.Replied(text=text)
    if kind == "location" and said["location"]:
        place = said["location"]
        return engine.Replied(
            location=engine.Location(place["latitude"], place["longitude"], place["name"], place["address"])
        )
    if kind == "contacts" and said["cards"]:
        card = said["cards"][0]
        return engine.Replied(contact=engine.Contact(card["name"], _e164(card, region)))
    if kind == "form" and said["form"]:
        return engine.Replied(form=said["form"]["values"], text=text)
    if kind == "reaction":
        emoji = (said["reaction"] or {}).get("emoji", "")
        turn = quoted.turn if quoted is not None else None
        return engine.Replied(media=engine.Media("reaction", emoji=emoji, turn=turn))
    named = {"edit": "edited", "revoke": "deleted", "unsupported": "unknown"}.get(kind, kind)
    media = said["media"] or {}
    return engine.Replied(media=engine.Media(named, id=media.get("id", ""), caption=text), text=text)


def _e164(card: dict[str, Any], region: str | None) -> str:
    for number in (*(f"+{wa_id}" for wa_id in card["wa_ids"]), *card["phones"]):
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return ""


def understood(reply: engine.Replied) -> list[dict[str, Any]]:
    """Return what was understood as plain values, for the transcript."""
    return [{"kind": act.kind, "slots": dict(act.slots), "confidence": act.confidence} for act in reply.acts]
