"""The calendar: a page of a month's sendings, last days to answer and closed days, and a person's own feed of them."""

import re
from datetime import date, timedelta

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.accounts import LogLine, TrailKind
from outreach.access.scopes import scoped_database
from outreach.campaigns import planning
from outreach.core.text.dates import FIRST, LAST
from outreach.core.text.roles import RoleName
from outreach.operations import tasks
from outreach.web.shared import programmes
from outreach.web.sign_in.second_factor import blueprint
from outreach.web.ui.request import actor, current_day, database, end_reading, is_scoped, needs, now, reading, settings

pages = Blueprint("calendar", __name__)
LONGEST_KEY = 100
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@pages.get("/calendar")
@needs(RoleName.READER)
def index() -> str:
    this = current_day()
    month = _month(request.args.get("month", "")) or this.replace(day=1)
    with reading() as session:
        only = planning.concerned_waves(session, now=now()) if is_scoped() else None
        programme = programmes.filtered(session)
        weeks = planning.calendar_weeks(session, month, only, programme)
        following = planning.next_entry(session, weeks, only, programme)
    days = [day for week in weeks for day in week if day.is_of_month]
    return render_template(
        "pages/calendar/index.html",
        month=month,
        near=[near for near in _near(month) if FIRST <= near < LAST],
        today=this,
        weeks=weeks,
        days=days,
        following=following,
        caution=planning.calendar_caution(month) if any(day.closing for day in days) else "",
        is_list=request.args.get("view") == "list",
    )


def _month(asked: str) -> date | None:
    """The first day of a month written `YYYY-MM`, or None when it is no month of this century."""
    match = MONTH.fullmatch(asked)
    month = date(int(match[1]), int(match[2]), 1) if match and match[1] != "0000" else None
    return month if month and FIRST <= month < LAST else None


def _near(month: date) -> list[date]:
    """The first days of the previous and of the next month."""
    return [(month - timedelta(days=1)).replace(day=1), (month + timedelta(days=31)).replace(day=1)]


@pages.get("/calendar.ics")
def feed() -> Response:
    """The calendar of whoever holds the key: a calendar program, which cannot sign in."""
    with reading() as session:
        person = accounts.person_of(session, request.args.get("key", "")[:LONGEST_KEY])
        if person is None:
            said = "Cette adresse d’agenda ne vaut pas, ou plus. Faites-en une autre dans « Mon compte ».\n"
            return Response(said, 404, mimetype="text/plain")
        scope = accounts.account_numbered(session, person.id).access_scope
        told = tasks.feed_events(session, person, now=now()) if scope is None else []
    if scope is not None:
        end_reading()
        with scoped_database(database(), scope).reading() as session:
            told = tasks.feed_events(session, person, only=planning.concerned_waves(session, now=now()), now=now())
    written = tasks.write_feed(told, settings().address)
    response = Response(written, mimetype=tasks.MEDIA_TYPE)
    response.add_etag()
    response.make_conditional(request)
    return response


@pages.post("/account/calendar")
@needs(RoleName.READER)
def make_key() -> str | tuple[str, int]:
    """Make the address of the person's feed, and show it: the only time that it can be read."""
    if asked := blueprint.asked_first(url_for("account.index")):
        return asked
    with database().writing() as session:
        key = accounts.make_calendar_key(session, current_user.id, now=now())
        accounts.add_access_lines(session, [LogLine(now(), TrailKind.FEED_MADE, actor())])
    return render_template("pages/account/calendar.html", address=f"{settings().address}/calendar.ics?key={key}")


@pages.post("/account/calendar/end")
@needs(RoleName.READER)
def end_key() -> Redirect:
    with database().writing() as session:
        accounts.end_calendar_key(session, current_user.id)
    flash("Votre adresse d’agenda ne vaut plus.", "success")
    return redirect(url_for("account.index"))
