"""A campaign's audience: its segment read back, counted, and written down as a mailing's recipients."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, func, select

from outreach.adherence.standing import standing
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import RecipientKind
from outreach.directory.models import Authority, Network
from outreach.segments import audience
from outreach.segments.audience import Audience, AudienceCounts, Concerns
from outreach.segments.criteria import Criterion, Scope, listed, scope_at
from outreach.segments.criteria_json import from_json
from outreach.tracking import answers


def criterion_of(campaign: Campaign) -> Criterion:
    """Whom a campaign is for."""
    return from_json(campaign.criteria)


def audience_of(campaign: Campaign) -> Audience:
    """A campaign's audience, to be asked about: once it has written, that of a reminder."""
    concerns = Concerns(campaign.concerns)
    own = launched(campaign)
    return Audience(
        criterion_of(campaign),
        campaign.strand,
        concerns,
        campaign.message_class,
        written=outbox.recipients_meant_by(RecipientKind.AUTHORITY, own) if own else None,
        answered=answers.authorities_that_answered(own) if own else None,
    )


def launched(campaign: Campaign) -> list[int]:
    """The mailings of a campaign's waves that are complete: who they meant is known."""
    return [wave.mailing_id for wave in campaign.waves if wave.mailing_id and wave.mailing and wave.mailing.filled_at]


def scope_of(session: Session, campaign: Campaign, *, now: datetime) -> Scope:
    """What a campaign's criteria are asked about now; its own letters do not count as written."""
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
    """Whom a campaign is for: one entry for each mailbox of each authority, those left out with their reason."""
    scope, meant = scope_of(session, campaign, now=now), audience_of(campaign)
    return _addressees(session, meant, scope, meant.meant(scope))


def next_addressees(
    session: Session, campaign: Campaign, *, now: datetime, after: int, count: int
) -> tuple[Sequence[Addressee], bool]:
    """The same for some authorities after a key, in the order of their keys, and whether they are the last.

    `count` authorities are looked through at a time, until some are meant: each time costs the same, of however many.
    """
    scope, meant = scope_of(session, campaign, now=now), audience_of(campaign)
    found: Sequence[Addressee] = []
    last = session.scalar(select(func.max(Authority.id))) or 0
    while not found and after < last:
        following = select(Authority.id).where(Authority.id > after).order_by(Authority.id)
        end = session.scalar(following.offset(count - 1).limit(1)) or last
        some = replace(scope, between=(after + 1, end))
        found, after = _addressees(session, meant, some, meant.meant(some)), end
    return found, after >= last


def addressees_among(
    session: Session, campaign: Campaign, authorities: Sequence[int], *, now: datetime
) -> Sequence[Addressee]:
    """The same for some authorities, by their keys."""
    scope, meant = scope_of(session, campaign, now=now), audience_of(campaign)
    return _addressees(session, meant, scope, select(Authority.id).where(Authority.id.in_(authorities)))


def _addressees(session: Session, meant: Audience, scope: Scope, chosen: Select[int]) -> Sequence[Addressee]:
    keys = list(session.scalars(chosen))
    if not keys:
        return []
    between = select(Authority.id).where(Authority.id.in_(keys))
    schools = _schools(session, meant, scope, keys)
    found = session.execute(select(audience.rows(meant, scope, among=between))).all()
    # Sorted here: ordered by the database, SQLite forgets the index it makes for itself (3.4 s a slice, not 0.1).
    ordered = sorted(found, key=lambda row: (row.authority_id, row.contact_id or 0))
    return [
        Addressee(
            kind=RecipientKind.AUTHORITY,
            id=row.authority_id,
            address=row.address or "",
            address_key=row.address_key or "",
            address_ascii=row.address_ascii or "",
            schools=schools.get(row.authority_id, ()) if row.address else (),
            reason=audience.reason_of(row.rank),
        )
        for row in ordered
    ]


def _schools(session: Session, meant: Audience, scope: Scope, keys: Sequence[int]) -> dict[int, tuple[int, ...]]:
    rows = standing([scope.day], [meant.strand])
    query = select(rows.c.authority_id, rows.c.school_id).where(
        rows.c.authority_id.in_(keys), audience.is_concerned(rows.c.status, meant.concerns)
    )
    found: dict[int, tuple[int, ...]] = {}
    for authority, school in session.execute(query.order_by(rows.c.authority_id, rows.c.school_id)):
        found[authority] = (*found.get(authority, ()), school)
    return found
