"""heyoo, with its transport and its logging replaced: the only place that imports it.

heyoo 0.1.2 builds requests well enough, but opens a connection per send, waits for ever, takes refusals for
successes, and logs phone numbers through the root logger. It looks the names `requests` and `logging` up in its own
namespace at every call, so both can be replaced there without touching anybody else's.
"""

import importlib.util
import logging
import sys
from types import ModuleType
from typing import Any

from bot.whatsapp.transport import Transport

BROKEN_ESCAPE = "\\uD83D\\uDE00"
"""Written in a docstring of heyoo's. Since Python 3.13 a lone surrogate there cannot be compiled."""
WHOLE_ESCAPE = "\\U0001F600"


def _import_heyoo() -> Any:
    try:
        import heyoo
    except UnicodeEncodeError:
        return _compile_heyoo()
    return heyoo


def _compile_heyoo() -> ModuleType:
    """Import heyoo from its own source with the escape mended; nothing on disk changes."""
    spec = importlib.util.find_spec("heyoo")
    if spec is None or spec.origin is None:
        raise ImportError("heyoo is not installed")
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read().replace(BROKEN_ESCAPE, WHOLE_ESCAPE)
    module = importlib.util.module_from_spec(spec)
    # Under its own file name, so that tracebacks stay right.
    exec(compile(source, spec.origin, "exec"), module.__dict__)  # noqa: S102  # The pinned package's own text.
    sys.modules["heyoo"] = module
    return module


transport = Transport()
_heyoo = _import_heyoo()
_heyoo.requests = transport
_heyoo.logging = logging.getLogger("heyoo")
_heyoo.logging.setLevel(logging.CRITICAL)
_WhatsApp: Any = _heyoo.WhatsApp


class Heyoo(_WhatsApp):
    """heyoo for one phone number, at a base URL and a version of our choice."""

    def __init__(self, base_url: str, version: str, token: str, phone_number_id: str) -> None:
        """Point every one of heyoo's precomputed addresses at `base_url`/`version`."""
        super().__init__(token, phone_number_id)
        self.base_url = self.v15_base_url = f"{base_url}/{version}"
        self.url = f"{self.base_url}/{phone_number_id}/messages"

    def send(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Post a whole message body; raise a SendError."""
        # A fresh dictionary, because heyoo writes into what it gets.
        answer: dict[str, Any] = self.send_custom_json(dict(payload))
        return answer
