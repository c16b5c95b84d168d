"""The plan of a draw: the days that are compared, and why some waves cannot be drawn."""

from collections.abc import Sequence
from datetime import date

from outreach import french
from outreach.effect.strata import SMALLEST_DRAW
from outreach.effect.tables import WINDOW, Windows

GAPS = (WINDOW, 21)
"""Days between two departures; joinings are compared over as many days from each."""


def refusals(
    drawn: int,
    departures: Sequence[date],
    *,
    is_awareness: bool = True,
    is_reminder: bool = False,
    is_first_come: bool | None = False,
    deadline: date | None = None,
    stops_on: date | None = None,
) -> list[str]:
    """Why a wave to so many authorities cannot be drawn, a French sentence for each reason, which says what to do.

    `is_first_come` is None where nobody said so far. `deadline` is a day that is the same for all, None where each
    departure counts its own; `stops_on` is the last day on which letters may leave.
    """
    last = f"Le dernier départ, le {french.day(departures[-1])}, viendrait après"
    rules = {
        f"Un tirage demande au moins {SMALLEST_DRAW} PO, et il n’y en aurait que {french.number(drawn)} : élargissez "
        "le public, ou envoyez en un seul départ.": drawn < SMALLEST_DRAW,
        "Un courriel obligatoire ou rectificatif part pour tous en même temps : envoyez-le en un seul "
        "départ.": not is_awareness,
        "Une relance suit le départ de son premier courriel : seule la première vague se tire au sort.": is_reminder,
        "Dites si des places ou des moyens sont attribués dans l’ordre des demandes, à l’étape des dates : le premier "
        "départ en profiterait.": is_first_come is None,
        "Des places ou des moyens attribués dans l’ordre des demandes favoriseraient le premier départ : envoyez en un "
        "seul départ.": is_first_come is True,
        f"{last} l’échéance : reculez-la, ou comptez-la depuis chaque départ.": bool(
            deadline and deadline < departures[-1]
        ),
        f"{last} le dernier jour d’envoi : reculez ce jour, ou videz-le.": bool(stops_on and stops_on < departures[-1]),
    }
    return [french.typeset(sentence) for sentence, is_against in rules.items() if is_against]


def windows(days: Sequence[date], gap: int) -> Windows:
    """The days that are compared, of departures as they really left, as many as `gap` from each at most."""
    second = (days[1] - days[0]).days
    return Windows(min(gap, second), second)
