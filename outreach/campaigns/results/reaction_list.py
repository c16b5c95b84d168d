"""The list of a campaign's recipients: filtered, sorted, counted and cut into pages, authority by authority."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, Subquery, false, func, select, union_all

from outreach.campaigns.results import reactions as results
from outreach.campaigns.results.reactions import LetterReaction
from outreach.db import Session
from outreach.delivery.ledger.listing import LetterOutcome, has_outcome
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Network
from outreach.measuring import reactions
from outreach.measuring.reactions import Asked, Reaction
from outreach.responses.kinds import Answer
from outreach.responses.models import Response

PAGE_AUTHORITIES = 50


class ReactionSort(StrEnum):
    """The sort orders of the list: by name, or the latest or most first."""

    NAME = "name"
    SENT = "-sent"
    ANSWERED = "-answered"
    JOINED = "-joined"
    OPENED = "-opened"
    CLICKED = "-clicked"


class OpeningFilter(StrEnum):
    """What is known of the openings and clicks of mailboxes that are measured one by one."""

    OPENED = "opened"
    CLICKED = "clicked"
    NEVER = "never"

    @property
    def label(self) -> str:
        """The French label."""
        return {"opened": "Ouvert", "clicked": "Cliqué", "never": "Mesuré, jamais ouvert ni cliqué"}[self.value]


@dataclass(frozen=True, slots=True)
class ReactionFilters:
    """The filters of the list; an empty one excludes nothing.

    `network` is a network's code. An authority stays when one of its letters has the outcome, when it gave the answer,
    and when one of its measured letters was opened, clicked, or neither.
    """

    reaction: Reaction | None = None
    network: str = ""
    outcome: LetterOutcome | None = None
    answer: Answer | None = None
    opening: OpeningFilter | None = None


@dataclass(frozen=True, slots=True)
class ListedAuthority:
    """An authority of the list: its reaction, and its letters in the order of waves."""

    reaction: Reaction
    letters: Sequence[LetterReaction]


@dataclass(frozen=True, slots=True)
class ReactionList:
    """A filtered and sorted list: the authorities by reaction, in order, and how many each reaction counts.

    `counts` ignore the filter of the reaction, so that they label the links that set it.
    """

    asked: Asked
    keys: Mapping[int, Reaction]
    counts: Mapping[Reaction, int]

    def page(self, session: Session, number: int) -> list[ListedAuthority]:
        """One page of authorities with their letters, from page 1."""
        return self._listed(session, list(self.keys)[(number - 1) * PAGE_AUTHORITIES :][:PAGE_AUTHORITIES])

    def every(self, session: Session) -> list[ListedAuthority]:
        """All authorities with their letters."""
        return self._listed(session, list(self.keys))

    def _listed(self, session: Session, keys: Sequence[int]) -> list[ListedAuthority]:
        letters: dict[int, list[LetterReaction]] = {key: [] for key in keys}
        for letter in results.letters(session, self.asked, keys):
            letters[letter.authority_id].append(letter)
        return [ListedAuthority(self.keys[key], of_authority) for key, of_authority in letters.items()]


def of(session: Session, asked: Asked, filters: ReactionFilters, sort: ReactionSort) -> ReactionList:
    """The list of the authorities that these letters are meant for. One statement counts, filters and sorts."""
    every = {key: Reaction(reaction) for key, reaction in session.execute(_keys(session, asked, filters, sort))}
    counted = Counter(every.values())
    kept = {key: reaction for key, reaction in every.items() if filters.reaction in {None, reaction}}
    return ReactionList(asked, kept, {reaction: counted[reaction] for reaction in Reaction})


def _keys(session: Session, asked: Asked, filters: ReactionFilters, sort: ReactionSort) -> Select[int, str]:
    """The keys and reactions of the authorities that all filters but the reaction's leave, sorted."""
    each = reactions.of_authorities(asked)
    query = select(each.c.authority_id, each.c.reaction).join(Authority, Authority.id == each.c.authority_id)
    for condition in _conditions(session, asked, filters):
        query = query.where(each.c.authority_id.in_(condition))
    if sort in {ReactionSort.OPENED, ReactionSort.CLICKED}:
        seen = _seen(asked)
        query = query.outerjoin(seen, seen.c.authority_id == each.c.authority_id)
        query = query.order_by(seen.c[sort.value.removeprefix("-")].desc().nulls_last())
    elif sort is not ReactionSort.NAME:
        by = {ReactionSort.SENT: each.c.sent_at, ReactionSort.ANSWERED: each.c.answered_at}.get(sort, each.c.joined)
        query = query.order_by(by.desc().nulls_last())
    return query.order_by(Authority.folded, Authority.fase)


def _conditions(session: Session, asked: Asked, filters: ReactionFilters) -> list[Select[int]]:
    """The authorities that each filter leaves, without that of the reaction."""
    own = Message.mailing_id.in_(asked.mailings)
    letters = select(reactions.AUTHORITY).where(own)
    left = []
    if filters.network:
        of_network = Network.code == filters.network
        left.append(select(Authority.id).join(Network, Network.id == Authority.network_id).where(of_network))
    if filters.outcome is not None:
        left.append(letters.where(has_outcome(filters.outcome)))
    if filters.answer is not None:
        answered = select(Response.authority_id).join(Message, Message.id == Response.message_id)
        left.append(answered.where(own, Response.answer == filters.answer))
    if filters.opening is not None:
        left.append(letters.where(_is_seen(session, asked, filters.opening)))
    return left


def _is_seen(session: Session, asked: Asked, opening: OpeningFilter) -> ColumnElement[bool]:
    seen = reactions.hits(asked.mailings).subquery("seen")
    if opening is not OpeningFilter.NEVER:
        return Message.id.in_(select(seen.c.message_id).where(seen.c[opening.value].is_not(None)))
    alone = results.measured_of(session, asked)
    if not alone:
        return false()
    return Message.id.in_(union_all(*alone)) & Message.id.not_in(select(seen.c.message_id))


def _seen(asked: Asked) -> Subquery:
    """By authority, its last first opening and click of a letter."""
    seen = reactions.hits(asked.mailings).subquery("seen")
    latest = [func.max(seen.c[name]).label(name) for name in ("opened", "clicked")]
    query = select(reactions.AUTHORITY.label("authority_id"), *latest).join(seen, seen.c.message_id == Message.id)
    return query.group_by(Message.authority_id).subquery("seen_by_authority")
