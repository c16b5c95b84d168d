"""What the public page of a draw says: how it was drawn, counts by stratum and departure, its figure once frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from outreach import french
from outreach.campaigns import lifecycle
from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawAttempt
from outreach.campaigns.effects import freezing, locking, programme
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.effects.programme import ProgrammeDraw
from outreach.campaigns.schedule import draw_plan
from outreach.campaigns.schedule.draw_plan import Stated
from outreach.db import Session
from outreach.errors import NotFound
from outreach.settings import ROOT

PROGRAM = Path(ROOT) / "docs" / "redraw.py"


@dataclass(frozen=True, slots=True)
class PublicDraw:
    """A draw as strangers see it: no name, no list. `strata` has each stratum with its counts by departure, `plan` is
    what was committed to, or None of a draw whose plan stated no days. `draws` are all draws of its programme, so that
    a figure is read beside those that showed nothing.
    """

    campaign: int
    programme: str
    attempt: DrawAttempt
    is_followed: bool
    void: Sequence[DrawAttempt]
    strata: Sequence[tuple[str, tuple[int, ...]]]
    outside: int
    plan: Stated | None
    state: EffectState
    told: str
    draws: Sequence[ProgrammeDraw]
    program: str

    @property
    def drawn(self) -> int:
        """How many authorities were drawn."""
        return sum(sum(counts) for _, counts in self.strata)

    @property
    def attempts(self) -> str:
        """How many attempts there were, in French."""
        void = len(self.void)
        told = french.plural(void, "annulé", "annulés") if void else "aucun annulé"
        return french.typeset(f"Tirage n° {self.attempt.number}, {told}.")


def of(session: Session, number: int) -> PublicDraw:
    """The public page of a campaign's draw. Raises NotFound before its approval, and where nothing is drawn."""
    campaign = lifecycle.campaign_numbered(session, number)
    attempt = drawn_list.draw_of(session, campaign.id)
    if attempt is None:
        raise NotFound(locking.UNDRAWN)
    draws = programme.draws_of(session, campaign.strand.programme_id)
    own = next((one for one in draws if one.campaign is campaign), None)
    told = {"state": own.state, "told": own.told} if own else freezing.told_of(session, campaign)
    return PublicDraw(
        campaign=campaign.id,
        programme=f"{campaign.strand.name}, volet {campaign.strand.number}",
        attempt=attempt,
        is_followed=drawn_list.is_followed(attempt, campaign.id),
        void=[one for one in drawn_list.attempts_of(session, campaign.id) if one.voided_at],
        strata=[(one.name, tuple(map(len, one.departures))) for one in drawn_list.order_of(session, attempt)],
        outside=len(drawn_list.outside_of(session, attempt)),
        plan=draw_plan.stated_by(attempt),
        state=EffectState(told["state"]),
        told=told["told"],
        draws=draws,
        program=PROGRAM.read_text(encoding="utf-8"),
    )
