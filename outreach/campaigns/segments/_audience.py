"""The audience of a letter: one row per mailbox of the segment, with the reason if it is left out.

One SELECT finds mailboxes and reasons; the first reason in `ORDER` wins. Counts, pages, explanations and launches all
use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from outreach.adherence.models import Status, Strand
from outreach.adherence.situation import standing_of_limits, standing_on
from outreach.adherence.statuses import CLOSED_TO_REMINDERS
from outreach.campaigns.segments._context import CriteriaContext
from outreach.campaigns.segments._criteria import And, Criterion, Or, as_filter, listed_authorities
from outreach.campaigns.segments._mailing_criteria import ReceivedMailing, have_reacted, is_new
from outreach.core.db import Session
from outreach.core.tables import Column, Kind, QueryListing
from outreach.core.text.labelled import Labelled
from outreach.delivery import outbox
from outreach.delivery.models import MessageClass, MessageSubject, Reason
from outreach.directory.authorities import BY_NAME, authority_columns
from outreach.directory.models import Authority, Contact, ContactSchool
from outreach.directory.register import is_reported

ORDER = (
    Reason.LEFT_OUT,
    Reason.REPORTED,
    Reason.JOINED,
    Reason.NOT_CONCERNED,
    Reason.ANSWERED,
    Reason.WRITTEN,
    Reason.OUTSIDE,
    Reason.NO_ADDRESS,
    Reason.BOUNCED,
    Reason.UNREVIEWED,
    Reason.SUPPRESSED,
    Reason.DRAWN,
    Reason.SOLICITED,
)
AddressRow = Row[Authority, str | None, int, int]


class Concerns(Labelled):
    """Which of an authority's schools a letter is about: those still to join, those that have joined, or, to correct
    a letter, those that it listed, wherever they stand now."""

    OPEN = "open", "les écoles qui doivent encore adhérer"
    JOINED = "joined", "les écoles qui ont adhéré ou le déclarent"
    LISTED = "listed", "celles que citait le courriel parti, même si elles ont adhéré depuis (rectificatif)"


class Boxes(Labelled):
    """Which mailboxes of an authority are written to: its own, which answer for all its schools, those that answer for
    some schools only, or both. One that has none of its own in use is written to at those of its schools, in place of
    AUTHORITY, so that nobody falls silent."""

    AUTHORITY = "authority", "à la boîte du PO"
    SCHOOLS = "schools", "à la boîte de chaque école"
    BOTH = "both", "aux deux"

    def are(self, *, has_limits: bool = True) -> ColumnElement[bool]:
        """True for the contacts that are such a mailbox. Without `has_limits`, none of them answers for some only."""
        is_limited = exists().where(ContactSchool.contact_id == Contact.id).correlate(Contact)
        if self is Boxes.AUTHORITY and not has_limits:
            return ~is_limited
        own = aliased(Contact)
        is_whole = ~exists().where(ContactSchool.contact_id == own.id).correlate(own)
        has_own = exists().where(own.authority_id == Contact.authority_id, own.retired_at.is_(None), is_whole)
        of_authority = or_(~is_limited, ~has_own.correlate(Contact))
        return {Boxes.AUTHORITY: of_authority, Boxes.SCHOOLS: is_limited, Boxes.BOTH: true()}[self]


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

    A mailbox that `boxes` does not mean is no part of it. `excepted` selects the keys of authorities that are left out
    by exceptions. Of a departure drawn by lot, `only` selects the keys of those that it may hold, or `later` of those
    that it may not.
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
    excepted: Select[int] | None = None
    only: Select[int] | None = None
    later: Select[int] | None = None

    def meant(self, context: CriteriaContext) -> Select[int]:
        """The keys of all authorities it covers, those left out included."""
        if self.only is None and self.later is None:
            return self._meant(context)
        drawn = select(Authority.id).where(context.holds(Authority.id), Authority.id.in_(self._meant(context)))
        if self.later is not None:
            drawn = drawn.where(Authority.id.not_in(context.keys(self.later)))
        return drawn if self.only is None else drawn.where(Authority.id.in_(context.keys(self.only)))

    def _meant(self, context: CriteriaContext) -> Select[int]:
        if self.unreacted is not None:
            reached = select(self.unreacted.c.authority_id).where(self.unreacted.c.sent_at.is_not(None))
            return select(Authority.id).where(context.holds(Authority.id), Authority.id.in_(reached))
        if self.written is None:
            return listed_authorities(context, self.criterion)
        either = or_(Authority.id.in_(self.selected(context)), Authority.id.in_(context.keys(self.written)))
        return select(Authority.id).where(context.holds(Authority.id), either)

    def selected(self, context: CriteriaContext) -> Select[int]:
        """The keys of those that the segment means, found once: a reminder asks for them in two places."""
        found = context.once(self.criterion, listed_authorities(context, self.criterion))
        return select(found.c.id)


def audience_rows(audience: Audience, context: CriteriaContext, *, among: Select[int] | None = None) -> Subquery:
    """One row for each mailbox in use of each authority, or one without: columns authority_id, contact_id, address,
    address_key, address_ascii, schools (how many its letter lists), is_limited (1 for a mailbox that answers for some
    schools only, else 0) and rank (0, or the place in ORDER from 1).

    `among` limits it to some authorities, by their keys.
    """
    return audience_statement(audience, context, among, has_limits=True).subquery("audience")


def audience_statement(
    audience: Audience, context: CriteriaContext, among: Select[int] | None, *, has_limits: bool
) -> Select[Any]:
    """The statement of `audience_rows`. Without `has_limits` no mailbox that it is for answers for some schools
    only: that costs less."""
    chosen = audience.meant(context)
    schools = _schools(audience, context, among)
    concerned: ColumnElement[int] = func.coalesce(schools.c.concerned, 0)
    joined: ColumnElement[int] = func.coalesce(schools.c.joined, 0)
    reported: ColumnElement[int] = func.coalesce(schools.c.reported, 0)
    is_limited: ColumnElement[bool] = false()
    if has_limits:
        limited = _of_limited(audience, context, among)
        is_limited = limited.c.contact_id.is_not(None)
        concerned = case((is_limited, limited.c.concerned), else_=concerned)
        joined = case((is_limited, limited.c.joined), else_=joined)
        reported = case((is_limited, limited.c.reported), else_=reported)
    query = (
        select(
            Authority.id.label("authority_id"),
            Contact.id.label("contact_id"),
            Contact.address,
            Contact.address_key,
            Contact.address_ascii,
            concerned.label("schools"),
            case((is_limited, 1), else_=0).label("is_limited"),
            _rank(audience, context, concerned, joined, reported, is_limited).label("rank"),
        )
        .outerjoin(schools, schools.c.authority_id == Authority.id)
        .outerjoin(
            Contact,
            and_(
                Contact.authority_id == Authority.id,
                Contact.retired_at.is_(None),
                audience.boxes.are(has_limits=has_limits),
            ),
        )
        .where(context.holds(Authority.id), as_filter(Authority.id.in_(chosen)))
    )
    query = query.outerjoin(limited, limited.c.contact_id == Contact.id) if has_limits else query
    return query if among is None else query.where(Authority.id.in_(among))


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


def list_audience_mailboxes(session: Session, audience: Audience, context: CriteriaContext) -> QueryListing[AddressRow]:
    """Every mailbox, those left out included, by the authority's name."""
    held = audience_rows(audience, context)
    query = select(Authority, held.c.address, held.c.schools, held.c.rank)
    return QueryListing(
        title="Public",
        columns=COLUMNS,
        session=session,
        query=query.join(held, held.c.authority_id == Authority.id),
        order=(*BY_NAME, held.c.contact_id),
        key=Authority.id,
    )


