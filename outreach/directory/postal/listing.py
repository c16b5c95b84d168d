"""The list of postal addresses, of authorities or of schools: those that a letter cannot go to, and all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from outreach.columns import DATA, Column, Held, Kind
from outreach.db import Session
from outreach.directory.models import Authority, Ownership, RegisterKind, School
from outreach.directory.postal.addresses import AddressFault
from outreach.directory.postal.holding import HeldAddress, held
from outreach.labelled import Labelled


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


def rows(session: Session, kind: RegisterKind) -> list[AddressRow]:
    """Every authority that owns a school today, or every such school, by name; three statements."""
    query = select(School, Authority).join(Ownership, Ownership.school_id == School.id)
    query = query.join(Authority, Authority.id == Ownership.authority_id).where(Ownership.current())
    owned = session.execute(query.order_by(School.folded, School.fase)).all()
    if kind is RegisterKind.SCHOOL:
        schools = held(session, [school for school, _ in owned])
        return [AddressRow(s.fase, s.display_name, po.fase, po.id, schools[s.fase]) for s, po in owned]
    owners = sorted({po for _, po in owned}, key=lambda po: (po.folded, po.fase))
    addresses = held(session, owners)
    return [AddressRow(po.fase, po.display_name, po.fase, po.id, addresses[po.fase]) for po in owners]


def listed(every: Sequence[AddressRow], asked: AddressFilter, *, text: str = "", sort: str = "") -> Held[AddressRow]:
    """The rows that are asked for."""
    return Held(
        title="Adresses postales",
        columns=COLUMNS,
        sort=sort,
        usual="name",
        rows=[row for row in every if asked.takes(row.held)],
        key=lambda row: row.authority_id,
        text=text,
    )
