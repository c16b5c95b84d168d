"""The toy's pages."""

from flask import Blueprint, Response, render_template, request

from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.roles import RoleName
from outreach.directory.models import Federation
from outreach.web.ui.exports import download
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import needs, reading
from tests.toys import federations

pages = Blueprint("toys", __name__, url_prefix="/toys")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        shown = Shown.of(request, _listed(session), export=".export")
        return render_template("pages/toys/index.html", shown=shown, text=sought(request))


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    with reading() as session:
        return download(_listed(session).table(), kind, "federations")


def _listed(session: Session) -> QueryListing[Federation]:
    return federations.listed(session, text=sought(request), sort=sorting(request))
