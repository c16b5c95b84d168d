"""A campaign's results: the authorities behind each figure, and the figures as a file."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import lifecycle
from outreach.campaigns.results import figures as results
from outreach.campaigns.results.figures import Figure, Results
from outreach.campaigns.results.from_lists import WrittenList
from outreach.campaigns.results.funnel import Course
from outreach.core.db import Session
from outreach.core.tables.columns import QueryListing
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.directory.authorities import search
from outreach.directory.models import Authority
from outreach.engagement.tracking.bot_detection import HitClass
from outreach.engagement.tracking.opens_and_clicks import Measured
from outreach.web.pages.campaigns.blueprint import pages, show, step_of, title_in_file
from outreach.web.pages.campaigns.charts import DAY_COLUMNS, WAVES, Came, left_on
from outreach.web.shared.write_to_list import write_to
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import needs, now, reading


@dataclass(frozen=True, slots=True)
class AskedFigure:
    """The figure that a query asks for, of one network or of all (''); `label` is the network's, in French, or ''."""

    campaign: Campaign
    figure: Figure
    network: str
    label: str

    @classmethod
    def of(cls, session: Session, number: int) -> "AskedFigure":
        """Read the query. Raises InputError on an unknown network; an unknown figure is all recipients."""
        campaign = lifecycle.campaign_numbered(session, number)
        network = request.args.get("network", "")
        labels = {"": "", **{each.code: each.label for each in search.networks(session)}}
        if network not in labels:
            raise InputError("Ce réseau n’existe pas.")
        figure = member(Figure, request.args.get("figure")) or Figure.RECIPIENTS
        return cls(campaign, figure, network, labels[network])

    def authorities(self, session: Session) -> QueryListing[Authority]:
        """The authorities behind the figure that the query's words find, by name."""
        about, text = (self.campaign, self.figure, self.network), sought(request)
        return results.authorities(session, *about, now=now(), text=text, sort=sorting(request))


@pages.get("/<number:number>/results")
@needs(RoleName.READER)
def behind(number: int) -> str:
    with reading() as session:
        asked = AskedFigure.of(session, number)
        return show(
            "results",
            step_of(session, "progress_page", asked.campaign),
            figure=asked.figure,
            network=asked.label,
            text=sought(request),
            shown=Shown.of(request, asked.authorities(session), export=".export_those", write=".write_to_those"),
        )


@pages.get("/<number:number>/results/authorities.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_those(number: int, kind: str) -> Response:
    """The authorities behind a figure as a file."""
    with reading() as session:
        asked = AskedFigure.of(session, number)
        figure, campaign = asked.figure, asked.campaign
        told = [
            ("Campagne", f"{campaign.id}, « {campaign.title} »"),
            ("Date", f"{french.moment(now())}, heure de Bruxelles"),
            ("Réseau", asked.label or "tous"),
            (figure.label, figure.meaning),
        ]
        about, table = exports.Table("Définitions", ("Terme", "Sens"), told), asked.authorities(session).table()
        name = f"resultats-campagne-{number}-po"
        return exports.download(table, kind, name, about, whole=True, campaign=title_in_file(session, campaign))


@pages.route("/<number:number>/results/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_those(number: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the authorities behind a figure, as they are now."""
    with reading() as session:
        asked = AskedFigure.of(session, number)
        name = ", ".join(filter(None, (asked.figure.label, asked.label, asked.campaign.title)))
        written = WrittenList(name, None, asked.authorities(session).keys())
        strand = asked.campaign.strand_id
    return write_to(written, strand=strand)


@pages.get("/<number:number>/results/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_results(number: int, kind: str) -> Response:
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        came = Came.of(session, campaign)
        table, *more = tables_of(came.results)
        title = title_in_file(session, campaign)
        more += [*course_tables(came.course), measured_of(came.measured, openings=came.course.counts_openings)]
    return exports.download(table, kind, f"resultats-campagne-{number}", *more, campaign=title)


def day_columns(shown: Course) -> dict[str, str]:
    """The columns of a table of days, by the name of their count; without openings where they are not measured."""
    return {name: label for name, label in DAY_COLUMNS.items() if shown.counts_openings or name != "opened"}


def course_tables(shown: Course) -> list[exports.Table]:
    """The way and the days of a course, as tables."""
    way: list[tuple[exports.Cell, ...]] = [(step.figure.label, step.authorities, step.schools) for step in shown.way]
    way += [
        (Figure.DECLARED.label, step.declared, step.declared_schools)
        for step in shown.way
        if step.figure is Figure.JOINED_SINCE
    ]
    columns = day_columns(shown)
    days = [(day.day.isoformat(), left_on(shown, day), *(getattr(day, name) for name in columns)) for day in shown.days]
    waves = [
        (each.wave.name, each.day.isoformat(), each.sent, *(getattr(each, kind) for kind in WAVES))
        for each in shown.yields
    ]
    return [
        exports.Table("Parcours", ("Étape", "PO", "Écoles"), way),
        exports.Table(
            "Par vague", ("Vague", "Jour", "PO à qui elle a écrit", *(label for label, _ in WAVES.values())), waves
        ),
        exports.Table("Jour par jour", ("Jour", "Vague", *columns.values()), days),
    ]


def tables_of(summary: Results) -> list[exports.Table]:
    """The results as tables: networks as rows with a total, the answers, and what each figure means."""
    figures = [figure for figure in Figure if summary.counts.authorities.is_told(figure)]
    headers = (*exports.NETWORK, *(figure.label for figure in figures))
    lines = (*summary.rows, summary.total)
    rows: list[list[exports.Cell]] = [
        [row.label, row.network, *(row.count(figure) for figure in figures)] for row in lines
    ]
    schools = [(figure.label, summary.counts.schools[figure]) for figure in figures]
    answers = [(answer.label, count) for answer, count in summary.answers.items()]
    answers.append(("En plus, pris connaissance sans répondre", summary.acknowledged))
    meanings = [(figure.label, figure.meaning) for figure in figures]
    return [
        exports.Table("Résultats", headers, rows),
        exports.Table("Écoles", ("Nombre", "Écoles"), schools),
        exports.Table("Réponses", ("Réponse", "PO"), answers),
        exports.Table("Définitions", ("Terme", "Sens"), meanings),
    ]


def measured_of(groups: Sequence[Measured], *, openings: bool = True) -> exports.Table:
    """Clicks and openings as a table, by group and by class: human, uncertain, machine; or clicks alone."""
    headers = ["Groupe", "Remis", "Clics sûrs", "Clics incertains", "Clics automatiques"]
    headers += ["Ouvertures sûres", "Ouvertures incertaines", "Ouvertures automatiques"] if openings else []
    rows: list[list[exports.Cell]] = []
    for group in groups:
        tallies = (group.clicks, group.opens) if openings else (group.clicks,)
        rows.append([group.name, group.delivered, *(tally[each] for tally in tallies for each in HitClass)])
    return exports.Table("Clics et ouvertures" if openings else "Clics, ouvertures non mesurées", headers, rows)
