import math
import statistics
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import forecasts
from outreach.effect.rehearsal import factor, scores, stops
from outreach.effect.rehearsal.factor import History, logit, spread
from outreach.effect.rehearsal.plays import Behaviour, Plan, Sending, forecast, play
from outreach.effect.rehearsal.scores import Span, fair_crps, span

ALL, NONE = History([{"A": (10**9, 10**9)}]), History([{"A": (0, 10**9)}])
GUESS = History([])
EVERYBODY = list(range(9001, 9011))
SEED = b"a seed"


def plan(*sendings, deadline=30, stopped=None):
    return Plan(dict.fromkeys(EVERYBODY, "A"), sendings, deadline, stopped or {})


def played(joined, answered, *sendings, delay=3, **more):
    return play(plan(*sendings, **more), Behaviour(joined, answered, [delay], [delay + 1]), Random(1))


SETS = st.sets(st.integers(0, 20))


@given(st.lists(st.integers(0, 20), unique=True), st.dictionaries(st.sampled_from("abc"), SETS))
def test_stops_are_the_first_reason_of_each_and_leave_the_others_in_order(audience, reasons):
    plain = {one: next((reason for reason in reasons if one in reasons[reason]), None) for one in audience}
    assert stops.stopped(audience, reasons) == {one: reason for one, reason in plain.items() if reason}
    assert stops.left(audience, reasons) == [one for one in audience if not plain[one]]


def test_letters_leave_as_days_have_room_and_the_last_day_takes_the_rest():
    told = played(NONE, NONE, Sending(EVERYBODY, [(0, 4), (1, 3), (4, 1)]))
    assert told.letters == {0: 4, 1: 3, 4: 3}
    assert (told.written, told.ends, told.joined, told.answers) == ([10], [4], 0, {})


def test_a_reminder_leaves_out_who_joined_or_answered_by_then():
    first, reminder = Sending(EVERYBODY, [(0, 10)]), Sending(EVERYBODY, [(3, 10)])
    assert played(ALL, NONE, first, reminder, delay=2).written == [10, 0]
    assert played(NONE, ALL, first, reminder, delay=1).written == [10, 0]
    assert played(ALL, ALL, first, reminder, delay=3).written == [10, 10]  # on the day itself nobody knows yet


def test_who_had_joined_before_the_first_wave_is_never_written_to():
    """Those of the register are stopped beside those who join in the play."""
    sendings = Sending(EVERYBODY, [(0, 10)]), Sending(EVERYBODY, [(14, 10)])
    told = played(NONE, NONE, *sendings, stopped={"joined": {9001, 9002}, "answered": {9003}})
    assert told.written == [len(EVERYBODY) - 3] * 2
    assert played(ALL, NONE, *sendings, stopped={"joined": {9001, 9002}}).joined == len(EVERYBODY) - 2


def test_who_is_stopped_from_the_start_is_never_written_to():
    told = played(ALL, NONE, Sending(EVERYBODY, [(0, 10)]), stopped={"left_out": {9001}, "suppressed": {9001, 9002}})
    assert told.written == [8]
    assert told.joined == 8


def test_only_joinings_by_the_deadline_count():
    letters = Sending(EVERYBODY, [(0, 5), (1, 5)])
    assert played(ALL, NONE, letters, delay=30).joined == 5


def test_a_forecast_is_the_same_for_the_same_seed_and_says_when_it_is_a_guess():
    behaviour = Behaviour(GUESS, GUESS, [1, 2, 8], [1])
    letters = plan(Sending(EVERYBODY, [(0, 10)]), Sending(EVERYBODY, [(7, 10)]))
    told = forecast(letters, behaviour, SEED)
    assert told == forecast(letters, behaviour, SEED)
    assert told.is_guess
    assert told.written[0] == Span(10, 10, 10)
    assert told.letters[0] == Span(10, 10, 10)
    assert len(told.plays) == scores.PLAYS
    assert told.joined == span(told.plays)


