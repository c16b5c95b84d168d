"""The audience of a letter: one row per mailbox of the segment, with the reason if it is left out.

One SELECT finds mailboxes and reasons; the first reason in `ORDER` wins. Counts, pages, explanations and launches all
use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    Subquery,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from outreach.adherence.models import CLOSED_TO_REMINDERS, Status, Strand
from outreach.adherence.standing import standing_of_limits, standing_on
from outreach.columns import Column, Kind, Queried
from outreach.db import Session
from outreach.db.joins import found_among, joined
from outreach.delivery.ledger import outbox, suppressions
from outreach.delivery.models import MessageClass, MessageSubject, Reason
from outreach.directory.listing import BY_NAME, authority_columns
from outreach.directory.models import Authority, Contact, ContactSchool
from outreach.segments import criteria, unreacted
from outreach.segments.criteria import And, Criterion, Leaf, Or, leaves
from outreach.segments.mailings import ReceivedMailing
from outreach.segments.scope import Scope

ORDER = (
    Reason.JOINED,
    Reason.NOT_CONCERNED,
    Reason.ANSWERED,
    Reason.WRITTEN,
    Reason.OUTSIDE,
    Reason.NO_ADDRESS,
    Reason.BOUNCED,
    Reason.UNREVIEWED,
    Reason.SUPPRESSED,
    Reason.SOLICITED,
)
AddressRow = Row[Authority, str | None, int, int]
OF_CONTACT = ("address", "address_key", "address_ascii", "bounced_at", "review_asked_at", "reviewed_at")


class Concerns(StrEnum):
    """Which of an authority's schools a letter is about: those still to join, those that have joined, or, to correct
    a letter, those that it listed, wherever they stand now."""

    OPEN = "open"
    JOINED = "joined"
    LISTED = "listed"

    @property
    def label(self) -> str:
        """The French label."""
        return _CONCERNS_LABELS[self]


_CONCERNS_LABELS = {
    Concerns.OPEN: "les écoles qui doivent encore adhérer",
    Concerns.JOINED: "les écoles qui ont adhéré",
    Concerns.LISTED: "celles que citait le courriel reçu, même si elles ont adhéré depuis (rectificatif)",
}


class Boxes(StrEnum):
    """Which mailboxes of an authority are written to: its own, which answer for all its schools, those that answer for
    some schools only, or both. One that has none of its own in use is written to at those of its schools, in place of
    AUTHORITY, so that nobody falls silent."""

    AUTHORITY = "authority"
    SCHOOLS = "schools"
    BOTH = "both"

    @property
    def label(self) -> str:
        """The French label, after « écrire »."""
        labels = {"authority": "à la boîte du PO", "schools": "à la boîte de chaque école"}
        return labels.get(self.value, "aux deux")

    def are(self) -> ColumnElement[bool]:
        """True for the contacts in use that are such a mailbox."""
        limited = select(ContactSchool.contact_id)
        is_limited = found_among(limited, Contact.id)
        if self is not Boxes.AUTHORITY:
            return is_limited if self is Boxes.SCHOOLS else true()
        is_whole = not_(found_among(limited, Contact.id))
        own = select(Contact.authority_id).select_from(joined(Contact.__table__, [is_whole]))
        has_own = found_among(own.where(Contact.retired_at.is_(None), is_whole), Contact.authority_id)
        return or_(not_(is_limited), not_(has_own))


@dataclass(frozen=True, slots=True)
class Audience:
    """The audience of a letter: the segment, the strand it is about, which schools, and its class of message.

    For a reminder, `written` selects the keys of the authorities written to before, `answered` of those that have
    answered for all their schools, `answered_mailboxes` of the mailboxes from whose letters an answer came. An
    authority in `written` that the segment no longer means is left out as OUTSIDE.

    `completes` are the keys of mailings that were broken off: a mailbox for which a letter of theirs left is left out.

    With `unreacted` (`unreacted.reactions_to`), it means the authorities that some letters reached, without those that
    reacted.
    A mailbox that answers for some schools has reacted when `unreacted_boxes` say so of its own letters.

    A mailbox that `boxes` does not mean is no part of it.
    """

    criterion: Criterion
    strand: Strand
    concerns: Concerns
    message_class: MessageClass
    written: Select[int | None] | None = None
    answered: Select[int] | None = None
    answered_mailboxes: Select[int] | None = None
    completes: Sequence[int] = ()
    unreacted: CTE | None = None
    unreacted_boxes: CTE | None = None
    boxes: Boxes = Boxes.BOTH

    def meant(self, scope: Scope) -> Select[int]:
        """The keys of all authorities it covers, those left out included."""
        judged, is_meant = self.judged(scope)
        return select(judged.c.authority_id).where(is_meant)

    def judged(self, scope: Scope) -> tuple[CTE, ColumnElement[bool]]:
        """Every authority (columns authority_id, is_listed: the criterion means it), and whether it is covered."""
        if self.unreacted is not None:
            reached = select(self.unreacted.c.authority_id).where(self.unreacted.c.sent_at.is_not(None))
            judged = criteria.judged(scope, self.criterion, was_meant=scope.has(reached, of="reached"))
            return judged, judged.c.was_meant
        if self.written is None:
            judged = criteria.judged(scope, self.criterion)
            return judged, judged.c.is_listed
        written = scope.has(scope.narrowed(self.written), of="written")
        judged = criteria.judged(scope, self.criterion, was_meant=written)
        return judged, or_(judged.c.is_listed, judged.c.was_meant)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Each mailbox of each authority, the schools of both, and what is joined to them."""

    judged: CTE
    boxes: Subquery
    schools: Subquery

    @property
    def concerned(self) -> ColumnElement[int]:
        """How many schools its letter would list."""
        return func.coalesce(self.boxes.c.concerned, self.schools.c.concerned, 0)

    @property
    def joined(self) -> ColumnElement[int]:
        """How many of its schools have joined."""
        return func.coalesce(self.boxes.c.joined, self.schools.c.joined, 0)

    @property
    def is_limited(self) -> ColumnElement[int]:
        """1 where it answers for some schools only, else 0."""
        return func.coalesce(self.boxes.c.is_limited, 0)


