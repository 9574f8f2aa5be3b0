"""Order lists: hand one in, see what would happen, import it, read the report."""

from flask import Blueprint, render_template
from sqlmodel import col, select

from bot.models import Upload
from bot.web import live, tenant
from bot.web.access import MERCHANT, allow

blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")


@blueprint.get("")
@allow(MERCHANT)
def page() -> str:
    """Take a file, and list those that were handed in before."""
    state = live.state("uploads")
    with tenant.reading() as session:
        rows = session.exec(select(Upload).order_by(col(Upload.id).desc()).limit(50)).all()
    return render_template("uploads.html", uploads=rows, live=state)
