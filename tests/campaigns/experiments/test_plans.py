from datetime import date

import pytest

from outreach.campaigns import experiments

DAYS = (date(2026, 3, 2), date(2026, 3, 16), date(2026, 3, 30))


def test_what_is_compared_follows_the_second_departure():
    late = (DAYS[0], date(2026, 3, 19), date(2026, 4, 2))
    assert (experiments.effect_windows(late, 14).second, experiments.effect_windows(late, 14).end) == (17, 31)
    assert experiments.effect_windows(DAYS, 21).length == 14, (
        "departure 2 left before the window of departure 1 was over"
    )


def test_a_wave_for_all_that_follows_none_may_be_drawn():
    assert experiments.draw_refusals(200, DAYS) == []
    assert experiments.draw_refusals(200, DAYS, deadline=DAYS[-1], stops_on=DAYS[-1]) == []


@pytest.mark.parametrize(
    ("against", "words"),
    [
        ({"drawn": 199}, "au moins 200 PO, et il n’y en aurait que 199\u00a0: élargissez"),
        ({"is_awareness": False}, "obligatoire ou rectificatif"),
        ({"is_reminder": True}, "seule la première vague"),
        ({"is_first_come": True}, "dans l’ordre des demandes"),
        ({"is_first_come": None}, "Dites si des places"),
        ({"deadline": date(2026, 3, 29)}, "Le dernier départ, le 30 mars 2026, viendrait après l’échéance"),
        ({"stops_on": date(2026, 3, 29)}, "viendrait après le dernier jour d’envoi"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_to_do(against, words):
    (refusal,) = experiments.draw_refusals(**{"drawn": 200, "departures": DAYS, **against})
    assert words in refusal
