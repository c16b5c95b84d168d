"""What awaits the person who is signed in: the list where sign-in leads authors and approvers, and the bar's count."""

from flask import Blueprint, Response, render_template, request

from outreach.accounts import colleagues
from outreach.approvals import deputies
from outreach.days import ANSWERS_WITHIN
from outreach.db import Session
from outreach.roles import RoleName
from outreach.tasks import awaiting
from outreach.tasks.awaiting import TaskList
from outreach.tasks.task import TaskKind, Whose
from outreach.web import programmes
from outreach.web.alarms import alarms
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import actor, current_day, held_roles, needs, now, reading

pages = Blueprint("today", __name__, url_prefix="/today")


@pages.get("")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def index() -> str:
    with reading() as session:
        listed = _listed(session)
        stood_for = [
            (colleagues.name_of(session, one.absent), deputies.spelt(one))
            for one in deputies.of_deputy(session, actor(), current_day())
        ]
    return render_template(
        "pages/today/index.html",
        tasks=listed,
        kinds=TaskKind,
        kind=_kind(),
        text=sought(request),
        day=current_day(),
        within=ANSWERS_WITHIN,
        stood_for=stood_for,
        shown=Shown.of(request, listed, export=".export"),
    )


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def export(kind: str) -> Response:
    with reading() as session:
        return exports.download(_listed(session).table(), kind, "aujourd-hui")


def awaited(session: Session) -> int:
    """How much awaits the person who is signed in, alerts too, by one statement."""
    return awaiting.count(session, _whose(), now=now())


def _listed(session: Session) -> TaskList:
    return awaiting.listed(
        session,
        _whose(),
        alarms(session),
        now=now(),
        within=ANSWERS_WITHIN,
        kind=_kind(),
        programme=programmes.filtered(session),
        text=sought(request),
        sort=sorting(request),
    )


def _kind() -> TaskKind | None:
    return member(TaskKind, request.args.get("of"))


def _whose() -> Whose:
    return Whose(actor(), frozenset(held_roles()))
