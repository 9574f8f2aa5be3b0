"""Hold where a dialogue stands, as JSON by construction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bot.engine.effects import Effect
from bot.engine.values import JSON

STATUSES = ("waiting", "done", "handed_over")


@dataclass(frozen=True, slots=True)
class State:
    """Where one run stands.

    `turn` is the number of the last prompt, `since` that of the first prompt of the open question: a tap on any
    prompt from `since` on answers it. `nth` counts the reminders of the open question, `misses` what was not
    understood in a row, `resume` names the step to come back to after an agent or a detour.
    """

    flow: str
    version: int
    step: str = ""
    turn: int = 0
    since: int = 0
    nth: int = 0
    misses: int = 0
    resume: str = ""
    status: str = "waiting"
    data: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the state as an object `json.dumps` can write."""
        return {
            "flow": self.flow,
            "version": self.version,
            "step": self.step,
            "turn": self.turn,
            "since": self.since,
            "nth": self.nth,
            "misses": self.misses,
            "resume": self.resume,
            "status": self.status,
            "data": dict(self.data),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a state that `to_json` wrote."""
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after an event, and what is to be done."""

    state: State
    effects: tuple[Effect, ...] = ()

    @property
    def moved(self) -> bool:
        """Tell whether anything is to be done at all."""
        return bool(self.effects)
