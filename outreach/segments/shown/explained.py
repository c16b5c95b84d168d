"""Why an authority is written to or not: each criterion with whether it holds, and its mailboxes with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, case, select

from outreach.db import Session
from outreach.delivery.models import Reason
from outreach.directory.models import Authority
from outreach.segments.audience import Audience, reason_of, rows
from outreach.segments.criteria import Leaf, leaves, listed
from outreach.segments.scope import Scope


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an authority is written to or not: each criterion with whether it holds, whether the whole does, and its
    mailboxes with the reason of each."""

    criteria: Sequence[tuple[Leaf, bool]]
    is_meant: bool
    mailboxes: Sequence[tuple[str, Reason | None]]

    @property
    def is_written(self) -> bool:
        """Whether a letter would leave."""
        return self.is_meant and any(reason is None for _, reason in self.mailboxes)


def explain(session: Session, audience: Audience, scope: Scope, authority: Authority) -> Explanation:
    """Why a letter would leave for an authority, or not."""
    asked, scope = leaves(audience.criterion), replace(scope, between=(authority.id, authority.id))
    answers: tuple[int, ...] = ()
    if asked:
        answers = tuple(session.execute(select(*(_truth(leaf, scope) for leaf in asked)).where(_is(authority))).one())
    is_meant = session.scalar(listed(scope, audience.criterion)) is not None
    mailbox_rows = rows(audience, scope, among=select(Authority.id).where(_is(authority)))
    mailboxes = [
        (address or "", reason_of(rank))
        for address, rank in session.execute(
            select(mailbox_rows.c.address, mailbox_rows.c.rank).order_by(mailbox_rows.c.contact_id)
        )
    ]
    return Explanation([(leaf, bool(held)) for leaf, held in zip(asked, answers, strict=True)], is_meant, mailboxes)


def _truth(leaf: Leaf, scope: Scope) -> ColumnElement[int]:
    return case((leaf.where(scope), 1), else_=0)


def _is(authority: Authority) -> ColumnElement[bool]:
    return Authority.id == authority.id
