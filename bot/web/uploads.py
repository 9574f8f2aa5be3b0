"""Order lists: hand one in, see what would happen, import it, read the report, take it back."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Text, cast
from sqlmodel import Session, and_, col, select
from werkzeug.wrappers import Response

from bot.clock import now
from bot.database import row_id
from bot.models import Merchant, Order, Upload, UploadRow
from bot.orders import export
from bot.orders import uploads as lists
from bot.orders.export import NothingToExport
from bot.orders.judging import Judged
from bot.orders.rules import Rules
from bot.orders.spreadsheet import Problem, SheetError
from bot.orders.uploads import Preview, UploadError
from bot.services import services
from bot.talk.start import ask_time
from bot.web import audit, explanations, live, tenant
from bot.web.access import MERCHANT, allow, me, my_shop
from bot.web.labels import COLUMNS
from bot.web.protection import limiter

blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")

_MIME = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_ROWS = 50
_SHOWN = 12
"""Orders of a preview that are shown; the others are counted."""
_SOME_CHOICE = {"landmark": ()}
"""With any choice of the merchant's a list is kept although columns are missing: they are chosen on the next page."""


@blueprint.get("")
@allow(MERCHANT)
def page() -> str:
    """Take a file, and list those that were handed in before."""
    return _page()


@blueprint.post("")
@allow(MERCHANT)
@limiter.limit("60 per hour")
def receive() -> str | Response:
    """Keep a file and show what it would do."""
    file = request.files.get("file")
    content = file.read() if file else b""
    if file is None or not content:
        flash(_("Choose a file first."), "act")
        return redirect(url_for("uploads.page"))
    try:
        upload_id = _keep(file.filename or "", content)
    except SheetError as error:
        return make_response(_page(explanations.problem(str(error), error.code)), 422)
    return redirect(url_for("uploads.one", id=upload_id))


@blueprint.get("/<int:id>")
@allow(MERCHANT)
def one(id: int) -> str:  # noqa: A002
    """Show a list as far as it has come: preview, progress, or report."""
    state = live.state(f"upload:{id}")
    with tenant.reading() as session:
        upload = tenant.find(session, Upload, id)
        merchant = session.get_one(Merchant, upload.merchant_id)
        rows, older = _rows(session, upload)
    if upload.status == "previewed" and upload.content is not None:
        return _preview(upload, merchant, state)
    return render_template("upload.html", upload=upload, rows=rows, older=older, shown=_wanted_rows(), live=state)


@blueprint.post("/<int:id>/columns")
@allow(MERCHANT)
def columns(id: int) -> Response:  # noqa: A002
    """Read the list anew with the columns that the merchant has chosen."""
    chosen: dict[str, tuple[int, ...]] = {}
    for field in COLUMNS:
        given = request.form.get(field, "")
        if given.isdecimal() and len(given) < 6:
            chosen[field] = (int(given),)
        elif given == "none":
            chosen[field] = ()
    with tenant.writing() as session:
        upload = tenant.find(session, Upload, id)
        if upload.status != "previewed" or upload.content is None:
            abort(409)
        kept = {name: tuple(places) for name, places in upload.mapping.items()}
        merchant = session.get_one(Merchant, upload.merchant_id)
        try:
            with tenant.lifted(session):
                lists.receive(
                    session, merchant, upload.filename, upload.content, at=now(), member_id=me().id,
                    columns={**kept, **chosen},
                )  # fmt: skip
        except SheetError as error:
            flash(explanations.problem(str(error), error.code), "bad")
    return redirect(url_for("uploads.one", id=id))


@blueprint.post("/<int:id>/begin")
@allow(MERCHANT)
def begin(id: int) -> Response:  # noqa: A002
    """Import the list."""
    with tenant.writing() as session:
        upload = tenant.find(session, Upload, id, lock=True)
        lists.begin(session, upload, now(), services().bell)
        _note(session, "upload.begun", upload, rows=upload.rows)
    return redirect(url_for("uploads.one", id=id))


