"""How fast and when again: no relay, no database."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from outreach.delivery.outbox import rest_of
from outreach.delivery.outbox._outcomes import next_try
from outreach.delivery.sending._pacing import ROUNDS_TO_WIDEN, SECONDS_TO_WIDEN, TokenBucket, Width
from outreach.delivery.smtp._protocol import Garbage, Reader
from tests.conftest import NOW


@given(st.integers(1, 40), st.floats(0, 1))
def test_tries_come_after_1_5_15_30_60_minutes_then_hourly_with_a_tenth_of_spread(attempts, chance):
    minutes = [1, 5, 15, 30, 60][min(attempts, 5) - 1]
    wait = next_try(attempts, NOW, NOW - timedelta(hours=23), chance) - NOW
    assert timedelta(minutes=minutes) <= wait <= timedelta(minutes=minutes * 1.1)


def test_a_day_of_refusals_is_enough():
    assert next_try(9, NOW, NOW - timedelta(hours=24), 0) is None


def test_a_relay_rests_1_2_5_10_15_minutes():
    assert [(rest_of(count, NOW) - NOW).seconds // 60 for count in range(1, 8)] == [1, 2, 5, 10, 15, 15, 15]


@given(
    st.floats(0.01, 500) | st.integers(1, 500),
    st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 30)), max_size=30),
)
def test_a_bucket_never_gives_more_than_its_rate_and_its_burst(rate, wishes):
    bucket, now, given_ = TokenBucket(rate, 0.0), 0.0, 0
    assert bucket.room(1, now) == 1
    for wanted, seconds in wishes:
        now += seconds
        room = bucket.room(wanted, now)
        assert 0 <= bucket.take(wanted, now) == room <= wanted
        given_ += room
    assert given_ <= rate * now + max(1, rate) + 1e-6


@given(st.integers(1, 50), st.lists(st.booleans(), max_size=300))
def test_connections_are_halved_when_asked_for_and_grow_back_one_by_one(most, asked):
    width = Width(most)
    for asks_for_less in asked:
        before = width.now
        if asks_for_less:
            width.narrow(0.0)
            assert width.now == max(1, before // 2)
        else:
            width.widen()
            assert before <= width.now <= min(most, before + 1)
    for _ in range(ROUNDS_TO_WIDEN * most):
        width.widen()
    assert width.now == most


@given(st.integers(1, 50), st.integers(0, 60), st.lists(st.floats(0, 30), max_size=20))
def test_connections_grow_back_with_time_where_there_are_no_rounds(most, begun, waits):
    """One for every five seconds, however often one looks."""
    width = Width(most, 0.0)
    width.narrow(now := float(begun))
    narrowed = width.now
    for wait in waits:
        width.recover(now := now + wait)
        grown = int((now - begun) // SECONDS_TO_WIDEN)
        assert width.now in {min(most, narrowed + grown), min(most, narrowed + max(grown - 1, 0))}
    width.recover(now + SECONDS_TO_WIDEN * (most + 1))
    assert width.now == most


@given(st.lists(st.binary(max_size=40)), st.integers(1, 9))
def test_a_reply_reads_the_same_however_it_arrives(noise, size):
    raw = b"250-2.0.0 one\r\n250 two\r\n451 later\r\n"
    reader = Reader()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    replies = [reply for piece in pieces for reply in reader.feed(piece)]
    assert [(reply.code, reply.text, reply.status) for reply in replies] == [
        (250, "2.0.0 one two", "2.0.0"),
        (451, "later", ""),
    ]
    for piece in noise:
        try:
            list(Reader().feed(piece + b"\r\n"))
        except Garbage:
            continue