def is_concerned(
    status: InstrumentedAttribute[Status] | ColumnElement[Status], concerns: Concerns
) -> ColumnElement[bool]:
    """True where a school of this status is one the letter is about."""
    return status == Status.JOINED if concerns is Concerns.JOINED else status.not_in(CLOSED_TO_REMINDERS)


def corrected_mailings(criterion: Criterion) -> list[ReceivedMailing]:
    """The letters that whoever a criterion means may have received, by its form: not those it excludes."""
    match criterion:
        case And() | Or():
            inside = criterion.all if isinstance(criterion, And) else criterion.any
            return [letter for part in inside for letter in corrected_mailings(part)]
        case ReceivedMailing():
            return [criterion]
    return []


def subjects_of(criterion: Criterion, context: CriteriaContext) -> Subquery:
    """The schools that the letters listed that a criterion asks for: columns authority_id, school_id."""
    nothing = select(MessageSubject.message_id.label("authority_id"), MessageSubject.school_id).where(false())
    listing = [letter.subjects(context) for letter in corrected_mailings(criterion)] or [nothing]
    return union_all(*listing).subquery("named")


def _schools(audience: Audience, context: CriteriaContext, among: Select[int] | None) -> Subquery:
    """How many eligible schools of each authority the letter is about, how many joined, and how many it would be about
    if they were not reported as gone; limited to `among`.

    With LISTED, how many the letters that it corrects listed: no joining counts.
    """
    if audience.concerns is Concerns.LISTED:
        named = subjects_of(audience.criterion, context)
        listing = select(named.c.authority_id, *_listed_counts(named)).group_by(named.c.authority_id)
        return (listing if among is None else listing.where(named.c.authority_id.in_(among))).subquery("schools")
    standings = standing_on(audience.strand, context.day)
    query = select(standings.c.authority_id, *_counts(standings, audience.concerns)).group_by(standings.c.authority_id)
    # The limit is repeated here: otherwise each slice of a launch would group all other authorities for nothing.
    return (query if among is None else query.where(standings.c.authority_id.in_(among))).subquery("schools")


