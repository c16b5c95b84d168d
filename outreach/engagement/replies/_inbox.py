"""The inbox of responses: those that wait, their owners, the actions on each, and what these would do."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from outreach.access import accounts
from outreach.access.accounts import User
from outreach.adherence import programmes, records
from outreach.adherence.models import Programme, Status, Word
from outreach.adherence.programmes import strand_name
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text.addresses import judge
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import spelt_day
from outreach.core.text.roles import RoleName
from outreach.directory import contacts
from outreach.directory.contacts import InUse
from outreach.directory.models import School
from outreach.engagement.replies._kinds import Action, Answer
from outreach.engagement.replies._models import REPLACED, SET_ASIDE, Response, StepKind, add_step


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect of acting on a response: the button's text, the sentence shown before, and whether it is possible."""

    button: str
    sentence: str
    is_possible: bool = True

    @property
    def version(self) -> str:
        """A digest of this effect; a page sends it back to tell which effect it showed."""
        return hashlib.sha256(f"{self.button}\n{self.sentence}".encode()).hexdigest()[:16]


def effect_of(session: Session, response: Response, *, now: datetime) -> Outcome:
    """The effect of acting on a response, to be shown before it is done."""
    return effects_of(session, [response], now=now)[response.id]


def effects_of(session: Session, responses: Sequence[Response], *, now: datetime) -> dict[int, Outcome]:
    """The effect of acting on each of these responses, by its key; joinings cost one statement together."""
    declared, names = declared_still(session, responses, now=now), programmes.names_among_several(session)
    return {response.id: _effect(session, response, declared[response.id], names) for response in responses}


def declared_still(session: Session, responses: Sequence[Response], *, now: datetime) -> dict[int, list[School]]:
    """The schools of each response whose joining is declared and not confirmed yet, by the response's key."""
    joined = [response for response in responses if response.answer.facts.action is Action.CONFIRM]
    strands = list({response.strand_id: response.strand for response in joined}.values())
    schools = {school.id for response in joined for school in response.schools}
    declared = records.declared_joinings(session, strands, schools, today(now))
    return {
        response.id: [
            school for school in response.schools if (response.strand_id, response.authority_id, school.id) in declared
        ]
        for response in responses
    }


def _effect(session: Session, response: Response, schools: Sequence[School], names: Mapping[int, str]) -> Outcome:
    match response.answer.facts.action:
        case Action.CONFIRM:
            of = programmes.of_programme(names.get(response.strand.programme_id, ""))
            many = f"{len(schools)} école{'s' if len(schools) > 1 else ''}"
            sentence = (
                f"{many}, {response.authority.display_name} : l’adhésion au volet {response.strand.number}{of}, "
                f"déclarée par le pouvoir organisateur, devient confirmée et compte dans la situation."
            )
            if not schools:
                sentence = "Plus aucune de ces écoles n’est déclarée adhérente : il n’y a rien à confirmer."
            return Outcome(
                f"Confirmer l’adhésion {'d’une école' if len(schools) == 1 else f'de {many}'}", sentence, bool(schools)
            )
        case Action.CORRECT:
            return _effect_of_address(session, response)
        case action:
            return Outcome(action.facts.button, action.facts.sentence)


def _effect_of_address(session: Session, response: Response) -> Outcome:
    if not response.proposed_address:
        return Outcome("Marquer comme traitée", "Aucune adresse n’est proposée : corrigez la fiche, puis fermez ici.")
    proposed, written_to = response.proposed_address, response.message.address_key
    held = contacts.held_at(session, response.authority, written_to)
    if contacts.is_in_use(session, response.authority, judge(proposed).key, written_to=written_to):
        if held is None or held.address_key == judge(proposed).key:
            return Outcome(
                "Marquer comme traitée", f"L’adresse {proposed} est déjà en usage : il n’y a rien à changer."
            )
        return Outcome(
            f"Retirer {held.address}", f"L’adresse {held.address} est retirée ; {proposed}, déjà en usage, reste."
        )
    fase = response.authority.fase
    # Weighed against well-known domains alone: acting comes here too, in a transaction that others wait for.
    judged = contacts.weigh(judge(proposed), InUse(()), fase=fase)
    remarks = (*judged.warnings, *contacts.elsewhere(session, [judged.key], fase=fase).values())
    check = "".join(f" {remark}" for remark in remarks)
    if judged.mixed_writing:
        check += " Elle ne servira qu’après la vérification d’une deuxième personne."
    if held is None:
        said = f"L’adresse {proposed} est ajoutée ; celle du courriel n’est déjà plus en usage.{check}"
        return Outcome(f"Ajouter {proposed}", said)
    said = f"L’adresse {held.address} est retirée, {proposed} la remplace pour les prochains courriels.{check}"
    return Outcome(f"Remplacer par {proposed}", said)