def rows(audience: Audience, scope: Scope, *, among: Select[int] | None = None) -> Subquery:
    """One row for each mailbox in use of each authority, or one without: columns authority_id, contact_id, address,
    address_key, address_ascii, schools (how many its letter lists), is_limited (1 for a mailbox that answers for some
    schools only, else 0) and rank (0, or the place in ORDER from 1).

    `among` limits it to some authorities, by their keys.
    """
    return statement(audience, scope, among, has_limits=True).subquery("audience")


def statement(audience: Audience, scope: Scope, among: Select[int] | None, *, has_limits: bool) -> Select[Any]:
    """The statement of `rows`. Without `has_limits` no mailbox that it is for answers for some schools only: that costs
    less."""
    judged, is_meant = audience.judged(scope)
    boxes = _mailboxes(audience, scope, among, has_limits=has_limits)
    schools = _schools(audience, scope, among)
    each = _Candidates(judged, boxes, schools)
    rank = _rank(audience, scope, each, has_limits=has_limits)
    source = judged.outerjoin(schools, schools.c.authority_id == judged.c.authority_id)
    source = source.outerjoin(boxes, boxes.c.authority_id == judged.c.authority_id)
    query = select(
        judged.c.authority_id,
        *(boxes.c[name] for name in ("contact_id", "address", "address_key", "address_ascii")),
        each.concerned.label("schools"),
        each.is_limited.label("is_limited"),
        rank.label("rank"),
    )
    query = query.where(is_meant).select_from(joined(source, [rank]))
    return query if among is None else query.where(judged.c.authority_id.in_(among))


def _mailboxes(audience: Audience, scope: Scope, among: Select[int] | None, *, has_limits: bool) -> Subquery:
    """The mailboxes in use that it is for: what the rank reads of them, is_limited (1 or 0) and, of those that answer
    for some schools only, concerned and joined, as in `_of_limited`."""
    is_so = audience.boxes.are()
    source = joined(Contact.__table__, [is_so])
    limits: list[ColumnElement[int]] = [literal(0), cast(None, Integer), cast(None, Integer)]
    if has_limits:
        limited = _of_limited(audience, scope, among)
        source = source.outerjoin(limited, limited.c.contact_id == Contact.id)
        limits = [case((limited.c.contact_id.is_not(None), 1), else_=0), limited.c.concerned, limited.c.joined]
    columns = (Contact.id.label("contact_id"), Contact.authority_id, *(getattr(Contact, name) for name in OF_CONTACT))
    labelled = [column.label(name) for name, column in zip(("is_limited", "concerned", "joined"), limits, strict=True)]
    query = select(*columns, *labelled).select_from(source)
    query = query.where(Contact.retired_at.is_(None), scope.holds(Contact.authority_id), is_so)
    return (query if among is None else query.where(Contact.authority_id.in_(among))).subquery("mailboxes")


