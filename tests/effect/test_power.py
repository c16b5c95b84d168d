import math

from benchmarks.effect import strata_of
from outreach.effect.power import detectable, halves, least, power


def sizes(authorities):
    return [len(stratum.fases) for stratum in strata_of(authorities)]


def test_more_authorities_detect_less_and_two_halves_less_than_three_thirds():
    few, all_ = detectable(sizes(312)), detectable(sizes(985))
    assert all_.rare < few.rare < few.often
    assert few.rare < few.halves
    assert few.drawn == 305


def test_the_least_effect_is_the_first_that_eight_in_ten_see():
    of_halves = halves(sizes(312))
    found = least(of_halves, 0.01)
    assert power(of_halves, 0.01, found) >= 0.8 > power(of_halves, 0.01, found - 0.001)
    assert least((2, 2), 0.01) == math.inf
