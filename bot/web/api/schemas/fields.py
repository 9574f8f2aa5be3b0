"""The kinds of values that calls share, and what all have: pages, errors, the key that makes a call safe to repeat."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

KEPT_HOURS = 48
KEPT_FOR = timedelta(hours=KEPT_HOURS)
LARGEST_ID = 2**31 - 1
_ISO = re.compile(r"^\d{4}-\d\d-\d\d($|[Tt])")
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def clean(value: Any) -> Any:
    """Leave out of a text what databases refuse: NUL and halves of characters."""
    return value.replace("\0", "").encode("utf-8", "ignore").decode() if isinstance(value, str) else value


def _spelt(value: Any) -> Any:
    """Take days and instants as ISO 8601 spells them and not as numbers, which somebody would send by mistake."""
    if not isinstance(value, str) or not _ISO.match(value):
        raise ValueError("must be spelt as ISO 8601 does, such as 2026-03-08T10:00:00Z")
    return value


def _within(moment: datetime) -> datetime:
    """Bring an instant to where arithmetic with it cannot fail."""
    return min(max(moment, _FIRST), _LAST)


Text = Annotated[str, BeforeValidator(clean), StringConstraints(max_length=500)]
Short = Annotated[str, BeforeValidator(clean), StringConstraints(max_length=100)]
Name = Annotated[str, BeforeValidator(clean), StringConstraints(min_length=1, max_length=100)]
Moment = Annotated[AwareDatetime, BeforeValidator(_spelt), AfterValidator(_within)]
Day = Annotated[date, BeforeValidator(_spelt), Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Amount = Annotated[
    int, Field(strict=True, ge=0, le=10**13, description="In minor units of the currency: 79900 is 799.00 rupees.")
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217.")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1 alpha-2.")]


class Given(BaseModel):
    """What callers send: nothing that is not known, because a misspelt field would be lost without a word."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class FieldProblem(BaseModel):
    """One thing that is wrong with one field."""

    field: str
    code: str
    reason: str


class Problem(BaseModel):
    """What was wrong, where, and what to do."""

    type: str
    title: str
    status: int
    code: str = Field(description="For programs.")
    detail: str = Field(description="For people.")
    errors: list["FieldProblem"] = Field(default=[])
    order_id: int | None = Field(default=None, description="The order that is in the way.")


class PostHeaders(BaseModel):
    """Headers of calls that change something."""

    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")] | None = (
        Field(
            default=None,
            alias="Idempotency-Key",
            description=f"Any text of yours, such as a UUID. The same call with the same key within {KEPT_HOURS} hours "
            "does its work once and gets the same answer; another call with it is refused with 422.",
        )
    )


class PageQuery(Given):
    """Which page."""

    cursor: Short | None = Field(default=None, description="`next` of the page before; without it, the first page.")
    limit: int = Field(default=50, ge=1, le=200)