def test_a_rehearsal_of_a_register_in_four_waves_takes_twenty_seconds_at_most():
    everybody = list(range(985))
    networks = {one: "ABCDEF"[one % 6] for one in everybody}
    waves = [Sending(everybody, [(7 * wave, 985)]) for wave in range(4)]
    known = History([{"A": (20, 500), "B": (9, 300)}] * 3)
    before = time.process_time()
    forecast(Plan(networks, waves, 40), Behaviour(known, known, [1, 5, 20], [1, 2]), SEED)
    assert time.process_time() - before <= 20


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=40), st.integers(-1000, 1000))
def test_the_fair_score_is_its_definition(values, observed):
    count = len(values)
    distance = sum(abs(value - observed) for value in values) / count
    pairs = sum(abs(one - other) for one in values for other in values) / (2 * count * (count - 1))
    assert fair_crps(values, observed) == pytest.approx(distance - pairs, abs=1e-6)


def test_eighty_percent_of_199_plays_are_the_20th_to_the_180th():
    assert span(list(range(1, 200))) == Span(20, 100, 180)
    assert Span(20, 100, 180).holds(20)
    assert not Span(20, 100, 180).holds(181)
    with pytest.raises(ValueError, match="200"):
        span(list(range(200)))


def test_the_spread_is_the_rules():
    assert spread([-3.0]) == pytest.approx(0.75 / 3)
    assert spread([-3.0, -2.0]) == pytest.approx((0.75 + 0.5) / 4)


@pytest.mark.parametrize("freedom", [3, 7])
def test_the_factor_is_students(freedom):
    from scipy.stats import kstest, t  # here, as loading it takes a second, which each worker would pay

    chance = Random(3)
    assert kstest([factor.student(chance, freedom) for _ in range(2000)], t(freedom).cdf).pvalue > 1e-3


def test_one_factor_moves_all_networks_together():
    history = History([{"A": (5, 100), "B": (20, 200)}, {"A": (9, 100), "B": (30, 200)}])
    plays = [history.rates(Random(seed), ["A", "B"]) for seed in range(60)]
    odds = [{network: math.log(share / (1 - share)) for network, share in one.items()} for one in plays]
    apart = [one["B"] - one["A"] for one in odds]
    assert max(apart) - min(apart) < 1e-9
    assert statistics.stdev(one["A"] for one in odds) > 0.3


def test_a_network_without_history_has_the_rate_of_its_class_and_a_large_one_its_own():
    history = History([{"A": (500, 10_000), "B": (0, 1)}])
    typical = 1 / (1 + math.exp(-logit(500, 10_001)))
    assert history._shrunk("C") == pytest.approx(typical)
    assert history._shrunk("A") == pytest.approx(0.05, abs=1e-4)
    assert history._shrunk("B") == pytest.approx(20 * typical / 21)


def test_the_farthest_factor_still_gives_a_share(monkeypatch):
    history = History([{"A": (5, 100)}])
    for extreme in (-1e6, 1e6):
        monkeypatch.setattr(factor, "student", lambda _chance, _freedom, value=extreme: value)
        assert 0 <= history.rates(Random(1), ["A"])["A"] <= 1


def test_without_history_the_share_is_the_guess_for_all_networks():
    chance = Random(5)
    shares = [GUESS.rates(chance, ["A", "B"]) for _ in range(3000)]
    assert all(one["A"] == one["B"] for one in shares)
    assert statistics.mean(one["A"] for one in shares) == pytest.approx(0.8 / 39.8, abs=0.002)


def test_one_factor_for_all_networks_holds_what_one_for_each_does_not():
    """Of 100 campaigns an interval of 80 % holds 70 or more but once in a hundred times."""
    held = forecasts._played(0.5, 3, 100)
    assert held.common >= 0.7
    assert held.apart < held.common - 0.1


def test_the_counts_of_simulated_campaigns_are_binomial():
    chance = Random(7)
    for share in (0.03, 0.7):
        counts = [forecasts.binomial(chance, 200, share) for _ in range(3000)]
        assert statistics.mean(counts) == pytest.approx(200 * share, abs=0.5)
        assert statistics.variance(counts) == pytest.approx(200 * share * (1 - share), rel=0.15)
    assert forecasts.binomial(chance, 5, 0.0) == forecasts.binomial(chance, 5, 1e-17) == 0
    assert forecasts.binomial(chance, 5, 1.0) == 5
