"""From a campaign to its letters: the letter as frozen at launch, and the composing of each."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from sqlalchemy import Row, select

from outreach.adherence.days import today
from outreach.adherence.models import Status, Strand
from outreach.adherence.standing import standing_of_some, status_of
from outreach.campaigns.fields import (
    ADDRESSES,
    KINDS,
    Facts,
    Links,
    Measure,
    Shared,
    contact_of,
    is_common,
    is_true,
    value_of,
)
from outreach.campaigns.measures import Measures
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.delivery.fence import Composed, Due, due_of
from outreach.delivery.models import Composition, Mailing, Message, MessageClass, Purpose
from outreach.directory.listing import represented
from outreach.directory.models import Authority, Network, School
from outreach.errors import InputError
from outreach.mail import letters, links, mime
from outreach.mail.addresses import RETURNED
from outreach.mail.language import parse_line
from outreach.mail.letters import Draft, Letter, Value
from outreach.mail.marks import Marks, Slot
from outreach.mail.mime import Mailbox, Personal, Standing
from outreach.mail.tokens import Keys, Kind
from outreach.mail.typography import typeset
from outreach.settings import ROOT, Settings
from outreach.tracking.models import TrackingMode

SENDER = "sensibilisation"
PIXEL = "image_mesure"
SIGNATURE = ("sender_name", "sender_address", "contact_name", "contact_service", "contact_phone", "contact_email")


@dataclass(frozen=True, slots=True)
class Sending:
    """Where letters come from: the sending domain, the public address of the service, the keys of its links."""

    domain: str
    address: str
    keys: Keys

    @classmethod
    def of(cls, settings: Settings) -> "Sending":
        """Where an installation's letters come from."""
        return cls(settings.sending_domain, settings.address, Keys(settings.signing_keys))

    @property
    def schemes(self) -> tuple[str, ...]:
        """What a link of a letter may begin with: plain http only where the service itself has nothing better."""
        return ("https",) if self.address.startswith("https:") else ("https", "http")

    def return_path(self, identity: str) -> str:
        """The envelope sender of a letter: what comes back names it (VERP)."""
        return f"{RETURNED}{self.keys.make(Kind.BOUNCE, bytes.fromhex(identity))}@{self.domain}"

    @property
    def data_protection(self) -> str:
        """The address of the page on data protection."""
        return f"{self.address}/data-protection"

    def link(self, kind: Kind, identity: str) -> str:
        """The address of a page for who received the letter with this identity."""
        path = {Kind.UNSUBSCRIBE: "u", Kind.ANSWER: "a", Kind.VIEW: "v"}[kind]
        return f"{self.address}/{path}/{self.keys.make(kind, bytes.fromhex(identity))}"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A letter as a mailing keeps it: compiled but for its values, and what its letters share."""

    draft: Draft
    shared: Shared
    tracking: TrackingMode

    @property
    def links(self) -> dict[int, str]:
        """Where the numbered links of the letter lead."""
        return links.of(self.draft.slots)

    def to_json(self) -> str:
        """What is kept."""
        shared = {**asdict(self.shared), "deadline": self.shared.deadline.isoformat()}
        kept = {"draft": self.draft.to_json(), "shared": shared, "tracking": self.tracking.value}
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, kept: str) -> "Frozen":
        """What was kept."""
        read = json.loads(kept)
        shared = Shared(**{**read["shared"], "deadline": date.fromisoformat(read["shared"]["deadline"])})
        return cls(Draft.from_json(read["draft"]), shared, TrackingMode(read.get("tracking", TrackingMode.NONE)))


_layouts = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "emails"),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def freeze(campaign: Campaign, sending: Sending, due_at: datetime, *, is_reminder: bool, mark: str = "") -> Frozen:
    """The letter of a campaign for a wave due at an instant; `mark` goes before the subject of a trial.

    Raises InputError, with the line, when the letter or its subject cannot be read.
    """
    shared = Shared(
        circular=campaign.circular,
        deadline=today(due_at + timedelta(days=campaign.deadline_days)),
        contact=contact_of(
            campaign.contact_name, campaign.contact_service, campaign.contact_email, campaign.contact_phone
        ),
        is_reminder=is_reminder,
    )
    return Frozen(_draft(campaign, sending, mark), shared, campaign.tracking)


def bare(campaign: Campaign, sending: Sending) -> Draft:
    """The letter without its layout, as an editor shows it. Raises InputError as `freeze` does."""
    marks = Marks()
    subject, html, text = _read(campaign.subject, campaign.letter, marks, sending.schemes)
    return Draft.of(marks, typeset(subject), typeset(html), typeset(text))


def refuse_unreadable(subject: str, letter: str, schemes: Sequence[str] = ("https", "http")) -> None:
    """Raises InputError, with the line, when a subject or a letter cannot be read, or one of them is missing."""
    marks = Marks()
    read = _read(subject, letter, marks, schemes)
    try:
        Draft.from_json(Draft.of(marks, *read).to_json()).to_json().encode()
    except (ValueError, RecursionError):  # what cannot be kept would stop a wave as it starts
        raise InputError("Le courriel contient un champ ou une condition qui ne peut pas être gardé.") from None


def _draft(campaign: Campaign, sending: Sending, mark: str) -> Draft:
    marks = Marks()
    subject, html, text = _read(campaign.subject, campaign.letter, marks, sending.schemes)
    html = links.mark(html, marks)
    own = {name: marks.slot(Slot(name)) for name in ("fase_po", "nom_po", *ADDRESSES)}
    around = {
        "subject": mark + subject,
        "signed": {name: letters.one_line(getattr(campaign, name)) for name in SIGNATURE},
        "marks": own,
        "may_unsubscribe": campaign.message_class is MessageClass.AWARENESS,
        "data_protection": sending.data_protection,
    }
    body = Markup(html)  # noqa: S704 - escaped by the Markdown reader
    return Draft.of(
        marks,
        typeset(mark + subject),
        typeset(_layouts.get_template("letter.html").render(body=body, **around)),
        typeset(_layouts.get_template("letter.txt").render(body=text.rstrip("\n"), **around)),
    )


def _read(subject: str, letter: str, marks: Marks, schemes: Sequence[str]) -> tuple[str, str, str]:
    try:
        line = parse_line(subject, KINDS, marks)
    except InputError as error:
        raise InputError(str(error).replace("Ligne 1 :", "Objet :")) from None
    html, text = letters.body(letter, KINDS, marks, schemes)
    if not line.strip() or not text.strip():
        raise InputError("Le courriel n’a pas d’objet ou pas de texte.")
    return line, html, text


def standing_of(campaign: Campaign, sending: Sending, wave: str) -> Standing:
    """The headers that all the letters of a wave share."""
    is_awareness = campaign.message_class is MessageClass.AWARENESS
    return Standing(
        sender=Mailbox(f"{SENDER}@{sending.domain}", letters.one_line(campaign.sender_name)),
        reply_to=Mailbox(campaign.contact_email, letters.one_line(campaign.contact_name)),
        list_id=f"<{wave}.{sending.domain}>",
        feedback_id=f"{wave}:c{campaign.id}:{campaign.message_class}:outreach",
        unsubscribe=f"{sending.address}/u/" if is_awareness else "",
    )


def standing_json(standing: Standing) -> str:
    """The headers as a mailing keeps them."""
    return json.dumps(asdict(standing), ensure_ascii=False)


class Composer:
    """Composes letters for the postman. It asks nothing of the network and writes nothing."""

    def __init__(self, sending: Sending, day_of: Callable[[], datetime]) -> None:
        self.sending, self._now = sending, day_of

    def __call__(self, session: Session, mailing: Mailing, due: Sequence[Due]) -> Mapping[int, Composed]:
        """The letters of these recipients, by message; one that must stay as it was is made from what was kept."""
        _, letter, standing = _compiled(mailing.letter, mailing.headers)
        anew = [one for one in due if one.kept is None]
        facts = _recipients(mailing, self.sending, self._now()).facts(session, anew)
        common: dict[int, dict[str, Value]] = defaultdict(dict)  # by what measures them: the same object for a group
        contents = {one.id: content_of(letter, facts[one.id], common[id(facts[one.id].links.measure)]) for one in anew}
        contents.update({one.id: Content.from_json(one.kept) for one in due if one.kept is not None})
        return {one.id: self._compose(letter, standing, one, contents[one.id]) for one in due}

    def _compose(self, letter: Letter, standing: Standing, due: Due, content: "Content") -> Composed:
        filled = letter.fill(content.values, content.flags)
        identity = bytes.fromhex(due.public_id)
        token = self.sending.keys.make(Kind.UNSUBSCRIBE, identity) if standing.unsubscribe else ""
        to = due.address_ascii or due.address
        personal = Personal(due.public_id, to, due.dated_at, filled.subject, token)
        wire = mime.assemble(standing, personal, filled.text, filled.html)
        return Composed(due, wire, content.to_json())


def as_read(session: Session, message: Message, sending: Sending, *, now: datetime, counts: bool = True) -> str:
    """The HTML of a letter as it left, or as it would leave now; the same pieces as the message's own.

    With `counts` False, for staff: no pixel, and links that lead straight where they lead.
    """
    letter, content = _read_again(session, message, sending, now)
    return letter.html_for(
        content.values if counts else _uncounted(letter, content.values, content.flags), content.flags
    )


def subject_read(session: Session, message: Message, sending: Sending, *, now: datetime) -> str:
    """The subject of a letter as it left, or as it would leave now."""
    letter, content = _read_again(session, message, sending, now)
    return letter.subject_for(content.values, content.flags)


def _read_again(session: Session, message: Message, sending: Sending, now: datetime) -> tuple[Letter, "Content"]:
    mailing = session.get_one(Mailing, message.mailing_id)
    _, letter, _ = _compiled(mailing.letter, mailing.headers)
    kept = kept_content(session, message)
    return letter, kept or content_of(letter, facts_of(session, message, sending, now=now))


def _uncounted(letter: Letter, values: Mapping[str, Value], flags: Mapping[str, bool]) -> dict[str, Value]:
    links_in = [place for place in letter.places(flags) if place.slot.field == links.LINK]
    straight = {place.key: Value.plain(place.slot.filters[0][1]) for place in links_in}
    return {**values, **straight, PIXEL: Value("", "")}


def facts_of(session: Session, message: Message, sending: Sending, *, now: datetime) -> Facts:
    """What is known now of who a letter is for."""
    mailing = session.get_one(Mailing, message.mailing_id)
    due = due_of(session, message)
    return _recipients(mailing, sending, now).facts(session, [due])[due.id]


def _recipients(mailing: Mailing, sending: Sending, now: datetime) -> "Recipients":
    frozen, letter, _ = _compiled(mailing.letter, mailing.headers)
    is_awareness = mailing.message_class is MessageClass.AWARENESS
    counted = mailing.id if mailing.purpose is Purpose.CAMPAIGN else None
    return Recipients(sending, frozen, letter, mailing.strand_id, is_awareness, today(now), counted)


def kept_content(session: Session, message: Message) -> "Content | None":
    """What a letter said when it left; None when it has not."""
    kept = session.get(Composition, message.id)
    return Content.from_json(kept.content) if kept else None


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says to one recipient, enough to make it again: values by slot, the truth of its conditions."""

    values: dict[str, Value]
    flags: dict[str, bool]

    def to_json(self) -> str:
        """What is kept."""
        values = {key: [one.html, one.text] for key, one in self.values.items()}
        return json.dumps({"values": values, "flags": self.flags}, ensure_ascii=False)

    @classmethod
    def from_json(cls, kept: str) -> "Content":
        """What was kept."""
        read = json.loads(kept)
        return cls({key: Value(*one) for key, one in read["values"].items()}, read["flags"])


