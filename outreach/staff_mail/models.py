"""The tables of mail to staff: how often a person wants it, and what each person is told, once."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
from outreach.labelled import Labelled


class Pace(Labelled):
    """How often the service writes to a person; AT_ONCE unless the person chose otherwise."""

    AT_ONCE = "at_once", "Tout de suite"
    DAILY = "daily", "Une fois par jour, à 8 heures"
    OFF = "off", "Jamais"


class PaceChoice(Base):
    """The pace that a person chose. It goes with the account."""

    __tablename__ = "pace_choices"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    pace: Mapped[Pace] = mapped_column(enum_of(Pace, "pace"))


ABOUT = ("decision_id", "wave_transition_id")  # a notice has exactly one


class StaffNotice(Base):
    """What one person is told about one decision, or about one transition of a wave: once, by unique keys.

    It is settled when a mail with it is in the outbox, or when there will be none: `mailing_id` is then empty.
    Personal data. By the time it goes nothing could tell the same again.
    """

    __tablename__ = "staff_notices"
    __table_args__ = (
        UniqueConstraint("user_id", "decision_id"),
        UniqueConstraint("user_id", "wave_transition_id"),
        CheckConstraint("(decision_id IS NULL) <> (wave_transition_id IS NULL)", name="about"),
        Index(
            "ix_staff_notices_waiting",
            "due_at",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), index=True)
    wave_transition_id: Mapped[int | None] = mapped_column(ForeignKey("wave_transitions.id"), index=True)
    due_at: Mapped[datetime]
    settled_at: Mapped[datetime | None] = mapped_column(index=True)
    mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailings.id"))


class AccountLetter(Base):
    """A letter that holds a link to choose a password, until its text is emptied: then this row is deleted."""

    __tablename__ = "account_letters"

    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"), primary_key=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("account_links.id", ondelete="CASCADE"), index=True)


class NoticeStart(Base):
    """When this database began to tell people (one row): what happened before is told to nobody."""

    __tablename__ = "notice_starts"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
