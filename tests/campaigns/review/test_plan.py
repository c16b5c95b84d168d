"""The plan of a campaign, summed by hand over the rows of an earlier wave: who answered when, whom reminders leave."""

from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, select

from outreach.adherence.models import AdherenceRecord, Strand, Word
from outreach.campaigns import channels, planning, review
from outreach.campaigns.experiments import _design as design
from outreach.campaigns.experiments._design import Stratum
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.review import _plan as plan
from outreach.core.text.dates import today
from outreach.delivery.models import Message, MessageClass, MessageState
from outreach.directory.models import Contact
from outreach.engagement.replies import Acknowledgement, Answer, Response
from tests import factories
from tests.campaigns.conftest import APPROVER, SENDING, advance, approved, draft, launch, move, owned, settle
from tests.campaigns.results.test_figures import become
from tests.conftest import NOW, state_from

OVER = NOW + timedelta(days=60)
STARTS = OVER + timedelta(days=30)
DAY = timedelta(days=1)


@state_from("programmed")
def ten_settled(database, _settings):
    """Ten authorities, the first without a mailbox."""
    found = settle(database, 10)
    with database.writing() as session:
        session.execute(delete(Contact).where(Contact.authority_id == min(found)))


@pytest.fixture
def ten(ten_settled):
    """{authority: schools} of these."""
    return owned(ten_settled)


@state_from("ten_settled")
def over(database, _settings):
    """A campaign whose last day has passed: of nine, two answered after 2 days and one after 5, one joined after 9."""
    launch(database, approved(database))
    become(database, [MessageState.WITHDRAWN, *[MessageState.ACCEPTED] * 9])
    ten = owned(database)
    one, two, three, four, five, six, *_ = sorted(ten)[1:]
    with database.writing() as session:
        strand = session.scalars(select(Strand.id)).one()
        letters = dict(session.execute(select(Message.authority_id, Message.id)).all())
        for key, days in ((one, 2), (one, 3), (two, 2), (three, 5), (five, 50), (six, 1)):
            at = {"message_id": letters[key], "authority_id": key, "given_at": NOW + days * DAY}
            session.add(given := Response(answer=Answer.INFORMED, strand_id=strand, **at))
            session.flush()
            if key == six:
                session.add(Acknowledgement(response_id=given.id))
        for key, days in ((four, 9), (five, 45)):
            told = factories.adherence_record(ten[key][0], strand, NOW + days * DAY, word=Word.CONFIRMED)
            session.add(AdherenceRecord(**told))


def coming(database, **changes):
    """The number of a draft that starts later, with two reminders."""
    number = draft(database, **{"reminders": (14, 24), **changes})
    with database.writing() as session:
        session.get_one(Campaign, number).starts_at = STARTS
    return number


def planned(database, number, now=OVER):
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        findings = review.check_campaign(session, campaign, SENDING, now=now)
        return plan.plan_of(session, campaign, findings, channels.forecast_steps(session, campaign, now=now), now=now)


def lines(found):
    return [(line.what, line.in_words.replace("\xa0", " ")) for line in found.lines]


@pytest.mark.long
@pytest.mark.postgresql
def test_reminders_and_answers_are_those_of_the_earlier_wave_to_as_many_as_are_written_to(database, over, ten):
    settle(database, 11)  # twenty have a mailbox; one has joined, one since its last day to answer
    found = planned(database, coming(database))
    written = 9 + 11 - 2
    assert lines(found) == [
        ("Première vague", f"{written} PO"),
        ("Relance 1", f"environ {round(written * 5 / 9)} PO"),
        ("Relance 2", f"environ {round(written * 5 / 9)} PO"),
    ]
    leaves = today(found.lines[0].at)
    assert found.answers == [(leaves + 2 * DAY, 4), (leaves + 5 * DAY, 2)]
    assert sum(count for _, count in found.answers) == round(written * 3 / 9)
    text = found.in_words.replace("\xa0", " ")
    assert text.startswith("Si l’on répond comme à la vague du 15 mai 2021, « ")
    assert "(3 PO sur 9 au 14 juin 2021, relances comprises), 6 réponses arrivent, dont 4 le jour le plus" in text
    assert text.endswith("Une relance n’écrit plus aux PO qui ont répondu, ni à ceux dont chaque école a adhéré.")


