"""From a frozen letter to the letters of a wave: what each says, its bytes, and how it is read again."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import orjson

from outreach.campaigns.letter.blocks import EMPTY, PATTERNS
from outreach.campaigns.letter.facts import Facts
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity, compiled
from outreach.campaigns.letter.merge_fields import BY_LINK, BY_MAIL, Reader, is_common, is_true, reader
from outreach.campaigns.letter.recipient_facts import RecipientFacts
from outreach.days import today
from outreach.db import Session
from outreach.delivery.ledger.letters import Composed, Due, due_of
from outreach.delivery.models import Composition, Mailing, Message, MessageClass, Purpose
from outreach.mail import links, mime
from outreach.mail.letters import Filling, Letter, Value
from outreach.mail.mime import Mailbox, Personal, SharedHeaders
from outreach.mail.rows import Rows
from outreach.mail.tokens import TokenKind

if TYPE_CHECKING:
    from outreach.mail.dkim import Signer

PIXEL = "image_mesure"


class Composer:
    """Composes letters for the postman, and has them signed where there is a signer. It writes nothing."""

    def __init__(self, sending: SenderIdentity, day_of: Callable[[], datetime], signer: "Signer | None" = None) -> None:
        self.sending, self._now, self._signer = sending, day_of, signer

    def __call__(self, session: Session, mailing: Mailing, due: Sequence[Due]) -> Mapping[int, Composed]:
        """The letters of these recipients, by message; one that must stay as it was is made from what was kept."""
        _, letter, standing = _compiled(mailing.letter, mailing.headers)
        anew = [one for one in due if one.kept is None]
        facts = _recipients(mailing, self.sending, self._now()).facts(session, anew)
        # Letters with the same pixel carry the same links.
        alike: dict[tuple[str, str], Alike] = defaultdict(partial(Alike, letter))
        contents = {one.id: alike[facts[one.id].links.measure.key].content(facts[one.id]) for one in anew}
        contents.update({one.id: Content.from_json(one.kept) for one in due if one.kept is not None})
        return {one.id: self._compose(letter, standing, one, contents[one.id]) for one in due}

    def _compose(self, letter: Letter, standing: SharedHeaders, due: Due, content: "Content") -> Composed:
        filled = letter.fill(content.values, content.flags)
        token = self._kept(content, BY_LINK, TokenKind.UNSUBSCRIBE, due) if standing.unsubscribe else ""
        mailto = self._kept(content, BY_MAIL, TokenKind.MAILTO, due) if standing.mailto else ""
        personal = Personal(due.public_id, due.recipient, due.dated_at, filled.subject, token, mailto)
        wire = mime.assemble(standing, personal, filled.text, filled.html)
        signed = self._signer.sign(wire, due.dated_at) if self._signer else wire
        return Composed.of(due, signed, content.to_json())

    def _kept(self, content: "Content", name: str, kind: TokenKind, due: Due) -> str:
        """A header's token, kept with what the letter says: sealed with another key, it would not be the same."""
        if name not in content.values:
            content.values[name] = Value.plain(self.sending.keys.make(kind, bytes.fromhex(due.public_id)))
        return content.values[name].text


def as_read(session: Session, message: Message, sending: SenderIdentity, *, now: datetime, counts: bool = True) -> str:
    """The HTML of a letter as it left, or as it would leave now; the same pieces as the message's own.

    With `counts` False, for staff: no pixel, and links that lead straight where they lead.
    """
    letter, content = _read_again(session, message, sending, now)
    return letter.html_for(
        content.values if counts else _uncounted(letter, content.values, content.flags), content.flags
    )


def subject_read(session: Session, message: Message, sending: SenderIdentity, *, now: datetime) -> str:
    """The subject of a letter as it left, or as it would leave now."""
    letter, content = _read_again(session, message, sending, now)
    return letter.subject_for(content.values, content.flags)


def _read_again(session: Session, message: Message, sending: SenderIdentity, now: datetime) -> tuple[Letter, "Content"]:
    mailing = session.get_one(Mailing, message.mailing_id)
    _, letter, _ = _compiled(mailing.letter, mailing.headers)
    kept = kept_content(session, message)
    return letter, kept or Alike(letter).content(facts_of(session, message, sending, now=now))


def _uncounted(letter: Letter, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> dict[str, Filling]:
    links_in = [place for place in letter.places(flags) if place.slot.field == links.LINK]
    straight = {place.key: Value.plain(place.slot.filters[0][1]) for place in links_in}
    return {**values, **straight, PIXEL: EMPTY}


def facts_of(session: Session, message: Message, sending: SenderIdentity, *, now: datetime) -> Facts:
    """What is known now of who a letter is for."""
    mailing = session.get_one(Mailing, message.mailing_id)
    due = due_of(session, message)
    return _recipients(mailing, sending, now).facts(session, [due])[due.id]


def _recipients(mailing: Mailing, sending: SenderIdentity, now: datetime) -> RecipientFacts:
    frozen, letter, _ = _compiled(mailing.letter, mailing.headers)
    is_awareness = mailing.message_class is MessageClass.AWARENESS
    counted = mailing.id if mailing.purpose is Purpose.CAMPAIGN else None
    return RecipientFacts(sending, frozen, letter, mailing.strand_id, is_awareness, today(now), counted)


def kept_content(session: Session, message: Message) -> "Content | None":
    """What a letter said when it left; None when it has not."""
    kept = session.get(Composition, message.id)
    return Content.from_json(kept.content) if kept else None


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says to one recipient, enough to make it again: values by slot, the truth of its conditions."""

    values: dict[str, Filling]
    flags: dict[str, bool]

    def to_json(self) -> str:
        """What is kept."""
        values = {key: one.kept() for key, one in self.values.items()}
        return orjson.dumps({"values": values, "flags": self.flags}).decode()

    @classmethod
    def from_json(cls, kept: str) -> "Content":
        """What was kept."""
        read = orjson.loads(kept)
        return cls({key: _value_kept(one) for key, one in read["values"].items()}, read["flags"])


def _value_kept(kept: Any) -> Filling:
    if isinstance(kept, dict):
        return Rows(PATTERNS[kept["pattern"]], kept["rows"], Value(*kept["after"]))
    return Value(kept, kept) if isinstance(kept, str) else Value(*kept)


class Alike:
    """Writes what letters say to recipients who are measured alike: what they have in common is found once."""

    def __init__(self, letter: Letter) -> None:
        self._letter = letter
        self._ways: dict[tuple[bool, ...], tuple[dict[str, Filling], list[tuple[str, Reader]]]] = {}

    def content(self, facts: Facts) -> Content:
        """What the letter says to a recipient of whom these facts are known."""
        flags = {name: is_true(name, facts) for name in self._letter.conditional}
        truth = tuple(flags.values())
        if truth not in self._ways:
            places = self._letter.places(flags)
            common = {place.key: reader(place.slot)(facts) for place in places if is_common(place.slot)}
            self._ways[truth] = common, [(one.key, reader(one.slot)) for one in places if one.key not in common]
        common, own = self._ways[truth]
        return Content({**common, **{key: read(facts) for key, read in own}}, flags)


@lru_cache(maxsize=32)
def _compiled(letter: str, headers: str) -> tuple[Frozen, Letter, SharedHeaders]:
    kept = json.loads(headers)
    boxes = {name: Mailbox(**kept[name]) for name in ("sender", "reply_to")}
    frozen = Frozen.from_json(letter)
    return frozen, compiled(frozen.draft), SharedHeaders(**{**kept, **boxes})
