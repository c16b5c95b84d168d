"""What a list of contacts would do, compared with the addresses in use; and the tables of what lists did."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, enum_of
from outreach.core.erasure import ErasedAddresses
from outreach.core.tables import FileImport, Grid, ImportPreview, Rejection, nothing_new
from outreach.core.text.addresses import Judgement
from outreach.directory import contacts as judging
from outreach.directory.contacts import Particulars, school_limits
from outreach.directory.models import Authority, Contact, ContactSchool, MailboxKind, Ownership, RegisterImport, School
from outreach.directory.supplied_names import FAR_NAME, NameBook
from outreach.engagement.mailboxes._import_rows import ContactReading, Directory, FarName, StatedContact, read


class ContactList(FileImport, Base):
    """A list of addresses that somebody sent. A `complete` one retires the addresses that it does not name.

    Personal data. `grid` holds what was sent
    until the list is applied, then its rejected rows only.
    """

    __tablename__ = "contact_lists"
    __table_args__ = (Index("ix_contact_lists_applied_at", "applied_at"),)

    complete: Mapped[bool]


class LineNature(StrEnum):
    """What a list did to an address."""

    NEW = "new"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


class ContactListLine(Base):
    """What an applied list did to an address; `before` is what a change replaced, as JSON, '' for the others.

    Personal data. `before` serves to undo the list, and is emptied with its `grid`.
    """

    __tablename__ = "contact_list_lines"

    list_id: Mapped[int] = mapped_column(ForeignKey("contact_lists.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, index=True)
    nature: Mapped[LineNature] = mapped_column(enum_of(LineNature, "line_nature"))
    before: Mapped[str] = mapped_column(Text, default="")


LABELS = {
    "name": "personne",
    "function": "fonction",
    "phone": "téléphone",
    "usage": "usage",
    "source": "source",
    "kind": "type",
    "schools": "écoles",
}


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What a list changes of an address in use: `before` has the values that it replaces, by the names of LABELS."""

    contact_id: int
    stated: StatedContact
    particulars: Particulars
    kind: MailboxKind
    before: Mapping[str, Any]

    @property
    def in_words(self) -> str:
        """What changes, in French."""
        return ", ".join(LABELS[name] for name in self.before)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An address in use that a complete list does not name."""

    contact_id: int
    fase: int
    address: str
    address_key: str


class ImportCounts(NamedTuple):
    """How many addresses a list adds, changes, leaves as they are, and retires."""

    new: int
    changed: int
    unchanged: int
    withdrawn: int

    def __str__(self) -> str:
        return "-".join(map(str, self))


class WaitingRow(NamedTuple):
    """A contact that waits for a person's word, as its name is far from that of its number."""

    stated: StatedContact
    far: FarName

    def as_json(self) -> dict[str, int | str]:
        """The contact as JSON: its row and number, its address, and both names."""
        stated, far = self
        identity: dict[str, int | str] = {"row": stated.row, "fase": stated.fase, "address": stated.judged.address}
        return {**identity, "stated": far.stated, "known": far.known}


