"""What a draw says, in French: before the approval what it could see, afterwards what it saw."""

from collections.abc import Sequence
from math import isinf

from outreach import french
from outreach.effect.interval import Interval
from outreach.effect.power import Detectable
from outreach.effect.result import Effect
from outreach.effect.tables import Windows

MINUS = "−"
NO_PROOF = "Ce n’est pas une preuve d’absence."
UNSEEN = (
    "Ce qui vient ensuite n’est pas mesuré : tous reçoivent le courriel. Des PO qui attendaient encore ont pu en "
    "entendre parler : l’effet est alors sous-estimé."
)


def result(effect: Effect, outside: int, windows: Windows, reminders: Sequence[int] = ()) -> str:
    """The sentences of a result; `reminders` are the days of a departure's reminders, counted from its letter."""
    if not effect.is_concluded:
        among = f"parmi les {french.plural(effect.drawn, 'PO', 'PO')} tirés au sort, dans les {windows.length} jours"
        told = (
            f"On ne peut pas conclure : {_between(effect.figure)} PO de plus sur 100 ont adhéré, {among} de la lettre."
        )
        return french.typeset(f"{told} {NO_PROOF}")
    parts = [_figure(effect, outside, windows, reminders), _later(effect.later, windows), UNSEEN]
    return french.typeset(" ".join(part for part in parts if part))


def planned(could: Detectable) -> str:
    """What a draw could detect, said before the approval."""
    drawn = french.plural(could.drawn, "PO", "PO")
    told = f"Avec {drawn}, 8 chances sur 10 de voir un effet de {_points(could.rare)} points"
    often = f" ({_points(could.often)} si 2 % adhèrent chaque semaine)"
    return french.typeset(f"{told}{often} ; {_points(could.halves)} points si l’on tirait deux moitiés.")


def _figure(effect: Effect, outside: int, windows: Windows, reminders: Sequence[int]) -> str:
    figure = effect.figure
    near, far = sorted((abs(figure.low), abs(figure.high)))
    among = f"Parmi les {french.plural(effect.drawn, 'PO', 'PO')} tirés au sort{_outside(outside)}"
    within = (
        f"dans les {windows.length} jours de la lettre{_reminders([day for day in reminders if day < windows.length])}"
    )
    more = "de plus" if figure.low > 0 else "de moins"
    return (
        f"{among}, entre {_points(near)} et {_points(far)} PO {more} sur 100 ont adhéré {within}, que parmi ceux qui "
        "l’attendaient encore."
    )


def _later(later: Interval | None, windows: Windows) -> str:
    if later is None:
        return ""
    return f"Ce chiffre compte les adhésions avancées ; à {windows.end} jours, l’écart est {_between(later)}."


def _between(figure: Interval) -> str:
    return f"entre {signed(figure.low)} et {signed(figure.high)}"


def _outside(outside: int) -> str:
    return f" ({french.number(outside)} en dehors)" if outside else ""


def _reminders(days: Sequence[int]) -> str:
    if not days:
        return ""
    told = french.all_of([_ordinal(day) for day in days])
    return f", relance du {told} jour comprise" if len(days) == 1 else f", relances des {told} jours comprises"


def _ordinal(day: int) -> str:
    return "1er" if day == 1 else f"{day}e"


def _points(share: float) -> str:
    """A share as points of 100, with one digit, or as many as show that it is not 0: "1,2", "0,04"."""
    points = abs(100 * share)
    if isinf(points):
        return "plus de 50"
    digits = next((digits for digits in range(1, 4) if round(points, digits) > 0), 1)
    return french.decimal(points, digits) if points else "0"


def signed(share: float) -> str:
    """A share as points of 100 with its sign: "−0,8"."""
    points = round(100 * share, 1)
    return f"{MINUS if points < 0 else ''}{_points(points / 100)}"
