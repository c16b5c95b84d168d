"""What a draw of departures showed: the page, locked until its day; curves and files."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import Response, flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import experiments, planning
from outreach.campaigns.models import Campaign
from outreach.core.db import Session, time_limit
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Reason
from outreach.reports.charts import Chart, EventMark, Series, draw_curve
from outreach.web.pages.campaigns.blueprint import hold_programme, pages, show, step_of, title_in_file
from outreach.web.shared import charts
from outreach.web.ui import exports
from outreach.web.ui.exports import Table
from outreach.web.ui.request import actor, database, needs, now, reading

DEPARTURES = ("Départ 1", "Départ 2", "Départ 3")
JSON = "application/json"


@pages.get("/<number:number>/effect")
@needs(RoleName.READER)
def effect(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        lock, told = experiments.lock_of(session, campaign), experiments.told_frozen(session, campaign)
        shown = experiments.effect_for_page(told) if told else None
        return show(
            "effect",
            step_of(session, "effect", campaign),
            lock=lock,
            kept=experiments.frozen_effect(session, campaign),
            told=shown,
            planned=experiments.planned_departures(lock.attempt) if lock.attempt else [],
            attempts=experiments.attempts_of(session, campaign.id),
            sizes=experiments.sizes_of(session, lock.attempt) if lock.attempt else {},
            curve=_chart(campaign, shown) if shown else None,
            flow=list(_flow(shown)) if shown else [],
            departures=DEPARTURES,
            draws=[
                one
                for one in experiments.draws_of(session, campaign.strand.programme_id)
                if one.campaign is not campaign
            ],
        )


@pages.post("/<number:number>/effect")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def freeze_effect(number: int) -> Redirect:
    """Compute the effect, and freeze it."""
    with time_limit.lifted(), database().reading() as session:
        campaign = planning.campaign_numbered(session, number)
        lock = experiments.lock_of(session, campaign)
        outcome = experiments.compute_effect(session, campaign, lock)
    with database().writing() as session:
        campaign = planning.campaign_numbered(session, number)
        experiments.freeze_effect(session, campaign, lock, outcome, now=now(), actor=actor())
    flash("L’effet est calculé et figé.", "success")
    return redirect(url_for(".effect", number=number))


@pages.get("/<number:number>/effect/export.<any(xlsx, csv, json):kind>")
@needs(RoleName.READER)
def export_effect(number: int, kind: str) -> Response:
    """The frozen effect: its figures by stratum and departure, or all of it as JSON."""
    with reading() as session:
        campaign, told = _frozen(session, number)
        title, draws = title_in_file(session, campaign), experiments.draws_of(session, campaign.strand.programme_id)
        whole = {
            **told,
            "programme": {"code": campaign.strand.programme.code, "draws": [one.as_json() for one in draws]},
        }
    name = f"effet-campagne-{number}"
    if kind == "json":
        return exports.attachment(json.dumps(whole, ensure_ascii=False, indent=1).encode(), JSON, f"{name}.json")
    return exports.download(_strata(told), kind, name, _figures(told), campaign=title)


@pages.get("/<number:number>/effect/slides.zip")
@needs(RoleName.READER)
def effect_slides(number: int) -> Response:
    with reading() as session:
        campaign, told = _frozen(session, number)
        hold_programme(session, campaign)
        return charts.slides([_chart(campaign, experiments.effect_for_page(told))], f"effet-campagne-{number}")


def _frozen(session: Session, number: int) -> tuple[Campaign, dict[str, Any]]:
    """A campaign and its frozen effect. Raises Refused as long as there is none, or something blocks it."""
    campaign = planning.campaign_numbered(session, number)
    told = experiments.told_frozen(session, campaign)
    if told is None:
        raise Refused(experiments.lock_of(session, campaign).in_words)
    return campaign, told


def _chart(campaign: Campaign, told: dict[str, Any]) -> Chart:
    """The curve of the first comparison: how many of 100 had joined, day by day, with the letter and without."""
    table, days = told["totals"][0], told["length"] + 1
    one, two, three = (dict(values[:days]) for values in told["curves"])
    with_letter = [(day, _of_100(count, table.n1)) for day, count in one.items()]
    waiting = [(day, _of_100(two.get(day, 0) + three.get(day, 0), table.n0)) for day in one]
    series = [Series("avec le courriel", with_letter), Series("en attente", waiting)]
    first, last = with_letter[0][0], with_letter[-1][0]
    span = f"du {french.day(first)} au {french.day(last)}"
    reached = french.all_of([f"{each.values[-1][1]} {each.name}" for each in series])
    return Chart(
        key="adhesions",
        title=french.typeset(f"Adhésions sur 100 PO, dans les {told['length']} jours"),
        about=french.typeset(f"D’après les listes, {span}"),
        subject=french.typeset(f"Campagne « {campaign.title} »"),
        in_words=french.typeset(f"Sur 100 PO, ont adhéré {span} : {reached}."),
        headers=("Jour", "Avec le courriel, sur 100", "En attente, sur 100"),
        rows=[
            (french.day(day), french.number(with_letter[place][1]), french.number(waiting[place][1]))
            for place, (day, _) in enumerate(with_letter)
        ],
        draw=partial(draw_curve, series, events=[EventMark(first, "le courriel part")]),
    )


def _of_100(count: int, whole: int) -> int:
    return round(100 * count / whole) if whole else 0


def _flow(told: dict[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """The flow by departure, as rows of a table: drawn, written, left out and why, not delivered, joined."""
    strata, flow = told["strata"], told["flow"]
    yield "Tirés au sort", _sums(strata, "drawn")
    yield "À qui un courriel est parti", flow["written"]
    for reason, counts in flow["left_out"].items():
        yield f"Écartés : {Reason(reason).label}", counts
    yield "Non remis", flow["undelivered"]
    if "early" in flow:  # not in an outcome of 0.3.0
        yield "Avaient reçu un courriel avant leur tour", flow["early"]
        yield "Sortis du registre", flow["gone"]
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
    figures = [("Écart, en PO sur 100", *(round(100 * told[name], 2) for name in ("estimate", "low", "high")))]
    return Table("Chiffre", ("Mesure", "Estimation", "De", "À"), figures)
