"""Prepared texts: written in versions; those that leave unread, and those of letters by hand, are approved once."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from outreach.access import approvals
from outreach.access.approvals import Content, Decision, DecisionKind, Thing
from outreach.campaigns.correspondence._models import ReplyTemplate, TextUse
from outreach.campaigns.letter import KINDS
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import number
from outreach.delivery import letters
from outreach.delivery.letters import FieldKind, Marks, parse_line

LONGEST, LONGEST_SUBJECT = 10_000, 150
# The fields of a reply: those that have a value without an audience.
FIELDS_WITHOUT_CAMPAIGN = ("nom_po", "fase_po", "réseau", "commune", "contact")
KNOWN = {name: KINDS[name] for name in (*FIELDS_WITHOUT_CAMPAIGN, "circulaire")}
OF_LETTERS = {name: KINDS[name] for name in FIELDS_WITHOUT_CAMPAIGN}  # no campaign names a circular
SUBJECT_LINE = re.compile(r"Objet\s*:\s*(\S.*)")
UNFINISHED = re.compile(r"\[À compléter[^\]]*\]?")
SCHOOLS, STRAND = "[écoles]", "[volet]"  # where the news of a joining names its schools and its strand
SUBJECT = "texts"  # of what the audit records about prepared texts

FIRST: Mapping[TextUse, str] = {
    TextUse.HELP: """Madame, Monsieur,

Vous avez demandé de l’aide pour votre pouvoir organisateur, **((nom_po))** (FASE ((fase_po))).
[À compléter : les premiers éléments.]

Je reste à votre disposition : répondez à ce courriel, ou appelez-moi.

Bien cordialement,
((contact))
""",
    TextUse.ADDRESS: """Madame, Monsieur,

Merci de votre message. L’adresse de votre pouvoir organisateur, **((nom_po))** (FASE ((fase_po))), est corrigée :
nos prochains courriels iront à la nouvelle.

Bien cordialement,
((contact))
""",
    TextUse.NOTED: """Madame, Monsieur,

Merci de votre réponse. La décision de votre pouvoir organisateur, **((nom_po))** (FASE ((fase_po))), est notée.
Si elle change, répondez à ce courriel.

Bien cordialement,
((contact))
""",
    TextUse.JOINED: """Madame, Monsieur,

Le service confirme l’adhésion de votre pouvoir organisateur, **((nom_po))** (FASE ((fase_po))),
au volet [volet], pour :

[écoles]

Pour l’adhésion, vous n’avez plus rien à faire. Une question ? Répondez à ce courriel.

Bien cordialement,
((contact))
""",
    TextUse.AFTER_CALL: """Objet : Suite à notre échange – FASE ((fase_po))

Madame, Monsieur,

Comme convenu au téléphone, voici ce que vous avez demandé pour votre pouvoir organisateur,
**((nom_po))** (FASE ((fase_po))).

[À compléter : ce qui a été promis.]

Je reste à votre disposition : répondez à ce courriel, ou appelez-moi.

Bien cordialement,
((contact))
""",
    TextUse.PRESENT: """Objet : Plan d’équipement numérique – FASE ((fase_po))

Madame, Monsieur,

Votre pouvoir organisateur, **((nom_po))** (FASE ((fase_po))), peut encore adhérer au plan d’équipement
numérique. [À compléter : l’essentiel, et où lire la suite.]

Une question ? Répondez à ce courriel, ou appelez-moi.

Bien cordialement,
((contact))
""",
}


@dataclass(frozen=True, slots=True)
class CurrentText:
    """A prepared text as it holds: its version (the first is 1; 0 is ours, not saved yet), and its approval.

    `row` is None for ours.
    """

    use: TextUse
    text: str
    version: int = 0
    row: ReplyTemplate | None = None
    approval: Decision | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it may be sent: it is approved, or a person reads it before it leaves."""
        return self.approval is not None or not self.use.needs_approval

    @property
    def is_to_approve(self) -> bool:
        """Whether its approval may be asked for: one with gaps to fill never leaves unchanged."""
        return asks_approval(self.use, self.text)


def asks_approval(use: TextUse, text: str) -> bool:
    """Whether a text of this use awaits an approval once it is saved."""
    return use.needs_approval and not UNFINISHED.search(text)


def refuse_unfit(use: TextUse, text: str, schemes: Sequence[str]) -> None:
    """Raises InputError, with the line, when a text cannot be a prepared one of this use.

    It has to be readable, without a field that has no value in a reply. The news of a joining leaves unread, so it has
    to be complete, and to have a place for its schools. A letter by hand begins with its subject, and may have gaps.
    """
    if use.is_letter:
        _refuse_unreadable_letter(text, schemes)
        return
    _refuse_unreadable(text, schemes)
    if not use.leaves_unread:
        return
    refuse_unfinished(text, schemes)
    if f"\n{SCHOOLS}\n" not in f"\n{text}\n":
        raise InputError(f"Écrivez {SCHOOLS} seul sur une ligne, là où les écoles seront citées.")


