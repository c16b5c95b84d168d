"""Whom each campaign of a programme reached, by network: what stands beside its actions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from outreach import french
from outreach.campaigns import counts
from outreach.campaigns.counting.classes import Reach
from outreach.campaigns.counts import Counts, together
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import reached
from outreach.db import Session

MOST_TOLD = 12  # campaigns, the latest: each costs a statement over its letters
KEYS = ("to_reach", *(one.value for one in Reach))


@dataclass(frozen=True, slots=True)
class CampaignReach:
    """Whom a campaign reached, by network's code. `part` says that it counts some networks alone, or is ''."""

    campaign: int
    title: str
    strand: int
    networks: Mapping[str, Counts]
    part: str = ""

    @property
    def total(self) -> Counts:
        """The numbers of all its networks."""
        return together(self.networks.values())

    @property
    def short(self) -> str:
        """The numbers in French, without the campaign's name."""
        return reached.sentence(self.total)

    @property
    def sentence(self) -> str:
        """The numbers in French, as notes have them: « À ce jour, des 284 pouvoirs organisateurs à atteindre par « … »,
        52 ont réagi… »."""
        total = self.total
        whole = total["to_reach"]
        if whole == 1:
            (part,) = reached.parts_of(total)
            whom = f"le seul pouvoir organisateur à atteindre par « {self.title} »{self.part}"
            return french.typeset(f"À ce jour, {whom} : {part}.")
        whom = f"des {french.number(whole)} pouvoirs organisateurs à atteindre par « {self.title} »{self.part}"
        return french.typeset(f"À ce jour, {whom} : {', '.join(reached.parts_of(total))}.")

    def among(self, codes: Collection[str]) -> "CampaignReach | None":
        """The numbers of these networks alone, which the sentence says where there are others; None without any."""
        these = {code: counts for code, counts in self.networks.items() if code in codes}
        if not together(these.values())["to_reach"]:
            return None
        words = " dans ces réseaux" if len(set(codes)) > 1 else " dans ce réseau"
        return replace(self, networks=these, part=words if len(these) < len(self.networks) else "")

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON, under fixed names, in all and by network."""
        networks = {code: numbers_of(counted) for code, counted in self.networks.items()}
        named = {"campaign": self.campaign, "title": self.title, "strand": self.strand}
        return {**named, **numbers_of(self.total), "networks": networks}


def numbers_of(counted: Counts) -> dict[str, int]:
    """How many were to be reached, and how many of these were, by how sure it is."""
    return {key: counted[key] for key in KEYS}


def of_campaigns(session: Session, campaigns: Sequence[Campaign], *, now: datetime) -> list[CampaignReach]:
    """Whom these campaigns reached, as of now, in this order, without those that had nobody to reach."""
    found = (
        CampaignReach(
            one.id,
            one.title,
            one.strand.number,
            {part.code: part.authorities for part in counts.of_authorities(session, one, now=now).networks},
        )
        for one in campaigns
    )
    return [one for one in found if one.total["to_reach"]]