def _of_limited(audience: Audience, context: CriteriaContext, among: Select[int] | None) -> Subquery:
    """The schools of each mailbox that answers for some only: columns contact_id, concerned, joined, reported."""
    if audience.concerns is Concerns.LISTED:
        named = subjects_of(audience.criterion, context)
        listing = select(ContactSchool.contact_id, *_listed_counts(named))
        listing = listing.join(Contact, Contact.id == ContactSchool.contact_id)
        listing = listing.where(context.holds(Contact.authority_id))
        return listing.outerjoin(named, _is_theirs(named)).group_by(ContactSchool.contact_id).subquery("limited")
    stands = standing_of_limits(audience.strand, context.day, among)
    same = and_(stands.c.contact_id == ContactSchool.contact_id, stands.c.school_id == ContactSchool.school_id)
    query = select(ContactSchool.contact_id, *_counts(stands, audience.concerns)).outerjoin(stands, same)
    if context.between is not None:
        query = query.join(Contact, Contact.id == ContactSchool.contact_id).where(context.holds(Contact.authority_id))
    return query.group_by(ContactSchool.contact_id).subquery("limited")


def _counts(stands: Subquery, concerns: Concerns) -> list[ColumnElement[int]]:
    """The counts of `_schools` over rows of where schools stand."""
    is_meant, is_gone = is_concerned(stands.c.status, concerns), is_gone_from(stands)
    counted = {
        "concerned": and_(is_meant, ~is_gone),
        "joined": stands.c.status == Status.JOINED,
        "reported": and_(is_meant, is_gone),
    }
    return [func.sum(case((is_so, 1), else_=0)).label(name) for name, is_so in counted.items()]


def _listed_counts(named: Subquery) -> list[ColumnElement[int]]:
    """The counts of `_schools` over the schools that letters listed, each once."""
    is_gone = is_gone_from(named)
    concerned, reported = (case((is_so, named.c.school_id)) for is_so in (~is_gone, is_gone))
    counts = {"concerned": func.count(concerned.distinct()), "reported": func.count(reported.distinct())}
    return [*(count.label(name) for name, count in counts.items()), literal(0).label("joined")]


def is_gone_from(rows: Subquery) -> ColumnElement[bool]:
    """Whether the school of a row (columns authority_id, school_id) is reported as gone: no letter names it."""
    return is_reported(rows.c.school_id, rows.c.authority_id)


