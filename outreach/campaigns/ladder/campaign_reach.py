"""Whom each campaign of a programme reached, by network: what stands beside its actions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from outreach import french
from outreach.campaigns.ladder import reached
from outreach.campaigns.ladder.reached import Reached
from outreach.campaigns.models import Campaign
from outreach.db import Session

MOST_TOLD = 12  # campaigns, the latest: each costs a statement over its letters


@dataclass(frozen=True, slots=True)
class CampaignReach:
    """Whom a campaign reached, by network's code. `part` says that it counts some networks alone, or is ''."""

    campaign: int
    title: str
    strand: int
    networks: Mapping[str, Reached]
    part: str = ""

    @property
    def total(self) -> Reached:
        """The counts of all its networks."""
        return reached.together(self.networks.values())

    @property
    def sentence(self) -> str:
        """The counts in French, as notes have them: « À ce jour, « … » a atteint, avec preuve, 961 des 985 … ».

        Notes count « pouvoirs organisateurs », as their actions do.
        """
        total = self.total
        but = total.but("pouvoir organisateur", "pouvoirs organisateurs")
        whom = f"visés par « {self.title} »{self.part}"
        if total.authorities == 1:
            told = "est atteint" if total.proved else "n’est pas atteint"
            one = whom.replace("visés", "visé", 1)
            return french.typeset(f"À ce jour, le seul pouvoir organisateur {one} {told}, avec preuve{but}.")
        if not total.unproved:
            every = french.number(total.authorities)
            return french.typeset(
                f"À ce jour, les {every} pouvoirs organisateurs {whom} sont tous atteints, avec preuve{but}."
            )
        proved = french.number(total.proved) if total.proved else "aucun"
        many = "sont atteints" if total.proved > 1 else "est atteint" if total.proved else "n’est atteint"
        open_steps = total.waiting()
        rest = f", dont {open_steps}" if open_steps else ""
        return french.typeset(
            f"À ce jour, {proved} des {french.number(total.authorities)} pouvoirs organisateurs {whom} {many}, avec "
            f"preuve{but} ; {french.number(total.unproved)} ne {'le sont' if total.unproved > 1 else 'l’est'} "
            f"pas{rest}."
        )

    def among(self, codes: Collection[str]) -> "CampaignReach | None":
        """The counts of these networks alone, which the sentence says where there are others; None without any."""
        these = {code: counts for code, counts in self.networks.items() if code in codes}
        if not these:
            return None
        words = " dans ces réseaux" if len(set(codes)) > 1 else " dans ce réseau"
        return replace(self, networks=these, part=words if len(these) < len(self.networks) else "")

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON, under fixed names: those of `Reached`, in all and by network."""
        networks = {code: counts.as_json() for code, counts in self.networks.items()}
        named = {"campaign": self.campaign, "title": self.title, "strand": self.strand}
        return {**named, **self.total.as_json(), "networks": networks}


def of_campaigns(session: Session, campaigns: Sequence[Campaign], *, now: datetime) -> list[CampaignReach]:
    """Whom these campaigns reached, as of now, in this order; a statement each."""
    found = [
        CampaignReach(
            one.id, one.title, one.strand.number, reached.by_network(session, reached.mailings_of(one), now=now)
        )
        for one in campaigns
    ]
    return [one for one in found if one.networks]
