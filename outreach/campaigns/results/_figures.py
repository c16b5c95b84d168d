"""The figures of a campaign by name: their French words, whom each counts, the answers that were given.

The numbers are those of `campaigns.counts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, FromClause, func, select, true

from outreach.campaigns import counting
from outreach.campaigns.counting import (
    FLAGS,
    IN_CONCERNED,
    TO_REACH,
    CampaignCounts,
    Class,
    Classified,
    Counts,
    Handing,
    Reach,
)
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import launched_mailings
from outreach.core.db import Session
from outreach.delivery.models import Message
from outreach.engagement.replies import Answer, Response


class Figure(StrEnum):
    """A figure of a campaign, by the key that programs know, in the order of the interface."""

    TARGETED = (
        "targeted",
        "Visés",
        "Ceux que visaient les critères quand une vague est partie, ou que vise une vague à venir",
    )
    OUT_OF_SCOPE = "out_of_scope", "Hors cible", "Aucune école que le volet concerne ce jour-là"
    CONCERNED = "concerned", "Concernés", "Une école au moins que le volet concerne"
    ALREADY_JOINED = (
        "already_joined",
        "Avaient déjà adhéré",
        "Toutes leurs écoles concernées avaient adhéré avant le lancement, ou étaient déclarées adhérentes",
    )
    EXCEPTED = (
        "excepted",
        "Exceptés",
        "Écartés par une personne, par le tirage d’une autre campagne, ou déjà sollicités",
    )
    STOPPED = (
        "stopped",
        "Se sont manifestés avant le courriel",
        "Une adhésion ou une réponse connue après le lancement, avant qu’un courriel leur parte",
    )
    TO_REACH = (
        "to_reach",
        "À atteindre",
        "Concernés, sauf ceux qui avaient adhéré ou le déclaraient, sont exceptés ou se sont manifestés",
    )
    NO_ADDRESS = "no_address", "Sans adresse utilisable", "Aucune adresse, désinscrits, boîte en échec ou à vérifier"
    NOT_SENT = "not_sent", "Non envoyés", "Pour une autre raison : vague annulée ou manquée, sortis du public"
    TO_COME = "to_come", "Recevront", "Un courriel attend, ou une vague planifiée ou en pause leur écrira"
    RECIPIENTS = "recipients", "Destinataires", "Un courriel de la campagne au moins leur est parti, ou a été tenté"
    HANDED_OVER = "handed_over", "Remis", "Notre serveur d’envoi a pris un courriel, qui n’est pas revenu"
    ON_THE_WAY = "on_the_way", "En chemin ou en doute", "On ne sait pas encore si le serveur d’envoi a pris le courriel"
    RETURNED = "returned", "Revenus", "Refusés par notre serveur d’envoi, expirés, ou revenus depuis"
    REACHED = (
        "reached",
        "Ont réagi",
        "Une réponse, un appel abouti, une adhésion depuis le courriel, un clic avec accord",
    )
    PRESUMED = "presumed", "Présumés atteints", "Rien n’est revenu depuis sept jours, dix pour une lettre sur papier"
    UNREAD = "unread", "Remis, retours non lus", "Remis il y a sept jours, sans boîte des retours pour le vérifier"
    TOO_EARLY = "too_early", "Trop tôt pour le dire", "Remis ou postés depuis moins longtemps, ou encore à venir"
    LEFT = "left", "À atteindre encore", "Rien ne dit qu’ils ont reçu quelque chose"
    SILENT = (
        "silent",
        "N’ont pas réagi",
        "Un courriel leur a été remis, et aucun n’est de « Ont réagi »",
    )
    ENTERED_LATER = "entered_later", "Entrés après la première vague", "Visés seulement depuis une vague suivante"
    ANSWERED = (
        "answered",
        "Ont répondu",
        "Une réponse par lien, par courrier ou par téléphone ; « J’ai pris connaissance » sans un mot n’en est pas une",
    )
    DECLARED = "declared", "Déclarent adhérer", "Une école citée au moins est déclarée adhérente, sans confirmation"
    JOINED_SINCE = (
        "joined_since",
        "Adhésions confirmées",
        "L’adhésion d’une école citée au moins, confirmée, date du jour de son premier courriel ou d’après",
    )
    JOINED_ALL = "joined_all", "Toutes leurs écoles", "Toutes les écoles citées ont adhéré depuis, confirmées"
    HAD_JOINED = (
        "had_joined",
        "Avaient adhéré avant",
        "L’adhésion confirmée d’une école citée date d’avant son courriel",
    )
    TO_VERIFY = "to_verify", "À vérifier", "Une réponse est arrivée, que personne n’a confirmée"

    label: str
    meaning: str

    def __new__(cls, value: str, label: str = "", meaning: str = "") -> "Figure":
        """The stored value, the figure in the interface, and what it counts in a French sentence."""
        figure = str.__new__(cls, value)
        figure._value_, figure.label = value, label
        figure.meaning = f"{meaning}."
        return figure

    @property
    def base(self) -> "Figure":
        """The figure of which it is shown as a part: each is counted among those of its base.

        Answers and joinings are so among whom the campaign concerns alone: a letter on paper is answered by its code,
        by who has no address, too, and before the posting is noted.
        """
        return _BASES.get(self, Figure.CONCERNED)


_BASES = {
    **dict.fromkeys((Figure.TARGETED, Figure.OUT_OF_SCOPE, Figure.ENTERED_LATER), Figure.TARGETED),
    **dict.fromkeys(map(Figure, Reach), Figure.TO_REACH),
    **dict.fromkeys(map(Figure, Handing), Figure.RECIPIENTS),
    Figure.SILENT: Figure.HANDED_OVER,
}
SHOWN = (
    *(Figure.CONCERNED, Figure.RECIPIENTS, Figure.HANDED_OVER, Figure.ANSWERED),
    *(Figure.DECLARED, Figure.JOINED_SINCE, Figure.JOINED_ALL),
)
"""The columns of the table of networks, from whom the campaign concerns to who joined."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """The figures of one network (its code), or of all networks ("")."""

    network: str
    label: str
    counted: Counts

    def count(self, figure: Figure) -> int:
        """How many authorities a figure counts."""
        return self.counted[figure]

    def whole(self, figure: Figure) -> int:
        """Of how many a figure is a part."""
        return self.counted[figure.base]


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a campaign: its numbers, how many authorities gave each answer, and the rows that are counted.

    An authority that gave several answers counts under each. `acknowledged` said that the letter was read and nothing
    else, in no answer: they are not among those that answered.
    """

    counts: CampaignCounts
    answers: Mapping[Answer, int]
    acknowledged: int
    classed: Classified

    @property
    def rows(self) -> Sequence[FigureRow]:
        """The numbers of each network with somebody targeted, in the usual order of networks."""
        return [FigureRow(one.code, one.label, one.authorities) for one in self.counts.networks]

    @property
    def total(self) -> FigureRow:
        """The numbers of all networks: an authority is of one only."""
        return FigureRow("", "Total", self.counts.authorities)

    @property
    def figures(self) -> list[Figure]:
        """The columns that have a meaning in this campaign: one about schools that have joined counts no joinings."""
        return [figure for figure in SHOWN if self.counts.authorities.is_told(figure)]


