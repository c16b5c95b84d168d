"""Freezes a campaign's letter at launch with its layout, and makes the headers that a wave shares."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from outreach.adherence import programmes
from outreach.adherence.models import Strand
from outreach.campaigns.letter._field_values import Facts, Shared, contact_of
from outreach.campaigns.letter._links import UNSUBSCRIBE, Links
from outreach.campaigns.letter._merge_fields import (
    ADDRESSES,
    DIRECTLY,
    KINDS,
    LINKED,
    OF_SCHOOLS,
    OF_THE_BODY,
    TOKENS,
    UNCONFIRMED,
    WRITTEN_DIRECTLY,
    is_common,
    raw_value,
    reader,
)
from outreach.campaigns.letter._passages import SEVERAL
from outreach.campaigns.models import Campaign, CampaignState
from outreach.campaigns.segments import Boxes, Concerns
from outreach.core import site
from outreach.core.db import Session
from outreach.core.settings import ROOT, Settings
from outreach.core.site import NONE, Letterhead
from outreach.core.text.addresses import RETURNED, UNSUBSCRIBING
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import InputError
from outreach.core.text.french import WIDE, international, typeset_letter
from outreach.core.text.links import fault_of_link
from outreach.delivery import letters, received
from outreach.delivery.letters import (
    ELSE,
    END,
    MARKS_OF_CHOICE,
    FieldKind,
    Inline,
    Keys,
    Letter,
    LetterText,
    Mailbox,
    Marks,
    SharedHeaders,
    Slot,
    TokenKind,
    fields_of,
    mark_links,
    parse_line,
)
from outreach.delivery.letters import addresses_of_links as links_of
from outreach.delivery.models import MessageClass
from outreach.engagement.tracking import TrackingMode

SENDER = "sensibilisation"
UNSUBSCRIBE_SUBJECT = "Ne plus recevoir de courriels"  # ASCII: some programs garble other characters of a mailto
SUBJECT, PREHEADER = "Objet", "Texte d’aperçu"
# What recipients sort letters by: the same for all campaigns of a class (RFC 2919), with its phrase in ASCII.
LISTS = {
    MessageClass.AWARENESS: ("Sensibilisation des pouvoirs organisateurs", "sensibilisation"),
    MessageClass.STATUTORY: ("Communications aux pouvoirs organisateurs", "communications"),
}
OF_A_COPY = "parce que votre adresse a été indiquée par la personne qui répondait pour le pouvoir organisateur"
SCHOOL_LISTS = Slot("tableau_écoles"), Slot("liste_écoles")
NO_FIELDS = {"campaign_id", "about", "page", "is_copy", "replies_to", "asks_address"}  # of a campaign as it is kept
SIGNATURE = ("sender_name", "sender_address", "contact_name", "contact_service", "contact_phone", "contact_email")


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Where letters come from: the sending domain, the public address of the service, the keys of its links.

    `reads_mail` is True when the service reads the mail that its letters' own addresses receive. `official_page` is the
    address of a page of the ministry that names the service, or ''.
    """

    domain: str
    address: str
    keys: Keys
    reads_mail: bool = False
    official_page: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "SenderIdentity":
        """The identity given by an installation's settings."""
        keys, reads_mail = Keys(settings.signing_keys), bool(settings.returns_url)
        domain, page = settings.sending_domain, settings.official_page
        return cls(domain, settings.address, keys, reads_mail, page)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The schemes that a letter's links may have: https, and http only when the service's address is not https."""
        return ("https",) if self.address.startswith("https:") else ("https", "http")

    def return_path(self, identity: str) -> str:
        """The envelope sender of a letter. It holds the letter's token, so a bounce identifies the letter (VERP)."""
        return f"{RETURNED}{self.keys.make(TokenKind.BOUNCE, bytes.fromhex(identity))}@{self.domain}"

    @property
    def data_protection(self) -> str:
        """The address of the page on data protection."""
        return f"{self.address}/data-protection"


