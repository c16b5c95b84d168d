"""A campaign's authorities, one list for all its figures; and the figures as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns import counting, planning, results
from outreach.campaigns.channels import MOST
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.results import (
    Course,
    Figure,
    LetterReaction,
    OpeningFilter,
    ReachedFilters,
    ReachedRow,
    Results,
    WrittenList,
)
from outreach.campaigns.waves import resendable_from
from outreach.core.db import Session
from outreach.core.tables import QueryListing, Total
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.models import Reason
from outreach.delivery.outbox import LetterOutcome
from outreach.directory import authorities
from outreach.engagement.replies import Answer
from outreach.engagement.tracking import HitClass, Measured, Reaction, TrackingMode
from outreach.web.pages.campaigns.blueprint import pages, show, step_of, title_in_file
from outreach.web.pages.campaigns.charts import DAY_COLUMNS, WAVES, CampaignFigures, left_on
from outreach.web.shared.write_to_list import REMINDER, call_those, write_to
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import needs, now, reading

OFFERED = (
    *(Figure.TARGETED, Figure.RECIPIENTS, Figure.HANDED_OVER, Figure.RETURNED),
    *(Figure.REACHED, Figure.SILENT, Figure.LEFT),
)
KEPT = ("q", "figure", "network", "wave", "outcome", "reason", "answer", "reaction", "opening")
USUAL = {"results": Figure.RECIPIENTS, "reached": Figure.TO_REACH, "recipients": Figure.TARGETED}
DEFINITIONS = (
    (
        "Parti",
        "Quand le courriel est parti vers un serveur d’envoi qui l’a accepté, ou dont on ne sait pas s’il l’a fait.",
    ),
    ("Mesuré", "Le courriel portait sa propre mesure : un accord ou une décision était enregistré pour la boîte."),
    (
        "Ouvert, Cliqué",
        "La première ouverture (probable, jamais sûre) et le premier clic qu’aucun logiciel ne semble avoir faits.",
    ),
    ("Vide", "De plus de treize mois, ouvertures et clics ne sont plus gardés boîte par boîte."),
    ("Réponse", "La dernière réponse donnée depuis ce courriel."),
    ("Écoles nommées", "Les écoles que le courriel nomme."),
    (
        "Déclarent adhérer",
        "Celles de ces écoles que le PO déclare adhérentes depuis que le courriel est parti, à confirmer.",
    ),
    (
        "Adhésions confirmées",
        "Celles de ces écoles dont l’adhésion est confirmée, à la date du jour où le courriel est parti ou après.",
    ),
    ("Heures", "Celles de Bruxelles."),
)


@dataclass(frozen=True, slots=True)
class AskedList:
    """The list that a query asks for; `networks` are labels by code."""

    campaign: Campaign
    filters: ReachedFilters
    networks: Mapping[str, str]

    @classmethod
    def of(cls, session: Session, number: int) -> "AskedList":
        """Read the query. Raises InputError on an unknown network; what else it does not know is left out."""
        campaign, query = planning.campaign_numbered(session, number), request.args
        networks = {each.code: each.label for each in authorities.list_networks(session)}
        if (network := query.get("network", "")) not in {"", *networks}:
            raise InputError("Ce réseau n’existe pas.")
        filters = ReachedFilters(
            figure=member(Figure, query.get("figure")) or Figure.TARGETED,
            network=network,
            wave=whole_number(query.get("wave", ""), digits=4),
            outcome=member(LetterOutcome, query.get("outcome")),
            reason=member(Reason, query.get("reason")),
            answer=member(Answer, query.get("answer")),
            reaction=member(Reaction, query.get("reaction")),
            opening=member(OpeningFilter, query.get("opening")),
            text=sought(request),
        )
        return cls(campaign, filters, networks)

    def listed(self, session: Session) -> QueryListing[ReachedRow]:
        """The list itself, in the order that the query asks for."""
        return results.list_reached(session, self.campaign, self.filters, now=now(), sort=sorting(request))

    @property
    def waves(self) -> dict[int, Wave]:
        """The waves that have letters, by mailing."""
        return {wave.mailing_id: wave for wave in self.campaign.waves if wave.mailing_id}

    @property
    def wave(self) -> Wave | None:
        """The one that is asked for."""
        return next((wave for wave in self.waves.values() if wave.number == self.filters.wave), None)

    @property
    def chosen(self) -> list[str]:
        """What is asked for, in French."""
        of, wave = self.filters, self.wave
        figure = of.figure if of.figure is not Figure.TARGETED else None
        labels = [one.label for one in (figure, of.reaction, of.outcome, of.reason, of.answer, of.opening) if one]
        return [*labels, *filter(None, (wave.name if wave else "", self.networks.get(of.network)))]

    def about(self, at: datetime) -> exports.Table:
        """What a file of it is about: the campaign, the moment, what was filtered, and what its words mean."""
        campaign = self.campaign
        told = [
            ("Campagne", f"{campaign.id}, « {campaign.title} »"),
            ("Date", f"{french.moment(at)}, heure de Bruxelles"),
            ("Filtres", ", ".join(self.chosen) or "aucun"),
        ]
        meanings = [(one.label, one.meaning) for one in (*Figure, *Reaction)]
        return exports.Table("Définitions", ("Terme", "Sens"), [*told, *meanings, *DEFINITIONS])


@pages.get("/<number:number>/authorities")
@needs(RoleName.READER)
def list_authorities(number: int) -> str:
    with reading() as session:
        asked = AskedList.of(session, number)
        campaign, filters = asked.campaign, asked.filters
        step = step_of(session, "list_authorities", campaign)
        every = counting.of_authorities(session, campaign, now=now())
        of_network = {one.code: one.authorities for one in every.networks}.get(filters.network, counting.Counts())
        counted = of_network if filters.network else every.authorities
        is_known = filters.keep_a_figure and counted.is_told(filters.figure)
        shown = Shown.of(
            request,
            asked.listed(session),
            total=Total(counted[filters.figure]) if is_known else None,
            few=True,
            hidden=() if campaign.ladder or step.channels else ("rung",),
            export=".export_authorities",
            write=".write_to_authorities",
            call=".call_authorities",
            most_called=MOST,
        )
        is_of_letters = filters.wave or filters.outcome
        letters = _letters(session, asked, [row.key for row in shown.rows])
        return show(
            "authorities",
            step,
            asked=asked,
            filters=filters,
            counted=counted,
            offered=OFFERED,
            figures=[figure for figure in Figure if every.authorities[figure] or figure is filters.figure],
            shown=shown,
            letters=letters,
            counted_letters=results.count_letters(session, campaign, filters, now=now()) if is_of_letters else None,
            seen=results.of_letters(session, [one.message for each in letters.values() for one in each], now=now()),
            tries=lambda letter: _tries(letter, asked.waves[letter.mailing]),
            resendable_from=_resendable(session, asked),
            up_to_the_minute=timedelta(seconds=59),
            kinds={
                "outcome": LetterOutcome,
                "reason": Reason,
                "answer": Answer,
                "reaction": Reaction,
                "opening": OpeningFilter,
            },
            is_measured=campaign.tracking is TrackingMode.INDIVIDUAL,
        )


@pages.get("/<number:number>/authorities/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_authorities(number: int, kind: str) -> Response:
    """The listed authorities as a file, then the letters to them."""
    with reading() as session:
        asked = AskedList.of(session, number)
        listed, filters, waves = asked.listed(session), asked.filters, asked.waves
        names = {mailing: wave.name for mailing, wave in waves.items()}
        of = filters.asked(asked.campaign, now())
        letters = results.reactions_table(session, of, listed.keys(), filters.letters, names)
        more, name = (letters, asked.about(now())), f"pouvoirs-organisateurs-campagne-{number}"
        title = title_in_file(session, asked.campaign)
        return exports.download(listed.table(), kind, name, *more, whole=True, campaign=title)


@pages.route("/<number:number>/authorities/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_authorities(number: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the listed authorities: those who have not reacted, as they are each day, or as a list."""
    with reading() as session:
        asked = AskedList.of(session, number)
        campaign, reaction = asked.campaign, asked.filters.reaction
        strand, name = campaign.strand_id, f"{', '.join(asked.chosen) or 'Visés'} : {campaign.title}"
        if asked.filters == ReachedFilters(reaction=Reaction.NONE):
            written = WrittenList(name, planning.unreacted_criterion(campaign))
        else:
            written = WrittenList(name, None, asked.listed(session).keys())
    return write_to(written, strand=strand, kinds=REMINDER if reaction is Reaction.NONE else ())


