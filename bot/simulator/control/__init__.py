"""The control API under `/sim`: what a test, a simulated shopper or the page does with the simulator.

Every endpoint's docstring is its documentation: `GET /sim/` renders them, so nothing here is undocumented.
"""

from __future__ import annotations

import dataclasses
import inspect
import re

from flask import current_app, render_template

from bot.simulator.control import accounts, phones, time, watching
from bot.simulator.control.common import blueprint
from bot.simulator.faults import PRESETS
from bot.simulator.graph import simulator
from bot.simulator.state import Settings

__all__ = ["accounts", "blueprint", "phones", "time", "watching"]


@blueprint.get("/")
def documentation() -> str:
    """This page."""
    endpoints = []
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda r: r.rule):
        if rule.endpoint.startswith("control.") and rule.endpoint != "control.static":
            methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            text = inspect.getdoc(current_app.view_functions[rule.endpoint]) or ""
            endpoints.append({"methods": methods, "rule": rule.rule, "paragraphs": text.split("\n\n")})
    # The comment beside each setting is its only description: it is read from there.
    about = dict(re.findall(r"^ +(\w+): .*?  # (.*)$", inspect.getsource(Settings), re.M))
    return render_template("help.html", endpoints=endpoints, settings=dataclasses.asdict(simulator().world.settings),
                           presets=PRESETS, about=about)  # fmt: skip