def reason_of(rank: int) -> Reason | None:
    """The reason a rank stands for; None for a mailbox that is written to."""
    return ORDER[rank - 1] if rank else None


COLUMNS: Sequence[Column[AddressRow]] = (
    *authority_columns(lambda row: row.Authority),
    Column("municipality", "Commune", lambda row: row.Authority.municipality),
    Column("schools", "Écoles du courriel", lambda row: row.schools, Kind.NUMBER),
    Column("address", "Adresse", lambda row: row.address),
    Column("reason", "Écarté", lambda row: reason_of(row.rank)),
)


def mailboxes(session: Session, audience: Audience, scope: Scope) -> Queried[AddressRow]:
    """Every mailbox, those left out included, by the authority's name."""
    held = rows(audience, scope)
    query = select(Authority, held.c.address, held.c.schools, held.c.rank)
    return Queried(
        title="Public",
        columns=COLUMNS,
        session=session,
        query=query.join(held, held.c.authority_id == Authority.id),
        order=(*BY_NAME, held.c.contact_id),
        key=Authority.id,
    )


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
    asked, near = leaves(audience.criterion), replace(scope, between=(authority.id, authority.id))
    truths = {f"leaf{place}": leaf.where(near) for place, leaf in enumerate(asked)}
    judged = session.execute(select(criteria.judged(near, audience.criterion, **truths))).mappings().one()
    mailbox_rows = rows(audience, near)
    query = select(mailbox_rows.c.address, mailbox_rows.c.rank).order_by(mailbox_rows.c.contact_id)
    mailboxes = [(address or "", reason_of(rank)) for address, rank in session.execute(query)]
    held = [(leaf, judged[name]) for name, leaf in zip(truths, asked, strict=True)]
    return Explanation(held, judged["is_listed"], mailboxes)


def is_concerned(
    status: InstrumentedAttribute[Status] | ColumnElement[Status], concerns: Concerns
) -> ColumnElement[bool]:
    """True where a school of this status is one the letter is about."""
    return status == Status.JOINED if concerns is Concerns.JOINED else status.not_in(CLOSED_TO_REMINDERS)


def corrected(criterion: Criterion) -> list[ReceivedMailing]:
    """The letters that whoever a criterion means may have received, by its form: not those it excludes."""
    match criterion:
        case And() | Or():
            inside = criterion.all if isinstance(criterion, And) else criterion.any
            return [letter for part in inside for letter in corrected(part)]
        case ReceivedMailing():
            return [criterion]
    return []


def subjects_of(criterion: Criterion, scope: Scope) -> Subquery:
    """The schools that the letters listed that a criterion asks for: columns authority_id, school_id."""
    nothing = select(MessageSubject.message_id.label("authority_id"), MessageSubject.school_id).where(false())
    listing = [letter.subjects(scope) for letter in corrected(criterion)] or [nothing]
    return union_all(*listing).subquery("named")


def _schools(audience: Audience, scope: Scope, among: Select[int] | None) -> Subquery:
    """How many eligible schools of each authority the letter is about, and how many joined; limited to `among`.

    With LISTED, how many the letters that it corrects listed: no joining counts.
    """
    if audience.concerns is Concerns.LISTED:
        named = subjects_of(audience.criterion, scope)
        counted = func.count(named.c.school_id.distinct()).label("concerned")
        listing = select(named.c.authority_id, counted, literal(0).label("joined")).group_by(named.c.authority_id)
        return (listing if among is None else listing.where(named.c.authority_id.in_(among))).subquery("schools")
    standings: FromClause = standing_on(audience.strand, scope.day)
    if among is None:
        standings = scope.standings(audience.strand.number)
    concerned = case((is_concerned(standings.c.status, audience.concerns), 1), else_=0)
    joined = case((standings.c.status == Status.JOINED, 1), else_=0)
    query = select(
        standings.c.authority_id, func.sum(concerned).label("concerned"), func.sum(joined).label("joined")
    ).group_by(standings.c.authority_id)
    # The limit is repeated here: otherwise each slice of a launch would group all other authorities for nothing.
    return (query if among is None else query.where(standings.c.authority_id.in_(among))).subquery("schools")


