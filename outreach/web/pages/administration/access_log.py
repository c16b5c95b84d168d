"""The trail's page, for administrators: filters, pages, export."""

from flask import Blueprint, render_template, request

from outreach.access import accounts
from outreach.access.accounts import MOST_EXPORTED, AccessLogEntry, Filter, TrailKind
from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.web.shared.list_files import has_files
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
            shown=Shown.of(request, _listed(session), export=".export"),
            most_exported=MOST_EXPORTED,
        )


@has_files(pages, "/export", "journal-des-acces", RoleName.ADMINISTRATOR)
def _listed(session: Session) -> QueryListing[AccessLogEntry]:
    return accounts.list_access(session, _asked()[0], sorting(request))


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
