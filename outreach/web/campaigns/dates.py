"""Step 3: when the waves leave, and what the calendar does to them."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import RoleName
from outreach.adherence.days import today
from outreach.campaigns import lifecycle, openings, planning
from outreach.campaigns.planning import PlannedWave
from outreach.db import Session
from outreach.web.campaigns.blueprint import CHANGED, Step, pages, show, step_of
from outreach.web.campaigns.forms import DatesForm
from outreach.web.frame import actor, database, needs, now


@pages.get("/<number:number>/dates")
@needs(RoleName.READER)
def dates(number: int) -> str:
    with database().reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        form = DatesForm(request.args) if "day" in request.args else DatesForm.about(campaign)
        if "day" in request.args:
            form.validate()
        return _page(session, step_of(session, "dates", campaign), form)


@pages.post("/<number:number>/dates")
@needs(RoleName.AUTHOR)
def save_dates(number: int) -> Redirect | tuple[str, int]:
    form = DatesForm()
    with database().writing() as session:
        campaign = lifecycle.in_turn(session, number)
        step = step_of(session, "dates", campaign)
        if form.validate() and form.version.data != step.version:
            form.form_errors = [CHANGED]
        if form.errors:
            return _page(session, step, form), 422
        lifecycle.revise(session, campaign, form.changes(), now=now(), actor=actor())
    flash("Les dates sont enregistrées.", "success")
    return redirect(url_for(".check", number=number))


def _page(session: Session, step: Step, form: DatesForm) -> str:
    waves: list[PlannedWave] = []
    if (form.day.data or "").strip() and form.hour.data and not form.errors:
        as_asked = lifecycle.as_if(session, step.campaign, form.changes()) if form.validate() else step.campaign
        waves = planning.plan(session, as_asked, now=now())
    form.version.data = form.version.data or step.version
    cautions = dict.fromkeys(openings.caution(today(wave.at)) for wave in waves)
    return show("dates", step, form=form, waves=waves, cautions=[one for one in cautions if one])
