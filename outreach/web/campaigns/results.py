"""A campaign's results: the authorities behind each figure, and the figures as a file."""

from collections.abc import Sequence

from flask import Response, request
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.from_lists import WrittenList
from outreach.campaigns.results import figures as results
from outreach.campaigns.results.figures import Figure, Results
from outreach.errors import InputError
from outreach.roles import RoleName
from outreach.tracking import hits
from outreach.tracking.hits import Measured
from outreach.tracking.machines import HitClass
from outreach.web.audience.writing import write_to
from outreach.web.campaigns.blueprint import pages, show, step_of
from outreach.web.ui import exports
from outreach.web.ui.frame import database, needs, now
from outreach.web.ui.pager import Pager, member

PAGE_ROWS = 50


@pages.get("/<number:number>/results")
@needs(RoleName.READER)
def behind(number: int) -> str:
    figure = member(Figure, request.args.get("figure")) or Figure.RECIPIENTS
    network = request.args.get("network", "")
    with database().reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        summary = results.of(session, campaign, now=now())
        if network and network not in summary.labels:
            raise InputError("Ce réseau n’existe pas.")
        listed = results.authorities(session, campaign, summary, figure, network)
        pager = Pager.of(request, len(listed), PAGE_ROWS)
        return show(
            "results",
            step_of(session, "progress_page", campaign),
            figure=figure,
            network=summary.labels.get(network, ""),
            pager=pager,
            rows=listed[max(pager.first_row - 1, 0) : pager.last_row],
        )


@pages.post("/<number:number>/results/campaign")
@needs(RoleName.AUTHOR)
def write_to_those(number: int) -> Redirect:
    """Begin a campaign to the authorities behind a figure, as they are now."""
    figure = member(Figure, request.args.get("figure")) or Figure.RECIPIENTS
    with database().reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        summary = results.of(session, campaign, now=now())
        network = request.args.get("network", "")
        if network and network not in summary.labels:
            raise InputError("Ce réseau n’existe pas.")
        name = ", ".join(filter(None, (figure.label, summary.labels.get(network, ""), campaign.title)))
        written, strand = WrittenList(name, None, summary.among(figure, network)), campaign.strand.number
    return write_to(written, strand=strand)


@pages.get("/<number:number>/results/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_results(number: int, kind: str) -> Response:
    with database().reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        table, *more = tables_of(results.of(session, campaign, now=now()), results.figures(campaign))
        more.append(measured_of(hits.measured(session, audiences.launched(campaign))))
    return exports.download(table, kind, f"resultats-campagne-{number}", *more)


def tables_of(summary: Results, figures: Sequence[Figure]) -> list[exports.Table]:
    """The results as tables: networks as rows with a total, the answers, and what each figure means."""
    headers = ("Réseau", *(figure.label for figure in figures))
    lines = (*summary.rows, summary.row())
    rows: list[list[exports.Cell]] = [[row.label, *(row.counts[figure] for figure in figures)] for row in lines]
    answers = [(answer.label, count) for answer, count in summary.answers.items()]
    meanings = [(figure.label, figure.meaning) for figure in figures]
    return [
        exports.Table("Résultats", headers, rows),
        exports.Table("Réponses", ("Réponse", "PO"), answers),
        exports.Table("Définitions", ("Terme", "Sens"), meanings),
    ]


def measured_of(groups: Sequence[Measured]) -> exports.Table:
    """Clicks and openings as a table, by group and by class: human, uncertain, machine."""
    headers = ["Groupe", "Destinataires"]
    headers += [f"{what} {who}" for what in ("Clics", "Ouvertures") for who in ("sûrs", "incertains", "automatiques")]
    rows: list[list[exports.Cell]] = [
        [group.name, group.recipients, *(tally[each] for tally in (group.clicks, group.opens) for each in HitClass)]
        for group in groups
    ]
    return exports.Table("Clics et ouvertures", headers, rows)
