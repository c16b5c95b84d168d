"""Reads the facts about recipients that letters need, for many recipients at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Row, Select, select

from outreach.adherence.models import Status, Strand
from outreach.adherence.standing import standing_of_some, status_of
from outreach.campaigns.letter.blocks import LISTED
from outreach.campaigns.letter.facts import Facts
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity
from outreach.campaigns.letter.measures import Measures
from outreach.campaigns.letter.merge_fields import DIRECTLY, OF_SCHOOLS, REMINDED, UNCONFIRMED, WRITTEN_DIRECTLY
from outreach.campaigns.letter.page_links import Links, Measure
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.ledger.letters import Due, listed_by_mailbox
from outreach.directory.contacts import school_limits
from outreach.directory.listing import represented
from outreach.directory.models import Authority, Network, School
from outreach.directory.names.display_names import display_name
from outreach.mail.letters.compiled_letters import Letter


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """Reads the facts about recipients that a letter needs: a few statements, however many the recipients are.

    It reads only what the letter's fields use. `mailing` is the mailing whose openings and clicks are counted, or None.
    With `leads_nowhere` the letters are only looked at: their links have no tokens. `together` says, for letters that
    are in no mailing, how many schools of each authority are written to directly. `on_paper`: they are printed.
    `reminded` selects the keys of the authorities that a reminder reminds of a letter, or None where it is of all;
    `doubted` those of which an answer waits to be confirmed, or None where it is of none.
    """

    sending: SenderIdentity
    frozen: Frozen
    letter: Letter
    strand_id: int | None
    may_unsubscribe: bool
    day: date
    mailing: int | None = None
    leads_nowhere: bool = False
    together: Mapping[int, int] | None = None
    on_paper: bool = False
    reminded: Select[int] | None = None
    doubted: Select[int | None] | None = None

    def facts(self, session: Session, due: Sequence[Due]) -> dict[int, Facts]:
        """The facts for each letter, by message key. Raises KeyError for a letter to a federation."""
        keys = sorted({message.authority_id for message in due if message.authority_id is not None})
        authorities = _authorities(session, keys)
        networks = {network.id: network.label for network in session.scalars(select(Network))}
        schools = self._schools(session, {school for message in due for school in message.schools})
        stand, federations = self._stand(session, keys), self._federations(session, keys)
        limits = school_limits(session, keys) if stand or self._tells_directly or self._asks(OF_SCHOOLS) else {}
        directly = self._written_directly(session, limits, due)
        networks_of = {key: authority.network_id for key, authority in authorities.items()}
        reminded, doubted = self._reminded(session, keys), self._doubted(session, keys)
        measures = self._measures().of(session, due, networks_of)
        facts = {}
        for message in due:
            authority = authorities[message.authority_id]
            limit = limits.get((authority.id, message.address_key))
            statuses = [at for school, at in stand.get(authority.id, []) if limit is None or school in limit]
            facts[message.id] = Facts(
                fase=authority.fase,
                name=authority.corrected_name or display_name(authority.name),
                network=networks[authority.network_id],
                municipality=authority.municipality,
                schools=_in_order(message.schools, schools),
                eligible=len(statuses),
                joined=sum(status is Status.JOINED for status in statuses),
                federations=federations.get(authority.id, []),
                links=self._links(message.public_id, measures[message.id]),
                shared=self.frozen.shared,
                written_directly=directly.get(authority.id, 0) if limit is None else 0,
                is_limited=limit is not None,
                on_paper=self.on_paper,
                had_letter=authority.id in reminded,
                has_unconfirmed=authority.id in doubted,
            )
        return facts

    def _measures(self) -> Measures:
        address, keys = self.sending.address, self.sending.keys
        return Measures(address, keys, self.frozen.tracking, list(self.frozen.links), self.mailing)

    def _links(self, identity: str, measure: Measure) -> Links:
        service, keys, name = self.sending.address, self.sending.keys, bytes.fromhex(identity)
        if self.leads_nowhere:
            return Links.that_lead_nowhere(service, measure, may_unsubscribe=self.may_unsubscribe)
        return Links.of(service, keys, name, measure, may_unsubscribe=self.may_unsubscribe)

    @property
    def _tells_directly(self) -> bool:
        return self._asks(WRITTEN_DIRECTLY, DIRECTLY)

    def _written_directly(
        self, session: Session, limits: Mapping[tuple[int, str], frozenset[int]], due: Sequence[Due]
    ) -> Mapping[int, int]:
        """By authority, how many schools are listed by the letters to mailboxes that answer for some only."""
        if not self._tells_directly or not limits:
            return {}
        if self.together is not None:
            return self.together
        schools: dict[int | None, set[int]] = {}
        mailings, authorities = {message.mailing_id for message in due}, {authority for authority, _ in limits}
        for authority, key, school in session.execute(listed_by_mailbox(mailings, authorities)):
            if (authority, key) in limits:
                schools.setdefault(authority, set()).add(school)
        return {authority: len(listed) for authority, listed in schools.items() if authority is not None}

    def _reminded(self, session: Session, keys: Sequence[int]) -> Collection[int]:
        """Which of these authorities already had a letter of the campaign; all where the letter does not ask."""
        if self.reminded is None or not (self.frozen.shared.is_reminder and self._asks(REMINDED)):
            return keys
        had = select(Authority.id).where(among(Authority.id, keys), Authority.id.in_(self.reminded))
        return frozenset(session.scalars(had))

    def _doubted(self, session: Session, keys: Sequence[int]) -> Collection[int]:
        """Of which of these authorities an answer to the campaign waits to be confirmed."""
        if self.doubted is None or not self._asks(UNCONFIRMED):
            return ()
        doubted = select(Authority.id).where(among(Authority.id, keys), Authority.id.in_(self.doubted))
        return frozenset(session.scalars(doubted))

    def _asks(self, *names: str) -> bool:
        return not self.letter.fields.isdisjoint(names)

    def _schools(self, session: Session, keys: set[int]) -> dict[int, "_NamedSchool"]:
        strand = select(Strand.id).where(Strand.id == self.strand_id).scalar_subquery()
        query = select(
            *(School.id, School.fase, School.name, School.corrected_name, School.zone),
            status_of(School.id, strand, self.day),
        )
        # As pages list them: capitals and accents count for nothing.
        rows = session.execute(query.where(among(School.id, keys)).order_by(School.folded, School.fase))
        return {
            key: _NamedSchool(rank, zone, (fase, corrected or display_name(name), status or Status.NONE))
            for rank, (key, fase, name, corrected, zone, status) in enumerate(rows)
        }

    def _stand(self, session: Session, authorities: Iterable[int]) -> dict[int, list[tuple[int, Status]]]:
        if not self._asks("écoles_éligibles", "écoles_adhérentes"):
            return {}
        strand = session.get_one(Strand, self.strand_id)
        statuses: dict[int, list[tuple[int, Status]]] = {}
        for authority, school, status in session.execute(standing_of_some(authorities, strand, self.day)):
            statuses.setdefault(authority, []).append((school, status or Status.NONE))
        return statuses

    def _federations(self, session: Session, authorities: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
        if not self._asks("fédération", "bloc_fédération"):
            return {}
        return represented(session, authorities, session.get_one(Strand, self.strand_id).levels)


def _authorities(session: Session, keys: Iterable[int]) -> dict[int | None, Row[int, int, str, str | None, str, int]]:
    facts = (Authority.id, Authority.fase, Authority.name, Authority.corrected_name)
    place = (Authority.municipality, Authority.network_id)
    return {row.id: row for row in session.execute(select(*facts, *place).where(among(Authority.id, keys)))}


class _NamedSchool(NamedTuple):
    """A school as letters list it: its rank by name, its zone, and its FASE number, name and status."""

    rank: int
    zone: str
    told: tuple[int, str, Status]


def _in_order(keys: Iterable[int], schools: Mapping[int, _NamedSchool]) -> list[tuple[int, str, Status]]:
    """The schools as the answer page lists them: by name, and more than it asks about one by one by status and zone."""
    listed = sorted(schools[key] for key in keys)
    if len(listed) > LISTED:
        listed.sort(key=lambda school: (school.told[2].place, school.zone))
    return [school.told for school in listed]
