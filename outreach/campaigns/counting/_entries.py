"""Who enters a campaign, and how they stood then: written down at each launch, worked out for one to come.

A list that comes late, an edition of the register or a strand that changes moves none of these rows: they are only
added. Who gets no letter because of them is counted by them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    ForeignKey,
    Select,
    Subquery,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Mapped, mapped_column

from outreach.adherence.models import Status
from outreach.adherence.situation import standing_on
from outreach.campaigns import planning, segments
from outreach.campaigns.models import Wave
from outreach.campaigns.segments import ORDER, Audience, Concerns, CriteriaContext
from outreach.core.db import Base, Session, UtcDateTime, enum_of, table_of
from outreach.delivery.models import Message, MessageSubject, Reason
from outreach.directory.models import Ownership


class EntryStanding(StrEnum):
    """How an authority or a school stood to a campaign as it entered."""

    OUT_OF_SCOPE = "out_of_scope"
    ALREADY_JOINED = "already_joined"
    EXCEPTED = "excepted"
    TO_REACH = "to_reach"


class CampaignAuthority(Base):
    """An authority that a campaign meant: how it stood when it entered, at `entered_at`, and through which wave.

    `reason` is why its best mailbox was left out then, None where it was to be written to. `eligible` are its schools
    of the strand's level; of these, `concerned` are neither « non concerné » nor reported as gone, and `joined` had
    joined. Rows are kept as long as the campaign's.
    """

    __tablename__ = "campaign_authorities"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)
    wave_id: Mapped[int] = mapped_column(ForeignKey("waves.id"))
    entered_at: Mapped[datetime]
    standing: Mapped[EntryStanding] = mapped_column(enum_of(EntryStanding, "campaign_standing"))
    reason: Mapped[Reason | None] = mapped_column(enum_of(Reason, "entry_reason"))
    eligible: Mapped[int]
    concerned: Mapped[int]
    joined: Mapped[int]


class CampaignSchool(Base):
    """A school of an authority that a campaign meant, once a campaign: how it stood when it entered, and whose it was.

    It is never EXCEPTED: its authority is.
    """

    __tablename__ = "campaign_schools"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True, index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    wave_id: Mapped[int] = mapped_column(ForeignKey("waves.id"))
    entered_at: Mapped[datetime]
    standing: Mapped[EntryStanding] = mapped_column(enum_of(EntryStanding, "school_standing"))


class UncountedCampaign(Base):
    """A campaign of before these rows of which they could not be worked out for some authorities: how many.

    Its classes are not told.
    """

    __tablename__ = "uncounted_campaigns"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    authorities: Mapped[int]


EXCEPTING = (Reason.LEFT_OUT, Reason.DRAWN, Reason.SOLICITED)  # a person, another campaign's draw, the calm


@dataclass(frozen=True, slots=True)
class Entries:
    """Whom an audience means and how they stand, as subqueries.

    `authorities`: authority_id, standing, reason (NULL where one of its mailboxes would be written to), eligible,
    concerned, joined. `schools`: school_id, authority_id, standing.
    """

    authorities: Select[int, str, str | None, int, int, int]
    schools: Select[int, int, str]


def entries(audience: Audience, context: CriteriaContext) -> Entries:
    """Whom an audience means, as things stand in a context."""
    rows = segments.audience_statement(audience, context, None, has_limits=True)
    names = ("authority_id", "contact_id", "is_limited", "rank")
    boxes = rows.with_only_columns(*(rows.selected_columns[name] for name in names)).cte().prefix_with("MATERIALIZED")
    stands = standing_on(audience.strand, context.day)
    is_concerned = and_(_may_be_meant(audience, context, stands), ~segments.is_gone_from(stands))
    is_joined = and_(is_concerned, stands.c.status == Status.JOINED)
    authorities = _authorities(audience, boxes, stands, is_concerned, is_joined)
    return Entries(authorities, _schools(audience, context, boxes, stands, is_concerned))


def _may_be_meant(audience: Audience, context: CriteriaContext, stands: Subquery) -> ColumnElement[bool]:
    """Whether an eligible school is one that the campaign is about: to a letter about schools that have joined, the
    others are out of scope, as are those that a letter to correct did not list to their own authority."""
    match audience.concerns:
        case Concerns.OPEN:
            return stands.c.status != Status.NOT_CONCERNED
        case Concerns.JOINED:
            return stands.c.status == Status.JOINED
        case Concerns.LISTED:
            named = segments.subjects_of(audience.criterion, context)
            theirs = tuple_(stands.c.authority_id, stands.c.school_id)
            return theirs.in_(select(named.c.authority_id, named.c.school_id))


def _authorities(
    audience: Audience,
    boxes: CTE,
    stands: Subquery,
    is_concerned: ColumnElement[bool],
    is_joined: ColumnElement[bool],
) -> Select[int, str, str | None, int, int, int]:
    excepting = [ORDER.index(reason) + 1 for reason in EXCEPTING]
    best = (
        select(
            boxes.c.authority_id,
            func.min(boxes.c.rank).label("rank"),
            func.max(case((boxes.c.rank.in_(excepting), 1), else_=0)).label("is_excepted"),
        )
        .group_by(boxes.c.authority_id)
        .subquery("best")
    )
    theirs = (
        select(
            stands.c.authority_id,
            func.count().label("eligible"),
            func.sum(case((is_concerned, 1), else_=0)).label("concerned"),
            func.sum(case((is_joined, 1), else_=0)).label("joined"),
        )
        .group_by(stands.c.authority_id)
        .subquery("theirs")
    )
    eligible, concerned, joined = (func.coalesce(theirs.c[name], 0) for name in ("eligible", "concerned", "joined"))
    has_joined = joined == concerned if audience.concerns is Concerns.OPEN else false()
    standing = case(
        (concerned == 0, EntryStanding.OUT_OF_SCOPE.value),
        (has_joined, EntryStanding.ALREADY_JOINED.value),
        (and_(best.c.rank > 0, best.c.is_excepted == 1), EntryStanding.EXCEPTED.value),
        else_=EntryStanding.TO_REACH.value,
    )
    reason = case(*((best.c.rank == place, reason.value) for place, reason in enumerate(ORDER, 1)), else_=null())
    return select(
        best.c.authority_id,
        standing.label("standing"),
        reason.label("reason"),
        eligible.label("eligible"),
        concerned.label("concerned"),
        joined.label("joined"),
    ).outerjoin(theirs, theirs.c.authority_id == best.c.authority_id)


def _schools(
    audience: Audience, context: CriteriaContext, boxes: CTE, stands: Subquery, is_concerned: ColumnElement[bool]
) -> Select[int, int, str]:
    has_joined = stands.c.status == Status.JOINED if audience.concerns is Concerns.OPEN else false()
    standing = case(
        (or_(stands.c.school_id.is_(None), ~is_concerned), EntryStanding.OUT_OF_SCOPE.value),
        (has_joined, EntryStanding.ALREADY_JOINED.value),
        else_=EntryStanding.TO_REACH.value,
    )
    return (
        select(
            Ownership.school_id,
            Ownership.authority_id,
            standing.label("standing"),
        )
        .outerjoin(stands, stands.c.school_id == Ownership.school_id)
        .where(Ownership.on(context.day), Ownership.authority_id.in_(select(boxes.c.authority_id)))
    )


def enter_audience(session: Session, wave: Wave, slice_: tuple[int, int], *, now: datetime) -> None:
    """Write down whom a wave that is being launched means, within a range of keys, and who is not there yet.

    As the first wave of a campaign is launched, that is all of its audience, whatever the departure that they wait for.
    """
    campaign = wave.campaign
    is_first = not planning.launched_mailings(campaign)
    audience = planning.audience_of(campaign) if is_first else planning.planned_of(wave, now=now)
    context = planning.context_of(session, campaign, now=now, leaves_at=wave.due_at)
    found = entries(audience, replace(context, between=slice_))
    same: dict[str, ColumnElement[Any]] = {
        "campaign_id": literal(campaign.id),
        "wave_id": literal(wave.id),
        "entered_at": literal(now, UtcDateTime),
    }
    authority, school = CampaignAuthority, CampaignSchool
    who = found.authorities.subquery("entering")
    is_there = exists().where(authority.campaign_id == campaign.id, authority.authority_id == who.c.authority_id)
    query = select(*same.values(), *who.c).where(~is_there)
    session.execute(insert(table_of(authority)).from_select([*same, *who.c.keys()], query, include_defaults=False))
    theirs = found.schools.subquery("entering")
    is_there = exists().where(school.campaign_id == campaign.id, school.school_id == theirs.c.school_id)
    query = select(*same.values(), *theirs.c).where(~is_there)
    session.execute(insert(table_of(school)).from_select([*same, *theirs.c.keys()], query, include_defaults=False))


def enter_listed(session: Session, wave: Wave, slice_: tuple[int, int], *, now: datetime) -> None:
    """Write down the schools that letters just written list and that are not there yet: of a correction, those that its
    authority runs no longer."""
    school = CampaignSchool
    is_there = exists().where(school.campaign_id == wave.campaign_id, school.school_id == MessageSubject.school_id)
    listed = (
        select(
            literal(wave.campaign_id),
            literal(wave.id),
            literal(now, UtcDateTime),
            MessageSubject.school_id,
            func.min(Message.authority_id),
            literal(EntryStanding.TO_REACH.value),
        )
        .join(Message, Message.id == MessageSubject.message_id)
        .where(Message.mailing_id == wave.mailing_id, Message.authority_id.between(*slice_), ~is_there)
        .group_by(MessageSubject.school_id)
    )
    names = ["campaign_id", "wave_id", "entered_at", "school_id", "authority_id", "standing"]
    session.execute(insert(table_of(school)).from_select(names, listed, include_defaults=False))
