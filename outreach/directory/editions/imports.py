"""Plan, apply and undo an edition of the register, in the caller's session."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from outreach import audit
from outreach.db import Session, take_turns
from outreach.directory import name_corrections
from outreach.directory.editions import derived_mailboxes
from outreach.directory.editions.difference import Change, Difference, compare
from outreach.directory.editions.register import AuthorityRecord, Edition, Reading, SchoolRecord, ensure_not_empty
from outreach.directory.editions.stored import pairs, stored
from outreach.directory.models import (
    Authority,
    Federation,
    ImportState,
    Level,
    Listing,
    Membership,
    Nature,
    Network,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
    SchoolSite,
    Site,
    Teaching,
)
from outreach.directory.reference import federation_of, province_of, searched
from outreach.errors import NotFound, Refused

STALE = "L’annuaire a changé entre-temps : regardez à nouveau ce que l’édition changerait."
Period = Listing | Teaching | SchoolSite | Membership
PERIODS: tuple[type[Period], ...] = (Listing, Teaching, SchoolSite, Membership)
TABLES: dict[RegisterKind, type[Authority] | type[School] | type[Site]] = {
    RegisterKind.AUTHORITY: Authority,
    RegisterKind.SCHOOL: School,
    RegisterKind.SITE: Site,
}


@dataclass(frozen=True, slots=True)
class EditionJudgement:
    """The changes of an edition, and the basis of that comparison: while the basis is the same, so are the changes."""

    difference: Difference
    basis: str


def plan(session: Session, reading: Reading) -> Difference:
    """The changes of an edition; writes nothing. Raises InputError when it holds no school."""
    ensure_not_empty(reading)
    return compare(stored(session), reading)


def judge(session: Session, reading: Reading) -> EditionJudgement:
    """Compare an edition with the directory. It takes half a second, so do it before the transaction that applies it.

    Raises InputError when it holds no school.
    """
    basis = basis_of(session)
    return EditionJudgement(plan(session, reading), basis)


def basis_of(session: Session) -> str:
    """The basis of a comparison, in a few signs: how many editions were ever applied, and how many of them undone.

    Only editions, and undoing them, change what a comparison reads.
    """
    counts = select(func.count(RegisterImport.id), func.count(RegisterImport.undone_at))
    return "-".join(map(str, session.execute(counts).one()))


def apply(
    session: Session,
    reading: Reading,
    *,
    now: datetime,
    edition_on: date,
    actor: str,
    mailbox_domain: str,
    judged: EditionJudgement | None = None,
    shown: Difference | None = None,
) -> Difference:
    """Change the directory to what an edition says, as of `edition_on`; returns what changed.

    The first edition also holds for every earlier date. When nothing changes, nothing is written. `judged`
    is what `judge` found before; without it, or when the directory has changed since, the edition is compared here.
    Raises InputError when the edition holds no school, Refused when a later edition was applied already or the
    difference is no longer the one that was `shown` to the person who confirmed it.
    """
    take_turns(session, "register")
    is_current = judged is not None and judged.basis == basis_of(session)
    difference = judged.difference if judged is not None and is_current else plan(session, reading)
    if shown is not None and difference.changes != shown.changes:
        raise Refused(STALE)
    if not difference.changes:
        return difference
    refuse_older(session, edition_on)
    last = last_import(session)
    entry = RegisterImport(edition_on=edition_on, sha256=reading.sha256, applied_at=now, applied_by=actor)
    session.add(entry)
    session.flush()
    _write_records(session, difference, entry.id)
    _write_periods(session, difference.target, entry.id, since=edition_on if last else None, until=edition_on)
    name_corrections.settle(session, now=now, actor=actor)
    _write_history(session, difference.changes, entry.id)
    new = [c.fase for c in difference.changes if c.kind is RegisterKind.AUTHORITY and c.nature is Nature.NEW]
    derived_mailboxes.derive_mailboxes(session, new, now=now, actor=actor, domain=mailbox_domain)
    audit.record(session, now, actor, _sentence(difference, edition_on), f"register:{entry.id}")
    return difference


def last_import(session: Session) -> RegisterImport | None:
    """The last edition applied and not undone."""
    query = select(RegisterImport).where(RegisterImport.state == ImportState.APPLIED)
    return session.scalar(query.order_by(RegisterImport.id.desc()).limit(1))


def refuse_older(session: Session, edition_on: date) -> None:
    """Raises Refused when a later edition than this day's was applied and not undone."""
    last = last_import(session)
    if last is not None and edition_on < last.edition_on:
        raise Refused(f"Une édition plus récente, du {last.edition_on:%d/%m/%Y}, a déjà été appliquée.")


