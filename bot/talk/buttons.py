"""What Meta carries for us and brings back: signed, so that nobody can tap what was not offered."""

import hashlib
import hmac
from dataclasses import dataclass

MAC_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Tap:
    """What a genuine button says."""

    run_id: int
    turn: int
    choice: str


class Signer:
    """Sign and read button ids and outbox ids."""

    def __init__(self, secret_key: str) -> None:
        """Derive a key of its own from the program's secret."""
        self._key = hashlib.sha256(b"pakka.buttons." + secret_key.encode()).digest()

    def button(self, run_id: int, turn: int, choice: str) -> str:
        """Return the id of a button; it stays below the 128 characters that template quick replies can carry."""
        return self._signed(f"{run_id}.{turn}.{choice}")

    def read_button(self, button_id: str | None) -> Tap | None:
        """Return what a tap means, or None when the id is not one of ours or was altered."""
        plain = self._plain(button_id)
        if plain is None or plain.startswith("o."):
            return None
        run_id, turn, choice = plain.split(".", 2)
        return Tap(int(run_id), int(turn), choice)

    def opaque(self, message_id: int) -> str:
        """Return the `biz_opaque_callback_data` of a message, which every status of it echoes."""
        return self._signed(f"o.{message_id}")

    def read_opaque(self, data: str | None) -> int | None:
        """Return the message that a status is about, or None when the data is not ours."""
        plain = self._plain(data)
        return int(plain.removeprefix("o.")) if plain is not None and plain.startswith("o.") else None

    def _signed(self, plain: str) -> str:
        return f"{plain}.{self._mac(plain)}"

    def _plain(self, signed: str | None) -> str | None:
        plain, dot, mac = (signed or "").rpartition(".")
        return plain if dot and hmac.compare_digest(mac.encode(), self._mac(plain).encode()) else None

    def _mac(self, plain: str) -> str:
        return hmac.new(self._key, plain.encode(errors="replace"), hashlib.sha256).hexdigest()[:MAC_CHARACTERS]
