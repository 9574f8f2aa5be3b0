"""Write cldr.json: the names of weekdays and months that CLDR knows for each pack.

Babel holds whole locales in memory, which the reader of messages does not need; the names alone are 20 KB.
"""

import json

from bot.understanding.packs import FOLDER, scopes

FILE = FOLDER.with_name("cldr.json")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def cldr() -> str:
    """Return the text of cldr.json for the packs in native scripts and the European and Malay ones."""
    from babel import Locale, UnknownLocaleError

    result: dict[str, dict[str, dict[str, list[str]]]] = {}
    for name, language, script, _ in scopes():
        try:
            locale = Locale.parse(language)
        except UnknownLocaleError:
            continue
        wide = locale.months["format"]["wide"][1]
        if script == "Latn" and not wide.isascii():
            continue
        if script != "Latn" and wide.isascii():
            continue
        tables: dict[str, dict[str, set[str]]] = {"weekdays": {}, "months": {}}
        for use in ("format", "stand-alone"):
            for number, key in enumerate(_DAYS):
                tables["weekdays"].setdefault(key, set()).add(locale.days[use]["wide"][number])
            for number, key in enumerate(_MONTHS, 1):
                tables["months"].setdefault(key, set()).add(locale.months[use]["wide"][number])
        result[name] = {
            table: {key: sorted(v.lower() for v in rows[key]) for key in rows} for table, rows in tables.items()
        }
    return json.dumps(result, ensure_ascii=False, indent=0, sort_keys=True) + "\n"
