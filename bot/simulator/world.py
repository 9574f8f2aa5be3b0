"""The whole simulated world, put together: state, time, postman, network and the shoppers' hands."""

from __future__ import annotations

from typing import Any

from bot.simulator.clock import Timetable
from bot.simulator.faults import Faults
from bot.simulator.network import Network
from bot.simulator.postman import Postman
from bot.simulator.state import Options, Template, World
from bot.simulator.webhook import Update

Json = dict[str, Any]


class Simulator:
    """One simulated platform with everything that runs in it."""

    def __init__(self, options: Options) -> None:
        self.world = World(options)
        self.faults = Faults(self.world.draws)
        self.timetable = Timetable(self.world.clock, self._run)
        self.postman = Postman(self.world, self.timetable, self.faults)
        self.network = Network(self.world, self.timetable, self.postman, self.faults)
        self._greet()

    def start(self) -> None:
        """Let time pass."""
        self.postman.start()
        self.timetable.start()

    def settle(self) -> None:
        """Wait until every webhook that is under way was answered."""
        self.postman.settle()

    def reset(self, seed: int | None = None) -> None:
        """Begin again with an empty world; the clock follows the wall clock again."""
        with self.world.lock:
            self.timetable.replace([])
            self.postman.clear()
            self.world.clock.catch_up()
            self.world.empty()
            if seed is not None:
                self.world.draws = self.faults.draws = type(self.world.draws)(seed)
            self.faults.rules.clear()
            self.network.forget()
            self._greet()
            self.world.note("reset")

    def _greet(self) -> None:
        """Give every account the sample template that real accounts are born with."""
        for waba in self.world.wabas:
            self.add_template(
                waba,
                {"name": "hello_world", "language": "en_US", "category": "UTILITY"},
                [
                    {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
                    {"type": "BODY", "text": "Welcome and congratulations!! This message demonstrates your ability "
                     "to send a WhatsApp message notification from the Cloud API, hosted by Meta. Thank you for "
                     "taking the time to test with us."},
                    {"type": "FOOTER", "text": "WhatsApp Business Platform sample message"},
                ],
                "APPROVED",
            )  # fmt: skip

    def add_template(self, waba: str, body: Json, components: list[Json], status: str) -> Template:
        """Store a template; the caller has checked it."""
        world = self.world
        identity = world.draws.number(16, "template", waba, body["name"], body["language"])
        category = body["category"].upper()
        default_ttl = 600.0 if category == "AUTHENTICATION" else None
        template = Template(
            identity, waba, body["name"], body["language"], category, status, components,
            str(body.get("parameter_format") or "POSITIONAL").upper(),
            float(body["message_send_ttl_seconds"]) if body.get("message_send_ttl_seconds") else default_ttl,
        )  # fmt: skip
        template.created = world.clock.now()
        world.templates[identity] = template
        world.template_names[(waba, template.name, template.language)] = identity
        return template

    def template_event(self, template: Template, field: str, value: Json) -> None:
        """Tell the business something about a template."""
        node = {
            "message_template_id": int(template.id),
            "message_template_name": template.name,
            "message_template_language": template.language,
            **value,
        }
        self.postman.put(Update(template.waba, "", "", "", node, field=field, at=self.world.clock.now()))

    def set_template_status(self, template: Template, status: str, reason: str = "NONE", **more: Any) -> None:
        """Change the status of a template as a review or a pause does, and tell the business."""
        template.status = status if status not in ("REINSTATED", "UNPAUSED") else "APPROVED"
        template.reason = reason
        value = {"event": status, "reason": reason, "message_template_category": template.category, **more}
        self.template_event(template, "message_template_status_update", value)
        self.world.note("template")

    def _run(self, name: str, argument: Any) -> None:
        if name == "post":
            self.postman.again(argument)
            return
        with self.world.lock:
            if name == "status":
                self.network.status(*argument)
            elif name == "arrive":
                self.network.arrive(argument)
            elif name == "update":
                self.postman.put(Update(*argument))
            elif name == "review":
                template = self.world.templates.get(argument)
                if template is not None and template.status == "PENDING":
                    rejected = self.world.settings.review == "reject"
                    self.set_template_status(template, "REJECTED" if rejected else "APPROVED",
                                             "INVALID_FORMAT" if rejected else "NONE")  # fmt: skip