@blueprint.post("/<int:id>/undo")
@allow(MERCHANT)
def undo(id: int) -> Response:  # noqa: A002
    """Take the list back, as long as nobody was asked."""
    try:
        with tenant.writing() as session:
            upload = tenant.find(session, Upload, id)
            with tenant.lifted(session):
                gone = lists.undo(session, upload, at=now(), member_id=me().id)
    except UploadError as error:
        flash(_too_late(error.asked), "bad")
        return redirect(url_for("uploads.one", id=id))
    flash(_("The list was taken back; %(n)s orders are gone and nobody is asked.", n=gone), "good")
    return redirect(url_for("uploads.page"))


@blueprint.get("/<int:id>/file/<any(decisions, shiprocket):what>")
@allow(MERCHANT)
@limiter.limit("60 per hour")
def download(id: int, what: str) -> Response:  # noqa: A002
    """Give the list back: with the decisions beside its own columns, or as a courier takes it."""
    out = TemporaryFile()  # noqa: SIM115 - send_file closes it when it was sent.
    with tenant.reading() as session:
        upload = tenant.find(session, Upload, id)
        merchant = session.get_one(Merchant, upload.merchant_id)
        try:
            if what == "decisions":
                kind = export.export_same(session, merchant, out, upload_id=id)
            else:
                kind = "csv"
                export.export_shiprocket(session, merchant, out, upload_id=id)
        except NothingToExport:
            flash(_("No imported order list was found: import one first."), "act")
            return redirect(url_for("uploads.one", id=id))
    with tenant.writing() as session:
        _note(session, "upload.downloaded", upload, what=what)
    out.seek(0)
    stem = upload.filename.rsplit(".", 1)[0]
    return send_file(out, mimetype=_MIME[kind], as_attachment=True, download_name=f"{stem} {what}.{kind}")


def _too_late(asked: int) -> str:
    if not asked:
        return _("The list is still being imported: wait until it is done.")
    return ngettext(
        "%(num)s of its shoppers was asked already: cancel single orders instead.",
        "%(num)s of its shoppers were asked already: cancel single orders instead.",
        asked,
    )


@dataclass(frozen=True)
class Asked:
    """One order of a preview, and when its shopper would be asked."""

    judged: Judged
    at: datetime | None
    place: str


def _keep(filename: str, content: bytes) -> int:
    with tenant.writing() as session:
        merchant = tenant.find(session, Merchant, my_shop().id)
        with tenant.lifted(session):
            try:
                upload = lists.receive(session, merchant, filename, content, at=now(), member_id=me().id)
            except SheetError as error:
                if error.code != "COLUMN_MISSING":
                    raise
                upload = lists.receive(
                    session, merchant, filename, content, at=now(), member_id=me().id, columns=_SOME_CHOICE
                )
        if upload.status != "previewed":
            flash(_("This file was handed in before; here is what became of it."), "act")
        else:
            _note(session, "upload.received", upload, rows=upload.rows)
        return row_id(upload)


def _page(problem: str = "") -> str:
    state = live.state("uploads")
    with tenant.reading() as session:
        rows = session.exec(select(Upload).order_by(col(Upload.id).desc()).limit(_ROWS)).all()
    return render_template("uploads.html", uploads=rows, problem=problem, live=state)


def _preview(upload: Upload, merchant: Merchant, state: dict[str, str]) -> str:
    preview, problem = None, ""
    try:
        preview = _read(upload, merchant)
    except SheetError as error:
        problem = explanations.problem(str(error), error.code)
    missing = [name for name in ("reference", "phone") if not upload.mapping.get(name)]
    if not any(upload.mapping.get(name) for name in ("amount", "cod_amount", "item_price", "packed_item")):
        missing.append("amount")
    return render_template(
        "upload_preview.html", upload=upload, preview=preview, problem=problem, missing=missing, live=state,
        asked=_asked(preview, merchant) if preview else [], samples=_samples(preview), columns=COLUMNS,
        remarks=_remarks(preview) if preview else [],
        connected=merchant.channel_id is not None, missing_names=", ".join(str(COLUMNS[name]) for name in missing),
    )  # fmt: skip