@dataclass(frozen=True, slots=True)
class LetterSnapshot:
    """A letter as a mailing stores it: a laid-out draft with slots for values, and the facts its letters share.

    It holds the logo that the draft shows, so that letters stay the same when the letterhead changes.
    """

    draft: LetterText
    shared: Shared
    tracking: TrackingMode
    logo: Inline | None = None

    @property
    def links(self) -> dict[int, str]:
        """The targets of the letter's links, by link number."""
        return links_of(self.draft.slots)

    def to_json(self) -> str:
        """The frozen letter as a mailing stores it."""
        shared = {**asdict(self.shared), "deadline": self.shared.deadline.isoformat()}
        kept = {"draft": asdict(self.draft), "shared": shared, "tracking": self.tracking.value}
        if self.logo:
            kept["logo"] = self.logo._asdict()
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, kept: str) -> "LetterSnapshot":
        """Reads a stored frozen letter."""
        read = json.loads(kept)
        shared = Shared(**{**read["shared"], "deadline": date.fromisoformat(read["shared"]["deadline"])})
        logo = Inline(**read["logo"]) if "logo" in read else None
        return cls(LetterText.of_kept(read["draft"]), shared, _tracking_of(read), logo)

    def in_browser(self, html: str) -> str:
        """The HTML of one of its letters as a browser shows it."""
        return self.logo.shown_in(html) if self.logo else html

    @staticmethod
    def tracking_of(kept: str) -> TrackingMode:
        """The mode of measuring of a stored frozen letter, without building the letter."""
        return _tracking_of(json.loads(kept))


def _tracking_of(read: Mapping[str, Any]) -> TrackingMode:
    return TrackingMode(read.get("tracking", TrackingMode.NONE))


layouts = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "emails"),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    """A letter as its author wrote it, with the fields of its campaign that freezing needs."""

    campaign_id: int
    message_class: MessageClass
    strand_id: int | None
    concerns: Concerns
    boxes: Boxes
    subject: str
    preheader: str
    letter: str
    tracking: TrackingMode
    circular: str
    circular_url: str
    deadline_days: int
    sender_name: str
    sender_address: str
    contact_name: str
    contact_service: str
    contact_email: str
    contact_phone: str
    about: str = ""  # what its strand is called
    page: str = ""  # of its programme
    is_copy: bool = False  # its recipient's address was given by somebody else
    replies_to: str = ""  # the mailbox of replies, if answers by mail go there
    asks_address: bool = False  # once a year, whether a mailbox is the right one

    @classmethod
    def of(cls, session: Session, campaign: Campaign) -> "WrittenLetter":
        """The letter of a campaign as the campaign is now."""
        names = [field.name for field in fields(cls) if field.name not in NO_FIELDS]
        about = programmes.strand_names(session)[campaign.strand_id]
        page = session.get_one(Strand, campaign.strand_id).programme.page
        said = {name: getattr(campaign, name) for name in names}
        asks = campaign.asks_address or campaign.state is CampaignState.DRAFT
        to = replies_to(session, campaign)
        return cls(campaign.id, **said, about=about, page=page, replies_to=to, asks_address=asks)

    @property
    def is_awareness(self) -> bool:
        """Whether its recipients may refuse further letters of its kind."""
        return self.message_class is MessageClass.AWARENESS


def head_of(session: Session, campaign: Campaign) -> Letterhead:
    """The letterhead of a campaign's letters: today's for a draft, else the one with which it was submitted."""
    return head_on_paper(session, campaign).in_letters


def head_on_paper(session: Session, campaign: Campaign) -> Letterhead:
    """The same letterhead with its logo, also where that is too heavy for a mail."""
    if campaign.state is CampaignState.DRAFT:
        return site.current_letterhead(session)
    return site.get_letterhead(session, campaign.letterhead_id)


def replies_to(session: Session, campaign: Campaign) -> str:
    """Where answers by mail go instead of to the contact person, or '': for a draft, the mailbox that is read now; else
    the one with which it was submitted."""
    return received.replies_address(session) if campaign.state is CampaignState.DRAFT else campaign.replies_to


def freeze_letter(
    written: WrittenLetter,
    sending: SenderIdentity,
    deadline: date,
    *,
    is_reminder: bool,
    mark: str = "",
    head: Letterhead = NONE,
) -> LetterSnapshot:
    """Freeze a letter that asks for an answer until a day, under a letterhead; `mark` goes before a test's subject.

    Raises InputError, with the line, when the letter or its subject cannot be read.
    """
    shared = Shared(
        circular=written.circular,
        deadline=deadline,
        contact=contact_of(written.contact_name, written.contact_service, written.contact_email, _phone(written)),
        is_reminder=is_reminder,
        about=written.about,
    )
    logo = Inline(f"logo.{head.digest}@{sending.domain}", b64encode(head.logo).decode()) if head.logo else None
    return LetterSnapshot(_draft(written, sending, shared, mark, head, logo), shared, written.tracking, logo)


