"""Score the acts of a message with a small linear model; integers in a file, no package needed to run it."""

import json
import zlib
from functools import cache
from math import exp
from operator import itemgetter, mul
from pathlib import Path

from bot.understanding.features import BUCKETS, bucket
from bot.understanding.packs import ACTS

FILE = Path(__file__).with_name("weights.bin")


class Model:
    """Weights of one byte per feature and act, and the sentences that were labelled by hand."""

    def __init__(self, data: bytes) -> None:
        begin = data.index(b"\n") + 1
        self.head = json.loads(data[:begin])
        self.acts: tuple[str, ...] = tuple(self.head["acts"])
        self.bias: list[float] = self.head["bias"]
        self.scale: float = self.head["scale"]
        view = memoryview(data)[begin:]
        self.rows = [view[n * BUCKETS : (n + 1) * BUCKETS].cast("b") for n in range(len(self.acts))]
        start = len(self.acts) * BUCKETS
        count = self.head["remembered"]
        self.keys = view[start : start + 8 * count]
        self.labels = view[start + 8 * count : start + 9 * count]

    def scores(self, features: dict[str, float]) -> dict[str, float]:
        """Return a probability for each act."""
        merged: dict[int, float] = {}
        for name, value in features.items():
            row = bucket(name)
            merged[row] = merged.get(row, 0.0) + value
        if len(merged) < 2:
            return dict.fromkeys(self.acts, 1.0 / len(self.acts))
        pick = itemgetter(*merged)
        values = tuple(merged.values())
        raw = [
            self.scale * sum(map(mul, pick(row), values)) + bias for row, bias in zip(self.rows, self.bias, strict=True)
        ]
        top = max(raw)
        powers = [exp(value - top) for value in raw]
        total = sum(powers)
        return {act: power / total for act, power in zip(self.acts, powers, strict=True)}

    def remembered(self, key: bytes) -> str | None:
        """Return the act of a sentence that a pack lists word for word."""
        low, high = 0, len(self.labels)
        while low < high:
            middle = (low + high) // 2
            if bytes(self.keys[8 * middle : 8 * middle + 8]) < key:
                low = middle + 1
            else:
                high = middle
        if low < len(self.labels) and self.keys[8 * low : 8 * low + 8] == key:
            return ACTS[self.labels[low]]
        return None


def memory_key(language: str, state: str, words: str) -> bytes:
    """Return the key of a labelled sentence; `state` is empty when the act does not depend on it."""
    text = f"{language}|{state}|{words}".encode()
    return zlib.crc32(text).to_bytes(4, "big") + zlib.crc32(text[::-1]).to_bytes(4, "big")


@cache
def model() -> Model | None:
    """Return the trained model, or None where it was not built yet."""
    return Model(FILE.read_bytes()) if FILE.exists() else None
