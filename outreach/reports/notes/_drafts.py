"""Drafts of notes: what is asked of a note, judged, and kept for its author alone until it is frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import select

from outreach.adherence import programmes, situation
from outreach.adherence.models import Programme, Strand
from outreach.core.db import Session
from outreach.core.text import dates, french
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.typed import is_forbidden, line_of_words
from outreach.delivery import letters
from outreach.delivery.letters import Run, refuse_excess
from outreach.directory.models import Network
from outreach.reports.notes._content import HandFigure, TableKind
from outreach.reports.notes._models import NoteDraft

LONGEST_TITLE, LONGEST_QUESTION, LONGEST_TEXT = 200, 2_000, 20_000
MOST_FIGURES, LONGEST_WORDS = 20, 200
OF_FIGURE = {
    "label": "ce que le chiffre compte",
    "value": "le chiffre",
    "source": "la source du chiffre",
}


@dataclass(frozen=True, slots=True)
class NoteRequest:
    """What is asked of a note. No strand means all of them, no network means all of them.

    `known_at` is None for all that is known when it is frozen. `groupings` are the tables beside that by network.
    `corrects` is the number of the note that it corrects, and `reason` says why. `made_as` is its author's function.
    `answers` is the key of the question that it answers, or 0. `compare` is an earlier day to compare with.
    `effect` is the number of a campaign whose frozen effect it says, or 0. `again` is the key of the note that it is
    frozen in place of, or 0.
    """

    as_of: date
    title: str
    programme: str = ""
    known_at: datetime | None = None
    strands: tuple[int, ...] = ()
    networks: tuple[str, ...] = ()
    groupings: tuple[TableKind, ...] = ()
    question: str = ""
    text: str = ""
    hand_figures: tuple[HandFigure, ...] = ()
    made_as: str = ""
    corrects: str = ""
    reason: str = ""
    answers: int = 0
    compare: date | None = None
    effect: int = 0
    again: int = 0

    def as_json(self) -> str:
        """The request as text, which `read_request` reads."""
        return _reader().dump_json(self).decode()


def read_request(text: str) -> NoteRequest:
    """The request that `NoteRequest.as_json` wrote; what a later version wrote beside is left out."""
    return _reader().validate_json(text)


@cache
def _reader() -> TypeAdapter[NoteRequest]:
    return TypeAdapter(NoteRequest)


def draft_faults(session: Session, asked: NoteRequest, *, now: datetime) -> dict[str, str]:
    """Why a note cannot be made so: French sentences by the name of the field; empty where it can.

    Raises NotFound when there is no programme, or none of this code; Refused where it names none of several.
    """
    programme = programmes.get_programme(session, asked.programme)
    networks = {network.code: network.label for network in session.scalars(select(Network).order_by(Network.position))}
    judged = {
        "as_of": _fault_of_day(asked, programme, now),
        "compare": _fault_of_comparison(asked, programme),
        "known_at": _fault_of_moment(asked, now),
        "strands": _fault_of_strands(asked, programme),
        "networks": fault_of_networks(asked.networks, networks),
        "title": _fault_of_line(asked.title, LONGEST_TITLE, "un titre"),
        "question": _fault_of_block(asked.question, LONGEST_QUESTION),
        "text": _fault_of_text(asked.text),
        "hand_figures": _fault_of_figures(asked.hand_figures, dates.today(now)),
        "made_as": _fault_of_line(asked.made_as or "-", LONGEST_TITLE, "une fonction"),
        "reason": _fault_of_reason(asked),
    }
    return {name: fault for name, fault in judged.items() if fault}


def judge(session: Session, asked: NoteRequest, *, now: datetime) -> Programme:
    """The programme of a note that can be made. Raises InputError with the first of its `draft_faults`."""
    for fault in draft_faults(session, asked, now=now).values():
        raise InputError(fault)
    return programmes.get_programme(session, asked.programme)


def strands_of(asked: NoteRequest, programme: Programme) -> list[Strand]:
    """The strands that a note is about, in order."""
    return [strand for strand in programme.strands if not asked.strands or strand.number in asked.strands]


def save_draft(
    session: Session, number: int | None, asked: NoteRequest, *, now: datetime, actor: str, seen: str = ""
) -> NoteDraft:
    """Keep a draft: a new one, or instead of the author's own of this key.

    A draft need not be complete. `seen` is the version on which it was written. Raises NotFound where the author has no
    such draft, and Refused where it is of another version by now.
    """
    draft = NoteDraft(author=actor) if number is None else draft_of(session, number, actor)
    if number is not None and seen and seen != version_of(draft):
        raise Refused(
            "Ce brouillon a été enregistré ailleurs depuis que vous avez ouvert cette page. Relisez-le dans un autre "
            "onglet ; enregistrer encore le remplace par ce qui est écrit ici."
        )
    draft.changed_at, draft.title, draft.request = now, asked.title[:LONGEST_TITLE], asked.as_json()
    session.add(draft)
    session.flush()
    return draft


def draft_of(session: Session, number: int, actor: str) -> NoteDraft:
    """A person's own draft. Raises NotFound for anybody else's."""
    draft = session.get(NoteDraft, number)
    if draft is None or draft.author != actor:
        raise NotFound("Ce brouillon n’existe pas, ou n’existe plus.")
    return draft


def version_of(draft: NoteDraft) -> str:
    """What tells a draft as it stands from what it becomes when it is saved again."""
    return draft.changed_at.isoformat()


def drafts_of(session: Session, actor: str) -> Sequence[NoteDraft]:
    """A person's drafts, the last changed first."""
    query = (
        select(NoteDraft).where(NoteDraft.author == actor).order_by(NoteDraft.changed_at.desc(), NoteDraft.id.desc())
    )
    return session.scalars(query).all()


