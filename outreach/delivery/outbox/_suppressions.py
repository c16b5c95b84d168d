"""The suppression list: addresses that get no more mail, why, of which class; and the list as people read it.

An address is on it once for each reason.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from unicodedata import normalize

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, exists, func, literal, or_, select
from sqlalchemy.orm import joinedload

from outreach.core import audit, erasure
from outreach.core.audit import EventKind, publish_event
from outreach.core.db import Session, take_lock
from outreach.core.tables import DATA, Column, Kind, On, QueryListing, by_label
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery.models import Mailing, Message, MessageClass, Suppression, SuppressionReason, SuppressionScope
from outreach.delivery.outbox._outbox import Proof, count_as_accepted, is_test
from outreach.directory import contacts
from outreach.directory.authorities import is_named
from outreach.directory.models import Authority, Contact


def suppress_address(
    session: Session, address_key: str, reason: SuppressionReason, *, now: datetime, actor: str, detail: str = ""
) -> Suppression:
    """Suppress an address: an unsubscription stops awareness mail only, any other reason stops everything.

    A second call for the same reason changes nothing: the first row stands.
    """
    take_lock(session, "suppression", address_key)
    query = select(Suppression).where(
        Suppression.address_key == address_key, Suppression.reason == reason, Suppression.lifted_at.is_(None)
    )
    suppression = session.scalar(query)
    if suppression is None:
        scope = SuppressionScope.AWARENESS if reason is SuppressionReason.UNSUBSCRIBED else SuppressionScope.ALL
        suppression = Suppression(
            address_key=address_key, reason=reason, scope=scope, created_at=now, created_by=actor, detail=detail
        )
        session.add(suppression)
        session.flush()
        _record(session, suppression, "ajoutée", now=now, actor=actor)
    return suppression


def unsubscribe_letter(session: Session, letter: Message, *, now: datetime, detail: str) -> bool:
    """Unsubscribe the address of a letter from awareness mail.

    The request has a token that only the letter contains, so the letter arrived: this settles its doubt. `detail` says
    how the request came. Returns False, and changes nothing, for a test letter.
    """
    if is_test(session, letter):
        return False
    reason = SuppressionReason.UNSUBSCRIBED
    suppress_address(session, letter.address_key, reason, now=now, actor="destinataire", detail=detail)
    count_as_accepted(session, letter, Proof.UNSUBSCRIPTION, now=now)
    return True


def unsubscribed_at(session: Session, letter: Message) -> datetime | None:
    """Since when the address of a letter is unsubscribed, or None."""
    for suppression in in_force(session, [letter.address_key]):
        if suppression.reason is SuppressionReason.UNSUBSCRIBED:
            return suppression.created_at
    return None


def subscribe_again(session: Session, letter: Message, *, now: datetime, because: str) -> bool:
    """Take back the unsubscription of a letter's address; the row stays, with when and why it was lifted.

    The request proves that the letter arrived, as in `unsubscribe_letter`. Exclusions for other reasons stand. Returns
    whether there was one; a test letter changes nothing.
    """
    if is_test(session, letter):
        return False
    count_as_accepted(session, letter, Proof.UNSUBSCRIPTION, now=now)
    try:
        reason = SuppressionReason.UNSUBSCRIBED
        lift_suppression(session, letter.address_key, reason, now=now, actor="destinataire", because=because)
    except NotFound:
        return False
    return True


def lift_suppression(
    session: Session, address_key: str, reason: SuppressionReason, *, now: datetime, actor: str, because: str = ""
) -> None:
    """Lift a suppression. After a hard bounce, contacts with the address can be used again.

    Raises NotFound when the address was not on the list for this reason, Refused for an erased address.
    """
    if erasure.is_mark(address_key):
        raise Refused("Cette adresse est effacée, comme la personne l’a demandé : on ne lui écrit plus.")
    take_lock(session, "suppression", address_key)
    query = select(Suppression).where(
        Suppression.address_key == address_key, Suppression.reason == reason, Suppression.lifted_at.is_(None)
    )
    suppression = session.scalar(query)
    if suppression is None:
        raise NotFound("Cette adresse n’est pas sur la liste d’exclusion pour ce motif.")
    suppression.lifted_at, suppression.lifted_by, suppression.lifted_because = now, actor, because
    _record(session, suppression, "levée", now=now, actor=actor)
    if reason is SuppressionReason.HARD_BOUNCE:
        contacts.forget_bounce(session, address_key, now=now, actor=actor)


def suppression_subject(number: int) -> str:
    """How the audit names an exclusion."""
    return f"exclusion:{number}"


def _record(session: Session, suppression: Suppression, done: str, *, now: datetime, actor: str) -> None:
    """Have the audit name an exclusion by its number: an entry outlives the address that the row can lose."""
    theirs = select(Authority.fase).join(Contact, Contact.authority_id == Authority.id)
    theirs = theirs.where(Contact.address_key == suppression.address_key, Contact.retired_at.is_(None)).distinct()
    fases = sorted(session.scalars(theirs))
    about = {"exclusion": suppression.id, "reason": suppression.reason.value, "authorities": fases}
    kind = EventKind.ADDRESS_READMITTED if suppression.lifted_at else EventKind.ADDRESS_EXCLUDED
    publish_event(session, kind, suppression_subject(suppression.id), about, at=now)
    said = f"Exclusion {suppression.id} {done} ({suppression.reason.label})."
    audit.record_entry(session, now, actor, said, suppression_subject(suppression.id))


def vouch_for_address(session: Session, address_key: str, *, now: datetime, actor: str) -> None:
    """Lift the exclusion of an address that rejected mail: somebody enters it anew, and so vouches that it works."""
    for suppression in in_force(session, [address_key]):
        if suppression.reason is SuppressionReason.HARD_BOUNCE:
            because = "adresse saisie de nouveau"
            lift_suppression(session, address_key, suppression.reason, now=now, actor=actor, because=because)


def in_force(session: Session, keys: Sequence[str]) -> list[Suppression]:
    """The suppressions of these addresses that are in force, in the order in which they were recorded."""
    query = select(Suppression).where(Suppression.address_key.in_(keys), Suppression.lifted_at.is_(None))
    return list(session.scalars(query.order_by(Suppression.id)))


def suppressed_among(session: Session, keys: Sequence[str], message_class: MessageClass) -> set[str]:
    """Which of these addresses are suppressed for a class of message."""
    query = select(Suppression.address_key).where(
        Suppression.address_key.in_(keys), is_suppressed(Suppression.address_key, literal(message_class.value))
    )
    return set(session.scalars(query))


def is_suppressed(
    address_key: SQLColumnExpression[str], message_class: SQLColumnExpression[MessageClass]
) -> ColumnElement[bool]:
    """True where an address is suppressed for a class of message, inside another statement."""
    in_force = exists().where(
        Suppression.address_key == address_key,
        Suppression.lifted_at.is_(None),
        or_(Suppression.scope == SuppressionScope.ALL, message_class == MessageClass.AWARENESS),
    )
    return in_force.correlate_except(Suppression)


def stops_the_letter() -> ColumnElement[bool]:
    """True where a letter's address is suppressed for its mailing's class of message, inside a statement on letters."""
    its_class = select(Mailing.message_class).where(Mailing.id == Message.mailing_id)
    return is_suppressed(Message.address_key, its_class.correlate_except(Mailing).scalar_subquery())


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


def list_suppressions(
    session: Session,
    reason: SuppressionReason | None = None,
    text: str = "",
    *,
    further: Mapping[int, str] = NOWHERE,
    is_further: bool = False,
    sort: str = "",
) -> QueryListing[Excluded]:
    """The list for a reason or for any (None), the latest first.

    `text` matches part of an address, or authorities by name or number as the directory does. `further` has the entries
    that another address caused; `is_further` limits the list to them.
    """
    query = _in_force(reason, text)
    return QueryListing(
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


def count_suppressions(session: Session, text: str = "") -> dict[SuppressionReason, int]:
    """How many addresses that match `text` are suppressed, for each reason, including 0."""
    query = _in_force(text=text).with_only_columns(Suppression.reason, func.count()).group_by(Suppression.reason)
    counted = dict(session.execute(query).all())
    return {reason: counted.get(reason, 0) for reason in SuppressionReason}


def get_suppression(session: Session, number: int) -> Excluded:
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
    theirs = select(Contact.address_key).join(Authority).where(is_named(text))
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
