"""Postal addresses of authorities and schools: corrected with history, marked as returned, listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, select, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.db.bulk import among
from outreach.core.tables import DATA, Column, InMemoryListing, Kind
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import line_of_words
from outreach.directory.models import Authority, Ownership, RegisterKind, School
from outreach.directory.postal._address import AddressFault, PostalAddress
from outreach.directory.register import kind_of, subject_in_history, told_of

LONGEST = 200
_IN_FORCE = text("withdrawn_at IS NULL")


class PostalCorrection(Base):
    """A person's postal address for an authority or a school, and the register's, on one line, that it stands for.

    Its FASE number names the authority or school, as undoing an edition may delete that row. It is withdrawn, never
    deleted, and holds while the register says what it said then.
    """

    __tablename__ = "postal_corrections"
    __table_args__ = (
        Index(
            "uq_postal_corrections_in_force",
            *("kind", "fase"),
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RegisterKind] = mapped_column(enum_of(RegisterKind, "kind"))
    fase: Mapped[int]
    register_address: Mapped[str] = mapped_column(String(400))
    street: Mapped[str] = mapped_column(String(LONGEST))
    house_number: Mapped[str] = mapped_column(String(20))
    box: Mapped[str] = mapped_column(String(20))
    postcode: Mapped[str] = mapped_column(String(10))
    locality: Mapped[str] = mapped_column(String(100))
    corrected_at: Mapped[datetime]
    corrected_by: Mapped[str] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def address(self) -> PostalAddress:
        """The address that it says."""
        return PostalAddress(self.street, self.house_number, self.box, self.postcode, self.locality)


class PostalReturn(Base):
    """Mail came back from an address (« NPAI »): the address as it was written, on which day, and who noted it.

    It marks the address while the authority or school still has this one.
    """

    __tablename__ = "postal_returns"
    __table_args__ = (Index("ix_postal_returns_kind_fase", "kind", "fase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RegisterKind] = mapped_column(enum_of(RegisterKind, "kind"))
    fase: Mapped[int]
    returned_address: Mapped[str] = mapped_column(String(400))
    returned_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(255))


MOST = {"street": LONGEST, "number": 20, "box": 20, "postcode": 10, "locality": 100}
WRONG = {
    AddressFault.NO_STREET: "Écrivez la rue, sans le numéro.",
    AddressFault.NO_POSTCODE: "Écrivez le code postal : quatre chiffres.",
    AddressFault.NO_LOCALITY: "Écrivez la localité.",
}


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """The address that holds, what is wrong with it, whether a person corrected it, when mail came back from it."""

    address: PostalAddress
    faults: Sequence[AddressFault]
    is_corrected: bool = False
    returned_on: date | None = None

    @property
    def is_fit(self) -> bool:
        """Whether a letter can go there."""
        return not any(fault.is_fatal for fault in self.faults)


def registered(located: Authority | School) -> PostalAddress:
    """The address as the register says it."""
    return PostalAddress.of(located.address, located.postcode, located.locality)


def held_addresses(session: Session, located: Sequence[Authority] | Sequence[School]) -> dict[int, HeldAddress]:
    """The address of each of these authorities, or of these schools, by FASE number; two statements."""
    if not located:
        return {}
    kind, numbers = kind_of(located[0]), [one.fase for one in located]
    standing = select(PostalCorrection).where(
        PostalCorrection.kind == kind, PostalCorrection.withdrawn_at.is_(None), among(PostalCorrection.fase, numbers)
    )
    corrections = {row.fase: row for row in session.scalars(standing)}
    came_back = select(PostalReturn).where(PostalReturn.kind == kind, among(PostalReturn.fase, numbers))
    returns = {
        (row.fase, row.returned_address): row.returned_on
        for row in session.scalars(came_back.order_by(PostalReturn.id))
    }
    return {one.fase: _held(one, corrections.get(one.fase), returns) for one in located}


def held_of(session: Session, located: Authority | School) -> HeldAddress:
    """The address of one authority or school."""
    rows: Sequence[Authority] | Sequence[School] = [located]  # type: ignore[assignment] # one of one kind
    return held_addresses(session, rows)[located.fase]


def correction_of(session: Session, located: Authority | School) -> PostalCorrection | None:
    """The correction that nobody withdrew; it holds while its `register_address` is the register's."""
    query = select(PostalCorrection).where(PostalCorrection.kind == kind_of(located))
    return session.scalar(query.where(PostalCorrection.fase == located.fase, PostalCorrection.withdrawn_at.is_(None)))


def correct_address(
    session: Session, located: Authority | School, address: PostalAddress, *, now: datetime, actor: str
) -> None:
    """Let this address hold in place of the register's, and of an earlier correction.

    Raises InputError when a letter could not go there, a part is too long, or it holds already.
    """
    take_lock(session, "register")
    parts = {name: line_of_words(getattr(address, name)) for name in MOST}
    address = PostalAddress(**parts)
    _refuse(address)
    before = held_of(session, located)
    if address == before.address and before.returned_on is None:
        raise InputError("C’est déjà l’adresse retenue.")
    if address == before.address:
        raise InputError("Un courrier est revenu de cette adresse : corrigez-la.")
    _end(session, correction_of(session, located), now, actor)
    session.add(
        PostalCorrection(
            kind=kind_of(located),
            fase=located.fase,
            register_address=located.full_address,
            house_number=parts.pop("number"),
            **parts,
            corrected_at=now,
            corrected_by=actor,
        )
    )
    session.flush()
    said = f"Adresse postale corrigée : « {before.address.words} » devient « {address.words} »."
    audit.record_entry(session, now, actor, told_of(located, said), subject_in_history(session, located))


