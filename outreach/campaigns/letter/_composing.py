"""Composes a wave's letters from what was approved, and rebuilds those that have left, to the byte."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy import Integer, Row, Select, and_, func, or_, select, type_coerce

from outreach.adherence.models import Status, Strand
from outreach.adherence.situation import standing_of_some, status_of
from outreach.campaigns.evidence import POSTED, EscalationStep, StepState
from outreach.campaigns.letter._field_values import EMPTY, LISTED, PATTERNS, Facts
from outreach.campaigns.letter._links import IN_HEADER, Links, Measure, Measures
from outreach.campaigns.letter._merge_fields import (
    BY_LINK,
    BY_MAIL,
    DIRECTLY,
    MARK,
    OF_SCHOOLS,
    ONE_CLICK,
    REMINDED,
    RIGHT_ADDRESS,
    UNCONFIRMED,
    WRITTEN_DIRECTLY,
    Reader,
    is_common,
    is_true,
    reader,
)
from outreach.campaigns.letter._snapshot import LetterSnapshot, SenderIdentity, compile_snapshot
from outreach.campaigns.models import Campaign, Wave
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.text.dates import school_year, today
from outreach.core.text.errors import Refused
from outreach.core.text.french import day
from outreach.delivery import letters
from outreach.delivery.letters import (
    Filled,
    Filling,
    FormKind,
    Letter,
    Mailbox,
    Personal,
    Rows,
    SharedHeaders,
    TokenKind,
    Value,
)
from outreach.delivery.models import Composition, Mailing, Message, MessageClass, MessageState, Purpose, is_in
from outreach.delivery.outbox import Composed, Due, due_of, listed_by_mailbox
from outreach.directory.authorities import list_representing
from outreach.directory.contacts import school_limits
from outreach.directory.display_names import display_name
from outreach.directory.models import Authority, Network, School
from outreach.engagement.replies import to_verify
from outreach.engagement.tracking import AUTHORITY, HAS_LEFT, LEFT_AT

if TYPE_CHECKING:
    from outreach.delivery.letters.dkim import Signer


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """Reads the facts about recipients that a letter needs: a few statements, however many the recipients are.

    It reads only what the letter's fields use. `mailing` is the mailing whose openings and clicks are counted, or None.
    With `leads_nowhere` the letters are only looked at: their links have no tokens. `together` says, for letters that
    are in no mailing, how many schools of each authority are written to directly. `on_paper`: they are printed.
    `reminded` selects the keys of the authorities that a reminder reminds of a letter, or None where it is of all;
    `doubted` those of which an answer waits to be confirmed, or None where it is of none. `asked` selects the mailboxes
    that letters ask about themselves this year, with the first of these, or None where it asks none.
    """

    sending: SenderIdentity
    frozen: LetterSnapshot
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
    asked: Select[int | None, str, int] | None = None

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
        asked = self._asked(session, keys)
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
                asks_address=asked is not None and self._is_first(asked, message),
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

    def _asked(self, session: Session, keys: Sequence[int]) -> Mapping[tuple[int | None, str], int] | None:
        """The first letter that asks each mailbox of these authorities about itself this year; None where none does."""
        if self.asked is None or self.on_paper or not self._asks(RIGHT_ADDRESS):
            return None
        rows = session.execute(self.asked.where(among(AUTHORITY, keys)))
        return {(authority, key): first for authority, key, first in rows}

    def _is_first(self, asked: Mapping[tuple[int | None, str], int], message: Due) -> bool:
        """Whether no other letter asks its mailbox first; a letter that is in no mailing is the last of all."""
        first = asked.get((message.authority_id, message.address_key))
        return first is None or (self.mailing is not None and message.id <= first)

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
        return list_representing(session, authorities, session.get_one(Strand, self.strand_id).levels)


def _authorities(session: Session, keys: Iterable[int]) -> dict[int | None, Row[int, int, str, str | None, str, int]]:
    facts = (Authority.id, Authority.fase, Authority.name, Authority.corrected_name)
    place = (Authority.municipality, Authority.network_id)
    return {row.id: row for row in session.execute(select(*facts, *place).where(among(Authority.id, keys)))}


class _NamedSchool(NamedTuple):
    """A school as letters list it: its rank by name, its zone, and its FASE number, name and status."""

    rank: int
    zone: str
    listed: tuple[int, str, Status]


def _in_order(keys: Iterable[int], schools: Mapping[int, _NamedSchool]) -> list[tuple[int, str, Status]]:
    """The schools as the answer page lists them: by name, and more than it asks about one by one by status and zone."""
    listed = sorted(schools[key] for key in keys)
    if len(listed) > LISTED:
        listed.sort(key=lambda school: (school.listed[2].place, school.zone))
    return [school.listed for school in listed]


PIXEL = "image_mesure"
# The parts of a page by which a screen reader moves; in a mail program, they would be the program's own.
LANDMARKS = {"head": "banner", "page": "main", "foot": "contentinfo"}


class Composer:
    """Composes letters for the dispatcher, and signs them when it has a signer. It writes nothing to the database."""

    def __init__(self, sending: SenderIdentity, day_of: Callable[[], datetime], signer: "Signer | None" = None) -> None:
        self.sending, self._now, self._signer = sending, day_of, signer

    def __call__(self, session: Session, mailing: Mailing, due: Sequence[Due]) -> Mapping[int, Composed]:
        """The composed letters, by message key. A letter whose content is stored is rebuilt from it, unchanged."""
        frozen, letter, standing = _compiled(mailing.letter, mailing.headers)
        anew = [message for message in due if message.kept is None]
        contents = self._contents(session, mailing, letter, anew)
        contents.update({message.id: Values.from_json(message.kept) for message in due if message.kept is not None})
        logo = frozen.logo
        return {message.id: self._compose(letter, standing, message, contents[message.id], logo) for message in due}

    def _contents(self, session: Session, mailing: Mailing, letter: Letter, due: Sequence[Due]) -> dict[int, "Values"]:
        if mailing.purpose is Purpose.STAFF:  # it has no fields, and its recipient is nobody in the directory
            return {message.id: Values({}, {}) for message in due}
        facts = _recipients(mailing, self.sending, self._now()).facts(session, due)
        # Letters that are measured alike carry the same pixel and links.
        alike: dict[tuple[str, str, str], Alike] = defaultdict(partial(Alike, letter))
        return {message.id: alike[facts[message.id].links.measure.key].content(facts[message.id]) for message in due}

    def _compose(
        self, letter: Letter, standing: SharedHeaders, due: Due, content: "Values", logo: letters.Inline | None
    ) -> Composed:
        filled = letter.fill(content.values, content.flags)
        is_old = due.kept is not None and ONE_CLICK not in content.values  # its header and its text have one token
        by_click = BY_LINK if is_old else ONE_CLICK
        token = self._kept(content, by_click, TokenKind.UNSUBSCRIBE, due) if standing.unsubscribe else ""
        mailto = self._kept(content, BY_MAIL, TokenKind.MAILTO, due) if standing.mailto else ""
        mark = self._kept(content, MARK, TokenKind.REPLY, due) if standing.is_marked else ""
        personal = Personal(due.public_id, due.recipient, due.dated_at, filled.subject, token, mailto, mark)
        wire = letters.assemble_message(standing, personal, filled.text, filled.html, logo)
        signed = self._signer.sign(wire, due.dated_at) if self._signer else wire
        return Composed.of(due, signed, content.to_json())

    def _kept(self, content: "Values", name: str, kind: TokenKind, due: Due) -> str:
        """A header's token, which it stores with the letter's content.

        A token made anew after a change of keys would differ, so the rebuilt letter would differ too.
        """
        if name not in content.values:
            link = IN_HEADER if name == ONE_CLICK else 0
            content.values[name] = Value.plain(self.sending.keys.make(kind, bytes.fromhex(due.public_id), link))
        return content.values[name].text


def as_read(session: Session, message: Message, sending: SenderIdentity, *, now: datetime) -> str:
    """The HTML of a letter as it left, or as it would leave now; made of the same pieces as the message itself.

    Only in a browser does it have the landmarks of a page: header, main part, footer.
    """
    frozen, letter, content = _read_again(session, message, sending, now)
    html = frozen.in_browser(letter.html_for(content.values, content.flags))
    for name, role in LANDMARKS.items():
        html = html.replace(f'<td class="{name}"', f'<td role="{role}" class="{name}"', 1)
    return html


def as_shown(session: Session, message: Message, sending: SenderIdentity, *, now: datetime) -> str:
    """The HTML of a letter as `as_read` gives it, for staff, who may not act for its recipient.

    It has no pixel, its own links lead straight to their targets, and those to the service nowhere.
    """
    frozen, letter, content = _read_again(session, message, sending, now)
    html = letter.html_for(_uncounted(letter, content.values, content.flags), content.flags)
    return frozen.in_browser(sending.keys.without(html))


def for_paper(
    session: Session, mailing: Mailing, due: Sequence[Due], sending: SenderIdentity, *, now: datetime
) -> dict[int, tuple[str, str]]:
    """The subject and the HTML of letters of a mailing as they stand on paper, by message key.

    They come from the same frozen letter as the mails, with what is known now. Their links lead nowhere. Raises
    WordsGone when the words of the mailing are not kept any more.
    """
    _refuse_emptied(mailing, None)
    letter = _compiled(mailing.letter, mailing.headers)[1]
    finder = replace(_recipients(mailing, sending, now), leads_nowhere=True, on_paper=True, mailing=None)
    facts, made = finder.facts(session, due), Alike(letter)
    contents = {one.id: made.content(facts[one.id]) for one in due}
    return {
        key: (letter.subject_for(one.values, one.flags), letter.html_for(one.values, one.flags))
        for key, one in contents.items()
    }


def subject_read(session: Session, message: Message, sending: SenderIdentity, *, now: datetime) -> str:
    """The subject of a letter as it left, or as it would leave now."""
    _, letter, content = _read_again(session, message, sending, now)
    return letter.subject_for(content.values, content.flags)


def filled_again(session: Session, messages: Sequence[int]) -> dict[int, Filled]:
    """Letters that left, filled as they left, by message key; one statement."""
    return {key: letter.fill(content.values, content.flags) for key, letter, content in _kept(session, messages)}


def subjects_kept(session: Session, messages: Sequence[int]) -> dict[int, str]:
    """The subjects of letters that left, as they left, by message key; one statement. Others are left out."""
    return {key: letter.subject_for(content.values, content.flags) for key, letter, content in _kept(session, messages)}


def _kept(session: Session, messages: Sequence[int]) -> Iterator[tuple[int, Letter, "Values"]]:
    """The letters that left and still have their words, by message key."""
    query = select(Message.id, Mailing.letter, Mailing.headers, Composition.content)
    query = query.join(Mailing, Mailing.id == Message.mailing_id)
    query = query.join(Composition, Composition.message_id == Message.id)
    for key, frozen, headers, kept in session.execute(
        query.where(among(Message.id, messages), Composition.content != "")
    ):
        yield key, _compiled(frozen, headers)[1], Values.from_json(kept)


class WordsGone(Refused):
    """The words of a letter are not kept any more."""


def _refuse_emptied(mailing: Mailing, kept: Composition | None) -> None:
    if mailing.emptied_at is not None:
        raise WordsGone(f"Le texte de ce courriel n’est plus conservé depuis le {day(mailing.emptied_at)}.")
    if kept is not None and not kept.content:
        raise WordsGone("Le texte de ce courriel n’est plus conservé.")


def _read_again(
    session: Session, message: Message, sending: SenderIdentity, now: datetime
) -> tuple[LetterSnapshot, Letter, "Values"]:
    mailing = session.get_one(Mailing, message.mailing_id)
    _refuse_emptied(mailing, session.get(Composition, message.id))
    frozen, letter, _ = _compiled(mailing.letter, mailing.headers)
    kept = kept_content(session, message)
    return frozen, letter, kept or Alike(letter).content(facts_of(session, message, sending, now=now))


def _uncounted(letter: Letter, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> dict[str, Filling]:
    links_in = [place for place in letter.places(flags) if place.slot.field == letters.LINK]
    straight = {place.key: Value.plain(place.slot.filters[0][1]) for place in links_in}
    return {**values, **straight, PIXEL: EMPTY}


def sender_of(session: Session, message: Message) -> str:
    """The name of the sender of a letter, as the letter bears it."""
    mailing = session.get_one(Mailing, message.mailing_id)
    return _compiled(mailing.letter, mailing.headers)[2].sender.name


def facts_of(session: Session, message: Message, sending: SenderIdentity, *, now: datetime) -> Facts:
    """The facts known now about the recipient of a letter."""
    mailing = session.get_one(Mailing, message.mailing_id)
    due = due_of(session, message)
    return _recipients(mailing, sending, now).facts(session, [due])[due.id]


def _recipients(mailing: Mailing, sending: SenderIdentity, now: datetime) -> RecipientFacts:
    frozen, letter, _ = _compiled(mailing.letter, mailing.headers)
    is_awareness = mailing.message_class is MessageClass.AWARENESS
    counted = mailing.id if mailing.purpose is Purpose.CAMPAIGN else None
    reminded, doubted = (None, None) if counted is None else _asked_before(counted)
    asked = sending, frozen, letter, mailing.strand_id, is_awareness, today(now)
    told = None if counted is None else asked_about_themselves(now)
    return RecipientFacts(*asked, counted, reminded=reminded, doubted=doubted, asked=told)


@lru_cache(maxsize=32)
def _asked_before(mailing: int) -> tuple[Select[int], Select[int | None]]:
    """The statements of what went before a mailing, built once: that costs more than some letters."""
    return had_letter_before(mailing), to_verify(mailings_beside(mailing), FormKind.ANSWER)


def kept_content(session: Session, message: Message) -> "Values | None":
    """The content of a letter as it left; None when it has not left."""
    kept = session.get(Composition, message.id)
    return Values.from_json(kept.content) if kept else None


@dataclass(frozen=True, slots=True)
class Values:
    """The content of one recipient's letter, enough to rebuild it: values by slot, and the truth of its conditions."""

    values: dict[str, Filling]
    flags: dict[str, bool]

    def to_json(self) -> str:
        """The content as it is stored."""
        values = {key: value.kept() for key, value in self.values.items()}
        return orjson.dumps({"values": values, "flags": self.flags}).decode()

    @classmethod
    def from_json(cls, kept: str) -> "Values":
        """Reads stored content."""
        read = orjson.loads(kept)
        return cls({key: _value_kept(value) for key, value in read["values"].items()}, read["flags"])


