"""Reactions to letters: an answer, a mail written back, or a joining of a school that a letter listed.

A joining is a reaction to a letter from the day on which that letter left: a list that comes late, with joinings of
earlier days, makes nobody react.

Opening and clicking are no reaction: they are known of the few mailboxes with a recorded basis only. Lists, counts,
criteria and commands all stand on `of_authorities`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    SQLColumnExpression,
    Subquery,
    and_,
    case,
    func,
    or_,
    select,
    type_coerce,
    union,
)

from outreach.adherence.models import Word
from outreach.adherence.situation import joined_schools
from outreach.core.db import UtcDateTime
from outreach.core.db.local_days import brussels_day
from outreach.core.text.labelled import Labelled
from outreach.delivery.bounces import KeptNotice, NoticeVerdict
from outreach.delivery.models import Mailing, Message, MessageState, MessageSubject
from outreach.delivery.received import ReceivedMail
from outreach.engagement.replies import Response
from outreach.engagement.tracking._bases import measurable_at
from outreach.engagement.tracking._bot_detection import OPENING
from outreach.engagement.tracking._models import Hit, TrackingBasis

AUTHORITY = type_coerce(Message.authority_id, Integer)  # never None: the letters of waves go to authorities
HAS_LEFT = or_(
    Message.state.in_((MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)),
    Message.resent_at.is_not(None),
)
LEFT_AT = func.coalesce(Message.fenced_at, Message.settled_at, Message.resent_at, type_=UtcDateTime())
CAME_BACK = and_(Message.state == MessageState.REFUSED, Message.reply_code.is_(None))


class Reaction(Labelled):
    """Whether an authority reacted to letters. NONE has received one and done nothing; UNREACHED has received none."""

    NONE = "none", "N’ont ni répondu ni adhéré"
    REACTED = "reacted", "Ont répondu ou adhéré"
    UNREACHED = "unreached", "Aucun courriel remis"

    @property
    def meaning(self) -> str:
        """Which authorities these are exactly, in a French sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Reaction.NONE: (
        "Depuis le premier courriel remis, aucune réponse, et aucune adhésion, déclarée ou confirmée, d’une école que "
        "leurs courriels nommaient, à compter du jour où ils sont partis."
    ),
    Reaction.REACTED: (
        "Au moins une réponse donnée depuis un courriel de la campagne, ou écrite en retour, ou l’adhésion, déclarée "
        "ou confirmée, d’une école que nommait un courriel, le jour où il est parti ou plus tard."
    ),
    Reaction.UNREACHED: (
        "Aucun courriel remis, ni réponse ni adhésion : écartés, refusés, revenus, en doute ou en attente."
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The letters whose reactions are asked: those of `mailings`, until the end of `day`.

    `others` are further mailings of the same campaign. An answer to one of their letters counts when it was given since
    the authority's first accepted letter of `mailings`.
    """

    mailings: Sequence[int]
    day: date
    others: Sequence[int] = ()


def of_authorities(asked: Asked) -> Subquery:
    """One row for each authority that these letters are meant for: columns authority_id, sent_at (its first accepted
    letter), answered_at (its last answer), reaction, and how many schools that letters listed have joined since: joined
    in all, joined_since confirmed, declared not.
    """
    base, answered, joined = _accepted(asked), _answered(asked), _joined(asked)
    wrote = replied([*asked.mailings, *asked.others])
    has_reacted = or_(answered.c.answered_at.is_not(None), joined.c.joined > 0, wrote.c.authority_id.is_not(None))
    reaction = case(
        (has_reacted, Reaction.REACTED.value),
        (base.c.sent_at.is_not(None), Reaction.NONE.value),
        else_=Reaction.UNREACHED.value,
    )
    query = select(
        base.c.authority_id,
        base.c.sent_at,
        answered.c.answered_at,
        *(func.coalesce(joined.c[name], 0).label(name) for name in ("joined", "joined_since", "declared")),
        reaction.label("reaction"),
    )
    query = query.outerjoin(answered, answered.c.authority_id == base.c.authority_id)
    query = query.outerjoin(wrote, wrote.c.authority_id == base.c.authority_id)
    return query.outerjoin(joined, joined.c.authority_id == base.c.authority_id).subquery("reactions")


def of_mailboxes(asked: Asked) -> Subquery:
    """One row for each mailbox that these letters are meant for: columns authority_id, address_key, answered_at (the
    last answer from its own letters) and joined (how many schools that its own letters listed have joined since).

    `asked.others` do not count.
    """
    known, box = _joinings(asked), (Message.authority_id, Message.address_key)
    joined = func.count(case((HAS_LEFT, known.c.school_id)).distinct())
    answered = func.max(Response.given_at, type_=UtcDateTime())
    query = (
        select(
            AUTHORITY.label("authority_id"), Message.address_key, joined.label("joined"), answered.label("answered_at")
        )
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(MessageSubject, MessageSubject.message_id == Message.id)
        .outerjoin(known, _is_about(known))
        .outerjoin(Response, and_(Response.message_id == Message.id, Response.is_a_reaction()))
        .where(Message.mailing_id.in_(asked.mailings))
    )
    return query.group_by(*box).subquery("of_mailboxes")


def reacting_authorities(asked: Asked, reaction: Reaction) -> Select[int]:
    """The keys of the authorities whose reaction is this one."""
    each = of_authorities(asked)
    return select(each.c.authority_id).where(each.c.reaction == reaction.value)


def letter_subjects(asked: Asked) -> Select[int, int, int, int]:
    """By letter that lists schools: its key, how many these are, and how many have joined since it left: confirmed, and
    declared.
    """
    known = _joinings(asked)
    since, declared = (func.sum(case((and_(HAS_LEFT, is_so), 1), else_=0)) for is_so in _kinds(known).values())
    query = (
        select(Message.id, func.count(), since, declared)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(known, _is_about(known))
        .where(Message.mailing_id.in_(asked.mailings))
    )
    return query.group_by(Message.id)


def joined_of(asked: Asked) -> Subquery:
    """One row for each authority to which letters left that listed schools: columns authority_id, confirmed and
    declared (1 if a school has joined so since, else 0), all_confirmed (1 if all have) and joined_on (the first day, if
    confirmed).

    By school first: a later letter may list a school whose joining since an earlier one was not known yet.
    """
    known = _joinings(asked)
    is_confirmed, is_declared = _kinds(known).values()
    each = (
        select(
            AUTHORITY.label("authority_id"),
            func.max(case((is_confirmed, 1), else_=0)).label("confirmed"),
            func.max(case((is_declared, 1), else_=0)).label("declared"),
            func.min(case((is_confirmed, known.c.effective_on)), type_=Date()).label("joined_on"),
        )
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(known, _is_about(known))
        .where(Message.mailing_id.in_(asked.mailings), HAS_LEFT)
        .group_by(Message.authority_id, MessageSubject.school_id)
        .subquery("joined_each")
    )
    return (
        select(
            each.c.authority_id,
            func.max(each.c.confirmed).label("confirmed"),
            func.max(each.c.declared).label("declared"),
            func.min(each.c.confirmed).label("all_confirmed"),
            func.min(each.c.joined_on, type_=Date()).label("joined_on"),
        )
        .group_by(each.c.authority_id)
        .subquery("joined_of")
    )


def joined_after(asked: Asked) -> Select[int, str, date, int]:
    """How many authorities have joined since a letter of each mailing left to them: by mailing, as "joined_since" or
    "declared", and by the first day on which a school that this letter listed has joined so.
    """
    known = _joinings(asked)
    kind = case(*((is_so, name) for name, is_so in _kinds(known).items())).label("kind")
    query = (
        select(Message.mailing_id, kind, func.min(known.c.effective_on, type_=Date()).label("joined_on"))
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(known, _is_about(known))
        .where(Message.mailing_id.in_(asked.mailings), HAS_LEFT)
    )
    each = query.group_by(Message.mailing_id, Message.authority_id, kind).subquery("joined_after")
    by = each.c.mailing_id, each.c.kind, each.c.joined_on
    return select(*by, func.count()).where(each.c.kind.is_not(None)).group_by(*by)


def first_hits(mailings: Collection[int]) -> Select[int, datetime | None, datetime | None]:
    """By letter with hits of its own: message_id, and its first `opened` and `clicked`, those of machines left out."""
    is_opening = Hit.link == OPENING
    opened, clicked = (func.min(case((kind, Hit.at)), type_=UtcDateTime()) for kind in (is_opening, ~is_opening))
    query = select(Hit.message_id, opened.label("opened"), clicked.label("clicked")).join(
        Message, Message.id == Hit.message_id
    )
    query = query.where(Message.mailing_id.in_(mailings), Hit.is_a_reader_s())
    return query.group_by(Hit.message_id)


def measured_alone(mailing: int, filled_at: datetime) -> Select[int]:
    """The letters of an individually measured mailing that left with a pixel of their own."""
    held = or_(TrackingBasis.withdrawn_at.is_(None), TrackingBasis.withdrawn_at > Message.fenced_at)
    return measurable_at(filled_at).where(Message.mailing_id == mailing, HAS_LEFT, held)


def left_at() -> ColumnElement[datetime | None]:
    """When a letter left for the relay, which accepted it, or perhaps did. NULL for any other."""
    has_left = or_(Message.state.in_((MessageState.ACCEPTED, MessageState.IN_DOUBT)), CAME_BACK)
    at = func.coalesce(Message.fenced_at, Message.settled_at, type_=UtcDateTime())
    return case((has_left, at), else_=None)


def _accepted(asked: Asked) -> Subquery:
    """Each authority meant, and when its first letter left that the relay accepted and that has not come back."""
    at = case((Message.state == MessageState.ACCEPTED, left_at()))
    first = func.min(at, type_=UtcDateTime()).label("sent_at")
    query = select(AUTHORITY.label("authority_id"), first).where(Message.mailing_id.in_(asked.mailings))
    return query.group_by(Message.authority_id).subquery("accepted")


def _answered(asked: Asked) -> Subquery:
    """Each authority that answered by a reaction, and when it did so last."""
    last = func.max(Response.given_at, type_=UtcDateTime()).label("answered_at")
    query = select(Response.authority_id, last).join(Message, Message.id == Response.message_id)
    counts: ColumnElement[bool] = Message.mailing_id.in_(asked.mailings)
    if asked.others:
        base: Any = _accepted(asked).alias("first")
        query = query.outerjoin(base, base.c.authority_id == Response.authority_id)
        is_since = and_(Message.mailing_id.in_(asked.others), Response.given_at >= base.c.sent_at)
        counts = or_(counts, is_since)
    query = query.where(counts, Response.is_a_reaction())
    return query.group_by(Response.authority_id).subquery("answered")


def replied(mailings: Sequence[int] | Sequence[int | None] | Select[int]) -> Subquery:
    """Whose letter a person replied to by mail: column authority_id. A mail that names none of them proves nothing."""
    letters = select(AUTHORITY.label("authority_id")).where(Message.mailing_id.in_(mailings))
    noticed = letters.join(KeptNotice, KeptNotice.message_id == Message.id)
    wrote = letters.join(ReceivedMail, ReceivedMail.message_id == Message.id)
    return union(
        noticed.where(KeptNotice.verdict == NoticeVerdict.HUMAN),
        wrote.where(~ReceivedMail.is_automatic, ReceivedMail.authority_id == Message.authority_id),
    ).subquery("replied")


def _joined(asked: Asked) -> Subquery:
    """Each authority to which letters left that listed schools, and how many of these have joined since: in all,
    confirmed, and declared.

    An outer join, as SQLite would otherwise search all letters ever for the schools that have joined.
    """
    known = _joinings(asked)
    each = (func.count(case((is_so, known.c.school_id)).distinct()).label(n) for n, is_so in _kinds(known).items())
    query = (
        select(AUTHORITY.label("authority_id"), func.count(known.c.school_id.distinct()).label("joined"), *each)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(known, _is_about(known))
        .where(Message.mailing_id.in_(asked.mailings), HAS_LEFT)
    )
    return query.group_by(Message.authority_id).subquery("joined_since")


def _joinings(asked: Asked) -> Subquery:
    """The joinings that may be reactions, declared or confirmed.

    A letter about schools that had joined stops on no strand, so that none of them joins since.
    """
    strands = select(Mailing.stop_strand_id).where(Mailing.id.in_(asked.mailings))
    return joined_schools(strands, asked.day)


def _is_about(joining: Subquery) -> ColumnElement[bool]:
    """Whether a joining is that of a school that a letter lists, on the day on which the letter left or later."""
    same_school = joining.c.school_id == MessageSubject.school_id
    return and_(same_school, joining.c.strand_id == Mailing.stop_strand_id, is_since(joining.c.stated_on))


def _kinds(joining: Subquery) -> dict[str, ColumnElement[bool]]:
    """As what a joining that is a reaction counts: as none where a list confirms it of a day before the letter."""
    is_confirmed = and_(joining.c.word == Word.CONFIRMED, is_since(joining.c.effective_on))
    return {"joined_since": is_confirmed, "declared": joining.c.word == Word.DECLARED}


def is_since(day: SQLColumnExpression[date]) -> ColumnElement[bool]:
    """Whether a day is that on which a letter left, in Brussels, or a later one."""
    return day >= brussels_day(LEFT_AT)
