"""The kinds of alerts, who can act on each, and the table of their episodes."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
from outreach.roles import RoleName

LONGEST_SUBJECT = 255


class AlertKind(StrEnum):
    """A state of the service that a person should know."""

    RELAY_LOST = "relay_lost"
    WAVE_PAUSED = "wave_paused"
    LETTERS_IN_DOUBT = "letters_in_doubt"
    DISK_FULL = "disk_full"
    COPY_UNCONFIRMED = "copy_unconfirmed"
    CLOCK_SILENT = "clock_silent"
    RETURNS_UNREADABLE = "returns_unreadable"
    WORKER_GONE = "worker_gone"
    RESTORE_UNPROVEN = "restore_unproven"
    PUSH_GIVEN_UP = "push_given_up"
    CODES_GUESSED = "codes_guessed"

    @property
    def label(self) -> str:
        """The alert as the interface and the mails name it."""
        return _LABELS[self]

    @property
    def roles(self) -> tuple[RoleName, ...]:
        """The roles that can act on it."""
        is_about_a_wave = self in {AlertKind.WAVE_PAUSED, AlertKind.LETTERS_IN_DOUBT}
        return (RoleName.AUTHOR, RoleName.APPROVER) if is_about_a_wave else (RoleName.ADMINISTRATOR,)


_LABELS = {
    AlertKind.RELAY_LOST: "serveur d’envoi en panne",
    AlertKind.WAVE_PAUSED: "vague mise en pause d’elle-même",
    AlertKind.LETTERS_IN_DOUBT: "courriels en doute",
    AlertKind.DISK_FULL: "disque plein",
    AlertKind.COPY_UNCONFIRMED: "copie non confirmée",
    AlertKind.CLOCK_SILENT: "service d’envoi muet",
    AlertKind.RETURNS_UNREADABLE: "boîte des retours illisible",
    AlertKind.WORKER_GONE: "processus d’envoi disparu",
    AlertKind.RESTORE_UNPROVEN: "restauration non prouvée",
    AlertKind.PUSH_GIVEN_UP: "programme qui ne reçoit plus les évènements",
    AlertKind.CODES_GUESSED: "codes essayés en masse",
}


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
