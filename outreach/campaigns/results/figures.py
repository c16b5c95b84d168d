"""Results of a campaign: counts of authorities that joined, answered or were reached, by network.

Each figure counts an authority once, whatever the number of its letters or waves. Joinings are computed from the
letters: the schools that a letter listed had not joined when it left, so those that have joined now did so since.
Reminders list only the remaining schools, so a school counts from the first letter that listed it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, func, literal_column, or_, select

from outreach.campaigns.audiences import launched
from outreach.campaigns.effects import locking
from outreach.campaigns.models import Campaign
from outreach.columns import Queried
from outreach.days import today
from outreach.db import Session
from outreach.delivery.models import Message, MessageState
from outreach.directory import listing
from outreach.directory.models import Authority, Network
from outreach.measuring import reactions
from outreach.measuring.reactions import AUTHORITY, CAME_BACK, Asked
from outreach.responses.kinds import Answer
from outreach.responses.models import Response
from outreach.segments.audience import Concerns


class Figure(StrEnum):
    """A figure of the results, in the order of the interface: that of the way from recipients to joinings.

    Clicks and openings are shown after these, because they prove less.
    """

    RECIPIENTS = "recipients"
    SENT = "sent"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    DECLARED = "declared"
    JOINED = "joined"
    JOINED_ALL = "joined_all"

    @property
    def label(self) -> str:
        """The figure in the interface."""
        return _WORDS[self][0]

    @property
    def meaning(self) -> str:
        """What the figure counts exactly, in a French sentence."""
        return _WORDS[self][1]


_WORDS = {
    Figure.JOINED_ALL: (
        "Adhésion complète",
        "Toutes les écoles dont parlaient les courriels partis ont adhéré depuis, confirmées par le service.",
    ),
    Figure.JOINED: (
        "Ont adhéré",
        "Au moins une école dont parlaient les courriels partis a adhéré depuis, confirmée par le service.",
    ),
    Figure.DECLARED: (
        "Déclarent adhérer",
        "Au moins une de ces écoles est déclarée adhérente, à confirmer, et aucune n’est confirmée.",
    ),
    Figure.ANSWERED: ("Ont répondu", "Au moins une réponse donnée depuis un courriel de la campagne."),
    Figure.DELIVERED: ("Remis", "Au moins un courriel que le relais a accepté, et qui n’est pas revenu depuis."),
    Figure.SENT: ("Envoyés", "Au moins un courriel que le relais a accepté, ou dont on ne sait pas s’il l’a fait."),
    Figure.RECIPIENTS: ("Destinataires", "Tous ceux que vise une vague de la campagne, écartés compris."),
}


_OF_RECIPIENTS = {Figure.RECIPIENTS, Figure.SENT, Figure.DELIVERED}
TOLD_OF_DRAWS = (Figure.RECIPIENTS, Figure.ANSWERED)
"""What is told of a draw before the day of its figure: until its last departure, the others count those written to."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """The figures of one network (its code), or of all networks ("")."""

    network: str
    label: str
    counts: Mapping[Figure, int]

    def whole(self, figure: Figure) -> int:
        """Of how many a figure is a part: of all recipients, or of those to whom a letter was sent, where it follows
        from a letter, as far as these are told.
        """
        is_of_sent = figure not in _OF_RECIPIENTS and Figure.SENT in self.counts
        return self.counts[Figure.SENT if is_of_sent else Figure.RECIPIENTS]


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a campaign: the figures of each network with recipients, in the usual order of networks.

    `answers` counts authorities by answer; an authority that gave several answers counts under each. `unreacted` counts
    those that received a letter and have not reacted (`measuring.reactions.Reaction.NONE`). `joined_on` counts
    authorities by the first day on which a school that letters listed has joined, declared or confirmed.

    `veil` says why only `TOLD_OF_DRAWS` are counted, or ''; `unreacted` is 0 then, and `joined_on` empty.
    """

    rows: Sequence[FigureRow]
    unreacted: int
    answers: Mapping[Answer, int]
    joined_on: Mapping[date, int]
    veil: str = ""

    @property
    def figures(self) -> Sequence[Figure]:
        """The figures that are counted."""
        return TOLD_OF_DRAWS if self.veil else tuple(Figure)

    @property
    def total(self) -> FigureRow:
        """The figures of all networks: an authority is of one only."""
        counts = {figure: sum(row.counts[figure] for row in self.rows) for figure in self.figures}
        return FigureRow("", "Total", counts)

    def as_json(self) -> dict[str, Any]:
        """The totals as JSON, by fixed names; null what is not told yet."""
        totals = {figure.value: self.total.counts.get(figure) for figure in Figure}
        return {**totals, "answers": {answer.value: count for answer, count in self.answers.items() if count}}


def figures(campaign: Campaign, results: Results) -> list[Figure]:
    """The figures of a campaign that are told. One about schools that have joined already has no joinings to count."""
    joinings = {Figure.JOINED_ALL, Figure.JOINED, Figure.DECLARED}
    return [figure for figure in results.figures if campaign.concerns is Concerns.OPEN or figure not in joinings]


