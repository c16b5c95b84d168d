"""Step 4, the check: request approval, approve, schedule; then pause and resume."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from flask import flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import approvals
from outreach.campaigns import channels, experiments, planning, review, waves
from outreach.campaigns.letter import replies_to
from outreach.campaigns.models import ON_ITS_WAY, Campaign
from outreach.campaigns.planning import Stage
from outreach.campaigns.review import Findings
from outreach.campaigns.segments import is_everybody
from outreach.campaigns.waves import CALL_OFF_TIME
from outreach.core.db import Session, time_limit
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Reason
from outreach.staff import notifications
from outreach.web.pages.campaigns.blueprint import pages, sending, show, step_of
from outreach.web.pages.campaigns.steps.forms import CalmForm, ExceptionForm
from outreach.web.pages.campaigns.steps.letter import pane_of
from outreach.web.sign_in.form_recovery import of_fields, recovers_form
from outreach.web.ui.fields import posted, posted_number, remarked
from outreach.web.ui.request import actor, database, needs, now, reading

OPEN = {Stage.DRAFT, Stage.TO_APPROVE, Stage.APPROVED, Stage.PLANNED}  # nothing has left: all may still change
PLAN = "plan"  # the value of the button that approves and plans


@pages.get("/<number:number>/check")
@needs(RoleName.READER)
def check(number: int) -> str:
    with reading() as session:
        return check_page(session, number)


@pages.post("/<number:number>/submission")
@needs(RoleName.AUTHOR)
def submit(number: int) -> Redirect | tuple[str, int]:
    confirmed = posted_number("confirmed", digits=7)
    try:
        judged = _judged(number)
        _refuse_undated(judged)
        with database().writing() as session:
            campaign = planning.in_turn(session, number)
            review.ask_approval(
                session, campaign, sending(), now=now(), actor=actor(), confirmed=confirmed, judged=judged
            )
    except InputError as error:
        with reading() as session:
            return check_page(session, number, fault=str(error)), 422
    written = french.plural(judged.counts.written, "pouvoir organisateur", "pouvoirs organisateurs")
    flash(f"La validation est demandée, pour {written}. Elle revient à une autre personne que vous.", "success")
    return redirect(url_for(".check", number=number))


@pages.post("/<number:number>/approval")
@needs(RoleName.APPROVER)
def approve(number: int) -> Redirect | tuple[str, int]:
    """Approve and plan, or, at the second choice, approve only."""
    judged, overlap = _judged(number), posted_number("overlap", digits=7) or 0
    try:
        if posted("then") == PLAN:
            return _approve_and_plan(number, judged, overlap)
        return _move(
            number,
            "La campagne est validée, exactement telle qu’elle est. Rien ne part tant qu’elle n’est pas planifiée.",
            partial(review.give_approval, sending=sending(), judged=judged, overlap=overlap),
        )
    except InputError as error:
        with reading() as session:
            return check_page(session, number, fault=str(error), at="overlap"), 422


@pages.post("/<number:number>/return")
@needs(RoleName.APPROVER)
@recovers_form(of_fields({"why": "Ce qu’il faut changer"}), button="Renvoyer à la rédaction")
def send_back(number: int) -> Redirect:
    back = partial(planning.send_back, reason=remarked("why").rstrip("."))
    return _move(number, "La campagne est renvoyée à la personne qui l’écrit.", back)


@pages.post("/<number:number>/waves")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def schedule(number: int) -> Redirect:
    return _move(number, "L’envoi est planifié.", partial(_schedule, version=posted("version")))


@pages.post("/<number:number>/pause")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def pause(number: int) -> Redirect:
    return _move(number, "L’envoi est en pause : plus rien ne part.", planning.pause_campaign)


@pages.post("/<number:number>/resumption")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def resume(number: int) -> Redirect:
    may_approve = current_user.holds(RoleName.APPROVER)
    return _move(number, "L’envoi reprend.", partial(planning.resume_campaign, may_approve=may_approve))


def _approve_and_plan(number: int, judged: Findings, overlap: int) -> Redirect:
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        earliest = now() + CALL_OFF_TIME
        first = review.give_and_plan(
            session,
            campaign,
            sending(),
            now=now(),
            actor=actor(),
            earliest=earliest,
            judged=judged,
            overlap=overlap,
        )
        day, hour = french.weekday(first.due_at), french.hour(first.due_at)
        sentence = f"La campagne est validée et planifiée : la {first.name} part le {day} à {hour}."
        sentence += f" {notifications.SAID}" if notifications.is_short(session, first, now()) else ""
    flash(sentence, "success")
    return redirect(url_for(".campaign", number=number))


def _schedule(session: Session, campaign: Campaign, *, version: str, now: datetime, actor: str) -> str:
    """Plan the waves; returns what to say more of it, or ''."""
    approvals.refuse_another(planning.content_of(campaign), version)
    first = planning.schedule_campaign(session, campaign, None, now=now, actor=actor, earliest=now + CALL_OFF_TIME)
    return notifications.SAID if notifications.is_short(session, first, now) else ""


def _judged(number: int) -> Findings:
    """The campaign as the person read it, judged before anything is written, for as long as it takes."""
    with time_limit.lifted(), database().reading() as session:
        campaign = planning.campaign_numbered(session, number)
        return review.review_campaign(session, campaign, sending(), now=now(), version=posted("version"))


def _refuse_undated(findings: Findings) -> None:
    """On pages, dates are approved with the rest. Raises InputError without one."""
    if not findings.planned:
        raise InputError("Choisissez la date de la première vague : elle est validée avec le reste.")


def _move(number: int, told: str, move: Callable[..., Any]) -> Redirect:
    with database().writing() as session:
        more = move(session, planning.in_turn(session, number), now=now(), actor=actor())
    flash(f"{told} {more}" if isinstance(more, str) and more else told, "success")
    return redirect(url_for(".campaign", number=number))


def check_page(
    session: Session,
    number: int,
    fault: str = "",
    at: str = "",
    form: CalmForm | None = None,
    excepting: ExceptionForm | None = None,
) -> str:
    """The step's page; `fault` says why nothing was moved, `at` which box is to be ticked, `form` why the calm stays,
    `excepting` why nobody is left out."""
    campaign = planning.campaign_numbered(session, number)
    step = step_of(session, "check", campaign)
    criterion = planning.criterion_of(campaign)
    is_under_way = any(wave.state in ON_ITS_WAY for wave in campaign.waves)
    is_open = step.stage in OPEN or (step.stage is Stage.RUNNING and planning.may_change(campaign))
    findings = review.check_campaign(session, campaign, sending(), now=now()) if is_open else None
    plan = findings.planned if findings and not is_under_way else []
    rungs = channels.forecast_steps(session, campaign, now=now()) if is_open else []
    is_read_here = step.stage in {Stage.TO_APPROVE, Stage.APPROVED}
    return show(
        "check",
        step,
        faults=[(at if findings and findings.overlap and findings.overlap.shared else "", fault)] if fault else [],
        form=form or CalmForm(),
        said=planning.criterion_sentence(session, criterion),
        replies_to=replies_to(session, campaign).replace("+@", "@"),
        is_for_everybody=is_everybody(criterion),
        findings=findings,
        plan=plan,
        rungs=rungs,
        to_come=review.plan_of(session, campaign, findings, rungs, now=now()) if findings else None,
        preview=pane_of(session, campaign) if is_read_here else None,
        leaves_at_once=bool(plan) and plan[0].at <= now() + CALL_OFF_TIME,
        is_under_way=is_under_way,
        exemptions=waves.exemptions_of(session, campaign),
        exceptions=review.exceptions_of(session, campaign),
        excepting=excepting or ExceptionForm(formdata=None),
        may_except=is_open and current_user.holds(RoleName.AUTHOR, RoleName.APPROVER),
        solicited=findings.counts.left_out.get(Reason.SOLICITED, 0) if findings else 0,
        transitions=planning.campaign_history(session, campaign),
        rewordings=review.since_approval(session, campaign) if is_open else [],
        left_before=review.left_before(session, campaign) if is_open else 0,
        draw=findings.draw if findings else None,
        attempts=experiments.attempts_of(session, campaign.id),
        drawn=experiments.draw_of(session, campaign.id),
        may_approve=approvals.may_decide(session, actor(), planning.subject_of(campaign)),
        is_approver=current_user.holds(RoleName.APPROVER),
    )