def bare_letter(written: WrittenLetter, sending: SenderIdentity) -> LetterText:
    """The letter without its layout, as an editor shows it. Raises InputError as `freeze_letter` does."""
    marks = Marks()
    subject, html, text = _read(written.subject, written.letter, marks, sending.schemes)
    read = (subject, *_telling(html, text, marks, written.boxes))
    preheader = _line(written.preheader, marks, PREHEADER)
    return LetterText.of(marks, *(_typeset(part, marks) for part in (*read, preheader)))


def refuse_unreadable(subject: str, letter: str, schemes: Sequence[str] = ("https", "http")) -> None:
    """Raises InputError, with the line, when a subject or a letter cannot be read, or one of them is missing."""
    marks = Marks()
    _refuse_unkept(LetterText.of(marks, *_read(subject, letter, marks, schemes)))


def _refuse_unkept(draft: LetterText) -> None:
    try:
        json.loads(json.dumps(asdict(draft), ensure_ascii=False).encode())
    except (ValueError, RecursionError):  # a letter that cannot be stored would stop its wave at the start
        raise InputError("Le courriel contient un champ ou une condition qui ne peut pas être gardé.") from None


def refuse_unfit(preheader: str, circular_url: str, schemes: Sequence[str] = ("https", "http")) -> None:
    """Raises InputError when a preheader cannot be read, or when the circular's address is no link of a letter."""
    marks = Marks()
    _refuse_unkept(LetterText.of(marks, _line(preheader, marks, PREHEADER), "", ""))
    if circular_url and (fault := fault_of_link(circular_url, schemes)):
        raise InputError(f"Adresse de la circulaire : {fault}")


def _draft(
    written: WrittenLetter, sending: SenderIdentity, shared: Shared, mark: str, head: Letterhead, logo: Inline | None
) -> LetterText:
    marks = Marks()
    subject, html, text = _read(written.subject, written.letter, marks, sending.schemes)
    html, text = _telling(html, text, marks, written.boxes)
    html, text = _doubting(html, text, marks) if shared.is_reminder else (html, text)
    preheader = _line(written.preheader, marks, PREHEADER)
    html = mark_links(html, marks)
    own = {name: marks.slot(Slot(name)) for name in ("fase_po", "nom_po", *ADDRESSES) if name not in OF_THE_BODY}
    may_unsubscribe = written.is_awareness
    around = {
        "subject": mark + subject,
        "signed": {
            **{name: letters.one_line(getattr(written, name)) for name in SIGNATURE},
            "contact_phone": _phone(written),
        },
        "phone": international(written.contact_phone),
        "marks": own,
        "capacity": OF_A_COPY if written.is_copy else _capacity(marks),
        "about": letters.one_line(written.about),
        "page": written.page,
        "may_unsubscribe": may_unsubscribe,
        "data_protection": sending.data_protection,
        "preheader": preheader,
        "circular": {"number": letters.one_line(written.circular), "url": written.circular_url},
        "official_page": sending.official_page,
        "head": head,
        "logo": logo,
        "asks_address": written.asks_address,
    }
    body = Markup(html)  # noqa: S704 - escaped by the Markdown reader
    html = _typeset(layouts.get_template("letter.html").render(body=body, **around), marks)
    text = _typeset(layouts.get_template("letter.txt").render(body=text.rstrip("\n"), **around), marks)
    links = Links.of_nobody(sending.address, may_unsubscribe=may_unsubscribe)
    html, text = _linked(html, text, marks, links, shared)
    return LetterText.of(marks, _typeset(mark + subject, marks), html, text, _typeset(preheader, marks))


def _capacity(marks: Marks) -> str:
    """As what the mailbox receives the letter, before its authority's FASE number and name: marked text."""
    of_schools, several = (marks.condition(("field", name), first=True) for name in (OF_SCHOOLS, SEVERAL))
    schools = f"{several}{marks.slot(Slot('écoles_restantes'))} écoles{ELSE}une école{END}"
    return f"{of_schools}pour {schools} du pouvoir organisateur{ELSE}parce que vous êtes le pouvoir organisateur{END}"


def _phone(written: WrittenLetter) -> str:
    """The contact's number, which no line breaks."""
    return letters.one_line(written.contact_phone).replace(" ", WIDE)


def _typeset(text: str, marks: Marks) -> str:
    """The text with no-break spaces, also between a number that a slot stands for and its noun."""
    text = typeset_letter(text)
    for slot in [slot for slot in marks.slots if KINDS.get(slot.field) is FieldKind.NUMBER]:
        text = text.replace(f"{marks.slot(slot)} ", f"{marks.slot(slot)}{WIDE}")
    return text


