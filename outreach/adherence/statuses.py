"""The statuses of schools in a strand, a row of facts for each; pages, files, charts, letters and programs read it.

A new status is a row of `Status` and a migration of the checks on `adherence_records.status` and `note_rows.status`.
Nothing else here knows the database.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Meaning(StrEnum):
    """What a status comes down to, in the order of lists of many schools: what waits for an answer comes first.

    One status alone means JOINED, and one NOT_CONCERNED: those close a school to reminders. Any number may mean one of
    the others. `colour` is that of its tag, as the style sheet names it; charts have a tone for each. `does` says what
    one school does, what several do, and what heads their column.
    """

    NONE = "none", "neutral", ("sans réponse", "sans réponse", "Sans réponse")
    UNDER_WAY = "under_way", "info", ("s’y prépare", "s’y préparent", "Préparent")
    REFUSED = "refused", "warning", ("refuse", "refusent", "Refusent")
    NOT_CONCERNED = "not_concerned", "neutral", ("non concernée", "non concernées", "Non concernées")
    JOINED = "joined", "success", ("a adhéré", "ont adhéré", "Ont adhéré")

    colour: str
    does: tuple[str, str, str]

    def __new__(cls, value: str, colour: str = "", does: tuple[str, str, str] = ("", "", "")) -> Self:
        """The value, the colour and the words."""
        meaning = str.__new__(cls, value)
        meaning._value_, meaning.colour, meaning.does = value, colour, does
        return meaning


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """The facts of a status, or of a part of one that is counted apart.

    `label` names it, and `short` in the heading of a narrow column. `definition` says what it means below tables.
    `does` says what one school does, and what several do. `heard` are other words of lists that say it, folded.
    """

    label: str
    meaning: Meaning
    definition: str
    does: tuple[str, str]
    heard: tuple[str, ...] = ()
    short: str = ""


# A look-up by value, `Status("none")`, reads to a type checker like a call without facts.
NO_FACTS = StatusFacts("", Meaning.NONE, "", ("", ""))
DECLARED = StatusFacts(
    "Adhésion déclarée",
    Meaning.JOINED,
    "Le pouvoir organisateur déclare que l’école adhère ; le service ne l’a pas encore confirmé.",
    ("déclare y adhérer", "déclarent y adhérer"),
    short="Déclaré",
)
"""A joining on the authority's own word alone, which counts apart until the service confirms it."""


class Status(StrEnum):
    """Where a school stands in a strand, in the order of columns. NONE is that of a school without a record."""

    JOINED = (
        "joined",
        StatusFacts(
            "Adhéré",
            Meaning.JOINED,
            "Le service a confirmé que l’école a adhéré au volet, au plus tard à cette date.",
            ("a adhéré", "ont adhéré"),
            ("a adhere", "adhesion", "oui"),
        ),
    )
    IN_PREPARATION = (
        "in_preparation",
        StatusFacts(
            "En préparation",
            Meaning.UNDER_WAY,
            "L’école prépare son adhésion.",
            ("s’y prépare", "s’y préparent"),
            ("prepare",),
        ),
    )
    TENDER_LAUNCHED = (
        "tender_launched",
        StatusFacts(
            "Marché lancé",
            Meaning.UNDER_WAY,
            "Le marché public est lancé par l’école ou son pouvoir organisateur.",
            ("a lancé son marché", "ont lancé leur marché"),
            ("marche",),
        ),
    )
    DECLINED = (
        "declined",
        StatusFacts(
            "Refus",
            Meaning.REFUSED,
            "L’école n’adhère pas.",
            ("a refusé", "ont refusé"),
            ("refuse", "n adhere pas", "non"),
        ),
    )
    INFORMED = (
        "informed",
        StatusFacts(
            "A pris connaissance",
            Meaning.NONE,
            "Le pouvoir organisateur a lu l’invitation, sans autre réponse.",
            ("a pris connaissance de l’invitation", "ont pris connaissance de l’invitation"),
            ("informe", "pris connaissance"),
        ),
    )
    NOT_CONCERNED = (
        "not_concerned",
        StatusFacts(
            "Non concerné",
            Meaning.NOT_CONCERNED,
            "L’école n’entre pas dans le volet : elle ne compte pas dans les pourcentages.",
            ("n’est pas concernée", "ne sont pas concernées"),
        ),
    )
    NONE = (
        "none",
        StatusFacts(
            "Sans réponse",
            Meaning.NONE,
            "Rien n’est enregistré pour l’école à cette date : elle n’a pas encore été sollicitée, ou n’a pas répondu.",
            ("est sans réponse", "sont sans réponse"),
            ("aucun",),
        ),
    )

    facts: StatusFacts

    def __new__(cls, value: str, facts: StatusFacts = NO_FACTS) -> Self:
        """The stored value, which programs read, and its facts."""
        status = str.__new__(cls, value)
        status._value_, status.facts = value, facts
        return status

    @property
    def label(self) -> str:
        """The French label."""
        return self.facts.label

    @property
    def colour(self) -> str:
        """The colour of its tag, as the style sheet names it."""
        return self.facts.meaning.colour

    @property
    def place(self) -> int:
        """Where it stands in lists of many schools: without a record first, then by what statuses mean."""
        return _PLACED.index(self)


_PLACED = sorted(Status, key=lambda status: (list(Meaning).index(status.facts.meaning), status is not Status.NONE))
CLOSED_TO_REMINDERS = tuple(
    status for status in Status if status.facts.meaning in {Meaning.JOINED, Meaning.NOT_CONCERNED}
)
STILL_OPEN = tuple(status for status in Status if status not in CLOSED_TO_REMINDERS)
UNDER_WAY = tuple(status for status in Status if status.facts.meaning is Meaning.UNDER_WAY)
