"""Everything the directory knows, read back in the shape of an edition, to be compared with the next one."""

from typing import Any

from sqlalchemy import Select, func, select

from outreach.db import Session
from outreach.directory.models import Authority, Listing, Network, School, SchoolSite, Site, Teaching
from outreach.directory.register import AuthorityRecord, Edition, SchoolRecord, SiteRecord


def stored(session: Session) -> Edition:
    """Everything the directory knows, listed or not, in the shape of an edition."""
    owners = pairs(
        session,
        select(School.fase, Authority.fase)
        .join(Listing, Listing.school_id == School.id)
        .join(Authority, Authority.id == Listing.authority_id)
        .where(Listing.current()),
    )
    types = _grouped(
        session,
        select(School.fase, Teaching.education_type)
        .join(Teaching, Teaching.school_id == School.id)
        .where(Teaching.current()),
    )
    sites = _grouped(
        session,
        select(School.fase, Site.fase)
        .join(SchoolSite, SchoolSite.school_id == School.id)
        .join(Site, Site.id == SchoolSite.site_id)
        .where(SchoolSite.current()),
    )
    place = ("address", "postcode", "locality", "municipality")
    authorities = select(
        Authority.fase,
        Authority.name,
        func.coalesce(Authority.company_number, ""),
        Network.code,
        *(getattr(Authority, part) for part in place),
    ).join(Network)
    schools = select(
        School.fase,
        School.name,
        func.coalesce(School.company_number, ""),
        School.zone,
        School.district,
        *(getattr(School, part) for part in place),
    )
    found_sites = select(Site.fase, *(getattr(Site, part) for part in place))
    return Edition(
        {row[0]: AuthorityRecord(*row) for row in session.execute(authorities)},
        {
            row[0]: SchoolRecord(
                *row,  # type: ignore[call-arg]
                owners.get(row[0], 0),
                frozenset(types.get(row[0], ())),
                frozenset(sites.get(row[0], ())),
            )
            for row in session.execute(schools)
        },
        {row[0]: SiteRecord(*row) for row in session.execute(found_sites)},
    )


def pairs(session: Session, query: Select[*tuple[Any, ...]]) -> dict[Any, Any]:
    """A query of two columns as a mapping."""
    return {row[0]: row[1] for row in session.execute(query)}


def _grouped(session: Session, query: Select[*tuple[Any, ...]]) -> dict[Any, set[Any]]:
    groups: dict[Any, set[Any]] = {}
    for left, right in session.execute(query):
        groups.setdefault(left, set()).add(right)
    return groups
