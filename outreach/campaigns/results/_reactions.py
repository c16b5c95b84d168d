"""Reactions to a campaign: what came of each letter, and the authorities that have not reacted to any.

Lists, counts, files, criteria and the command all use these functions, and so the same conditions
(`tracking`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Row, Select, false, func, select, union_all

from outreach.campaigns.letter import LetterSnapshot
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import launched_mailings
from outreach.core.db import Session, UtcDateTime
from outreach.core.db.bulk import among
from outreach.core.tables import Column, Kind, Table
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound
from outreach.core.text.labelled import Labelled
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message
from outreach.delivery.outbox import LetterOutcome
from outreach.directory.display_names import shown
from outreach.directory.models import Authority
from outreach.engagement import tracking
from outreach.engagement.replies import Answer, Response
from outreach.engagement.tracking import Asked, Reaction, TrackingMode

Columns = TypeVarTuple("Columns")
AT_ONCE = 2000  # authorities: each time, joinings are counted anew, for a fraction of a second


class OpeningFilter(Labelled):
    """What is known of the openings and clicks of mailboxes that are measured one by one."""

    OPENED = "opened", "Ouvert"
    CLICKED = "clicked", "Cliqué"
    NEVER = "never", "Mesuré, jamais ouvert ni cliqué"


@dataclass(frozen=True, slots=True)
class LetterReaction:
    """What came of one letter: `sent` is when it left for a relay that (perhaps) took it, `since` when it came so far.
    One put off was tried so many `attempts`, and is `next_at`.

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
    mailbox: str
    sent: datetime | None
    since: datetime | None
    state: LetterOutcome
    cause: str
    said: str
    attempts: int | None
    next_at: datetime | None
    measured: bool
    opened: datetime | None
    clicked: datetime | None
    answers: tuple[Answer, ...]
    answered_at: datetime | None
    schools: int
    joined_since: int
    declared: int

    @property
    def explained(self) -> str:
        """What the relay said, where that adds something to the outcome: 250 is its usual code for a letter taken."""
        return "" if self.state is LetterOutcome.ACCEPTED and self.said.startswith("250") else self.said


COLUMNS: Sequence[Column[LetterReaction]] = (
    Column("fase", "FASE", lambda row: row.fase),
    Column("name", "Pouvoir organisateur", lambda row: row.authority),
    Column("mailbox", "Adresse", lambda row: row.mailbox),
    Column("sent", "Parti", lambda row: row.sent, Kind.MOMENT),
    Column("state", "Issue", lambda row: row.state),
    Column("since", "Depuis", lambda row: row.since, Kind.INSTANT),
    Column("cause", "Cause", lambda row: row.cause),
    Column("said", "Réponse du serveur d’envoi", lambda row: row.said),
    Column("attempts", "Essais", lambda row: row.attempts),
    Column("next", "Prochain essai", lambda row: row.next_at, Kind.INSTANT),
    Column("measured", "Mesuré", lambda row: row.measured),
    Column("opened", "Ouvert", lambda row: row.opened, Kind.MOMENT),
    Column("clicked", "Cliqué", lambda row: row.clicked, Kind.MOMENT),
    Column("answered", "Réponse", lambda row: row.answers),
    Column("answered_at", "Répondu", lambda row: row.answered_at, Kind.MOMENT),
    Column("schools", "Écoles nommées", lambda row: row.schools, Kind.NUMBER),
    Column("declared", "Déclarent adhérer", lambda row: row.declared, Kind.NUMBER),
    Column("joined_since", "Adhésions confirmées", lambda row: row.joined_since, Kind.NUMBER),
)


def asked_of(campaign: Campaign, *, now: datetime, wave: int | None = None) -> Asked:
    """The letters of a campaign whose reactions are asked: of all its waves, or of the one with this number.

    Raises NotFound when that wave does not exist, or its recipients are not known yet.
    """
    own = launched_mailings(campaign)
    if wave is None:
        return Asked(own, today(now))
    chosen = [each.mailing_id for each in campaign.waves if each.number == wave and each.mailing_id]
    if not chosen:
        raise NotFound(f"La vague {wave} de cette campagne n’a pas encore de destinataires.")
    return Asked([chosen[0]], today(now), tuple(mailing for mailing in own if mailing != chosen[0]))


