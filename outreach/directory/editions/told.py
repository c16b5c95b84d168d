"""Tells programs what an edition of the register, applied or undone, leaves of schools and authorities.

An event holds the whole state of one school or authority: who reads them needs the last one of each.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select

from outreach.db import Session
from outreach.db.in_list import among
from outreach.directory.models import (
    Authority,
    Network,
    Ownership,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
    Teaching,
)
from outreach.events.models import EventKind
from outreach.events.telling import tell, tell_all

Period = Mapping[str, Any]


def touched(session: Session, edition: RegisterImport) -> tuple[dict[int, int], list[int]]:
    """What an applied edition opened, closed or changed: the FASE numbers of schools by key, those of authorities."""
    keys: set[int] = set()
    for model in (Ownership, Teaching):
        theirs = or_(model.opened_by == edition.id, model.closed_by == edition.id)
        keys.update(session.scalars(select(model.school_id).where(theirs)))
    schools = dict(session.execute(select(School.id, School.fase).where(among(School.id, list(keys)))).all())
    of_authorities = RegisterChange.import_id == edition.id, RegisterChange.kind == RegisterKind.AUTHORITY
    return schools, sorted(set(session.scalars(select(RegisterChange.fase).where(*of_authorities))))


def tell_edition(
    session: Session,
    edition: RegisterImport,
    kind: EventKind,
    schools: Mapping[int, int],
    authorities: Iterable[int],
    *,
    now: datetime,
) -> None:
    """Tell that an edition was applied or undone, after the state of each school and authority that it touched."""
    networks = networks_of(session, authorities)
    stated = [(f"authority:{fase}", {"authority": fase, "network": networks.get(fase)}) for fase in authorities]
    tell_all(session, EventKind.AUTHORITY_STATED, stated, at=now)
    told = [(f"school:{state['school']}", state) for state in states(session, schools)]
    tell_all(session, EventKind.SCHOOL_STATED, told, at=now)
    of = {"edition": edition.id, "edition_on": edition.edition_on.isoformat(), "schools": len(schools)}
    tell(session, kind, f"edition:{edition.id}", of, at=now)


def networks_of(session: Session, authorities: Iterable[int]) -> dict[int, str]:
    """The codes of the networks of authorities, by FASE number."""
    query = select(Authority.fase, Network.code).join(Network, Network.id == Authority.network_id)
    return dict(session.execute(query.where(among(Authority.fase, list(authorities)))).all())


def states(session: Session, schools: Mapping[int, int]) -> list[dict[str, Any]]:
    """Of schools, their FASE numbers by key: under which authorities each stood and which levels it taught, when."""
    listings, teachings = defaultdict[int, list[Period]](list), defaultdict[int, list[Period]](list)
    query = select(Ownership.school_id, Authority.fase, Ownership.since, Ownership.until).join(Authority)
    for key, fase, since, until in session.execute(query.where(among(Ownership.school_id, list(schools)))):
        listings[key].append({"authority": fase, "since": _day(since), "until": _day(until)})
    asked = select(Teaching.school_id, Teaching.education_type, Teaching.since, Teaching.until)
    for key, kind, since, until in session.execute(asked.where(among(Teaching.school_id, list(schools)))):
        teachings[key].append({"level": kind.level.value, "since": _day(since), "until": _day(until)})
    return [
        {"school": fase, "listings": _sorted(listings[key]), "teachings": _sorted(teachings[key])}
        for key, fase in sorted(schools.items(), key=lambda pair: pair[1])
    ]


def _sorted(periods: Iterable[Period]) -> list[Period]:
    """Each once, in order: of one level a school may teach several types."""
    return [one for _, one in sorted({str(one): one for one in periods}.items())]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
