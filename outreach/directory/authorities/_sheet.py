"""One authority: its schools with their sites, its federations, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from sqlalchemy import or_, select

from outreach.core import audit
from outreach.core.db import Session
from outreach.core.tables import DATA, Column, ListState, On, QueryListing
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound
from outreach.directory.authorities._search import narrow_by_name
from outreach.directory.contacts import subject_of
from outreach.directory.models import (
    Authority,
    EducationType,
    Federation,
    Level,
    Membership,
    Nature,
    Ownership,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
    SchoolSite,
    Site,
    Teaching,
)
from outreach.directory.register import FIELD_LABELS


@dataclass(frozen=True, slots=True)
class ListedSchool:
    """A school with the types it offers and the sites it uses today."""

    school: School
    types: Sequence[EducationType]
    sites: Sequence[Site]


@dataclass(slots=True)
class PastEvent:
    """An event of an authority's history: a sentence, with details if any.

    `day` is set when only the day is known; `call` is the key of a call that may be taken back.
    """

    at: datetime
    actor: str
    sentence: str
    details: list[str] = field(default_factory=list)
    day: date | None = None
    call: int | None = None


def authority_by_fase(session: Session, fase: int) -> Authority:
    """The authority with this FASE number, listed today or not. Raises NotFound."""
    authority = session.scalar(select(Authority).where(Authority.fase == fase))
    if authority is None:
        raise NotFound(f"Aucun pouvoir organisateur ne porte le numéro FASE {fase}.")
    return authority


def school_by_fase(session: Session, fase: int) -> tuple[School, Authority | None]:
    """The school with this FASE number, and the authority that runs it today, if any. Raises NotFound."""
    school = session.scalar(select(School).where(School.fase == fase))
    if school is None:
        raise NotFound(f"Aucune école ne porte le numéro FASE {fase}.")
    listed = select(Authority).join(Ownership, Ownership.authority_id == Authority.id)
    return school, session.scalar(listed.where(Ownership.school_id == school.id, Ownership.current()))


COLUMNS: Sequence[Column[ListedSchool]] = (
    Column("fase", "FASE de l’école", lambda row: row.school.fase, sort=School.fase, on=DATA),
    Column("school", "École", lambda row: row.school.display_name, sort=School.folded),
    Column("municipality", "Commune", lambda row: row.school.municipality, on=DATA),
    Column("types", "Enseignement", lambda row: row.types),
    Column("zone", "Zone", lambda row: row.school.zone, sort=School.zone),
    Column("sites", "Implantations", lambda row: " ; ".join(one.full_address for one in row.sites)),
    Column("report", "Départ", lambda _row: "", on=On.PAGE),
    Column("registered", "École au registre", lambda row: row.school.name, on=DATA),
)


def list_schools(
    session: Session, authority: Authority, *, text: str = "", sort: str = ""
) -> QueryListing[ListedSchool]:
    """The schools it runs today, by name: a page takes three statements whatever their number."""
    query = select(School).join(Ownership, Ownership.school_id == School.id)
    return QueryListing(
        title="Écoles",
        columns=COLUMNS,
        sort=sort,
        usual="school",
        session=session,
        query=narrow_by_name(
            query.where(Ownership.authority_id == authority.id, Ownership.current()), text, School.folded
        ),
        order=(School.folded, School.fase),
        made=partial(_with_types_and_sites, session),
        numbered=(School.fase, lambda row: row.school.fase),
    )


def represented_by(session: Session, authority: Authority) -> list[tuple[Federation, list[Level]]]:
    """The federations that represent it today, each with the levels for which it does so."""
    query = (
        select(Federation, Membership.level)
        .join(Membership, Membership.federation_id == Federation.id)
        .where(Membership.authority_id == authority.id, Membership.current())
        .order_by(Federation.code)
    )
    by_code: dict[str, tuple[Federation, list[Level]]] = {}
    for federation, level in session.execute(query):
        by_code.setdefault(federation.code, (federation, []))[1].append(level)
    order = list(Level)
    return [(federation, sorted(levels, key=order.index)) for federation, levels in by_code.values()]


def authority_history(session: Session, authority: Authority) -> list[PastEvent]:
    """The acts of staff and the changes of each edition of the register, newest first."""
    events = [PastEvent(e.at, e.actor, e.in_words) for e in audit.entries_about(session, subject_of(authority))]
    events += _register_events(session, authority)
    return sorted(events, key=lambda event: event.at, reverse=True)


def _with_types_and_sites(session: Session, rows: Sequence[School]) -> list[ListedSchool]:
    identities = [school.id for school in rows]
    types, sites = _types(session, identities), _sites(session, identities)
    return [ListedSchool(school, types.get(school.id, []), sites.get(school.id, [])) for school in rows]


def _types(session: Session, identities: Sequence[int]) -> Mapping[int, list[EducationType]]:
    query = select(Teaching.school_id, Teaching.education_type).where(
        Teaching.school_id.in_(identities), Teaching.current()
    )
    by_school: dict[int, list[EducationType]] = {}
    for school_id, kind in session.execute(query):
        by_school.setdefault(school_id, []).append(kind)
    order = list(EducationType)
    return {school_id: sorted(kinds, key=order.index) for school_id, kinds in by_school.items()}


def _sites(session: Session, identities: Sequence[int]) -> Mapping[int, list[Site]]:
    query = (
        select(SchoolSite.school_id, Site)
        .join(Site, Site.id == SchoolSite.site_id)
        .where(SchoolSite.school_id.in_(identities), SchoolSite.current())
        .order_by(Site.fase)
    )
    by_school: dict[int, list[Site]] = {}
    for school_id, site in session.execute(query):
        by_school.setdefault(school_id, []).append(site)
    return by_school


def _register_events(session: Session, authority: Authority) -> list[PastEvent]:
    left = (RegisterChange.nature == Nature.MOVED) & (RegisterChange.before == str(authority.fase))
    query = (
        select(RegisterImport, RegisterChange)
        .join(RegisterChange, RegisterChange.import_id == RegisterImport.id)
        .where(
            or_(RegisterChange.authority_fase == authority.fase, left),
        )
        .order_by(RegisterChange.id)
    )
    changes: dict[int, tuple[RegisterImport, list[RegisterChange]]] = {}
    for entry, change in session.execute(query):
        changes.setdefault(entry.id, (entry, []))[1].append(change)
    return [_event(entry, entry_changes) for entry, entry_changes in changes.values()]


def _event(entry: RegisterImport, changes: Sequence[RegisterChange]) -> PastEvent:
    sentence = f"Édition du registre du {entry.edition_on:%d/%m/%Y}."
    if entry.state is ListState.UNDONE and entry.undone_at:
        sentence = f"{sentence[:-1]}, annulée le {today(entry.undone_at):%d/%m/%Y} par {entry.undone_by}."
    new = [c for c in changes if c.nature is Nature.NEW]
    counted = {
        "école ajoutée": sum(c.kind is RegisterKind.SCHOOL for c in new),
        "implantation ajoutée": sum(c.kind is RegisterKind.SITE for c in new),
    }
    details = ["Pouvoir organisateur ajouté."] if any(c.kind is RegisterKind.AUTHORITY for c in new) else []
    details += [f"{number} {_plural(words, number)}." for words, number in counted.items() if number]
    details += [_detail(change) for change in changes if change.nature is not Nature.NEW]
    return PastEvent(entry.applied_at or entry.received_at, entry.applied_by or entry.received_by, sentence, details)


def _plural(words: str, number: int) -> str:
    return words if number < 2 else " ".join(f"{word}s" for word in words.split())


def _detail(change: RegisterChange) -> str:
    subject = {
        RegisterKind.AUTHORITY: "Pouvoir organisateur",
        RegisterKind.SCHOOL: "École",
        RegisterKind.SITE: "Implantation",
    }[change.kind]
    named = f"{subject} {change.fase} ({change.name})"
    match change.nature:
        case Nature.CHANGED:
            label = FIELD_LABELS[change.field]
            return f"{named}, {label} : « {change.before or 'vide'} » devient « {change.after or 'vide'} »."
        case Nature.MOVED:
            return f"{named} : passe du PO {change.before} au PO {change.after}."
        case Nature.GONE:
            return f"{named} : ne figure plus dans le registre."
        case _:
            return f"{named} : figure à nouveau dans le registre."
