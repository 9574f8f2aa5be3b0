"""Read what shoppers write: words in, acts and slots out.

Pure: no clock, no network, no files but the language packs that ship beside the code, and those only when a message
needs them.
"""

from bot.understanding.contract import Act, Choice, Context, Interpretation

__all__ = ["Act", "Choice", "Context", "Interpretation", "understand"]


def understand(text: str, context: Context) -> Interpretation:
    """Return the acts of a message; total and deterministic, see `reading.understand`."""
    from bot.understanding.reading import understand as read

    return read(text, context)
