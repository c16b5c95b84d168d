"""Reactions to a campaign: what came of each letter, and the authorities that have not reacted to any.

Lists, counts, files, criteria and the command all use these functions, and so the same conditions
(`measuring.reactions`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVarTuple

from sqlalchemy import Row, Select, func, select, union_all

from outreach import french
from outreach.campaigns.audiences import launched
from outreach.campaigns.letter.frozen import Frozen
from outreach.campaigns.models import Campaign
from outreach.days import today
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.ledger import causes
from outreach.delivery.ledger import listing as ledger
from outreach.delivery.ledger.listing import LetterOutcome
from outreach.delivery.models import Mailing, Message
from outreach.directory.models import Authority, Network
from outreach.directory.names.display_names import shown
from outreach.errors import NotFound
from outreach.measuring import reactions
from outreach.measuring.models import TrackingMode
from outreach.measuring.reactions import Asked, Reaction
from outreach.responses.kinds import Answer
from outreach.responses.models import Response

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
        why = causes.why(letter.state, letter.reply_code, letter.reply_status, letter.reply_text)
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
            state=ledger.outcome_in(letter.state, letter.attempts),
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
        if filled_at is not None and Frozen.tracking_of(letter) is TrackingMode.INDIVIDUAL
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