def list_reactions(
    session: Session,
    asked: Asked,
    only: Select[int] | Collection[int] | None = None,
    where: Collection[ColumnElement[bool]] = (),
) -> list[LetterReaction]:
    """The letters asked for, those left out included: by the authority's name, then in the order of waves; `only` those
    to some authorities, by key, and of which some conditions hold. A fixed number of statements.
    """
    query = (
        select(
            *(Message.id, Message.mailing_id, Message.authority_id, Message.address, Message.state, Message.attempts),
            *(Message.reason, Message.reply_code, Message.reply_status, Message.reply_text, Message.due_at),
            func.coalesce(Message.settled_at, Message.fenced_at, type_=UtcDateTime()).label("since"),
            *(tracking.left_at().label("left_at"), Authority.fase, Authority.name, Authority.corrected_name),
        )
        .join(Authority, Authority.id == Message.authority_id)
        .where(Message.mailing_id.in_(asked.mailings), *where)
    )
    if isinstance(only, Select):
        query = query.where(Message.authority_id.in_(only))
    elif only is not None:
        query = query.where(among(tracking.AUTHORITY, only))
    found = session.execute(query.order_by(Authority.folded, Authority.fase, Message.mailing_id, Message.id)).all()
    facts = _Facts.of(session, asked, [letter.id for letter in found] if only is not None else None)
    return [facts.row(letter) for letter in found]


def reactions_table(
    session: Session,
    asked: Asked,
    keys: Sequence[int],
    where: Collection[ColumnElement[bool]],
    waves: Mapping[int, str],
) -> Table:
    """The letters to these authorities, for a file, so many authorities at a time; `waves` are names by mailing."""

    def rows() -> Iterator[list[Any]]:
        for start in range(0, len(keys), AT_ONCE):
            for letter in list_reactions(session, asked, keys[start : start + AT_ONCE], where):
                yield [waves.get(letter.mailing, ""), *(column.cell(letter) for column in COLUMNS)]

    return Table("Courriels", ["Vague", *(column.full_header for column in COLUMNS)], rows())


def is_seen(session: Session, asked: Asked, opening: OpeningFilter) -> ColumnElement[bool]:
    """Whether a letter was opened, clicked, or neither although it is measured by itself."""
    seen = tracking.first_hits(asked.mailings).subquery("seen")
    if opening is not OpeningFilter.NEVER:
        return Message.id.in_(select(seen.c.message_id).where(seen.c[opening.value].is_not(None)))
    alone = measured_of(session, asked)
    return Message.id.in_(union_all(*alone)) & Message.id.not_in(select(seen.c.message_id)) if alone else false()


def count_reactions(session: Session, asked: Asked) -> dict[Reaction, int]:
    """How many of the authorities that these letters are meant for reacted, did not, or received none."""
    each = tracking.of_authorities(asked)
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

        query = chosen(tracking.letter_subjects(asked))
        listed = {key: (schools, since, declared) for key, schools, since, declared in session.execute(query)}
        alone = [chosen(each) for each in measured_of(session, asked)]
        measured = set(session.scalars(union_all(*alone))) if alone else set[int]()
        seen = chosen(tracking.first_hits(asked.mailings))
        own = {key: (opened, clicked) for key, opened, clicked in session.execute(seen)} if alone else {}
        return cls(listed, _answers(session, chosen(_given(asked))), own, measured)

    def row(self, letter: Row[*tuple[Any, ...]]) -> LetterReaction:
        key = letter.id
        answered_at, answers = self.answers.get(key, (None, ()))
        schools, joined_since, declared = self.schools.get(key, (0, 0, 0))
        opened, clicked = self.hits.get(key, (None, None))
        state = outbox.outcome_in(letter.state, letter.attempts)
        is_put_off = state is LetterOutcome.DEFERRED
        why = outbox.cause_in_words(letter.state, letter.reply_code, letter.reply_status, letter.reply_text)
        return LetterReaction(
            message=key,
            mailing=letter.mailing_id,
            authority_id=letter.authority_id,
            fase=letter.fase,
            authority=shown(letter.name, letter.corrected_name),
            mailbox=letter.address,
            sent=letter.left_at,
            since=letter.since,
            state=state,
            cause=letter.reason.label if letter.reason else why,
            said=f"{letter.reply_code or ''} {letter.reply_text}".strip(),
            attempts=letter.attempts if is_put_off else None,
            next_at=letter.due_at if is_put_off else None,
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
        tracking.measured_alone(mailing, filled_at)
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
