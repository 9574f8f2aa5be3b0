"""Check language packs: schema, contradictions, collisions with neighbours, and the packs' own tests.

python -m bot.understanding.packs_check ta-Latn
python -m bot.understanding.packs_check --all
python -m bot.understanding.packs_check --try ta-Latn "cancel panna vendam"
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator

from bot.understanding.normal import loose, normalise, plain, tokens
from bot.understanding.packs import Pack, PackError, load, names, sentences

# Classes that would reverse a decision if one form stood in both.
OPPOSITES = (
    ("YES", "NO"), ("OK", "NO"), ("RIGHT", "NO"), ("YES", "NOWANT"), ("OK", "NOWANT"), ("WANT", "NOWANT"), ("SEND",
    "CANCEL"),
    ("CONFIRM", "CANCEL"), ("YES", "CANCEL"), ("OK", "CANCEL"), ("KEEP", "CANCEL"), ("YES", "NEG"), ("OK", "NEG"),
    ("RIGHT", "NEG"), ("SEND", "NEG"), ("CONFIRM", "NEG"), ("RIGHT", "WRONG"), ("OPTOUT", "OPTIN"), ("CANCEL",
    "OPTOUT"),
    ("YES", "OPTOUT"), ("OK", "OPTOUT"), ("YES", "BUT"), ("OK", "BUT"), ("YES", "STOP"), ("CANCEL", "NEG"),
    ("CANCEL", "UNDO"),
)  # fmt: skip
NEEDED = ("YES", "OK", "NO", "NEG", "NOWANT", "BUT", "CANCEL", "UNDO", "SEND", "CONFIRM", "WANT", "OPTOUT", "FUNC",
"PLEASE",
          "ADDRESS", "CHANGE", "WRONG", "WHEN", "WHERE", "ARRIVE", "HOWMUCH", "NOTMINE", "DAMAGED", "RETURN",
          "HUMAN")  # fmt: skip
DECIDING = ("YES", "OK", "RIGHT", "NO", "NEG", "NOWANT", "CANCEL", "SEND", "CONFIRM", "WANT", "OPTOUT")
TESTS = {"dont_cancel": 5, "yes_but": 5, "opt_out": 5}
UNSAFE = {
    ("cancel", "confirm"), ("confirm", "cancel"), ("dont_cancel", "cancel"), ("yes_but", "confirm"),
    ("not_my_order", "confirm"),
    ("return_refund", "confirm"), ("change_address", "confirm"), ("reschedule", "confirm"),
}  # fmt: skip


def keys(form: str, romanised: bool) -> set[str]:
    """Return the keys under which a form will be found."""
    mark = "=" if form.startswith("=") else ""
    words = [token.text for token in tokens(normalise(form.lstrip("=")))]
    exact = " ".join(words)
    return {mark + exact, mark + " ".join(loose(plain(word), romanised) for word in words)}


def schema(pack: Pack) -> Iterator[str]:
    """Report missing classes, malformed forms, and forms in two classes that contradict each other."""
    for klass in NEEDED:
        if not any(pack.forms(klass)):
            yield f"lexicon.toml: {klass} is missing or empty"
    romanised = pack.script == "Latn" and pack.language not in ("en", "es", "pt", "id", "fil", "vi")
    found: dict[str, set[str]] = defaultdict(set)
    for klass in pack.lexicon:
        for form in pack.forms(klass):
            body = form.lstrip("=")
            if "-" in body and " " in body:
                yield f"lexicon.toml {klass}: {form!r} is a phrase with a hyphen; hyphens mark word parts only"
            if body.replace("-", "") == "":
                yield f"lexicon.toml {klass}: {form!r} has no letters"
            if "-" not in body and not tokens(normalise(body)):
                yield f"lexicon.toml {klass}: {form!r} leaves nothing after normalisation"
            # Marks left out in typing make words meet that an author cannot part: the grammar takes those as unclear.
            spelled = keys(form, romanised) if form.isascii() or pack.script != "Latn" else {form}
            for key in spelled if "-" not in body else {form}:
                found[key].add(klass)
    for key, classes in sorted(found.items()):
        for one, other in OPPOSITES:
            if one in classes and other in classes:
                yield f"lexicon.toml: {key!r} is in {one} and in {other}, which contradict each other"
    counts = Counter(sentence.act for sentence in sentences(pack.name, "tests"))
    negated = sum(s.act == "cancel" and s.slots.get("negated") == "true" for s in sentences(pack.name, "tests"))
    dated = sum(
        any(k.startswith(("date", "time", "part", "any")) for k in s.slots) for s in sentences(pack.name, "tests")
    )
    if counts.total() < 40:
        yield f"tests.txt: {counts.total()} sentences, at least 40 are needed"
    for act, least in TESTS.items():
        if counts[act] < least:
            yield f"tests.txt: {counts[act]} {act}, at least {least} are needed"
    if negated < 5:
        yield f"tests.txt: {negated} cancels with negated=true, at least 5 are needed"
    if dated < 10:
        yield f"tests.txt: {dated} sentences with a date or time slot, at least 10 are needed"
    trained = {normalise(sentence.text) for sentence in sentences(pack.name, "examples")}
    for sentence in sentences(pack.name, "tests"):
        if normalise(sentence.text) in trained and len(sentence.text.split()) > 2:
            yield f"tests.txt:{sentence.line}: {sentence.text!r} is also an example, so it tests nothing"
    rows = Counter(sentence.act for sentence in sentences(pack.name, "examples"))
    if rows.total() < 60:
        yield f"examples.txt: {rows.total()} sentences, at least 60 are needed (250 are good)"


def deciding(pack: Pack) -> dict[str, set[str]]:
    """Return key -> deciding classes of a pack, for the comparison with its neighbours."""
    romanised = pack.script == "Latn" and pack.language not in ("en", "es", "pt", "id", "fil", "vi")
    found: dict[str, set[str]] = defaultdict(set)
    for klass in DECIDING:
        for form in pack.forms(klass):
            if "-" not in form:
                for key in keys(form, romanised):
                    found[key.lstrip("=")].add(klass)
    return found


def collisions(pack: Pack, other: Pack) -> Iterator[str]:
    """Name the forms that decide one thing here and the opposite in a neighbour of the same script and region."""
    if pack.script != other.script or not (
        "*" in pack.regions + other.regions or set(pack.regions) & set(other.regions)
    ):
        return
    mine, theirs = deciding(pack), deciding(other)
    for key in sorted(set(mine) & set(theirs)):
        for one, two in OPPOSITES:
            for left, right in ((one, two), (two, one)):
                if left in mine[key] and right in theirs[key] and left not in theirs[key] and right not in mine[key]:
                    yield f"{key!r}: {left} in {pack.name}, {right} in {other.name}"


def failures(pack: Pack) -> Iterator[tuple[bool, str]]:
    """Run the pack's tests; yield (is it a safety error, description) for each failure."""
    from bot.understanding.trial import run

    for sentence in sentences(pack.name, "tests"):
        got, slots = run(sentence.text, sentence.state, pack)
        unsafe = (sentence.act, got) in UNSAFE or (sentence.act == "opt_out" and got not in ("opt_out", None))
        if got != sentence.act:
            yield unsafe, f"tests.txt:{sentence.line}: {sentence.text!r} read as {got}, not {sentence.act}"
            continue
        wrong = {k: (slots.get(k), v) for k, v in sentence.slots.items() if str(slots.get(k, "")).lower() != v.lower()}
        if wrong:
            yield (
                False,
                f"tests.txt:{sentence.line}: {sentence.text!r} slots "
                + ", ".join(f"{key} is {have}, not {want}" for key, (have, want) in wrong.items()),
            )


