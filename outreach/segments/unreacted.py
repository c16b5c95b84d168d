"""Reminders that are added: which authorities and mailboxes some letters reached, and have not reacted to them."""

from sqlalchemy import CTE, ColumnElement, and_, case, false, select, tuple_

from outreach.directory.models import Authority, Contact
from outreach.measuring import reactions
from outreach.measuring.reactions import Asked


def reactions_to(asked: Asked) -> CTE:
    """The reactions to some letters, by authority, computed once however often a statement asks for it.

    It has no name, as a statement about several campaigns has one for each.
    """
    return select(reactions.of_authorities(asked)).cte().prefix_with("MATERIALIZED")


def reactions_of_boxes(asked: Asked) -> CTE:
    """The same as `reactions_to`, by mailbox."""
    return select(reactions.of_mailboxes(asked)).cte().prefix_with("MATERIALIZED")


def is_new(boxes: CTE | None, is_limited: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a mailbox that answers for some schools was in none of the mailings that an added reminder is about."""
    if boxes is None:
        return false()
    meant = select(boxes.c.authority_id, boxes.c.address_key).where(boxes.c.address_key.is_not(None))
    return and_(is_limited, tuple_(Authority.id, Contact.address_key).not_in(meant))


def have_reacted(
    each: CTE | None, boxes: CTE | None, is_limited: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether a school that letters named has joined since, and whether an answer came.

    A mailbox that answers for some schools has its own letters counted. Any other has all letters of its authority
    counted, and the answers that speak for all its schools.
    """
    if each is None:
        return false(), false()
    joined = Authority.id.in_(select(each.c.authority_id).where(each.c.joined > 0))
    answered = Authority.id.in_(select(each.c.authority_id).where(each.c.answered_at.is_not(None)))
    if boxes is None:
        return joined, answered
    box, key = tuple_(Authority.id, Contact.address_key), (boxes.c.authority_id, boxes.c.address_key)
    box_joined = box.in_(select(*key).where(boxes.c.joined > 0))
    box_answered = box.in_(select(*key).where(boxes.c.answered_at.is_not(None)))
    return case((is_limited, box_joined), else_=joined), case((is_limited, box_answered), else_=false())
