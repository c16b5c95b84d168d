"""A campaign's audience: whom it is for, how many they are, and the recipients of its mailings."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, func, select

from outreach.adherence.standing import standing
from outreach.campaigns.models import Campaign, WaveState
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.recipients import Addressee
from outreach.directory.contacts import school_limits
from outreach.directory.models import Authority, Network
from outreach.segments import audience
from outreach.segments.audience import Audience, AudienceCounts, Concerns
from outreach.segments.criteria import Criterion, listed
from outreach.segments.criteria_json import from_store
from outreach.segments.scope import Scope, scope_at
from outreach.tracking import answers


def criterion_of(campaign: Campaign) -> Criterion:
    """Whom a campaign is for."""
    return from_store(campaign.criteria)


def audience_of(campaign: Campaign) -> Audience:
    """A campaign's audience. Once one of its mailings is complete, it is the audience of a reminder.

    The wave after one that was broken off completes it: it is for those for whom no letter of it has left.
    """
    concerns = Concerns(campaign.concerns)
    own, completes = launched(campaign), broken_off(campaign)
    before = [mailing for mailing in own if mailing not in completes]
    return Audience(
        criterion_of(campaign),
        campaign.strand,
        concerns,
        campaign.message_class,
        written=outbox.authorities_meant_by(before) if before else None,
        answered=answers.authorities_that_answered(own) if own else None,
        answered_mailboxes=answers.mailboxes_that_answered(own) if own else None,
        completes=completes,
    )


def launched(campaign: Campaign) -> list[int]:
    """The keys of a campaign's mailings that are complete: `filled_at` is set, so all recipients are known."""
    return [wave.mailing_id for wave in campaign.waves if wave.mailing_id and wave.mailing and wave.mailing.filled_at]


def broken_off(campaign: Campaign) -> list[int]:
    """The keys of the mailings that a cancellation broke off and that no later wave has completed yet."""
    keys: list[int] = []
    for wave in reversed(campaign.waves):
        if wave.state is WaveState.CANCELLED and wave.mailing_id:
            keys.append(wave.mailing_id)
        elif wave.mailing and wave.mailing.filled_at:
            break
    return keys


def is_reminder(campaign: Campaign) -> bool:
    """Whether the next wave to start is a reminder: an earlier one was launched that it does not complete."""
    completes = broken_off(campaign)
    return any(wave.mailing_id is not None and wave.mailing_id not in completes for wave in campaign.waves)


def scope_of(session: Session, campaign: Campaign, *, now: datetime) -> Scope:
    """The scope in which a campaign's criteria are evaluated now. Its own letters do not count as written."""
    return replace(scope_at(session, campaign.strand.programme_id, now=now), ignoring=tuple(launched(campaign)))


def count(session: Session, campaign: Campaign, *, now: datetime) -> AudienceCounts:
    """A campaign's audience, counted."""
    return audience.count(session, audience_of(campaign), scope_of(session, campaign, now=now))


def networks_of(session: Session, campaign: Campaign, *, now: datetime) -> set[str]:
    """The networks (the register's values) of the authorities a campaign is for."""
    meant = listed(scope_of(session, campaign, now=now), criterion_of(campaign))
    query = select(Network.code).join(Authority, Authority.network_id == Network.id).where(Authority.id.in_(meant))
    return set(session.scalars(query.distinct()))


def addressees(session: Session, campaign: Campaign, *, now: datetime) -> Sequence[Addressee]:
    """The recipients of a campaign: one entry for each mailbox of each authority, or one for an authority without any.

    An entry that is left out has a reason.
    """
    scope, meant = scope_of(session, campaign, now=now), audience_of(campaign)
    return _addressees(session, meant, scope, meant.meant(scope))


def next_addressees(
    session: Session, campaign: Campaign, *, now: datetime, after: int, count: int
) -> tuple[Sequence[Addressee], bool]:
    """Like `addressees`, for the next authorities after a key, in the order of keys; and whether they are the last.

    Reads `count` authorities at a time until the campaign is for some of them. Each read costs the same, whatever the
    number of authorities.
    """
    scope, meant = scope_of(session, campaign, now=now), audience_of(campaign)
    recipients: Sequence[Addressee] = []
    last = session.scalar(select(func.max(Authority.id))) or 0
    while not recipients and after < last:
        following = select(Authority.id).where(Authority.id > after).order_by(Authority.id)
        end = session.scalar(following.offset(count - 1).limit(1)) or last
        some = replace(scope, between=(after + 1, end))
        recipients, after = _addressees(session, meant, some, meant.meant(some)), end
    return recipients, after >= last


def addressees_among(
    session: Session, campaign: Campaign, authorities: Sequence[int], *, now: datetime
) -> Sequence[Addressee]:
    """Like `addressees`, for the authorities with these keys."""
    scope, meant = scope_of(session, campaign, now=now), audience_of(campaign)
    return _addressees(session, meant, scope, select(Authority.id).where(Authority.id.in_(authorities)))


def foremost(addressees: Sequence[Addressee]) -> Addressee | None:
    """The entry of an authority whose letter is shown as an example: the first that is written to, or lists schools."""
    return min(addressees, key=lambda addressee: (addressee.reason is not None, not addressee.schools), default=None)


def _addressees(session: Session, meant: Audience, scope: Scope, chosen: Select[int]) -> Sequence[Addressee]:
    keys = list(session.scalars(chosen))
    if not keys:
        return []
    between = select(Authority.id).where(Authority.id.in_(keys))
    schools, limits = _schools(session, meant, scope, keys), school_limits(session, keys)
    mailboxes = session.execute(select(audience.rows(meant, scope, among=between))).all()
    # Sorted here, because with ORDER BY SQLite does not build its automatic index (3.4 s a slice instead of 0.1 s).
    ordered = sorted(mailboxes, key=lambda row: (row.authority_id, row.contact_id or 0))
    return [
        Addressee(
            authority_id=row.authority_id,
            address=row.address or "",
            address_key=row.address_key or "",
            address_ascii=row.address_ascii or "",
            schools=_within(limits.get((row.authority_id, row.address_key)), schools.get(row.authority_id, ()))
            if row.address
            else (),
            reason=audience.reason_of(row.rank),
        )
        for row in ordered
    ]


def _within(limit: frozenset[int] | None, schools: tuple[int, ...]) -> tuple[int, ...]:
    """The schools that a mailbox's letter lists. `limit` holds those it answers for, or is None for all."""
    return schools if limit is None else tuple(school for school in schools if school in limit)


def _schools(session: Session, meant: Audience, scope: Scope, keys: Sequence[int]) -> dict[int, tuple[int, ...]]:
    rows = standing([scope.day], [meant.strand])
    query = select(rows.c.authority_id, rows.c.school_id).where(
        rows.c.authority_id.in_(keys), audience.is_concerned(rows.c.status, meant.concerns)
    )
    by_authority: dict[int, tuple[int, ...]] = {}
    for authority, school in session.execute(query.order_by(rows.c.authority_id, rows.c.school_id)):
        by_authority[authority] = (*by_authority.get(authority, ()), school)
    return by_authority
