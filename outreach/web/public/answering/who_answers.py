"""Who answers, and where one copy of the receipt goes: three fields of the answer page that may stay empty."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from outreach.campaigns.waves import receipts
from outreach.db import Session
from outreach.delivery.models import Message
from outreach.errors import InputError
from outreach.mail.addresses import Judgement
from outreach.mail.tokens import hidden
from outreach.responses.answers import Given
from outreach.responses.models import LONGEST_NAME
from outreach.text import line_of_words
from outreach.web.public.answering.answer_form import FieldFault
from outreach.web.ui.request import judged

NAME, FUNCTION, COPY = "name", "function", "copy_to"
LABELS = {NAME: "Votre nom", FUNCTION: "Votre fonction"}
ONCE = "Une copie de l’accusé est déjà partie pour ce courriel : laissez ce champ vide, ou transférez l’accusé reçu."
SAME_BOX = "Indiquez une autre adresse que celle qui a reçu le courriel, ou laissez ce champ vide."
MIXED = "Cette adresse mêle les lettres de plusieurs alphabets : indiquez-en une autre, ou laissez ce champ vide."
ROBOT = "Cette boîte est celle d’un automate, que personne ne lit : indiquez-en une autre, ou laissez ce champ vide."


@dataclass(frozen=True, slots=True)
class WhoAnswers:
    """The three fields as a page shows them: as typed, the one that is at fault ('' = none), whether a copy may go."""

    typed: Mapping[str, str]
    place: str
    may_copy: bool

    @property
    def is_open(self) -> bool:
        """Whether the fields are shown without being asked for."""
        return bool(self.place) or any(self.typed.values())


def added(given: Given, session: Session, message: Message, form: Mapping[str, str]) -> Given:
    """An answer with who gave it and where a copy goes, as typed. Raises FieldFault, naming the field."""
    name, function = (_line(form, field) for field in (NAME, FUNCTION))
    return replace(given, name=name, function=function, copy_to=_copy(session, message, form))


def shown(session: Session, message: Message, form: Mapping[str, str], place: str) -> WhoAnswers:
    """The three fields of a form as it was typed; `place` is the field of the page that is at fault."""
    typed = {field: form.get(field, "") for field in (NAME, FUNCTION, COPY)}
    return WhoAnswers(typed, place if place in typed else "", may_copy=receipts.may_copy(session, message))


def _line(form: Mapping[str, str], field: str) -> str:
    try:
        words = hidden(line_of_words(form.get(field, "")))
    except InputError as error:
        raise FieldFault(field, f"{LABELS[field]} : {error}") from None
    if len(words) > LONGEST_NAME:
        raise FieldFault(field, f"{LABELS[field]} : {LONGEST_NAME} caractères au plus.")
    return words


def _copy(session: Session, message: Message, form: Mapping[str, str]) -> Judgement | None:
    if not (typed := form.get(COPY, "").strip()):
        return None
    try:
        address = judged(typed)
    except InputError as error:
        raise FieldFault(COPY, str(error)) from None
    if not receipts.may_copy(session, message):
        raise FieldFault(COPY, ONCE)
    if address.key == message.address_key:
        raise FieldFault(COPY, SAME_BOX)
    if address.warnings:
        raise FieldFault(COPY, MIXED if address.mixed_writing else ROBOT)
    return address
