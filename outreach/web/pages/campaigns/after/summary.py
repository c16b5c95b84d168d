"""« Résumé d’une page »: a campaign on one page of A4, as PDF, from the figures and charts of its page."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response
from flask_login import current_user

from outreach.campaigns import experiments, planning
from outreach.campaigns.models import WaveState
from outreach.campaigns.results import Figure
from outreach.core.sandbox import pdf
from outreach.core.tables import Origin
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.reports.charts import Canvas, Chart, chart_file
from outreach.reports.notes import MINISTRY
from outreach.web.pages.campaigns.blueprint import pages
from outreach.web.pages.campaigns.charts import CampaignFigures
from outreach.web.shared import charts
from outreach.web.ui.exports import attachment
from outreach.web.ui.request import end_reading, needs, now, reading
from outreach.web.ui.templates import letterhead

WIDE, CELL = Canvas(640, 13, 165), Canvas(340, 13)
HEAD = 80  # the height of a chart's title, in the pixels of its drawing
CELLS = ("reseaux", "reponses", "vagues", "jours")
TOLD = {  # how a count of none, of one and of several is told
    Figure.ANSWERED: ("aucun n’a répondu", "a répondu", "ont répondu"),
    Figure.DECLARED: ("aucun ne déclare adhérer", "déclare adhérer", "déclarent adhérer"),
    Figure.JOINED_SINCE: (
        "aucun n’a depuis d’adhésion confirmée",
        "a depuis une adhésion confirmée",
        "ont depuis une adhésion confirmée",
    ),
}

FIGURED = {Figure.CONCERNED, Figure.RECIPIENTS, *TOLD}  # those that the page explains


@pages.get("/<number:number>/summary.pdf")
@needs(RoleName.READER)
def summary(number: int) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        came = CampaignFigures.of(session, campaign)
        if not came.charts:
            raise Refused("Cette campagne n’est pas encore partie : son résumé n’aurait rien à dire.")
        standing = planning.standing_of(session, campaign).label
        beside = experiments.beside_counts(session, campaign)
        document = _document(came, campaign.strand.programme.name, standing, beside)
    end_reading()
    known = json.loads(pdf.settable(json.dumps(document, ensure_ascii=False)))  # a title may have other characters
    content = pdf.set_pdf("summary.typ", known, int(now().timestamp()), lost_nothing="Rien n’est perdu")
    suffix = Origin(now(), current_user.name).suffix()
    return attachment(content, "application/pdf", f"resume-campagne-{number}{suffix}.pdf")


def _document(came: CampaignFigures, programme: str, standing: str, beside: str) -> dict[str, Any]:
    """The document as the template takes it: words, `beside` the counts as well, drawings, a date."""
    campaign, made, head = came.campaign, today(now()), letterhead()
    figured = [figure for figure in Figure if came.results.counts.authorities.is_told(figure) and figure in FIGURED]
    return {
        "name": f"{campaign.title} – résumé",
        "ministry": MINISTRY,
        "programme": french.typeset(f"{programme}, volet {campaign.strand.number}"),
        "title": french.typeset(campaign.title),
        "stated": french.typeset(f"Résumé établi le {french.moment(now())}. {standing}."),
        "date": [made.year, made.month, made.day],
        "lead": " ".join(filter(None, [*_lead(came, figured), beside])),
        "wide": [_picture(chart, WIDE) for chart in came.charts[:1]],
        "columns": _columns([chart for chart in map(came.chart, CELLS) if chart]),
        "coming": list(_coming(came)),
        "meaning": french.typeset(" ".join(f"{figure.label} : {french.initial(figure.meaning)}" for figure in figured)),
        "source": charts.source(),
        "head": {"lines": list(head.lines), "logo": list(head.logo)},
    }


def _columns(charts: Sequence[Chart]) -> list[list[dict[str, str]]]:
    """The charts in two columns: each goes under what is shorter by then."""
    columns, heights = [list[dict[str, str]](), list[dict[str, str]]()], [0.0, 0.0]
    for chart in charts:
        place = heights.index(min(heights))
        columns[place].append(_picture(chart, CELL))
        heights[place] += chart.draw(CELL).height + HEAD
    return columns


def _picture(chart: Chart, canvas: Canvas) -> dict[str, str]:
    drawing = chart_file(chart.draw(canvas), chart.title, chart.in_words)
    return {"title": chart.title, "about": chart.about, "told": chart.in_words, "svg": drawing}


def _lead(came: CampaignFigures, figured: list[Figure]) -> Iterator[str]:
    """What came, in one sentence, and how many of those that a letter was handed over to have not reacted."""
    whole = came.count(Figure.CONCERNED)
    parts = [_told(figure, came.count(figure), whole) for figure in figured if figure in TOLD]
    whom = french.plural(whole, "pouvoir organisateur", "pouvoirs organisateurs")
    yield french.typeset(f"Sur {whom} que la campagne concerne, {french.all_of(parts)}.")
    silent, handed = came.count(Figure.SILENT), came.count(Figure.HANDED_OVER)
    if silent:
        many = f"{french.number(silent)} n’{'a' if silent < 2 else 'ont'} pas encore réagi"
        yield french.typeset(f"Sur {french.number(handed)} à qui un courriel a été remis, {many}.")


def _told(figure: Figure, count: int, whole: int) -> str:
    said = TOLD[figure][min(count, 2)]
    return f"{french.number(count)} {said} ({french.whole_percent(count, whole)})" if count else said


def _coming(came: CampaignFigures) -> Iterator[str]:
    planned = [wave for wave in came.campaign.waves if wave.state is WaveState.PLANNED]
    for wave in planned:
        yield french.typeset(
            f"{french.initial(wave.name)} : {french.weekday(wave.due_at)} à {french.hour(wave.due_at)}."
        )
    if not planned:
        yield "Plus aucune vague n’est planifiée."