def concerned_schools(audience: Audience, context: CriteriaContext) -> Select[int]:
    """How many schools of all authorities it covers the letter is about."""
    schools = _schools(audience, context, audience.meant(context))
    return select(func.coalesce(func.sum(schools.c.concerned), 0))


def listed_parts(audience: Audience, context: CriteriaContext) -> Subquery:
    """How many schools the letters of an authority list together, of those to mailboxes that answer for some only:
    columns authority_id, schools. Two of them may answer for the same school."""
    limited = select(Contact.authority_id).join(ContactSchool, ContactSchool.contact_id == Contact.id)
    theirs = audience_rows(audience, context, among=limited)
    if audience.concerns is Concerns.LISTED:
        named = subjects_of(audience.criterion, context)
        counted = func.count(named.c.school_id.distinct()).label("schools")
        listing = select(theirs.c.authority_id, counted)
        listing = listing.join(Contact, Contact.id == theirs.c.contact_id)
        listing = listing.join(ContactSchool, ContactSchool.contact_id == Contact.id).join(named, _is_theirs(named))
        listing = listing.where(theirs.c.rank == 0, theirs.c.is_limited == 1, ~is_gone_from(named))
        return listing.group_by(theirs.c.authority_id).subquery("parts")
    stands = standing_of_limits(audience.strand, context.day)
    query = (
        select(theirs.c.authority_id, func.count(stands.c.school_id.distinct()).label("schools"))
        .join(stands, stands.c.contact_id == theirs.c.contact_id)
        .where(theirs.c.rank == 0, theirs.c.is_limited == 1, is_concerned(stands.c.status, audience.concerns))
        .where(~is_gone_from(stands))
    )
    return query.group_by(theirs.c.authority_id).subquery("parts")


def _is_theirs(named: Subquery) -> ColumnElement[bool]:
    """Whether a school that letters listed is one that a mailbox answers for (ContactSchool)."""
    return and_(named.c.authority_id == Contact.authority_id, named.c.school_id == ContactSchool.school_id)


def _rank(
    audience: Audience,
    context: CriteriaContext,
    concerned: ColumnElement[int],
    joined: ColumnElement[int],
    reported: ColumnElement[int],
    is_limited: ColumnElement[bool],
) -> ColumnElement[int]:
    nobody = concerned == 0
    each, boxes = audience.unreacted, audience.unreacted_boxes
    has_joined, has_answered = have_reacted(each, boxes, is_limited)
    answered, mailboxes, written = audience.answered, audience.answered_mailboxes, audience.written
    excepted = audience.excepted
    conditions = {
        Reason.LEFT_OUT: false() if excepted is None else Authority.id.in_(context.keys(excepted)),
        Reason.REPORTED: and_(nobody, reported > 0),
        Reason.JOINED: or_(and_(nobody, joined > 0), has_joined),
        Reason.NOT_CONCERNED: nobody,
        Reason.ANSWERED: or_(
            has_answered,
            false() if answered is None else Authority.id.in_(context.keys(answered)),
            false() if mailboxes is None else Contact.id.in_(mailboxes.where(context.holds(Contact.authority_id))),
        ),
        Reason.WRITTEN: outbox.has_left(audience.completes, Authority.id, Contact.address_key),
        Reason.OUTSIDE: or_(
            false() if written is None else Authority.id.not_in(audience.selected(context)),
            is_new(boxes, is_limited),
        ),
        Reason.NO_ADDRESS: Contact.id.is_(None),
        Reason.BOUNCED: Contact.bounced_at.is_not(None),
        Reason.UNREVIEWED: and_(Contact.review_asked_at.is_not(None), Contact.reviewed_at.is_(None)),
        Reason.SUPPRESSED: outbox.is_suppressed(Contact.address_key, literal(audience.message_class.value)),
        Reason.DRAWN: false() if context.drawn is None else Authority.id.in_(context.keys(context.drawn)),
        Reason.SOLICITED: false() if context.solicited is None else Contact.address_key.in_(context.solicited),
    }
    return case(*((conditions[reason], place) for place, reason in enumerate(ORDER, start=1)), else_=0)
