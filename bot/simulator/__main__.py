"""`python -m bot.simulator`: start the simulator alone."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from dataclasses import fields

from bot.simulator.state import Options

_HELP = {
    "host": "address to listen on",
    "port": "port to listen on; 0 takes a free one",
    "webhook_url": "where webhooks go, for example http://127.0.0.1:8000/webhooks/whatsapp",
    "app_secret": "secret the webhooks are signed with",
    "verify_token": "token of the verification request",
    "token": "the only access token that is accepted; without it every token is",
    "phone_number_id": "id of the business number",
    "waba_id": "id of the WhatsApp Business Account",
    "display_number": "the business's phone number",
    "business_name": "the name shoppers see",
    "seed": "seed of every random draw",
    "latency_ms": "median time an answer to a send takes, in milliseconds",
    "state": "file that keeps the chats between two starts",
}


def options_from(arguments: list[str] | None = None) -> Options:
    """Return the options of the command line; `SIMULATOR_PORT` and the like give the defaults."""
    parser = argparse.ArgumentParser(prog="simulator", description="A local WhatsApp Cloud API with phones.")
    given = Options()
    for field in fields(Options):
        value = getattr(given, field.name)
        default = os.environ.get(f"SIMULATOR_{field.name.upper()}", value)  # argparse converts and checks a string
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(value), default=default,
                            help=f"{_HELP[field.name]} (default: {value!r})")  # fmt: skip
    return Options(**vars(parser.parse_args(arguments)))


def announce(options: Options, url: str) -> None:
    """Print what a client needs."""
    lines = {
        "Phones": f"{url}/",
        "Control API": f"{url}/sim/",
        "Graph API": url,
        "Phone number id": options.phone_number_id,
        "Business account": options.waba_id,
        "Access token": options.token or "any",
        "Webhooks go to": options.webhook_url or "nowhere yet (--webhook-url)",
        "App secret": options.app_secret,
        "Verify token": options.verify_token,
    }
    told = [f"Simulator listening on {url}", *(f"  {name:<17} {value}" for name, value in lines.items())]
    sys.stdout.write("\n".join(told) + "\n")
    sys.stdout.flush()


def serve(options: Options) -> None:
    """Run until interrupted."""
    from bot.simulator.server import Server

    with socket.socket() as probe:  # gunicorn would try for five seconds and then end without a word
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            raise SystemExit(
                f"Cannot listen on {options.host}:{options.port}: {error.strerror}. Try another --port."
            ) from None
    Server(options, lambda url: announce(options, url)).run()


if __name__ == "__main__":
    serve(options_from())