MOST_TOGETHER = 50
LATEST_RECALL = timedelta(days=366)


class EffectChanged(Refused):
    """The effect of acting is no longer the one that was shown."""


def response_numbered(session: Session, number: int) -> Response:
    """The response with this number. Raises NotFound."""
    response = session.get(Response, number)
    if response is None:
        raise NotFound(f"Aucune réponse ne porte le numéro {number}.")
    return response


def take_turns_of(session: Session, responses: Sequence[Response]) -> None:
    """Wait until nobody else acts on these responses, and no answer or status of their authorities is recorded.

    They are read anew. Until the end of the transaction, what they declare stays as it is read from here on.
    """
    for response in responses:
        take_lock(session, "response", response.id)
    for fase in dict.fromkeys(response.authority.fase for response in responses):
        take_lock(session, "responses", fase)
        take_lock(session, "statuses", fase)
    for response in responses:
        session.refresh(response)


def act_on_response(
    session: Session, response: Response, *, now: datetime, actor: str, note: str = "", seen: str | None = None
) -> None:
    """Do what a response asks for. Raises Refused when it was handled meanwhile or nothing can be done.

    `seen` is the version of the effect that was shown; raises EffectChanged when the effect has changed since.
    """
    take_turns_of(session, [response])
    _refuse_handled(response)
    effect = effect_of(session, response, now=now)
    if seen is not None and seen != effect.version:
        raise EffectChanged("Ce que fera l’action a changé depuis l’ouverture de la page : relisez-le.")
    if not effect.is_possible:
        raise Refused(effect.sentence)
    _do(session, response, now, actor, note)


def tickable_responses(session: Session, numbers: Sequence[int]) -> list[Response]:
    """The responses with these numbers on which one may act together: those that wait, of an action that allows it.

    They come by authority, so that those about the same schools follow each other; at most a page of them.
    """
    together = [answer for answer in Answer if answer.facts.action.facts.is_together]
    which = Response.waits(), Response.id.in_(numbers[:MOST_TOGETHER]), Response.answer.in_(together)
    query = select(Response).options(joinedload(Response.authority), joinedload(Response.strand))
    query = query.options(selectinload(Response.schools)).where(*which)
    return list(session.scalars(query.order_by(Response.authority_id, Response.id)))


def act_on_all(session: Session, seen: Mapping[int, str], *, now: datetime, actor: str) -> list[Response]:
    """Do what each of these responses asks for: all of it, or nothing.

    `seen` is the version of the effect that was shown, by the response's number. Each is judged again first. Raises
    EffectChanged when one has changed since, was handled meanwhile or cannot be acted upon, InputError without any.
    """
    if not seen:
        raise InputError("Cochez au moins une réponse.")
    responses = tickable_responses(session, list(seen))
    take_turns_of(session, responses)
    effects = effects_of(session, [response for response in responses if response.handled_at is None], now=now)
    if any(number not in effects or effects[number].version != version for number, version in seen.items()):
        raise EffectChanged("Une de ces réponses a changé depuis l’ouverture de la page : relisez la liste.")
    if not all(effect.is_possible for effect in effects.values()):
        raise EffectChanged("Une de ces réponses n’a plus rien à confirmer : décochez-la.")
    for response in responses:
        _do(session, response, now, actor, "")
    return responses


