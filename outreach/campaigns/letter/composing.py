"""Composes a wave's letters from a frozen letter, and rebuilds the letters that have left."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Select, select

from outreach.campaigns.letter.blocks import EMPTY, PATTERNS
from outreach.campaigns.letter.facts import Facts
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity, compiled
from outreach.campaigns.letter.merge_fields import BY_LINK, BY_MAIL, MARK, ONE_CLICK, Reader, is_common, is_true, reader
from outreach.campaigns.letter.page_links import IN_HEADER
from outreach.campaigns.letter.recipient_facts import RecipientFacts
from outreach.campaigns.letter.written_before import had_letter_before, mailings_beside
from outreach.days import today
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.ledger.letters import Composed, Due, due_of
from outreach.delivery.models import Composition, Mailing, Message, MessageClass, Purpose
from outreach.errors import Refused
from outreach.french import day
from outreach.mail import mime, numbered_links
from outreach.mail.letters.compiled_letters import Filled, Filling, Letter, Value
from outreach.mail.mime import Mailbox, Personal, SharedHeaders
from outreach.mail.rows import Rows
from outreach.mail.seen import FormKind
from outreach.mail.tokens import TokenKind
from outreach.responses.sent_forms import to_verify

if TYPE_CHECKING:
    from outreach.mail.dkim import Signer

PIXEL = "image_mesure"
# The parts of a page by which a screen reader moves; in a mail program, they would be the program's own.
LANDMARKS = {"head": "banner", "page": "main", "foot": "contentinfo"}


class Composer:
    """Composes letters for the postman, and signs them when it has a signer. It writes nothing to the database."""

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
        self, letter: Letter, standing: SharedHeaders, due: Due, content: "Values", logo: mime.Inline | None
    ) -> Composed:
        filled = letter.fill(content.values, content.flags)
        is_old = due.kept is not None and ONE_CLICK not in content.values  # its header and its text have one token
        by_click = BY_LINK if is_old else ONE_CLICK
        token = self._kept(content, by_click, TokenKind.UNSUBSCRIBE, due) if standing.unsubscribe else ""
        mailto = self._kept(content, BY_MAIL, TokenKind.MAILTO, due) if standing.mailto else ""
        mark = self._kept(content, MARK, TokenKind.REPLY, due) if standing.is_marked else ""
        personal = Personal(due.public_id, due.recipient, due.dated_at, filled.subject, token, mailto, mark)
        wire = mime.assemble(standing, personal, filled.text, filled.html, logo)
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
) -> tuple[Frozen, Letter, "Values"]:
    mailing = session.get_one(Mailing, message.mailing_id)
    _refuse_emptied(mailing, session.get(Composition, message.id))
    frozen, letter, _ = _compiled(mailing.letter, mailing.headers)
    kept = kept_content(session, message)
    return frozen, letter, kept or Alike(letter).content(facts_of(session, message, sending, now=now))


def _uncounted(letter: Letter, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> dict[str, Filling]:
    links_in = [place for place in letter.places(flags) if place.slot.field == numbered_links.LINK]
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
    return RecipientFacts(*asked, counted, reminded=reminded, doubted=doubted)


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
def _compiled(letter: str, headers: str) -> tuple[Frozen, Letter, SharedHeaders]:
    kept = json.loads(headers)
    boxes = {name: Mailbox(**kept[name]) for name in ("sender", "reply_to")}
    frozen = Frozen.from_json(letter)
    return frozen, compiled(frozen.draft), SharedHeaders(**{**kept, **boxes})
