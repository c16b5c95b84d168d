"""A last day to answer that an author typed agrees with the campaign's own, or is remarked on."""

from datetime import date, timedelta

import pytest

from outreach.campaigns.review import written_dates
from outreach.campaigns.schedule.planning import Deadline, PlannedWave
from outreach.campaigns.schedule.sending_hours import Opening
from tests.conftest import NOW

LIMIT, LATER = date(2027, 1, 4), date(2027, 1, 18)


def wave(day, reminder=0):
    at = NOW + timedelta(days=reminder)
    return PlannedWave(reminder + 1, 0, at, Opening(at, at), Deadline(day, day), reminder)


def said(subject, letter="", days=(LIMIT,)):
    waves = [wave(day, number) for number, day in enumerate(days)]
    return [one.replace("\u00a0", " ") for one in written_dates.remarks(subject, letter, waves)]


@pytest.mark.parametrize(
    "right",
    [
        "À répondre au plus tard le 4 janvier",
        "À répondre pour le lundi 4 janvier 2027",
        "Réponse jusqu’au 04/01/2027",
        "Répondez au plus tard le ((date_limite))",
        "Lancez votre marché avant le 30 juin 2027",
        "Le 12 mars 2027, répondez à notre enquête",
    ],
)
def test_what_agrees_or_is_about_another_day_is_not_remarked_on(right):
    assert said(right) == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("Répondez au plus tard le 6 janvier", "au plus tard le 6 janvier"),
        ("À répondre pour le 4 janvier 2026", "pour le 4 janvier 2026"),
        ("Votre réponse est attendue d’ici le vendredi 1er janvier.", "d’ici le vendredi 1er janvier"),
        ("Date limite : 05/01/2027", "Date limite : 05/01/2027"),
        ("Répondez\u00a0**avant le\u00a07\u00a0janvier**", "avant le 7 janvier"),
    ],
)
def test_another_date_is_named_with_the_right_one_and_what_to_write(wrong, found):
    right = "écrivez « au plus tard le ((date_limite)) »."
    assert said("x", f"Madame\n{wrong}") == [
        f"Ligne 2 : « {found} » n’est pas la date limite, le 4 janvier 2027 : {right}"
    ]
    assert said(wrong)[0].startswith("Objet : ")


def test_a_date_that_is_right_for_one_wave_alone_is_remarked_on():
    (one,) = said("À répondre au plus tard le 4 janvier", days=(LIMIT, LATER))
    assert "la date limite de la relance 1, le 18 janvier 2027" in one


def test_before_a_day_leaves_that_day_out():
    assert "exclut ce jour" in said("Répondez avant le 4 janvier")[0]
    assert "exclut la date limite elle-même" in said("x", "Répondez avant le ((date_limite)) :")[0]
    assert said("Répondez avant le 4 janvier", days=()) == [], "nothing is planned yet"
