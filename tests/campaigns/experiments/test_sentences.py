from dataclasses import replace

import pytest

from outreach.campaigns.experiments import TwoByTwo, signed_points
from outreach.campaigns.experiments._estimate import Effect, Interval, sentence

YES = Effect(Interval(0.149, 0.096, 0.204), TwoByTwo(102, 17, 198, 4), TwoByTwo(97, 11, 97, 1), 300)


def told(days=14, **changed):
    return sentence(replace(YES, **changed), days).replace("\u202f", " ").replace("\xa0", " ")


def test_a_result_is_one_word_and_one_sentence_in_round_numbers():
    assert told() == (
        "Oui. Dans les 14 jours, 17 des 102 PO qui avaient reçu le courriel ont adhéré (au moins une école), contre 4 "
        "des 198 qui l’attendaient : environ 15 de plus sur 100, entre 9 et 21, les départs 2 et 3 comparés de même."
    )
    assert told(21).startswith("Oui. Dans les 21 jours, ")


def test_fewer_that_joined_are_said_as_fewer():
    assert told(figure=Interval(-0.051, -0.083, -0.029), first=TwoByTwo(102, 1, 198, 18)).endswith(
        "1 des 102 PO qui avaient reçu le courriel a adhéré (au moins une école), contre 18 des 198 qui l’attendaient "
        ": environ 5 de moins sur 100, entre 2 et 9, les départs 2 et 3 comparés de même."
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.031, 0.052, "entre 4 de moins et 6 de plus sur 100"),
        (0.0, 0.031, "entre 0 et 4 de plus sur 100"),
        (-0.0104, 0.02, "entre 2 de moins et 2 de plus sur 100"),
    ],
)
def test_without_a_conclusion_nothing_is_claimed(low, high, words):
    said = told(figure=Interval(0.01, low, high))
    assert said.startswith("On ne peut pas conclure. Dans les 14 jours, 17 des 102 PO")
    assert f" : {words}, les départs" in said
    assert "environ" not in said


def test_a_limit_that_is_almost_nothing_is_not_said_as_nothing():
    assert "environ 4,0 de plus sur 100, entre 0,4 et 6,8," in told(figure=Interval(0.04, 0.0041, 0.0679))


def test_nobody_is_said_so_and_one_comparison_is_said_alone():
    said = told(first=TwoByTwo(102, 0, 198, 0), second=TwoByTwo(0, 0, 97, 1))
    assert "aucun des 102 PO qui avaient reçu le courriel n’a adhéré" in said
    assert said.endswith("contre aucun des 198 qui l’attendaient : environ 15 de plus sur 100, entre 9 et 21.")
    assert "11 des 97 PO" in told(first=TwoByTwo(0, 0, 198, 4))


def test_a_share_is_signed_in_points():
    assert [signed_points(share) for share in (0.0412, -0.0081, -0.0004, 0)] == ["4,1", "−0,8", "0,0", "0,0"]