def say(line: object) -> None:
    """Write a line for the person at the terminal."""
    sys.stdout.write(f"{line}\n")


def report(name: str) -> int:
    """Print everything about one pack and return the number of errors (collisions are notes)."""
    try:
        pack = load(name)
        errors = list(schema(pack))
        for other in names():
            if other != name:
                for note in collisions(pack, load(other)):
                    say(f"  note: {note}")
    except PackError as problem:
        say(f"{name}: {problem}")
        return 1
    for error in errors:
        say(f"  error: {error}")
    total = sum(1 for _ in sentences(name, "tests"))
    failed = list(failures(pack))
    for unsafe, text in failed:
        say(f"  {'SAFETY' if unsafe else 'failed'}: {text}")
    bad = len(errors) + sum(unsafe for unsafe, _ in failed)
    count = sum(1 for klass in pack.lexicon for _ in pack.forms(klass))
    rows = sum(1 for _ in sentences(name, "examples"))
    say(f"{name}: {count} forms, {rows} examples, {total - len(failed)} of {total} tests pass, {bad} errors")
    return bad


def main(arguments: list[str]) -> int:
    """Run the check from the command line."""
    if arguments[:1] == ["--try"] and len(arguments) == 3:
        from bot.understanding.trial import explain, region_of

        say(explain(arguments[2], region_of(load(arguments[1]).name)))
        return 0
    if not arguments:
        say(__doc__)
        return 2
    chosen = names() if arguments == ["--all"] else arguments
    return 1 if sum(report(name) for name in chosen) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
