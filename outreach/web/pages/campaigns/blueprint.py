"""What all pages of a campaign share: the blueprint, the four steps, the tabs, the sender."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import Blueprint, render_template, url_for
from flask_login import current_user

from outreach.adherence import programmes
from outreach.campaigns import channels, experiments, planning
from outreach.campaigns.evidence import ReachChannel
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, WaveState
from outreach.campaigns.planning import CampaignStanding, Stage, content_hash, may_change
from outreach.core.db import Session
from outreach.core.text.roles import RoleName
from outreach.reports import charts
from outreach.reports.charts import Tone, draw_cell
from outreach.web.ui import programme as of_request
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

    `version` is the digest of the campaign's content when the page was made. `channels` are those that
    have a page of it. `about` names its strand.
    """

    name: str
    campaign: Campaign
    standing: CampaignStanding
    may_change: bool
    version: str
    channels: Sequence[ReachChannel]
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


class TabPage(NamedTuple):
    """A page under a tab: the name of its step, which is its view's, and its label."""

    name: str
    label: str

    @property
    def endpoint(self) -> str:
        """Its whole endpoint."""
        return f"campaigns.{self.name}"

    def address(self, campaign: Campaign) -> str:
        """Where it is."""
        return url_for(self.endpoint, number=campaign.id)


class Tab(NamedTuple):
    """A tab of a campaign, and its pages: the first one opens with it."""

    label: str
    pages: Sequence[TabPage]

    def has(self, name: str) -> bool:
        """Whether a step is one of its pages."""
        return any(page.name == name for page in self.pages)


def step_of(session: Session, name: str, campaign: Campaign) -> Step:
    """A step of a campaign, for the person who is signed in."""
    may = may_change(campaign) and current_user.holds(RoleName.AUTHOR)
    about, standing = programmes.strand_names(session)[campaign.strand_id], planning.standing_of(session, campaign)
    return Step(name, campaign, standing, may, content_hash(campaign), channels.channels_of(session, campaign), about)


def hold_programme(session: Session, campaign: Campaign) -> None:
    """Have the file or the slide of this request say the programme of a campaign, where there are several."""
    programme = campaign.strand.programme
    if programmes.name_among_several(session, programme):
        of_request.hold(programme, [programme])


def title_in_file(session: Session, campaign: Campaign) -> str:
    """The title of the campaign that the file of this request is about; the file says its programme, too."""
    hold_programme(session, campaign)
    return campaign.title


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


def meter(pieces: Sequence[tuple[Tone, int]], whole: int) -> str:
    """A small bar under words that say the same: counts, each a part of a whole, side by side."""
    return charts.inline_chart(draw_cell([(tone, count / whole) for tone, count in pieces if whole]), "meter")


def _tabs(step: Step) -> list[Tab]:
    """The tabs of a campaign that is planned or under way."""
    campaign, whom = step.campaign, "Pouvoirs organisateurs"
    tabs = [Tab("Suivi", [TabPage("progress_page", "Suivi")]), Tab(whom, [TabPage("list_authorities", whom)])]
    tabs.append(
        Tab("Relances", [TabPage("waves", "Courriels"), *(TabPage(*channel.facts.page) for channel in step.channels)])
    )
    if experiments.is_drawn(campaign):
        tabs.append(Tab("Effet", [TabPage("effect", "Effet")]))
    tabs.append(Tab("Contenu", [TabPage("check", "Contenu"), TabPage("journal", "Journal")]))
    return tabs


def sending() -> SenderIdentity:
    """The sender of this installation's letters."""
    return SenderIdentity.of(settings())
