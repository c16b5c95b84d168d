"""What all pages of a campaign share: the blueprint, the four steps, the tabs, the sender."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_login import current_user

from outreach.adherence import programmes
from outreach.campaigns import listing
from outreach.campaigns.calling import work_list
from outreach.campaigns.effects import locking
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.lifecycle import content_hash, may_change
from outreach.campaigns.listing import CampaignStanding, Stage
from outreach.campaigns.models import Campaign, WaveState
from outreach.campaigns.results.progress import wave_of_the_moment
from outreach.db import Session
from outreach.reach.models import ReachChannel
from outreach.roles import RoleName
from outreach.web.ui.request import settings

pages = Blueprint("campaigns", __name__, url_prefix="/campaigns")
STEPS = {
    "audience": "1. Public",
    "letter": "2. Courriel",
    "dates": "3. Dates et relances",
    "check": "4. Vérifier et planifier",
}
STAGE_COLORS = {
    Stage.DRAFT: "neutral",
    Stage.TO_APPROVE: "warning",
    Stage.APPROVED: "warning",
    Stage.PLANNED: "info",
    Stage.RUNNING: "accent",
    Stage.PAUSED: "warning",
    Stage.OVER: "success",
    Stage.CANCELLED: "neutral",
}
CHANGED = (
    "Quelqu’un a modifié cette campagne depuis que vous l’avez ouverte. Vos changements sont encore ici, rien n’est "
    "enregistré : comparez avec la page rechargée, puis enregistrez de nouveau."
)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step's page shows: the campaign, where it stands, and whether the person may change it.

    `version` is the digest of the campaign's content when the page was made. `has_calls`: somebody is to be called,
    or was. `about` names its strand.
    """

    name: str
    campaign: Campaign
    standing: CampaignStanding
    may_change: bool
    version: str
    has_calls: bool
    about: str

    @property
    def stage(self) -> Stage:
        """The campaign's stage."""
        return self.standing.stage

    @property
    def cancels_waves(self) -> bool:
        """Whether a change cancels waves that are planned."""
        return any(wave.state is WaveState.PLANNED for wave in self.campaign.waves)

    @property
    def unsets_approval(self) -> bool:
        """Whether a change takes the campaign back to draft."""
        return self.may_change and self.stage is not Stage.DRAFT


def step_of(session: Session, name: str, campaign: Campaign) -> Step:
    """A step of a campaign, for the person who is signed in."""
    may = may_change(campaign) and current_user.holds(RoleName.AUTHOR)
    has_calls = ReachChannel.CALL in campaign.ladder or work_list.has_any(session, campaign)
    about, standing = programmes.strand_names(session)[campaign.strand_id], listing.standing_of(session, campaign)
    return Step(name, campaign, standing, may, content_hash(campaign), has_calls, about)


def show(template: str, step: Step, **values: Any) -> str:
    """Render a template of a campaign with its steps, its tabs and these values."""
    return render_template(
        f"pages/campaigns/{template}.html",
        step=step,
        campaign=step.campaign,
        steps=STEPS,
        tabs=_tabs(step),
        stage_colors=STAGE_COLORS,
        **values,
    )


def _tabs(step: Step) -> list[tuple[str, str, str]]:
    """The tabs of a campaign under way: name, label, address. Those meant have a tab once the wave has a mailing."""
    campaign = step.campaign
    wave = wave_of_the_moment(campaign)
    tabs = [("progress_page", "Suivi", url_for("campaigns.progress_page", number=campaign.id))]
    if wave is not None and wave.mailing_id:
        address = url_for("campaigns.list_reactions", number=campaign.id)
        tabs.append(("recipients", "Visés", address))
        tabs.append(("reached", "Atteints", url_for("campaigns.list_reached", number=campaign.id)))
    tabs.append(("waves", "Relances", url_for("campaigns.waves", number=campaign.id)))
    if ReachChannel.PAPER in campaign.ladder:
        tabs.append(("paper", "Papier", url_for("campaigns.paper", number=campaign.id)))
    if step.has_calls:
        tabs.append(("calls", "Appels", url_for("campaigns.list_calls", number=campaign.id)))
    if locking.is_drawn(campaign):
        tabs.append(("effect", "Effet", url_for("campaigns.effect", number=campaign.id)))
    tabs.append(("journal", "Journal", url_for("campaigns.journal", number=campaign.id)))
    tabs.append(("check", "Contenu", url_for("campaigns.check", number=campaign.id)))
    return tabs


def sending() -> SenderIdentity:
    """The sender of this installation's letters."""
    return SenderIdentity.of(settings())