def campaign_results(session: Session, campaign: Campaign, *, now: datetime) -> Results:
    """The results of a campaign until now."""
    classed = counting.classify_campaign(session, campaign, now=now)
    counted = counting.of_campaign(session, campaign, now=now, classed=classed)
    mailings = launched_mailings(campaign)
    return Results(counted, _answers(session, mailings), _acknowledged(session, mailings), classed)


def is_counted(each: FromClause, figure: Figure) -> ColumnElement[bool]:
    """Whether a figure counts a row of `classes.Classified`."""
    groups = {Figure.CONCERNED: IN_CONCERNED, Figure.TO_REACH: TO_REACH}
    if figure in FLAGS:
        return each.c[figure.value] == 1
    if figure is Figure.SILENT:
        return counting.is_silent(each)
    if figure in groups:
        return each.c["class"].in_([one.value for one in groups[figure]])
    for column, values in (("class", Class), ("handing", Handing), ("reach", Reach)):
        if figure in list(values):
            return each.c[column] == figure.value
    return true()


def _answers(session: Session, mailings: Sequence[int]) -> dict[Answer, int]:
    """How many authorities gave each answer from these letters, of those that count as having answered."""
    query = select(Response.answer, func.count(Response.authority_id.distinct()))
    query = query.join(Message, Message.id == Response.message_id).where(Message.mailing_id.in_(mailings))
    given = dict(session.execute(query.where(Response.is_a_reaction()).group_by(Response.answer)).all())
    return {answer: given.get(answer, 0) for answer in Answer}


def _acknowledged(session: Session, mailings: Sequence[int]) -> int:
    """How many authorities said of these letters that they were read, and gave no answer."""
    theirs = select(Response.authority_id).join(Message, Message.id == Response.message_id)
    theirs = theirs.where(Message.mailing_id.in_(mailings), Response.stands())
    answered = theirs.where(Response.is_a_reaction())
    query = theirs.where(Response.authority_id.not_in(answered)).distinct().subquery("acknowledged")
    return session.scalar(select(func.count()).select_from(query)) or 0
