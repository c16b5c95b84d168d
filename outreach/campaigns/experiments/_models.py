"""The tables of draws: attempts, whom they draw, who followed another's draw, what each showed.

The database refuses to delete a row, and to change what a row says once it is said. Nothing here names a person.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.campaigns.experiments._design import DrawReason
from outreach.core.db import Base, enum_of


class DrawAttempt(Base):
    """A submission of a campaign whose departures are drawn: what it is bound to, and, once approved, its seed.

    Digests and numbers are hexadecimal. `number` counts a campaign's attempts from 1. `plan` is the canonical JSON of
    what is approved; `commitment`, `plan_digest` and `list_digest` are SHA-256 of the nonce, of the plan and of the
    list. `nonce` stays secret until `drawn_at` or `voided_at`: only one of the two is ever set. The digest of the
    content and the seed come with `drawn_at` (`effect.draw`), and `approver_bytes`, which are '' since 0.3.0.
    """

    __tablename__ = "draw_attempts"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        CheckConstraint("drawn_at IS NULL OR voided_at IS NULL", name="once"),
        CheckConstraint("(drawn_at IS NULL) = (seed IS NULL)", name="seeded"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    number: Mapped[int]
    commitment: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    plan: Mapped[str] = mapped_column(Text)
    plan_digest: Mapped[str] = mapped_column(String(64))
    list_digest: Mapped[str] = mapped_column(String(64))
    submitted_at: Mapped[datetime]
    approver_bytes: Mapped[str | None] = mapped_column(String(32))
    content_digest: Mapped[str | None] = mapped_column(String(64))
    seed: Mapped[str | None] = mapped_column(String(64))
    drawn_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        """Whether it awaits an approval: neither drawn nor void."""
        return self.drawn_at is None and self.voided_at is None

    @property
    def revealed_nonce(self) -> str | None:
        """The nonce, once the attempt is drawn or void; nobody is shown it before."""
        return None if self.is_open else self.nonce


class DrawnAuthority(Base):
    """An authority of an attempt's list, frozen at the submission; `fase` is its FASE number then.

    `stratum` is '' for one that stays `outside`. `letters` is how many it was to get then. The draw sets `place`, which
    counts from 0 in the stratum, and `departure`, from 1; outside it is 1 without a place.
    """

    __tablename__ = "drawn_authorities"
    __table_args__ = (
        CheckConstraint("(outside IS NULL) = (stratum <> '')", name="outside"),
        CheckConstraint("departure BETWEEN 1 AND 3", name="departure"),
    )

    attempt_id: Mapped[int] = mapped_column(ForeignKey("draw_attempts.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)
    fase: Mapped[int]
    stratum: Mapped[str] = mapped_column(String(300))
    outside: Mapped[DrawReason | None] = mapped_column(enum_of(DrawReason, "outside_reason"))
    letters: Mapped[int]
    place: Mapped[int | None]
    departure: Mapped[int | None]


class FollowedDraw(Base):
    """A campaign that kept another one's draw under 0.3.0. No row comes since."""

    __tablename__ = "followed_draws"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("draw_attempts.id"), index=True)
    followed_at: Mapped[datetime]


class DrawnEffect(Base):
    """What the draw of a campaign showed, as known when `list_id` was applied. Rows are only added.

    `outcome` is JSON (`DrawnEffect.shown`).
    """

    __tablename__ = "drawn_effects"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("draw_attempts.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("joining_lists.id"), index=True)
    frozen_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text)

    @property
    def shown(self) -> dict[str, Any]:
        """What it showed."""
        outcome: dict[str, Any] = json.loads(self.outcome)
        return outcome
