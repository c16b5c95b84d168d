"""The tables of trackers, hits and bases."""

from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    ScalarSelect,
    SmallInteger,
    SQLColumnExpression,
    String,
    Text,
    select,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from outreach.core.db import KEY, Base, enum_of
from outreach.core.text.labelled import Labelled
from outreach.directory.models import Contact
from outreach.engagement.tracking._bot_detection import Agent, HitClass, Why

Value = TypeVar("Value")


class TrackingMode(Labelled):
    """How the openings and clicks of a letter are measured; its footer says so.

    `clicks` is of campaigns of before 0.4.0, which keep it; its footer promises no picture. It is offered to no other.
    """

    NONE = "none", "Aucune mesure"
    CLICKS = "clicks", "Clics seulement, sans image"
    AGGREGATE = "aggregate", "Ouvertures et clics comptés par réseau, sans savoir qui les a faits"
    INDIVIDUAL = "individual", "Ouvertures et clics par boîte, là où un accord est enregistré ; ailleurs, par réseau"

    @property
    def is_of_groups(self) -> bool:
        """Whether it counts by group alone, so that no mailbox's basis matters."""
        return self in {TrackingMode.CLICKS, TrackingMode.AGGREGATE}

    @property
    def counts_openings(self) -> bool:
        """Whether letters carry a picture that counts their openings."""
        return self in {TrackingMode.AGGREGATE, TrackingMode.INDIVIDUAL}

    @property
    def mention(self) -> str:
        """The sentence of the letter's footer."""
        return _MENTIONS[self]


_MENTIONS = {
    TrackingMode.NONE: "Ce courriel ne contient aucune mesure d’ouverture ni de clic.",
    TrackingMode.CLICKS: (
        "Les clics sur les liens de ce courriel sont comptés par réseau, sans savoir qui les a faits. "
        "Ses ouvertures ne sont pas mesurées."
    ),
    TrackingMode.AGGREGATE: (
        "Les ouvertures et les clics de ce courriel sont comptés par réseau, sans savoir qui les a faits."
    ),
    TrackingMode.INDIVIDUAL: (
        "Les ouvertures et les clics de ce courriel sont enregistrés pour cette boîte, "
        "selon l’accord ou la décision que le service a enregistrés ; vous pouvez y mettre fin à tout moment."
    ),
}


class Tracker(Base):
    """One pixel and one set of links, shared by a group of a mailing's recipients.

    `public_id` (16 hexadecimal digits) is in its tokens; `name` is the group's; `recipients` counts its authorities.
    """

    __tablename__ = "trackers"

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"), index=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    recipients: Mapped[int]


class TrackerNetwork(Base):
    """The letters of a network use this tracker."""

    __tablename__ = "tracker_networks"

    tracker_id: Mapped[int] = mapped_column(ForeignKey("trackers.id"), primary_key=True)
    network_id: Mapped[int] = mapped_column(ForeignKey("networks.id"), primary_key=True, index=True)


class TrackedLink(Base):
    """The address of a numbered link (1 to 255) of a mailing, as frozen with the letter."""

    __tablename__ = "tracked_links"

    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    url: Mapped[str] = mapped_column(Text)


class HitCount(Base):
    """How often a tracker's pixel (link 0) or link was asked for in an hour (UTC), by who seems to be behind it."""

    __tablename__ = "hit_counts"

    tracker_id: Mapped[int] = mapped_column(ForeignKey("trackers.id"), primary_key=True)
    link: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    hit_class: Mapped[HitClass] = mapped_column(enum_of(HitClass, "hit_class"), primary_key=True)
    count: Mapped[int]


