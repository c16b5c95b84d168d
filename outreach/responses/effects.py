"""The effect of acting on a response, told before it is done; its version tells which effect a page showed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from outreach.adherence import programmes, records
from outreach.days import today
from outreach.db import Session
from outreach.directory import contacts, judging
from outreach.directory.judging import InUse
from outreach.directory.models import School
from outreach.mail.addresses import judge
from outreach.responses.kinds import Action
from outreach.responses.models import Response


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of acting on a response: the button's text, the sentence shown before, and whether it is possible."""

    button: str
    sentence: str
    is_possible: bool = True

    @property
    def version(self) -> str:
        """A digest of this effect; a page sends it back to tell which effect it showed."""
        return hashlib.sha256(f"{self.button}\n{self.sentence}".encode()).hexdigest()[:16]


def effect_of(session: Session, response: Response, *, now: datetime) -> Effect:
    """The effect of acting on a response, to be shown before it is done."""
    return effects_of(session, [response], now=now)[response.id]


def effects_of(session: Session, responses: Sequence[Response], *, now: datetime) -> dict[int, Effect]:
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


def _effect(session: Session, response: Response, schools: Sequence[School], names: Mapping[int, str]) -> Effect:
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
            return Effect(
                f"Confirmer l’adhésion {'d’une école' if len(schools) == 1 else f'de {many}'}", sentence, bool(schools)
            )
        case Action.CORRECT:
            return _effect_of_address(session, response)
        case action:
            return Effect(action.facts.button, action.facts.sentence)


def _effect_of_address(session: Session, response: Response) -> Effect:
    if not response.proposed_address:
        return Effect("Marquer comme traitée", "Aucune adresse n’est proposée : corrigez la fiche, puis fermez ici.")
    proposed, written_to = response.proposed_address, response.message.address_key
    held = contacts.held_at(session, response.authority, written_to)
    if contacts.is_in_use(session, response.authority, judge(proposed).key, written_to=written_to):
        if held is None or held.address_key == judge(proposed).key:
            return Effect("Marquer comme traitée", f"L’adresse {proposed} est déjà en usage : il n’y a rien à changer.")
        return Effect(
            f"Retirer {held.address}", f"L’adresse {held.address} est retirée ; {proposed}, déjà en usage, reste."
        )
    fase = response.authority.fase
    # Weighed against well-known domains alone: acting comes here too, in a transaction that others wait for.
    judged = judging.weigh(judge(proposed), InUse(()), fase=fase)
    remarks = (*judged.warnings, *judging.elsewhere(session, [judged.key], fase=fase).values())
    check = "".join(f" {remark}" for remark in remarks)
    if judged.mixed_writing:
        check += " Elle ne servira qu’après la vérification d’une deuxième personne."
    if held is None:
        said = f"L’adresse {proposed} est ajoutée ; celle du courriel n’est déjà plus en usage.{check}"
        return Effect(f"Ajouter {proposed}", said)
    said = f"L’adresse {held.address} est retirée, {proposed} la remplace pour les prochains courriels.{check}"
    return Effect(f"Remplacer par {proposed}", said)
