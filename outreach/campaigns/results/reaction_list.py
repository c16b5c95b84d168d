"""The list of a campaign's recipients: filtered, sorted, counted and cut into pages, authority by authority."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, Subquery, false, func, select, union_all

from outreach.campaigns.results import reactions as results
from outreach.campaigns.results.reactions import LetterReaction
from outreach.columns import BATCH, DATA, PAGE_ROWS, Column, Expression, Kind, Listing, On
from outreach.db import Session
from outreach.delivery.ledger.listing import LetterOutcome, has_outcome
from outreach.delivery.models import Message
from outreach.directory.listing import BY_NAME
from outreach.directory.models import Authority, Network
from outreach.labelled import Labelled
from outreach.measuring import reactions
from outreach.measuring.reactions import Asked, Reaction
from outreach.responses.kinds import Answer
from outreach.responses.models import Response

AT_ONCE = 2000  # authorities: each time, joinings are counted anew, for a fraction of a second


class OpeningFilter(Labelled):
    """What is known of the openings and clicks of mailboxes that are measured one by one."""

    OPENED = "opened", "Ouvert"
    CLICKED = "clicked", "Cliqué"
    NEVER = "never", "Mesuré, jamais ouvert ni cliqué"


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


class ReactedLetter(NamedTuple):
    """A letter of the list, with its authority's reaction and the name of its wave.

    The first of an authority has in `letters` how many of them stand there; any other has 0.
    """

    letter: LetterReaction
    reaction: Reaction
    wave: str
    letters: int


COLUMNS: Sequence[Column[ReactedLetter]] = (
    Column("fase", "FASE", lambda row: row.letter.fase, on=DATA),
    Column("name", "Pouvoir organisateur", lambda row: row.letter.authority, sort=True),
    Column("network_name", "Réseau", lambda row: row.letter.network_label, on=On.FILE),
    Column("network", "Réseau au registre", lambda row: row.letter.network, on=DATA),
    Column("reaction", "Réaction du PO", lambda row: row.reaction, on=On.FILE),
    Column("wave", "Vague", lambda row: row.wave, on=On.FILE),
    Column("mailbox", "Adresse", lambda row: row.letter.mailbox, on=DATA),
    Column("sent", "Parti", lambda row: row.letter.sent, Kind.MOMENT, sort=True),
    Column("state", "Issue", lambda row: row.letter.state),
    Column("cause", "Cause", lambda row: row.letter.cause, on=On.FILE),
    Column("said", "Réponse du serveur d’envoi", lambda row: row.letter.said, on=On.FILE),
    Column("measured", "Mesuré", lambda row: row.letter.measured, on=DATA),
    Column("opened", "Ouvert", lambda row: row.letter.opened, Kind.MOMENT, sort=True),
    Column("clicked", "Cliqué", lambda row: row.letter.clicked, Kind.MOMENT, sort=True),
    Column("answered", "Réponse", lambda row: row.letter.answers, sort=True),
    Column("answered_at", "Répondu", lambda row: row.letter.answered_at, Kind.MOMENT, on=On.FILE),
    Column("schools", "Écoles nommées", lambda row: row.letter.schools, Kind.NUMBER),
    Column("declared", "Déclarent adhérer", lambda row: row.letter.declared, Kind.NUMBER, sort=True),
    Column("joined_since", "Adhésions confirmées", lambda row: row.letter.joined_since, Kind.NUMBER, sort=True),
)


@dataclass(frozen=True, kw_only=True)
class ReactionList(Listing[ReactedLetter]):
    """The letters of the authorities that the filters leave. It counts, sorts and cuts authorities, whose letters stand
    together. One statement counts, filters and sorts. `waves` are names by mailing.
    """

    session: Session
    asked: Asked
    filters: ReactionFilters
    waves: Mapping[int, str]

    @property
    def counts(self) -> Mapping[Reaction, int]:
        """How many authorities each reaction has, whatever the filter of the reaction: for the links that set it."""
        counted = Counter(self._reacted.values())
        return {reaction: counted[reaction] for reaction in Reaction}

    def count(self) -> int:
        """How many authorities there are."""
        return len(self._kept)

    def page(self, number: int, size: int = PAGE_ROWS, total: int | None = None) -> Sequence[ReactedLetter]:
        """The letters of one page of authorities."""
        del total
        return self._letters(self.keys()[(number - 1) * size : number * size])

    def every(self) -> Iterator[ReactedLetter]:
        """The letters of all authorities, so many authorities at a time: a file never holds all letters as objects."""
        keys = self.keys()
        for start in range(0, len(keys), AT_ONCE):
            yield from self._letters(keys[start : start + AT_ONCE])

    def keys(self) -> list[int]:
        """The authorities, in order."""
        return list(self._kept)

    @cached_property
    def _reacted(self) -> dict[int, Reaction]:
        keys = _keys(self.session, self.asked, self.filters, self.sort or self.usual)
        rows = self.session.execute(keys.execution_options(yield_per=BATCH))
        return {key: Reaction(reaction) for key, reaction in rows}

    @cached_property
    def _kept(self) -> dict[int, Reaction]:
        chosen = self.filters.reaction
        if chosen is None:
            return self._reacted
        return {key: reaction for key, reaction in self._reacted.items() if reaction is chosen}

    def _letters(self, keys: Sequence[int]) -> list[ReactedLetter]:
        theirs: dict[int, list[LetterReaction]] = {key: [] for key in keys}
        for letter in results.letters(self.session, self.asked, keys):
            theirs[letter.authority_id].append(letter)
        return [
            ReactedLetter(letter, self._kept[key], self.waves.get(letter.mailing, ""), 0 if place else len(letters))
            for key, letters in theirs.items()
            for place, letter in enumerate(letters)
        ]


def of(
    session: Session, asked: Asked, filters: ReactionFilters, *, waves: Mapping[int, str], sort: str = ""
) -> ReactionList:
    """The list of the authorities that these letters are meant for, by name."""
    return ReactionList(
        title="Visés",
        columns=COLUMNS,
        sort=sort,
        usual="name",
        session=session,
        asked=asked,
        filters=filters,
        waves=waves,
    )


def _keys(session: Session, asked: Asked, filters: ReactionFilters, sort: str) -> Select[int, str]:
    """The keys and reactions of the authorities that all filters but the reaction's leave, sorted."""
    each = reactions.of_authorities(asked)
    query = select(each.c.authority_id, each.c.reaction).join(Authority, Authority.id == each.c.authority_id)
    for condition in _conditions(session, asked, filters):
        query = query.where(each.c.authority_id.in_(condition))
    key = sort.removeprefix("-")
    by: dict[str, Expression] = {
        "name": Authority.folded,
        "sent": each.c.sent_at,
        "answered": each.c.answered_at,
        "declared": each.c.declared,
        "joined_since": each.c.joined_since,
    }
    if key not in by:
        seen = _seen(asked)
        query = query.outerjoin(seen, seen.c.authority_id == each.c.authority_id)
        by[key] = seen.c[key]
    first = by[key].desc() if sort.startswith("-") else by[key].asc()
    return query.order_by(first.nulls_last(), *BY_NAME)


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
        left.append(answered.where(own, Response.stands(), Response.answer == filters.answer))
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