def _value_kept(kept: Any) -> Filling:
    if isinstance(kept, dict):
        return Rows(PATTERNS[kept["pattern"]], kept["rows"], Value(*kept["after"]))
    return Value(kept, kept) if isinstance(kept, str) else Value(*kept)


class Alike:
    """Computes the content of letters that are measured alike. Values they share are computed once.

    Letters share values when their conditions have the same truth.
    """

    def __init__(self, letter: Letter) -> None:
        self._letter = letter
        self._ways: dict[tuple[bool, ...], tuple[dict[str, Filling], list[tuple[str, Reader]]]] = {}

    def content(self, facts: Facts) -> Values:
        """The content of the letter to a recipient with these facts."""
        flags = {name: is_true(name, facts) for name in self._letter.conditional}
        truth = tuple(flags.values())
        if truth not in self._ways:
            places = self._letter.places(flags)
            common = {place.key: reader(place.slot)(facts) for place in places if is_common(place.slot)}
            self._ways[truth] = common, [(place.key, reader(place.slot)) for place in places if place.key not in common]
        common, own = self._ways[truth]
        return Values({**common, **{key: read(facts) for key, read in own}}, flags)


@lru_cache(maxsize=32)
def _compiled(letter: str, headers: str) -> tuple[LetterSnapshot, Letter, SharedHeaders]:
    kept = json.loads(headers)
    boxes = {name: Mailbox(**kept[name]) for name in ("sender", "reply_to")}
    frozen = LetterSnapshot.from_json(letter)
    return frozen, compile_snapshot(frozen.draft), SharedHeaders(**{**kept, **boxes})


