"""The addresses of an authority: judged, derived from its number, added, corrected, reviewed by staff.

Pure, once the addresses in use have been read: pages judge one address by it, and lists thousands.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from typing import Self

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import Select, delete, insert, or_, select

from outreach.core import audit, erasure
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.erasure import ErasedAddresses
from outreach.core.text.addresses import Judgement, judge
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory import confirmations
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.models import Authority, Contact, ContactSchool, ContactSource, MailboxKind, Ownership, School

# Mailboxes that people have at home. Real neighbours such as ymail.com stand here so that nobody takes them for a slip.
HOMES = """
gmail.com googlemail.com ymail.com mail.com email.com gmx.com gmx.net gmx.fr gmx.be gmx.de
hotmail.com hotmail.be hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.co.uk live.com live.be live.fr live.nl
outlook.com outlook.be outlook.fr outlook.de msn.com yahoo.com yahoo.fr yahoo.be yahoo.de yahoo.co.uk
skynet.be telenet.be proximus.be scarlet.be voo.be brutele.be belgacom.net base.be numericable.be edpnet.be
icloud.com me.com mac.com aol.com laposte.net orange.fr free.fr wanadoo.fr sfr.fr proton.me protonmail.com
"""
WELL_KNOWN = frozenset(HOMES.split())
MUCH_MORE = 10  # a domain in use is doubted for another that has more than so many times its mailboxes
SHORTEST = 8  # "gmal.com": shorter names are too easily alike
LONG = 10  # from so many characters on, two slips are looked for
MEANT = sorted(domain for domain in WELL_KNOWN if len(domain) >= SHORTEST)
NAMED = 3
DIGITS = re.compile(r"\d+")


class InUse:
    """The addresses in use, from pairs of an address's key and the FASE number of an authority that has it.

    It remembers what it was asked of a domain, so that a list pays once for each.
    """

    def __init__(self, held: Iterable[tuple[str, int]]) -> None:
        self.holders: dict[str, tuple[int, ...]] = {}
        for key, fase in held:
            self.holders[key] = (*self.holders.get(key, ()), fase)
        self.domains = Counter(_domain(key) for key in self.holders)
        self._remembered: dict[str, str] = {}

    def meant(self, domain: str) -> str:
        """The domain that was probably meant by one that resembles it, or '' where there is nothing to doubt."""
        if domain in WELL_KNOWN or len(domain) < SHORTEST:
            return ""
        if domain not in self._remembered:
            self._remembered[domain] = _well_known(domain) or self._used(domain)
        return self._remembered[domain]

    def _used(self, domain: str) -> str:
        """The domain in use that is one slip away and has most addresses. Another number is no slip."""
        numbers, near = DIGITS.findall(domain), set[str]()
        for shortened in _shortened(domain):
            near.update(self._by_shortened.get(shortened, ()))
        alike = [used for used in near if OSA.distance(used, domain) == 1 and DIGITS.findall(used) == numbers]
        most, used = max(((self.domains[used], used) for used in alike), default=(0, ""))
        return used if most > MUCH_MORE * self.domains[domain] else ""

    @cached_property
    def _by_shortened(self) -> dict[str, list[str]]:
        """The domains in use by each form without one character: domains that are one slip apart share such a form.

        Comparing each domain of a list of 5,000 with 5,000 in use would take seconds.
        """
        index: dict[str, list[str]] = {}
        for domain in self.domains.keys() - WELL_KNOWN:
            for shortened in _shortened(domain):
                index.setdefault(shortened, []).append(domain)
        return index


def _shortened(domain: str) -> set[str]:
    return {domain, *(domain[:place] + domain[place + 1 :] for place in range(len(domain)))}


def _well_known(domain: str) -> str:
    """The well-known domain that is a slip away, or two in a long name; "hotmail.nl" is none for "hotmail.be"."""
    near = process.extract(domain, MEANT, scorer=OSA.distance, score_cutoff=2 if len(domain) >= LONG else 1)
    for known, slips, _ in near:
        ending, other = known.rpartition(".")[2], domain.rpartition(".")[2]
        if slips < 2 or OSA.distance(ending, other) < 2:
            return known
    return ""


def in_use(session: Session) -> InUse:
    """Read the addresses in use: one statement, about 10 ms for a thousand."""
    query = select(Contact.address_key, Authority.fase).join(Authority, Authority.id == Contact.authority_id)
    rows = session.execute(query.where(Contact.retired_at.is_(None)).order_by(Authority.fase))
    return InUse((key, fase) for key, fase in rows)


def elsewhere(session: Session, keys: Collection[str], *, fase: int) -> dict[str, str]:
    """The addresses, among these, that other authorities have in use, each with the remark that says so."""
    query = select(Contact.address_key, Authority.fase).join(Authority, Authority.id == Contact.authority_id)
    which = Contact.address_key.in_(keys), Contact.retired_at.is_(None), Authority.fase != fase
    found: dict[str, list[int]] = {}
    for key, other in session.execute(query.where(*which).order_by(Authority.fase)):
        found.setdefault(key, []).append(other)
    return {key: used_by(others) for key, others in found.items()}


def weigh(judged: Judgement, used: InUse, *, fase: int) -> Judgement:
    """Add the remarks that the directory gives rise to: the address is another authority's too, its domain resembles
    another. They refuse nothing. `meant` holds the address with that other domain. An address that the authority has
    already is not remarked on again.
    """
    holders = used.holders.get(judged.key, ())
    if fase in holders:
        return judged
    remarks = [used_by(holders)] if holders else []
    domain = _domain(judged.key)
    meant = used.meant(domain)
    if meant:
        remarks.append(f"Le domaine « {domain} » ressemble à un autre : « {meant} » ?")
    if not remarks:
        return judged
    address = f"{judged.address.rpartition('@')[0]}@{meant}" if meant else ""
    return replace(judged, warnings=(*judged.warnings, *remarks), meant=address)


def used_by(fases: Sequence[int]) -> str:
    """That an address is in use elsewhere, in French: by the authorities with these FASE numbers."""
    named = [f"PO {fase}" for fase in fases[:NAMED]]
    if len(fases) > NAMED:
        rest = len(fases) - NAMED
        named.append(f"{rest} autre{'s' if rest > 1 else ''}")
    *first, last = named
    return f"Déjà utilisée par {', '.join(first)}{' et ' if first else ''}{last}."


def _domain(key: str) -> str:
    return key.rpartition("@")[2]


# Marks that a retired address has again once it is put back.
KEPT = (
    *("address", "address_key", "address_ascii", "mailbox_kind"),
    *("name", "function", "phone", "usage", "source_note"),
    *("bounced_at", "review_asked_at", "reviewed_at", "reviewed_by"),
)


@dataclass(frozen=True, slots=True)
class Particulars:
    """The reader of a mailbox (a person's name, a function, a phone), its use, and where the service has it from.

    '' = not known.
    """

    name: str = ""
    function: str = ""
    phone: str = ""
    usage: str = ""
    source: str = ""

    @classmethod
    def of(cls, held: Contact) -> Self:
        """The particulars of an address."""
        return cls(held.name, held.function, held.phone, held.usage, held.source_note)

    def but(self, said: Mapping[str, str]) -> Self:
        """The same with what is said by name in the place of what was."""
        return replace(self, **said)

    def known(self) -> dict[str, str]:
        """The particulars that are known, by name."""
        return {field.name: text for field in fields(self) if (text := getattr(self, field.name))}

    def columns(self) -> dict[str, str]:
        """Their columns in the table of contacts."""
        described = {"name": self.name, "function": self.function, "phone": self.phone}
        return {**described, "usage": self.usage, "source_note": self.source}


NOTHING_KNOWN = Particulars()


def contacts_of(session: Session, authority: Authority) -> Sequence[Contact]:
    """Every address the authority has or had and that is still kept, the ones in use first, then newest first."""
    query = select(Contact).where(Contact.authority_id == authority.id, Contact.address != "")
    return session.scalars(query.order_by(Contact.retired_at.is_not(None), Contact.added_at.desc(), Contact.id)).all()


def failing_of(session: Session, authority: Authority) -> Sequence[Contact]:
    """The addresses of an authority that rejected a letter and are still to be corrected."""
    waiting = (Contact.authority_id == authority.id, Contact.bounced_at.is_not(None), Contact.retired_at.is_(None))
    return session.scalars(select(Contact).where(*waiting).order_by(Contact.address_key)).all()


def contact(session: Session, authority: Authority, contact_id: int) -> Contact:
    """One address in use of this authority. Raises NotFound."""
    query = select(Contact).where(
        Contact.id == contact_id, Contact.authority_id == authority.id, Contact.retired_at.is_(None)
    )
    held = session.scalar(query)
    if held is None:
        raise NotFound("Cette adresse n’est plus en usage.")
    return held


def add(
    session: Session,
    authority: Authority,
    judged: Judgement,
    *,
    now: datetime,
    actor: str,
    particulars: Particulars = NOTHING_KNOWN,
    kind: MailboxKind,
) -> Contact:
    """Add an address. One in a mixed alphabet is used only once a second person has reviewed it.

    One that was retired answers for the schools that it answered for before.

    Raises InputError when the authority has this address already, or the address was erased.
    """
    take_lock(session, "contacts", authority.fase)
    _refuse(session, authority, judged)
    limits = school_limits(session, [authority.id]).get((authority.id, judged.key), frozenset())
    added = _new(authority, judged, now, actor, particulars, kind)
    session.add(added)
    session.flush()
    _limit(session, added, limits)
    limited = " Elle répond pour les mêmes écoles qu’avant son retrait." if limits else ""
    waiting = " Elle attend la vérification d’une deuxième personne." if judged.mixed_writing else ""
    audit.record_entry(
        session, now, actor, f"Adresse {judged.address} ajoutée.{limited}{waiting}", subject_of(authority)
    )
    return added


def correct(
    session: Session,
    authority: Authority,
    old: Contact,
    judged: Judgement,
    *,
    now: datetime,
    actor: str,
    particulars: Particulars = NOTHING_KNOWN,
    kind: MailboxKind,
) -> Contact:
    """Replace an address: the old one is retired and stays in the history. The new one answers for the same schools.

    With the same address, only its particulars and kind change; if it bounced, it is put back in use. Raises
    InputError when the authority has the new address already or it was erased, NotFound when the old one is retired
    already.
    """
    _in_use(session, authority, old)
    if judged.key == old.address_key and old.bounced_at is None:
        for column, text in particulars.columns().items():
            setattr(old, column, text)
        old.mailbox_kind, old.address, old.address_ascii = kind, judged.address, judged.ascii
        old.changed_at, old.changed_by = now, actor
        session.flush()
        audit.record_entry(session, now, actor, f"Contact {judged.address} précisé.", subject_of(authority))
        return old
    _refuse(session, authority, judged, besides=old)
    old.retired_at, old.retired_by = now, actor
    session.flush()
    added = _new(authority, judged, now, actor, particulars, kind)
    session.add(added)
    session.flush()
    _limit(session, added, session.scalars(_limits_of(old)))
    sentence = f"Adresse {old.address} remplacée par {judged.address}."
    if judged.key == old.address_key:
        sentence = f"Adresse {judged.address} remise en usage après un rejet."
    audit.record_entry(session, now, actor, sentence, subject_of(authority))
    return added


def held_at(session: Session, authority: Authority, key: str) -> Contact | None:
    """The contact of an authority in use at the address with this key, if there is one."""
    return session.scalar(_used(authority, key))


def is_in_use(session: Session, authority: Authority, key: str, *, written_to: str) -> bool:
    """Whether the address with this key is in use. One a letter was `written_to` does not count if it bounced:
    correcting restores it.
    """
    counts = or_(Contact.bounced_at.is_(None), Contact.address_key != written_to)
    return session.scalar(_used(authority, key).where(counts)) is not None


def put_in_place(
    session: Session, authority: Authority, written_to: str, judged: Judgement, *, now: datetime, actor: str, said: str
) -> None:
    """Put an address in the place of the one that a letter was `written_to` (its key), or add it where that one is out
    of use. One that is in use already stays, and the letter's goes. `said` says where the service has it from.

    The telephone stays; who reads the other mailbox is not known. Raises InputError as `add`.
    """
    held = held_at(session, authority, written_to)
    if is_in_use(session, authority, judged.key, written_to=written_to):
        if held is not None and held.address_key != judged.key:
            retire(session, authority, held, now=now, actor=actor)
        return
    if held is None:
        known, kind = Particulars(source=said), MailboxKind.IMPERSONAL
        add(session, authority, judged, now=now, actor=actor, particulars=known, kind=kind)
        return
    known = Particulars.of(held) if held.address_key == judged.key else Particulars(phone=held.phone)
    particulars = replace(known, source=said)
    correct(session, authority, held, judged, now=now, actor=actor, particulars=particulars, kind=held.mailbox_kind)


def retire(session: Session, authority: Authority, old: Contact, *, now: datetime, actor: str) -> None:
    """Take an address out of use; it stays in the history. Raises NotFound when it is retired already."""
    _in_use(session, authority, old)
    old.retired_at, old.retired_by = now, actor
    audit.record_entry(session, now, actor, f"Adresse {old.address} retirée.", subject_of(authority))


def restorable(known: Iterable[Contact]) -> set[int]:
    """The keys of the retired addresses of an authority, of all it has or had, that `restore` would put back."""
    in_use = {held.address_key for held in known if held.retired_at is None}
    newest: dict[str, int] = {}
    for held in known:
        if held.address_key not in in_use and not erasure.is_mark(held.address_key):
            newest[held.address_key] = max(held.id, newest.get(held.address_key, 0))
    return set(newest.values())


def restore(session: Session, authority: Authority, number: int, *, now: datetime, actor: str) -> Contact:
    """Put an address back in use as it was when it was retired, by a row of its own; the retired row stays.

    A rejection and a review hold as before, and so do the schools it answers for. Raises NotFound when the authority
    has no such retired address, Refused when it is in use again or was retired once more.
    """
    take_lock(session, "contacts", authority.fase)
    known = contacts_of(session, authority)
    old = next((held for held in known if held.id == number and held.retired_at is not None), None)
    if old is None:
        raise NotFound("Ce pouvoir organisateur n’a pas cette adresse retirée.")
    if old.id not in restorable(known):
        raise Refused(f"L’adresse {old.address} est de nouveau en usage, ou a été retirée plus récemment.")
    back = Contact(
        authority=authority,
        **{name: getattr(old, name) for name in KEPT},
        source=ContactSource.STAFF,
        added_at=now,
        added_by=actor,
    )
    session.add(back)
    session.flush()
    _limit(session, back, session.scalars(_limits_of(old)))
    audit.record_entry(session, now, actor, f"Adresse {back.address} remise en usage.", subject_of(authority))
    return back


def review(session: Session, authority: Authority, waiting: Contact, *, now: datetime, actor: str) -> None:
    """Record that a second person reviewed an address.

    Raises Refused when no review was asked for or `actor` added the address, NotFound when it is retired already.
    """
    _in_use(session, authority, waiting)
    if not waiting.awaits_review:
        raise Refused("Cette adresse n’attend pas de vérification.")
    if waiting.added_by == actor:
        raise Refused("La vérification revient à une autre personne que celle qui a ajouté l’adresse.")
    waiting.reviewed_at, waiting.reviewed_by = now, actor
    confirmations.add(session, waiting.id, ConfirmationWay.STAFF, at=now, actor=actor)
    audit.record_entry(session, now, actor, f"Adresse {waiting.address} vérifiée.", subject_of(authority))


def confirm(
    session: Session, authority: Authority, held: Contact, *, now: datetime, actor: str, note: str = ""
) -> None:
    """Record that a mailbox is read, as somebody said (`note`: who, how). Raises Refused when it is not usable."""
    take_lock(session, "contacts", authority.fase)
    session.refresh(held)
    if held.retired_at is not None or held.bounced_at is not None or held.awaits_review:
        raise Refused(f"L’adresse {held.address} ne peut pas servir : corrigez-la d’abord.")
    confirmations.add(session, held.id, ConfirmationWay.STAFF, at=now, actor=actor, note=note)
    said = f"Boîte {held.address} confirmée{f' : {note}' if note else ''}".rstrip(".")
    audit.record_entry(session, now, actor, f"{said}.", subject_of(authority))


def answer_for(
    session: Session, authority: Authority, held: Contact, schools: Collection[School], *, now: datetime, actor: str
) -> None:
    """State which schools an address answers for; none means all of its authority's, also those to come.

    Raises InputError when one is not a school of this authority, NotFound when the address is retired already.
    """
    _in_use(session, authority, held)
    own = own_schools(session, authority)
    for school in schools:
        if school.fase not in own:
            raise InputError(f"L’école {school.fase} n’est pas de ce pouvoir organisateur.")
    keys = {school.id for school in schools}
    if keys == set(session.scalars(_limits_of(held))):
        return
    session.execute(delete(ContactSchool).where(ContactSchool.contact_id == held.id))
    _limit(session, held, keys)
    held.changed_at, held.changed_by = now, actor
    named = ", ".join(str(fase) for fase in sorted(school.fase for school in schools))
    whom = f"les écoles {named} seulement" if len(keys) > 1 else f"l’école {named} seulement"
    sentence = f"Adresse {held.address} : répond pour {whom if keys else 'toutes les écoles'}."
    audit.record_entry(session, now, actor, sentence, subject_of(authority))


def own_schools(session: Session, authority: Authority) -> dict[int, School]:
    """The schools an authority runs today, by FASE number."""
    query = select(School).join(Ownership, Ownership.school_id == School.id)
    listed = query.where(Ownership.authority_id == authority.id, Ownership.current())
    return {school.fase: school for school in session.scalars(listed.order_by(School.folded, School.fase))}


def limited_of(session: Session, authority: Authority) -> dict[int, list[School]]:
    """The only schools that addresses of an authority answer for, by the keys of the contacts that have any."""
    query = (
        select(ContactSchool.contact_id, School)
        .join(School, School.id == ContactSchool.school_id)
        .join(Contact, Contact.id == ContactSchool.contact_id)
        .where(Contact.authority_id == authority.id)
        .order_by(School.folded, School.fase)
    )
    limited: dict[int, list[School]] = {}
    for contact_id, school in session.execute(query):
        limited.setdefault(contact_id, []).append(school)
    return limited


def answering_for(session: Session, authority: Authority, school: School) -> list[tuple[Contact, bool]]:
    """The addresses in use that answer for a school of an authority, each with whether it answers for some only.

    Addresses that answer for some only come first, then addresses that answer for all schools.
    """
    limited = limited_of(session, authority)
    held = [contact for contact in contacts_of(session, authority) if contact.retired_at is None]
    own = [(contact, True) for contact in held if school in limited.get(contact.id, ())]
    return own + [(contact, False) for contact in held if contact.id not in limited]


def schools_of(session: Session, held: Contact) -> Sequence[School]:
    """The only schools that an address answers for, by name; empty when it answers for all of its authority's."""
    query = select(School).where(School.id.in_(_limits_of(held)))
    return session.scalars(query.order_by(School.folded, School.fase)).all()


def school_limits(session: Session, authorities: Iterable[int]) -> dict[tuple[int, str], frozenset[int]]:
    """The keys of the only schools that addresses of these authorities answer for, by (authority, address_key).

    An address that answers for all has no entry. One that is retired has what its newest row said.
    """
    limited = select(Contact.authority_id).join(ContactSchool, ContactSchool.contact_id == Contact.id)
    query = (
        select(Contact.authority_id, Contact.address_key, Contact.id, ContactSchool.school_id)
        .outerjoin(ContactSchool, ContactSchool.contact_id == Contact.id)
        .where(among(Contact.authority_id, authorities), Contact.authority_id.in_(limited))
        .order_by(Contact.retired_at.is_(None), Contact.id)
    )
    newest: dict[tuple[int, str], tuple[int, set[int]]] = {}
    for authority, key, row, school in session.execute(query):
        if newest.get((authority, key), (0,))[0] != row:
            newest[authority, key] = (row, set())
        if school is not None:
            newest[authority, key][1].add(school)
    return {address: frozenset(schools) for address, (_, schools) in newest.items() if schools}


def record_bounce(session: Session, address: str, *, now: datetime, actor: str) -> int:
    """Mark an address as rejecting mail, wherever it is in use; returns how many contacts were marked."""
    if erasure.is_mark(address):
        return 0
    query = select(Contact).where(
        Contact.address_key == judge(address).key, Contact.retired_at.is_(None), Contact.bounced_at.is_(None)
    )
    contacts = session.scalars(query).all()
    for failing in contacts:
        failing.bounced_at = now
        audit.record_entry(
            session, now, actor, f"Rejet constaté pour {failing.address}.", subject_of(failing.authority)
        )
    return len(contacts)


def forget_bounce(session: Session, address_key: str, *, now: datetime, actor: str) -> None:
    """Make an address that rejected mail usable again, wherever it is in use, as `actor` vouches for it."""
    query = select(Contact).where(Contact.address_key == address_key, Contact.retired_at.is_(None))
    for mended in session.scalars(query.where(Contact.bounced_at.is_not(None))).all():
        mended.bounced_at = None
        sentence = f"Adresse {mended.address} remise en usage après un rejet."
        audit.record_entry(session, now, actor, sentence, subject_of(mended.authority))


def subject_of(authority: Authority) -> str:
    """The audit's subject for an authority."""
    return f"authority:{authority.fase}"


def _in_use(session: Session, authority: Authority, held: Contact) -> None:
    take_lock(session, "contacts", authority.fase)
    session.refresh(held)
    if held.retired_at is not None:
        raise NotFound("Cette adresse n’est plus en usage.")


def _refuse(session: Session, authority: Authority, judged: Judgement, besides: Contact | None = None) -> None:
    ErasedAddresses.of(session).refuse(judged.key)
    query = select(Contact.id).where(
        Contact.authority_id == authority.id, Contact.address_key == judged.key, Contact.retired_at.is_(None)
    )
    if any(identity != (besides.id if besides else None) for identity in session.scalars(query)):
        raise InputError(f"Ce pouvoir organisateur a déjà l’adresse {judged.address}.")


def _used(authority: Authority, key: str) -> Select[Contact]:
    at = Contact.authority_id == authority.id, Contact.address_key == key
    return select(Contact).where(*at, Contact.retired_at.is_(None))


def _limits_of(held: Contact) -> Select[int]:
    return select(ContactSchool.school_id).where(ContactSchool.contact_id == held.id)


def _limit(session: Session, held: Contact, schools: Iterable[int]) -> None:
    rows = [{"contact_id": held.id, "school_id": school} for school in schools]
    if rows:
        session.execute(insert(ContactSchool), rows)


def _new(
    authority: Authority, judged: Judgement, now: datetime, actor: str, particulars: Particulars, kind: MailboxKind
) -> Contact:
    return Contact(
        authority=authority,
        address=judged.address,
        address_key=judged.key,
        address_ascii=judged.ascii,
        **particulars.columns(),
        mailbox_kind=kind,
        source=ContactSource.STAFF,
        added_at=now,
        added_by=actor,
        review_asked_at=now if judged.mixed_writing else None,
    )
