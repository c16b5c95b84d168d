"""All draws of a programme, those without effect beside the others."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from outreach.adherence.models import Strand
from outreach.campaigns.draws.models import DrawAttempt
from outreach.campaigns.effects import freezing, locking
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.effect.interval import Interval


@dataclass(frozen=True, slots=True)
class ProgrammeDraw:
    """A draw of a programme: whose it is, what it says, and its figure once that is frozen and nothing blocks it."""

    campaign: Campaign
    attempt: DrawAttempt
    left: date | None
    told: str
    state: EffectState
    figure: Interval | None

    @property
    def label(self) -> str:
        """Where it stands, in French: « Figé » once the figure is there."""
        return "Figé" if self.figure else self.state.label

    def as_json(self) -> dict[str, Any]:
        """The draw as JSON, under fixed names."""
        number, strand = self.campaign.id, self.campaign.strand.number
        return {
            "campaign": number,
            "strand": strand,
            "state": self.state.value,
            **dict(zip(("estimate", "low", "high"), self.figure or (None, None, None), strict=True)),
            "told": self.told,
        }


def draws_of(session: Session, programme: int) -> list[ProgrammeDraw]:
    """Every draw of a programme's campaigns (its key) that was made, the first one first; drawn once, told once."""
    query = select(Campaign, DrawAttempt).join(DrawAttempt, DrawAttempt.campaign_id == Campaign.id)
    query = query.join(Strand, Strand.id == Campaign.strand_id).where(Strand.programme_id == programme)
    made = query.where(DrawAttempt.drawn_at.is_not(None)).order_by(DrawAttempt.drawn_at, DrawAttempt.id)
    return [_told(session, campaign, attempt) for campaign, attempt in session.execute(made)]


def _told(session: Session, campaign: Campaign, attempt: DrawAttempt) -> ProgrammeDraw:
    lock, told = locking.lock_of(session, campaign), freezing.told_frozen(session, campaign)
    left = lock.left[0] if lock.left else None
    if told is None:
        return ProgrammeDraw(campaign, attempt, left, lock.told, lock.state, None)
    figure = Interval(told["estimate"], told["low"], told["high"])
    return ProgrammeDraw(campaign, attempt, left, told["told"], EffectState.READY, figure)
