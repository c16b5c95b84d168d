"""From a campaign to its letters: the fields, the letter as frozen at launch, and the composing of each."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from sqlalchemy import select

from outreach.adherence.days import today
from outreach.adherence.models import Status, Strand
from outreach.adherence.standing import status_of
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.delivery.fence import Composed, Due
from outreach.delivery.models import Mailing, MessageClass
from outreach.directory.models import Authority, School
from outreach.errors import InputError
from outreach.mail import letters, mime
from outreach.mail.letters import Draft, Letter, Value
from outreach.mail.mime import Mailbox, Personal, Standing
from outreach.mail.tokens import Keys, Kind
from outreach.mail.typography import typeset
from outreach.settings import ROOT

LISTED = 25
COLLAPSED = "border-collapse:collapse"
SENDER = "sensibilisation"
SIGNATURE = ("sender_name", "sender_address", "contact_name", "contact_service", "contact_phone", "contact_email")
TOKEN = "jeton_désinscription"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Sending:
    """Where letters come from: the sending domain, the public address of the service, the keys of its links."""

    domain: str
    address: str
    keys: Keys

    def return_path(self, identity: str) -> str:
        """The envelope sender of a letter: what comes back names it (VERP)."""
        return f"b-{self.keys.make(Kind.BOUNCE, bytes.fromhex(identity))}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one recipient when its letter is composed; `schools` are (FASE, name, status) by name."""

    fase: int
    name: str
    network: str
    municipality: str
    schools: Sequence[tuple[int, str, Status]]
    token: str


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field: what it says to who writes, its value for one recipient. A block has a paragraph of its own."""

    help: str
    value: Callable[[Facts], Value]
    is_block: bool = False


def _rows(facts: Facts) -> Value:
    shown, more = facts.schools[:LISTED], len(facts.schools) - LISTED
    cell = '<td class="cell" style="padding:6px 8px;border-bottom:1px solid #babbc1;text-align:left">{}</td>'
    head = cell.replace("<td", '<th scope="col"').replace("</td", "</th")
    names = [Value.plain(name) for _, name, _ in shown]
    lines = ["".join(head.format(title) for title in ("École", "FASE", "Situation"))]
    texts = []
    for name, (fase, _, status) in zip(names, shown, strict=True):
        lines.append("".join(cell.format(text) for text in (name.html, fase, status.label)))
        texts.append(f"- {name.text} (FASE {fase})\u00a0: {status.label.lower()}")
    note = f"et {more} autre{'s' if more > 1 else ''}" if more > 0 else ""
    table = "\n".join(f"<tr>{line}</tr>" for line in lines)
    html = f'<table width="100%" cellpadding="0" cellspacing="0" border="0" style="{COLLAPSED}">\n{table}\n</table>'
    return Value(html + (f"\n<p>{note}</p>" if note else ""), "\n".join([*texts, *([note] if note else [])]))


FIELDS = {
    "nom_po": Field("Le nom du pouvoir organisateur", lambda facts: Value.plain(facts.name)),
    "fase_po": Field("Son numéro FASE", lambda facts: Value.plain(str(facts.fase))),
    "réseau": Field("Son réseau", lambda facts: Value.plain(facts.network)),
    "commune": Field("Sa commune", lambda facts: Value.plain(facts.municipality)),
    "écoles_restantes": Field("Le nombre d’écoles concernées", lambda facts: Value.plain(str(len(facts.schools)))),
    "tableau_écoles": Field("Le tableau des écoles concernées", _rows, is_block=True),
    TOKEN: Field("", lambda facts: Value.plain(facts.token)),
}
# The same for all the recipients of a wave: they are part of the letter as frozen.
SHARED = {
    "circulaire": "Le numéro de la circulaire",
    "date_limite": "La date limite de la vague",
    "contact": "La personne de contact, en toutes lettres",
}
MARKS = letters.marks_of([*FIELDS, *SHARED])
_layouts = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "emails"),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def draft_of(campaign: Campaign, sending: Sending, due_at: datetime) -> Draft:
    """The letter of a campaign for a wave due at an instant, its recipients' fields still open.

    Raises InputError, with the line, when the letter or its subject cannot be read.
    """
    subject, source = read_letter(campaign.subject, campaign.letter, _shared(campaign, due_at))
    html, text = letters.paragraphs(source, {MARKS[name] for name, field in FIELDS.items() if field.is_block})
    around = {
        "subject": subject,
        "signed": {name: letters.one_line(getattr(campaign, name)) for name in SIGNATURE},
        "marks": MARKS,
        "unsubscribe": _unsubscribe(campaign, sending),
    }
    body = Markup(html)  # noqa: S704 - escaped by `paragraphs`
    return Draft(
        fields=tuple(FIELDS),
        subject=subject,
        html=typeset(_layouts.get_template("letter.html").render(body=body, **around)),
        text=typeset(_layouts.get_template("letter.txt").render(body=text, **around)),
    )


def read_letter(subject: str, letter: str, shared: Mapping[str, str] | None = None) -> tuple[str, str]:
    """A subject and a letter with marks for fields, shared ones replaced by their values.

    Raises InputError, with the line, when one of them cannot be read.
    """
    known = shared or dict.fromkeys(SHARED, "")
    read = " ".join(_read(subject, known).split()), _read(letter, known)
    if not all(part.strip() for part in read):
        raise InputError("Le courriel n’a pas d’objet ou pas de texte.")
    return typeset(read[0]), typeset(read[1])


def standing_of(campaign: Campaign, sending: Sending, wave: str) -> Standing:
    """The headers that all the letters of a wave share."""
    return Standing(
        sender=Mailbox(f"{SENDER}@{sending.domain}", letters.one_line(campaign.sender_name)),
        reply_to=Mailbox(campaign.contact_email, letters.one_line(campaign.contact_name)),
        list_id=f"<{wave}.{sending.domain}>",
        feedback_id=f"{wave}:c{campaign.id}:{campaign.message_class}:outreach",
        unsubscribe=_unsubscribe(campaign, sending),
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
        letter, standing = _compiled(mailing.letter, mailing.headers)
        anew = [one for one in due if one.kept is None]
        facts = self._facts(session, mailing, anew)
        contents = {one.id: _content(facts[one.id]) for one in anew}
        contents.update({one.id: json.loads(one.kept) for one in due if one.kept is not None})
        return {one.id: _compose(letter, standing, one, contents[one.id]) for one in due}

    def _facts(self, session: Session, mailing: Mailing, due: Sequence[Due]) -> dict[int, Facts]:
        authorities = _authorities(session, {one.recipient_id for one in due})
        wanted = {school for one in due for school in one.schools}
        schools = _schools(session, mailing, wanted, self._now())
        return {
            one.id: Facts(
                fase=authorities[one.recipient_id].fase,
                name=authorities[one.recipient_id].name,
                network=authorities[one.recipient_id].network.label,
                municipality=authorities[one.recipient_id].municipality,
                schools=sorted((schools[key] for key in one.schools), key=lambda school: (school[1], school[0])),
                token=self.sending.keys.make(Kind.UNSUBSCRIBE, bytes.fromhex(one.public_id)),
            )
            for one in due
        }


def _authorities(session: Session, keys: set[int]) -> dict[int, Authority]:
    return {one.id: one for one in session.scalars(select(Authority).where(Authority.id.in_(keys)))}


def _schools(session: Session, mailing: Mailing, keys: set[int], now: datetime) -> dict[int, tuple[int, str, Status]]:
    strand = select(Strand.id).where(Strand.id == mailing.stop_strand_id).scalar_subquery()
    query = select(School.id, School.fase, School.name, status_of(School.id, strand, today(now)))
    rows = session.execute(query.where(School.id.in_(keys)))
    return {key: (fase, name, status or Status.NONE) for key, fase, name, status in rows}


def _content(facts: Facts) -> dict[str, list[str]]:
    values = {name: field.value(facts) for name, field in FIELDS.items()}
    return {name: [value.html, value.text] for name, value in values.items()}


def _compose(letter: Letter, standing: Standing, due: Due, content: dict[str, list[str]]) -> Composed:
    filled = letter.fill({name: Value(html, text) for name, (html, text) in content.items()})
    token = content[TOKEN][1] if standing.unsubscribe else ""
    to = due.address_ascii or due.address
    personal = Personal(due.public_id, to, due.dated_at, filled.subject, token)
    wire = mime.assemble(standing, personal, filled.text, filled.html)
    return Composed(due, wire, json.dumps(content, ensure_ascii=False))


@lru_cache(maxsize=32)
def _compiled(letter: str, headers: str) -> tuple[Letter, Standing]:
    kept = json.loads(headers)
    boxes = {name: Mailbox(**kept[name]) for name in ("sender", "reply_to")}
    return Letter(Draft.from_json(letter)), Standing(**{**kept, **boxes})


def _shared(campaign: Campaign, due_at: datetime) -> dict[str, str]:
    last = today(due_at + timedelta(days=campaign.deadline_days))
    spelt = format_date(last, "d MMMM yyyy", locale="fr_BE")
    parts = (campaign.contact_name, campaign.contact_service, campaign.contact_email, campaign.contact_phone)
    return {
        "circulaire": campaign.circular,
        "date_limite": spelt.replace("1 ", "1er ", 1) if last.day == 1 else spelt,
        "contact": ", ".join(part for part in parts if part),
    }


def _read(source: str, shared: Mapping[str, str]) -> str:
    text = letters.marked(source, {name: mark for name, mark in MARKS.items() if name != TOKEN})
    for name, value in shared.items():
        text = text.replace(MARKS[name], letters.one_line(value))
    return text


def _unsubscribe(campaign: Campaign, sending: Sending) -> str:
    return f"{sending.address}/u/" if campaign.message_class is MessageClass.AWARENESS else ""
