"""The kinds of alerts, who can act on each, and the table of their episodes."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
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
    def roles(self) -> tuple[RoleName, ...]:
        """The roles that can act on it."""
        is_about_a_wave = self in {AlertKind.WAVE_PAUSED, AlertKind.LETTERS_IN_DOUBT}
        return (RoleName.AUTHOR, RoleName.APPROVER) if is_about_a_wave else (RoleName.ADMINISTRATOR,)


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