class Hit(Base):
    """One opening (link 0) or click of a letter whose mailbox has a recorded basis.

    No address, place or full User-Agent is kept. Personal data; counted before it goes. `version` is
    that of the classification; a newer one may be applied to the row again.
    """

    __tablename__ = "hits"
    __table_args__ = (Index("ix_hits_message_id_at", "message_id", "at"),)

    id: Mapped[int] = mapped_column(KEY, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    tracker_id: Mapped[int | None] = mapped_column(ForeignKey("trackers.id"), index=True)
    link: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime] = mapped_column(index=True)
    agent: Mapped[Agent] = mapped_column(enum_of(Agent, "agent"))
    is_head: Mapped[bool]
    hit_class: Mapped[HitClass] = mapped_column(enum_of(HitClass, "judged_class"))
    why: Mapped[Why] = mapped_column(enum_of(Why, "why"))
    version: Mapped[int]

    @classmethod
    def is_a_reader_s(cls) -> ColumnElement[bool]:
        """The condition that a hit does not seem to be a machine's."""
        return cls.hit_class != HitClass.MACHINE


class NewHit(Base):
    """One opening (link 0) or click as it came, until the clock has moved it: whom its token names, and its signs.

    It has no key, index or foreign key, as it is written while a reader waits. `public_id` is a letter's, or a
    tracker's that the web process did not know yet; the same row may be there twice.
    """

    __tablename__ = "hits_new"
    __mapper_args__ = {"primary_key": ["public_id", "link", "at"]}  # noqa: RUF012 - for the mapper alone

    public_id: Mapped[str] = mapped_column(String(16))
    link: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime]
    agent: Mapped[Agent] = mapped_column(enum_of(Agent, "agent"))
    is_head: Mapped[bool]


class BasisKind(Labelled):
    """A legal basis to keep a mailbox's own openings and clicks."""

    CONSENT = "consent", "accord"
    DECISION = "decision", "décision du délégué à la protection des données"


class BasisWithdrawal(Base):
    """A basis holds no longer: since when, by whom, and by which channel that was asked ('' = not recorded)."""

    __tablename__ = "basis_withdrawals"

    basis_id: Mapped[int] = mapped_column(ForeignKey("tracking_bases.id"), primary_key=True)
    withdrawn_at: Mapped[datetime]
    withdrawn_by: Mapped[str] = mapped_column(String(255))
    channel: Mapped[str] = mapped_column(String(200), default="")


def _withdrawal(value: SQLColumnExpression[Value], basis_id: Mapped[int]) -> ScalarSelect[Value]:
    """A value of the withdrawal of a basis; NULL while it holds."""
    query = select(value).where(BasisWithdrawal.basis_id == basis_id)
    return query.correlate_except(BasisWithdrawal).scalar_subquery()


class TrackingBasis(Base):
    """Why one mailbox may be measured by itself: its holder's consent, or, for a function's mailbox, a decision.

    A consent has its giver, its wording and channel. A decision of the data protection officer has its reference.
    `taken_on` is the day of either. The row is never changed or deleted, as it proves that measuring was allowed;
    withdrawing adds a row of its own.
    """

    __tablename__ = "tracking_bases"
    __table_args__ = (
        CheckConstraint("kind <> 'consent' OR (wording <> '' AND channel <> '')", name="consent"),
        CheckConstraint("kind <> 'decision' OR reference <> ''", name="decision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    kind: Mapped[BasisKind] = mapped_column(enum_of(BasisKind, "basis_kind"))
    given_by: Mapped[str] = mapped_column(String(200))
    taken_on: Mapped[date]
    wording: Mapped[str] = mapped_column(Text, default="")
    channel: Mapped[str] = mapped_column(String(200), default="")
    reference: Mapped[str] = mapped_column(String(200), default="")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(255))

    withdrawn_at: Mapped[datetime | None] = column_property(_withdrawal(BasisWithdrawal.withdrawn_at, id))  # noqa: A003
    withdrawn_by: Mapped[str | None] = column_property(_withdrawal(BasisWithdrawal.withdrawn_by, id))  # noqa: A003
    withdrawn_through: Mapped[str | None] = column_property(_withdrawal(BasisWithdrawal.channel, id))  # noqa: A003

    contact: Mapped[Contact] = relationship()
