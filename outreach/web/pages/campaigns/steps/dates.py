"""Step 3, the dates: when the waves leave, and how the calendar moves them."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import ClosingRule, DrawPlan, PlannedWave
from outreach.core.db import Session
from outreach.core.text.dates import today
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import Step, pages, show, step_of
from outreach.web.pages.campaigns.steps.forms import DatesForm
from outreach.web.pages.campaigns.steps.offered_drafts import keep, on_return
from outreach.web.shared.drafts import PageDrafts, changed_fields, of_page
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.request import needs, now, reading


@pages.get("/<number:number>/dates")
@needs(RoleName.READER)
def dates(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        step = step_of(session, "dates", campaign)
        saved, drafts = DatesForm.about(campaign), of_page()
        if "day" not in request.args:
            drafts = on_return(session, step, lambda typed: changed_fields(saved, DatesForm(typed)))
        asked = request.args if "day" in request.args else drafts.fields
        form = DatesForm(asked) if asked else saved
        if asked and form.validate() and form.version.data:
            form.is_current(step.version)
        return _page(session, step, form, drafts, asked=bool(asked))


@pages.post("/<number:number>/dates/choices")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(DatesForm), button="Reprendre ces dates")
def change_dates(number: int) -> Redirect:
    """Keep what is typed as a draft, and show what the calendar makes of it; nothing is saved."""
    form = DatesForm()
    page = keep(number, form.STEP, [(field.name, field.data or "") for field in form])
    return redirect(url_for(".dates", number=number, draft=page, at="see"), 303)


@pages.post("/<number:number>/dates")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(DatesForm))
def save_dates(number: int) -> Redirect | tuple[str, int]:
    form = DatesForm()
    is_refused = form.departures.data != "0" and form.validate() and _refuses_draw(number, form)
    if is_refused or not form.save(number):
        with reading() as session:
            step = step_of(session, "dates", planning.campaign_numbered(session, number))
            return _page(session, step, form, of_page()), 422
    flash("Les dates sont enregistrées.", "success")
    return redirect(url_for(".check", number=number))


def _refuses_draw(number: int, form: DatesForm) -> bool:
    """Whether departures cannot be drawn with what a valid form says; the form then says why."""
    with reading() as session:
        campaign = planning.as_if(session, planning.campaign_numbered(session, number), form.changes())
        _draw_of(session, campaign, form)
        return bool(form.departures.errors)


def _draw_of(session: Session, campaign: Campaign, form: DatesForm, rule: ClosingRule | None = None) -> DrawPlan | None:
    """The draw of a campaign; the form says what stands against it."""
    planned = planning.experiment_plan_of(session, campaign, now=now(), rule=rule)
    if planned is not None:
        form.departures.errors = [*form.departures.errors, *planned.refusals]
    return planned


def _page(session: Session, step: Step, form: DatesForm, drafts: PageDrafts, *, asked: bool = True) -> str:
    campaign, waves, draw = step.campaign, list[PlannedWave](), None
    if not form.errors:
        campaign = planning.as_if(session, campaign, form.changes()) if asked else campaign
        rule = ClosingRule.of(session, campaign, now=now())
        draw = _draw_of(session, campaign, form, rule) if campaign.starts_at else None
        waves = [] if form.errors else rule.waves(campaign)
    form.version.data = form.version.data or step.version
    cautions = dict.fromkeys(planning.calendar_caution(today(wave.at)) for wave in waves)
    left_out = planning.left_out(campaign, waves)
    late = [*planning.too_late(waves), *planning.after_closing(session, campaign, waves, now())]
    told = filter(None, [*late, *dict.fromkeys(wave.deadline_in_words for wave in waves), *cautions])
    more = {"drafts": drafts, "at": request.args.get("at", ""), "draw": draw}
    return show("dates", step, form=form, unsaved=asked, waves=waves, left_out=left_out, cautions=list(told), **more)
