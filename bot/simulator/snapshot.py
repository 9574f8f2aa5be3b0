"""The state as JSON, and the file that keeps it, so that a second start finds the chats of the first."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bot.simulator.state import Incoming, Media, Number, Outgoing, Settings, Shopper, Template, Waba
from bot.simulator.world import Simulator

Json = dict[str, Any]
FORMAT = 1


def dump(sim: Simulator) -> Json:
    """Return everything that can be told from outside, as JSON."""
    world = sim.world
    with world.lock:
        records = {
            name: [_flat(record) for record in getattr(world, name).values()]
            for name in ("wabas", "numbers", "shoppers", "templates", "outgoing", "incoming")
        }
        media = [_flat(m) | {"data": base64.b64encode(m.data).decode()} for m in world.media.values()]
        return {
            "format": FORMAT, "seed": world.draws.seed, **records, "media": media,
            "settings": dataclasses.asdict(world.settings),
            "chats": [[*key, wamids.copy()] for key, wamids in world.chats.items()],
            "windows": [[*key, at] for key, at in world.windows.items()],
            "free_entry": [[*key, at] for key, at in world.free_entry.items()],
            "counters": dict(world.counters), "quota": dict(world.quota), "ledger": world.ledger.copy(),
            "new_users": dict(world.new_users.since), "pairs": {k: list(v) for k, v in world.pairs.pairs.items()},
            "clock": {"now": world.clock.now(), "rate": world.clock.rate, "wall": time.time()},
            "tasks": sim.timetable.tasks(), "deliveries": sim.postman.dump(),
        }  # fmt: skip


def _flat(record: Any) -> Json:
    """Return the fields of a record. What is inside is shared unless it is a list, the only thing that still grows."""
    values = ((name, getattr(record, name)) for name in record.__slots__)
    return {name: value.copy() if type(value) is list else value for name, value in values}


def load(sim: Simulator, state: Json) -> None:
    """Replace everything by a state that `dump` returned. The options given at start keep their say over numbers."""
    if state["format"] != FORMAT:
        raise ValueError(f"format {state['format']} is not known")
    world = sim.world
    shoppers = [Shopper(**r) for r in state["shoppers"]]
    outgoing = [Outgoing(**{**r, "history": [tuple(h) for h in r["history"]]}) for r in state["outgoing"]]
    incoming = [Incoming(**r) for r in state["incoming"]]
    templates = [Template(**r) for r in state["templates"]]
    media = [Media(**{**r, "data": base64.b64decode(r["data"])}) for r in state["media"]]
    with world.lock:
        sim.timetable.replace([])
        sim.postman.clear()
        own_wabas, own_numbers = world.wabas, world.numbers
        callback, secret = world.app_callback, world.app_secret
        world.empty()
        world.app_callback, world.app_secret = callback, secret
        world.draws = sim.faults.draws = type(world.draws)(int(state["seed"]))
        world.settings = Settings(**state["settings"])
        world.wabas = {r["id"]: Waba(**r) for r in state["wabas"]} | own_wabas
        world.numbers = {r["id"]: Number(**r) for r in state["numbers"]} | own_numbers
        world.shoppers = {s.wa_id: s for s in shoppers}
        world.by_bsuid = {s.bsuid: s.wa_id for s in shoppers}
        world.templates = {t.id: t for t in templates}
        world.template_names = {(t.waba, t.name, t.language): t.id for t in templates}
        world.outgoing = {o.wamid: o for o in outgoing}
        world.incoming = {i.wamid: i for i in incoming}
        world.media = {m.id: m for m in media}
        world.chats = {(a, b): list(wamids) for a, b, wamids in state["chats"]}
        world.windows = {(a, b): at for a, b, at in state["windows"]}
        world.free_entry = {(a, b): at for a, b, at in state["free_entry"]}
        world.counters, world.quota = dict(state["counters"]), dict(state["quota"])
        world.ledger = list(state["ledger"])
        world.new_users.since = dict(state["new_users"])
        world.pairs.pairs = {k: (v[0], v[1], v[2]) for k, v in state["pairs"].items()}
        clock = state["clock"]
        passed = (time.time() - clock["wall"]) * clock["rate"]
        world.clock.set(clock["now"] + max(0.0, passed), clock["rate"])
        sim.postman.load(state["deliveries"])
        sim.timetable.replace([(float(t[0]), int(t[1]), str(t[2]), t[3]) for t in state["tasks"]])
        world.note("reset")


class StateFile:
    """Write the state to a file now and then, and at the end."""

    def __init__(self, sim: Simulator, path: Path) -> None:
        self._sim, self._path = sim, path
        self._saved = -1
        self._lock = threading.Lock()

    def open(self) -> None:
        """Load the file if there is one, and keep it up to date from here on."""
        if self._path.exists():
            try:
                load(self._sim, json.loads(self._path.read_text()))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                aside = self._path.with_suffix(self._path.suffix + ".unreadable")
                self._path.replace(aside)
                sys.stderr.write(f"{self._path} is no state of this simulator ({error!r}); it was moved to {aside}.\n")
        threading.Thread(target=self._keep, name="state-file", daemon=True).start()

    def save(self) -> None:
        """Write the file if something has changed; a cut-off write leaves the old file whole."""
        with self._lock:
            if self._saved == (seen := self._sim.world.change_count):
                return
            beside = self._path.with_suffix(self._path.suffix + ".new")
            beside.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("w") as file:
                file.write(json.dumps(dump(self._sim)))  # in one piece: `json.dump` is many times slower
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            self._saved = seen

    def _keep(self) -> None:
        pause = 1.0
        while True:
            time.sleep(pause)
            started = time.monotonic()
            self.save()
            pause = max(1.0, 20 * (time.monotonic() - started))  # at most a twentieth of the time goes into saving
