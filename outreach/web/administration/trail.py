"""The trail's page, for administrators: filters, pages, export."""

from flask import Blueprint, Response, render_template, request

from outreach.accounts import trail
from outreach.accounts.trail import MOST_EXPORTED, Filter, TrailKind
from outreach.days import parse_day
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting, words
from outreach.web.ui.request import needs, reading

pages = Blueprint("trail", __name__, url_prefix="/trail")


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    asked, refusals = _asked()
    with reading() as session:
        return render_template(
            "pages/trail/index.html",
            asked=asked,
            is_filtered=asked != Filter(),
            refusals=refusals,
            kinds=[(kind.value, kind.label) for kind in TrailKind],
            shown=Shown.of(request, trail.listed(session, asked, sorting(request)), export=".export"),
            most_exported=MOST_EXPORTED,
        )


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.ADMINISTRATOR)
def export(kind: str) -> Response:
    asked, _refusals = _asked()
    with reading() as session:
        table = trail.listed(session, asked, sorting(request)).table()
        return exports.download(table, kind, "journal-des-acces")


def _asked() -> tuple[Filter, dict[str, str]]:
    """The filter in the query, and for each date that is none a sentence; such a date is left out."""
    days, refusals = {}, {}
    for name in ("since", "until"):
        text = words(request.args, name, 40)
        try:
            days[name] = parse_day(text) if text else None
        except InputError as error:
            days[name], refusals[name] = None, str(error)
    kind = member(TrailKind, request.args.get("kind"))
    return Filter(kind, words(request.args, "person", 100), days["since"], days["until"]), refusals
