"""Reactions to a campaign: what came of each letter, and the authorities that have not reacted to any.

Lists, counts, files, criteria and the command all use these functions, and so the same conditions
(`measuring.reactions`).

The list of a campaign's recipients: filtered, sorted, counted and cut into pages, authority by authority.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple, TypeVarTuple

from sqlalchemy import ColumnElement, Row, Select, Subquery, false, func, select, union_all

from outreach.campaigns.letter.snapshot import LetterSnapshot
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning.audiences import launched
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.tables.columns import BATCH, DATA, PAGE_ROWS, Column, Expression, Kind, Listing, On
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound
from outreach.core.text.labelled import Labelled
from outreach.delivery.models import Mailing, Message
from outreach.delivery.outbox import listing
from outreach.delivery.outbox.listing import LetterOutcome, has_outcome
from outreach.directory.authorities.search import BY_NAME
from outreach.directory.display_names import shown
from outreach.directory.models import Authority, Network
from outreach.engagement.replies.kinds import Answer
from outreach.engagement.replies.models import Response
from outreach.engagement.tracking import reactions
from outreach.engagement.tracking.models import TrackingMode
from outreach.engagement.tracking.reactions import Asked, Reaction

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, slots=True)
class LetterReaction:
    """What came of one letter. `wave` is the mailing's key, `sent` when it left for a relay that (perhaps) took it.

    `measured`: it left with a pixel of its own, so `opened` and `clicked` mean something: the first opening and click
    that no machine seems to have made. `answers` are those given last from this letter, at `answered_at`. Of the
    `schools` that it lists, `joined_since` have joined since it left, confirmed, and `declared` declare so. `cause`
    says in French why it did not arrive, or is ''; `said` is the relay's reply.
    """

    message: int
    mailing: int
    authority_id: int
    fase: int
    authority: str
    network: str
    network_label: str
    mailbox: str
    sent: datetime | None
    state: LetterOutcome
    cause: str
    said: str
    measured: bool
    opened: datetime | None
    clicked: datetime | None
    answers: tuple[Answer, ...]
    answered_at: datetime | None
    schools: int
    joined_since: int
    declared: int

    @property
    def told(self) -> str:
        """What came of the letter, in French without a full stop."""
        parts = [f"{self.state.singular} ({self.cause})" if self.cause else self.state.singular]
        parts += [answer.label for answer in self.answers]
        if self.joined_since:
            confirmed = french.plural(self.joined_since, "adhésion confirmée", "adhésions confirmées")
            parts.append(f"{confirmed} sur {french.plural(self.schools, 'école')}")
        if self.declared:
            declared = french.plural(self.declared, "école déclare adhérer", "écoles déclarent adhérer")
            parts.append(f"{declared} sur {french.number(self.schools)}")
        return ", ".join(parts)


def asked_of(campaign: Campaign, *, now: datetime, wave: int | None = None) -> Asked:
    """The letters of a campaign whose reactions are asked: of all its waves, or of the one with this number.

    Raises NotFound when that wave does not exist, or its recipients are not known yet.
    """
    own = launched(campaign)
    if wave is None:
        return Asked(own, today(now))
    chosen = [each.mailing_id for each in campaign.waves if each.number == wave and each.mailing_id in own]
    if not chosen or chosen[0] is None:
        raise NotFound(f"La vague {wave} de cette campagne n’a pas encore de destinataires.")
    return Asked([chosen[0]], today(now), tuple(mailing for mailing in own if mailing != chosen[0]))


def letters(session: Session, asked: Asked, only: Select[int] | Collection[int] | None = None) -> list[LetterReaction]:
    """The letters asked for, those left out included: by the authority's name, then in the order of waves; `only` those
    to some authorities, by key. A fixed number of statements.
    """
    query = (
        select(
            *(Message.id, Message.mailing_id, Message.authority_id, Message.address, Message.state, Message.attempts),
            *(Message.reason, Message.reply_code, Message.reply_status, Message.reply_text),
            *(reactions.left_at().label("left_at"), Authority.fase, Network.code, Network.label),
            *(Authority.name, Authority.corrected_name),
        )
        .join(Authority, Authority.id == Message.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .where(Message.mailing_id.in_(asked.mailings))
    )
    if isinstance(only, Select):
        query = query.where(Message.authority_id.in_(only))
    elif only is not None:
        query = query.where(among(reactions.AUTHORITY, only))
    found = session.execute(query.order_by(Authority.folded, Authority.fase, Message.mailing_id, Message.id)).all()
    facts = _Facts.of(session, asked, [letter.id for letter in found] if only is not None else None)
    return [facts.row(letter) for letter in found]


def counts(session: Session, asked: Asked) -> dict[Reaction, int]:
    """How many of the authorities that these letters are meant for reacted, did not, or received none."""
    each = reactions.of_authorities(asked)
    counted = session.execute(select(each.c.reaction, func.count()).group_by(each.c.reaction))
    found = {Reaction(reaction): int(count) for reaction, count in counted}
    return {reaction: found.get(reaction, 0) for reaction in Reaction}


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of letters beside their own rows, by their keys."""

    schools: Mapping[int, tuple[int, int, int]]
    answers: Mapping[int, tuple[datetime, tuple[Answer, ...]]]
    hits: Mapping[int, tuple[datetime | None, datetime | None]]
    measured: Collection[int]

    @classmethod
    def of(cls, session: Session, asked: Asked, keys: Collection[int] | None) -> "_Facts":
        """The facts of these letters, or of those with these keys only.

        Openings cost two statements more, where a mailing measures one by one.
        """

        def chosen(query: Select[*Columns]) -> Select[*Columns]:
            return query if keys is None else query.where(among(Message.id, keys))

        query = chosen(reactions.subjects(asked))
        listed = {key: (schools, since, declared) for key, schools, since, declared in session.execute(query)}
        alone = [chosen(each) for each in measured_of(session, asked)]
        measured = set(session.scalars(union_all(*alone))) if alone else set[int]()
        seen = chosen(reactions.hits(asked.mailings))
        own = {key: (opened, clicked) for key, opened, clicked in session.execute(seen)} if alone else {}
        return cls(listed, _answers(session, chosen(_given(asked))), own, measured)

    def row(self, letter: Row[*tuple[Any, ...]]) -> LetterReaction:
        key = letter.id
        answered_at, answers = self.answers.get(key, (None, ()))
        schools, joined_since, declared = self.schools.get(key, (0, 0, 0))
        opened, clicked = self.hits.get(key, (None, None))
        why = listing.cause_in_words(letter.state, letter.reply_code, letter.reply_status, letter.reply_text)
        return LetterReaction(
            message=key,
            mailing=letter.mailing_id,
            authority_id=letter.authority_id,
            fase=letter.fase,
            authority=shown(letter.name, letter.corrected_name),
            network=letter.code,
            network_label=letter.label,
            mailbox=letter.address,
            sent=letter.left_at,
            state=listing.outcome_in(letter.state, letter.attempts),
            cause=letter.reason.label if letter.reason else why,
            said=f"{letter.reply_code or ''} {letter.reply_text}".strip(),
            measured=key in self.measured,
            opened=opened,
            clicked=clicked,
            answers=answers,
            answered_at=answered_at,
            schools=schools,
            joined_since=joined_since,
            declared=declared,
        )


