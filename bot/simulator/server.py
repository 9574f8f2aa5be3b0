"""The HTTP server: a lean way to the send endpoint, Flask for the rest, gunicorn with one process around both."""

from __future__ import annotations

import atexit
import re
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, render_template
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it ships no types
from werkzeug.wrappers import Response as BaseResponse

from bot.simulator import control, graph
from bot.simulator.sending import Answer, send
from bot.simulator.snapshot import StateFile
from bot.simulator.state import Options
from bot.simulator.world import Simulator

THREADS = 256  # each waiting answer (latency, a hanging fault, a page that listens) holds one
MAX_BODY = 110 * 1024 * 1024
_SEND = re.compile(r"^/(?:v(\d+)(?:\.\d+)?/)?(\d+)/(messages|marketing_messages)/?$")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


def create_app(sim: Simulator) -> Flask:
    """Return the Flask application: page, control API and the Graph endpoints that are no sends."""
    here = Path(__file__).parent
    app = Flask(
        __name__, static_folder=str(here / "page"), static_url_path="/static", template_folder=str(here / "page")
    )
    app.config["simulator"] = sim
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.register_blueprint(control.blueprint)
    app.register_blueprint(graph.blueprint)
    app.add_url_rule("/", "page", lambda: render_template("phone.html"))
    app.add_url_rule("/sim", "help", lambda: redirect("/sim/"))
    app.after_request(_protect)
    return app


def _protect(response: Response) -> BaseResponse:
    """Let the page load nothing but its own files."""
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            "media-src 'self' blob:; "
            "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@dataclass(frozen=True, slots=True)
class Application:
    """The WSGI application."""

    sim: Simulator
    flask: Flask

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; sends do not pass through Flask."""
        if environ["REQUEST_METHOD"] != "POST" or (path := _SEND.match(environ["PATH_INFO"])) is None:
            return self.flask(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0) or -1)
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        answer = send(self.sim, path[2], authorization, body, path[3] == "marketing_messages")
        if answer.pause:
            time.sleep(answer.pause)
        if answer.hang:
            _hang(environ, answer.hang)
        if answer.reset:
            _reset(environ)
        headers = [("Content-Type", "application/json; charset=UTF-8"), ("Content-Length", str(len(answer.body))),
                   *self._version_headers(path[1])]  # fmt: skip
        if answer.headers:
            headers = [h for h in headers if h[0] not in answer.headers] + list(answer.headers.items())
        start_response(_STATUS_LINES[answer.status], headers)
        return [answer.body]

    def _version_headers(self, version: str | None) -> list[tuple[str, str]]:
        settings = self.sim.world.settings
        if version and int(version) < settings.deprecated_below:
            warning = f"The call has been auto-upgraded to {settings.api_version} as v{version}.0 has been deprecated."
            return [("Facebook-Api-Version", settings.api_version), ("X-Ad-Api-Version-Warning", warning)]
        return [("Facebook-Api-Version", f"v{version}.0" if version else settings.api_version)]


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class ConnectionCut(Exception):
    """The client's connection was cut on purpose; the server has nothing left to say."""


def _hang(environ: Environ, seconds: float) -> None:
    """Stay silent, but not longer than the client listens: each silence holds a thread."""
    watch = select.poll()
    watch.register(environ["gunicorn.socket"], select.POLLRDHUP | select.POLLHUP)
    watch.poll(seconds * 1000)


def _reset(environ: Environ) -> None:
    """Cut the client's connection with a TCP reset instead of an answer."""
    connection: socket.socket = environ["gunicorn.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionCut


class Server(BaseApplication):
    """Gunicorn with one worker of many threads: the state is in the memory of that worker."""

    def __init__(self, options: Options, ready: Callable[[str], None]) -> None:
        self._options, self._ready = options, ready
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn reads from files elsewhere."""
        for name, value in {
            "bind": f"{self._options.host}:{self._options.port}", "workers": 1, "worker_class": "gthread",
            "threads": THREADS, "worker_connections": 2000, "keepalive": 75, "timeout": 120, "graceful_timeout": 1,
            "loglevel": "critical", "accesslog": None, "post_worker_init": self._say_ready, "backlog": 2048,
            "proc_name": "simulator", "control_socket_disable": True,
        }.items():  # fmt: skip
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Application:
        """Make the simulated world; called in the worker."""
        sim = Simulator(self._options)
        if self._options.state:
            file = StateFile(sim, Path(self._options.state))
            file.open()
            atexit.register(file.save)
        sim.start()
        return Application(sim, create_app(sim))

    def _say_ready(self, worker: Any) -> None:
        host, port = worker.sockets[0].getsockname()[:2]
        self._ready(f"http://{host}:{port}")


__all__ = ["Answer", "Application", "Server", "create_app"]
