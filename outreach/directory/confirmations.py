"""When and how each address of an authority was last confirmed: by its owners, by a call, a list or a colleague."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    and_,
    exists,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, table_of
from outreach.core.text.labelled import Labelled
from outreach.directory.models import Authority, Contact

STALE_AFTER = timedelta(days=730)  # an address that nobody confirmed for so long may be nobody's


class ConfirmationWay(Labelled):
    """How an address was confirmed. WITHDRAWN takes back what the same answer, mail, call or list confirmed before."""

    PAGE = "page", "« Oui » sur sa page"
    ANSWER = "answer", "réponse à un courriel"
    MAIL = "mail", "courriel reçu"
    CALL = "call", "appel, joint"
    STAFF = "staff", "un collègue"
    LIST = "list", "liste de contacts"
    WITHDRAWN = "withdrawn", "reprise"


class Confirmation(Base):
    """An address was confirmed: when, how, by whom. Rows are only added; `note` and `actor` may be emptied.

    `about` names what confirmed it, such as « response:7 », so that it can be taken back; '' where nothing does. The
    address is its authority's, whichever row of the directory held it: an address that was put back stays confirmed.

    Personal data: the note, in a colleague's words.
    """

    __tablename__ = "address_confirmations"
    __table_args__ = (Index("ix_address_confirmations_about", "about"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    at: Mapped[datetime]
    way: Mapped[ConfirmationWay] = mapped_column(enum_of(ConfirmationWay, "confirmation_way"))
    actor: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")
    about: Mapped[str] = mapped_column(String(40), default="")

    @classmethod
    def stands(cls) -> ColumnElement[bool]:
        """True for what confirms and was not taken back since."""
        later = aliased(cls)
        undone = exists().where(
            *(later.about == cls.about, later.about != "", later.id > cls.id, later.contact_id == cls.contact_id),
            later.way == ConfirmationWay.WITHDRAWN,
        )
        return and_(cls.way != ConfirmationWay.WITHDRAWN, ~undone)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The last confirmation of an address: when, how, who did it, and what was noted."""

    at: datetime
    way: ConfirmationWay
    actor: str
    note: str


def latest(session: Session, *which: ColumnElement[bool]) -> dict[tuple[int, str], Confirmed]:
    """The last confirmation of each address, by (authority, address_key): of all, or of the contacts `which` is of."""
    whose = (Contact.authority_id, Contact.address_key)
    rank = func.row_number().over(partition_by=whose, order_by=(Confirmation.at.desc(), Confirmation.id.desc()))
    query = select(*whose, Confirmation.at, Confirmation.way, Confirmation.actor, Confirmation.note, rank.label("rank"))
    query = query.join(Contact, Contact.id == Confirmation.contact_id).where(Confirmation.stands(), *which)
    ranked = query.subquery()
    rows = session.execute(select(ranked).where(ranked.c.rank == 1))
    return {(authority, key): Confirmed(*told) for authority, key, *told, _ in rows}


def confirmed_since(since: datetime) -> ColumnElement[bool]:
    """True of an address, in a statement on contacts, that was last confirmed then or later."""
    held = aliased(Contact)
    theirs = select(Confirmation.id).join(held, held.id == Confirmation.contact_id)
    return exists(
        theirs.where(
            *(held.authority_id == Contact.authority_id, held.address_key == Contact.address_key),
            *(Confirmation.stands(), Confirmation.at >= since),
        )
    )


def confirm(
    session: Session,
    authority: int,
    key: str,
    way: ConfirmationWay,
    *,
    at: datetime,
    actor: str = "",
    about: str = "",
) -> None:
    """Record that an address of an authority is confirmed, where it is in use. `actor` is '' where it is its reader."""
    of = (Contact.authority_id == authority, Contact.address_key == key, Contact.retired_at.is_(None))
    if key and (number := session.scalar(select(Contact.id).where(*of))) is not None:
        add(session, number, way, at=at, actor=actor or audit.mailbox_actor(number), about=about)


def add(
    session: Session,
    contact: int,
    way: ConfirmationWay,
    *,
    at: datetime,
    actor: str,
    note: str = "",
    about: str = "",
) -> None:
    """Record that a contact's address is confirmed."""
    session.add(Confirmation(contact_id=contact, at=at, way=way, actor=actor, note=note, about=about))
    session.flush()


def add_all(
    session: Session, which: ColumnElement[bool], way: ConfirmationWay, *, at: datetime, actor: str, about: str
) -> None:
    """Record it, by one statement, of the contacts for which this is true and that may be written to."""
    rows = select(Contact.id, *_told(way, at, actor), literal(about)).where(which, Contact.usable())
    _add(session, rows.order_by(Contact.id))


def withdraw(session: Session, abouts: Iterable[str], *, now: datetime, actor: str) -> None:
    """Take back what these confirmed: an answer that was not theirs, a mail of another authority, a list."""
    told = Confirmation.about.in_(list(abouts)), Confirmation.stands()
    values = Confirmation.contact_id, *_told(ConfirmationWay.WITHDRAWN, now, actor), Confirmation.about
    _add(session, select(*values).where(*told).order_by(Confirmation.id))


def _told(way: ConfirmationWay, at: datetime, actor: str) -> Sequence[ColumnElement[Any]]:
    columns = table_of(Confirmation).c
    values = {"at": at, "way": way, "actor": actor, "note": ""}
    return [literal(value, columns[name].type) for name, value in values.items()]


def _add(session: Session, rows: Select[Any]) -> None:
    columns = ["contact_id", "at", "way", "actor", "note", "about"]
    session.execute(insert(Confirmation).from_select(columns, rows))


def history(session: Session, authority: Authority) -> Sequence[tuple[Confirmation, str]]:
    """The confirmations of an authority's addresses that stand, each with the address, the newest first."""
    query = select(Confirmation, Contact.address).join(Contact, Contact.id == Confirmation.contact_id)
    query = query.where(Contact.authority_id == authority.id, Contact.address != "", Confirmation.stands())
    return [(row[0], row[1]) for row in session.execute(query.order_by(Confirmation.at.desc(), Confirmation.id.desc()))]
