"""The postal address that holds for an authority or a school; its correction, and the mark of mail that came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from outreach import audit
from outreach.db import Session, take_turns
from outreach.db.in_list import among
from outreach.directory.models import Authority, School
from outreach.directory.name_corrections import kind_of, subject_in_history, told_of
from outreach.directory.postal.addresses import AddressFault, PostalAddress
from outreach.directory.postal.models import LONGEST, PostalCorrection, PostalReturn
from outreach.errors import InputError, NotFound
from outreach.text import line_of_words

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


def held(session: Session, located: Sequence[Authority] | Sequence[School]) -> dict[int, HeldAddress]:
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
    return held(session, rows)[located.fase]


def correction_of(session: Session, located: Authority | School) -> PostalCorrection | None:
    """The correction that nobody withdrew; it holds while its `register_address` is the register's."""
    query = select(PostalCorrection).where(PostalCorrection.kind == kind_of(located))
    return session.scalar(query.where(PostalCorrection.fase == located.fase, PostalCorrection.withdrawn_at.is_(None)))


def correct(
    session: Session, located: Authority | School, address: PostalAddress, *, now: datetime, actor: str
) -> None:
    """Let this address hold in place of the register's, and of an earlier correction.

    Raises InputError when a letter could not go there, a part is too long, or it holds already.
    """
    take_turns(session, "register")
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
    audit.record(session, now, actor, told_of(located, said), subject_in_history(session, located))


def withdraw(session: Session, located: Authority | School, *, now: datetime, actor: str) -> None:
    """Let the register's address hold again. Raises NotFound when no correction stands."""
    take_turns(session, "register")
    old = correction_of(session, located)
    if old is None:
        raise NotFound("Cette adresse n’a pas de correction.")
    _end(session, old, now, actor)
    said = f"Correction de l’adresse postale « {old.address.words} » annulée."
    audit.record(session, now, actor, told_of(located, said), subject_in_history(session, located))


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
    audit.record(session, now, actor, told_of(located, said), subject_in_history(session, located))


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
