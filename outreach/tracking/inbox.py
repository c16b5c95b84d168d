"""The inbox of responses: those that wait for the service, their owners, the action each asks for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from outreach import audit
from outreach.accounts import staff
from outreach.adherence import records
from outreach.adherence.models import Programme, Status, Word
from outreach.days import today
from outreach.db import Session, take_turns
from outreach.directory import contacts
from outreach.directory.contacts import subject_of
from outreach.directory.models import Contact, MailboxKind, School
from outreach.errors import NotFound, Refused
from outreach.mail.addresses import judge
from outreach.tracking import steps
from outreach.tracking.answers import REPLACED
from outreach.tracking.models import Answer, Response, StepKind

PAGE_ROWS = 50
DONE = {
    Answer.JOINED: "adhésion confirmée",
    Answer.WRONG_CONTACT: "adresse remplacée",
    Answer.HELP: "demande traitée",
}


class Tray(StrEnum):
    """A part of the inbox: responses that wait, by what they ask, the most urgent first; or those handled."""

    HELP = "help"
    WRONG_CONTACT = "wrong_contact"
    REFUSED = "refused"
    JOINED = "joined"
    HANDLED = "handled"

    @property
    def label(self) -> str:
        """The French label."""
        return _TRAY_LABELS[self]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers that this tray holds."""
        if self is Tray.REFUSED:
            return (Answer.DECLINED, Answer.NOT_CONCERNED)
        return tuple(Answer) if self is Tray.HANDLED else (Answer(self.value),)