@dataclass(slots=True, kw_only=True)
class ContactPlan(ImportPreview):
    """What a list would do. `shown` are its counts before a person confirms anything.

    `waiting` are contacts that a person has not confirmed: nothing is done
    for them. `confirmed` counts those that were.

    `unchanged` are the numbers of the addresses that it states as they are known, which it confirms like the others.
    `merged` counts rows that say more of an address of another row. `failing` are the addresses of the list that reject
    letters, and do so after it. `silenced` are the FASE numbers of the authorities that have no address left after it.
    """

    new: list[StatedContact] = field(default_factory=list)
    changed: list[ContactChange] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    waiting: list[WaitingRow] = field(default_factory=list)
    confirmed: int = 0
    merged: int = 0
    failing: list[StatedContact] = field(default_factory=list)
    silenced: list[int] = field(default_factory=list)
    shown: str = ""

    @property
    def counts(self) -> ImportCounts:
        """The counts of addresses."""
        return ImportCounts(len(self.new), len(self.changed), len(self.unchanged), len(self.withdrawn))

    @property
    def nothing(self) -> str:
        """Why there is nothing to apply, in French; '' when there is something."""
        if self.new or self.changed or self.withdrawn:
            return ""
        if self.waiting:
            return "Rien à enregistrer : cochez les lignes dont le nom est juste, ou corrigez leur numéro."
        return nothing_new(len(self.unchanged))

    @property
    def version(self) -> str:
        """Equal for lists that would add, change, leave and retire as many addresses."""
        return self.shown

    @property
    def mixed(self) -> list[StatedContact]:
        """The new addresses in a mixed alphabet, which wait for a second person."""
        return [stated for stated in self.new if stated.judged.mixed_writing]

    @property
    def to_reread(self) -> list[StatedContact]:
        """The new addresses about which there is a warning."""
        return [stated for stated in self.new if stated.judged.warnings]

    @property
    def left_out(self) -> list[Rejection]:
        """The rejected rows and those that wait, each with a sentence."""
        waiting = [
            Rejection(
                row,
                self.columns.get(far.column, ""),
                f"{FAR_NAME.format(stated=far.stated, known=far.known, fase=stated.fase)}, ou confirmez.",
            )
            for stated, far in self.waiting
            for row in (stated.row, *stated.more_rows)
        ]
        return sorted((*self.rejected, *waiting), key=lambda rejection: rejection.row)

    def outcome(self) -> dict[str, object]:
        """What is stored with an applied list: its counts, and the rows that it left out."""
        return {**self.counts._asdict(), "rejected": [rejection.as_json() for rejection in self.left_out]}

    def summary(self) -> dict[str, object]:
        """The columns, the counts, the rejected rows and those that wait, as `contacts import --json` prints them."""
        return {
            **self.counts._asdict(),
            "file": self.label,
            "columns": {
                "read": dict(self.columns),
                "chosen": [chosen.as_json() for chosen in self.chosen],
                "set_aside": list(self.set_aside_columns),
                "unknown": list(self.unknown_columns),
            },
            "lines_aside": [line.as_json() for line in self.lines_aside],
            "mended": [cell.as_json() for cell in self.mended],
            "waiting": len(self.waiting),
            "confirmed": self.confirmed,
            "far_names": [waiting.as_json() for waiting in self.waiting],
            "rejected": [rejection.as_json() for rejection in self.rejected],
        }


def held_back(compared: ContactPlan, confirmed: Collection[int] | None) -> ContactPlan:
    """A plan without what waits for a person's word: contacts with a name far from that of their number.

    An address in use of which nothing changes waits for nothing. While a contact waits, a complete list retires no
    address of its authority, and no other authority's same address, as that one may be meant.
    """
    far = [stated for stated in (*compared.new, *(change.stated for change in compared.changed)) if stated.far_name]
    waiting = {stated.key: stated for stated in far if confirmed is not None and stated.row not in confirmed}
    held = sorted(waiting.values(), key=lambda stated: stated.row)
    fases, keys = {stated.fase for stated in held}, {stated.judged.key for stated in held}
    spared = {each for each in compared.withdrawn if each.fase in fases or each.address_key in keys}
    return replace(
        compared,
        new=[stated for stated in compared.new if stated.key not in waiting],
        changed=[change for change in compared.changed if change.stated.key not in waiting],
        withdrawn=[each for each in compared.withdrawn if each not in spared],
        silenced=[fase for fase in compared.silenced if fase not in {each.fase for each in spared}],
        failing=[stated for stated in compared.failing if stated.key not in waiting],
        waiting=[WaitingRow(stated, stated.far_name) for stated in held if stated.far_name],
        confirmed=len(far) - len(held),
    )


def preview(session: Session, grid: Grid, *, complete: bool, address: Callable[[str], Judgement]) -> ContactPlan:
    """Compare a list with the addresses in use, as if a person had confirmed every name."""
    planned = ContactPlan()
    reading = read(planned, grid, _directory(session, address))
    planned.merged = reading.merged
    _compare(session, planned, reading, complete=complete)
    return planned


def basis(session: Session) -> tuple[object, ...]:
    """What a comparison depends on. Rows are only added, retired and changed with a date, so these tell."""
    contacts = select(
        *(func.count(column) for column in (Contact.id, Contact.retired_at)),
        *(func.max(column) for column in (Contact.id, Contact.changed_at, Contact.retired_at)),
    )
    counted = RegisterImport.applied_at, RegisterImport.undone_at
    others = select(*(select(func.count(column)).scalar_subquery() for column in counted))
    return (*session.execute(contacts).one(), *session.execute(others).one())


