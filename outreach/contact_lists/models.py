"""The tables of contact lists: what was sent, and what each list did to which address."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
from outreach.sent_lists.models import SentList


class ContactList(SentList, Base):
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
