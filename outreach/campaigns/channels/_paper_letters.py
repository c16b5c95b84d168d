"""What letters on paper say, as the templates of typst take it: the mail's own words, with a code for its buttons."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import segno
from sqlalchemy import select

from outreach.campaigns.evidence import EscalationStep
from outreach.campaigns.letter import SenderIdentity, contact_of, for_paper
from outreach.campaigns.models import Campaign, PaperBatch, PaperLetter, Wave
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.sandbox import pdf
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused
from outreach.delivery.letters import LIVE_KEYS, Keys, blocks_of, code_of, digest_of
from outreach.delivery.models import Mailing, Message, MessageClass
from outreach.delivery.outbox import Due
from outreach.directory.display_names import shown
from outreach.directory.models import Authority, School
from outreach.directory.postal import PostalAddress
from outreach.engagement.replies import Answer

CODE = "r"  # the path of the page of codes
KEYS_CHANGED = (
    "La clé des liens a changé depuis que ce lot est préparé : ses codes ne peuvent plus être imprimés. Notez les "
    "lettres déjà postées ; les autres vont dans un nouveau lot."
)
GONE = "Le texte des lettres de ce lot n’est plus conservé : ses fichiers ne peuvent plus être refaits."


@dataclass(frozen=True, slots=True)
class PaperSheet:
    """A letter of a batch with what the template takes of it."""

    letter: PaperLetter
    fase: int
    reference: str
    document: Mapping[str, Any]


def sheets_of(
    session: Session, batch: PaperBatch, letters: Sequence[PaperLetter], sending: SenderIdentity, *, now: datetime
) -> list[PaperSheet]:
    """Some letters of a batch, ready for the template, in order, as they were made.

    One that was made before its words were kept is made again, and says so. Raises Refused as `code_kept`, and when the
    words are kept no more.
    """
    unkept = [letter for letter in letters if letter.content is None]
    again = documents(session, batch, unkept, sending, again_on=today(now)) if unkept else {}
    made = []
    for letter in letters:
        document = again.get(letter.id) or _as_made(letter)
        whole = settable({**document, **_coded(document, code_kept(letter, sending.keys), sending)})
        made.append(PaperSheet(letter, document["fase"], document["reference"], whole))
    return made


def documents(
    session: Session,
    batch: PaperBatch,
    letters: Sequence[PaperLetter],
    sending: SenderIdentity,
    *,
    again_on: date | None = None,
) -> dict[int, dict[str, Any]]:
    """What letters of a batch say, without their codes, by key: as of when it was made; a dozen statements.

    `again_on` is the day on which they are made again, which each then says, or None.
    """
    campaign, mailing = batch.campaign, session.get_one(Mailing, batch.mailing_id)
    steps = {step.id: step for step in _steps(session, letters)}
    messages, authorities = _messages(session, steps.values()), _authorities(session, steps.values())
    due = [_due(messages[steps[one.step_id].message_id], one) for one in letters]
    said = for_paper(session, mailing, due, sending, now=batch.made_at)
    wave = session.scalars(select(Wave).where(Wave.mailing_id == mailing.id)).one()
    names = _school_names(session, letters) if batch.has_sheet else {}
    made = {}
    for letter in letters:
        step = steps[letter.step_id]
        reference = f"C{campaign.id}-{wave.number}-{letter.id}"
        fase, on = authorities[step.authority_id], today(batch.made_at)
        to = Addressed(letter.recipient, fase, letter.address, reference, on, again_on)
        document = _document(campaign, to, *said[step.message_id], sending)
        if batch.has_sheet:
            document["sheet"] = _reply_sheet(campaign, letter, names)
        made[letter.id] = document
    return made


def _as_made(letter: PaperLetter) -> dict[str, Any]:
    if not letter.content:
        raise Refused(GONE)
    known: dict[str, Any] = json.loads(letter.content)
    return known


def settable(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document whose characters our fonts have."""
    known: dict[str, Any] = json.loads(pdf.settable(json.dumps(document, ensure_ascii=False)))
    return known


def code_kept(letter: PaperLetter, keys: Keys) -> str:
    """The code of a letter, made again. Raises Refused when its key is no live one any more."""
    for key in keys.keys[:LIVE_KEYS]:
        code = code_of(key, letter.id)
        if digest_of(key, code) == letter.code_digest:
            return code
    raise Refused(KEYS_CHANGED)


def short_address(sending: SenderIdentity, code: str) -> str:
    """The address as people type it: without its scheme."""
    parts = urlsplit(sending.address)
    return f"{parts.netloc}{parts.path}/{CODE}/{code}"


