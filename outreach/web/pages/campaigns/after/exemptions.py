"""What an approver lets a campaign depart from, with a reason: a wave outside the sending hours, or the calm."""

from datetime import timedelta

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning, waves
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages, show, step_of
from outreach.web.pages.campaigns.steps.check import check_page
from outreach.web.pages.campaigns.steps.forms import CalmForm, HoursForm
from outreach.web.ui.fields import telling
from outreach.web.ui.request import actor, database, needs, now, reading

SOON = timedelta(minutes=10)


@pages.get("/<number:number>/waves/<number:wave>/hours")
@needs(RoleName.APPROVER)
def hours(number: int, wave: int) -> str | Redirect:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        planned = _planned(campaign, wave)
        if planned is None:
            return redirect(url_for(".waves", number=number))
        return _page(session, campaign, planned, HoursForm.at(now() + SOON))


@pages.post("/<number:number>/waves/<number:wave>/hours")
@needs(RoleName.APPROVER)
def let_leave(number: int, wave: int) -> Redirect | tuple[str, int]:
    form = HoursForm()
    if form.validate_on_submit():
        at, why = form.moment(), form.reason.data or ""
        with telling(form), database().writing() as session:
            campaign = planning.in_turn(session, number)
            moved = waves.let_leave(session, campaign, wave, at, why, now=now(), actor=actor())
            sentence = f"La {moved.name} part le {french.weekday(moved.due_at)} à {french.hour(moved.due_at)}."
        if not form.errors:
            flash(sentence, "success")
            return redirect(url_for(".waves", number=number))
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        planned = _planned(campaign, wave)
        if planned is None:
            raise Refused("Cette vague n’est plus planifiée : elle ne se déplace plus.")
        return _page(session, campaign, planned, form), 422


@pages.post("/<number:number>/calm")
@needs(RoleName.APPROVER)
def waive_calm(number: int) -> Redirect | tuple[str, int]:
    form = CalmForm()
    with telling(form.why), database().writing() as session:
        campaign, why = planning.in_turn(session, number), form.why.data or ""
        waves.waive_calm(session, campaign, why, now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            return check_page(session, number, form=form), 422
    flash("La campagne écrit aussi aux PO déjà sollicités. Votre raison reste avec elle.", "success")
    return redirect(url_for(".check", number=number))


@pages.post("/<number:number>/calm/withdrawal")
@needs(RoleName.APPROVER)
def restore_calm(number: int) -> Redirect:
    with database().writing() as session:
        waves.restore_calm(session, planning.in_turn(session, number), now=now(), actor=actor())
    flash("La dérogation est retirée : ce qui n’est pas parti ne va plus aux PO déjà sollicités.", "success")
    return redirect(url_for(".check", number=number))


def _planned(campaign: Campaign, number: int) -> Wave | None:
    return next((wave for wave in campaign.waves if wave.number == number and wave.state is WaveState.PLANNED), None)


def _page(session: Session, campaign: Campaign, wave: Wave, form: HoursForm) -> str:
    return show("hours", step_of(session, "waves", campaign), wave=wave, form=form)
