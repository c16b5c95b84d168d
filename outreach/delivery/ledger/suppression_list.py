"""The suppression list for display: the addresses, why and since when, and whose they are.

An address is on it once for each reason.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from unicodedata import normalize

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from outreach.columns import DATA, Column, Kind, On, Queried, by_label
from outreach.db import Session
from outreach.delivery.models import Suppression, SuppressionReason
from outreach.directory import search
from outreach.directory.models import Authority, Contact
from outreach.errors import NotFound

NOWHERE: Mapping[int, str] = {}


class Excluded(NamedTuple):
    """An entry of the list, and one contact of each authority that has or had the address, those in use first.

    `elsewhere` is the address whose refusal caused it, where that is another one.
    """

    entry: Suppression
    contacts: Sequence[Contact]
    elsewhere: str = ""

    @property
    def address(self) -> str:
        """The address as a contact spells it, else its key."""
        return self.contacts[0].address if self.contacts else self.entry.address_key

    @property
    def authorities(self) -> list[Authority]:
        """The authorities that use the address now."""
        return [contact.authority for contact in self.contacts if contact.retired_at is None]


COLUMNS: Sequence[Column[Excluded]] = (
    Column("address", "Adresse", lambda row: row.address, sort=Suppression.address_key),
    Column("reason", "Motif", lambda row: row.entry.reason, sort=by_label(Suppression.reason, SuppressionReason)),
    Column("scope", "Arrête", lambda row: row.entry.scope, on=DATA),
    Column("since", "Depuis", lambda row: row.entry.created_at, Kind.INSTANT, sort=Suppression.created_at),
    Column("by", "Par", lambda row: row.entry.created_by, Kind.PERSON, on=DATA),
    Column("detail", "Précision", lambda row: row.entry.detail, on=DATA),
    Column("authorities", "FASE", lambda row: [one.fase for one in row.authorities], on=DATA),
    Column("names", "Pouvoir organisateur", lambda row: [one.display_name for one in row.authorities], on=On.FILE),
    Column("action", "Action", lambda _: "", on=On.PAGE),
)


def listed(
    session: Session,
    reason: SuppressionReason | None = None,
    text: str = "",
    *,
    further: Mapping[int, str] = NOWHERE,
    is_further: bool = False,
    sort: str = "",
) -> Queried[Excluded]:
    """The list for a reason or for any (None), the latest first.

    `text` matches part of an address, or authorities by name or number as the directory does. `further` has the entries
    that another address caused; `is_further` limits the list to them.
    """
    query = _in_force(reason, text)
    return Queried(
        title="Liste d’exclusion",
        columns=COLUMNS,
        sort=sort,
        usual="-since",
        session=session,
        query=query.where(Suppression.id.in_(further)) if is_further else query,
        order=(Suppression.created_at.desc(), Suppression.id.desc()),
        made=partial(_with_contacts, session, further),
        numbered=(Suppression.id, lambda row: row.entry.id),
    )


def counts(session: Session, text: str = "") -> dict[SuppressionReason, int]:
    """How many addresses that match `text` are suppressed, for each reason, including 0."""
    query = _in_force(text=text).with_only_columns(Suppression.reason, func.count()).group_by(Suppression.reason)
    counted = dict(session.execute(query).all())
    return {reason: counted.get(reason, 0) for reason in SuppressionReason}


def numbered(session: Session, number: int) -> Excluded:
    """The entry with this key. Raises NotFound when there is none, or it was lifted."""
    entries = session.scalars(_in_force().where(Suppression.id == number)).all()
    if not entries:
        raise NotFound("Cette exclusion n’existe pas, ou elle est levée.")
    return _with_contacts(session, NOWHERE, entries)[0]


def _in_force(reason: SuppressionReason | None = None, text: str = "") -> Select[Suppression]:
    query = select(Suppression).where(Suppression.lifted_at.is_(None))
    if reason is not None:
        query = query.where(Suppression.reason == reason)
    return query.where(_is_found(text)) if text else query


def _is_found(text: str) -> ColumnElement[bool]:
    theirs = select(Contact.address_key).join(Authority).where(search.is_named(text))
    # A part of an address may be of its mailbox or of its domain, where “ß” stays.
    parts = {normalize("NFC", text.casefold()), normalize("NFC", text.lower())}
    holds = (Suppression.address_key.contains(part, autoescape=True) for part in sorted(parts))
    return or_(Suppression.address_key.in_(theirs), *holds)


def _with_contacts(session: Session, further: Mapping[int, str], entries: Sequence[Suppression]) -> list[Excluded]:
    theirs = select(Contact).where(Contact.address_key.in_([entry.address_key for entry in entries]))
    theirs = theirs.options(joinedload(Contact.authority)).order_by(Contact.retired_at.is_not(None), Contact.id)
    holders: dict[str, dict[int, Contact]] = defaultdict(dict)
    for contact in session.scalars(theirs):
        holders[contact.address_key].setdefault(contact.authority_id, contact)
    return [Excluded(entry, [*holders[entry.address_key].values()], further.get(entry.id, "")) for entry in entries]
