"""The list of responses: its trays, its columns, how many wait and for whom."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from outreach.adherence.models import Programme
from outreach.core.db import Session
from outreach.core.tables import DATA, Column, Expression, Kind, On, QueryListing, by_label
from outreach.core.text.dates import today
from outreach.directory.authorities import authority_columns
from outreach.engagement.replies._kinds import Answer, Tray
from outreach.engagement.replies._models import Response, ResponseStep, StepKind

LOCAL = "heure de Bruxelles"


def count_trays(
    session: Session,
    *,
    owner: str = "",
    recalled: bool = False,
    programme: Programme | None = None,
    on: date | None = None,
) -> dict[Tray, int]:
    """How many responses lie in each tray: of an owner or of all, all or those to come back to; two statements.

    With a day `on`, those that await the owner then: nobody's, too, and none that was put off.
    """
    rows = _in(None, owner, recalled, programme) if on is None else rows_for(owner, on, programme)
    waiting = rows.with_only_columns(Response.answer, func.count()).group_by(Response.answer)
    handled = _in(Tray.HANDLED, owner, recalled, programme).with_only_columns(func.count())
    tray_counts = {**dict.fromkeys(Tray, 0), Tray.HANDLED: session.scalars(handled).one()}
    for answer, count in session.execute(waiting):
        if tray := answer.facts.tray:
            tray_counts[tray] += count
    return tray_counts


def oldest_waiting(session: Session) -> datetime | None:
    """When the oldest response that waits was given."""
    return session.scalar(select(func.min(Response.given_at)).where(Response.waits()))


COLUMNS: Sequence[Column[Response]] = (
    *authority_columns(lambda row: row.authority),
    Column("strand", "Volet", lambda row: row.strand.number, on=DATA),
    Column("answer", "Réponse", lambda row: row.answer, sort=by_label(Response.answer, Answer)),
    Column("schools", "Écoles", lambda row: len(row.schools) or None, on=DATA),
    Column("proposed", "Adresse proposée", lambda row: row.proposed_address, on=DATA),
    Column("comment", "Commentaire", lambda row: row.comment, on=DATA),
    Column("given_at", "Reçue", lambda row: row.given_at, Kind.MOMENT, sort=Response.given_at, unit=LOCAL),
    Column("owner", "Suivi par", lambda row: row.owner, Kind.PERSON, sort=Response.owner),
    Column("outcome", "Suite", lambda row: row.outcome, sort=Response.handled_at),
    Column("respondent", "Répondu par", lambda row: row.respondent and row.respondent.name, on=DATA),
    Column("function", "Fonction", lambda row: row.respondent and row.respondent.function, on=DATA),
    Column("programme_name", "Programme", lambda row: row.strand.programme.name, on=On.FILE),
    Column("programme", "Code du programme", lambda row: row.strand.programme.code, on=On.FILE),
)


def list_responses(
    session: Session,
    tray: Tray | None,
    *,
    owner: str = "",
    recalled: bool = False,
    programme: Programme | None = None,
    sort: str = "",
) -> QueryListing[Response]:
    """A tray (None: all that waits, tray by tray), the oldest first; HANDLED has the newest first.

    With `recalled` only those to come back to, the first day first.
    """
    order: list[Expression] = [Response.handled_at.desc()] if tray is Tray.HANDLED else [_urgency(), Response.given_at]
    order = [*([Response.recall_on] if recalled else []), *order, Response.id]
    return _listing(session, _in(tray, owner, recalled, programme), order, sort)


def all_responses(session: Session) -> QueryListing[Response]:
    """Every response, the oldest first."""
    return _listing(session, select(Response), [Response.id])


def awaiting_responses(
    session: Session,
    person: str,
    day: date,
    programme: Programme | None = None,
    tray: Tray | None = None,
    sort: str = "",
) -> QueryListing[Response]:
    """The responses that await a person (an address) on a day, of a tray or tray by tray, the oldest first."""
    query = rows_for(person, day, programme)
    query = query if tray is None else query.where(Response.answer.in_(tray.answers))
    return _listing(session, query, [_urgency(), Response.given_at, Response.id], sort)


def rows_for(person: str, day: date, programme: Programme | None = None) -> Select[Response]:
    """Select the responses that are this person's, or nobody's, and that were not put off to a later day."""
    is_free = or_(Response.owner.is_(None), Response.owner == person)
    return _in(None, "", programme=programme).where(is_free, not_(and_(*_is_recalled(), Response.recall_on > day)))


def count_recalls(
    session: Session, *, now: datetime, owner: str = "", programme: Programme | None = None
) -> tuple[int, int]:
    """How many responses that wait have a day to come back to them, and for how many of them it has come."""
    rows = _in(None, owner, recalled=True, programme=programme).subquery()
    due = func.count(case((rows.c.recall_on <= today(now), 1)))
    some, come = session.execute(select(func.count(), due).select_from(rows)).one()
    return some, come


def _listing(
    session: Session, query: Select[Response], order: Sequence[Expression], sort: str = ""
) -> QueryListing[Response]:
    one = (contains_eager(Response.authority), joinedload(Response.strand), joinedload(Response.respondent))
    return QueryListing(
        title="Réponses",
        columns=COLUMNS,
        sort=sort,
        session=session,
        query=query.join(Response.authority),
        order=order,
        key=Response.authority_id,
        options=(*one, selectinload(Response.schools), joinedload(Response.message)),
        numbered=(Response.id, lambda row: row.id),
    )


def _in(tray: Tray | None, owner: str, recalled: bool = False, programme: Programme | None = None) -> Select[Response]:
    query = select(Response).where(~Response.waits() if tray is Tray.HANDLED else Response.waits())
    if programme is not None:
        query = query.where(Response.strand_id.in_(programme.strand_keys))
    query = query.where(*_is_recalled()) if recalled else query
    if tray is not None:
        query = query.where(Response.answer.in_(tray.answers))
    return query.where(Response.owner == owner) if owner else query


def _is_recalled() -> tuple[ColumnElement[bool], ...]:
    """True of responses to come back to, from the few that ever had a day: to know what holds costs a search each."""
    postponed = select(ResponseStep.response_id).where(ResponseStep.step == StepKind.POSTPONED)
    return Response.id.in_(postponed), Response.recall_on.is_not(None)


def _urgency() -> ColumnElement[int]:
    waiting = [tray for tray in Tray if tray is not Tray.HANDLED]
    places = [(Response.answer.in_(tray.answers), place) for place, tray in enumerate(waiting)]
    return case(*places, else_=len(waiting))
