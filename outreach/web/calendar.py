"""The calendar page: a month's sendings, the last days to answer them, and closed days."""

import re
from datetime import date, timedelta

from flask import Blueprint, render_template, request

from outreach.campaigns.schedule import calendar, sending_hours
from outreach.days import FIRST, LAST
from outreach.roles import RoleName
from outreach.web.ui.request import current_day, needs, reading

pages = Blueprint("calendar", __name__, url_prefix="/calendar")
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    this = current_day()
    month = _month(request.args.get("month", "")) or this.replace(day=1)
    with reading() as session:
        weeks = calendar.weeks(session, month)
        following = calendar.following(session, weeks)
    days = [day for week in weeks for day in week if day.is_of_month]
    return render_template(
        "pages/calendar/index.html",
        month=month,
        near=[near for near in _near(month) if FIRST <= near < LAST],
        today=this,
        weeks=weeks,
        days=days,
        following=following,
        caution=sending_hours.caution(month) if any(day.closing for day in days) else "",
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
