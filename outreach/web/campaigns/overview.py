"""The list of campaigns, creating one, and downloading its definition."""

from collections.abc import Sequence
from functools import partial

from flask import Response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField

from outreach.accounts import staff
from outreach.campaigns import audiences, definitions, lifecycle, listing
from outreach.campaigns.definitions import Definition
from outreach.campaigns.listing import CampaignRow, Stage
from outreach.campaigns.results import progress
from outreach.campaigns.results.overall import overall
from outreach.columns import Queried, Total
from outreach.db import Session
from outreach.errors import InputError, NotFound
from outreach.roles import RoleName
from outreach.text import line_of_words, whole_number
from outreach.web.audience.writing import FOLDER
from outreach.web.campaigns.blueprint import STAGE_COLORS, pages
from outreach.web.campaigns.steps.audience import LONGEST_TITLE
from outreach.web.ui.exports import download
from outreach.web.ui.fields import posted, posted_number
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import actor, database, needs, now, reading

BLANK = "blank"


class CampaignNameForm(FlaskForm):
    """The name of a campaign that begins without a model."""

    title = StringField("Nom de la campagne")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    stage, text = member(Stage, request.args.get("state")), sought(request)
    with reading() as session:
        colleagues = staff.colleagues(session)
        among = listing.matching(session, text, colleagues)
        counts = listing.stages(session, among)
        total = counts[stage] if stage else sum(counts.values())
        listed = _listed(session, stage, among)
        return render_template(
            "pages/campaigns/index.html",
            counts=counts,
            stage=stage,
            text=text,
            shown=Shown.of(request, listed, total=Total(total), export=".export"),
            colleagues=colleagues,
            stage_colors=STAGE_COLORS,
        )


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    with reading() as session:
        colleagues = staff.colleagues(session)
        among = listing.matching(session, sought(request), colleagues)
        listed = _listed(session, member(Stage, request.args.get("state")), among)
        return download(listed.table(colleagues), kind, "campagnes")


@pages.get("/new")
@needs(RoleName.AUTHOR)
def new() -> str:
    return _new_page(CampaignNameForm(formdata=None))


@pages.post("")
@needs(RoleName.AUTHOR)
def create() -> Redirect | tuple[str, int]:
    name, copied = posted("definition"), posted_number("copy")
    if copied is not None:
        with reading() as session:
            stated = definitions.of(session, lifecycle.campaign_numbered(session, copied))
        stated = stated.model_copy(update={"title": f"{stated.title[:190]} (copie)"})
    elif name == BLANK:
        form = CampaignNameForm()
        try:
            stated = _blank(form.title.data or "")
        except InputError as error:
            form.title.errors = [str(error)]
            return _new_page(form), 422
    elif name in (ready := definitions.ready_made(FOLDER)):
        stated = _corrected(ready[name], posted("received"))
    else:
        raise NotFound("Choisissez une campagne prête à l’emploi, ou une campagne à reprendre.")
    with database().writing() as session:
        author = staff.user_named(session, actor())
        made = lifecycle.create(session, stated, now=now(), author=author)
        return redirect(url_for(".audience", number=made.id))


def _new_page(form: CampaignNameForm) -> str:
    with reading() as session:
        return render_template(
            "pages/campaigns/new.html",
            form=form,
            ready=definitions.ready_made(FOLDER),
            recent=listing.listed(session).page(1, 10),
            sent=audiences.waves_that_left(session),
        )


def _listed(session: Session, stage: Stage | None, among: Sequence[int] | None) -> Queried[CampaignRow]:
    figures = partial(overall, session, now=now())
    return listing.listed(session, stage, among, figures=figures, sort=sorting(request))


def _blank(title: str) -> Definition:
    """A blank campaign under a name. Raises InputError without one, or with one that is unfit."""
    title = line_of_words(title)
    if not 0 < len(title) <= LONGEST_TITLE:
        raise InputError(f"Donnez un nom à la campagne, en {LONGEST_TITLE} caractères au plus.")
    return definitions.blank(title, next(iter(definitions.ready_made(FOLDER).values())))


def _corrected(stated: Definition, received: str) -> Definition:
    """The definition for those who received a wave, as in "12/1"; as it is without one."""
    if not received:
        return stated
    campaign, wave = (whole_number(part) for part in (received.partition("/")[::2]))
    if campaign is None or wave is None:
        raise InputError("Choisissez le courriel à corriger dans la liste.")
    return definitions.to_those_who_received(stated, campaign, wave)


@pages.get("/<number:number>")
@needs(RoleName.READER)
def campaign(number: int) -> Redirect:
    with reading() as session:
        stored_campaign = lifecycle.campaign_numbered(session, number)
        if listing.stage_of(session, stored_campaign) is Stage.DRAFT:
            return redirect(url_for(".audience", number=number))
        step = ".progress_page" if progress.has_begun(stored_campaign) else ".check"
    return redirect(url_for(step, number=number))


@pages.get("/<number:number>/definition.md")
@needs(RoleName.READER)
def definition(number: int) -> Response:
    with reading() as session:
        stored_campaign = lifecycle.campaign_numbered(session, number)
        text = definitions.write(definitions.of(session, stored_campaign))
    response = Response(text, mimetype="text/markdown")
    response.headers["Content-Disposition"] = f'attachment; filename="campagne-{number}.md"'
    return response
