"""The changes of an edition of the register: a pure comparison of two editions, field by field.

Reads the stored directory back as an `Edition`, to be compared with the next one.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from outreach.core.db import Session
from outreach.core.tables import ImportPreview, Rejection
from outreach.directory.models import (
    Authority,
    EducationType,
    Nature,
    Network,
    Ownership,
    RegisterImport,
    RegisterKind,
    School,
    SchoolSite,
    Site,
    Teaching,
)
from outreach.directory.register._edition import AuthorityRecord, Edition, EditionReading, SchoolRecord, SiteRecord

FIELD_LABELS = {
    "name": "nom",
    "company_number": "numéro BCE",
    "network": "réseau",
    "authority": "pouvoir organisateur",
    "zone": "zone",
    "district": "arrondissement",
    "address": "adresse",
    "postcode": "code postal",
    "locality": "localité",
    "municipality": "commune",
    "types": "types d’enseignement",
    "sites": "implantations",
}


USUALLY_GONE = 0.05  # of the schools known, from one edition to the next; editions a year apart differ by 1 %
_WEIGHT = (Nature.NEW, Nature.RETURNED, Nature.MOVED, Nature.GONE, Nature.CHANGED)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `authority` is the FASE number of the authority it concerns.

    Only CHANGED and MOVED fill `field`, `before` and `after`.
    """

    kind: RegisterKind
    nature: Nature
    fase: int
    name: str
    authority: int
    field: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """An authority, school or site, and all that changes about it; one both moved and changed counts as moved."""

    kind: RegisterKind
    nature: Nature
    fase: int
    name: str
    changes: tuple[Change, ...]


@dataclass(slots=True, kw_only=True)
class Difference(ImportPreview):
    """All that an edition would change; `target` is the directory as it would then be.

    `older` says, in French, that a later edition was applied already.
    """

    target: Edition
    changes: list[Change]
    unchanged: dict[RegisterKind, int]
    ignored: Counter[str] = field(default_factory=Counter)
    older: str = ""

    @property
    def nothing(self) -> str:
        """Why there is nothing to apply, in French; '' when there is something."""
        if not self.changes:
            return "Rien à appliquer : l’annuaire dit déjà ce que dit cette édition."
        return self.older

    @property
    def version(self) -> str:
        """Equal for editions that would change the same."""
        return hashlib.sha256(repr(self.changes).encode()).hexdigest()

    def counts(self, kind: RegisterKind) -> dict[str, int]:
        """How many are new, changed, moved, gone and unchanged; an item both moved and changed counts as moved."""
        tally = Counter(item.nature for item in items_of(self.changes) if item.kind is kind)
        return {
            "new": tally[Nature.NEW] + tally[Nature.RETURNED],
            "changed": tally[Nature.CHANGED],
            "moved": tally[Nature.MOVED],
            "gone": tally[Nature.GONE],
            "unchanged": self.unchanged[kind],
        }

    def doubt(self) -> str:
        """A French sentence when so much is gone that the file may be cut, or another one; else ''."""
        counts = self.counts(RegisterKind.SCHOOL)
        known = counts["gone"] + counts["changed"] + counts["moved"] + counts["unchanged"]
        if counts["gone"] <= known * USUALLY_GONE:
            return ""
        return f"Écoles qui ne figurent plus dans ce fichier : {counts['gone']} sur {known}. Vérifiez qu’il est entier."

    def summary(self) -> dict[str, object]:
        """The counts under their fixed names, as `register plan --json` prints them."""
        authorities, schools, sites = (
            self.counts(kind) for kind in (RegisterKind.AUTHORITY, RegisterKind.SCHOOL, RegisterKind.SITE)
        )
        return {
            "authorities": {name: authorities[name] for name in ("new", "changed", "gone", "unchanged")},
            "schools": schools,
            "sites": {name: sites[name] for name in ("new", "gone")},
            "ignored": self.ignored.total(),
            "rejected": [rejection.as_json() for rejection in self.rejected],
        }


