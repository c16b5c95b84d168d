"""The plan of a draw: its departures, what happens when one of them moves, and why some waves cannot be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from outreach import french
from outreach.effect.strata import SMALLEST_DRAW
from outreach.effect.tables import WINDOW, Windows

GAPS = (WINDOW, 21)
"""Days between two departures; joinings are compared over as many days from each."""


@dataclass(frozen=True, slots=True)
class PlannedDraw:
    """A wave that would be drawn: how many authorities, its departures, and what may stand against a draw.

    `is_first_come` is None where nobody said so far. `deadline` is a day that is the same for all; None where each
    departure counts its own.
    """

    drawn: int
    departures: Sequence[date]
    is_awareness: bool = True
    is_reminder: bool = False
    is_first_come: bool | None = False
    deadline: date | None = None

    @property
    def refusals(self) -> list[str]:
        """Why it cannot be drawn, a French sentence for each reason, which says what to do."""
        rules = {
            f"Un tirage demande au moins {SMALLEST_DRAW} PO, et il n’y en aurait que {french.number(self.drawn)} : "
            "élargissez le public, ou envoyez en un seul départ.": self.drawn < SMALLEST_DRAW,
            "Un courriel obligatoire ou rectificatif part pour tous en même temps : envoyez-le en un seul "
            "départ.": not self.is_awareness,
            "Une relance suit le départ de son premier courriel : seule la première vague se tire au "
            "sort.": self.is_reminder,
            "Dites si des places ou des moyens sont attribués dans l’ordre des demandes, à l’étape des dates : le "
            "premier départ en profiterait.": self.is_first_come is None,
            "Des places ou des moyens attribués dans l’ordre des demandes favoriseraient le premier départ : "
            "envoyez en un seul départ.": self.is_first_come is True,
            self._too_late: bool(self.deadline and self.deadline < self.departures[-1]),
        }
        return [french.typeset(sentence) for sentence, is_against in rules.items() if is_against]

    @property
    def _too_late(self) -> str:
        last = french.day(self.departures[-1])
        what_to_do = "reculez-la, ou comptez-la depuis chaque départ"
        return f"Le dernier départ, le {last}, viendrait après l’échéance : {what_to_do}."


def windows(days: Sequence[date], gap: int) -> Windows:
    """The days that are compared, of departures as they really left."""
    return Windows(gap, (days[1] - days[0]).days)
