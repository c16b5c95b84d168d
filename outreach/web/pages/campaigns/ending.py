"""Ending a campaign or a wave: a page says what is lost before. Taking a cancelled campaign back to draft."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import planning, review
from outreach.campaigns.models import CAMPAIGN_MOVES, ON_ITS_WAY, CampaignState
from outreach.core.text.roles import RoleName
from outreach.web.pages.campaigns.blueprint import pages, show, step_of
from outreach.web.ui.request import actor, database, needs, now, reading


@pages.get("/<number:number>/cancellation")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def cancellation(number: int) -> str | Redirect:
    return _ask(number, CampaignState.CANCELLED)


@pages.post("/<number:number>/cancellation")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def cancel(number: int) -> Redirect:
    return _end(number, "La campagne est annulée : ce qui n’est pas parti ne partira pas.", planning.cancel_campaign)


@pages.post("/<number:number>/restoration")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def restore(number: int) -> Redirect:
    sentence = "La campagne est de nouveau un brouillon, à faire valider. Ce qui est parti reste parti."
    return _end(number, sentence, planning.restore_campaign, to=".check")


@pages.get("/<number:number>/closure")
@needs(RoleName.AUTHOR)
def closure(number: int) -> str | Redirect:
    return _ask(number, CampaignState.CLOSED)


@pages.post("/<number:number>/closure")
@needs(RoleName.AUTHOR)
def close(number: int) -> Redirect:
    return _end(number, "La campagne est clôturée.", planning.close_campaign)


@pages.get("/<number:number>/waves/<number:wave>/withdrawal")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def calling_off(number: int, wave: int) -> str | Redirect:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        lost = review.losses_of(session, campaign, now=now(), number=wave)
        asked = next((planned for planned in lost.planned if planned.number == wave), None)
        if asked is None:
            return redirect(url_for(".waves", number=number))
        return show("calling_off", step_of(session, "calling_off", campaign), lost=lost, wave=asked)


def _ask(number: int, end: CampaignState) -> str | Redirect:
    """The page that says what is lost; the campaign's own page when it cannot come to this end any more."""
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        is_on_its_way = any(wave.state in ON_ITS_WAY for wave in campaign.waves)
        if end not in CAMPAIGN_MOVES[campaign.state] or (end is CampaignState.CLOSED and is_on_its_way):
            return redirect(url_for(".campaign", number=number))
        lost = review.losses_of(session, campaign, now=now())
        return show("ending", step_of(session, "ending", campaign), lost=lost, end=end)


def _end(number: int, told: str, move: Callable[..., Any], to: str = ".campaign") -> Redirect:
    with database().writing() as session:
        move(session, planning.in_turn(session, number), now=now(), actor=actor())
    flash(told, "success")
    return redirect(url_for(to, number=number))
