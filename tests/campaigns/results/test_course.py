"""The course of a campaign: its way and its days end where its results do, of authorities and of schools."""

from datetime import timedelta

import pytest

from outreach.adherence import programmes
from outreach.adherence.models import Word
from outreach.campaigns import planning, results
from outreach.campaigns.results import Figure
from outreach.campaigns.results import _funnel as funnel
from outreach.campaigns.segments import Concerns
from outreach.engagement.replies import Answer
from outreach.engagement.tracking import OPENING, HitClass, Measured
from tests.campaigns.conftest import approved, launch, settle
from tests.campaigns.results.test_figures import LATER, answer, record, sent, seven_sent
from tests.conftest import NOW

__all__ = ["sent", "seven_sent"]
F = Figure


def told(database, now=LATER, number=1):
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        came = results.campaign_results(session, campaign, now=now)
        return came, funnel.campaign_course(session, campaign, came, [], now=now)


@pytest.mark.long
@pytest.mark.postgresql
def test_the_way_counts_authorities_and_schools_and_the_days_add_up_to_it(database, strand, sent):
    one, two, three, _doubtful, refused, *_, wbe = sent
    for school in (*sent[one], sent[wbe][0], sent[refused][0]):
        record(database, strand, school)
    record(database, strand, sent[three][0], Word.DECLARED)
    answer(database, strand, one, Answer.JOINED)
    answer(database, strand, two, Answer.HELP)
    came, shown = told(database)
    assert [(step.figure, step.authorities, step.schools) for step in shown.way] == [
        (F.CONCERNED, 7, 14),
        (F.RECIPIENTS, 6, 12),
        (F.HANDED_OVER, 4, 8),
        (F.ANSWERED, 2, 0),
        (F.JOINED_SINCE, 2, 3),
    ]
    assert [step.authorities for step in shown.way] == [came.total.count(step.figure) for step in shown.way]
    assert (shown.way[-1].declared, shown.way[-1].declared_schools) == (1, 1)
    assert [day.day for day in shown.days] == [NOW.date() + timedelta(days) for days in range(3)]
    before, last = shown.days[-2:]
    assert (before.answered, before.declared, before.joined_since, before.joined_since_schools) == (0, 0, 0, 0)
    assert (last.answered, last.answered_schools) == (2, 0)
    assert (last.declared, last.declared_schools, last.joined_since, last.joined_since_schools) == (1, 1, 2, 3)
    assert [(day, wave.number) for day, wave in shown.waves] == [(NOW.date(), 1)]
    assert not shown.has_openings
    (wave,) = shown.yields
    assert (wave.day, wave.sent) == (NOW.date(), came.total.count(F.RECIPIENTS))
    assert (wave.answered, wave.declared, wave.joined_since) == (2, 1, 2)


@pytest.mark.long
def test_openings_of_all_groups_add_up_day_by_day(database, strand, sent):
    groups = [Measured("A", 20), Measured("B", 30)]
    for group in groups:
        group.add(OPENING, HitClass.HUMAN, NOW.date(), 2)
        group.add(OPENING, HitClass.MACHINE, NOW.date(), 9)
        group.add(1, HitClass.UNDETERMINED, LATER.date(), 1)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, 1)
        shown = funnel.campaign_course(
            session, campaign, results.campaign_results(session, campaign, now=LATER), groups, now=LATER
        )
    assert [(day.opened, day.clicked) for day in shown.days] == [(4, 0), (4, 0), (4, 2)]
    assert shown.has_openings


@pytest.mark.long
def test_a_long_course_tells_one_day_in_seven_and_the_last(database, strand, sent):
    _, shown = told(database, NOW + timedelta(days=200))
    days = [(day.day - NOW.date()).days for day in shown.days]
    assert days == [*range(0, 200, 7), 200]


@pytest.mark.long
def test_about_schools_that_joined_the_way_ends_with_answers(database, people, strand):
    settle(database, 1)
    launch(database, approved(database, concerns=Concerns.JOINED))
    assert [step.figure for step in told(database)[1].way] == list(funnel.WAY[:-1])


def test_a_campaign_that_has_not_left_has_no_days(database, people, strand):
    settle(database, 1)
    approved(database)
    _, shown = told(database)
    assert (shown.days, [step.authorities for step in shown.way]) == ([], [1, 0, 0, 0, 0])


@pytest.mark.long
def test_a_wave_has_the_same_answers_on_its_campaign_and_among_the_actions_of_whom_it_wrote_to(database, strand, sent):
    one, *_, withdrawn, _ = sent
    answer(database, strand, one, Answer.HELP)
    answer(database, strand, withdrawn, Answer.HELP)  # by the code on paper: no mail left
    came, shown = told(database)
    with database.reading() as session:
        (done,) = results.list_actions(session, programmes.get_programme(session), now=LATER).done
    assert ([wave.answered for wave in shown.yields], sum(done.answered.values())) == ([1], 1)
    assert came.total.count(F.ANSWERED) == 2
