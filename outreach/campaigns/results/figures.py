"""Results of a campaign: counts of authorities that joined, answered or were reached, by network.

Each figure counts an authority once, whatever the number of its letters or waves. Joinings are computed from the
letters: the schools that a letter listed had not joined when it left, so those that have joined now did so since.
Reminders list only the remaining schools, so a school counts from the first letter that listed it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, or_, select

from outreach.adherence.models import Word
from outreach.campaigns.audiences import launched
from outreach.campaigns.models import Campaign
from outreach.columns import Queried
from outreach.days import today
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.models import Message, MessageState
from outreach.directory import listing
from outreach.directory.models import Authority, Network
from outreach.measuring import reactions
from outreach.measuring.reactions import AUTHORITY, CAME_BACK, Asked
from outreach.responses.kinds import Answer
from outreach.responses.models import Response, ResponseSchool
from outreach.segments.audience import Concerns

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class FigureRow:
    """The figures of one network (its code), or of all networks ("")."""

    network: str
    label: str
    counts: Mapping[Figure, int]


@dataclass(frozen=True, slots=True)
class SchoolOfLetters:
    """A school that a letter to an authority was meant to list, by their keys.

    `has_left` and `is_delivered` tell of these letters. `word` says on whose word the school has joined since,
    `joined_on` from which day; None when it has not.
    """

    authority: int
    school: int
    has_left: bool
    is_delivered: bool
    word: Word | None
    joined_on: date | None


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer of an authority, about a school or about none (by their keys), and when it was given first."""

    answer: Answer
    authority: int
    school: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a campaign: `behind` has the keys of the authorities that each figure counts.

    `answers` counts authorities by answer; an authority that gave several answers counts under each. `networks` has the
    network's code of each authority, `labels` the label of each network. `listed` and `given` are what they count.
    """

    behind: Mapping[Figure, frozenset[int]]
    answers: Mapping[Answer, int]
    networks: Mapping[int, str]
    labels: Mapping[str, str]
    listed: Sequence[SchoolOfLetters]
    given: Sequence[GivenAnswer]

    def among(self, figure: Figure, network: str = "") -> set[int]:
        """The keys of the authorities that a figure counts, of one network or of all."""
        return {key for key in self.behind[figure] if not network or self.networks[key] == network}

    @property
    def unreacted(self) -> int:
        """How many authorities received a letter and have not reacted (`measuring.reactions.Reaction.NONE`)."""
        reacted = (Figure.ANSWERED, Figure.JOINED, Figure.DECLARED)
        return len(self.behind[Figure.DELIVERED].difference(*(self.behind[figure] for figure in reacted)))

    def row(self, network: str = "") -> FigureRow:
        """The figures of one network, or of all."""
        counts = {figure: len(self.among(figure, network)) for figure in Figure}
        return FigureRow(network, self.labels[network] if network else "Total", counts)

    @property
    def rows(self) -> list[FigureRow]:
        """The figures of each network with recipients, in the usual order of networks."""
        meant = set(self.networks.values())
        return [self.row(network) for network in self.labels if network in meant]

    def as_json(self) -> dict[str, Any]:
        """The totals as JSON, by fixed names."""
        totals = {figure.value: count for figure, count in self.row().counts.items()}
        return {**totals, "answers": {answer.value: count for answer, count in self.answers.items() if count}}


def figures(campaign: Campaign) -> list[Figure]:
    """The figures that apply to a campaign. One about schools that have joined already has no joinings to count."""
    joinings = {Figure.JOINED_ALL, Figure.JOINED, Figure.DECLARED}
    return [figure for figure in Figure if campaign.concerns is Concerns.OPEN or figure not in joinings]


def of(session: Session, campaign: Campaign, *, now: datetime) -> Results:
    """The results of a campaign until now, in a fixed number of statements."""
    mailings = launched(campaign)
    states = _states(session, mailings)
    listed = [
        SchoolOfLetters(authority, school, bool(has_left), bool(is_delivered), word, joined_on)
        for authority, school, has_left, is_delivered, word, joined_on in session.execute(
            reactions.listed(Asked(mailings, today(now)))
        )
    ]
    joined: dict[int, list[Word | None]] = {}
    for school in listed:
        if school.has_left:
            joined.setdefault(school.authority, []).append(school.word)
    given = _given(session, mailings)
    answers = {answer: {one.authority for one in given if one.answer is answer} for answer in Answer}
    behind = {
        Figure.JOINED_ALL: _who(joined, lambda words: set(words) == {Word.CONFIRMED}),
        Figure.JOINED: _who(joined, lambda words: Word.CONFIRMED in words),
        Figure.DECLARED: _who(joined, lambda words: Word.DECLARED in words and Word.CONFIRMED not in words),
        Figure.ANSWERED: frozenset[int]().union(*answers.values()),
        Figure.DELIVERED: _who(states, lambda reached: MessageState.ACCEPTED in reached),
        Figure.SENT: _sent(session, mailings),
        Figure.RECIPIENTS: frozenset(states),
    }
    labels = {network.code: network.label for network in session.scalars(select(Network).order_by(Network.position))}
    counted = {answer: len(answers[answer]) for answer in Answer}
    return Results(behind, counted, _networks(session, mailings), labels, listed, given)


def authorities(
    session: Session, results: Results, figure: Figure, network: str = "", *, text: str = "", sort: str = ""
) -> Queried[Authority]:
    """The authorities that a figure counts, of one network or of all, by name."""
    counted = among(Authority.id, sorted(results.among(figure, network)))
    return listing.named(session, counted, title=figure.label, text=text, sort=sort)


def is_sent() -> ColumnElement[bool]:
    """True of a letter that the relay accepted, or perhaps did. What came back since has no reply code."""
    is_taken = Message.state.in_([MessageState.ACCEPTED, MessageState.IN_DOUBT])
    return or_(is_taken, CAME_BACK, Message.resent_at.is_not(None))


def _who(known: Mapping[int, T], holds: Callable[[T], bool]) -> frozenset[int]:
    return frozenset(key for key, what in known.items() if holds(what))


def _states(session: Session, mailings: Iterable[int]) -> dict[int, set[MessageState]]:
    """The states of each authority's letters."""
    query = select(AUTHORITY, Message.state).where(Message.mailing_id.in_(mailings))
    states: dict[int, set[MessageState]] = {}
    for authority, state in session.execute(query.distinct()):
        states.setdefault(authority, set()).add(state)
    return states


def _sent(session: Session, mailings: Iterable[int]) -> frozenset[int]:
    query = select(AUTHORITY).where(Message.mailing_id.in_(mailings), is_sent())
    return frozenset(session.scalars(query.distinct()))


def _given(session: Session, mailings: Iterable[int]) -> list[GivenAnswer]:
    """The answers given from letters; one about several schools is told of each."""
    what = (Response.answer, Response.authority_id, ResponseSchool.school_id)
    query = (
        select(*what, func.min(Response.given_at))
        .join(Message, Message.id == Response.message_id)
        .outerjoin(ResponseSchool, ResponseSchool.response_id == Response.id)
        .where(Message.mailing_id.in_(mailings))
    )
    return [GivenAnswer(*row) for row in session.execute(query.group_by(*what))]


def _networks(session: Session, mailings: Iterable[int]) -> dict[int, str]:
    """The network's code of each authority that is a recipient."""
    meant = select(AUTHORITY).where(Message.mailing_id.in_(mailings))
    query = select(Authority.id, Network.code).join(Network, Network.id == Authority.network_id)
    return dict(session.execute(query.where(Authority.id.in_(meant))).all())
