"""Openings and clicks that machines make, told from people's by what is seen of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.engagement.tracking import Agent, HitClass, Programs, Readers, Signals, classify_hit
from outreach.engagement.tracking import _bot_detection as bot_detection
from outreach.engagement.tracking._bot_detection import REMEMBERED, agent_of
from tests.conftest import NOW

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def hit(link=0, after=0.0, agent=Agent.BROWSER, *, is_head=False):
    return Signals(link, NOW + timedelta(seconds=after), agent, is_head)


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("", Agent.NONE),
        ("  ", Agent.NONE),
        (FIREFOX, Agent.BROWSER),
        ("Mozilla/5.0", Agent.PROXY),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", Agent.PROXY),
        ("Barracuda Sentinel (EE)", Agent.SCANNER),
        ("python-requests/2.32", Agent.SCANNER),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", Agent.SCANNER),
    ],
)
def test_a_program_is_known_by_what_it_says(said, agent):
    assert agent_of(said) is agent


@pytest.mark.parametrize(
    ("one", "others", "found"),
    [
        (hit(), [], HitClass.HUMAN),
        (hit(1), [hit()], HitClass.HUMAN),
        (hit(is_head=True), [], HitClass.MACHINE),
        (hit(agent=Agent.SCANNER), [], HitClass.MACHINE),
        (hit(agent=Agent.NONE), [], HitClass.MACHINE),
        (hit(agent=Agent.PROXY), [], HitClass.UNDETERMINED),
        (hit(1, 0.4), [hit(2)], HitClass.MACHINE),
        (hit(1, 5), [hit(2)], HitClass.HUMAN),
        (hit(1, 0.4), [hit(1)], HitClass.HUMAN),
        (hit(3, 8), [hit(1), hit(2, 4)], HitClass.MACHINE),
        (hit(3, 30), [hit(1), hit(2, 15)], HitClass.HUMAN),
        (hit(0, 0.1), [hit(1), hit(2)], HitClass.HUMAN),
    ],
)
def test_a_hit_is_judged_with_the_reader_s_others(one, others, found):
    assert classify_hit(one, others)[0] is found


def test_the_second_link_unmasks_the_first_of_the_same_reader_only():
    readers = Readers()
    assert readers.meet(b"scanner", hit(1), "a") == (HitClass.HUMAN, [])
    assert readers.meet(b"person", hit(2, 0.2), "b") == (HitClass.HUMAN, [])
    judged, unmasked = readers.meet(b"scanner", hit(2, 0.4), "c")
    assert judged is HitClass.MACHINE
    assert [(met.where, met.thought) for met in unmasked] == [("a", HitClass.HUMAN)]
    assert readers.meet(b"scanner", hit(3, 0.6), "d") == (HitClass.MACHINE, [])


def test_readers_are_forgotten_after_some_seconds():
    readers = Readers()
    readers.meet(b"one", hit(1), None)
    readers.meet(b"two", hit(1, 60), None)
    assert set(readers.recent) == {b"two"}


def test_of_a_reader_a_dozen_hits_are_remembered_however_many_come():
    readers = Readers()
    for number in range(3 * REMEMBERED):
        readers.meet(b"scanner", hit(number % 3, number / 10), None)
    assert len(readers.recent[b"scanner"]) == REMEMBERED


MOMENTS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from((0, 0.3, 1, 1.2, 4, 11)), st.booleans()), max_size=40)


@given(MOMENTS)
def test_a_reader_is_judged_as_if_each_hit_were_compared_with_each_of_the_last_dozen(moments):
    readers, clicks, at = Readers(), [], 0.0
    for link, pause, is_head in moments:
        at += pause
        one = hit(link, at, is_head=is_head)
        judged, unmasked = readers.meet(b"reader", one, len(clicks))
        if clicks and at - clicks[-1][0] > 10:
            clicks = []
        if link:
            clicks = [*clicks, [at, one, None]][-REMEMBERED:]
        everything = [signals for _, signals, _ in clicks]
        assert judged is classify_hit(one, everything)[0]
        if not link:
            assert unmasked == []
            continue
        clicks[-1][2] = judged
        changed = [click for click in clicks if click[2] is not classify_hit(click[1], everything)[0]]
        changed = [click for click in changed if click[2] is not HitClass.MACHINE]
        assert [met.signals for met in unmasked] == [signals for _, signals, _ in changed]
        for click in changed:
            click[2] = HitClass.MACHINE


def test_openings_are_not_remembered():
    readers = Readers()
    assert readers.meet(b"one", hit(), None) == (HitClass.HUMAN, [])
    assert not readers.recent


def test_a_program_is_remembered_by_what_does_not_tell_its_header(monkeypatch):
    programs, asked = Programs(), []
    monkeypatch.setattr(bot_detection, "agent_of", lambda header: asked.append(header) or agent_of(header))
    assert [programs.kind(header) for header in (FIREFOX, "curl/8", FIREFOX)] == [
        Agent.BROWSER,
        Agent.SCANNER,
        Agent.BROWSER,
    ]
    assert asked == [FIREFOX, "curl/8"]
    assert all(isinstance(key, int) for key in programs.known)


def test_the_programs_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(bot_detection, "MOST_PROGRAMS", 10)
    programs = Programs()
    for number in range(100):
        programs.kind(f"Mozilla/{number}")
    assert len(programs.known) <= 10