def of(session: Session, campaign: Campaign, *, now: datetime) -> Results:
    """The results of a campaign until now: the database counts, in two statements."""
    each = _each(asked := Asked(launched(campaign), today(now)))
    reacted = (each.c[figure.value] for figure in (Figure.ANSWERED, Figure.JOINED, Figure.DECLARED))
    is_unreacted = and_(each.c.delivered == 1, *(flag == 0 for flag in reacted))
    counts = [func.sum(each.c[figure.value]) for figure in Figure]
    by = (Network.position, Network.code, Network.label, each.c.joined_on)
    query = (
        select(*by, func.sum(case((is_unreacted, 1), else_=0)), *counts)
        .join(Authority, Authority.id == each.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .group_by(*by)
        .order_by(Network.position)
    )
    networks: dict[tuple[str, str], Counter[Figure]] = {}
    unreacted, joined_on = 0, Counter[date]()
    for _, code, label, day, silent, *counted in session.execute(query):
        figured = dict(zip(Figure, counted, strict=True))
        networks.setdefault((code, label), Counter()).update(figured)
        unreacted += silent
        joined_on.update({day: figured[Figure.RECIPIENTS]} if day else {})
    rows = [FigureRow(*named, counted) for named, counted in networks.items()]
    answered = _answers(session, asked.mailings)
    if veil := locking.veil(session, campaign):
        told = [replace(row, counts={figure: row.counts[figure] for figure in TOLD_OF_DRAWS}) for row in rows]
        return Results(told, 0, answered, {}, veil)
    return Results(rows, unreacted, answered, joined_on)


def authorities(
    session: Session,
    campaign: Campaign,
    figure: Figure,
    network: str = "",
    *,
    now: datetime,
    text: str = "",
    sort: str = "",
) -> Queried[Authority]:
    """The authorities that a figure counts, of one network (its code) or of all, by name.

    Raises Refused for a figure that is not told yet.
    """
    if figure not in TOLD_OF_DRAWS:
        locking.refuse_split(session, campaign)
    each = _each(Asked(launched(campaign), today(now)))
    counted = Authority.id.in_(select(each.c.authority_id).where(each.c[figure.value] == 1))
    of_network = Authority.network_id == select(Network.id).where(Network.code == network).scalar_subquery()
    return listing.named(
        session, and_(counted, of_network) if network else counted, title=figure.label, text=text, sort=sort
    )


def is_sent() -> ColumnElement[bool]:
    """True of a letter that the relay accepted, or perhaps did. What came back since has no reply code."""
    is_taken = Message.state.in_([MessageState.ACCEPTED, MessageState.IN_DOUBT])
    return or_(is_taken, CAME_BACK, Message.resent_at.is_not(None))


def _each(asked: Asked) -> Subquery:
    """One row for each authority that the letters are meant for: authority_id, joined_on (the first day, or NULL), and
    1 or 0 for each figure by its name.

    Letters and joinings are grouped each by itself before they are joined. Answers are joined to their letters by the
    index: without statistics, SQLite would look through all who answered for each authority.
    """
    own = Message.mailing_id.in_(asked.mailings)
    is_delivered = func.max(case((Message.state == MessageState.ACCEPTED, 1), else_=0))
    letters = (
        select(
            AUTHORITY.label("authority_id"),
            func.max(case((is_sent(), 1), else_=0)).label("sent"),
            is_delivered.label("delivered"),
            func.max(case((Response.id.is_not(None), 1), else_=0)).label("answered"),
        )
        .outerjoin(Response, and_(Response.message_id == Message.id, Response.stands()))
        .where(own)
        .group_by(Message.authority_id)
        .subquery("letters")
    )
    joined = reactions.joined_of(asked)
    has = {
        Figure.RECIPIENTS: literal_column("1"),
        Figure.SENT: letters.c.sent,
        Figure.DELIVERED: letters.c.delivered,
        Figure.ANSWERED: letters.c.answered,
        Figure.DECLARED: case((and_(joined.c.declared == 1, joined.c.confirmed == 0), 1), else_=0),
        Figure.JOINED: func.coalesce(joined.c.confirmed, 0),
        Figure.JOINED_ALL: func.coalesce(joined.c.all_confirmed, 0),
    }
    query = select(
        letters.c.authority_id, joined.c.joined_on, *(flag.label(figure.value) for figure, flag in has.items())
    )
    return query.outerjoin(joined, joined.c.authority_id == letters.c.authority_id).subquery("each")


def _answers(session: Session, mailings: Sequence[int]) -> dict[Answer, int]:
    """How many authorities gave each answer from these letters."""
    query = select(Response.answer, func.count(Response.authority_id.distinct()))
    query = query.join(Message, Message.id == Response.message_id).where(Message.mailing_id.in_(mailings))
    given = dict(session.execute(query.where(Response.stands()).group_by(Response.answer)).all())
    return {answer: given.get(answer, 0) for answer in Answer}
