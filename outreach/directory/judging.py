"""Judges an address against the directory: whose it is already, and which domain was probably meant.

Pure, once the addresses in use have been read: pages judge one address by it, and lists thousands.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import select

from outreach.db import Session
from outreach.directory.models import Authority, Contact
from outreach.mail import addresses
from outreach.mail.addresses import Judgement

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


def judge(text: str, used: InUse, *, fase: int, examples: bool = True, ours: str = "") -> Judgement:
    """Judge an address for the authority with this FASE number, as `mail.addresses.judge` and `weigh` do.

    Raises SeveralAddresses or InputError, with a sentence that says what to do.
    """
    return weigh(addresses.judge(text, examples=examples, ours=ours), used, fase=fase)


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
