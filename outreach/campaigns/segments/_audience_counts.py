"""Counts of an audience: how many are written to or left out, by reason, and the first of them by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import CTE, ColumnElement, FromClause, Row, Subquery, and_, case, func, literal, select, union_all

from outreach.campaigns.segments._audience import (
    ORDER,
    Audience,
    Boxes,
    audience_statement,
    concerned_schools,
    listed_parts,
    reason_of,
)
from outreach.campaigns.segments._context import CriteriaContext
from outreach.core.db import Session
from outreach.core.text import french
from outreach.delivery.models import Reason
from outreach.directory.models import Authority, Contact, ContactSchool, Network

COUNTED = ("authority_id", "contact_id", "schools", "is_limited", "rank")  # columns of `rows` that a count reads


@dataclass
class AudienceCounts:
    """The counts of an audience: `authorities` is the sum of those written to and those left out.

    `left_out` counts authorities, by the reason of their best mailbox. `spared` counts the mailboxes left out of
    authorities that are written to at another one. Both are in the order of `ORDER`. `schools` are those that the
    letters list. Of the `addresses` that are written to, `of_schools` answer for some schools only. Where only
    these are written to, `silent` schools are in no letter although they are concerned.
    """

    authorities: int = 0
    written: int = 0
    addresses: int = 0
    schools: int = 0
    of_schools: int = 0
    silent: int = 0
    left_out: dict[Reason, int] = field(default_factory=dict)
    spared: dict[Reason, int] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """How many are written to, in French: « 985 PO », or « 985 PO, 2 700 écoles, 3 685 boîtes »."""
        authorities = f"{french.number(self.written)} PO"
        if not self.of_schools:
            return authorities
        return f"{authorities}, {french.plural(self.schools, 'école')}, {french.plural(self.addresses, 'boîte')}"

    @property
    def told_boxes(self) -> str:
        """How many mailboxes of each kind are written to, in French."""
        own = french.plural(self.addresses - self.of_schools, "boîte de PO", "boîtes de PO")
        return f"{own}, {french.plural(self.of_schools, 'boîte d’école', 'boîtes d’école')}"


class Ranked(NamedTuple):
    """An authority that a letter is for: how many it gets, 0 where it is left out, and how many of these go to
    mailboxes that answer for some schools only."""

    authority_id: int
    letters: int
    of_schools: int


def by_authority(session: Session, audience: Audience, context: CriteriaContext) -> list[Ranked]:
    """Each authority of an audience, in the order of keys."""
    mailboxes, _ = _computed(session, audience, context)
    query = select(mailboxes.c.authority_id, *_addresses(mailboxes)).group_by(mailboxes.c.authority_id)
    # Sorted here: with ORDER BY SQLite does not build its automatic index.
    return sorted(Ranked(*row) for row in session.execute(query))


def count_audience(session: Session, audience: Audience, context: CriteriaContext) -> AudienceCounts:
    """Count an audience, in one statement that returns one row per reason.

    It groups, and does not use window functions: with these, SQLite takes 13 s for 20,000 authorities, and 0.3 s so.
    """
    mailboxes, has_limits = _computed(session, audience, context)
    each = select(
        mailboxes.c.authority_id,
        func.min(mailboxes.c.rank).label("best"),
        *_most_schools(mailboxes),
        *_addresses(mailboxes),
    )
    by_authority = each.group_by(mailboxes.c.authority_id).subquery("authorities")
    listed_schools, source = _listed(audience, context, by_authority, has_limits=has_limits)
    best, sums = by_authority.c.best, [func.sum(by_authority.c[name]) for name in ("addresses", "of_schools")]
    authorities = select(best, literal(0).label("spared"), func.count(), func.sum(listed_schools), *sums)
    written = select(mailboxes.c.authority_id).where(mailboxes.c.rank == 0)
    is_spared = and_(mailboxes.c.rank > 0, mailboxes.c.authority_id.in_(written))
    none = [literal(0)] * 3
    spared = select(literal(0), mailboxes.c.rank, func.count(), *none).where(is_spared)
    counted = union_all(authorities.select_from(source).group_by(best), spared.group_by(mailboxes.c.rank)).order_by(
        "best", "spared"
    )
    counts = AudienceCounts()
    for rank, spared_for, count, schools, *addresses in session.execute(counted):
        if spared_for:
            counts.spared[ORDER[spared_for - 1]] = count
            continue
        counts.authorities += count
        reason = reason_of(rank)
        if reason is None:
            counts.written, counts.schools = count, int(schools)
            counts.addresses, counts.of_schools = map(int, addresses)
        else:
            counts.left_out[reason] = count
    if audience.boxes is Boxes.SCHOOLS:
        counts.silent = (session.scalar(concerned_schools(audience, context)) or 0) - counts.schools
    return counts


def first_authorities(
    session: Session, audience: Audience, context: CriteriaContext, count: int, *, reason: Reason | None = None
) -> Sequence[Row[Authority, int, int]]:
    """Some authorities by name: those written to, or those left out for a reason.

    Columns Authority, mailboxes and schools (counts).
    """
    mailbox_rows, has_limits = _computed(session, audience, context)
    rank = ORDER.index(reason) + 1 if reason else 0
    query = (
        select(
            mailbox_rows.c.authority_id,
            func.count(mailbox_rows.c.contact_id).label("mailboxes"),
            *_most_schools(mailbox_rows),
        )
        .group_by(mailbox_rows.c.authority_id)
        .having(func.min(mailbox_rows.c.rank) == rank)
    )
    if rank == 0:
        query = query.where(mailbox_rows.c.rank == 0)
    chosen = query.subquery("chosen")
    listed_schools, source = _listed(audience, context, chosen, has_limits=has_limits)
    listing = select(Authority, chosen.c.mailboxes, listed_schools.label("schools")).select_from(source)
    listing = listing.join(Authority, Authority.id == chosen.c.authority_id)
    return session.execute(listing.order_by(Authority.folded, Authority.fase).limit(count)).all()


def written_by_network(session: Session, audience: Audience, context: CriteriaContext) -> dict[str, int]:
    """How many authorities are written to, by the network's code; a network without any is left out."""
    mailboxes, _ = _computed(session, audience, context)
    query = (
        select(Network.code, func.count(mailboxes.c.authority_id.distinct()))
        .select_from(mailboxes)
        .join(Authority, Authority.id == mailboxes.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .where(mailboxes.c.rank == 0)
    )
    return dict(session.execute(query.group_by(Network.code)).all())


def by_label(
    session: Session,
    audience: Audience,
    context: CriteriaContext,
    authority: ColumnElement[int],
    label: ColumnElement[str],
) -> list[tuple[str | None, Reason | None, int, int]]:
    """How many authorities are written to (None) or left out, by reason, under each label that other rows give them.

    Each row is the label, the reason, the authorities, and the mailboxes written to, reasons in the order of `ORDER`.
    `authority` and `label` are columns of one subquery with one row an authority; without a row the label is None.
    """
    mailboxes, _ = _computed(session, audience, context)
    each = select(
        mailboxes.c.authority_id,
        func.min(mailboxes.c.rank).label("best"),
        func.sum(case((mailboxes.c.rank == 0, 1), else_=0)).label("addresses"),
    )
    best = each.group_by(mailboxes.c.authority_id).subquery("best")
    query = select(label, best.c.best, func.count(), func.sum(best.c.addresses)).select_from(best)
    query = query.outerjoin(authority.table, authority == best.c.authority_id).group_by(label, best.c.best)
    rows = session.execute(query.order_by(best.c.best)).all()
    return [(name, reason_of(rank), count, int(addresses)) for name, rank, count, addresses in rows]


def _computed(session: Session, audience: Audience, context: CriteriaContext) -> tuple[CTE, bool]:
    """The rows for a statement that aggregates them, and whether a mailbox of them answers for some schools only.

    MATERIALIZED, as both databases would compute the rank anew for each aggregate: eleven times a row.
    """
    has_limits = _has_limits(session, audience.boxes)
    query = audience_statement(audience, context, None, has_limits=has_limits)
    counted = [query.selected_columns[name] for name in COUNTED]
    return query.with_only_columns(*counted).cte("audience").prefix_with("MATERIALIZED"), has_limits


def _has_limits(session: Session, boxes: Boxes) -> bool:
    """Whether a mailbox of these answers for some schools only."""
    some = select(ContactSchool.contact_id).limit(1)
    has_some = session.scalar(some) is not None
    if not has_some or boxes is not Boxes.AUTHORITY:
        return has_some
    theirs = some.join(Contact, Contact.id == ContactSchool.contact_id)
    return session.scalar(theirs.where(Contact.retired_at.is_(None), boxes.are())) is not None


def _addresses(mailboxes: CTE) -> tuple[ColumnElement[int], ...]:
    """Over an authority's mailboxes: how many are written to, and how many of these answer for some schools only."""
    is_limited = and_(mailboxes.c.rank == 0, mailboxes.c.is_limited == 1)
    written = func.sum(case((mailboxes.c.rank == 0, 1), else_=0)).label("addresses")
    return written, func.sum(case((is_limited, 1), else_=0)).label("of_schools")


def _most_schools(mailboxes: CTE) -> tuple[ColumnElement[int], ...]:
    """Over an authority's mailboxes: the longest list of one, and the list of one that is written to for all, or 0."""
    is_whole = and_(mailboxes.c.is_limited == 0, mailboxes.c.rank == 0)
    whole = func.max(case((is_whole, mailboxes.c.schools), else_=0))
    return func.max(mailboxes.c.schools).label("longest"), whole.label("whole")


def _listed(
    audience: Audience, context: CriteriaContext, authorities: Subquery, *, has_limits: bool
) -> tuple[ColumnElement[int], FromClause]:
    """How many schools the letters of each authority list, each school once, and what to select it from.

    Where no mailbox answers for some schools only, one letter lists them all. Otherwise it costs the rows once more.
    """
    if not has_limits:
        return authorities.c.longest, authorities
    parts = listed_parts(audience, context)
    whole = case((authorities.c.whole > 0, authorities.c.whole))
    joined = authorities.outerjoin(parts, parts.c.authority_id == authorities.c.authority_id)
    return func.coalesce(whole, parts.c.schools, authorities.c.longest), joined