@pages.post("/<number:number>/authorities/calls")
@needs(RoleName.AUTHOR)
def call_authorities(number: int) -> Redirect:
    with reading() as session:
        keys = AskedList.of(session, number).listed(session).keys()
    return call_those(number, keys)


@pages.get("/<number:number>/<any(results, reached, recipients):page>")
@pages.get("/<number:number>/<any(reached, recipients):page>/export.<any(xlsx, csv):kind>")
@pages.get("/<number:number>/results/authorities.<any(xlsx, csv):kind>")
@pages.get("/<number:number>/waves/<number:wave>")
@pages.get("/<number:number>/waves/<number:wave>/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def moved_list(number: int, page: str = "results", wave: int | None = None, kind: str | None = None) -> Redirect:
    """Where a list stood that is now one of `list_authorities`."""
    fields: dict[str, Any] = {name: value for name in KEPT if (value := request.args.get(name))}
    fields |= {"wave": wave} if wave else {"figure": fields.get("figure", USUAL[page].value)}
    view = ".export_authorities" if kind else ".list_authorities"
    return redirect(url_for(view, number=number, kind=kind, **fields), 301)


@pages.get("/<number:number>/results/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_results(number: int, kind: str) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        came = CampaignFigures.of(session, campaign)
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


def _letters(session: Session, asked: AskedList, keys: Sequence[int]) -> dict[int, list[LetterReaction]]:
    """The letters that the list shows of some authorities, by these."""
    of, found = asked.filters.asked(asked.campaign, now()), dict[int, list[LetterReaction]]()
    for letter in results.list_reactions(session, of, keys, asked.filters.letters) if keys else ():
        found.setdefault(letter.authority_id, []).append(letter)
    return found


def _resendable(session: Session, asked: AskedList) -> dict[int, datetime]:
    """From when the person may resend each letter in doubt, by message id, on the list of those of a wave."""
    is_asked = asked.filters.wave and asked.filters.outcome is LetterOutcome.IN_DOUBT
    if not is_asked or not current_user.holds(RoleName.AUTHOR, RoleName.APPROVER):
        return {}
    return resendable_from(session, asked.campaign, asked.filters.wave or 0, now=now())


def _tries(letter: LetterReaction, wave: Wave) -> str:
    """For a letter put off, the number of attempts and the time of the next one; '' for any other."""
    if letter.attempts is None or letter.next_at is None:
        return ""
    soon = "sous peu" if letter.next_at <= now() else f"vers {french.hour(letter.next_at)}"
    when = "à la reprise" if wave.state is WaveState.PAUSED else soon
    return f"{french.plural(letter.attempts, 'essai')}, prochain {when}"
