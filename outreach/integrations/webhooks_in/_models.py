"""The tables of signed deliveries: who sends, what came, and the rows of it that staff judge."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    ScalarSelect,
    String,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from outreach.adherence.models import JoiningList, Programme
from outreach.core.audit import SENDER
from outreach.core.db import Base, enum_of
from outreach.core.text.labelled import Labelled

LONGEST_NAME, LONGEST_NETWORKS, LONGEST_ID = 40, 200, 255


class DeliveryState(Labelled):
    """Whether a delivery waits for the clock, or was applied."""

    WAITING = "waiting", "reçu"
    APPLIED = "applied", "appliqué"


class RowJudgement(Labelled):
    """What staff said of a row that could not be applied."""

    RETRIED = "retried", "réessayée"
    DROPPED = "dropped", "écartée"


class WebhookSource(Base):
    """A service that sends joinings: its name in the address, its public key, and the salt of the secret that it may
    share instead. `networks` are the codes of those it knows all joinings of, as JSON. `told_at` is when administrators
    were told by mail of it. Its joinings are of one programme; None where it was made before any was loaded.
    """

    __tablename__ = "hook_senders"
    __table_args__ = (CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    salt: Mapped[str] = mapped_column(String(64))
    networks: Mapped[str] = mapped_column(String(LONGEST_NETWORKS))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(255))
    told_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(255))
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programmes.id"))

    programme: Mapped[Programme | None] = relationship()

    @property
    def actor(self) -> str:
        """How records name it."""
        return f"{SENDER}{self.id}"


class HookRow(Base):
    """A row of a delivery that could not be applied, as it was sent (JSON), and why; staff judge it."""

    __tablename__ = "hook_rows"
    __table_args__ = (CheckConstraint("(judged_at IS NULL) = (judgement IS NULL)", name="judged"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("hook_deliveries.id"), index=True)
    content: Mapped[str] = mapped_column(Text)
    fault: Mapped[str] = mapped_column(Text)
    judgement: Mapped[RowJudgement | None] = mapped_column(enum_of(RowJudgement, "judgement"))
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[str | None] = mapped_column(String(255))

    delivery: Mapped["HookDelivery"] = relationship()


def _rows_of(delivery: Mapped[int], *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count(HookRow.id)).where(HookRow.delivery_id == delivery, *conditions).scalar_subquery()


class HookDelivery(Base):
    """What a sender sent once, under a name of its own (`webhook_id`): `body` has its rows, as JSON. `list_id` names
    the joining list that it became part of, None where it said nothing new, or nothing that could be applied. Of its
    rows `left_out` could not, and `unjudged` of these wait for staff; both are counted when they are asked for.
    """

    __tablename__ = "hook_deliveries"
    __table_args__ = (
        UniqueConstraint("sender_id", "webhook_id"),
        Index("ix_hook_deliveries_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("hook_senders.id"))
    webhook_id: Mapped[str] = mapped_column(String(LONGEST_ID))
    received_at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)
    rows: Mapped[int]
    complete_until: Mapped[date | None]
    state: Mapped[DeliveryState] = mapped_column(enum_of(DeliveryState, "delivery_state"))
    applied_at: Mapped[datetime | None]
    list_id: Mapped[int | None] = mapped_column(ForeignKey("joining_lists.id"), index=True)

    sender: Mapped[WebhookSource] = relationship()
    joining_list: Mapped[JoiningList | None] = relationship()
    left_out: Mapped[int] = column_property(_rows_of(id), deferred=True)  # noqa: A003 - the column
    unjudged: Mapped[int] = column_property(_rows_of(id, HookRow.judgement.is_(None)), deferred=True)  # noqa: A003
