"""« Répéter avant d’envoyer »: a campaign's rehearsal, the job that plays it, and forecasts beside what came."""

from typing import Any

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import staff
from outreach.campaigns import lifecycle
from outreach.campaigns.models import Campaign
from outreach.campaigns.rehearsal import comparing, ground, playing
from outreach.db import Session, time_limit
from outreach.roles import RoleName
from outreach.web.campaigns.blueprint import pages, show, step_of
from outreach.web.jobs import later
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, finishing, job, needs, now, reading, settings, tell


@pages.get("/<number:number>/rehearsal")
@needs(RoleName.READER)
def rehearsal(number: int) -> str:
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        kept = playing.latest(session, campaign)
        return show(
            "rehearsal",
            step_of(session, "check", campaign),
            kept=kept,
            told=playing.shown(kept) if kept else None,
            between=playing.between,
            stale=playing.stale(session, campaign, kept, now=now()) if kept else [],
            why_not=ground.why_not(session, campaign, now=now()),
            compared=comparing.of(session, campaign, now=now()),
            score=comparing.score(comparing.every(session, now=now())),
            colleagues=staff.colleagues(session),
        )


@pages.post("/<number:number>/rehearsal")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def rehearse(number: int) -> Redirect:
    """Play the campaign as a job, and keep what comes out."""
    work = job()
    with time_limit.lifted(), database().reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        if work is None:
            ground.refuse(session, campaign, now=now())
            return later(f"Répéter « {campaign.title} »", url_for(".rehearsal", number=number))
        rate, of_domains = settings().smtp_rate, settings().rates_of_domains
        found = ground.of(session, campaign, now=now(), rate=rate, rates_of_domains=of_domains)
    told = playing.play(found, work.progress)
    with finishing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        playing.keep(session, campaign, found, told, now=now(), actor=actor())
        tell(
            f"La campagne est répétée : {playing.between(told['joined'])} PO auraient une adhésion confirmée "
            "à l’échéance."
        )
    return redirect(url_for(".rehearsal", number=number))


@pages.get("/rehearsals")
@needs(RoleName.READER)
def rehearsals() -> str:
    with reading() as session:
        listed = comparing.listed(session, now=now(), text=sought(request), sort=sorting(request))
        return render_template(
            "pages/campaigns/rehearsals.html",
            shown=Shown.of(request, listed, export=".export_rehearsals"),
            score=comparing.score(listed.rows),
            text=sought(request),
        )


@pages.get("/rehearsals/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_rehearsals(kind: str) -> Response:
    with reading() as session:
        listed = comparing.listed(session, now=now(), text=sought(request), sort=sorting(request))
        return exports.download(listed.table(), kind, "previsions-et-realite")


def rehearsed(session: Session, campaign: Campaign) -> dict[str, Any] | None:
    """What other pages of a campaign say of its last rehearsal; None without one."""
    kept = playing.latest(session, campaign)
    if kept is None:
        return None
    stale = playing.stale(session, campaign, kept, now=now())
    return {"kept": kept, "joined": playing.between(kept.told["joined"]), "stale": stale}
