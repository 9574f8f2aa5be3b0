"""The clock: fires timers and sweeps for what was left behind. One process; a second one does no harm."""

import signal
import sys
import threading
from collections.abc import Callable
from datetime import date
from time import monotonic
from typing import Any

import requests
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot import seals
from bot.clock import now
from bot.hooks import delivery
from bot.jobs import DELIVER, DRAIN, NOTIFY, UNPACK, UPLOAD
from bot.orders import outcomes
from bot.services import Services
from bot.settings import SettingsError
from bot.talk import retention, settle, sweeps, timers
from bot.whatsapp.errors import SendError
from bot.whatsapp.templates import refresh
from workers import inbound, outbound, uploads
from workers.context import OtherSchema, client, configure_logs, require_schema, services

log = structlog.get_logger()

JOBS: dict[str, Callable[..., None]] = {
    UNPACK: inbound.unpack,
    DRAIN: inbound.drain,
    DELIVER: outbound.deliver,
    NOTIFY: outbound.notify_merchants,
    UPLOAD: uploads.run,
}


class Clock:
    """What is done how often, in seconds."""

    def __init__(self, given: Services) -> None:
        """Begin with everything due."""
        self.services = given
        self.duties: list[tuple[float, Callable[[], None]]] = [
            (1.0, self.fire_timers),
            (2.0, self.ring_again),
            (5.0, self.feel_pulse),
            (5.0, self.seal_audit),
            (10.0, self.sweep),
            (60.0, self.decide),
            (3600.0, self.ask_for_templates),
            (3600.0, self.forget),
            (600.0, self.wipe_old),
        ]
        self._wiped_on: date | None = None
        self._due = [0.0] * len(self.duties)

    def tick(self) -> None:
        """Do what is due; a duty that fails is tried again at its next time and stops no other."""
        for number, (every, duty) in enumerate(self.duties):
            if monotonic() < self._due[number]:
                continue
            self._due[number] = monotonic() + every
            try:
                duty()
            except (SQLAlchemyError, requests.RequestException, SendError) as error:
                log.error("duty.failed", duty=duty.__name__, error=type(error).__name__)

    def fire_timers(self) -> None:
        """Turn due timers into events."""
        with self.services.database.session() as session:
            timers.fire(session, self.services.bell)

    def ring_again(self) -> None:
        """Ring for work that no bell was heard for; with Redis down, do it here."""
        with self.services.database.reader() as session:
            rings = sweeps.unheard_rings(session)
        for job, ids in rings:
            if not self.services.bell.ring(job, *ids):
                JOBS[job](*ids)

    def feel_pulse(self) -> None:
        """Ask the web process whether Meta could reach it."""
        try:
            answer = requests.get(f"{self.services.settings.public_url}/readyz", timeout=4)
            alive = answer.status_code == 200
        except requests.RequestException:
            alive = False
        with self.services.database.session() as session:
            sweeps.note_pulse(session, alive)

    def sweep(self) -> None:
        """Mend what a fault has left; what is found is logged, because outside of faults it should be nothing."""
        work: list[Callable[[Any], int]] = [
            settle.expire_leases,
            sweeps.resend_lost,
            sweeps.free_held,
            sweeps.show_held,
            sweeps.rescue_forgotten,
        ]
        for part in work:
            with self.services.database.session() as session:
                if found := part(session):
                    log.warning("sweep.found", sweep=part.__name__, found=found)

    def seal_audit(self) -> None:
        """Seal what was written into the audit; with nothing to seal nobody waits for the write lock of SQLite."""
        with self.services.database.reader() as session:
            lines = seals.waiting(session)
        while lines:
            with self.services.database.session() as session:
                lines = seals.seal(session, seals.key_of(self.services.settings.secret_key)) == seals.BATCH

    def ask_for_templates(self) -> None:
        """Ask Meta how our templates stand, because a lost webhook would hold one for ever."""
        settings = self.services.settings
        if settings.whatsapp_token:
            refresh(self.services.database, client(), settings.whatsapp_business_account_id)

    def forget(self) -> None:
        """Delete logs that nobody needs any more."""
        with self.services.database.session() as session:
            delivery.forget_old(session, now())

    def wipe_old(self) -> None:
        """Once a day, in small bites, wipe what merchants have kept for as long as they want to."""
        today = now().date()
        if self._wiped_on == today:
            return
        wiped = retention.wipe(self.services.database, now())
        if wiped.finished:
            self._wiped_on = today
        if any(wiped.counts.values()):
            log.info("retention.wiped", finished=wiped.finished, **wiped.counts)

    def decide(self) -> None:
        """Decide anew on orders whose time has come."""
        with self.services.database.session() as session:
            outcomes.refresh_due(session, now())


def main() -> int:
    """Tick until SIGTERM or Ctrl-C."""
    try:
        clock = Clock(services())
        require_schema()
    except (SettingsError, OtherSchema) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    configure_logs()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    while not stop.wait(0.25):
        clock.tick()
    return 0


if __name__ == "__main__":
    sys.exit(main())
