"""The tables of mail to staff: how often a person wants it, and what each is told, once."""

from collections.abc import Collection
from datetime import datetime, time, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.campaigns.planning import moment_of
from outreach.core.db import Base, Session, enum_of
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.labelled import Labelled


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


DAILY_AT = time(8)  # in Brussels


def pace_of(session: Session, user_id: int) -> Pace:
    """How often a person wants mail."""
    return paces_of(session, [user_id])[user_id]


def paces_of(session: Session, users: Collection[int]) -> dict[int, Pace]:
    """How often each of these persons wants mail."""
    chosen = session.scalars(select(PaceChoice).where(PaceChoice.user_id.in_(users)))
    return dict.fromkeys(users, Pace.AT_ONCE) | {choice.user_id: choice.pace for choice in chosen}


def choose_frequency(session: Session, user_id: int, pace: Pace) -> None:
    """Keep how often a person wants mail. What already waits for its hour still waits for it."""
    choice = session.get(PaceChoice, user_id)
    if choice is None:
        session.add(PaceChoice(user_id=user_id, pace=pace))
    else:
        choice.pace = pace


def due_at(pace: Pace, now: datetime) -> datetime:
    """When what happens now is to be told: now, or the next 8 o'clock in Brussels."""
    if pace is not Pace.DAILY:
        return now
    local = now.astimezone(BRUSSELS)
    day = local.date() + timedelta(days=local.time() >= DAILY_AT)
    return moment_of(datetime.combine(day, DAILY_AT)).at