def measured_of(session: Session, asked: Asked) -> list[Select[int]]:
    """The letters measured one by one, as a statement for each mailing that measures so: it gives their keys."""
    query = select(Mailing.id, Mailing.filled_at, Mailing.letter).where(Mailing.id.in_(asked.mailings))
    return [
        reactions.measured_alone(mailing, filled_at)
        for mailing, filled_at, letter in session.execute(query)
        if filled_at is not None and LetterSnapshot.tracking_of(letter) is TrackingMode.INDIVIDUAL
    ]


def _given(asked: Asked) -> Select[int, datetime, Answer]:
    query = select(Response.message_id, Response.given_at, Response.answer)
    query = query.join(Message, Message.id == Response.message_id)
    return query.where(Message.mailing_id.in_(asked.mailings), Response.stands())


def _answers(session: Session, query: Select[int, datetime, Answer]) -> dict[int, tuple[datetime, tuple[Answer, ...]]]:
    """By letter, when it was last answered and what was said then, in the order of answers."""
    given: dict[int, dict[datetime, set[Answer]]] = {}
    for message, at, answer in session.execute(query):
        given.setdefault(message, {}).setdefault(at, set()).add(answer)
    last = {message: max(moments.items(), key=itemgetter(0)) for message, moments in given.items()}
    return {message: (at, tuple(answer for answer in Answer if answer in said)) for message, (at, said) in last.items()}


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
        for letter in letters(self.session, self.asked, keys):
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
    alone = measured_of(session, asked)
    if not alone:
        return false()
    return Message.id.in_(union_all(*alone)) & Message.id.not_in(select(seen.c.message_id))


def _seen(asked: Asked) -> Subquery:
    """By authority, its last first opening and click of a letter."""
    seen = reactions.hits(asked.mailings).subquery("seen")
    latest = [func.max(seen.c[name]).label(name) for name in ("opened", "clicked")]
    query = select(reactions.AUTHORITY.label("authority_id"), *latest).join(seen, seen.c.message_id == Message.id)
    return query.group_by(Message.authority_id).subquery("seen_by_authority")
