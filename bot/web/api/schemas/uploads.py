"""Order lists, as they are taken and given."""

from datetime import datetime
from typing import Literal

from flask_openapi3 import FileStorage
from pydantic import BaseModel, Field

from bot.models.orders import UPLOAD_STATUSES
from bot.web.api.schemas.fields import Given, Id

UploadStatus = Literal[UPLOAD_STATUSES]  # type: ignore[valid-type]


class UploadPath(Given):
    upload_id: Id


class UploadForm(Given):
    """An order list."""

    file: FileStorage = Field(description="CSV or XLSX, of Shopify, WooCommerce, Shiprocket or any shop; up to 50 MB.")
    begin: bool = Field(default=True, description="Whether to import it at once, or only keep it to be looked at.")


class UploadOut(BaseModel):
    id: int
    filename: str
    format: str
    status: UploadStatus
    rows: int
    done: int
    accepted: int
    skipped: int
    rejected: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class UploadsPage(BaseModel):
    items: list[UploadOut]
    next: str | None


class RowProblem(BaseModel):
    """What was wrong with one cell."""

    row: int
    column: str
    value: str
    code: str
    reason: str


class AddressesOut(BaseModel):
    """Addresses by what they need (nothing, one question, a person), and how often each finding was made."""

    ok: int
    ask: int
    hold: int
    codes: dict[str, int]


class ReportOut(BaseModel):
    """What became of an order list; the lists name the first 1,000 cells each."""

    upload: int
    status: UploadStatus
    error: str | None
    rows: int
    accepted: int
    skipped: int
    rejected: int
    columns: dict[str, list[str]]
    notes: list[str]
    problems: list[RowProblem]
    skips: list[RowProblem]
    warnings: list[RowProblem]
    addresses: AddressesOut