def split(text: str) -> tuple[str, str]:
    """The subject and the body of a letter by hand. Raises InputError when its first line is no subject."""
    first, _, body = text.strip().partition("\n")
    subject = SUBJECT_LINE.fullmatch(first.strip())
    if subject is None or len(subject[1]) > LONGEST_SUBJECT:
        raise InputError(f"Indiquez l’objet du courriel, en {LONGEST_SUBJECT} caractères au plus.")
    return subject[1].strip(), body.strip()


def joined(subject: str, body: str) -> str:
    """The text of a letter by hand with this subject and this body: what `split` parts."""
    return f"Objet : {subject.strip()}\n\n{body.strip()}\n"


def refuse_unfinished_letter(text: str, schemes: Sequence[str]) -> None:
    """Raises InputError, with the line, when a text cannot leave as a letter by hand: its subject or body is missing or
    unreadable, or has a gap to fill."""
    _refuse_unreadable_letter(text, schemes)
    if unfinished := UNFINISHED.search(text):
        raise InputError(f"Complétez « {unfinished[0]} » avant d’envoyer.")


def approved_as(session: Session, text: str) -> int | None:
    """The key of the approved text that a letter by hand is, unchanged; None of any other."""
    for use in TextUse:
        held = current_template(session, use) if use.is_letter else None
        if held and held.row and held.approval and split(held.text) == split(text):
            return held.row.id
    return None


def refuse_unfinished(text: str, schemes: Sequence[str]) -> None:
    """Raises InputError, with the line, when a text cannot leave as a reply: unreadable, or with a gap to fill."""
    _refuse_unreadable(text, schemes)
    if unfinished := UNFINISHED.search(text):
        raise InputError(f"Complétez « {unfinished[0]} » avant d’envoyer.")


def current_template(session: Session, use: TextUse) -> CurrentText:
    """The text of a use as it holds: its newest version, or ours when nobody has written one."""
    rows = template_versions(session, use)
    if not rows:
        return CurrentText(use, FIRST[use])
    return CurrentText(use, rows[0].text, len(rows), rows[0], approvals.standing_approval(session, content_of(rows[0])))


def template_versions(session: Session, use: TextUse) -> Sequence[ReplyTemplate]:
    """All versions of a text, the newest first."""
    query = select(ReplyTemplate).where(ReplyTemplate.use == use).order_by(ReplyTemplate.id.desc())
    return session.scalars(query).all()


def write_template(
    session: Session, use: TextUse, text: str, *, now: datetime, actor: str, seen: int | None = None
) -> None:
    """Save a new version of a text that `refuse_unfit` lets through. The same words again save nothing.

    `seen` is the key of the version that was read before (0: none). Raises Refused when another one holds by now.
    """
    take_lock(session, "text", use)
    held = current_template(session, use)
    number = held.row.id if held.row else 0
    if seen is not None and seen != number:
        raise Refused("Quelqu’un a changé ce texte depuis que vous l’avez ouvert. Le vôtre est encore ici : comparez.")
    if number and held.text == text:
        return
    written = ReplyTemplate(use=use, text=text, written_at=now, written_by=actor)
    session.add(written)
    session.flush()
    if use.needs_approval:
        if held.row and held.is_to_approve:
            replaced = content_of(held.row)
            approvals.record_decision(
                session, replaced, DecisionKind.WITHDRAWN, "", now=now, actor=actor, reason="remplacée"
            )
        if asks_approval(use, text):
            approvals.record_decision(session, content_of(written), DecisionKind.SUBMITTED, "", now=now, actor=actor)
    audit.record_entry(session, now, actor, f"Texte « {use.label} » : version {held.version + 1} écrite.", SUBJECT)


def content_of(version: ReplyTemplate) -> Content:
    """A version of a text as decisions are about it."""
    digest = hashlib.sha256(version.text.encode()).hexdigest()
    label = version.use.label
    return Content(Thing.TEXT.subject(version.id), digest, label, f"Texte « {label} »", SUBJECT)


def approve_template(session: Session, use: TextUse, number: int, *, now: datetime, actor: str) -> None:
    """Approve the version with this key, once for all letters that it makes.

    Raises NotFound when there is no such version of this use, Refused when it is no longer the newest and as
    `deciding.decide` does.
    """
    take_lock(session, "text", use)
    held = current_template(session, use)
    if held.row is None:
        raise NotFound("Ce texte n’est pas encore écrit.")
    if held.row.id != number:
        raise Refused("Ce texte a changé depuis l’ouverture de la page : relisez-le.")
    content = content_of(held.row)
    sentence = f"{content.named} : version {held.version} validée."
    approvals.record_decision(session, content, DecisionKind.APPROVED, sentence, now=now, actor=actor)


def _refuse_unreadable_letter(text: str, schemes: Sequence[str]) -> None:
    subject, body = split(text)
    parse_line(subject, OF_LETTERS, Marks())
    _refuse_unreadable(body, schemes, OF_LETTERS)


def _refuse_unreadable(text: str, schemes: Sequence[str], known: Mapping[str, FieldKind] = KNOWN) -> None:
    if not text.strip() or len(text) > LONGEST:
        raise InputError(f"Indiquez un texte de {number(LONGEST)} caractères au plus.")
    letters.letter_body(text, known, Marks(), schemes)
