"""How a chat looks on the phone, as JSON: the page draws it, simulated shoppers read it.

Only what a person can see: titles of buttons but no ids, and none of the business's own data.
"""

from __future__ import annotations

from typing import Any

from bot.simulator.state import Incoming, Outgoing, World

Json = dict[str, Any]
ON_PHONE = ("delivered", "read", "played")


def chat(world: World, number: str, wa_id: str, everything: bool = False) -> list[Json]:
    """Return the messages of a chat, oldest first; `everything` adds what has not reached the phone."""
    messages = []
    for wamid in world.chats.get((number, wa_id), []):
        message = message_view(world, wamid)
        if message and (everything or message["shown"]):
            messages.append(message)
    return messages


def message_view(world: World, wamid: str) -> Json | None:
    """Return one message as the phone shows it."""
    if (out := world.outgoing.get(wamid)) is not None:
        return _outgoing(world, out)
    if (message := world.incoming.get(wamid)) is not None:
        return _incoming(world, message)
    return None


def _media(world: World, kind: str, node: Json) -> Json:
    stored = world.media.get(str(node.get("id")))
    url = f"/sim/media/{stored.id}" if stored else str(node.get("link") or "")
    return {"kind": kind, "url": url, "mime": stored.mime if stored else "", "filename": node.get("filename") or "",
            "voice": bool(node.get("voice"))}  # fmt: skip


def _outgoing(world: World, out: Outgoing) -> Json:
    view: Json = {"wamid": out.wamid, "from": "business", "at": out.at, "type": out.kind, "status": out.status,
                  "shown": out.status in ON_PHONE and out.kind != "reaction", "reaction": out.reaction}  # fmt: skip
    if out.error:
        view["error"] = {"code": out.error["code"], "title": out.error["title"],
                         "details": out.error["error_data"]["details"]}  # fmt: skip
    if out.context:
        view["quotes"] = out.context
    node = out.body.get(out.kind)
    if out.kind == "template":
        shown = out.shown or {}
        view |= {key: shown[key] for key in ("header", "text", "footer") if shown.get(key)}
        if "media" in shown:
            view["media"] = _media(world, shown["media"]["type"], shown["media"])
        view["buttons"] = [{"title": b["title"], "kind": b["kind"], **({"url": b["url"]} if "url" in b else {})}
                           for b in shown.get("buttons", [])]  # fmt: skip
    elif out.kind == "interactive" and isinstance(node, dict):
        _interactive(world, node, view)
    else:
        _plain(world, out.kind, node, view)
    return view


def _interactive(world: World, node: Json, view: Json) -> None:
    view["interactive"] = node["type"]
    header = node.get("header") or {}
    if header.get("type") == "text":
        view["header"] = header["text"]
    elif header:
        view["media"] = _media(world, header["type"], header[header["type"]])
    view["text"] = (node.get("body") or {}).get("text", "")
    if node.get("footer"):
        view["footer"] = node["footer"]["text"]
    action = node["action"]
    if node["type"] == "button":
        view["buttons"] = [{"title": b["reply"]["title"], "kind": "quick_reply"} for b in action["buttons"]]
    elif node["type"] == "list":
        view["list"] = {
            "button": action["button"],
            "sections": [
                {"title": s.get("title", ""),
                 "rows": [{"title": r["title"], "description": r.get("description", "")} for r in s["rows"]]}
                for s in action["sections"]
            ],
        }  # fmt: skip
    elif node["type"] == "cta_url":
        parameters = action["parameters"]
        view["buttons"] = [{"title": parameters["display_text"], "kind": "url", "url": parameters["url"]}]
    elif node["type"] == "location_request_message":
        view["buttons"] = [{"title": "Send location", "kind": "location"}]
    elif node["type"] == "address_message":
        view["buttons"] = [{"title": "Provide address", "kind": "address"}]
        view["form"] = {
            key: action["parameters"].get(key) for key in ("values", "saved_addresses", "validation_errors")
        }
    elif node["type"] == "flow":
        view["buttons"] = [{"title": action["parameters"]["flow_cta"], "kind": "flow"}]
    elif node["type"] == "request_contact_info":
        view["buttons"] = [{"title": "Share phone number", "kind": "share_phone"}]


def _plain(world: World, kind: str, node: Any, view: Json) -> None:
    if kind == "text":
        view["text"] = node["body"]
    elif kind in ("image", "video", "audio", "document", "sticker"):
        view["media"] = _media(world, kind, node)
        if node.get("caption"):
            view["text"] = node["caption"]
    elif kind == "location":
        view["location"] = {key: node.get(key) for key in ("latitude", "longitude", "name", "address")}
    elif kind == "contacts":
        view["contacts"] = [
            {"name": (c.get("name") or {}).get("formatted_name", ""),
             "phone": next((p.get("phone", "") for p in c.get("phones") or []), "")}
            for c in node if isinstance(c, dict)
        ]  # fmt: skip


def _incoming(world: World, message: Incoming) -> Json:
    view: Json = {"wamid": message.wamid, "from": "shopper", "at": message.at, "type": message.kind,
                  "status": message.status, "shown": True, "reaction": message.reaction}  # fmt: skip
    if message.context:
        view["quotes"] = message.context
    node = message.node.get(message.kind)
    if message.kind == "button" and isinstance(node, dict):
        view["text"] = node["text"]
    elif message.kind == "interactive" and isinstance(node, dict):
        reply = node.get(node.get("type", ""), {})
        view["text"] = reply.get("title") or reply.get("body") or ""
        if reply.get("description"):
            view["footer"] = reply["description"]
    elif message.kind == "edit" and isinstance(node, dict):
        view["text"] = node["message"]["text"]["body"]
        view["note"] = "edited"
    elif message.kind == "system" and isinstance(node, dict):
        view["text"] = node.get("body", "")
    elif message.kind in ("revoke", "unsupported", "order"):
        view["note"] = {"revoke": "You deleted a message", "unsupported": "A message this business cannot read",
                        "order": "Order from the catalogue"}[message.kind]  # fmt: skip
    elif isinstance(node, dict | list):
        try:
            _plain(world, message.kind, node, view)
        except (KeyError, TypeError, AttributeError):  # a raw node may have any shape
            view["note"] = message.kind
    return view