Mailings = Sequence[int] | Select[int]


def asked_about_themselves(now: datetime) -> Select[int | None, str, int]:
    """The mailboxes (authority, address) with the first letter that asks them this school year, gone or to leave."""
    return _asked_since(school_year(now))


@lru_cache(maxsize=2)
def _asked_since(start: datetime) -> Select[int | None, str, int]:
    mailbox = Message.authority_id, Message.address_key
    asking = select(*mailbox, func.min(Message.id)).group_by(*mailbox)
    asking = asking.join(Wave, Wave.mailing_id == Message.mailing_id).join(Campaign, Campaign.id == Wave.campaign_id)
    return asking.where(Campaign.asks_address, or_(is_in(MessageState.QUEUED), and_(start <= LEFT_AT, HAS_LEFT)))


def had_letter_of(mailings: Mailings) -> Select[int]:
    """The keys of the authorities for which a letter of these mailings left, by mail or on paper, and did not come
    back."""
    mailed = select(AUTHORITY).where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None), HAS_LEFT)
    posted = select(EscalationStep.authority_id).where(EscalationStep.mailing_id.in_(mailings))
    posted = posted.where(EscalationStep.channel.in_(POSTED), EscalationStep.state == StepState.TRIED)
    either = mailed.union_all(posted).subquery("had_letter")
    return select(either.c.authority_id)


def had_letter_before(mailing: int) -> Select[int]:
    """The keys of the authorities that had a letter of another wave of the campaign to which a mailing belongs."""
    return had_letter_of(mailings_beside(mailing))


def mailings_beside(mailing: int) -> Select[int]:
    """The keys of the mailings of the other waves of the campaign to which a mailing belongs."""
    campaign = select(Wave.campaign_id).where(Wave.mailing_id == mailing).scalar_subquery()
    others = select(type_coerce(Wave.mailing_id, Integer)).where(Wave.campaign_id == campaign)
    return others.where(Wave.mailing_id.is_not(None), Wave.mailing_id != mailing)