@pytest.mark.long
def test_the_checks_of_a_campaign_under_way_read_the_dates_at_which_its_waves_are_planned(database, ten):
    number = draft(database, reminders=(14, 24))
    with database.writing() as session:
        session.get_one(Campaign, number).starts_at = NOW + DAY  # two days before its waves are planned
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    schedule = partial(planning.schedule_campaign, earliest=NOW + 3 * DAY)
    wave = move(database, number, schedule, None)
    with database.reading() as session:
        first = session.get_one(Wave, wave).due_at
    assert first >= NOW + 3 * DAY
    advance(database, wave, first)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        found = review.check_campaign(session, campaign, SENDING, now=NOW + 10 * DAY)
        stored = [one for one in campaign.waves if one.state is WaveState.PLANNED]
        assert [one.reminder for one in stored] == [1, 2]
        seen = [(one.number, one.reminder, one.at, one.deadline.day, one.after) for one in found.planned]
        after = [(today(one.due_at) - today(first)).days for one in stored]
        assert seen == [
            (one.number, one.reminder, one.due_at, one.answer_by, days) for one, days in zip(stored, after, strict=True)
        ]
        assert found.blocks == []
        assert not [one for one in found.remarks if "relance" in one.lower() or "vague" in one]


@pytest.mark.long
def test_without_a_wave_of_its_kind_that_is_over_a_plan_says_so_and_gives_bounds(database, over, ten):
    early = planned(database, coming(database), now=NOW + 20 * DAY)
    statutory = planned(database, coming(database, message_class=MessageClass.STATUTORY))
    for found in (early, statutory):
        (_, first), *reminders = lines(found)
        assert [told for _, told in reminders] == [f"au plus {first}"] * 2
        assert (found.before, found.answers) == (None, [])
        assert "n’est pas connu" in found.in_words


@pytest.mark.long
def test_letters_on_paper_and_calls_stand_on_their_days_with_whom_silence_adds(database, over, ten):
    number = coming(database, reminders=())
    with database.writing() as session:
        session.get_one(Campaign, number).ladder = "paper:5:failed call:12:silent"
    with database.reading() as session:
        addressed = session.get_one(Campaign, number)
        failing = [sum(one.networks.values()) for one in channels.forecast_steps(session, addressed, now=OVER)]
    wave, paper, call = planned(database, number).lines
    assert [(line.day - wave.day).days for line in (paper, call)] == [5, 12]
    assert paper.authorities == failing[0] == 1
    assert call.authorities == failing[1] + round(wave.authorities * 5 / 9)


def test_departures_are_as_many_as_the_draw_deals_out():
    strata = [Stratum(name, tuple(range(size))) for name, size in {"a": 7, "b": 8, "c": 9}.items()]
    outside = 5
    counts, drawn = SimpleNamespace(written=24 + outside), SimpleNamespace(strata=SimpleNamespace(strata=strata))
    sizes = plan._sizes(SimpleNamespace(counts=counts, draw=drawn))
    dealt = [sum(len(one.departures[place]) for one in design.drawn(b"seed", strata)) for place in range(3)]
    assert [sizes[1] - outside, sizes[2], sizes[3]] == dealt


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_answers_of_days_are_whole_and_add_up(count):
    days = {today(NOW) + n * DAY: n % 3 * count for n in range(30)}
    told = plan._rounded(days, 30)
    assert sum(each for _, each in told) == round(sum(days.values()) / 30)
    assert all(each > 0 for _, each in told)


@pytest.mark.long
def test_a_plan_precedes_the_first_letter_and_follows_the_waves_that_are_planned(database, ten):
    undated = draft(database)
    assert planned(database, undated) is None
    number = approved(database)
    move(database, number, planning.schedule_campaign, NOW + DAY, actor=APPROVER)
    assert [line.at for line in planned(database, number, now=NOW).lines] == [NOW + DAY]
    begun = approved(database)
    launch(database, begun)
    assert planned(database, begun, now=NOW) is None
