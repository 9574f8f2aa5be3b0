"""What happens to a message after it was accepted: its fate, its statuses in time, and its price."""

from __future__ import annotations

import time
from dataclasses import astuple
from typing import Any

from bot.simulator.clock import Timetable
from bot.simulator.draws import calling_code, unit
from bot.simulator.errors import failure
from bot.simulator.faults import Faults
from bot.simulator.limits import DAY
from bot.simulator.postman import Postman
from bot.simulator.state import Outgoing, Shopper, World
from bot.simulator.webhook import Update

Json = dict[str, Any]
RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4}


class Network:
    """Move accepted messages towards the shoppers' phones. Every method expects the caller to hold the lock."""

    def __init__(self, world: World, timetable: Timetable, postman: Postman, faults: Faults) -> None:
        self.world, self.timetable, self.postman, self.faults = world, timetable, postman, faults
        self._last_due: dict[tuple[str, str], float] = {}

    def forget(self) -> None:
        """Forget when the last message reached each phone."""
        self._last_due.clear()

    def window_open(self, number: str, wa_id: str, now: float) -> bool:
        """Say whether free-form messages reach this shopper."""
        last = self.world.windows.get((number, wa_id))
        return (last is not None and now - last < DAY) or self.in_free_entry(number, wa_id, now)

    def in_free_entry(self, number: str, wa_id: str, now: float) -> bool:
        """Say whether the shopper came from an advertisement less than three days ago."""
        return now < self.world.free_entry.get((number, wa_id), 0.0)

    def accepted(self, out: Outgoing, shopper: Shopper, at_once: bool = False, code: int = 0) -> None:
        """Plan the first status of a message that was just accepted; `code` says that it cannot be sent."""
        world, now = self.world, out.at
        token = world.draws.token("status", out.wamid)
        scale = world.settings.status_scale
        code = code or self._fate(out, shopper, now, unit(token, 7))
        if code:
            delay = 0.5 + 4.5 * unit(token, 0)
            self.timetable.at(now + delay * scale, "status", [out.wamid, "failed", code])
        elif at_once:
            self.status(out.wamid, "sent")
        else:
            self.timetable.at(now + (0.2 + 0.8 * unit(token, 1)) * scale, "status", [out.wamid, "sent", 0])

    def _fate(self, out: Outgoing, shopper: Shopper, now: float, draw: float) -> int:
        settings = self.world.settings
        if self.world.wabas[self.world.numbers[out.number].waba].payment_missing:
            return 131042
        if not shopper.on_whatsapp:
            return 131026
        if out.number in shopper.blocked_by:
            return 130403
        if out.kind != "template" and not self.window_open(out.number, out.wa_id, now):
            return 131047
        if out.category == "marketing":
            if shopper.stopped_marketing:
                return 131050
            if calling_code(out.wa_id) == "1" or draw < settings.marketing_cap:
                return 131049
        if shopper.blocked_business and settings.blocked_effect == "failed":
            return 131026
        node = out.body.get("interactive")
        form = isinstance(node, dict) and node.get("type") == "address_message"
        return 1026 if form and not (out.wa_id.startswith("91") and shopper.supports_address) else 0

    def status(self, wamid: str, name: str, code: int = 0) -> None:
        """Let a message reach a status now, tell the business, and plan the next one."""
        world = self.world
        out = world.outgoing.get(wamid)
        if out is None or out.status == "failed" or RANK.get(name, 9) <= RANK.get(out.status, 9):
            return
        shopper, now = world.shoppers[out.wa_id], world.clock.now()
        if name in ("delivered", "read") and now > out.at + out.ttl:
            return  # the platform says nothing about a message that expired
        out.status = name
        out.history.append((name, now))
        if name == "failed":
            out.error = failure(code)
        if name == "sent":
            out.pricing = self._price(out, now)
            self._plan_delivery(out, shopper, now)
        elif name == "delivered":
            out.held = False
            if shopper.reads_after is not None:
                self.timetable.at(now + shopper.reads_after * world.settings.status_scale, "status", [wamid, "read", 0])
        if name != "read" or shopper.read_receipts:
            self._tell(out, shopper, name, now)
        world.note("status", out.wa_id, out.number, wamid, status=name)

    def _plan_delivery(self, out: Outgoing, shopper: Shopper, now: float) -> None:
        if shopper.blocked_business:
            return
        if not shopper.online:
            out.held = True
            return
        token = self.world.draws.token("status", out.wamid)
        due = now + (0.3 + 2.7 * unit(token, 2)) * self.world.settings.status_scale
        chat = (out.number, out.wa_id)
        due = self._last_due[chat] = max(due, self._last_due.get(chat, 0.0))
        skips = shopper.chat_open or (out.kind == "reaction")
        if out.kind == "reaction":
            self.timetable.at(due, "arrive", out.wamid)  # shown on the phone, but never reported
        else:
            self.timetable.at(due, "status", [out.wamid, "read" if skips else "delivered", 0])

    def arrive(self, wamid: str) -> None:
        """Show a reaction of the business on the phone."""
        out = self.world.outgoing.get(wamid)
        target = self.world.incoming.get(out.body["reaction"]["message_id"]) if out else None
        if out and target:
            target.reaction = out.body["reaction"].get("emoji", "")
            self.world.note("reaction", out.wa_id, out.number, target.wamid)

    def came_online(self, shopper: Shopper) -> None:
        """Deliver what was held while the phone was off."""
        for out in [o for o in self.world.outgoing.values() if o.held and o.wa_id == shopper.wa_id]:
            out.held = False
            self._plan_delivery(out, shopper, self.world.clock.now())

    def read_all(self, number: str, wa_id: str) -> list[str]:
        """Let the shopper read everything that has been delivered in a chat; return the wamids."""
        read = []
        for wamid in self.world.chats.get((number, wa_id), []):
            out = self.world.outgoing.get(wamid)
            if out is not None and out.status == "delivered":
                self.status(wamid, "read")
                read.append(wamid)
        return read

    def contact(self, shopper: Shopper, reveal: bool) -> Json:
        """Return the `contacts[]` node; `reveal` says whether the phone number is in it."""
        profile: Json = {"name": shopper.name}
        if shopper.username:
            profile["username"] = shopper.username
        contact: Json = {"profile": profile}
        if reveal:
            contact["wa_id"] = shopper.wa_id
        if self.world.settings.bsuid != "none":
            contact["user_id"] = shopper.bsuid
        return contact

    def reveals(self, shopper: Shopper, waba: str) -> bool:
        """Say whether the business sees this shopper's phone number in what the shopper sends."""
        return not shopper.hidden or (self.world.settings.contact_book and waba in shopper.known_to)

    def _tell(self, out: Outgoing, shopper: Shopper, name: str, now: float) -> None:
        world = self.world
        effect: Json = {}
        if self.faults.rules:
            effect = self.faults.pick((f"status.{name}",), now, out.number, out.wa_id) or {}
        if effect.get("drop"):
            return
        number = world.numbers[out.number]
        reveal = self.reveals(shopper, number.waba) or (out.by_phone and world.settings.status_reveals_phone)
        node: Json = {"id": out.wamid, "status": name, "timestamp": str(int(now))}
        if reveal:
            node["recipient_id"] = shopper.wa_id
        if world.settings.bsuid != "none":
            node["recipient_user_id"] = shopper.bsuid
        if out.opaque is not None:
            node["biz_opaque_callback_data"] = out.opaque
        contact = None
        if name == "failed":
            node["errors"] = [out.error]
        else:
            contact = self.contact(shopper, reveal)
            if out.pricing and out.priced < 2:
                out.priced += 1
                node["pricing"] = out.pricing
                if world.settings.webhook_version < 24 or out.fep:
                    node["conversation"] = self._conversation(out, name, now)
        update = Update(
            number.waba, number.id, number.digits, "statuses", node, contact, at=now, chat=f"{number.id}:{out.wa_id}"
        )
        if pause := float(effect.get("delay", 0)):
            self.timetable.at(now + pause, "update", list(astuple(update)))
        else:
            self.postman.put(update)
        for _ in range(int(effect.get("duplicate", 0))):
            self.postman.put(update)

    def _conversation(self, out: Outgoing, name: str, now: float) -> Json:
        day = int(now // DAY)
        conversation: Json = {
            "id": self.world.draws.token("conversation", out.number, out.wa_id, day).hex()[:32],
            "origin": {"type": out.category if not out.fep else "referral_conversion"},
        }
        if name == "sent":
            conversation["expiration_timestamp"] = str(int(now + DAY))
        return conversation

    def _price(self, out: Outgoing, now: float) -> Json:
        """Return the price node: who pays depends on category, window, month and date."""
        world = self.world
        billable, kind = True, "regular"
        if self.in_free_entry(out.number, out.wa_id, now):
            billable, kind, out.fep = False, "free_entry_point", True
        elif now < world.settings.paid_service_from:
            if out.category == "service" or (
                out.category == "utility" and self.window_open(out.number, out.wa_id, now)
            ):
                billable, kind = False, "free_customer_service"
        elif out.category == "service":
            month = f"{out.number}:{time.strftime('%Y-%m', time.gmtime(now))}"
            world.quota[month] = world.quota.get(month, 0) + 1
            if world.quota[month] <= world.settings.service_quota:
                billable, kind = False, "free_customer_service"
        return {"billable": billable, "pricing_model": "PMP", "type": kind, "category": out.category}
