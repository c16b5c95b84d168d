"""Reads decisions: the last one about a subject, all of them, and what awaits whom."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import SQLCoreOperations

from outreach.approvals.models import APPROVING, AUTHORING, Content, Decision, DecisionKind
from outreach.db import Session


def last(session: Session, subject: str) -> Decision | None:
    """The last decision about a subject: it alone says what holds."""
    query = select(Decision).where(Decision.subject == subject).order_by(Decision.id.desc())
    return session.scalars(query.limit(1)).first()


def history(session: Session, subjects: Collection[str]) -> Sequence[Decision]:
    """All decisions about these subjects, the newest first."""
    query = select(Decision).where(Decision.subject.in_(subjects)).order_by(Decision.id.desc())
    return session.scalars(query).all()


def approval(session: Session, content: Content) -> Decision | None:
    """The approval of a thing exactly as it stands; None where none holds."""
    held = last(session, content.subject)
    return held if held and held.kind in APPROVING and held.digest == content.digest else None


def writers(session: Session, subject: str, before: int | None = None) -> set[str]:
    """Who wrote a subject first, and who submitted it last; with `before`, before the decision with this key."""
    hands = select(Decision.actor).where(Decision.subject == subject, Decision.kind.in_(AUTHORING))
    if before is not None:
        hands = hands.where(Decision.id < before)
    submitted = hands.where(Decision.kind == DecisionKind.SUBMITTED)
    ends = hands.order_by(Decision.id), submitted.order_by(Decision.id.desc())
    return {actor for end in ends for actor in session.scalars(end.limit(1))}


def approver(session: Session, subject: str) -> str:
    """Who last approved a subject, or ''."""
    given = select(Decision.actor).where(Decision.subject == subject, Decision.kind.in_(APPROVING))
    return session.scalar(given.order_by(Decision.id.desc()).limit(1)) or ""


def has_a_hand(subject: SQLCoreOperations[str] | str, person: str) -> ColumnElement[bool]:
    """Whether a person wrote, changed or submitted a subject: such a person never decides about it."""
    hand = aliased(Decision)
    return exists().where(hand.subject == subject, hand.actor == person, hand.kind.in_(AUTHORING))


def awaiting(person: str) -> Select[Decision]:
    """Select the submissions that await the decision of a person who may approve, the oldest first."""
    later = aliased(Decision)
    is_last = ~exists().where(later.subject == Decision.subject, later.id > Decision.id)
    waits = and_(Decision.kind == DecisionKind.SUBMITTED, is_last, ~has_a_hand(Decision.subject, person))
    return select(Decision).where(waits).order_by(Decision.id)


def is_returned(subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a subject was sent back after it was last submitted. Correcting it does not change that."""
    later = aliased(Decision)
    submitted = exists().where(
        later.subject == Decision.subject, later.id > Decision.id, later.kind == DecisionKind.SUBMITTED
    )
    return exists().where(Decision.subject == subject, Decision.kind == DecisionKind.SENT_BACK, ~submitted)
