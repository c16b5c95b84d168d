"""The situation page: adherence by network, zone, province or federation on any day, its sentences and its file."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Response, render_template, request
from flask_login import current_user
from markupsafe import Markup, escape

from outreach.adherence import situation
from outreach.adherence.models import Programme
from outreach.adherence.situation import Bucket, Grouping, Situation, Solicitation
from outreach.campaigns import planning, results, waves
from outreach.campaigns.results import MOST_TOLD, Actions, WaveAction
from outreach.core import site
from outreach.core.db import Session
from outreach.core.settings import Mode
from outreach.core.site import StatementKind
from outreach.core.tables import InMemoryListing
from outreach.core.text.errors import NotFound
from outreach.core.text.roles import RoleName
from outreach.directory import authorities
from outreach.directory.authorities import Filters, ReachFilter
from outreach.directory.models import Level
from outreach.engagement import replies
from outreach.engagement.replies import Tray
from outreach.operations import backups
from outreach.operations.demo import steps
from outreach.reports import notes
from outreach.reports.notes import About
from outreach.staff import notifications
from outreach.web.pages.adherence import charts, tables, why
from outreach.web.pages.adherence.asked import (
    AskedSituation,
    asked,
    chosen_groups,
    pages,
    shown_strand,
    spelt_day,
    surely_asked,
    toggled,
)
from outreach.web.pages.adherence.tables import file_name, spelt_moment
from outreach.web.shared import programmes
from outreach.web.shared.alerts import alarms
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import current_day, is_scoped, needs, now, reading, settings

A_NUMBER = re.compile(r"[\d\u202f]+(?= des \d)|(?<= des )[\d\u202f]+|[\d,]+[\u202f\xa0]%")
MOST_ACTIONS = 5  # done, and as many planned; their own page has all
MOST_REACHED = 1  # campaign of which the answer says whom it reached, the latest; the page of actions has them


@pages.get("/")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        try:
            programme = programmes.shown(session)
        except NotFound:
            if programmes.offered(session):
                raise  # its address names another
            fields: dict[str, Any] = {"alarms": [], "unwritten": [], "restores": []}
            if not is_scoped():
                fields = {"alarms": alarms(session), "unwritten": _unwritten(session), "restores": _restores(session)}
            return render_template("pages/situation/empty.html", **fields)
        about = asked(session)
        found = situation.count_situation(
            session, programme, about.day, known_at=about.known_at, by=about.by, listed=about.listed
        )
        points = situation.joining_curve(session, programme, about.day, known_at=about.known_at)
        chosen, strand = chosen_groups(about.by), shown_strand(programme, about.day)
        answering = bool(chosen) or "answer" in request.args
        acted = _acted(session, programme, about, MOST_ACTIONS, told_reached=MOST_REACHED if answering else 0)
        first, *others = situation.situation_sentences(found, [strand])
        return render_template(
            "pages/situation/index.html",
            programme=programme,
            situation=found,
            about=about,
            spelt_day=spelt_day(about),
            today=current_day(),
            oldest=situation.oldest_register(session, about.day, about.known_at) if about.is_past else None,
            lead=_lead(first),
            more_sentences=others,
            opening=situation.opening_in_words,
            opened=programme.open_on(about.day),
            strand=strand,
            chosen=chosen,
            again_groups=partial(toggled, about, chosen),
            answers=situation.group_answers(found, programme.strands, chosen),
            groupings=list(Grouping),
            terms=tables.terms(tells_reach=not is_scoped()),
            acted=acted,
            soon=[one for one in acted.planned if is_scoped() and one.at - now() <= notifications.NOTICE],
            answering=answering,
            whole_answer=_whole_answer(session, programme, about, found, acted) if answering else (),
            bar_of=charts.in_cell,
            columns=tables.PAGE_COLUMNS,
            curve=charts.joinings(points, results.list_departures(session, programme, at=about.moment), about)
            if points
            else None,
            Bucket=Bucket,
            Solicitation=Solicitation,
            **why.account(session, programme, strand, about),
            **({} if about.is_past or is_scoped() else _of_today(session, programme)),
        )


def _lead(sentence: str) -> Markup:
    """A sentence of the situation with its numbers in bold: how many of how many, and the share."""
    return Markup(A_NUMBER.sub(r"<strong>\g<0></strong>", str(escape(sentence))))  # noqa: S704 - escaped


def _acted(
    session: Session,
    programme: Programme,
    about: AskedSituation,
    limit: int | None = None,
    told_reached: int = MOST_TOLD,
) -> Actions:
    """What was done and is planned; in a scope, for its members: a wave that writes to none of them is not told."""
    if is_scoped():
        return results.list_actions(session, programme, now=now(), at=about.moment, told_reached=0).concerning(limit)
    return results.list_actions(session, programme, now=now(), at=about.moment, limit=limit, told_reached=told_reached)


def _whole_answer(
    session: Session, programme: Programme, about: AskedSituation, found: Situation, acted: Actions
) -> Sequence[str]:
    """The answer about the networks chosen, or all, in paragraphs to be copied.

    Letters are counted by network, so that none stands beside other groups. Whoever chooses a network asks if all of
    its schools have joined.
    """
    if about.by is not Grouping.NETWORK:
        return ()
    preparing = None if about.is_past or is_scoped() else planning.in_preparation(session, programme)
    chosen = chosen_groups(about.by)
    acted = acted.about({strand.number for strand in programme.strands}, chosen)
    whom = About(chosen, asks_all=bool(chosen), preparing=preparing)
    return [one for told in notes.prose_answers(found, programme.strands, acted, whom) for one in told.paragraphs]


def _of_today(session: Session, programme: Programme) -> dict[str, Any]:
    """The alerts of today, and what awaits: a page about the past has none of it."""
    paused = waves.held_waves(session)
    return {
        "paused": paused,
        "alarms": alarms(session, {wave.id for wave, _ in paused}),
        "unwritten": _unwritten(session),
        "restores": _restores(session),
        "steps": steps.taken(session) if settings().stays_here else {},
        **({} if current_user.holds(RoleName.AUTHOR, RoleName.APPROVER) else _of_service(session, programme.level)),
    }


def _of_service(session: Session, level: Level | None) -> dict[str, Any]:
    """What awaits the service, for those who have no list of their own."""
    waiting = replies.count_trays(session)
    return {
        "level": level,
        "asks": sum(waiting.values()) - waiting[Tray.HANDLED],
        "bounced": authorities.count_authorities(session, Filters(level=level, reach=ReachFilter.BOUNCED)).authorities,
        "unreachable": authorities.count_authorities(
            session, Filters(level=level, reach=ReachFilter.UNREACHABLE)
        ).authorities,
    }


def _unwritten(session: Session) -> list[StatementKind]:
    """The public pages that an administrator has to fill in; a demonstration asks for none."""
    owes = settings().mode is not Mode.DEMO and current_user.holds(RoleName.ADMINISTRATOR)
    return site.missing_statements(session) if owes else []


def _restores(session: Session) -> list[str]:
    """When a backup was last restored well, for administrators; nothing in a demonstration that has no backups."""
    here = settings()
    is_asked = here.backups is not None or here.mode is not Mode.DEMO
    return (
        backups.restore_test_sentences(session, here.backups)
        if is_asked and current_user.holds(RoleName.ADMINISTRATOR)
        else []
    )


@pages.get("/situation/actions")
@needs(RoleName.READER)
def all_actions() -> str:
    with reading() as session:
        about = surely_asked(session)
        acted = _acted(session, programmes.shown(session), about)
        listed = Shown.of(request, _listed(acted), export=".export_actions")
    return render_template(
        "pages/situation/actions.html",
        about=about,
        acted=acted,
        shown=listed,
        text=sought(request),
        spelt_day=spelt_day(about),
    )


@pages.get("/situation/actions.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_actions(kind: str) -> Response:
    with reading() as session:
        about = surely_asked(session)
        acted = _acted(session, programmes.named(session), about)
        times = about.day.isoformat(), spelt_moment(about.known_at or now())
        more = [] if is_scoped() else [tables.reached_table(times, acted)]
        return exports.download(_listed(acted).table(), kind, file_name(about, "actions"), *more)


def _listed(acted: Actions) -> InMemoryListing[WaveAction]:
    return results.actions_as_list(acted, text=sought(request), sort=sorting(request))


@pages.get("/situation/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    with reading() as session:
        about = surely_asked(session)
        programme = programmes.named(session)
        found = situation.count_situation(
            session, programme, about.day, known_at=about.known_at, by=about.by, listed=about.listed
        )
        acted = _acted(session, programme, about)
        oldest = situation.oldest_register(session, about.day, about.known_at)
    table, *more = tables.tables_of(found, acted, now(), oldest, tells_reach=not is_scoped())
    return exports.download(table, kind, file_name(about), *more)
