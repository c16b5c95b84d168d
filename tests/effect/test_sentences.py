import math
from dataclasses import replace

import pytest

from outreach.effect import sentences
from outreach.effect.interval import Interval
from outreach.effect.power import Detectable
from outreach.effect.result import Effect
from outreach.effect.tables import Windows

EFFECT = Effect(Interval(0.04, 0.012, 0.068), Interval(0.027, -0.008, 0.061), is_concluded=True, drawn=305)


def told(effect=EFFECT, outside=7, windows=None, reminders=(7,)):
    return sentences.result(effect, outside, windows or Windows(), reminders)


def test_a_conclusion_says_between_what_among_whom_within_which_days_and_what_it_cannot_see():
    assert told() == (
        "Parmi les 305\u00a0PO tirés au sort (7 en dehors), entre 1,2 et 6,8 PO de plus sur 100 ont adhéré dans les 14 "
        "jours de la lettre, relance du 7e jour comprise, que parmi ceux qui l’attendaient encore. Ce chiffre compte "
        "les adhésions avancées\u202f; à 28 jours, l’écart est entre −0,8 et 6,1. Ce qui vient ensuite n’est pas "
        "mesuré\u00a0: tous reçoivent le courriel. Des PO qui attendaient encore ont pu en entendre "
        "parler\u00a0: l’effet est alors sous-estimé."
    )


@pytest.mark.parametrize(
    ("reminders", "words"),
    [
        ((), "de la lettre, que"),
        ((1,), "relance du 1er jour comprise"),
        ((5, 10), "relances des 5e et 10e jours comprises"),
        ((7, 14), "relance du 7e jour comprise"),  # the second leaves after the window
    ],
)
def test_only_reminders_within_the_window_are_said(reminders, words):
    assert words in told(reminders=reminders)


def test_nobody_outside_is_not_said_and_later_windows_are():
    assert "tirés au sort, entre" in told(outside=0)
    assert "dans les 21 jours" in told(windows=Windows(21, 21))
    assert "à 42 jours" in told(windows=Windows(21, 21))
    assert "Ce chiffre" not in told(replace(EFFECT, later=None))


def test_fewer_that_joined_are_said_as_fewer():
    assert "entre 1,2 et 6,8 PO de moins sur 100" in told(replace(EFFECT, figure=Interval(-0.04, -0.068, -0.012)))


def test_a_limit_that_is_almost_nothing_is_not_said_as_nothing():
    assert "entre 0,04 et 6,8 PO de plus" in told(replace(EFFECT, figure=Interval(0.04, 0.0004, 0.068)))


@pytest.mark.parametrize(
    ("low", "high", "words"), [(-0.011, 0.039, "−1,1 et 3,9"), (0.0, 0.039, "0 et 3,9"), (-0.0004, 0.02, "0 et 2,0")]
)
def test_without_a_conclusion_nothing_is_claimed(low, high, words):
    unclear = replace(EFFECT, figure=Interval(0.01, low, high), is_concluded=False)
    assert told(unclear) == (
        f"On ne peut pas conclure\u00a0: entre {words} PO de plus sur 100 ont adhéré, parmi les 305\u00a0PO tirés au "
        "sort, dans les 14 jours de la lettre. Ce n’est pas une preuve d’absence."
    )


def test_before_the_approval_it_says_what_a_draw_could_see():
    assert sentences.planned(Detectable(312, 0.04, 0.065, 0.057)) == (
        "Avec 312\u00a0PO, 8 chances sur 10 de voir un effet de 4,0 points (6,5 si 2\u00a0% adhèrent chaque semaine)"
        "\u202f; 5,7 points si l’on tirait deux moitiés."
    )
    assert "plus de 50 points" in sentences.planned(Detectable(9, math.inf, 0.4, 0.3))
