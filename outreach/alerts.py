"""Alerts: what a person should know of the service's own state. Each begins once and ends once, whoever sees it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Index, Select, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session, enum_of, take_turns
from outreach.labelled import Labelled
from outreach.roles import RoleName

LONGEST_SUBJECT = 255


class AlertKind(Labelled):
    """A state of the service that a person should know."""

    RELAY_LOST = "relay_lost", "serveur d’envoi en panne"
    WAVE_PAUSED = "wave_paused", "vague mise en pause d’elle-même"
    LETTERS_IN_DOUBT = "letters_in_doubt", "courriels en doute"
    DISK_FULL = "disk_full", "disque plein"
    COPY_UNCONFIRMED = "copy_unconfirmed", "copie non confirmée"
    CLOCK_SILENT = "clock_silent", "service d’envoi muet"
    RETURNS_UNREADABLE = "returns_unreadable", "boîte des retours illisible"
    WORKER_GONE = "worker_gone", "processus d’envoi disparu"
    RESTORE_UNPROVEN = "restore_unproven", "restauration non prouvée"
    PUSH_GIVEN_UP = "push_given_up", "programme qui ne reçoit plus les évènements"
    CODES_GUESSED = "codes_guessed", "codes essayés en masse"

    @property
    def is_about_a_wave(self) -> bool:
        """Whether its subject is the key of a wave."""
        return self in {AlertKind.WAVE_PAUSED, AlertKind.LETTERS_IN_DOUBT}

    @property
    def roles(self) -> tuple[RoleName, ...]:
        """The roles that can act on it."""
        return (RoleName.AUTHOR, RoleName.APPROVER) if self.is_about_a_wave else (RoleName.ADMINISTRATOR,)


class AlertEpisode(Base):
    """An alert from `began_at` to `ended_at`, and when a mail about either was written.

    `subject` tells episodes of one kind apart: a relay, the number of a wave, the place of an
    installation, a worker; or it is ''.
    No person stands in a row.
    """

    __tablename__ = "alert_episodes"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "began_at"),
        Index(
            "uq_alert_episodes_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[AlertKind] = mapped_column(enum_of(AlertKind, "alert_kind"))
    subject: Mapped[str] = mapped_column(String(LONGEST_SUBJECT))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    told_began_at: Mapped[datetime | None]
    told_ended_at: Mapped[datetime | None]


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
    known = {(episode.kind, episode.subject): episode.began_at for episode in going_on(session)}
    begun = [AlertChange(sighting, has_ended=False) for key, sighting in now_seen.items() if key not in known]
    ended = [
        AlertChange(AlertSighting(kind, subject, began_at), has_ended=True)
        for (kind, subject), began_at in known.items()
        if (kind, subject) not in now_seen
        and kind in looked_at
        and ((subjects := looked_at[kind]) is None or subject in subjects)
    ]
    return begun + ended


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


def awaiting(roles: Collection[RoleName]) -> Select[AlertEpisode]:
    """Select the episodes that have not ended and that a person with these roles can act on."""
    kinds = [kind for kind in AlertKind if not set(kind.roles).isdisjoint(roles)]
    return select(AlertEpisode).where(AlertEpisode.ended_at.is_(None), AlertEpisode.kind.in_(kinds))


def going_on(session: Session) -> Sequence[AlertEpisode]:
    """The episodes that have not ended, oldest first."""
    query = select(AlertEpisode).where(AlertEpisode.ended_at.is_(None))
    return session.scalars(query.order_by(AlertEpisode.began_at, AlertEpisode.id)).all()
