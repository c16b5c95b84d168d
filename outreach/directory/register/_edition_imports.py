"""Editions of the register: planned, applied and undone, told to programs, with the mailboxes that they give.

An event holds the whole state of one school or authority: who reads them needs the last one of each.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, literal, or_, select, update

from outreach.core import tables
from outreach.core.audit import EventKind, publish_event, tell_all
from outreach.core.db import Session, analyze_after
from outreach.core.db.bulk import among
from outreach.core.tables import Grid, ListKind, ListState
from outreach.core.text.addresses import key_of
from outreach.core.text.errors import Refused
from outreach.directory.models import (
    NEVER,
    Authority,
    Contact,
    ContactSource,
    Federation,
    Level,
    MailboxKind,
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
from outreach.directory.register._comparison import Change, Difference, compare, pairs, stored
from outreach.directory.register._edition import (
    HEADERS,
    AuthorityRecord,
    Edition,
    SchoolRecord,
    ensure_not_empty,
    read_edition,
)
from outreach.directory.register._name_corrections import settle


def derived_mailbox(fase: int, domain: str) -> str:
    """The administrative mailbox of an authority: "po", its FASE number on six digits, the mailbox domain."""
    return f"po{fase:06d}@{domain}"


def derive_mailboxes(session: Session, fases: Collection[int], *, now: datetime, actor: str, domain: str) -> None:
    """Give each of these authorities its administrative mailbox, unless it has one: of an edition that was undone."""
    # All are read: a statement takes no more than some ten thousand numbers.
    has_one = exists().where(Contact.authority_id == Authority.id, Contact.source == ContactSource.DERIVED)
    identities, wanted = session.execute(select(Authority.id, Authority.fase).where(~has_one)), set(fases)
    rows = [
        {
            "authority_id": identity,
            "address": address,
            "address_key": key_of(address),
            "address_ascii": address,
            "mailbox_kind": MailboxKind.IMPERSONAL,
            "source": ContactSource.DERIVED,
            "added_at": now,
            "added_by": actor,
        }
        for identity, fase in identities
        if fase in wanted
        for address in [derived_mailbox(fase, domain)]
    ]
    if rows:
        session.execute(insert(Contact), rows)


ToldPeriod = Mapping[str, Any]


def touched_by(session: Session, edition: RegisterImport) -> tuple[dict[int, int], list[int]]:
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
    publish_event(session, kind, f"edition:{edition.id}", of, at=now)


def networks_of(session: Session, authorities: Iterable[int]) -> dict[int, str]:
    """The codes of the networks of authorities, by FASE number."""
    query = select(Authority.fase, Network.code).join(Network, Network.id == Authority.network_id)
    return dict(session.execute(query.where(among(Authority.fase, list(authorities)))).all())


def states(session: Session, schools: Mapping[int, int]) -> list[dict[str, Any]]:
    """Of schools, their FASE numbers by key: under which authorities each stood and which levels it taught, when."""
    listings, teachings = defaultdict[int, list[ToldPeriod]](list), defaultdict[int, list[ToldPeriod]](list)
    query = select(Ownership.school_id, Authority.fase, Ownership.since, Ownership.until).join(Authority)
    query = query.where(Ownership.undone_at.is_(None))
    for key, fase, since, until in session.execute(query.where(among(Ownership.school_id, list(schools)))):
        listings[key].append({"authority": fase, "since": _day(since), "until": _day(until)})
    asked = select(Teaching.school_id, Teaching.education_type, Teaching.since, Teaching.until)
    asked = asked.where(Teaching.undone_at.is_(None))
    for key, kind, since, until in session.execute(asked.where(among(Teaching.school_id, list(schools)))):
        teachings[key].append({"level": kind.level.value, "since": _day(since), "until": _day(until)})
    return [
        {"school": fase, "listings": _sorted(listings[key]), "teachings": _sorted(teachings[key])}
        for key, fase in sorted(schools.items(), key=lambda pair: pair[1])
    ]


def _sorted(periods: Iterable[ToldPeriod]) -> list[ToldPeriod]:
    """Each once, in order: of one level a school may teach several types."""
    return [one for _, one in sorted({str(one): one for one in periods}.items())]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


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
        opening = {"since": received.edition_on if last_import(session) else None, "opened_by": received.id}
        if opening["since"] is None and was_ever_filled(session):
            opening["known_from"] = now  # not at the moments of those before, that were undone
        _write_records(session, plan, received.id)
        _write_periods(session, plan.target, opening, {"until": received.edition_on, "closed_by": received.id})
        settle(session, now=now, actor=actor)
        _write_history(session, plan.changes, received.id)
        new = [c.fase for c in plan.changes if c.kind is RegisterKind.AUTHORITY and c.nature is Nature.NEW]
        derive_mailboxes(session, new, now=now, actor=actor, domain=self.mailbox_domain)
        analyze_after(session, Authority, School, Contact, *PERIODS)
        tell_edition(session, received, EventKind.EDITION_APPLIED, *touched_by(session, received), now=now)
        return _sentence(plan, received.edition_on)

    def restore(self, session: Session, received: RegisterImport, *, now: datetime, actor: str) -> str:
        """Return records, periods and fields to what they were before an edition; what it stated is kept beside.

        Who is in no other edition stands nowhere, and is new in the next one.
        """
        touched = touched_by(session, received)
        for model in PERIODS:
            _keep(session, model, received, now=now)
        received.is_kept = True
        changed = select(RegisterChange).where(
            RegisterChange.import_id == received.id, RegisterChange.nature == Nature.CHANGED
        )
        _restore(session, session.scalars(changed).all())
        settle(session, now=now, actor=actor)
        tell_edition(session, received, EventKind.EDITION_UNDONE, *touched, now=now)
        return f"Édition du registre du {received.edition_on:%d/%m/%Y} annulée."


def last_import(session: Session) -> RegisterImport | None:
    """The last edition applied and not undone."""
    return tables.last_applied(session, RegisterImport)


def _older(session: Session, edition_on: date) -> str:
    """Why an edition of this day can no longer be applied, in French, or ''."""
    last = last_import(session)
    if last is None or last.edition_on <= edition_on:
        return ""
    return f"Une édition plus récente, du {last.edition_on:%d/%m/%Y}, a déjà été appliquée."


def applied_editions(session: Session) -> Sequence[RegisterImport]:
    """All editions that were ever applied, the undone too, the newest first."""
    query = select(RegisterImport).where(RegisterImport.applied_at.is_not(None))
    return session.scalars(query.order_by(RegisterImport.applied_at.desc(), RegisterImport.id.desc())).all()


def waiting_editions(session: Session) -> Sequence[RegisterImport]:
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
        stated = {
            change.fase: values[kind](change.fase) | ({"created_by": import_id} if change.nature is Nature.NEW else {})
            for change in changes
            if change.nature in (Nature.NEW, Nature.CHANGED)
        }
        identities = pairs(session, select(table.fase, table.id)) if stated else {}
        new = [row for fase, row in stated.items() if fase not in identities]
        if new:
            session.execute(insert(table), new)
        for names in {frozenset(row) for fase, row in stated.items() if fase in identities}:
            rows = [row | {"id": identities[fase]} for fase, row in stated.items() if fase in identities]
            session.execute(update(table), [row for row in rows if row.keys() - {"id"} == names])


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


def _write_periods(
    session: Session, target: Edition, opening: Mapping[str, object], closing: Mapping[str, object]
) -> None:
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
        _sync(session, model, columns, wanted, opening, closing)


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


def _keep(session: Session, model: type[Period], undone: RegisterImport, *, now: datetime) -> None:
    """Let what an edition stated hold no longer, and what it ended hold again; both are kept as they were known."""
    stands = model.undone_at.is_(None)
    opened, closed = (model.opened_by == undone.id, stands), (model.closed_by == undone.id, stands)
    was = {"kept_until": model.until, "until": NEVER, "undone_at": now}
    session.execute(update(model).where(*opened).values(was))
    copy: dict[str, ColumnElement[Any]] = {column.key: column for column in model.__table__.c if column.key != "id"}
    copy |= {"kept_until": copy["until"], "until": literal(NEVER), "undone_at": literal(now)}
    session.execute(insert(model).from_select([*copy], select(*copy.values()).where(*closed)))
    session.execute(update(model).where(*closed).values(until=None, closed_by=None, known_from=now))


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