_TRAY_LABELS = {
    Tray.HELP: "Besoin d’aide",
    Tray.WRONG_CONTACT: "Mauvais contact",
    Tray.REFUSED: "Refus et non concernés",
    Tray.JOINED: "Adhésions à confirmer",
    Tray.HANDLED: "Traitées",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What acting on a response does: the button's text, the sentence shown before, and whether it is possible."""

    button: str
    sentence: str
    is_possible: bool = True

    @property
    def version(self) -> str:
        """A digest of this effect; a page sends it back to tell which effect it showed."""
        return hashlib.sha256(f"{self.button}\n{self.sentence}".encode()).hexdigest()[:16]


class EffectChanged(Refused):
    """The effect of acting is no longer the one that was shown."""


def counts(session: Session, *, owner: str = "") -> dict[Tray, int]:
    """How many responses (of an owner, or of all) lie in each tray; one statement."""
    waiting = Response.handled_at.is_(None)
    query = select(Response.answer, waiting.label("waits"), func.count()).group_by(Response.answer, waiting)
    query = query.where(Response.owner == owner) if owner else query
    tray_counts = dict.fromkeys(Tray, 0)
    for answer, waits, count in session.execute(query):
        for tray in Tray:
            if answer in tray.answers and bool(waits) == (tray is not Tray.HANDLED):
                tray_counts[tray] += count
    return tray_counts


def page(session: Session, tray: Tray | None, number: int, *, owner: str = "") -> Sequence[Response]:
    """One page of a tray (None: all that waits, tray by tray), the oldest first; HANDLED has the newest first."""
    return session.scalars(_ordered(tray, owner).limit(PAGE_ROWS).offset((number - 1) * PAGE_ROWS)).all()


def every(session: Session, tray: Tray | None, *, owner: str = "") -> Sequence[Response]:
    """All responses that the pages of `page` hold, in the same order."""
    return session.scalars(_ordered(tray, owner)).all()


def authorities(session: Session, tray: Tray | None, *, owner: str = "") -> list[int]:
    """The keys of the authorities whose responses the pages of `page` hold."""
    return list(session.scalars(_in(tray, owner).with_only_columns(Response.authority_id).distinct()))


def _ordered(tray: Tray | None, owner: str) -> Select[Response]:
    query = _in(tray, owner).options(joinedload(Response.authority), joinedload(Response.strand))
    order = [Response.handled_at.desc()] if tray is Tray.HANDLED else [_urgency(), Response.given_at]
    return query.options(selectinload(Response.schools), joinedload(Response.message)).order_by(*order, Response.id)


def count(session: Session, tray: Tray | None, *, owner: str = "") -> int:
    """How many responses all pages of `page` hold."""
    return session.scalar(select(func.count()).select_from(_in(tray, owner).subquery())) or 0


def response_numbered(session: Session, number: int) -> Response:
    """The response with this number. Raises NotFound."""
    response = session.get(Response, number)
    if response is None:
        raise NotFound(f"Aucune réponse ne porte le numéro {number}.")
    return response


def effect_of(session: Session, response: Response, *, now: datetime) -> Effect:
    """What acting on a response would do, to be shown before it is done."""
    match response.answer:
        case Answer.JOINED:
            schools = declared_still(session, response, now=now)
            many = f"{len(schools)} école{'s' if len(schools) > 1 else ''}"
            sentence = (
                f"{many}, {response.authority.name} : l’adhésion au volet {response.strand.number}, déclarée par le "
                f"pouvoir organisateur, devient confirmée et compte dans la situation."
            )
            if not schools:
                sentence = "Plus aucune de ces écoles n’est déclarée adhérente : il n’y a rien à confirmer."
            return Effect(f"Confirmer l’adhésion de {many}", sentence, bool(schools))
        case Answer.WRONG_CONTACT:
            return _effect_of_address(session, response)
        case Answer.HELP:
            return Effect("Marquer comme traitée", "La demande d’aide quitte la boîte, avec votre note.")
        case _:
            sentence = "La réponse quitte la boîte ; le statut déclaré reste tel que le pouvoir organisateur l’a donné."
            return Effect("Prendre acte", sentence)


def act(
    session: Session, response: Response, *, now: datetime, actor: str, note: str = "", seen: str | None = None
) -> None:
    """Do what a response asks for. Raises Refused when it was handled meanwhile or nothing can be done.

    `seen` is the version of the effect that was shown; raises EffectChanged when the effect has changed since.
    """
    _in_turn(session, response)
    effect = effect_of(session, response, now=now)
    if seen is not None and seen != effect.version:
        raise EffectChanged("Ce que fera l’action a changé depuis l’ouverture de la page : relisez-le.")
    if not effect.is_possible:
        raise Refused(effect.sentence)
    if response.answer is Answer.JOINED:
        _confirm(session, response, now, actor)
    if response.answer is Answer.WRONG_CONTACT:
        _replace_address(session, response, now, actor)
    _handle(session, response, now, actor, note or DONE.get(response.answer, "prise d’acte"))


def set_aside(session: Session, response: Response, *, now: datetime, actor: str, note: str = "") -> None:
    """Close a response without doing what it asks. Raises Refused when it was handled meanwhile."""
    _in_turn(session, response)
    _handle(session, response, now, actor, f"classée sans suite{f' : {note}' if note else ''}")


def take(session: Session, response: Response, *, now: datetime, actor: str) -> str:
    """Make `actor` the owner of a response; returns the former owner ('': none). Raises Refused when it was handled."""
    _in_turn(session, response)
    before = response.owner if response.owner and response.owner != actor else ""
    steps.add(session, response, StepKind.TAKEN, at=now, actor=actor)
    taken = f"reprise à {staff.colleagues(session)[before]}" if before else "prise en charge"
    said = f"Réponse « {response.answer.label} » (volet {response.strand.number}) : {taken}."
    audit.record(session, now, actor, said, subject_of(response.authority))
    return before


def may_reopen(response: Response) -> bool:
    """Whether a response may wait for staff again: staff handled it, and no later response replaced it."""
    return response.answer.awaits_staff and response.handled_at is not None and response.outcome != REPLACED


def reopen(session: Session, response: Response, *, now: datetime, actor: str, note: str = "") -> None:
    """Let a response that was handled wait again, as `actor`'s; what was done for it stays done.

    Raises Refused when it waits already, or when it waits for nobody.
    """
    take_turns(session, "response", response.id)
    session.refresh(response)
    if not may_reopen(response):
        raise Refused("Cette réponse ne se rouvre pas : elle attend déjà, ou une réponse plus récente la remplace.")
    steps.add(session, response, StepKind.REOPENED, at=now, actor=actor, note=note)
    if response.owner != actor:
        steps.add(session, response, StepKind.TAKEN, at=now, actor=actor)
    reopened = f"rouverte{f' : {note}' if note else ''}".rstrip(".")
    said = f"Réponse « {response.answer.label} » (volet {response.strand.number}) : {reopened}."
    audit.record(session, now, actor, said, subject_of(response.authority))


def declared_still(session: Session, response: Response, *, now: datetime) -> list[School]:
    """The schools of a response whose joining is declared and not confirmed yet."""
    programme = session.get_one(Programme, response.strand.programme_id)
    rows = records.standings(session, response.authority, programme, today(now))
    number = response.strand.number
    declared = {
        row.school.id
        for row in rows
        if number in row.strands
        and (row.strands[number].status, row.strands[number].word) == (Status.JOINED, Word.DECLARED)
    }
    return [school for school in response.schools if school.id in declared]


def _in(tray: Tray | None, owner: str) -> Select[Response]:
    query = select(Response).where(_waits() if tray is not Tray.HANDLED else Response.handled_at.is_not(None))
    if tray is not None:
        query = query.where(Response.answer.in_(tray.answers))
    return query.where(Response.owner == owner) if owner else query


def _urgency() -> ColumnElement[int]:
    waiting = [tray for tray in Tray if tray is not Tray.HANDLED]
    places = [(Response.answer.in_(tray.answers), place) for place, tray in enumerate(waiting)]
    return case(*places, else_=len(waiting))


def _waits() -> ColumnElement[bool]:
    return Response.handled_at.is_(None)


def _in_turn(session: Session, response: Response) -> None:
    take_turns(session, "response", response.id)
    session.refresh(response)
    if response.handled_at is not None:
        raise Refused("Cette réponse est déjà traitée.")


def _handle(session: Session, response: Response, now: datetime, actor: str, outcome: str) -> None:
    if not response.owner:
        steps.add(session, response, StepKind.TAKEN, at=now, actor=actor)
    steps.add(session, response, StepKind.HANDLED, at=now, actor=actor, note=outcome)
    said = f"Réponse « {response.answer.label} » (volet {response.strand.number}) : {outcome.rstrip('.')}."
    audit.record(session, now, actor, said, subject_of(response.authority))


def _confirm(session: Session, response: Response, now: datetime, actor: str) -> None:
    programme = session.get_one(Programme, response.strand.programme_id)
    records.record(
        session,
        response.authority,
        programme,
        response.strand,
        declared_still(session, response, now=now),
        status=Status.JOINED,
        word=Word.CONFIRMED,
        effective_on=today(now),
        now=now,
        today=today(now),
        actor=actor,
        source=f"Réponse du {today(response.given_at):%d/%m/%Y}",
    )


def _held(session: Session, response: Response) -> Contact | None:
    query = select(Contact).where(
        Contact.authority_id == response.authority_id,
        Contact.address_key == response.message.address_key,
        Contact.retired_at.is_(None),
    )
    return session.scalar(query)


def _effect_of_address(session: Session, response: Response) -> Effect:
    if not response.proposed_address:
        return Effect("Marquer comme traitée", "Aucune adresse n’est proposée : corrigez la fiche, puis fermez ici.")
    proposed, held = response.proposed_address, _held(session, response)
    if _has_already(session, response):
        if held is None or held.address_key == judge(proposed).key:
            return Effect("Marquer comme traitée", f"L’adresse {proposed} est déjà en usage : il n’y a rien à changer.")
        return Effect(
            f"Retirer {held.address}", f"L’adresse {held.address} est retirée ; {proposed}, déjà en usage, reste."
        )
    check = (
        " Elle ne servira qu’après la vérification d’une deuxième personne." if judge(proposed).mixed_writing else ""
    )
    if held is None:
        said = f"L’adresse {proposed} est ajoutée ; celle du courriel n’est déjà plus en usage.{check}"
        return Effect(f"Ajouter {proposed}", said)
    said = f"L’adresse {held.address} est retirée, {proposed} la remplace pour les prochains courriels.{check}"
    return Effect(f"Remplacer par {proposed}", said)


def _has_already(session: Session, response: Response) -> bool:
    """Whether the proposed address is in use. The letter's own does not count if it bounced: correcting restores it."""
    query = select(Contact.id).where(
        Contact.authority_id == response.authority_id,
        Contact.address_key == judge(response.proposed_address).key,
        Contact.retired_at.is_(None),
        or_(Contact.bounced_at.is_(None), Contact.address_key != response.message.address_key),
    )
    return session.scalar(query) is not None


def _replace_address(session: Session, response: Response, now: datetime, actor: str) -> None:
    if not response.proposed_address:
        return
    judged, held = judge(response.proposed_address), _held(session, response)
    kind = held.mailbox_kind if held else MailboxKind.IMPERSONAL
    if _has_already(session, response):
        if held is not None and held.address_key != judged.key:
            contacts.retire(session, response.authority, held, now=now, actor=actor)
    elif held is None:
        contacts.add(session, response.authority, judged, now=now, actor=actor, kind=kind)
    else:
        contacts.correct(session, response.authority, held, judged, now=now, actor=actor, kind=kind)