def withdraw_address(session: Session, located: Authority | School, *, now: datetime, actor: str) -> None:
    """Let the register's address hold again. Raises NotFound when no correction stands."""
    take_lock(session, "register")
    old = correction_of(session, located)
    if old is None:
        raise NotFound("Cette adresse n’a pas de correction.")
    _end(session, old, now, actor)
    said = f"Correction de l’adresse postale « {old.address.words} » annulée."
    audit.record_entry(session, now, actor, told_of(located, said), subject_in_history(session, located))


def came_back(session: Session, located: Authority | School, *, on: date, now: datetime, actor: str) -> None:
    """Note that mail came back from the address that holds (« NPAI »): it is unfit until it is another one."""
    address = held_of(session, located).address
    session.add(
        PostalReturn(
            kind=kind_of(located),
            fase=located.fase,
            returned_address=address.words,
            returned_on=on,
            recorded_at=now,
            recorded_by=actor,
        )
    )
    session.flush()
    said = f"Courrier revenu de « {address.words} » (NPAI)."
    audit.record_entry(session, now, actor, told_of(located, said), subject_in_history(session, located))


def _held(
    located: Authority | School, correction: PostalCorrection | None, returns: dict[tuple[int, str], date]
) -> HeldAddress:
    holds = correction is not None and correction.register_address == located.full_address
    address = correction.address if holds and correction else registered(located)
    returned_on = returns.get((located.fase, address.words))
    faults = address.faults() + ([AddressFault.RETURNED] if returned_on else [])
    return HeldAddress(address, faults, holds, returned_on)


def _refuse(address: PostalAddress) -> None:
    fault = next((fault for fault in address.faults() if fault in WRONG), None)
    if fault is not None:
        raise InputError(WRONG[fault])
    if any(len(getattr(address, name)) > most for name, most in MOST.items()):
        raise InputError("Une partie de l’adresse est trop longue : 200 caractères pour la rue, 20 pour le numéro.")


def _end(session: Session, old: PostalCorrection | None, now: datetime, actor: str) -> None:
    if old is not None:
        old.withdrawn_at, old.withdrawn_by = now, actor
        session.flush()


class AddressFilter(Labelled):
    """Which addresses are asked for."""

    UNFIT = "unfit", "À corriger"
    RETURNED = "returned", "Courrier revenu"
    NO_NUMBER = "no_number", "Sans numéro"
    CORRECTED = "corrected", "Corrigées"
    ALL = "all", "Toutes"

    def takes(self, address: HeldAddress) -> bool:
        """Whether an address is asked for."""
        match self:
            case AddressFilter.UNFIT:
                return not address.is_fit
            case AddressFilter.RETURNED:
                return address.returned_on is not None
            case AddressFilter.NO_NUMBER:
                return AddressFault.NO_NUMBER in address.faults
            case AddressFilter.CORRECTED:
                return address.is_corrected
        return True


@dataclass(frozen=True, slots=True)
class AddressRow:
    """An authority, or one of its schools, with its postal address; `owner` is the authority's FASE number."""

    fase: int
    name: str
    owner: int
    authority_id: int
    held: HeldAddress


COLUMNS: Sequence[Column[AddressRow]] = (
    Column("name", "Nom", lambda row: row.name, sort=True),
    Column("fase", "FASE", lambda row: row.fase, sort=True, on=DATA),
    Column("authority", "FASE du PO", lambda row: row.owner, sort=True, on=DATA),
    Column("address", "Adresse", lambda row: row.held.address.words, sort=True),
    Column("street", "Rue", lambda row: row.held.address.street, on=DATA),
    Column("number", "Numéro", lambda row: row.held.address.number, on=DATA),
    Column("box", "Boîte", lambda row: row.held.address.box, on=DATA),
    Column("postcode", "Code postal", lambda row: row.held.address.postcode, sort=True),
    Column("locality", "Localité", lambda row: row.held.address.locality, on=DATA),
    Column("faults", "À savoir", lambda row: [fault.label for fault in row.held.faults]),
    Column("returned_on", "Courrier revenu le", lambda row: row.held.returned_on, Kind.DAY, on=DATA),
    Column("corrected", "Corrigée", lambda row: row.held.is_corrected, on=DATA),
)


def address_rows(session: Session, kind: RegisterKind) -> list[AddressRow]:
    """Every authority that owns a school today, or every such school, by name; three statements."""
    query = select(School, Authority).join(Ownership, Ownership.school_id == School.id)
    query = query.join(Authority, Authority.id == Ownership.authority_id).where(Ownership.current())
    owned = session.execute(query.order_by(School.folded, School.fase)).all()
    if kind is RegisterKind.SCHOOL:
        schools = held_addresses(session, [school for school, _ in owned])
        return [AddressRow(s.fase, s.display_name, po.fase, po.id, schools[s.fase]) for s, po in owned]
    owners = sorted({po for _, po in owned}, key=lambda po: (po.folded, po.fase))
    addresses = held_addresses(session, owners)
    return [AddressRow(po.fase, po.display_name, po.fase, po.id, addresses[po.fase]) for po in owners]


def list_addresses(
    every: Sequence[AddressRow], asked: AddressFilter, *, text: str = "", sort: str = ""
) -> InMemoryListing[AddressRow]:
    """The rows that are asked for."""
    return InMemoryListing(
        title="Adresses postales",
        columns=COLUMNS,
        sort=sort,
        usual="name",
        rows=[row for row in every if asked.takes(row.held)],
        key=lambda row: row.authority_id,
        text=text,
    )
