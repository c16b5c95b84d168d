"""Plan, apply and undo an edition of the register, in the caller's session."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from outreach.db import Session, take_stock
from outreach.directory import name_corrections
from outreach.directory.editions import derived_mailboxes, told
from outreach.directory.editions.difference import Change, Difference, compare
from outreach.directory.editions.register import (
    HEADERS,
    AuthorityRecord,
    Edition,
    SchoolRecord,
    ensure_not_empty,
    read_edition,
)
from outreach.directory.editions.stored import pairs, stored
from outreach.directory.models import (
    Authority,
    Contact,
    Federation,
    Level,
    Membership,
    Nature,
    Network,
    Ownership,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
    SchoolSite,
    Site,
    Teaching,
)
from outreach.directory.reference import federation_of, province_of, searched
from outreach.errors import Refused
from outreach.events.models import EventKind
from outreach.sent_lists import steps
from outreach.sent_lists.models import ListState
from outreach.sent_lists.steps import ListKind
from outreach.spreadsheets.tables import Grid

Period = Ownership | Teaching | SchoolSite | Membership
PERIODS: tuple[type[Period], ...] = (Ownership, Teaching, SchoolSite, Membership)
TABLES: dict[RegisterKind, type[Authority] | type[School] | type[Site]] = {
    RegisterKind.AUTHORITY: Authority,
    RegisterKind.SCHOOL: School,
    RegisterKind.SITE: Site,
}


@dataclass(frozen=True)
class Editions(ListKind[RegisterImport, Difference]):
    """Editions of the register; new authorities get an administrative mailbox in a domain."""

    mailbox_domain: str

    table = RegisterImport
    headers = HEADERS
    lock = "register"
    about = "register"
    unknown = "Aucune édition du registre n’a été appliquée."

    def admit(self, session: Session, received: RegisterImport) -> None:
        """Raise Refused when a later edition was applied and not undone."""
        if older := _older(session, received.edition_on):
            raise Refused(older)

    def basis(self, session: Session, received: RegisterImport) -> object:
        """How many editions were ever applied, and how many of them undone.

        Only editions, and undoing them, change what a comparison reads.
        """
        counts = select(func.count(RegisterImport.applied_at), func.count(RegisterImport.undone_at))
        return tuple(session.execute(counts).one())

    def plan(self, session: Session, received: RegisterImport, grid: Grid) -> Difference:
        """Compare an edition with the directory. It takes half a second. Raises InputError when it holds no school."""
        reading = read_edition(grid)
        ensure_not_empty(reading)
        difference = compare(stored(session), reading)
        difference.older = _older(session, received.edition_on)
        return difference

    def write(self, session: Session, received: RegisterImport, plan: Difference, *, now: datetime, actor: str) -> str:
        """Change the directory to what an edition says, as of its day.

        What the first edition states also holds for every earlier date.
        """
        since = received.edition_on if last_import(session) else None
        _write_records(session, plan, received.id)
        _write_periods(session, plan.target, received.id, since=since, until=received.edition_on)
        name_corrections.settle(session, now=now, actor=actor)
        _write_history(session, plan.changes, received.id)
        new = [c.fase for c in plan.changes if c.kind is RegisterKind.AUTHORITY and c.nature is Nature.NEW]
        derived_mailboxes.derive_mailboxes(session, new, now=now, actor=actor, domain=self.mailbox_domain)
        take_stock(session, Authority, School, Contact, *PERIODS)
        told.tell_edition(session, received, EventKind.EDITION_APPLIED, *told.touched(session, received), now=now)
        return _sentence(plan, received.edition_on)

    def restore(self, session: Session, received: RegisterImport, *, now: datetime, actor: str) -> str:
        """Return records, periods and fields to what they were before an edition.

        Raises Refused when data recorded since then depends on it.
        """
        touched = told.touched(session, received)
        for model in PERIODS:
            session.execute(delete(model).where(model.opened_by == received.id))
            reopened = {"until": None, "closed_by": None}
            session.execute(update(model).where(model.closed_by == received.id).values(reopened))
        changed = select(RegisterChange).where(
            RegisterChange.import_id == received.id, RegisterChange.nature == Nature.CHANGED
        )
        _restore(session, session.scalars(changed).all())
        name_corrections.settle(session, now=now, actor=actor)
        try:
            derived_mailboxes.forget_derived(session, received.id)
            for table in TABLES.values():
                session.execute(delete(table).where(table.created_by == received.id))
        except IntegrityError:
            raise Refused(
                "Des données enregistrées depuis s’appuient sur cette édition : elle ne peut plus être annulée."
            ) from None
        told.tell_edition(session, received, EventKind.EDITION_UNDONE, *touched, now=now)
        return f"Édition du registre du {received.edition_on:%d/%m/%Y} annulée."


def last_import(session: Session) -> RegisterImport | None:
    """The last edition applied and not undone."""
    return steps.last_applied(session, RegisterImport)


def _older(session: Session, edition_on: date) -> str:
    """Why an edition of this day can no longer be applied, in French, or ''."""
    last = last_import(session)
    if last is None or last.edition_on <= edition_on:
        return ""
    return f"Une édition plus récente, du {last.edition_on:%d/%m/%Y}, a déjà été appliquée."


def editions(session: Session) -> Sequence[RegisterImport]:
    """All editions that were ever applied, the undone too, the newest first."""
    query = select(RegisterImport).where(RegisterImport.applied_at.is_not(None))
    return session.scalars(query.order_by(RegisterImport.applied_at.desc(), RegisterImport.id.desc())).all()


def waiting(session: Session) -> Sequence[RegisterImport]:
    """The last editions that were received and not applied, the newest first."""
    query = select(RegisterImport).where(RegisterImport.state == ListState.RECEIVED)
    return session.scalars(query.order_by(RegisterImport.id.desc()).limit(10)).all()


def changes_of(session: Session, entry: RegisterImport) -> list[Change]:
    """What an edition changed when it was applied, as it was compared then."""
    query = select(RegisterChange).where(RegisterChange.import_id == entry.id).order_by(RegisterChange.id)
    return [
        Change(row.kind, row.nature, row.fase, row.name, row.authority_fase, row.field, row.before, row.after)
        for row in session.scalars(query)
    ]


def known_authorities(session: Session, fases: Collection[int]) -> set[int]:
    """Those of these FASE numbers that are of an authority with a sheet."""
    return set(session.scalars(select(Authority.fase).where(Authority.fase.in_(fases)))) if fases else set()


def was_ever_filled(session: Session) -> bool:
    """Whether an edition was ever applied, even if it was undone since."""
    return session.scalar(select(RegisterImport.id).where(RegisterImport.applied_at.is_not(None)).limit(1)) is not None


def _write_records(session: Session, difference: Difference, import_id: int) -> None:
    networks = pairs(session, select(Network.code, Network.id))
    values: dict[RegisterKind, Callable[[int], dict[str, Any]]] = {
        RegisterKind.AUTHORITY: lambda fase: _authority_values(difference.target.authorities[fase], networks),
        RegisterKind.SCHOOL: lambda fase: _school_values(difference.target.schools[fase]),
        RegisterKind.SITE: lambda fase: asdict(difference.target.sites[fase]),
    }
    for kind, table in TABLES.items():
        changes = [change for change in difference.changes if change.kind is kind]
        new = [change.fase for change in changes if change.nature is Nature.NEW]
        changed = {change.fase for change in changes if change.nature is Nature.CHANGED}
        if new:
            session.execute(insert(table), [values[kind](fase) | {"created_by": import_id} for fase in new])
        if changed:
            identities = pairs(session, select(table.fase, table.id))
            rows = [values[kind](fase) | {"id": identities[fase]} for fase in changed]
            session.execute(update(table), rows)


def _authority_values(record: AuthorityRecord, networks: Mapping[str, int]) -> dict[str, Any]:
    values = asdict(record) | {"company_number": record.company_number or None, "network_id": networks[record.network]}
    del values["network"]
    return values | {"folded": _searched(record)}


def _searched(record: AuthorityRecord | SchoolRecord | Authority | School) -> str:
    return searched(record.name, record.fase, record.locality, record.municipality)


def _school_values(record: SchoolRecord) -> dict[str, Any]:
    values = asdict(record) | {"company_number": record.company_number or None}
    for period in ("authority", "types", "sites"):
        del values[period]
    return values | {"province": province_of(record.postcode), "folded": _searched(record)}


def _write_periods(session: Session, target: Edition, import_id: int, *, since: date | None, until: date) -> None:
    authorities, schools, sites = (pairs(session, select(table.fase, table.id)) for table in TABLES.values())
    federations = pairs(session, select(Federation.code, Federation.id))
    desired: dict[type[Period], tuple[tuple[str, ...], set[tuple[Any, ...]]]] = {
        Ownership: (
            ("school_id", "authority_id"),
            {(schools[s.fase], authorities[s.authority]) for s in target.schools.values()},
        ),
        Teaching: (
            ("school_id", "education_type"),
            {(schools[s.fase], kind) for s in target.schools.values() for kind in s.types},
        ),
        SchoolSite: (
            ("school_id", "site_id"),
            {(schools[s.fase], sites[site]) for s in target.schools.values() for site in s.sites},
        ),
        Membership: (
            ("authority_id", "federation_id", "level"),
            {(authorities[fase], federations[code], level) for fase, code, level in _memberships(target)},
        ),
    }
    for model, (columns, wanted) in desired.items():
        _sync(
            session,
            model,
            columns,
            wanted,
            {"since": since, "opened_by": import_id},
            {"until": until, "closed_by": import_id},
        )


def _memberships(target: Edition) -> set[tuple[int, str, Level]]:
    memberships = set()
    for school in target.schools.values():
        network = target.authorities[school.authority].network
        for level in {kind.level for kind in school.types}:
            code = federation_of(network, level)
            if code:
                memberships.add((school.authority, code, level))
    return memberships


def _sync(
    session: Session,
    model: type[Period],
    columns: tuple[str, ...],
    wanted: Set[tuple[Any, ...]],
    opening: Mapping[str, object],
    closing: Mapping[str, object],
) -> None:
    held = {
        tuple(row[1:]): row[0]
        for row in session.execute(select(model.id, *(getattr(model, name) for name in columns)).where(model.current()))
    }
    opened = [dict(zip(columns, key, strict=True), **opening) for key in wanted if key not in held]
    closed = [{"id": identity, **closing} for key, identity in held.items() if key not in wanted]
    # Close before opening: a school that moves must never be listed under two authorities.
    if closed:
        session.execute(update(model), closed)
    if opened:
        session.execute(insert(model), opened)


def _write_history(session: Session, changes: Iterable[Change], import_id: int) -> None:
    session.execute(
        insert(RegisterChange),
        [
            {
                "import_id": import_id,
                "kind": change.kind,
                "nature": change.nature,
                "fase": change.fase,
                "name": change.name,
                "authority_fase": change.authority,
                "field": change.field,
                "before": change.before,
                "after": change.after,
            }
            for change in changes
        ],
    )


def _restore(session: Session, changes: Iterable[RegisterChange]) -> None:
    before: dict[RegisterKind, dict[int, dict[str, str | None]]] = {kind: {} for kind in RegisterKind}
    for change in changes:
        if change.field not in {"types", "sites"}:
            value = change.before or None if change.field == "company_number" else change.before
            before[change.kind].setdefault(change.fase, {})[change.field] = value
    for kind, table in TABLES.items():
        # All are read: a statement takes no more than some ten thousand numbers.
        records: Sequence[Any] = session.scalars(select(table)).all() if before[kind] else ()
        for record in records:
            if record.fase not in before[kind]:
                continue
            for name, value in before[kind][record.fase].items():
                setattr(record, name, value)
            if not isinstance(record, Site):
                record.folded = _searched(record)
            if isinstance(record, School):
                record.province = province_of(record.postcode)
    session.flush()


def _sentence(difference: Difference, edition_on: date) -> str:
    authorities, schools = difference.counts(RegisterKind.AUTHORITY), difference.counts(RegisterKind.SCHOOL)
    return (
        f"Édition du registre du {edition_on:%d/%m/%Y} appliquée : "
        f"PO nouveaux {authorities['new']}, modifiés {authorities['changed']}, retirés {authorities['gone']} ; "
        f"écoles nouvelles {schools['new']}, modifiées {schools['changed']}, passées à un autre PO {schools['moved']}, "
        f"retirées {schools['gone']}."
    )
