"""Step 3, the dates: when the waves leave, and how the calendar moves them."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import lifecycle
from outreach.campaigns.schedule import planning, sending_hours
from outreach.campaigns.schedule.planning import ClosingRule, PlannedWave
from outreach.campaigns.step_drafts import DraftStep
from outreach.days import today
from outreach.db import Session
from outreach.roles import RoleName
from outreach.web.campaigns.blueprint import RESUMED, Step, pages, show, step_of
from outreach.web.campaigns.steps.moment_forms import DatesForm
from outreach.web.campaigns.steps.offered_drafts import DraftOffer, changed_fields, keep, offered, resumed
from outreach.web.signing_in.kept import keeps_text, of_form
from outreach.web.ui.request import needs, now, reading


@pages.get("/<number:number>/dates")
@needs(RoleName.READER)
def dates(number: int) -> str:
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        step = step_of(session, "dates", campaign)
        asked, saved = (
            resumed(session, step) or (request.args if "day" in request.args else None),
            DatesForm.about(campaign),
        )
        offer = None if asked else offered(session, step, lambda typed: changed_fields(saved, DatesForm(typed)))
        form = DatesForm(asked) if asked else saved
        if asked and form.validate() and form.version.data:
            form.is_current(step.version)
        return _page(session, step, form, asked=bool(asked), offer=offer)


@pages.post("/<number:number>/dates/choices")
@needs(RoleName.AUTHOR)
@keeps_text(of_form(DatesForm), button="Reprendre ces dates")
def change_dates(number: int) -> Redirect:
    """Keep what is typed as a draft, and show what the calendar makes of it; nothing is saved."""
    form = DatesForm()
    keep(number, DraftStep.DATES, [(field.name, field.data or "") for field in form])
    return redirect(url_for(".dates", number=number, draft=1, at="see"), 303)


@pages.post("/<number:number>/dates")
@needs(RoleName.AUTHOR)
@keeps_text(of_form(DatesForm))
def save_dates(number: int) -> Redirect | tuple[str, int]:
    form = DatesForm()
    if not form.save(number):
        with reading() as session:
            step = step_of(session, "dates", lifecycle.campaign_numbered(session, number))
            return _page(session, step, form), 422
    flash("Les dates sont enregistrées.", "success")
    return redirect(url_for(".check", number=number))


def _page(session: Session, step: Step, form: DatesForm, *, asked: bool = True, offer: DraftOffer | None = None) -> str:
    campaign, waves = step.campaign, list[PlannedWave]()
    if not form.errors:
        campaign = lifecycle.as_if(session, campaign, form.changes()) if asked else campaign
        rule = ClosingRule.of(session, campaign, now=now())
        waves = rule.waves(campaign)
    form.version.data = form.version.data or step.version
    cautions = dict.fromkeys(sending_hours.caution(today(wave.at)) for wave in waves)
    left_out = planning.left_out(campaign, waves)
    told = filter(None, [*(wave.deadline_told for wave in waves), *cautions])
    more = {"offer": offer, "kept": RESUMED in request.args, "at": request.args.get("at", "")}
    return show("dates", step, form=form, unsaved=asked, waves=waves, left_out=left_out, cautions=list(told), **more)
