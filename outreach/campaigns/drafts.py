"""Drafts: what one person has typed in a campaign's step and not saved; private, and no part of the campaign."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, delete
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session, enum_of, take_turns
from outreach.errors import InputError

KEPT = timedelta(days=30)
MOST_BYTES = 200_000  # of a draft's fields; a letter of thirty pages has half of it


class DraftStep(StrEnum):
    """A step of a campaign in which one types."""

    AUDIENCE = "audience"
    LETTER = "letter"
    DATES = "dates"


class StepDraft(Base):
    """A person's draft of a step: the fields of its form as JSON, pairs of name and value."""

    __tablename__ = "step_drafts"
    __table_args__ = (Index("ix_step_drafts_typed_at", "typed_at"),)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[DraftStep] = mapped_column(enum_of(DraftStep, "step"), primary_key=True)
    typed_at: Mapped[datetime]
    fields: Mapped[str] = mapped_column(Text)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The fields of the form, in order."""
        return [(name, value) for name, value in json.loads(self.fields)]


def keep(
    session: Session,
    campaign_id: int,
    user_id: int,
    step: DraftStep,
    fields: Sequence[tuple[str, str]],
    *,
    now: datetime,
) -> None:
    """Keep what a person has typed in a step, instead of what was kept before. Raises InputError beyond 200 kB."""
    written = json.dumps(fields, ensure_ascii=False)
    if len(written.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise InputError("Ce texte est trop long pour être gardé en brouillon.")
    take_turns(session, "draft", campaign_id, user_id, step)
    draft = draft_of(session, campaign_id, user_id, step)
    if draft is None:
        session.add(StepDraft(campaign_id=campaign_id, user_id=user_id, step=step, typed_at=now, fields=written))
    else:
        draft.typed_at, draft.fields = now, written
    session.flush()


def draft_of(session: Session, campaign_id: int, user_id: int, step: DraftStep) -> StepDraft | None:
    """A person's draft of a step, if there is one."""
    return session.get(StepDraft, (campaign_id, user_id, step))


def discard(session: Session, campaign_id: int, user_id: int, step: DraftStep) -> None:
    """Delete a person's draft of a step: it was saved, or is not wanted."""
    theirs = StepDraft.campaign_id == campaign_id, StepDraft.user_id == user_id, StepDraft.step == step
    session.execute(delete(StepDraft).where(*theirs))


def forget(session: Session, *, now: datetime) -> None:
    """Delete the drafts in which nothing was typed for thirty days."""
    session.execute(delete(StepDraft).where(StepDraft.typed_at < now - KEPT))
