"""Single parts put into the lines of an address: a number over a number, all else where a label has it."""

from __future__ import annotations

import re

from bot.addresses.countries import habits
from bot.addresses.merge_work import PIN_QUESTIONS, Work
from bot.addresses.parts import Parts, latin, lower, read_parts
from bot.addresses.patterns import HOUSE_CUE, LANDMARK_WORD, STREET_WORDS
from bot.addresses.replies import DIRECTIONS, SENTENCE, Said
from bot.addresses.text import key, word_set, words

KINDS_IN_FRONT = (
    "care_of",
    "unit",
    "house_no",
    "floor",
    "tower",
    "wing",
    "building",
    "street",
    "sublocality",
    "locality",
)


def take_parts(work: Work, text: str, said: Said) -> bool:
    """Take the parts of an address out of some words, the asked one first; return whether there were any."""
    taken = False
    for line in text.split("\n"):
        taken = _take_line(work, line.strip(), said) or taken
    return taken


def _take_line(work: Work, text: str, said: Said) -> bool:
    if not text:
        return False
    if work.asked in PIN_QUESTIONS and re.fullmatch(r"[\d\s\-]{3,}", text):
        return False
    bare = re.fullmatch(
        r"(?:no\.?\s*|number\s*|#\s*)?([a-z]{0,3}\s?[-/]?\s?\d{1,5}[a-z]?(?:\s?[-/]\s?[\da-z]{1,5})*)", text, re.I
    )
    if bare and work.asked not in PIN_QUESTIONS:
        _put_house(work, text, "house_no", bare.group(1))
        return True
    taken = False
    kept: list[str] = []
    for piece in (p.strip() for p in re.split(r"[,;]", text)):
        if not piece:
            continue
        if LANDMARK_WORD.search(piece):
            head, mark = cut_landmark(piece)
            if _WHO_TAKES_IT.search(mark) and not head:
                taken = _append(work, "directions", said.as_written(mark)) or taken
                continue
            taken = _add_landmark(work, said.as_written(mark)) or taken
            if head and DIRECTIONS.search(head) and not _is_place(head):
                taken = _append(work, "directions", head) or taken
            elif head:
                kept.append(head)
        elif DIRECTIONS.search(piece) and not _is_place(piece):
            taken = _append(work, "directions", said.as_written(piece)) or taken
        else:
            kept.append(piece)
    for piece in kept:
        taken = _take_piece(work, piece, said) or taken
    return taken


#: People who take a parcel in are no landmark.
_WHO_TAKES_IT = re.compile(r"(?i)(?<![a-z])(?:guard|watchman|chowkidar|security|reception|padosi|neighbou?r)(?![a-z])")


def _is_place(piece: str) -> bool:
    found = read_parts(piece).found
    return bool({"house_no", "unit", "floor", "street", "sublocality"} & set(found)) and not re.match(
        r"(?i)gate", piece
    )


def cut_landmark(piece: str) -> tuple[str, str]:
    """Cut "house no 8/C near clock tower" into the front and the landmark."""
    match = LANDMARK_WORD.search(piece)
    if match is None or match.start() == 0 or match.end() >= len(piece) - 1:
        return "", piece
    head = re.sub(r"(?i)\s+(?:and|aur|&|or|with)$", "", piece[: match.start()].strip(" ,-"))
    if re.search(r"\d", head) or DIRECTIONS.search(head) or read_parts(head).found.keys() & {"building", "street"}:
        return head, piece[match.start() :].strip()
    return "", piece


def _take_piece(work: Work, piece: str, said: Said) -> bool:
    parts = read_parts(piece, work.address.city)
    strong = set(parts.found) & {
        "house_no",
        "unit",
        "floor",
        "tower",
        "wing",
        "street",
        "sublocality",
        "building",
        "village",
        "post",
        "care_of",
    }
    if work.asked == "ASK_LANDMARK" and not re.search(r"\d", piece) and not strong & {"building", "care_of", "village"}:
        return not SENTENCE.search(piece) and len(piece.split()) <= 6 and _add_landmark(work, said.as_written(piece))
    if not strong:
        if SENTENCE.search(piece) or said.other or len(piece.split()) > 6:
            return False
        if work.asked == "ASK_LANDMARK":
            return _add_landmark(work, said.as_written(piece))
        if work.asked not in ("ASK_HOUSE", "ASK_FULL") or not parts.found:
            return False
        if said.yes and len(piece.split()) < 2:
            return False
    if SENTENCE.search(piece) and not strong & {"house_no", "unit", "building"}:
        return False
    _put_front(work, piece, parts, said)
    return True


def _append(work: Work, name: str, piece: str) -> bool:
    present = getattr(work.address, name)
    if (
        set(words(piece)) <= set(words(present))
        and set(re.findall(r"\d+", piece)) <= set(re.findall(r"\d+", present))
        and present
    ):
        return True
    work.set(**{name: f"{present}; {piece}".strip("; ")})
    return True


