"""Reads the stored directory back as an `Edition`, to be compared with the next one."""

from typing import Any

from sqlalchemy import Select, func, select

from outreach.db import Session
from outreach.directory.editions.register import AuthorityRecord, Edition, SchoolRecord, SiteRecord
from outreach.directory.models import Authority, EducationType, Network, Ownership, School, SchoolSite, Site, Teaching

PLACE = ("address", "postcode", "locality", "municipality")


def stored(session: Session) -> Edition:
    """Everything the directory knows, listed or not, as an edition."""
    return Edition(_authorities(session), _schools(session), _sites(session))


def pairs(session: Session, query: Select[*tuple[Any, ...]]) -> dict[Any, Any]:
    """A query of two columns as a mapping."""
    return {row[0]: row[1] for row in session.execute(query)}


def _authorities(session: Session) -> dict[int, AuthorityRecord]:
    query = select(
        Authority.fase,
        Authority.name,
        func.coalesce(Authority.company_number, ""),
        Network.code,
        *(getattr(Authority, part) for part in PLACE),
    ).join(Network)
    return {row[0]: AuthorityRecord(*row) for row in session.execute(query)}


def _schools(session: Session) -> dict[int, SchoolRecord]:
    query = select(
        School.fase,
        School.name,
        func.coalesce(School.company_number, ""),
        School.zone,
        School.district,
        *(getattr(School, part) for part in PLACE),
    )
    owners, types, sites = _owners(session), _types(session), _sites_of_schools(session)
    return {
        row[0]: SchoolRecord(
            *row,  # type: ignore[call-arg]
            owners.get(row[0], 0),
            frozenset(types.get(row[0], ())),
            frozenset(sites.get(row[0], ())),
        )
        for row in session.execute(query)
    }


def _sites(session: Session) -> dict[int, SiteRecord]:
    query = select(Site.fase, *(getattr(Site, part) for part in PLACE))
    return {row[0]: SiteRecord(*row) for row in session.execute(query)}


def _owners(session: Session) -> dict[int, int]:
    """The authority of each listed school, both by FASE number."""
    query = select(School.fase, Authority.fase).join(Ownership, Ownership.school_id == School.id)
    return pairs(session, query.join(Authority, Authority.id == Ownership.authority_id).where(Ownership.current()))


def _types(session: Session) -> dict[int, set[EducationType]]:
    query = select(School.fase, Teaching.education_type).join(Teaching, Teaching.school_id == School.id)
    return _grouped(session, query.where(Teaching.current()))


def _sites_of_schools(session: Session) -> dict[int, set[int]]:
    query = select(School.fase, Site.fase).join(SchoolSite, SchoolSite.school_id == School.id)
    return _grouped(session, query.join(Site, Site.id == SchoolSite.site_id).where(SchoolSite.current()))


def _grouped(session: Session, query: Select[*tuple[Any, ...]]) -> dict[Any, set[Any]]:
    groups: dict[Any, set[Any]] = {}
    for left, right in session.execute(query):
        groups.setdefault(left, set()).add(right)
    return groups