class _HeldMailbox(NamedTuple):
    """An address in use."""

    id: int
    authority_id: int
    fase: int
    key: str
    address: str
    kind: MailboxKind
    bounced: bool
    particulars: Particulars


def _directory(session: Session, address: Callable[[str], Judgement]) -> Directory:
    listed = select(School.fase, School.id, Ownership.authority_id).join(Ownership, Ownership.school_id == School.id)
    return Directory(
        authorities={row.fase: row.id for row in session.execute(select(Authority.fase, Authority.id))},
        schools={
            fase: (frozenset((key,)), owner) for fase, key, owner in session.execute(listed.where(Ownership.current()))
        },
        names=NameBook.of(session),
        judge=address,
        erased=ErasedAddresses.of(session),
    )


def _in_use(session: Session) -> Iterable[_HeldMailbox]:
    """The addresses in use, one after the other: all at once would take 100 MB where there are 100,000."""
    described = (Contact.name, Contact.function, Contact.phone, Contact.usage, Contact.source_note)
    identity = (Contact.id, Contact.authority_id, Authority.fase, Contact.address_key, Contact.address)
    query = (
        select(*identity, Contact.mailbox_kind, Contact.bounced_at.is_not(None), *described)
        .join(Authority, Authority.id == Contact.authority_id)
        .where(Contact.retired_at.is_(None))
        .order_by(Authority.fase, Contact.id)
    )
    for row in session.execute(query.execution_options(yield_per=1_000)):
        yield _HeldMailbox(*row[:7], Particulars(*row[7:]))


def _compare(session: Session, planned: ContactPlan, reading: ContactReading, *, complete: bool) -> None:
    limits = _limits(session)
    named = {authority for authority, _ in reading.contacts}
    left: dict[int, int] = {}
    for held in _in_use(session):
        stated = reading.contacts.pop((held.authority_id, held.key), None)
        if stated is not None:
            _sort(planned, stated, held, limits.get(held.id, ()))
        elif complete and held.authority_id not in reading.in_doubt and held.key not in reading.addresses_in_doubt:
            planned.withdrawn.append(Withdrawal(held.id, held.fase, held.address, held.key))
            left[held.authority_id] = held.fase
        else:
            named.add(held.authority_id)
    planned.new = list(reading.contacts.values())
    if planned.new:
        used = judging.in_use(session)
        for stated in planned.new:
            stated.judged = judging.weigh(stated.judged, used, fase=stated.fase)
    planned.silenced = sorted(fase for authority, fase in left.items() if authority not in named)
    _answer_as_before(session, planned.new)


def _limits(session: Session) -> dict[int, tuple[int, ...]]:
    """The keys of the only schools that addresses in use answer for, by contact: tuples, a quarter of sets in size."""
    limits: dict[int, tuple[int, ...]] = {}
    query = select(ContactSchool.contact_id, ContactSchool.school_id)
    in_use = query.join(Contact, Contact.id == ContactSchool.contact_id).where(Contact.retired_at.is_(None))
    for contact, school in session.execute(in_use):
        limits[contact] = (*limits.get(contact, ()), school)
    return limits


def _sort(planned: ContactPlan, stated: StatedContact, held: _HeldMailbox, schools: tuple[int, ...]) -> None:
    if held.bounced:
        planned.failing.append(stated)
    particulars = stated.particulars(held.particulars)
    before: dict[str, Any] = {}
    if particulars != held.particulars:
        said, known = stated.said.known(), asdict(held.particulars)
        before = {name: known[name] for name, text in said.items() if text != known[name]}
    if stated.kind not in {None, held.kind}:
        before["kind"] = held.kind.value
    if stated.schools is not None and stated.schools != frozenset(schools):
        before["schools"] = sorted(schools)
    if before:
        planned.changed.append(ContactChange(held.id, stated, particulars, stated.kind or held.kind, before))
    else:
        planned.unchanged.append(held.id)


def _answer_as_before(session: Session, added: Iterable[StatedContact]) -> None:
    """An address that was retired answers for the schools that it answered for, where the list says nothing of it."""
    silent = [stated for stated in added if stated.schools is None]
    limits = school_limits(session, {stated.authority_id for stated in silent})
    for stated in silent:
        stated.schools = limits.get(stated.key)
