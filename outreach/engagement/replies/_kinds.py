"""The kinds of answers, a row of facts for each; pages, letters, sheets, files and commands read it.

A new kind of answer is a row of `Answer` and a migration of the check on `responses.answer`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from outreach.adherence.models import Status
from outreach.core.text.labelled import Labelled


class Tray(Labelled):
    """A part of the inbox: responses that wait, by what they ask, the most urgent first; or those handled."""

    HELP = "help", "Besoin d’aide"
    WRONG_CONTACT = "wrong_contact", "Mauvais contact"
    REFUSED = "refused", "Refus et non concernés"
    JOINED = "joined", "Adhésions à confirmer"
    HANDLED = "handled", "Traitées"

    @property
    def answers(self) -> tuple["Answer", ...]:
        """The answers that this tray holds."""
        return tuple(answer for answer in Answer if self is Tray.HANDLED or answer.facts.tray is self)


class FollowUp(StrEnum):
    """What came of a response that waits no longer.

    It was recorded, as it waited for nobody; staff did what it asks, or not; a later one replaced it; it was none of
    theirs.
    """

    RECORDED = "recorded"
    ACTED = "acted"
    SET_ASIDE = "set_aside"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """The words of an action on pages: `verb` in the list, `done` as its outcome, `button` and `sentence` before it.

    The last two are '' where each response has its own. `is_together`: it may be done for several responses at once.
    The others need a person's eye one by one. `is_reply`: a reply by mail may be all that is asked for.
    """

    verb: str
    done: str
    button: str = ""
    sentence: str = ""
    is_together: bool = False
    is_reply: bool = False


class Action(StrEnum):
    """A way in which staff handle a response that waits."""

    CONFIRM = "confirm", ActionFacts("Confirmer", "adhésion confirmée", is_together=True)
    CORRECT = "correct", ActionFacts("Corriger l’adresse", "adresse remplacée")
    HELP = (
        "help",
        ActionFacts(
            "Aider",
            "demande traitée",
            "Marquer comme traitée",
            "La demande d’aide quitte la boîte, avec votre note.",
            is_reply=True,
        ),
    )
    NOTE = (
        "note",
        ActionFacts(
            "Prendre acte",
            "prise d’acte",
            "Prendre acte",
            "La réponse quitte la boîte ; le statut déclaré reste tel que le pouvoir organisateur l’a donné.",
            is_together=True,
            is_reply=True,
        ),
    )

    facts: ActionFacts

    def __new__(cls, value: str, facts: ActionFacts) -> Self:
        """The value, and what pages say of it."""
        action = str.__new__(cls, value)
        action._value_, action.facts = value, facts
        return action


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """The facts of a kind of answer: its label, in the authority's words, and what follows from it.

    `status` is what it declares of a school, None for a request to the service. It is `yielding` when that status takes
    the place of no other: alone, without a comment or a person's name, it is no reaction. `tray` is where it waits for
    staff, who then do `action`; None when it waits for nobody. `promise` says in receipts what the service does by the
    day it names, '' when nothing more is due. `is_in_letters`: letters have a button for it, in at most three.
    `counted` is what one authority does that gives it, and what several do.
    """

    label: str
    status: Status | None = None
    tray: Tray | None = None
    action: Action = Action.NOTE
    promise: str = ""
    is_yielding: bool = False
    is_in_letters: bool = False
    counted: tuple[str, str] = ("", "")


NO_FACTS = AnswerFacts("")  # a look-up by value, `Answer("help")`, reads to a type checker like a call without facts


class Answer(StrEnum):
    """The possible answers of an authority to a letter about a strand, in the order of the answer page.

    The first one changes nothing that matters: machines tick it, and get no further.
    """

    INFORMED = (
        "informed",
        AnswerFacts(
            "J’ai pris connaissance",
            Status.INFORMED,
            is_yielding=True,
            counted=("a pris connaissance, avec un mot", "ont pris connaissance, avec un mot"),
        ),
    )
    JOINED = (
        "joined",
        AnswerFacts(
            "Nous adhérons",
            Status.JOINED,
            Tray.JOINED,
            Action.CONFIRM,
            "confirme votre adhésion, ou revient vers vous,",
            is_in_letters=True,
            counted=("déclare adhérer", "déclarent adhérer"),
        ),
    )
    IN_PREPARATION = (
        "in_preparation",
        AnswerFacts(
            Status.IN_PREPARATION.label,
            Status.IN_PREPARATION,
            is_in_letters=True,
            counted=("se prépare", "se préparent"),
        ),
    )
    TENDER_LAUNCHED = (
        "tender_launched",
        AnswerFacts(
            Status.TENDER_LAUNCHED.label,
            Status.TENDER_LAUNCHED,
            counted=("a lancé un marché", "ont lancé un marché"),
        ),
    )
    DECLINED = (
        "declined",
        AnswerFacts("Nous n’adhérons pas", Status.DECLINED, Tray.REFUSED, counted=("refuse", "refusent")),
    )
    NOT_CONCERNED = (
        "not_concerned",
        AnswerFacts(
            Status.NOT_CONCERNED.label,
            Status.NOT_CONCERNED,
            Tray.REFUSED,
            counted=("se dit non concerné", "se disent non concernés"),
        ),
    )
    HELP = (
        "help",
        AnswerFacts(
            "Besoin d’aide",
            None,
            Tray.HELP,
            Action.HELP,
            "revient vers vous",
            is_in_letters=True,
            counted=("demande de l’aide", "demandent de l’aide"),
        ),
    )
    WRONG_CONTACT = (
        "wrong_contact",
        AnswerFacts(
            "Ce n’est pas le bon contact",
            None,
            Tray.WRONG_CONTACT,
            Action.CORRECT,
            "revient vers vous",
            counted=("n’est pas le bon contact", "ne sont pas le bon contact"),
        ),
    )

    facts: AnswerFacts

    def __new__(cls, value: str, facts: AnswerFacts = NO_FACTS) -> Self:
        """The stored value, and its facts."""
        answer = str.__new__(cls, value)
        answer._value_, answer.facts = value, facts
        return answer

    @property
    def label(self) -> str:
        """The answer in the authority's words."""
        return self.facts.label

    @property
    def status(self) -> Status | None:
        """The status that it declares of a school, or None when it asks the service for something."""
        return self.facts.status

    @property
    def place(self) -> int:
        """Where it stands on the answer page, from 1: the style sheet knows answers by their places."""
        return list(Answer).index(self) + 1

    @property
    def awaits_staff(self) -> bool:
        """Whether staff have something to do about it."""
        return self.facts.tray is not None

    @property
    def is_wrong_mailbox(self) -> bool:
        """Whether it says that the mailbox is not the right one: it may propose another, and gets no receipt."""
        return self.facts.action is Action.CORRECT


REQUESTS = tuple(answer for answer in Answer if answer.status is None)
OF_SCHOOLS = tuple(answer for answer in Answer if answer.status is not None)
