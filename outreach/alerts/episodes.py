"""Episodes of alerts: each begins once and ends once, whoever sees it, however often."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.sql.selectable import ScalarSelect

from outreach.alerts.models import AlertEpisode, AlertKind
from outreach.db import Session, take_turns
from outreach.roles import RoleName


class AlertSighting(NamedTuple):
    """An alert as somebody sees it: its kind, its subject, since when."""

    kind: AlertKind
    subject: str
    since: datetime


class AlertChange(NamedTuple):
    """An alert that begins at an instant, or that has ended."""

    sighting: AlertSighting
    has_ended: bool


def changes(
    session: Session, seen: Iterable[AlertSighting], looked_at: Mapping[AlertKind, Collection[str] | None]
) -> list[AlertChange]:
    """What has changed since the rows were written. It writes nothing.

    `looked_at` has the kinds that were looked for: whichever of them is open and was not seen has ended. Subjects
    with a kind limit this to these subjects.
    """
    now_seen = {(sighting.kind, sighting.subject): sighting for sighting in seen}
    known = {(episode.kind, episode.subject): episode for episode in going_on(session)}
    begun = [AlertChange(sighting, has_ended=False) for key, sighting in now_seen.items() if key not in known]
    ended = [
        AlertChange(AlertSighting(kind, subject, episode.began_at), has_ended=True)
        for (kind, subject), episode in known.items()
        if (kind, subject) not in now_seen and kind in looked_at and _is_of(subject, looked_at[kind])
    ]
    return begun + ended


def _is_of(subject: str, subjects: Collection[str] | None) -> bool:
    return subjects is None or subject in subjects


def apply(session: Session, change: AlertChange, *, now: datetime) -> bool:
    """Begin or end an episode. False when that was done already, by another process for example.

    What began at the same instant before does not begin again, even when it has ended since.
    """
    take_turns(session, "alerts")
    kind, subject, since = change.sighting
    of_this = select(AlertEpisode).where(AlertEpisode.kind == kind, AlertEpisode.subject == subject)
    current = session.scalar(of_this.where(AlertEpisode.ended_at.is_(None)))
    if change.has_ended:
        if current is not None:
            current.ended_at = now
        return current is not None
    if current is not None or session.scalar(of_this.where(AlertEpisode.began_at == since)) is not None:
        return False
    session.add(AlertEpisode(kind=kind, subject=subject, began_at=since))
    session.flush()
    return True


def counted(roles: Collection[RoleName]) -> list[ScalarSelect[int]]:
    """Select how many episodes that have not ended a person with these roles can act on; nothing for other roles."""
    kinds = [kind for kind in AlertKind if not set(kind.roles).isdisjoint(roles)]
    is_theirs = AlertEpisode.ended_at.is_(None), AlertEpisode.kind.in_(kinds)
    return [select(func.count()).select_from(AlertEpisode).where(*is_theirs).scalar_subquery()] if kinds else []


def going_on(session: Session) -> Sequence[AlertEpisode]:
    """The episodes that have not ended, oldest first."""
    query = select(AlertEpisode).where(AlertEpisode.ended_at.is_(None))
    return session.scalars(query.order_by(AlertEpisode.began_at, AlertEpisode.id)).all()
