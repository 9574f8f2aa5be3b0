"""Order lists handed in by a system: the same file, the same import, the same report as in the console."""

import hashlib

from flask import Response
from flask_openapi3 import Tag
from sqlmodel import Session, col, select

from bot.clock import now
from bot.models import Merchant, Upload
from bot.orders import report
from bot.orders import uploads as lists
from bot.orders.spreadsheet import SheetError
from bot.orders.uploads import UploadError
from bot.services import services
from bot.web import audit, tenant
from bot.web.api import keys, pages
from bot.web.api.blueprint import blueprint, needs
from bot.web.api.idempotency import answer
from bot.web.api.keys import caller
from bot.web.api.problems import refuse
from bot.web.api.schemas.fields import PageQuery, PostHeaders
from bot.web.api.schemas.uploads import (
    AddressesOut,
    ReportOut,
    RowProblem,
    UploadForm,
    UploadOut,
    UploadPath,
    UploadsPage,
)
from bot.web.protection import limiter

UPLOADS = Tag(name="Uploads", description="Order lists as files: CSV and XLSX.")

_TOLD = 1000


@blueprint.post("/uploads", tags=[UPLOADS], responses={201: UploadOut})
@limiter.limit("60 per hour", key_func=keys.who)
@needs("uploads:write")
def create_upload(header: PostHeaders, form: UploadForm) -> Response:
    """Hand in an order list

    The columns are found by their names. The same file again gives its first upload back.
    """
    content = form.file.read()
    name = form.file.filename or ""
    if not content:
        refuse(422, "empty", errors=[{"field": "file", "code": "empty", "reason": "The file is empty."}])

    def work(session: Session) -> tuple[int, UploadOut]:
        merchant = session.exec(select(Merchant)).one()
        try:
            with tenant.lifted(session):
                upload = lists.receive(session, merchant, name, content, at=now())
                if form.begin:
                    lists.begin(session, upload, now(), services().bell)
        except SheetError as error:
            refuse(422, error.code.lower(), str(error))
        session.flush()
        _note(session, "upload.received", upload, rows=upload.rows)
        return 201, _shown(upload)

    material = b"\0".join((name.encode("utf-8", "replace"), str(form.begin).encode(), hashlib.sha256(content).digest()))
    return answer(work, material)


@blueprint.get("/uploads", tags=[UPLOADS], responses={200: UploadsPage})
@needs("uploads:read")
def list_uploads(query: PageQuery) -> Response:
    """List order lists, newest first"""
    statement = select(Upload).order_by(col(Upload.id).desc()).limit(query.limit + 1)
    if place := pages.decode(query.cursor, int):
        statement = statement.where(col(Upload.id) < place[0])
    with tenant.reading(caller().merchant_id) as session:
        rows, following = pages.page(session.exec(statement).all(), query.limit, lambda upload: (upload.id or 0,))
    shown = UploadsPage(items=[_shown(row) for row in rows], next=following)
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.get("/uploads/<int:upload_id>", tags=[UPLOADS], responses={200: UploadOut})
@needs("uploads:read")
def get_upload(path: UploadPath) -> Response:
    """See how far an import has come"""
    with tenant.reading(caller().merchant_id) as session:
        shown = _shown(tenant.find(session, Upload, path.upload_id))
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.get("/uploads/<int:upload_id>/report", tags=[UPLOADS], responses={200: ReportOut})
@needs("uploads:read")
def get_report(path: UploadPath) -> Response:
    """Read what became of the rows"""
    with tenant.reading(caller().merchant_id) as session:
        upload = tenant.find(session, Upload, path.upload_id)
        told = report.of_upload(session, upload)
    addresses = told["addresses"]
    shown = ReportOut(
        **{name: told[name] for name in ("upload", "status", "error", "rows", "accepted", "skipped", "rejected")},
        columns=told["columns"],
        notes=told["notes"],
        **{
            name: [RowProblem(**_spelt(one)) for one in told[name][:_TOLD]]
            for name in ("problems", "skips", "warnings")
        },
        addresses=AddressesOut(
            ok=addresses["ok"], ask=addresses["ask"], hold=addresses["hold"], codes=dict(addresses["codes"])
        ),
    )
    return Response(shown.model_dump_json(), mimetype="application/json")


@blueprint.post("/uploads/<int:upload_id>/begin", tags=[UPLOADS], responses={200: UploadOut})
@needs("uploads:write")
def begin_upload(path: UploadPath, header: PostHeaders) -> Response:
    """Import a list that was only kept"""

    def work(session: Session) -> tuple[int, UploadOut]:
        upload = _locked(session, path.upload_id)
        if upload.status not in ("previewed", "importing"):
            refuse(409, "not_waiting", f"This list is {upload.status}: there is nothing to begin.")
        lists.begin(session, upload, now(), services().bell)
        _note(session, "upload.begun", upload, rows=upload.rows)
        return 200, _shown(upload)

    return answer(work)


@blueprint.post("/uploads/<int:upload_id>/undo", tags=[UPLOADS], responses={200: UploadOut})
@needs("uploads:write")
def undo_upload(path: UploadPath, header: PostHeaders) -> Response:
    """Take a list back, as long as none of its shoppers was asked"""

    def work(session: Session) -> tuple[int, UploadOut]:
        upload = _locked(session, path.upload_id)
        try:
            with tenant.lifted(session):
                lists.undo(session, upload, at=now())
        except UploadError as error:
            refuse(409, "too_late", str(error))
        return 200, _shown(upload)

    return answer(work)


def _locked(session: Session, upload_id: int) -> Upload:
    upload = session.exec(select(Upload).where(Upload.id == upload_id).with_for_update()).one_or_none()
    if upload is None:
        refuse(404)
    return upload


def _shown(upload: Upload) -> UploadOut:
    return UploadOut(**{name: getattr(upload, name) for name in UploadOut.model_fields})


def _spelt(problem: dict[str, object]) -> dict[str, object]:
    return {**problem, "value": str(problem.get("value", "")), "column": str(problem.get("column", ""))}


def _note(session: Session, act: str, upload: Upload, **detail: object) -> None:
    audit.record(
        session, act, member_id=None, merchant_id=upload.merchant_id, about=f"upload:{upload.id}", key=caller().prefix,
        **detail,
    )  # fmt: skip