def items_of(changes: Iterable[Change]) -> list[ChangedItem]:
    """The changes of each authority, school or site together, in the order of the first of each."""
    gathered: dict[tuple[RegisterKind, int], list[Change]] = {}
    for change in changes:
        gathered.setdefault((change.kind, change.fase), []).append(change)
    return [
        ChangedItem(
            kind, min((change.nature for change in theirs), key=_WEIGHT.index), fase, theirs[-1].name, (*theirs,)
        )
        for (kind, fase), theirs in gathered.items()
    ]


def compare(before: Edition, reading: EditionReading) -> Difference:
    """Compare what is stored with the content of a file. `before` holds everything ever known, listed or not.

    A school of a rejected row stays as it is. An authority never changes its network (its schools move instead): a file
    that says so is in conflict, and what it says of this authority is rejected.
    """
    conflicts = _network_conflicts(before, reading.edition)
    target = _target(before, reading, conflicts)
    rejected = [*reading.rejected, *(_conflict(before, reading, fase) for fase in sorted(conflicts))]
    changes = [*_authorities(before, target), *_schools(before, target), *_sites(before, target)]
    touched = {kind: {c.fase for c in changes if c.kind is kind} for kind in RegisterKind}
    unchanged = {
        RegisterKind.AUTHORITY: len(target.authorities.keys() - touched[RegisterKind.AUTHORITY]),
        RegisterKind.SCHOOL: len(target.schools.keys() - touched[RegisterKind.SCHOOL]),
        RegisterKind.SITE: len(target.sites.keys() - touched[RegisterKind.SITE]),
    }
    return Difference(
        target=target,
        changes=changes,
        unchanged=unchanged,
        ignored=reading.ignored,
        label=reading.label,
        columns=reading.columns,
        set_aside_columns=reading.set_aside_columns,
        unknown_columns=reading.unknown_columns,
        rejected=rejected,
        mended=reading.mended,
        mended_count=reading.mended_count,
    )


def _target(before: Edition, reading: EditionReading, conflicts: Set[int]) -> Edition:
    stated = reading.edition
    schools = {fase: s for fase, s in stated.schools.items() if s.authority not in conflicts}
    kept = reading.withheld | {fase for fase, s in stated.schools.items() if s.authority in conflicts}
    listed = {fase: s for fase, s in before.schools.items() if s.authority}
    for fase in listed.keys() - schools.keys() if reading.blind else listed.keys() & kept:
        schools[fase] = listed[fase]
    return Edition(
        {fase: _authority(before, stated, fase, conflicts) for fase in {s.authority for s in schools.values()}},
        schools,
        {site: stated.sites.get(site) or before.sites[site] for s in schools.values() for site in s.sites},
    )


def _network_conflicts(before: Edition, stated: Edition) -> set[int]:
    shared = before.authorities.keys() & stated.authorities.keys()
    return {fase for fase in shared if before.authorities[fase].network != stated.authorities[fase].network}


def _conflict(before: Edition, reading: EditionReading, fase: int) -> Rejection:
    known, told = before.authorities[fase].network, reading.edition.authorities[fase].network
    sentence = f"Le PO {fase} est connu dans le réseau « {known} » : il ne peut pas passer au réseau « {told} »."
    return Rejection(reading.first_rows[fase], "Réseau", sentence)


def _authority(before: Edition, stated: Edition, fase: int, conflicts: Set[int]) -> AuthorityRecord:
    if fase in stated.authorities and fase not in conflicts:
        return stated.authorities[fase]
    return before.authorities[fase]


def _authorities(before: Edition, target: Edition) -> Iterator[Change]:
    listed = {school.authority for school in before.schools.values()}
    for fase, record in target.authorities.items():
        known = before.authorities.get(fase)
        if known is None:
            yield Change(RegisterKind.AUTHORITY, Nature.NEW, fase, record.name, fase)
            continue
        if fase not in listed:
            yield Change(RegisterKind.AUTHORITY, Nature.RETURNED, fase, record.name, fase)
        yield from _field_changes(RegisterKind.AUTHORITY, known, record, fase)
    for fase in sorted(listed - target.authorities.keys() - {0}):
        yield Change(RegisterKind.AUTHORITY, Nature.GONE, fase, before.authorities[fase].name, fase)


