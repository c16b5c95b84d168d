"""What is emptied rather than deleted, where figures or proofs stand on the row."""

from sqlalchemy import ColumnElement, case, exists, or_, update

from outreach.db import Session
from outreach.directory.models import Contact
from outreach.measuring.models import TrackingBasis

WORDS = (Contact.name, Contact.function, Contact.phone, Contact.usage, Contact.source_note)
ADDRESSES = (Contact.address, Contact.address_key, Contact.address_ascii)
# What was measured of a mailbox is shown as long as its letters are, so its agreement has to name it.
IS_PROVEN = exists().where(TrackingBasis.contact_id == Contact.id).correlate(Contact)


def has_words() -> ColumnElement[bool]:
    """The condition that a contact still says something of a person, or of an address that no agreement needs."""
    return or_(*(column != "" for column in WORDS), (Contact.address != "") & ~IS_PROVEN)


def empty_contacts(session: Session, these: ColumnElement[bool]) -> None:
    """Empty who read these addresses, and the addresses themselves except where an agreement names them."""
    emptied = {column.key: "" for column in WORDS}
    kept = {column.key: case((IS_PROVEN, column), else_="") for column in ADDRESSES}
    session.execute(
        update(Contact).where(these).values({**emptied, **kept}).execution_options(synchronize_session=False)
    )
