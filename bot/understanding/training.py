"""Train the classifier from the packs' examples, byte for byte the same on every run.

Plain multinomial logistic regression by AdaGrad in the standard library: a few minutes of one core, no package to
install, no
difference between machines. Each sentence is learned four times: as it is, in another state, by its word classes
alone, which is what an unseen sentence of another language shares with it, and mistyped.
"""

import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import exp, log, sqrt
from operator import itemgetter, mul

from bot.understanding.classifier import FILE, memory_key
from bot.understanding.features import BUCKETS, bucket, letters, meanings
from bot.understanding.normal import normalise, tokens
from bot.understanding.packs import ACTS, FOLDER, Sentence, header, names, sentences
from bot.understanding.reading import study
from bot.understanding.trial import context, region_of

EPOCHS = 7
RATE = 0.35
DECAY = 1e-5
SEED = "pakka"
_ANYTIME = ("confirm", "idle", "slot", "rating")
_FIXED = frozenset({"slot_choice", "review_rating", "review_text", "address_fragment", "reschedule"})


@dataclass(frozen=True, slots=True)
class Row:
    """One training row: the hashed features and the act."""

    buckets: tuple[int, ...]
    values: tuple[float, ...]
    label: int
    weight: float


def digest() -> str:
    """Return a fingerprint of everything that the weights depend on: packs, and the code that reads them."""
    total = blake2b(digest_size=16)
    code = FOLDER.parent
    for path in [*sorted(FOLDER.glob("*/*.t*")), code / "features.py", code / "training.py", code / "cldr.json"]:
        if path.name == "tests.txt":
            continue
        total.update(path.relative_to(code).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def _hash(*parts: object) -> int:
    return zlib.crc32("|".join(map(str, (SEED, *parts))).encode())


def _row(features: dict[str, float], label: int, weight: float) -> Row:
    merged: dict[int, float] = {}
    for name, value in features.items():
        place = bucket(name)
        merged[place] = merged.get(place, 0.0) + value
    return Row(tuple(merged), tuple(merged.values()), label, weight)


def _rows_of(name: str, sentence: Sentence, weights: dict[str, float]) -> Iterator[Row]:
    label = ACTS.index(sentence.act)
    weight = weights[sentence.act]
    clean = normalise(sentence.text)
    found = tokens(clean)
    if not found:
        return
    language = str(header(name)["language"])
    states = [sentence.state]
    if not sentence.stated and sentence.act not in _FIXED:
        states.append(_ANYTIME[_hash(name, sentence.text) % len(_ANYTIME)])
    elif not sentence.stated and sentence.act in ("slot_choice", "reschedule"):
        states.append("confirm")
    for turn, state in enumerate(states):
        message = study(clean, found, context(state, region_of(name), language))
        meant = meanings(message.view, message.about)
        if turn == 0:
            yield _row({**letters(found), **meant}, label, weight)
        else:
            yield _row({**letters(found), **meant}, label, weight * 0.7)
            yield _row(meant, label, weight * 0.7)
    if len(states) == 1:
        yield _row(meant, label, weight * 0.7)
    slip = mistyped(sentence.text, _hash("slip", name, sentence.text))
    if slip:
        found = tokens(normalise(slip))
        message = study(normalise(slip), found, context(states[0], region_of(name), language))
        yield _row({**letters(found), **meanings(message.view, message.about)}, label, weight * 0.5)


def mistyped(text: str, choice: int) -> str:
    """Return a text as a hurried thumb writes it: a vowel left out, two letters swapped or two words run together.

    `choice` is any number; an empty text means that there is no word to slip on.
    """
    words = text.lower().split()
    long = [place for place, word in enumerate(words) if len(word) > 5 and word.isascii() and word.isalpha()]
    if choice % 4 == 3 and len(words) > 1:
        place = choice // 4 % (len(words) - 1)
        return " ".join([*words[:place], words[place] + words[place + 1], *words[place + 2 :]])
    if not long:
        return ""
    place = long[choice // 4 % len(long)]
    word = words[place]
    vowels = [n for n in range(1, len(word) - 1) if word[n] in "aeiou"]
    if choice % 2 and vowels:
        cut = vowels[choice // 8 % len(vowels)]
        words[place] = word[:cut] + word[cut + 1 :]
    else:
        cut = 1 + choice // 8 % (len(word) - 3)
        words[place] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    return " ".join(words)


def rows(chosen: tuple[str, ...]) -> list[Row]:
    """Return the training rows of some packs."""
    counts = dict.fromkeys(ACTS, 1)
    listed = [(name, sentence) for name in chosen for sentence in sentences(name, "examples")]
    for _, sentence in listed:
        counts[sentence.act] += 1
    most = max(counts.values())
    weights = {act: sqrt(most / count) ** 0.7 for act, count in counts.items()}
    return [row for name, sentence in listed for row in _rows_of(name, sentence, weights)]


def fit(data: list[Row], say: bool = False) -> tuple[list[list[float]], list[float]]:
    """Return the weights per act and the intercepts."""
    acts = range(len(ACTS))
    weights = [[0.0] * BUCKETS for _ in acts]
    squares = [[0.0] * BUCKETS for _ in acts]
    bias = [0.0 for _ in acts]
    order = sorted(range(len(data)), key=lambda n: _hash(n))
    for epoch in range(EPOCHS):
        loss = 0.0
        order.sort(key=lambda n: _hash(epoch, n))
        for number in order:
            row = data[number]
            if len(row.buckets) < 2:
                continue
            pick = itemgetter(*row.buckets)
            raw = [sum(map(mul, pick(weights[act]), row.values)) + bias[act] for act in acts]
            top = max(raw)
            powers = [exp(value - top) for value in raw]
            total = sum(powers)
            loss -= log(max(powers[row.label] / total, 1e-9))
            for act in acts:
                error = powers[act] / total - (act == row.label)
                if -0.012 < error < 0.012:
                    continue
                step = error * row.weight
                bias[act] -= 0.02 * step
                mine, seen = weights[act], squares[act]
                for place, value in zip(row.buckets, row.values, strict=True):
                    slope = step * value
                    seen[place] += slope * slope
                    mine[place] -= RATE * slope / sqrt(seen[place] + 1e-3) + DECAY * mine[place]
        if say:
            sys.stderr.write(f"  round {epoch + 1} of {EPOCHS}: loss {loss / max(1, len(data)):.3f}" + "\n")
    return weights, bias


def memory(chosen: tuple[str, ...]) -> dict[bytes, int]:
    """Return the keys of the packs' sentences; sentences with two labels are left out."""
    found: dict[bytes, set[int]] = {}
    for name in chosen:
        language = str(header(name)["language"])
        for sentence in sentences(name, "examples"):
            words = " ".join(token.text for token in tokens(normalise(sentence.text)) if not token.symbol)
            fixed = sentence.stated or sentence.act in ("review_rating", "review_text", "address_fragment")
            if words:
                key = memory_key(language, sentence.state if fixed else "", words)
                found.setdefault(key, set()).add(ACTS.index(sentence.act))
    return {key: min(labels) for key, labels in found.items() if len(labels) == 1}


def build(chosen: tuple[str, ...], say: bool = False) -> bytes:
    """Return the content of weights.bin for some packs."""
    data = rows(chosen)
    if say:
        sys.stderr.write(f"{len(data)} rows from {len(chosen)} packs" + "\n")
    weights, bias = fit(data, say)
    largest = max((abs(value) for act in weights for value in act), default=1.0) or 1.0
    # The largest weights are cut so that the many small ones keep their precision.
    scale = min(largest, 8.0) / 127
    kept = memory(chosen)
    keys = sorted(kept)
    head = {
        "acts": ACTS,
        "bias": [round(value, 4) for value in bias],
        "digest": digest(),
        "remembered": len(keys),
        "scale": round(scale, 6),
    }
    body = bytearray(json.dumps(head, sort_keys=True).encode() + b"\n")
    for act in weights:
        body += bytes(max(-127, min(127, round(value / scale))) & 0xFF for value in act)
    body += b"".join(keys) + bytes(kept[key] for key in keys)
    return bytes(body)


def train(say: bool = True) -> str:
    """Write weights.bin and cldr.json anew and return a line about them."""
    from bot.understanding import build_cldr, tables

    text = build_cldr.cldr()
    if not build_cldr.FILE.exists() or build_cldr.FILE.read_text(encoding="utf-8") != text:
        build_cldr.FILE.write_text(text, encoding="utf-8")
        tables.forget()
    data = build(names(), say)
    FILE.write_bytes(data)
    return f"{FILE.name}: {len(data)} bytes, blake2b {blake2b(data, digest_size=16).hexdigest()}"
