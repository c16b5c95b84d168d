"""What each recipient of a campaign did: the list with its filters, and the same list as a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Response, request
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns.channels.calls import MOST
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import audiences, lifecycle
from outreach.campaigns.results import openings, reactions
from outreach.campaigns.results.from_lists import WrittenList
from outreach.campaigns.results.reactions import OpeningFilter, ReactionFilters, ReactionList
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.outbox.listing import LetterOutcome
from outreach.directory.authorities import search
from outreach.engagement.replies.kinds import Answer
from outreach.engagement.tracking import opens_and_clicks
from outreach.engagement.tracking.models import TrackingMode
from outreach.engagement.tracking.reactions import Asked, Reaction
from outreach.web.pages.campaigns.blueprint import pages, show, step_of, title_in_file
from outreach.web.shared.write_to_list import REMINDER, call_those, write_to
from outreach.web.ui import exports
from outreach.web.ui.pager import Shown, member, sorting
from outreach.web.ui.request import needs, now, reading

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
    """The list that a query asks for. `wave` is a wave's number or None for all; `networks` has labels by code."""

    campaign: Campaign
    letters: Asked
    wave: int | None
    filters: ReactionFilters
    networks: Mapping[str, str]

    def listed(self, session: Session) -> ReactionList:
        """The list itself, in the order that the query asks for."""
        names = {mailing: wave.name for mailing, wave in _waves(self.campaign).items()}
        return reactions.of(session, self.letters, self.filters, waves=names, sort=sorting(request))

    @property
    def chosen(self) -> list[str]:
        """The filters in French, without the wave."""
        filters = self.filters
        labels = [each.label for each in (filters.reaction, filters.outcome, filters.answer, filters.opening) if each]
        network = self.networks.get(filters.network)
        return [*labels, network] if network else labels

    def about(self, at: datetime) -> exports.Table:
        """What a file of it is about: the campaign, the moment, what was filtered, and what its columns mean."""
        campaign = self.campaign
        told = [
            ("Campagne", f"{campaign.id}, « {campaign.title} »"),
            ("Date", f"{french.moment(at)}, heure de Bruxelles"),
            ("Vagues", next((wave.name for wave in campaign.waves if wave.number == self.wave), "toutes")),
            ("Filtres", ", ".join(self.chosen) or "aucun"),
        ]
        meanings = [(reaction.label, reaction.meaning) for reaction in Reaction]
        return exports.Table("Définitions", ("Terme", "Sens"), [*told, *meanings, *DEFINITIONS])


@pages.get("/<number:number>/recipients")
@needs(RoleName.READER)
def list_reactions(number: int) -> str:
    with reading() as session:
        asked = _asked(session, number)
        campaign = asked.campaign
        listed = asked.listed(session)
        is_measured = campaign.tracking is TrackingMode.INDIVIDUAL
        hidden = () if is_measured else ("opened", "clicked")
        shown = Shown.of(
            request,
            listed,
            few=True,
            hidden=hidden,
            export=".export_reactions",
            write=".write_to_recipients",
            call=".call_recipients",
            most_called=MOST,
        )
        messages = [row.letter.message for row in shown.rows] if is_measured else []
        return show(
            "reactions",
            step_of(session, "recipients", campaign),
            asked=asked,
            waves=_waves(campaign),
            counts=listed.counts,
            shown=shown,
            seen=openings.of_letters(session, messages, now=now()) if messages else {},
            kept_since=now() - opens_and_clicks.KEPT,
            outcomes=list(LetterOutcome),
            answers=list(Answer),
            openings=list(OpeningFilter),
            is_measured=is_measured,
        )


@pages.get("/<number:number>/recipients/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_reactions(number: int, kind: str) -> Response:
    with reading() as session:
        asked = _asked(session, number)
        table, title = asked.listed(session).table(), title_in_file(session, asked.campaign)
        about, name = asked.about(now()), f"vises-campagne-{number}"
        return exports.download(table, kind, name, about, whole=True, campaign=title)


@pages.route("/<number:number>/recipients/campaign", methods=["GET", "POST"])
@needs(RoleName.AUTHOR)
def write_to_recipients(number: int) -> Redirect | str | tuple[str, int]:
    """Begin a campaign to the listed authorities: those who have not reacted, as they are each day, or as a list."""
    with reading() as session:
        asked = _asked(session, number)
        campaign, reaction = asked.campaign, asked.filters.reaction
        strand = campaign.strand_id
        name = f"{', '.join(asked.chosen) or 'Visés'} : {campaign.title}"
        if asked.wave is None and asked.filters == ReactionFilters(reaction=Reaction.NONE):
            written = WrittenList(name, audiences.unreacted_criterion(campaign))
        else:
            written = WrittenList(name, None, asked.listed(session).keys())
    return write_to(written, strand=strand, kinds=REMINDER if reaction is Reaction.NONE else ())


@pages.post("/<number:number>/recipients/calls")
@needs(RoleName.AUTHOR)
def call_recipients(number: int) -> Redirect:
    with reading() as session:
        keys = _asked(session, number).listed(session).keys()
    return call_those(number, keys)


def _asked(session: Session, number: int) -> AskedList:
    """The list that the query asks for; what it does not know is left out."""
    campaign, query = lifecycle.campaign_numbered(session, number), request.args
    wave = whole_number(query.get("wave", ""), digits=4)
    if wave not in {known.number for known in _waves(campaign).values()}:
        wave = None
    networks = {network.code: network.label for network in search.networks(session)}
    network = query.get("network", "")
    filters = ReactionFilters(
        reaction=member(Reaction, query.get("reaction")),
        network=network if network in networks else "",
        outcome=member(LetterOutcome, query.get("outcome")),
        answer=member(Answer, query.get("answer")),
        opening=member(OpeningFilter, query.get("opening")),
    )
    return AskedList(campaign, reactions.asked_of(campaign, now=now(), wave=wave), wave, filters, networks)


def _waves(campaign: Campaign) -> dict[int, Wave]:
    """The waves whose recipients are known, by mailing."""
    known = audiences.launched(campaign)
    return {wave.mailing_id: wave for wave in campaign.waves if wave.mailing_id in known}
