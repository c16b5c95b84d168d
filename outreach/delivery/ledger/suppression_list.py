"""The suppression list for display: the addresses, why and since when, and whose they are.

An address is on it once for each reason.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple
from unicodedata import normalize

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from outreach.db import Session
from outreach.delivery.models import Suppression, SuppressionReason
from outreach.directory import search
from outreach.directory.models import Authority, Contact
from outreach.errors import NotFound

PAGE_ROWS = 50


class Excluded(NamedTuple):
    """An entry of the list, and one contact of each authority that has or had the address, those in use first."""

    entry: Suppression
    contacts: Sequence[Contact]

    @property
    def address(self) -> str:
        """The address as a contact spells it, else its key."""
        return self.contacts[0].address if self.contacts else self.entry.address_key

    @property
    def authorities(self) -> list[Authority]:
        """The authorities that use the address now."""
        return [contact.authority for contact in self.contacts if contact.retired_at is None]


def counts(session: Session, text: str = "") -> dict[SuppressionReason, int]:
    """How many addresses that match `text` are suppressed, for each reason, including 0."""
    query = _in_force(text=text).with_only_columns(Suppression.reason, func.count()).group_by(Suppression.reason)
    counted = dict(session.execute(query).all())
    return {reason: counted.get(reason, 0) for reason in SuppressionReason}


def page(
    session: Session, reason: SuppressionReason | None, text: str, number: int, among: Collection[int] | None = None
) -> list[Excluded]:
    """One page of the list, the latest first, for a reason or for any (None).

    `text` matches part of an address, or authorities by name or number as the directory does. `among` limits the list
    to these keys.
    """
    return _with_contacts(session, _in_turn(reason, text, among).limit(PAGE_ROWS).offset((number - 1) * PAGE_ROWS))


def every(
    session: Session, reason: SuppressionReason | None = None, text: str = "", among: Collection[int] | None = None
) -> list[Excluded]:
    """The whole list for a reason and a text, in the same order."""
    return _with_contacts(session, _in_turn(reason, text, among))


def count_among(session: Session, among: Collection[int], text: str = "") -> int:
    """How many of the entries with these keys match `text`."""
    query = _in_turn(None, text, among).order_by(None).with_only_columns(func.count())
    return session.scalar(query) or 0


def numbered(session: Session, number: int) -> Excluded:
    """The entry with this key. Raises NotFound when there is none, or it was lifted."""
    lines = _with_contacts(session, _in_force().where(Suppression.id == number))
    if not lines:
        raise NotFound("Cette exclusion n’existe pas, ou elle est levée.")
    return lines[0]


def _in_force(reason: SuppressionReason | None = None, text: str = "") -> Select[Suppression]:
    query = select(Suppression).where(Suppression.lifted_at.is_(None))
    if reason is not None:
        query = query.where(Suppression.reason == reason)
    return query.where(_is_found(text)) if text else query


def _is_found(text: str) -> ColumnElement[bool]:
    theirs = select(Contact.address_key).join(Authority).where(search.is_named(text))
    key = normalize("NFC", text.casefold())
    return or_(Suppression.address_key.contains(key, autoescape=True), Suppression.address_key.in_(theirs))


def _in_turn(reason: SuppressionReason | None, text: str, among: Collection[int] | None = None) -> Select[Suppression]:
    query = _in_force(reason, text)
    if among is not None:
        query = query.where(Suppression.id.in_(among))
    return query.order_by(Suppression.created_at.desc(), Suppression.id.desc())


def _with_contacts(session: Session, which: Select[Suppression]) -> list[Excluded]:
    entries = session.scalars(which).all()
    keys = which.with_only_columns(Suppression.address_key)
    theirs = select(Contact).where(Contact.address_key.in_(keys)).options(joinedload(Contact.authority))
    holders: dict[str, dict[int, Contact]] = defaultdict(dict)
    for contact in session.scalars(theirs.order_by(Contact.retired_at.is_not(None), Contact.id)):
        holders[contact.address_key].setdefault(contact.authority_id, contact)
    return [Excluded(entry, [*holders[entry.address_key].values()]) for entry in entries]