def _schools(before: Edition, target: Edition) -> Iterator[Change]:
    for fase, record in target.schools.items():
        known = before.schools.get(fase)
        if known is None:
            yield Change(RegisterKind.SCHOOL, Nature.NEW, fase, record.name, record.authority)
            continue
        if not known.authority:
            yield Change(RegisterKind.SCHOOL, Nature.RETURNED, fase, record.name, record.authority)
            known = replace(known, types=record.types, sites=record.sites)
        elif known.authority != record.authority:
            change = (str(known.authority), str(record.authority))
            yield Change(RegisterKind.SCHOOL, Nature.MOVED, fase, record.name, record.authority, "authority", *change)
        yield from _field_changes(RegisterKind.SCHOOL, known, record, record.authority)
    for fase, known in before.schools.items():
        if known.authority and fase not in target.schools:
            yield Change(RegisterKind.SCHOOL, Nature.GONE, fase, known.name, known.authority)


def _sites(before: Edition, target: Edition) -> Iterator[Change]:
    owners = {site: s.authority for edition in (before, target) for s in edition.schools.values() for site in s.sites}
    used = {site for school in before.schools.values() for site in school.sites}
    for fase, record in target.sites.items():
        known = before.sites.get(fase)
        if known is None or fase not in used:
            nature = Nature.NEW if known is None else Nature.RETURNED
            yield Change(RegisterKind.SITE, nature, fase, _place(record), owners[fase])
        if known is not None:
            yield from _field_changes(RegisterKind.SITE, known, record, owners[fase])
    for fase in sorted(used - target.sites.keys()):
        yield Change(RegisterKind.SITE, Nature.GONE, fase, _place(before.sites[fase]), owners[fase])


def _field_changes(
    kind: RegisterKind,
    known: AuthorityRecord | SchoolRecord | SiteRecord,
    record: AuthorityRecord | SchoolRecord | SiteRecord,
    authority: int,
) -> Iterator[Change]:
    if known == record:
        return
    name = _place(record) if isinstance(record, SiteRecord) else record.name
    for column in fields(record):
        before, after = getattr(known, column.name), getattr(record, column.name)
        if before != after and column.name != "authority":
            yield Change(kind, Nature.CHANGED, record.fase, name, authority, column.name, _spelt(before), _spelt(after))


def _spelt(value: object) -> str:
    return ", ".join(str(item) for item in sorted(value)) if isinstance(value, frozenset) else str(value)


def _place(site: SiteRecord) -> str:
    return ", ".join(part for part in (site.address, f"{site.postcode} {site.locality}".strip()) if part)


PLACE = ("address", "postcode", "locality", "municipality")


def stored(session: Session) -> Edition:
    """Everything the directory knows, listed or not, as an edition; but for what undone editions alone stated."""
    return Edition(_stored_authorities(session), _stored_schools(session), _stored_sites(session))


def pairs(session: Session, query: Select[*tuple[Any, ...]]) -> dict[Any, Any]:
    """A query of two columns as a mapping."""
    return {row[0]: row[1] for row in session.execute(query)}


def _stored_authorities(session: Session) -> dict[int, AuthorityRecord]:
    query = (
        select(
            Authority.fase,
            Authority.name,
            func.coalesce(Authority.company_number, ""),
            Network.code,
            *(getattr(Authority, part) for part in PLACE),
        )
        .join(Network)
        .where(_stated(Authority))
    )
    return {row[0]: AuthorityRecord(*row) for row in session.execute(query)}


def _stored_schools(session: Session) -> dict[int, SchoolRecord]:
    query = select(
        School.fase,
        School.name,
        func.coalesce(School.company_number, ""),
        School.zone,
        School.district,
        *(getattr(School, part) for part in PLACE),
    ).where(_stated(School))
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


def _stored_sites(session: Session) -> dict[int, SiteRecord]:
    query = select(Site.fase, *(getattr(Site, part) for part in PLACE)).where(_stated(Site))
    return {row[0]: SiteRecord(*row) for row in session.execute(query)}


def _stated(table: type[Authority] | type[School] | type[Site]) -> ColumnElement[bool]:
    undone = select(RegisterImport.id).where(RegisterImport.undone_at.is_not(None))
    return or_(table.created_by.is_(None), table.created_by.not_in(undone))


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