def set_response_aside(session: Session, response: Response, *, now: datetime, actor: str, note: str = "") -> None:
    """Close a response without doing what it asks. Raises Refused when it was handled meanwhile."""
    _in_turn(session, response)
    _handle(session, response, now, actor, f"{SET_ASIDE}{f' : {note}' if note else ''}")


def take_response(session: Session, response: Response, *, now: datetime, actor: str) -> str:
    """Make `actor` the owner of a response; returns the former owner ('': none). Raises Refused when it was handled."""
    _in_turn(session, response)
    before = response.owner if response.owner and response.owner != actor else ""
    add_step(session, response, StepKind.TAKEN, at=now, actor=actor)
    taken = f"reprise à {accounts.colleagues(session)[before]}" if before else "prise en charge"
    said = f"{_as_audited(session, response)} : {taken}."
    audit.record_entry(session, now, actor, said, contacts.subject_of(response.authority))
    return before


def hand_over_response(session: Session, response: Response, *, to: str, now: datetime, actor: str) -> None:
    """Make a colleague (their address) the owner of a response; to oneself is to take it. Again changes nothing.

    Raises NotFound without an active account, InputError when it may not act on responses, Refused when the response
    was handled.
    """
    colleague = _handler(session, to)
    if colleague.email == actor:
        take_response(session, response, now=now, actor=actor)
        return
    _in_turn(session, response)
    if response.owner != colleague.email:
        _give(session, response, colleague, now, actor)


def owned_by(session: Session, owner: str) -> Sequence[Response]:
    """The responses that wait and that this person (an address) owns, in order."""
    return session.scalars(
        select(Response).where(Response.waits(), Response.owner == owner).order_by(Response.id)
    ).all()


def hand_all_over(session: Session, owner: str, *, to: str, now: datetime, actor: str) -> int:
    """Give what waits of one person to a colleague (their address), or to nobody (''), days of recall with it.

    Returns how many responses that were. Raises as `hand_over_response` does.
    """
    colleague = _handler(session, to) if to else None
    count = 0
    for response in owned_by(session, owner):
        take_lock(session, "response", response.id)
        session.refresh(response)
        if response.handled_at is not None or response.owner != owner:
            continue
        count += 1
        if colleague:
            _give(session, response, colleague, now, actor)
        else:
            add_step(session, response, StepKind.RELEASED, at=now, actor=actor)
            said = f"{_as_audited(session, response)} : laissée à tous."
            audit.record_entry(session, now, actor, said, contacts.subject_of(response.authority))
    return count


def recall_response(session: Session, response: Response, *, day: date | None, now: datetime, actor: str) -> None:
    """Set the day on which to come back to a response that waits, or take it back (None). It becomes `actor`'s if
    nobody owns it.

    The same day again changes nothing. Raises InputError for a day that is past or more than a year ahead, Refused when
    the response was handled.
    """
    if day is not None and not today(now) <= day <= today(now) + LATEST_RECALL:
        raise InputError("Choisissez pour le rappel aujourd’hui ou un jour à venir, dans l’année.")
    _in_turn(session, response)
    if day == response.recall_on:
        return
    if not response.owner:
        add_step(session, response, StepKind.TAKEN, at=now, actor=actor)
    add_step(session, response, StepKind.POSTPONED, at=now, actor=actor, day=day)
    words = f"à rappeler le {spelt_day(day)}" if day else "plus à rappeler"
    said = f"{_as_audited(session, response)} : {words}."
    audit.record_entry(session, now, actor, said, contacts.subject_of(response.authority))


def may_reopen_response(response: Response) -> bool:
    """Whether a response may wait for staff again: staff handled it, it stands, and no later response replaced it."""
    return (
        response.answer.awaits_staff
        and response.handled_at is not None
        and response.outcome != REPLACED
        and response.withdrawal is None
    )