def qr(address: str) -> str:
    """The QR code of an address as SVG, with its quiet zone (ISO/IEC 18004 §6.3.8)."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", border=4, scale=4, xmldecl=False)
    return drawn.getvalue().decode()


@dataclass(frozen=True, slots=True)
class Addressed:
    """To whom a letter on paper goes, what it bears: its reference, its date, the day it was made again on, if any."""

    name: str
    fase: int
    address: PostalAddress
    reference: str
    on: date
    again_on: date | None = None


def document_of(
    campaign: Campaign, to: Addressed, code: str, subject: str, html: str, sending: SenderIdentity
) -> dict[str, Any]:
    """A letter on paper as the template takes it, without a sheet for the reply."""
    document = _document(campaign, to, subject, html, sending)
    return {**document, **_coded(document, code, sending)}


def _coded(document: Mapping[str, Any], code: str, sending: SenderIdentity) -> dict[str, str]:
    """What a letter's code adds to what it says."""
    address = short_address(sending, code)
    otherwise = f"{document['otherwise']} Votre code : {code}.".lstrip()
    return {"qr": qr(f"{sending.address}/{CODE}/{code}"), "address": address, "otherwise": french.typeset(otherwise)}


def _document(campaign: Campaign, to: Addressed, subject: str, html: str, sending: SenderIdentity) -> dict[str, Any]:
    blocks = blocks_of(html, sending.address)
    if not any(block["kind"] == "answer" for block in blocks):
        blocks.append({"kind": "answer"})
    again = f"Refaite le {french.day(to.again_on)}" if to.again_on else ""
    return {
        "reference": to.reference,
        "sender": [campaign.sender_name, *campaign.sender_address.split(", ")],
        "about": [
            *filter(None, (french.spelt_day(to.on), french.typeset(again))),
            french.typeset(f"Notre référence : {to.reference}"),
            french.typeset(f"FASE du pouvoir organisateur : {to.fase}"),
            french.typeset(f"Contact : {contact_of(campaign.contact_name, campaign.contact_service, '', '')}"),
            *filter(None, (campaign.contact_email, campaign.contact_phone)),
        ],
        "lines": [to.name, to.address.street_line, to.address.place_line],
        "subject": subject,
        "name": to.name,
        "fase": to.fase,
        "blocks": blocks,
        "otherwise": f"Sans internet : {campaign.contact_phone}." if campaign.contact_phone else "",
        "foot": _foot(campaign, to, sending),
        "sheet": None,
    }


def _foot(campaign: Campaign, to: Addressed, sending: SenderIdentity) -> list[str]:
    said = [f"Vous recevez cette lettre parce que vous êtes le pouvoir organisateur FASE {to.fase}, {to.name}."]
    if campaign.circular_url:
        said.append(f"Circulaire {campaign.circular} : {campaign.circular_url}")
    if sending.official_page:
        said.append(f"Cette lettre vient-elle bien de nous ? Vérifiez-le : {sending.official_page}")
    said.append(f"Protection des données : {sending.data_protection}")
    if campaign.message_class is MessageClass.AWARENESS:
        said.append(f"Pour ne plus recevoir de lettres de sensibilisation, écrivez à {campaign.contact_email}")
    return [french.typeset(line) for line in said]


def _reply_sheet(campaign: Campaign, letter: PaperLetter, names: Mapping[int, str]) -> dict[str, Any]:
    phone = f", appelez le {campaign.contact_phone}" if campaign.contact_phone else ""
    return {
        "ways": f"Réponse par la poste{' ou par téléphone' if phone else ''}",
        "lead": french.typeset(
            f"Renvoyez cette feuille à {campaign.sender_name}, {campaign.sender_address}{phone}, ou répondez par le "
            "code."
        ),
        "answers": [french.typeset(answer.label) for answer in Answer],
        "which": french.typeset("Sans case cochée, la réponse vaut pour toutes les écoles de la liste."),
        "schools": [names[key] for key in letter.schools],
    }


def _school_names(session: Session, letters: Sequence[PaperLetter]) -> dict[int, str]:
    keys = {key for letter in letters for key in letter.schools}
    query = select(School.id, School.fase, School.name, School.corrected_name).where(among(School.id, sorted(keys)))
    return {
        key: french.typeset(f"{shown(name, corrected)} (FASE {fase})")
        for key, fase, name, corrected in session.execute(query)
    }


def _steps(session: Session, letters: Sequence[PaperLetter]) -> Sequence[EscalationStep]:
    keys = [letter.step_id for letter in letters]
    return session.scalars(select(EscalationStep).where(among(EscalationStep.id, keys))).all()


def _messages(session: Session, steps: Iterable[EscalationStep]) -> dict[int, Message]:
    query = select(Message).where(among(Message.id, sorted({step.message_id for step in steps})))
    return {message.id: message for message in session.scalars(query)}


def _authorities(session: Session, steps: Iterable[EscalationStep]) -> dict[int, int]:
    query = select(Authority.id, Authority.fase)
    return dict(session.execute(query.where(among(Authority.id, sorted({step.authority_id for step in steps})))).all())


def _due(message: Message, letter: PaperLetter) -> Due:
    """The letter as one to compose: to the authority, not to a mailbox that may answer for some schools only."""
    return Due(
        schools=letter.schools,
        kept=None,
        id=message.id,
        mailing_id=message.mailing_id,
        authority_id=message.authority_id,
        address="",
        address_key="",
        address_ascii="",
        public_id=message.public_id,
        dated_at=message.dated_at,
        return_path="",
        revision=message.revision,
    )