def _read(upload: Upload, merchant: Merchant) -> Preview:
    """Judge the list with the columns that were chosen, and with what was guessed when nobody has chosen."""
    content, chosen = upload.content or b"", {name: tuple(places) for name, places in upload.mapping.items()}
    with suppress(SheetError):
        guessed = lists.preview(content, merchant, at=now())
        titles = {
            field: tuple(upload.header[place] for place in places if 0 <= place < len(upload.header))
            for field, places in chosen.items()
        }
        if {field: names for field, names in titles.items() if names} == dict(guessed.columns):
            return guessed
    return lists.preview(content, merchant, at=now(), columns=chosen)


def _asked(preview: Preview, merchant: Merchant) -> list[Asked]:
    rules, zone, at = Rules.from_json(merchant.rules), ZoneInfo(merchant.timezone), now()
    shown = []
    for judged in preview.orders[:_SHOWN]:
        draft = judged.parsed.draft
        if draft is None:
            continue
        order = Order(
            merchant_id=row_id(merchant), reference=draft.reference, placed_at=draft.placed_at,
            cutoff_at=rules.next_cutoff(at, zone), created_at=at, updated_at=at,
        )  # fmt: skip
        place = " ".join(part for part in (draft.address.city, draft.address.postal_code) if part)
        shown.append(Asked(judged, ask_time(order, rules, zone, at), place))
    return shown


@dataclass(frozen=True)
class Remark:
    """One thing that was found in a column, in however many rows."""

    column: str
    reason: str
    value: str
    rows: tuple[int, ...]


def _remarks(preview: Preview) -> list[Remark]:
    """What was found, the same of many rows told once; the rarest first, because they are the surprises."""
    found: dict[tuple[str, str], list[Problem]] = {}
    for problem in preview.problems:
        said = explanations.problem(problem.reason, problem.code)
        found.setdefault((problem.column, said), []).append(problem)
    remarks = [
        Remark(column, reason, some[0].value, tuple(problem.row for problem in some))
        for (column, reason), some in found.items()
    ]
    return sorted(remarks, key=lambda remark: (len(remark.rows), remark.rows))


def _samples(preview: Preview | None) -> dict[int, str]:
    """The first value of each column, so that a person sees what is in it."""
    samples: dict[int, str] = {}
    for judged in preview.orders[:5] if preview else ():
        for row in judged.parsed.rows:
            for place, cell in enumerate(row.cells):
                if str(cell).strip():
                    samples.setdefault(place, str(cell).strip()[:60])
    return samples


def _wanted_rows() -> str:
    shown = request.args.get("rows", "rejected")
    return shown if shown in ("rejected", "skipped", "repaired") else "rejected"


def _rows(session: Session, upload: Upload) -> tuple[Sequence[UploadRow], int | None]:
    """One page of the rows that something is to be said about."""
    shown, after = _wanted_rows(), request.args.get("after", 0, type=int)
    repaired = and_(col(UploadRow.status) == "accepted", cast(col(UploadRow.problems), Text) != "[]")
    rows = session.exec(
        select(UploadRow)
        .where(UploadRow.upload_id == upload.id, col(UploadRow.row_number) > min(max(after, 0), 2**31 - 1))
        .where(repaired if shown == "repaired" else col(UploadRow.status) == shown)
        .order_by(col(UploadRow.row_number))
        .limit(_ROWS + 1)
    ).all()
    return rows[:_ROWS], rows[_ROWS - 1].row_number if len(rows) > _ROWS else None


def _note(session: Session, act: str, upload: Upload, **detail: object) -> None:
    audit.record(session, act, member_id=me().id, merchant_id=upload.merchant_id, about=f"upload:{upload.id}", **detail)