def reopen_response(session: Session, response: Response, *, now: datetime, actor: str, note: str = "") -> None:
    """Let a response that was handled wait again, as `actor`'s; what was done for it stays done.

    Raises Refused when it waits already, or when it waits for nobody.
    """
    take_lock(session, "response", response.id)
    session.refresh(response)
    if not may_reopen_response(response):
        raise Refused("Cette réponse ne se rouvre pas : elle attend déjà, ou une réponse plus récente la remplace.")
    add_step(session, response, StepKind.REOPENED, at=now, actor=actor, note=note)
    if response.owner != actor:
        add_step(session, response, StepKind.TAKEN, at=now, actor=actor)
    reopened = f"rouverte{f' : {note}' if note else ''}".rstrip(".")
    said = f"{_as_audited(session, response)} : {reopened}."
    audit.record_entry(session, now, actor, said, contacts.subject_of(response.authority))


def _handler(session: Session, address: str) -> User:
    """The colleague with this address, who may act on responses. Raises NotFound or InputError."""
    colleague = accounts.user_named(session, address)
    if not colleague.holds(RoleName.AUTHOR):
        raise InputError(
            f"{colleague.name} n’a pas le rôle « {RoleName.AUTHOR.label} » : choisissez quelqu’un qui l’a."
        )
    return colleague


def _give(session: Session, response: Response, colleague: User, now: datetime, actor: str) -> None:
    by = accounts.colleagues(session)[actor]
    add_step(session, response, StepKind.TAKEN, at=now, actor=colleague.email, note=f"confiée par {by}")
    said = f"{_as_audited(session, response)} : confiée à {colleague.name}."
    audit.record_entry(session, now, actor, said, contacts.subject_of(response.authority))


def _as_audited(session: Session, response: Response) -> str:
    """What a response is called in the audit: « Réponse « Nous adhérons » (volet 2) »."""
    return f"Réponse « {response.answer.label} » ({strand_name(session, response.strand)})"


def _in_turn(session: Session, response: Response) -> None:
    take_lock(session, "response", response.id)
    session.refresh(response)
    _refuse_handled(response)


def _refuse_handled(response: Response) -> None:
    if response.handled_at is not None:
        raise Refused("Cette réponse est déjà traitée.")


def _handle(session: Session, response: Response, now: datetime, actor: str, outcome: str) -> None:
    if not response.owner:
        add_step(session, response, StepKind.TAKEN, at=now, actor=actor)
    add_step(session, response, StepKind.HANDLED, at=now, actor=actor, note=outcome)
    said = f"{_as_audited(session, response)} : {outcome.rstrip('.')}."
    audit.record_entry(session, now, actor, said, contacts.subject_of(response.authority))


def _do(session: Session, response: Response, now: datetime, actor: str, note: str) -> None:
    action = response.answer.facts.action
    if action is Action.CONFIRM:
        _confirm(session, response, now, actor)
    if action is Action.CORRECT:
        _replace_address(session, response, now, actor)
    _handle(session, response, now, actor, note or action.facts.done)


def _confirm(session: Session, response: Response, now: datetime, actor: str) -> None:
    schools = declared_still(session, [response], now=now)[response.id]
    if not schools:  # another response, confirmed together with this one, was about the same schools
        return
    strand, day = response.strand, today(now)
    if strand.closed_on and strand.is_closed(day) and not strand.is_closed(today(response.given_at)):
        day = strand.closed_on  # it was declared in time, and is confirmed after the last day to join
    programme = session.get_one(Programme, strand.programme_id)
    records.record_adherence(
        session,
        response.authority,
        programme,
        strand,
        schools,
        status=Status.JOINED,
        word=Word.CONFIRMED,
        effective_on=day,
        now=now,
        today=today(now),
        actor=actor,
        source=_source(response),
    )


def _replace_address(session: Session, response: Response, now: datetime, actor: str) -> None:
    if not response.proposed_address:
        return
    judged, written_to = judge(response.proposed_address), response.message.address_key
    said = _source(response)
    contacts.put_in_place(session, response.authority, written_to, judged, now=now, actor=actor, said=said)


def _source(response: Response) -> str:
    return f"Réponse du {today(response.given_at):%d/%m/%Y}"
