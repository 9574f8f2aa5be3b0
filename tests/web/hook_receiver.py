"""A merchant's system on a real port, and what the tests of outgoing webhooks do with one."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from sqlmodel import col, select

from bot import clock
from bot.hooks import delivery, events, sending
from bot.hooks.targets import Policy
from bot.models import Hook, HookDelivery, Order
from bot.orders import outcomes
from bot.services import Services
from bot.web.vault import Vault
from tests.web.samples import Shop

LOCAL = Policy(plain_http=True, private=True)


class _Server(ThreadingHTTPServer):
    request_queue_size = 100
    """As it comes five, and the sixth that connects at once may wait for a second: on a busy machine, for too long."""


class Receiver:
    """A merchant's system: keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.patience = Event()
        self.slow = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                if receiver.slow:
                    receiver.patience.wait(10)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", receiver.url + "elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.patience.set()
        self.server.shutdown()
        self.server.server_close()


def make_hook(services: Services, shop: Shop, url: str, chosen: list[str] | None = None) -> tuple[int, str]:
    """Write a hook of a shop; return its id and secret."""
    secret = sending.new_secret()
    with services.database.session() as session:
        hook = Hook(merchant_id=shop.merchant, url=url, events=chosen or list(events.EVENTS), created_at=clock.now())
        session.add(hook)
        session.flush()
        hook.secret = Vault(services.settings.secret_key).seal(secret, f"hook:{hook.id}:secret")
        return hook.id or 0, secret


def record(services: Services, order_id: int, **changes: Any) -> None:
    """Record an outcome of an order, as the shop's people would."""
    with services.database.session() as session:
        order = session.get_one(Order, order_id)
        outcomes.record(session, order, by="merchant", at=clock.now(), bell=services.bell, **changes)


def deliver(services: Services, policy: Policy = LOCAL) -> int:
    """Send what is due, as the process for notices would."""
    return delivery.deliver(services.database, Vault(services.settings.secret_key).open, policy)


def log_of(services: Services, hook: int) -> list[HookDelivery]:
    """Return what a hook was told and is to be told."""
    with services.database.reader() as session:
        statement = select(HookDelivery).where(HookDelivery.hook_id == hook).order_by(col(HookDelivery.id))
        return list(session.exec(statement))