def _of_limited(audience: Audience, scope: Scope, among: Select[int] | None) -> Subquery:
    """The schools of each mailbox that answers for some only: columns contact_id, concerned, joined."""
    if audience.concerns is Concerns.LISTED:
        named = subjects_of(audience.criterion, scope)
        counted = func.count(named.c.school_id.distinct()).label("concerned")
        listing = select(ContactSchool.contact_id, counted, literal(0).label("joined"))
        listing = listing.join(Contact, Contact.id == ContactSchool.contact_id)
        listing = listing.where(scope.holds(Contact.authority_id))
        return listing.outerjoin(named, is_theirs(named)).group_by(ContactSchool.contact_id).subquery("limited")
    stands = standing_of_limits(audience.strand, scope.day, among)
    same = and_(stands.c.contact_id == ContactSchool.contact_id, stands.c.school_id == ContactSchool.school_id)
    concerned = case((is_concerned(stands.c.status, audience.concerns), 1), else_=0)
    joined = case((stands.c.status == Status.JOINED, 1), else_=0)
    query = select(
        ContactSchool.contact_id, func.sum(concerned).label("concerned"), func.sum(joined).label("joined")
    ).outerjoin(stands, same)
    if scope.between is not None:
        query = query.join(Contact, Contact.id == ContactSchool.contact_id).where(scope.holds(Contact.authority_id))
    return query.group_by(ContactSchool.contact_id).subquery("limited")


def concerned_schools(audience: Audience, scope: Scope) -> Select[int]:
    """How many schools of all authorities it covers the letter is about."""
    schools = _schools(audience, scope, audience.meant(scope))
    return select(func.coalesce(func.sum(schools.c.concerned), 0))


def is_theirs(named: Subquery) -> ColumnElement[bool]:
    """Whether a school that letters listed is one that a mailbox answers for (ContactSchool)."""
    return and_(named.c.authority_id == Contact.authority_id, named.c.school_id == ContactSchool.school_id)


def _rank(audience: Audience, scope: Scope, each: _Candidates, *, has_limits: bool) -> ColumnElement[int]:
    nobody, box, authority = each.concerned == 0, each.boxes.c, each.judged.c.authority_id
    reacted = unreacted.reacted_of(
        audience.unreacted, audience.unreacted_boxes, authority, each.boxes, has_limits=has_limits
    )
    answered, mailboxes, solicited = audience.answered, audience.answered_mailboxes, scope.solicited
    stopped = suppressions.stopped(audience.message_class)
    conditions = {
        Reason.JOINED: or_(and_(nobody, each.joined > 0), reacted.has_joined),
        Reason.NOT_CONCERNED: nobody,
        Reason.ANSWERED: or_(
            reacted.has_answered,
            false() if answered is None else found_among(scope.narrowed(answered), authority),
            false()
            if mailboxes is None
            else found_among(mailboxes.where(scope.holds(Contact.authority_id)), box.contact_id),
        ),
        Reason.WRITTEN: false()
        if not audience.completes
        else found_among(scope.narrowed(outbox.mailboxes_left_for(audience.completes)), authority, box.address_key),
        Reason.OUTSIDE: or_(false() if audience.written is None else not_(each.judged.c.is_listed), reacted.is_new),
        Reason.NO_ADDRESS: box.contact_id.is_(None),
        Reason.BOUNCED: box.bounced_at.is_not(None),
        Reason.UNREVIEWED: and_(box.review_asked_at.is_not(None), box.reviewed_at.is_(None)),
        Reason.SUPPRESSED: found_among(stopped, box.address_key),
        Reason.SOLICITED: false() if solicited is None else found_among(solicited, box.address_key),
    }
    return case(*((conditions[reason], place) for place, reason in enumerate(ORDER, start=1)), else_=0)
