"""Read one sentence the way the evaluation and the packs' tests do."""

from bot.understanding.packs import Pack


def run(text: str, state: str, pack: Pack) -> tuple[str | None, dict[str, object]]:
    """Return the act and the slots of a sentence."""
    raise NotImplementedError


def explain(text: str, pack: Pack) -> str:
    """Describe which layer decided about a sentence and why."""
    raise NotImplementedError
