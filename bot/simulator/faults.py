"""Fault rules: which requests and updates misbehave, when, and how. Without a rule nothing ever does."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.draws import Draws, unit
from bot.simulator.errors import Refusal

Json = dict[str, Any]

TARGETS = ("messages.send", "media.upload", "media.resolve", "media.download", "templates", "graph", "webhook.post",
           "status.sent", "status.delivered", "status.read", "status.failed")  # fmt: skip

# Effects on an answer of the Graph API. `accept` says whether the request is carried out all the same.
ANSWERS = ("code", "http", "raw", "reset", "hang", "latency_ms", "accept", "headers", "status_first")
# Effects on webhooks and statuses.
WEBHOOKS = ("duplicate", "after", "delay", "reorder", "refuse", "bad_signature", "unsigned", "drop", "mangle")


# Ready-made effects: the ways real requests were seen to fail.
PRESETS: dict[str, Json] = {
    "130429": {"code": 130429},
    "130429-http-429": {"code": 130429, "http": 429, "headers": {"Retry-After": "2"}},
    "131056": {"code": 131056},
    "4": {"code": 4, "regain_minutes": 1},
    "80007": {"code": 80007, "regain_minutes": 1},
    "1": {"code": 1, "http": 500},
    "2": {"code": 2},
    "131000": {"code": 131000},
    "131016": {"code": 131016},
    "131057": {"code": 131057},
    "190": {"code": 190},
    "368": {"code": 368},
    "html-502": {"http": 502, "raw": "<html><body><h1>502 Bad Gateway</h1></body></html>", "type": "text/html"},
    "html-503": {"http": 503, "raw": "<html><body><h1>503</h1></body></html>", "type": "text/html"},
    "empty-500": {"http": 500, "raw": ""},
    "truncated": {"http": 200, "raw": '{"messaging_product":"whatsapp","contacts":[{"inp'},
    "html-200": {"http": 200, "raw": "<html><body>Welcome</body></html>", "type": "text/html"},
    "error-200": {"code": 131000, "http": 200},
    "redirect": {"http": 302, "raw": "", "headers": {"Location": "/elsewhere"}},
    "reset_before_accept": {"reset": True, "accept": False},
    "accept_then_reset": {"reset": True, "accept": True},
    "accept_then_hang": {"hang": 60.0, "accept": True},
    "accept_then_502": {
        "http": 502,
        "raw": "<html><body>Bad Gateway</body></html>",
        "type": "text/html",
        "accept": True,
    },
    "status_before_answer": {"status_first": True, "accept": True},
    "duplicate": {"duplicate": 1},
    "late_duplicate": {"duplicate": 1, "after": 3 * 3600.0},
    "reorder": {"reorder": 5.0},
    "refuse": {"refuse": True},
    "drop": {"drop": True},
    "bad_signature": {"bad_signature": True},
    "unsigned": {"unsigned": True},
    "timestamp_ms": {"mangle": "timestamp_ms"},
    "timestamp_int": {"mangle": "timestamp_int"},
    "no_contacts": {"mangle": "no_contacts"},
    "no_profile": {"mangle": "no_profile"},
    "no_from": {"mangle": "no_from"},
    "unknown_type": {"mangle": "unknown_type"},
    "unknown_field": {"mangle": "unknown_field"},
}


@dataclass(slots=True)
class Rule:
    """One fault: a target, an effect, and the limits within which it applies."""

    id: str
    target: str
    effect: Json
    next: int | None = None  # the next N only
    every: int = 1  # each N-th only
    p: float = 1.0  # share, drawn from the seed
    since: float = float("-inf")  # simulated time
    until: float = float("inf")
    number: str = ""
    phone: str = ""  # wa_id of the shopper
    seen: int = 0
    hits: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force, oldest first; the first that applies wins."""

    draws: Draws
    rules: list[Rule] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, body: Json) -> Rule:
        """Add a rule given as JSON; raise ValueError with a sentence when it makes no sense."""
        target = body.get("target")
        if target not in TARGETS:
            raise ValueError(f"target must be one of {', '.join(TARGETS)}")
        effect = body.get("effect")
        if isinstance(effect, str):
            if effect not in PRESETS:
                raise ValueError(f"effect must be an object or one of {', '.join(PRESETS)}")
            effect = PRESETS[effect]
        if not isinstance(effect, dict) or not effect:
            raise ValueError("effect must be an object or the name of a preset")
        known = {"type", "regain_minutes", "subcode", "details", *ANSWERS, *WEBHOOKS}
        if unknown := set(effect) - known:
            raise ValueError(f"unknown effect {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
        limits = {
            k: body[k] for k in ("next", "every", "p", "since", "until", "number", "phone") if body.get(k) is not None
        }
        if (
            unknown := set(body)
            - set(limits)
            - {"target", "effect", "next", "every", "p", "since", "until", "number", "phone"}
        ):
            raise ValueError(f"unknown limit {', '.join(sorted(unknown))}")
        for name in set(limits) & {"next", "every", "p", "since", "until"}:
            if not isinstance(limits[name], int | float):
                raise ValueError(f"{name} must be a number")
        rule = Rule(id=str(next(self._ids)), target=target, effect=effect, **limits)
        self.rules.append(rule)
        return rule

    def pick(self, targets: tuple[str, ...], now: float, number: str = "", phone: str = "") -> Json | None:
        """Return the effect of the first rule that applies now, and count it."""
        for rule in self.rules:
            if rule.target not in targets or not rule.since <= now < rule.until:
                continue
            if (rule.number and rule.number != number) or (rule.phone and rule.phone != phone):
                continue
            if rule.next is not None and rule.hits >= rule.next:
                continue
            rule.seen += 1
            if rule.seen % max(1, rule.every):
                continue
            if rule.p < 1 and unit(self.draws.token("fault", rule.id, rule.seen), 0) >= rule.p:
                continue
            rule.hits += 1
            return rule.effect
        return None


def refusal(effect: Json, waba: str) -> Refusal:
    """Return the error body of an effect with a code."""
    headers = dict(effect.get("headers", {}))
    if "regain_minutes" in effect:
        headers["X-Business-Use-Case-Usage"] = json.dumps(
            {waba: [{"type": "whatsapp", "call_count": 100, "total_cputime": 25, "total_time": 25,
                     "estimated_time_to_regain_access": effect["regain_minutes"]}]}
        )  # fmt: skip
    return Refusal(
        int(effect["code"]),
        effect.get("details"),
        http=effect.get("http"),
        subcode=effect.get("subcode"),
        headers=headers,
    )
