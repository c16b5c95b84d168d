"""What a draw of departures showed: the page, locked until its day; the job that freezes it; curves and files."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach import french
from outreach.campaigns import lifecycle
from outreach.campaigns.draws import drawn_list
from outreach.campaigns.draws.models import DrawnEffect
from outreach.campaigns.effects import freezing, locking, programme
from outreach.campaigns.models import Campaign
from outreach.campaigns.schedule import draw_plan
from outreach.charts.chart import Chart
from outreach.charts.curves import Event, Series, curve
from outreach.db import Session, time_limit
from outreach.delivery.models import Reason
from outreach.errors import Refused
from outreach.roles import RoleName
from outreach.web import charts
from outreach.web.campaigns.blueprint import pages, show, step_of
from outreach.web.jobs import later
from outreach.web.ui import exports
from outreach.web.ui.exports import Table
from outreach.web.ui.request import actor, database, finishing, job, needs, now, reading, tell

DEPARTURES = ("Départ 1", "Départ 2", "Départ 3")
JSON = "application/json"


@pages.get("/<number:number>/effect")
@needs(RoleName.READER)
def effect(number: int) -> str:
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        lock, kept = locking.lock_of(session, campaign), locking.frozen(session, campaign)
        shown = _shown(lock.state, kept)
        draws = programme.draws_of(session, campaign.strand.programme_id)
        return show(
            "effect",
            step_of(session, "effect", campaign),
            lock=lock,
            kept=kept,
            told=shown,
            planned=draw_plan.stated_by(lock.attempt) if lock.attempt else None,
            attempts=drawn_list.attempts_of(session, campaign.id),
            sizes=drawn_list.sizes_of(session, lock.attempt) if lock.attempt else {},
            charts=list(_charts(campaign, shown)) if shown else [],
            flow=list(_flow(shown)) if shown else [],
            departures=DEPARTURES,
            draws=draws,
        )


@pages.post("/<number:number>/effect")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def freeze_effect(number: int) -> Redirect:
    """Compute the effect as a job, and freeze it."""
    with time_limit.lifted(), database().reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        lock = locking.lock_of(session, campaign)
        if lock.state is not locking.EffectState.READY:
            raise Refused(lock.told)
        if not job():
            return later(f"Calculer l’effet de « {campaign.title} »", url_for(".effect", number=number))
        outcome = freezing.compute(session, campaign, lock)
    with finishing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        freezing.freeze(session, campaign, lock, outcome, now=now(), actor=actor())
        tell("L’effet est calculé et figé.")
    return redirect(url_for(".effect", number=number))


@pages.get("/<number:number>/effect/export.<any(xlsx, csv, json):kind>")
@needs(RoleName.READER)
def export_effect(number: int, kind: str) -> Response:
    """The frozen effect: its figures by stratum and departure, or all of it as JSON."""
    with reading() as session:
        campaign, kept = _frozen(session, number)
        told, title = kept.told, campaign.title
        draws = programme.draws_of(session, campaign.strand.programme_id) if kind == "json" else []
        others = {"draws": [one.as_json() for one in draws]}
    name = f"effet-campagne-{number}"
    if kind == "json":
        return exports.attachment(
            json.dumps({**told, "programme": others}, ensure_ascii=False, indent=1).encode(), JSON, f"{name}.json"
        )
    return exports.download(_strata(told), kind, name, _figures(told), campaign=title)


@pages.get("/<number:number>/effect/<key>.<any(png, svg):ending>")
@needs(RoleName.READER)
def effect_picture(number: int, key: str, ending: str) -> Response:
    with reading() as session:
        campaign, kept = _frozen(session, number)
        return charts.picture(_charts(campaign, freezing.shown(kept)), key, ending, f"effet-campagne-{number}")


def _shown(state: locking.EffectState, kept: DrawnEffect | None) -> dict[str, Any] | None:
    """What is frozen, unless something blocks it since."""
    return freezing.shown(kept) if kept and state is not locking.EffectState.BLOCKED else None


def _frozen(session: Session, number: int) -> tuple[Campaign, DrawnEffect]:
    """A campaign and its frozen effect. Raises Refused as long as there is none, or something blocks it."""
    campaign = lifecycle.campaign_numbered(session, number)
    lock, kept = locking.lock_of(session, campaign), locking.frozen(session, campaign)
    if kept is None or lock.state is locking.EffectState.BLOCKED:
        raise Refused(lock.told)
    return campaign, kept


def _charts(campaign: Campaign, told: dict[str, Any]) -> Iterator[Chart]:
    """The curves: how many had joined since departure 1, by departure, and the days on which departures left."""
    series = [
        Series(f"du {name.lower()}", values) for name, values in zip(DEPARTURES, told["curves"], strict=True) if values
    ]
    events = [Event(day, name.lower()) for name, day in zip(DEPARTURES, told["left"], strict=False)]
    first, last = series[0].values[0][0], series[0].values[-1][0]
    span = f"du {french.day(first)} au {french.day(last)}"
    reached = french.all_of([f"{one.values[-1][1]} {one.name}" for one in series])
    yield Chart(
        key="adhesions",
        title=french.typeset("Adhésions, par départ tiré au sort"),
        about=french.typeset(f"PO qui ont adhéré, d’après les listes, {span}"),
        subject=french.typeset(f"Campagne « {campaign.title} »"),
        told=french.typeset(f"PO qui ont adhéré {span} : {reached}."),
        headers=("Jour", *DEPARTURES),
        rows=[
            (french.day(day), *(french.number(one.values[place][1]) for one in series))
            for place, (day, _) in enumerate(series[0].values)
        ],
        draw=partial(curve, series, events=events),
    )


def _flow(told: dict[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """The flow by departure, as rows of a table: drawn, written, left out and why, not delivered, joined."""
    strata, flow = told["strata"], told["flow"]
    yield "Tirés au sort", _sums(strata, "drawn")
    yield "À qui un courriel est parti", flow["written"]
    for reason, counts in flow["left_out"].items():
        yield f"Écartés : {Reason(reason).label}", counts
    yield "Non remis", flow["undelivered"]
    yield "Sortis du registre", told["health"]["gone"]
    yield "Avaient adhéré avant le premier départ", _sums(strata, "before")
    yield f"Ont adhéré dans les {told['length']} jours du premier départ", _sums(strata, "first")
    if told["second"] > told["length"]:
        yield "Ont adhéré entre les deux fenêtres", _sums(strata, "between")
    yield f"Ont adhéré dans les {told['length']} jours du deuxième départ", _sums(strata, "second")


def _sums(strata: list[dict[str, Any]], name: str) -> list[int]:
    return [sum(one[name][place] for one in strata) for place in range(3)]


def _strata(told: dict[str, Any]) -> Table:
    headers = ("Groupe", "Départ", "Tirés", "Adhérents avant", "Première fenêtre", "Entre les deux", "Deuxième fenêtre")
    names = ("drawn", "before", "first", "between", "second")
    rows = [
        (one["name"], place + 1, *(one[name][place] for name in names)) for one in told["strata"] for place in range(3)
    ]
    return Table("Par groupe et départ", headers, rows)


def _figures(told: dict[str, Any]) -> Table:
    """The figure, in points of 100."""
    figures = [
        ("Écart, en PO sur 100", *(round(100 * told[name], 2) for name in ("estimate", "low", "high"))),
        *(
            [("À la fin des jours comparés", *(round(100 * told["later"][n], 2) for n in ("estimate", "low", "high")))]
            if told["later"]
            else []
        ),
    ]
    return Table("Chiffre", ("Mesure", "Estimation", "De", "À"), figures)
