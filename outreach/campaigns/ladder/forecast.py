"""How many each rung of a ladder would be for today, by network, as the page for approval says it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from outreach import french
from outreach.campaigns import audiences
from outreach.campaigns.ladder.judging import LEADS_ON
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.directory.models import Authority, Network
from outreach.reach.ladder import Rung, RungWhen, rungs
from outreach.reach.models import ReachChannel
from outreach.segments import audience
from outreach.segments.audience import Audience, Boxes
from outreach.segments.scope import Scope


@dataclass(frozen=True, slots=True)
class RungForecast:
    """A rung, and the authorities by network (its label) that it would be for if the wave left and failed today."""

    rung: Rung
    networks: Mapping[str, int]

    @property
    def told(self) -> str:
        """The rung and its counts in French."""
        total = sum(self.networks.values())
        each = ", ".join(f"{name} {french.number(count)}" for name, count in self.networks.items())
        whom = f"{french.plural(total, 'PO', 'PO')} aujourd’hui ({each})" if total else "aucun PO aujourd’hui"
        return french.typeset(f"{self.rung.told} : {whom}")


def of(session: Session, campaign: Campaign, *, now: datetime) -> Sequence[RungForecast]:
    """The rungs of a campaign. Whom silence will add is not known yet: they are counted as their mailboxes stand."""
    ladder = rungs(campaign.ladder)
    if not ladder:
        return []
    without, elsewhere, meant = _boxes(session, campaign, now)
    left, told = set(without), []
    for rung in ladder:
        if rung.channel is ReachChannel.OTHER_MAILBOX:
            whom = left & elsewhere
        else:
            whom = set(meant) if rung.when is RungWhen.ALWAYS else set(left)
        told.append(RungForecast(rung, _by_network(whom, meant)))
        # A letter on paper is taken to arrive where the address has a street and a code.
        left -= {key for key in whom if rung.channel is not ReachChannel.PAPER or meant[key][1]}
    return told


def _boxes(
    session: Session, campaign: Campaign, now: datetime
) -> tuple[set[int], set[int], dict[int, tuple[str, bool]]]:
    """The authorities that no letter can leave for, those with a mailbox of another kind, and all that the campaign
    means and nothing stops: the label of their network, and whether their address is complete."""
    own, scope = audiences.audience_of(campaign), audiences.scope_of(session, campaign, now=now)
    ranks = _ranks(session, own, scope)
    leads = {rank for rank in range(1, len(audience.ORDER) + 1) if audience.reason_of(rank) in LEADS_ON}
    without = {key for key, theirs in ranks.items() if theirs <= leads}
    elsewhere = {key for key, theirs in _ranks(session, replace(own, boxes=Boxes.BOTH), scope).items() if 0 in theirs}
    goes_on = {key for key, theirs in ranks.items() if theirs <= leads | {0}}
    query = select(Authority.id, Network.label, Authority.address, Authority.postcode).join(Network)
    known = {key: (label, bool(street and code)) for key, label, street, code in session.execute(query)}
    return without, elsewhere, {key: known[key] for key in goes_on}


def _ranks(session: Session, chosen: Audience, scope: Scope) -> dict[int, set[int]]:
    """The ranks of each authority's mailboxes in an audience."""
    each = audience.rows(chosen, scope)
    ranks: dict[int, set[int]] = {}
    for authority, rank in session.execute(select(each.c.authority_id, each.c.rank)):
        ranks.setdefault(authority, set()).add(rank)
    return ranks


def _by_network(whom: set[int], meant: Mapping[int, tuple[str, bool]]) -> dict[str, int]:
    return dict(sorted(Counter(meant[key][0] for key in whom if key in meant).items()))