def editions(session: Session) -> Sequence[RegisterImport]:
    """All editions that were ever applied, the undone too, the newest first."""
    return session.scalars(select(RegisterImport).order_by(RegisterImport.id.desc())).all()


def edition_numbered(session: Session, number: int) -> RegisterImport:
    """The applied edition with this key. Raises NotFound."""
    entry = session.get(RegisterImport, number)
    if entry is None:
        raise NotFound("Cette édition du registre n’existe pas.")
    return entry


def changes_of(session: Session, entry: RegisterImport) -> list[Change]:
    """The changes of an edition when it was applied, as it was compared then."""
    query = select(RegisterChange).where(RegisterChange.import_id == entry.id).order_by(RegisterChange.id)
    return [
        Change(row.kind, row.nature, row.fase, row.name, row.authority_fase, row.field, row.before, row.after)
        for row in session.scalars(query)
    ]


def known_authorities(session: Session, fases: Collection[int]) -> set[int]:
    """The FASE numbers, among these, of authorities that have a sheet."""
    return set(session.scalars(select(Authority.fase).where(Authority.fase.in_(fases)))) if fases else set()


def was_ever_filled(session: Session) -> bool:
    """Whether an edition was ever applied, even if it was undone since."""
    return session.scalar(select(RegisterImport.id).limit(1)) is not None


def undo(session: Session, *, now: datetime, actor: str, number: int | None = None) -> RegisterImport:
    """Undo the last edition: records, periods and fields return to what they were before it.

    Raises NotFound when there is none, Refused when `number` names another one or when data recorded since then depends
    on it.
    """
    take_turns(session, "register")
    entry = last_import(session)
    if entry is None:
        raise NotFound("Aucune édition du registre n’a été appliquée.")
    if number is not None and number != entry.id:
        raise Refused("Seule la dernière édition appliquée peut être annulée.")
    for model in PERIODS:
        session.execute(delete(model).where(model.opened_by == entry.id))
        reopened = {"until": None, "closed_by": None}
        session.execute(update(model).where(model.closed_by == entry.id).values(reopened))
    changed = select(RegisterChange).where(
        RegisterChange.import_id == entry.id, RegisterChange.nature == Nature.CHANGED
    )
    _restore(session, session.scalars(changed).all())
    name_corrections.settle(session, now=now, actor=actor)
    try:
        derived_mailboxes.forget_derived(session, entry.id)
        for table in TABLES.values():
            session.execute(delete(table).where(table.created_by == entry.id))
    except IntegrityError:
        raise Refused(
            "Des données enregistrées depuis s’appuient sur cette édition : elle ne peut plus être annulée."
        ) from None
    entry.state, entry.undone_at, entry.undone_by = ImportState.UNDONE, now, actor
    sentence = f"Édition du registre du {entry.edition_on:%d/%m/%Y} annulée."
    audit.record(session, now, actor, sentence, f"register:{entry.id}")
    return entry


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
            identities = pairs(session, select(table.fase, table.id).where(table.fase.in_(changed)))
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
        Listing: (
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
        records: Sequence[Any] = session.scalars(select(table).where(table.fase.in_(before[kind]))).all()
        for record in records:
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