_MARK_WORDS = word_set(
    "near nr opp opposite behind beside next to in front of ke k ki paas pas samne saamne piche peeche bagal "
    "the me main is landmark adjacent"
)


def _add_landmark(work: Work, mark: str) -> bool:
    """Append a landmark, unless the same one already stands there in other words."""
    changing = re.match(
        r"(?i)(?:landmark\s+)?(?:change|badal\w*|update)\b[^:]*:\s*|landmark\s+(?:change|badal)\w*\s+\w+\s*:?\s*", mark
    )
    if changing:
        work.set(landmark="")
        mark = mark[changing.end() :]
    mark = re.sub(r"(?i)^landmark\s*(?:is|:|-)?\s*", "", mark).strip(" ,.-")
    mark = re.sub(r"(?i)^(?:add|likh\w*|daal\w*)(?:\s+(?:kar\w*|do|lo))?\s*[:,-]?\s+(?=\S)", "", mark)
    # "Wo bada ped hai na uske samne" is "bada ped ke samne".
    mark = re.sub(r"(?i)^(?:wo|woh|vo|jo|wahan|waha)\s+(?=\S+\s+\S)", "", mark)
    mark = re.sub(r"(?i)\s+hai\s+(?:na\s+)?us\s?k([ei])\s+", r" k\1 ", mark)
    bare = set(words(latin(mark))) - _MARK_WORDS
    if not bare:
        return False
    for present in (p for p in re.split(r";", work.address.landmark) if p.strip()):
        known = set(words(latin(present))) - _MARK_WORDS
        if known and (bare <= known or known <= bare):
            if len(known) < len(bare):
                work.set(landmark=work.address.landmark.replace(present.strip(), mark))
            work.facts = True
            return True
    work.set(landmark=f"{work.address.landmark}; {mark}".strip("; "))
    return True


def _present_parts(work: Work) -> Parts:
    """Read the parts of the present line; where numbers lead, "Al Barsha 2" has no house number."""
    line = latin(work.address.address1)
    parts = read_parts(line, work.address.city)
    number = parts.first("house_no")
    if number and not habits(work.address.country.upper() or "IN").country.number_follows:
        leads = re.search(rf"(?:^|,)\s*#?{re.escape(number)}(?!\w)", line, re.I)
        if not leads and not HOUSE_CUE.search(lower(line)):
            del parts.found["house_no"]
    return parts


def _put_house(work: Work, piece: str, kind: str, value: str) -> None:
    """Put a number where the old one stood, or in front of the line."""
    line = work.address.address1
    old = _present_parts(work)
    number = old.first(kind) or (old.first("house_no", "unit") if re.fullmatch(r"[\W\d]*\d[\w/\-]*", piece) else "")
    if number and key(number) + number != "":
        found = re.search(rf"(?<![\w/\-]){re.escape(number)}(?![\w/\-])", line, re.I)
        if found:
            work.set(address1=line[: found.start()] + value + line[found.end() :])
            work.facts = True
            return
    work.set(address1=f"{piece}, {line}".strip(", "))


def _put_front(work: Work, piece: str, parts: Parts, said: Said) -> None:
    """Put a piece into the line: numbers over numbers, all else in front, behind what already leads."""
    line = work.address.address1
    present = _present_parts(work)
    for kind in ("house_no", "unit", "floor", "tower", "wing"):
        new, old = parts.first(kind), present.first(kind)
        if new and old and new.lower() != old.lower():
            found = re.search(rf"(?<![\w/\-]){re.escape(old)}(?:st|nd|rd|th)?(?![\w/\-])", line, re.I)
            if found:
                line = line[: found.start()] + new + line[found.end() :]
                piece = re.sub(
                    rf"(?i)(?:\b[a-z.]+\s*(?:no)?\.?\s*)?{re.escape(new)}\w*(?:\s*floor)?", " ", piece, count=1
                ).strip(" ,")
    if not words(piece) and not re.search(r"\d", piece):
        work.set(address1=line)
        work.facts = True
        return
    if set(words(piece)) | set(re.findall(r"\d+", piece)) <= set(words(line)) | set(re.findall(r"\d+", line)):
        work.set(address1=line)
        work.facts = True
        return
    head, tail = _split_at(line, parts)
    work.set(address1=", ".join(p for p in (head, said.as_written(piece), tail) if p))


def _split_at(line: str, parts: Parts) -> tuple[str, str]:
    """Split a line where a new piece belongs: behind the pieces of kinds that come before it on a label."""
    rank = min((KINDS_IN_FRONT.index(k) for k in parts.found if k in KINDS_IN_FRONT), default=len(KINDS_IN_FRONT))
    pieces = [p.strip() for p in line.split(",") if p.strip()]
    n = 0
    while n < len(pieces):
        kinds = [KINDS_IN_FRONT.index(k) for k in read_parts(latin(pieces[n])).found if k in KINDS_IN_FRONT[:7]]
        if not kinds or min(kinds) >= rank or not STREET_WORDS.isdisjoint(words(pieces[n])):
            break
        n += 1
    return ", ".join(pieces[:n]), ", ".join(pieces[n:])
