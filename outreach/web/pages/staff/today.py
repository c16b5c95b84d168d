"""What awaits the person who is signed in: the list where sign-in leads authors and approvers, and the bar's count."""

from datetime import date, timedelta
from functools import partial

from flask import Blueprint, render_template

from outreach.access import approvals, colleagues
from outreach.adherence import situation
from outreach.adherence.situation import Reading
from outreach.campaigns import planning
from outreach.campaigns.planning import Audiences, closed_office, end_of
from outreach.core.db import Session
from outreach.core.text.dates import ANSWERS_WITHIN, today
from outreach.core.text.roles import RoleName
from outreach.operations import tasks
from outreach.operations.tasks import TaskKind, Whose, group_tasks
from outreach.web.shared import programmes
from outreach.web.shared.alerts import alarms
from outreach.web.ui.request import actor, current_day, held_roles, needs, now, reading

pages = Blueprint("today", __name__, url_prefix="/today")
WEEK = timedelta(days=6)
FARTHEST = 60  # days back to the last one on which offices were open


@pages.get("")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def index() -> str:
    day = current_day()
    with reading() as session:
        programme = programmes.filtered(session)
        shown = alarms(session)
        listed = tasks.list_tasks(session, _whose(), shown, now=now(), within=ANSWERS_WITHIN, programme=programme)
        stood_for = [
            (colleagues.name_of(session, one.absent), approvals.delegation_in_words(one))
            for one in approvals.of_deputy(session, actor(), day)
        ]
        leaving = planning.coming_departures(session, now(), programme)
        before = _last_working_day(session, day)
        among = partial(programmes.offered, session) if programme is None else lambda: [programme]
        since = situation.since(session, among, before, day)
    rows = group_tasks(listed.tasks)
    week = [wave for wave in leaving if today(wave.at) <= day + WEEK]
    return render_template(
        "pages/today/index.html",
        rows=[row for row in rows if row.kind is not TaskKind.MAILBOX],
        beside=[row for row in rows if row.kind is TaskKind.MAILBOX],
        waits=sum(task.kind is not TaskKind.MAILBOX for task in listed.tasks) + listed.more,
        more=listed.more,
        day=day,
        week=week,
        following=leaving[len(week)] if len(leaving) > len(week) else None,
        stood_for=stood_for,
        before=before,
        since=since,
        CONCERNED=situation.CONCERNED,
    )


def _last_working_day(session: Session, day: date) -> Reading:
    """The end of the last day before this one on which offices were open, as it was known then."""
    added = planning.in_force(session)
    days = (day - timedelta(days=number) for number in range(1, FARTHEST))
    last = next((one for one in days if not closed_office(one, [Audiences.ADMINISTRATION], added)), day - WEEK)
    return Reading(last, end_of(last).replace(microsecond=0))


def awaited(session: Session) -> int:
    """How much awaits the person who is signed in, alerts too, by one statement."""
    return tasks.count_tasks(session, _whose(), now=now())


def _whose() -> Whose:
    return Whose(actor(), frozenset(held_roles()))
