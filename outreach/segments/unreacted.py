"""Reminders that are added: which authorities and mailboxes some letters reached, and have not reacted to them."""

from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, Subquery, and_, case, false, not_, select

from outreach.db.joins import found_among
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


@dataclass(frozen=True, slots=True)
class Reacted:
    """Conditions on a mailbox of an added reminder: whether a school that letters listed has joined since, whether an
    answer came, and whether it answers for some schools and was in none of the mailings."""

    has_joined: ColumnElement[bool]
    has_answered: ColumnElement[bool]
    is_new: ColumnElement[bool]


def reacted_of(
    each: CTE | None, boxes: CTE | None, authority: ColumnElement[int], box: Subquery, *, has_limits: bool
) -> Reacted:
    """The reactions of the mailboxes of an audience.

    A mailbox that answers for some schools has its own letters counted. Any other has all letters of its authority
    counted, and the answers that speak for all its schools.
    """
    if each is None:
        return Reacted(false(), false(), false())
    of_authority = select(each.c.authority_id)
    has_joined = found_among(of_authority.where(each.c.joined > 0), authority)
    has_answered = found_among(of_authority.where(each.c.answered_at.is_not(None)), authority)
    if boxes is None:
        return Reacted(has_joined, has_answered, false())
    if not has_limits:
        return Reacted(has_joined, false(), false())
    of_box, own, is_limited = (
        select(boxes.c.authority_id, boxes.c.address_key),
        (authority, box.c.address_key),
        box.c.is_limited == 1,
    )
    box_joined = found_among(of_box.where(boxes.c.joined > 0), *own)
    box_answered = found_among(of_box.where(boxes.c.answered_at.is_not(None)), *own)
    return Reacted(
        case((is_limited, box_joined), else_=has_joined),
        case((is_limited, box_answered), else_=false()),
        and_(is_limited, not_(found_among(of_box, *own))),
    )
