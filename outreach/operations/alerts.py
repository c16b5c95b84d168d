"""Alerts: what a person should know of the service's own state. Each begins once and ends once, whoever sees it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Index, Select, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.labelled import Labelled
from outreach.core.text.roles import RoleName

LONGEST_SUBJECT = 255


class AlertKind(Labelled):
    """A state of the service that a person should know."""

    RELAY_LOST = "relay_lost", "serveur d’envoi en panne"
    WAVE_PAUSED = "wave_paused", "vague mise en pause d’elle-même"
    LETTERS_IN_DOUBT = "letters_in_doubt", "courriels en doute"
    DISK_FULL = "disk_full", "disque plein"
    COPY_UNCONFIRMED = "copy_unconfirmed", "copie non confirmée"
    CLOCK_SILENT = "clock_silent", "service d’envoi muet"
    RETURNS_UNREADABLE = "returns_unreadable", "boîte des retours ou des réponses illisible"
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


class Incident(Base):
    """An alert from `began_at` to `ended_at`, and when a mail about either was written.

    `subject` tells incidents of one kind apart: a relay, the number of a wave, the place of an
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


class AlertCondition(NamedTuple):
    """An alert as somebody sees it: its kind, its subject, since when."""

    kind: AlertKind
    subject: str
    since: datetime


def changes(
    session: Session, seen: Iterable[AlertCondition], looked_at: Mapping[AlertKind, Collection[str] | None]
) -> tuple[list[AlertCondition], list[AlertCondition]]:
    """What has begun and what has ended since the rows were written. It writes nothing.

    `looked_at` has the kinds that were looked for: whichever of them is open and was not seen has ended. Subjects
    with a kind limit this to these subjects.
    """
    known = {(one.kind, one.subject): AlertCondition(one.kind, one.subject, one.began_at) for one in going_on(session)}
    now_seen = {(one.kind, one.subject): one for one in seen}
    gone = [one for key, one in known.items() if key not in now_seen and one.kind in looked_at]
    ended = [one for one in gone if (subjects := looked_at[one.kind]) is None or one.subject in subjects]
    return [one for key, one in now_seen.items() if key not in known], ended


def begin(session: Session, seen: AlertCondition) -> bool:
    """Begin an incident. False when that was done already, by another process for example.

    What began at the same instant before does not begin again, even when it has ended since.
    """
    take_lock(session, "alerts")
    of_this = Incident.kind == seen.kind, Incident.subject == seen.subject
    is_known = Incident.ended_at.is_(None) | (Incident.began_at == seen.since)
    if session.scalar(select(Incident.id).where(*of_this, is_known).limit(1)) is not None:
        return False
    session.add(Incident(kind=seen.kind, subject=seen.subject, began_at=seen.since))
    session.flush()
    return True


def end(session: Session, seen: AlertCondition, *, now: datetime) -> bool:
    """End an incident. False when that was done already."""
    take_lock(session, "alerts")
    of_this = Incident.kind == seen.kind, Incident.subject == seen.subject
    current = session.scalar(select(Incident).where(*of_this, Incident.ended_at.is_(None)))
    if current is not None:
        current.ended_at = now
        session.flush()
    return current is not None


def awaiting(roles: Collection[RoleName]) -> Select[Incident]:
    """Select the incidents that have not ended and that a person with these roles can act on."""
    kinds = [kind for kind in AlertKind if not set(kind.roles).isdisjoint(roles)]
    return select(Incident).where(Incident.ended_at.is_(None), Incident.kind.in_(kinds))


def going_on(session: Session) -> Sequence[Incident]:
    """The incidents that have not ended, oldest first."""
    query = select(Incident).where(Incident.ended_at.is_(None))
    return session.scalars(query.order_by(Incident.began_at, Incident.id)).all()