def content_of(letter: Letter, facts: Facts, common: dict[str, Value] | None = None) -> Content:
    """What a letter says to a recipient of whom these facts are known; `common` keeps what others say as well."""
    flags = {name: is_true(name, facts) for name in letter.conditional}
    common, values = {} if common is None else common, {}
    for place in letter.places(flags):
        value = common.get(place.key)
        if value is None:
            value = value_of(place.slot, facts)
            if is_common(place.slot):
                common[place.key] = value
        values[place.key] = value
    return Content(values, flags)


@dataclass(frozen=True, slots=True)
class Recipients:
    """Finds what a letter needs to know of its recipients: a few statements for however many, and only what it asks.

    `mailing` is the one whose openings and clicks are counted; None for letters that nobody counts.
    """

    sending: Sending
    frozen: Frozen
    letter: Letter
    strand_id: int | None
    may_unsubscribe: bool
    day: date
    mailing: int | None = None

    def facts(self, session: Session, due: Sequence[Due]) -> dict[int, Facts]:
        """The facts of each letter, by message."""
        authorities = _authorities(session, {one.recipient_id for one in due})
        networks = {network.id: network.label for network in session.scalars(select(Network))}
        schools = self._schools(session, {school for one in due for school in one.schools})
        stand, federations = self._stand(session, list(authorities)), self._federations(session, list(authorities))
        measures = self._measures().of(session, due, {key: one.network_id for key, one in authorities.items()})
        found = {}
        for one in due:
            authority, statuses = authorities[one.recipient_id], stand.get(one.recipient_id, [])
            found[one.id] = Facts(
                fase=authority.fase,
                name=authority.name,
                network=networks[authority.network_id],
                municipality=authority.municipality,
                schools=sorted((schools[key] for key in one.schools), key=lambda school: (school[1], school[0])),
                eligible=len(statuses),
                joined=sum(status is Status.JOINED for status in statuses),
                federations=federations.get(one.recipient_id, []),
                links=self._links(one.public_id, measures[one.id]),
                shared=self.frozen.shared,
            )
        return found

    def _measures(self) -> Measures:
        address, keys = self.sending.address, self.sending.keys
        return Measures(address, keys, self.frozen.tracking, list(self.frozen.links), self.mailing)

    def _links(self, identity: str, measure: Measure) -> Links:
        unsubscribe = self.sending.link(Kind.UNSUBSCRIBE, identity) if self.may_unsubscribe else ""
        answer, view = self.sending.link(Kind.ANSWER, identity), self.sending.link(Kind.VIEW, identity)
        return Links(answer, view, unsubscribe, measure)

    def _asks(self, *names: str) -> bool:
        return not self.letter.fields.isdisjoint(names)

    def _schools(self, session: Session, keys: set[int]) -> dict[int, tuple[int, str, Status]]:
        strand = select(Strand.id).where(Strand.id == self.strand_id).scalar_subquery()
        query = select(School.id, School.fase, School.name, status_of(School.id, strand, self.day))
        rows = session.execute(query.where(School.id.in_(keys)))
        return {key: (fase, name, status or Status.NONE) for key, fase, name, status in rows}

    def _stand(self, session: Session, authorities: Iterable[int]) -> dict[int, list[Status]]:
        if not self._asks("écoles_éligibles", "écoles_adhérentes"):
            return {}
        strand = session.get_one(Strand, self.strand_id)
        found: dict[int, list[Status]] = {}
        for authority, status in session.execute(standing_of_some(authorities, strand, self.day)):
            found.setdefault(authority, []).append(status or Status.NONE)
        return found

    def _federations(self, session: Session, authorities: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
        if not self._asks("fédération", "bloc_fédération"):
            return {}
        return represented(session, authorities, session.get_one(Strand, self.strand_id).level)


def _authorities(session: Session, keys: set[int]) -> dict[int, Row[int, int, str, str, int]]:
    facts = (Authority.id, Authority.fase, Authority.name, Authority.municipality, Authority.network_id)
    return {row.id: row for row in session.execute(select(*facts).where(Authority.id.in_(keys)))}


def compiled(draft: Draft) -> Letter:
    """A letter ready to be filled."""
    return Letter(draft, {slot.key for slot in draft.slots if is_common(slot)})


@lru_cache(maxsize=32)
def _compiled(letter: str, headers: str) -> tuple[Frozen, Letter, Standing]:
    kept = json.loads(headers)
    boxes = {name: Mailbox(**kept[name]) for name in ("sender", "reply_to")}
    frozen = Frozen.from_json(letter)
    return frozen, compiled(frozen.draft), Standing(**{**kept, **boxes})
