"""What came of a campaign: authorities that joined, answered, were reached; in all and by network.

Each figure counts authorities, each once however many letters or waves they had. What joining means is read off the
letters themselves: the schools a letter listed had not joined when it left, so those that stand at joined now have
joined since. Reminders list what is left, so a school counts from the first letter that listed it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from outreach.adherence.models import Status, Word
from outreach.adherence.standing import recorded
from outreach.campaigns.audiences import launched
from outreach.campaigns.models import Campaign
from outreach.days import today
from outreach.db import Session
from outreach.delivery.models import Message, MessageState, MessageSubject, RecipientKind
from outreach.directory.models import Authority, Network
from outreach.segments.audience import Concerns
from outreach.tracking.models import Answer, Response

T = TypeVar("T")
LEFT = (MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)
TRIED = (*LEFT, MessageState.REFUSED, MessageState.EXPIRED)


class Figure(StrEnum):
    """A figure of the results, in the order they are read: what matters most comes first.

    What is measured (clicks, openings) comes after these, for it proves less.
    """

    JOINED_ALL = "joined_all"
    JOINED = "joined"
    DECLARED = "declared"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    WRITTEN = "written"
    MEANT = "meant"

    @property
    def label(self) -> str:
        """The figure in the interface."""
        return _WORDS[self][0]

    @property
    def meaning(self) -> str:
        """What exactly it counts, in a sentence."""
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
    Figure.ACCEPTED: ("Acceptés", "Au moins un courriel accepté par le relais."),
    Figure.WRITTEN: ("Écrits", "Au moins un courriel remis au relais, quelle que soit sa réponse."),
    Figure.MEANT: ("Visés", "Visés par une vague de la campagne, écartés compris."),
}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """The figures of one network (its code), or of all ("")."""

    network: str
    label: str
    counts: Mapping[Figure, int]


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a campaign: who stands behind each figure (keys of authorities), and in which network they are.

    `answers` counts authorities by what they answered; one that gave several answers counts under each.
    """

    behind: Mapping[Figure, frozenset[int]]
    answers: Mapping[Answer, int]
    networks: Mapping[int, str]
    labels: Mapping[str, str]

    def among(self, figure: Figure, network: str = "") -> set[int]:
        """The authorities behind a figure, of one network or of all."""
        return {one for one in self.behind[figure] if not network or self.networks[one] == network}

    def row(self, network: str = "") -> FigureRow:
        """The figures of one network, or of all."""
        counts = {figure: len(self.among(figure, network)) for figure in Figure}
        return FigureRow(network, self.labels[network] if network else "Total", counts)

    @property
    def rows(self) -> list[FigureRow]:
        """The figures of each network that is meant, in the usual order."""
        meant = set(self.networks.values())
        return [self.row(network) for network in self.labels if network in meant]

    def as_json(self) -> dict[str, Any]:
        """The totals by their fixed names."""
        totals = {figure.value: count for figure, count in self.row().counts.items()}
        return {**totals, "answers": {answer.value: count for answer, count in self.answers.items() if count}}


def figures(campaign: Campaign) -> list[Figure]:
    """The figures that mean something for a campaign: one about schools that have joined has no joinings to count."""
    joinings = {Figure.JOINED_ALL, Figure.JOINED, Figure.DECLARED}
    return [figure for figure in Figure if campaign.concerns is Concerns.OPEN or figure not in joinings]


def of(session: Session, campaign: Campaign, *, now: datetime) -> Results:
    """What has come of a campaign until now; a few statements, whatever its size."""
    mailings = launched(campaign)
    states, tried = _states(session, mailings), _tried(session, mailings)
    joined = _joined(session, campaign, mailings, now) if campaign.concerns is Concerns.OPEN else {}
    answers = _answers(session, mailings)
    behind = {
        Figure.JOINED_ALL: _who(joined, lambda words: set(words) == {Word.CONFIRMED}),
        Figure.JOINED: _who(joined, lambda words: Word.CONFIRMED in words),
        Figure.DECLARED: _who(joined, lambda words: Word.DECLARED in words and Word.CONFIRMED not in words),
        Figure.ANSWERED: frozenset[int]().union(*answers.values()),
        Figure.ACCEPTED: _who(states, lambda found: MessageState.ACCEPTED in found),
        Figure.WRITTEN: tried,
        Figure.MEANT: frozenset(states),
    }
    labels = {one.code: one.label for one in session.scalars(select(Network).order_by(Network.position))}
    counted = {answer: len(answers.get(answer, ())) for answer in Answer}
    return Results(behind, counted, _networks(session, mailings), labels)


