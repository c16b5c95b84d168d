"""The list of campaigns, and creating one."""

from collections.abc import Mapping, Sequence
from functools import partial

from flask import Response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.adherence import programmes
from outreach.adherence.models import Programme, Strand
from outreach.campaigns import planning, results
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import CampaignRow, Definition, Stage
from outreach.campaigns.results import Overall, overall_figures
from outreach.campaigns.review import PLACEHOLDER
from outreach.core.db import Session
from outreach.core.tables import FEW_ROWS, QueryListing, Total
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.reports.charts import Tone
from outreach.web.pages.campaigns.blueprint import STAGE_COLORS, meter, pages
from outreach.web.shared import programmes as of_request
from outreach.web.shared.beginning import Beginning, begin, blank, like, ready_made
from outreach.web.ui.exports import download
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import needs, now, reading

BLANK = "blank"


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    stage, text = member(Stage, request.args.get("state")), sought(request)
    with reading() as session:
        colleagues = accounts.colleagues(session)
        among = planning.matching_campaigns(session, text, colleagues, of_request.filtered(session))
        counts = planning.count_stages(session, among)
        total = counts[stage] if stage else sum(counts.values())
        listed = _listed(session, stage, among)
        return render_template(
            "pages/campaigns/index.html",
            counts=counts,
            stage=stage,
            text=text,
            is_long=bool(text) or total > FEW_ROWS,
            shown=Shown.of(request, listed, total=Total(total), export=".export"),
            colleagues=colleagues,
            stage_colors=STAGE_COLORS,
            bar_of=_bar,
            step_of=_step,
        )


def _step(campaign: Campaign) -> tuple[int, str]:
    """The step at which a draft is, and what is to be done there."""
    if PLACEHOLDER.search(campaign.subject + campaign.letter):
        return 2, "à écrire"
    return (4, "à faire valider") if campaign.starts_at else (3, "à dater")


def _bar(came: Overall) -> str:
    """Those who joined, then the others who answered, of the recipients."""
    joined = min(came.joined_since or 0, came.recipients)
    answered = max(min(came.answered, came.recipients) - joined, 0)
    return meter([(Tone.JOINED, joined), (Tone.PREPARING, answered)], came.recipients)


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    with reading() as session:
        colleagues = accounts.colleagues(session)
        among = planning.matching_campaigns(session, sought(request), colleagues, of_request.filtered(session))
        listed = _listed(session, member(Stage, request.args.get("state")), among)
        return download(listed.table(colleagues), kind, "campagnes")


@pages.get("/new")
@needs(RoleName.AUTHOR)
def new() -> str:
    with reading() as session:
        ready = ready_made(session)
        return render_template(
            "pages/campaigns/new.html",
            ready=ready,
            about=_about(session, ready),
            sent_about=programmes.strand_names(session),
            recent=planning.list_campaigns(session, sort="-campaign").page(1, 10),
            sent=planning.waves_that_left(session),
        )


def _about(session: Session, ready: Mapping[str, Definition]) -> dict[str, str]:
    """Of which programme and strand each ready-made campaign speaks, by its name; '' where it is not sure."""
    names, there = programmes.strand_names(session), programmes.all_programmes(session)
    strands = {name: planning.strand_of(there, stated) for name, stated in ready.items()}
    return {name: names[strand.id] if strand else "" for name, strand in strands.items()}


@pages.get("/begin")
@needs(RoleName.AUTHOR)
def begin_page() -> Redirect | str | tuple[str, int]:
    """The first page of a campaign that is like the one that the address names; nothing is created."""
    return begin(_beginning(request.args))


@pages.post("")
@needs(RoleName.AUTHOR)
def create() -> Redirect | str | tuple[str, int]:
    return begin(_beginning(request.form))


def _beginning(asked: MultiDict[str, str]) -> Beginning:
    """What a campaign begins from: a model that is named, or a strand."""
    corrects = None
    kept = {name: asked[name] for name in ("definition", "copy", "received") if asked.get(name)}
    named, copied = asked.get("definition", ""), whole_number(asked.get("copy", ""))
    to = url_for(".create")
    with reading() as session:
        if copied is not None:
            stated = planning.begin_again(planning.definition_of(session, planning.campaign_numbered(session, copied)))
            name, model = f"{stated.title[:190]} (copie)", f"Copie de « {stated.title} »."
        elif named == BLANK:
            return Beginning("", _blank, _strand_asked(session, asked), kept=kept, action=to)
        elif named in (ready := ready_made(session)):
            stated, corrects = _corrected(session, ready[named], asked.get("received", ""))
            name, model = stated.title, f"Comme « {stated.title} », prête à l’emploi : tout se modifie ensuite."
        else:
            raise NotFound("Choisissez une campagne prête à l’emploi, ou une campagne à reprendre.")
        own = planning.strand_of(programmes.all_programmes(session), stated)
        strand = _strand_asked(session, asked) or corrects or (own.id if own else None)
        of = own.programme_id if own else None
    return Beginning(name, partial(like, stated, own), strand, model=model, of=of, kept=kept, action=to)


def _strand_asked(session: Session, asked: MultiDict[str, str]) -> int | None:
    """The key of the strand that an address names by `programme` and `strand`."""
    number = whole_number(asked.get("strand", ""))
    if number is None or request.method == "POST":
        return None
    return programmes.strand_named(session, asked.get("programme", ""), number).id


def _blank(programme: Programme, strand: Strand, is_only: bool) -> Definition:
    with reading() as session:
        ready = ready_made(session)
    return blank(ready, "Nouvelle campagne", programme, strand, is_only=is_only)


def _listed(session: Session, stage: Stage | None, among: Sequence[int] | None) -> QueryListing[CampaignRow]:
    figures = partial(overall_figures, session, now=now())
    return planning.list_campaigns(session, stage, among, figures=figures, sort=sorting(request))


def _corrected(session: Session, stated: Definition, received: str) -> tuple[Definition, int | None]:
    """The definition for those who received a wave, as in "12/1", and the key of the strand that its letter was about;
    as it is without one."""
    if not received:
        return stated, None
    campaign, wave = (whole_number(part) for part in (received.partition("/")[::2]))
    if campaign is None or wave is None:
        raise InputError("Choisissez le courriel à corriger dans la liste.")
    strand = planning.campaign_numbered(session, campaign).strand_id
    return planning.to_those_who_received(stated, campaign, wave), strand


@pages.get("/<number:number>")
@needs(RoleName.READER)
def campaign(number: int) -> Redirect:
    with reading() as session:
        stored_campaign = planning.campaign_numbered(session, number)
        if planning.stage_of(session, stored_campaign) is Stage.DRAFT:
            return redirect(url_for(".audience", number=number))
        step = ".progress_page" if results.has_begun(stored_campaign) else ".check"
    return redirect(url_for(step, number=number))