def discard_draft(session: Session, number: int, actor: str) -> None:
    """Delete a person's own draft. Raises NotFound when it is another person's, or gone."""
    session.delete(draft_of(session, number, actor))


def day_of_figure(typed: str) -> str:
    """The day of a figure given by hand as notes write it, or what was typed: `draft_faults` refuses what is no day."""
    try:
        return dates.parse_day(typed).isoformat()
    except InputError:
        return typed


def fault_of_networks(asked: Sequence[str], labels: dict[str, str]) -> str:
    """The sentence that refuses networks by their codes, or ''."""
    unknown = next((code for code in asked if code not in labels), None)
    if unknown is None:
        return ""
    said = "".join(character for character in unknown if character.isprintable())[:40]
    return f"Le réseau « {said} » n’existe pas. Choisissez parmi : {', '.join(labels)}."


def _fault_of_day(asked: NoteRequest, programme: Programme, now: datetime) -> str:
    if asked.as_of > dates.today(now):
        return (
            "Cette date est dans l’avenir : une note dit ce qui est, pas ce qui sera. Choisissez aujourd’hui ou avant."
        )
    return _fault_of_opening(strands_of(asked, programme), asked.as_of)


def _fault_of_opening(strands: Sequence[Strand], day: date) -> str:
    if strands and not any(strand.is_open(day) for strand in strands):
        first = min(strands, key=lambda strand: strand.opened_on)
        return f"{situation.opening_in_words(first.number, first.opened_on)} Choisissez ce jour ou un jour suivant."
    return ""


def _fault_of_comparison(asked: NoteRequest, programme: Programme) -> str:
    if asked.compare is None:
        return ""
    if asked.compare >= asked.as_of:
        return "Ce jour ne précède pas celui de la note : choisissez un jour avant, ou laissez le champ vide."
    return _fault_of_opening(strands_of(asked, programme), asked.compare)


def _fault_of_moment(asked: NoteRequest, now: datetime) -> str:
    if asked.known_at is None:
        return ""
    if asked.known_at > now:
        return "Ce moment est dans l’avenir : personne ne sait encore ce qui sera connu. Laissez le champ vide."
    if dates.today(asked.known_at) < asked.as_of:
        return "Ce moment précède le jour de la note : choisissez ce jour ou un moment suivant."
    return ""


def _fault_of_strands(asked: NoteRequest, programme: Programme) -> str:
    numbers = [strand.number for strand in programme.strands]
    unknown = [str(number) for number in asked.strands if number not in numbers]
    return f"Le volet {unknown[0]} n’existe pas dans « {programme.name} »." if unknown else ""


def _fault_of_line(text: str, longest: int, what: str) -> str:
    try:
        line = line_of_words(text)
    except InputError as error:
        return str(error)
    return "" if 0 < len(line) <= longest else f"Indiquez {what} de {longest} caractères au plus."


def stated_reason(typed: str, asks: str) -> str:
    """Why a person decides, as it was typed. Raises InputError, with the sentence `asks`, on none and on a long one."""
    words = typed.replace("\r\n", "\n").strip()
    if not 0 < len(words) <= LONGEST_QUESTION or any(map(is_forbidden, words)):
        raise InputError(asks)
    return words


def _fault_of_block(text: str, longest: int) -> str:
    if len(text) > longest:
        return f"Indiquez {french.number(longest)} caractères au plus."
    return "Le texte contient un caractère interdit." if any(map(is_forbidden, text)) else ""


def _fault_of_text(text: str) -> str:
    if fault := _fault_of_block(text, LONGEST_TEXT):
        return fault
    try:
        refuse_excess(text)
        letters.render_run(Run(text, 1), {}, (), ("https",))
    except InputError as error:
        return str(error)
    return ""


def _fault_of_figures(figures: Sequence[HandFigure], today: date) -> str:
    if len(figures) > MOST_FIGURES:
        return f"Indiquez {MOST_FIGURES} chiffres au plus."
    for place, figure in enumerate(figures, 1):
        for name, what in OF_FIGURE.items():
            if fault := _fault_of_line(getattr(figure, name), LONGEST_WORDS, what):
                return f"Chiffre {place} : {fault[0].lower()}{fault[1:]}"
        if not figure.dated:
            return f"Chiffre {place} : indiquez sa date."
        try:
            day = dates.parse_day(figure.dated)
        except InputError as error:
            return f"Chiffre {place} : {error}"
        if day > today:
            return f"Chiffre {place} : sa date est dans l’avenir."
    return ""


def _fault_of_reason(asked: NoteRequest) -> str:
    if not asked.corrects:
        return ""
    if not asked.reason.strip():
        return "Dites pourquoi la note est corrigée."
    return _fault_of_block(asked.reason, LONGEST_QUESTION)