def authorities(
    session: Session, campaign: Campaign, found: Results, figure: Figure, network: str = ""
) -> Sequence[Authority]:
    """The authorities behind a figure, of one network or of all, by name."""
    keys = found.among(figure, network)
    meant = select(Message.recipient_id).where(_is_to_authority(), Message.mailing_id.in_(launched(campaign)))
    query = select(Authority).where(Authority.id.in_(meant)).options(joinedload(Authority.network))
    return [one for one in session.scalars(query.order_by(Authority.folded, Authority.fase)) if one.id in keys]


def _is_to_authority() -> ColumnElement[bool]:
    return Message.recipient_kind == RecipientKind.AUTHORITY


def _who(known: Mapping[int, T], holds: Callable[[T], bool]) -> frozenset[int]:
    return frozenset(one for one, what in known.items() if holds(what))


def _states(session: Session, mailings: Iterable[int]) -> dict[int, set[MessageState]]:
    """The states of each authority's letters."""
    query = select(Message.recipient_id, Message.state).where(_is_to_authority(), Message.mailing_id.in_(mailings))
    found: dict[int, set[MessageState]] = {}
    for authority, state in session.execute(query.distinct()):
        found.setdefault(authority, set()).add(state)
    return found


def _tried(session: Session, mailings: Iterable[int]) -> frozenset[int]:
    """Whom a relay was handed a letter for: one that is queued once more was handed over before."""
    was_answered = or_(Message.reply_code.is_not(None), Message.first_tried_at.is_not(None))
    is_tried = or_(Message.state.in_(TRIED), Message.resent_at.is_not(None), was_answered)
    query = select(Message.recipient_id).where(_is_to_authority(), Message.mailing_id.in_(mailings), is_tried)
    return frozenset(session.scalars(query.distinct()))


def _joined(
    session: Session, campaign: Campaign, mailings: Iterable[int], now: datetime
) -> dict[int, list[Word | None]]:
    """On whose word each school has joined that an authority's letters listed; None for one that has not."""
    known = recorded([today(now)], [campaign.strand])
    joined = select(known.c.school_id, known.c.word).where(known.c.status == Status.JOINED)
    words = dict(session.execute(joined).all())
    has_left = or_(Message.state.in_(LEFT), Message.resent_at.is_not(None))
    listed = (
        select(Message.recipient_id, MessageSubject.school_id)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .where(_is_to_authority(), Message.mailing_id.in_(mailings), has_left)
    )
    found: dict[int, list[Word | None]] = {}
    for authority, school in session.execute(listed.distinct()):
        found.setdefault(authority, []).append(words.get(school))
    return found


def _answers(session: Session, mailings: Iterable[int]) -> dict[Answer, set[int]]:
    """Who gave each answer from a letter."""
    query = select(Response.answer, Response.authority_id).join(Message, Message.id == Response.message_id)
    found: dict[Answer, set[int]] = {}
    for answer, authority in session.execute(query.where(Message.mailing_id.in_(mailings)).distinct()):
        found.setdefault(answer, set()).add(authority)
    return found


def _networks(session: Session, mailings: Iterable[int]) -> dict[int, str]:
    """The network of each authority that is meant."""
    meant = select(Message.recipient_id).where(_is_to_authority(), Message.mailing_id.in_(mailings))
    query = select(Authority.id, Network.code).join(Network, Network.id == Authority.network_id)
    return dict(session.execute(query.where(Authority.id.in_(meant))).all())