def _linked(html: str, text: str, marks: Marks, links: Links, shared: Shared) -> tuple[str, str]:
    """The HTML and text with the links written out. Only the tokens stay slots, as only they differ by recipient.

    So a link costs one token to fill in and to store, not a whole address.
    """
    nobody = Facts(0, "", "", "", [], 0, 0, [], links, shared)
    for slot in [slot for slot in marks.slots if slot.field in LINKED]:
        said, mark = reader(slot)(nobody), marks.slot(slot)
        html, text = html.replace(mark, said.html), text.replace(mark, said.text)
    for name in TOKENS:
        held, mark = str(raw_value(name, nobody)), marks.slot(Slot(name))
        html, text = (html.replace(held, mark), text.replace(held, mark)) if held else (html, text)
    return html, text


def _read(subject: str, letter: str, marks: Marks, schemes: Sequence[str]) -> tuple[str, str, str]:
    line = _line(subject, marks, SUBJECT)
    html, text = letters.letter_body(letter, KINDS, marks, schemes)
    if not line.strip() or not text.strip():
        raise InputError("Le courriel n’a pas d’objet ou pas de texte.")
    return line, html, text


def _telling(html: str, text: str, marks: Marks, boxes: Boxes) -> tuple[str, str]:
    """A letter that says how many schools are written to directly: after its lists of schools, else at its end.

    Only where a wave writes both to authorities and to schools, and unless the author's words say so themselves.
    """
    named = {slot.field for slot in marks.slots} | {name for one in marks.conditions for name in fields_of(one)}
    if boxes is not Boxes.BOTH or WRITTEN_DIRECTLY in named:
        return html, text
    said = marks.slot(Slot(DIRECTLY))
    lists = [marks.slot(slot) for slot in SCHOOL_LISTS if slot in marks.slots]
    for mark in lists:
        html, text = html.replace(mark, mark + said), text.replace(mark, mark + said)
    return (html, text) if lists else (html + said, text.rstrip("\n") + said)


def _doubting(html: str, text: str, marks: Marks) -> tuple[str, str]:
    """A reminder that says that an answer came which nobody confirmed, if one did: after its first paragraph, else,
    where a condition decides whether somebody reads that one, at its end."""
    said = marks.slot(Slot(UNCONFIRMED))
    (first, ends, rest), (line, break_, lines) = html.partition("</p>"), text.partition("\n\n")
    if not ends or not break_ or MARKS_OF_CHOICE.search(first) or MARKS_OF_CHOICE.search(line):
        return html + said, text.rstrip("\n") + said
    return f"{first}{ends}{said}{rest}", f"{line}{said}{break_}{lines}"


def _line(source: str, marks: Marks, name: str) -> str:
    """A line of fields and words, marked; `name` is what a refusal calls it."""
    try:
        return parse_line(source, KINDS, marks)
    except InputError as error:
        said = str(error).replace("Ligne 1 :", f"{name} :")
        raise InputError(said if name == SUBJECT else said.replace("L’objet ne", f"{name} : il ne")) from None


def shared_headers_of(
    written: WrittenLetter, sending: SenderIdentity, wave: str, references: str = ""
) -> SharedHeaders:
    """The headers that all the letters of a wave share."""
    phrase, list_name = LISTS[written.message_class]
    return SharedHeaders(
        sender=Mailbox(f"{SENDER}@{sending.domain}", letters.one_line(written.sender_name)),
        reply_to=Mailbox(written.replies_to or written.contact_email, letters.one_line(written.contact_name)),
        list_id=f"{phrase} <{list_name}.{sending.domain}>",
        feedback_id=f"{wave}:c{written.campaign_id}:{written.message_class}:outreach",
        unsubscribe=f"{sending.address}/{UNSUBSCRIBE}/" if written.is_awareness else "",
        mailto=UNSUBSCRIBING if written.is_awareness and sending.reads_mail else "",
        references=references,
        mailto_subject=UNSUBSCRIBE_SUBJECT if written.is_awareness and sending.reads_mail else "",
        zone=BRUSSELS.key,
        is_marked="+@" in written.replies_to,
    )


def shared_headers_json(standing: SharedHeaders) -> str:
    """The headers as a mailing stores them."""
    return json.dumps(asdict(standing), ensure_ascii=False)


def compile_snapshot(draft: LetterText) -> Letter:
    """A letter ready to be filled."""
    return Letter(draft, {slot.key for slot in draft.slots if is_common(slot)})
