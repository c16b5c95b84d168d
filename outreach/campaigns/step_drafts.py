"""Drafts: what one person has typed in a campaign's step and not saved; private, and no part of the campaign."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, delete
from sqlalchemy.orm import Mapped, mapped_column

from outreach.campaigns.models import Campaign
from outreach.db import Base, Session, enum_of, take_turns
from outreach.errors import InputError

MOST_BYTES = 200_000  # of a draft's fields; a letter of thirty pages has half of it
LONGEST_OVERTAKING = timedelta(minutes=1)  # beyond it a draft from later than now is of a clock that was set back


class DraftStep(StrEnum):
    """A step of a campaign in which one types."""

    AUDIENCE = "audience"
    LETTER = "letter"
    DATES = "dates"


# What of a campaign each step shows and saves.
CONTENT = {
    DraftStep.AUDIENCE: ("title", "criteria", "concerns", "boxes"),
    DraftStep.LETTER: (
        *("message_class", "colour", "tracking", "circular", "circular_url", "subject", "preheader", "letter"),
        *("contact_name", "contact_service", "contact_phone", "contact_email", "sender_name", "sender_address"),
    ),
    DraftStep.DATES: ("starts_at", "reminders", "deadline_days", "stops_on"),
}


class StepDraft(Base):
    """A person's draft of a step: as JSON, the fields of its form (pairs of name and value), and what was saved then.

    Drafts kept by 0.2.0 and before have the pairs alone. Personal data. Retention: 30 days after something was typed.
    """

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
        return [(name, value) for name, value in _read(self.fields)[1]]

    def is_newer_than(self, campaign: Campaign) -> bool:
        """Whether nobody has saved this step in another way since the draft was typed."""
        return _read(self.fields)[0] in ("", digest_of(campaign, self.step))


def _read(fields: str) -> tuple[str, list[tuple[str, str]]]:
    stated = json.loads(fields)
    return (stated["saved"], stated["pairs"]) if isinstance(stated, dict) else ("", stated)


def digest_of(campaign: Campaign, step: DraftStep) -> str:
    """Equal as long as what a campaign has saved of a step stays the same."""
    saved = [str(getattr(campaign, name)) for name in CONTENT[step]]
    return hashlib.sha256(json.dumps(saved).encode()).hexdigest()


def keep(
    session: Session,
    campaign: Campaign,
    user_id: int,
    step: DraftStep,
    fields: Sequence[tuple[str, str]],
    *,
    now: datetime,
) -> None:
    """Keep what a person has typed in a step, instead of what was kept before. Raises InputError beyond 200 kB.

    `now` is when it arrived. A request may overtake one that arrived before it: what arrived last stays.
    """
    written = json.dumps({"saved": digest_of(campaign, step), "pairs": list(fields)}, ensure_ascii=False)
    if len(written.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise InputError("Ce texte est trop long pour être gardé en brouillon.")
    take_turns(session, "draft", campaign.id, user_id, step)
    draft = draft_of(session, campaign.id, user_id, step)
    if draft is None:
        session.add(StepDraft(campaign_id=campaign.id, user_id=user_id, step=step, typed_at=now, fields=written))
    elif not timedelta() < draft.typed_at - now < LONGEST_OVERTAKING:
        draft.typed_at, draft.fields = now, written
    session.flush()


def draft_of(session: Session, campaign_id: int, user_id: int, step: DraftStep) -> StepDraft | None:
    """A person's draft of a step, if there is one."""
    return session.get(StepDraft, (campaign_id, user_id, step))


def discard(session: Session, campaign_id: int, user_id: int, step: DraftStep) -> None:
    """Delete a person's draft of a step: it was saved, or is not wanted."""
    theirs = StepDraft.campaign_id == campaign_id, StepDraft.user_id == user_id, StepDraft.step == step
    session.execute(delete(StepDraft).where(*theirs))
