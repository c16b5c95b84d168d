"""What the public page of a draw says: all that a stranger needs to repeat its order and its figure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outreach.adherence import programmes
from outreach.campaigns import experiments, planning
from outreach.campaigns.experiments import DrawAttempt, ProgrammeDraw, TwoByTwo, group_strata
from outreach.core.db import Session
from outreach.core.settings import ROOT
from outreach.core.text import french
from outreach.core.text.errors import NotFound
from outreach.engagement import tracking

DIGITS = 4  # of a share: from all that a float holds, what each stratum did could be found again
PROGRAM = Path(ROOT) / "docs" / "redraw.py"


@dataclass(frozen=True, slots=True)
class PublicDraw:
    """A draw as strangers see it: FASE numbers, no name.

    `given` is its file (`as_json`). `strata` has each stratum with its counts by departure. `unsaid` and `totals` come
    with the figure. `draws` are all draws of its programme, so that a figure is read beside those that showed nothing.
    """

    campaign: int
    programme: str
    attempt: DrawAttempt
    void: Sequence[DrawAttempt]
    given: dict[str, Any]
    strata: Sequence[tuple[str, tuple[int, ...]]]
    outside: int
    unsaid: Sequence[str]
    totals: Sequence[TwoByTwo]
    draws: Sequence[ProgrammeDraw]
    program: str

    @property
    def drawn(self) -> int:
        """How many authorities were drawn."""
        return len(self.given["list"])

    @property
    def has_joint_groups(self) -> bool:
        """Whether the file puts strata together, so that the figure made from it is only near."""
        return any(len(one["strata"]) > 1 for one in self.given["tables"])

    @property
    def plan(self) -> str:
        """The plan's JSON, to be read."""
        return json.dumps(self.given["content"], ensure_ascii=False, indent=1)

    @property
    def attempts(self) -> str:
        """How many attempts there were, in French."""
        void = len(self.void)
        words = french.plural(void, "annulé", "annulés") if void else "aucun annulé"
        return french.typeset(f"Tirage n° {self.attempt.number}, {words}.")


def public_draw(session: Session, number: int) -> PublicDraw:
    """The public page of a campaign's draw. Raises NotFound before its approval, and where nothing is drawn."""
    campaign = planning.campaign_numbered(session, number)
    attempt = experiments.draw_of(session, campaign.id)
    if attempt is None:
        raise NotFound(experiments.UNDRAWN)
    told, outcome = experiments.told_of(session, campaign), experiments.told_frozen(session, campaign)
    void = [one for one in experiments.attempts_of(session, campaign.id) if one.voided_at]
    repeats = ("attempt", "commitment", "nonce", "approver_bytes", "content_digest", "seed", "content", "list")
    whole = experiments.attempt_as_json(session, attempt)
    groups = group_strata(experiments.tables_of(outcome), tracking.SMALLEST) if outcome else []
    tables = [
        {"strata": list(one.strata), "comparison": place, **table._asdict()}
        for one in groups
        for place, table in enumerate(one.tables, start=1)
    ]
    told |= {name: round(told[name], DIGITS) for name in ("estimate", "low", "high") if outcome}
    given = {name: whole[name] for name in repeats}
    given |= {"plan_digest": attempt.plan_digest, "list_digest": attempt.list_digest}
    strand = campaign.strand
    of = programmes.of_programme(programmes.name_among_several(session, strand.programme))
    given["void"] = [{"attempt": one.number, "commitment": one.commitment, "nonce": one.nonce} for one in void]
    return PublicDraw(
        campaign=campaign.id,
        programme=f"{strand.name}, volet {strand.number}{of}",
        attempt=attempt,
        void=void,
        given={**given, "tables": tables, **told},
        strata=[(one.name, tuple(map(len, one.departures))) for one in experiments.order_of(session, attempt)],
        outside=len(whole["outside"]),
        unsaid=[*experiments.effect_limits(outcome), *filter(None, [experiments.clue(outcome)])] if outcome else [],
        totals=experiments.effect_totals(outcome) if outcome else [],
        draws=experiments.draws_of(session, strand.programme_id),
        program=PROGRAM.read_text(encoding="utf-8"),
    )
