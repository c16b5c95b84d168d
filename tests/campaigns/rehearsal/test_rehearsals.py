"""Rehearsals on a small directory: what is read, what is kept, when it is stale, and what came beside it."""

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select, update

from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.models import Campaign
from outreach.campaigns.rehearsal import comparing, earlier, ground, playing
from outreach.campaigns.rehearsal.comparing import Compared
from outreach.campaigns.rehearsal.models import CampaignRehearsal
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Contact
from outreach.effect.rehearsal import stops
from outreach.effect.rehearsal.scores import Span
from outreach.errors import Refused
from outreach.responses.kinds import Answer
from outreach.responses.models import Response
from outreach.segments import audience
from tests import factories
from tests.campaigns.conftest import APPROVER, AUTHOR, add_contact, approved, draft, launch, move, settle
from tests.campaigns.results.test_figures import answer, become, record
from tests.conftest import NOW

STARTS = NOW + timedelta(days=3)
OVER = NOW + timedelta(days=60)
SENT = [MessageState.WITHDRAWN, *[MessageState.ACCEPTED] * 10]  # the first has no mailbox


@pytest.fixture
def ten(database, people, strand):
    """Ten authorities of two networks, the first without a mailbox, the second with two; {authority: schools}."""
    found = settle(database, 6) | settle(database, 4, network="WBE")
    first, second, *_ = found
    with database.writing() as session:
        session.execute(update(Contact).where(Contact.authority_id == first).values(retired_at=NOW, retired_by=AUTHOR))
        box = session.scalars(select(Contact).where(Contact.authority_id == second)).one()
        add_contact(session, box.authority, "autre@adm.fwb.example")
    return found


def dated(database, number, **values):
    with database.writing() as session:
        campaign = session.get_one(Campaign, number)
        for name, value in {"starts_at": STARTS, "reminders": "14 24", **values}.items():
            setattr(campaign, name, value)


@pytest.fixture
def written(database, ten):
    """The number of a draft to all ten, with dates and two reminders."""
    number = draft(database)
    dated(database, number)
    return number


def rehearse(database, number, now=NOW, **more):
    with database.writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        found = ground.of(session, campaign, now=now, **more)
        told = playing.play(found)
        playing.keep(session, campaign, found, told, now=now, actor=AUTHOR)
    return told


def stale(database, number):
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        return playing.stale(session, campaign, playing.latest(session, campaign), now=NOW)


@pytest.mark.postgresql
def test_a_rehearsal_tells_letters_waves_answers_and_joinings_and_sends_nothing(database, written):
    told = rehearse(database, written)
    assert (told["plays"], told["is_guess"], told["earlier"]) == (199, True, 0)
    assert (told["authorities"], told["letters_of_first"]) == (9, 10)
    assert [wave["number"] for wave in told["waves"]] == [1, 2, 3]
    first, *reminders = (wave["written"] for wave in told["waves"])
    assert first == {"low": 9, "middle": 9, "high": 9}
    assert all(one["high"] <= 9 for one in reminders)
    assert told["letters"][0] == {"day": STARTS.date().isoformat(), "low": 10, "middle": 10, "high": 10}
    assert len(told["values"]) == 199
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_the_same_campaign_is_played_alike(database, written):
    assert rehearse(database, written) == rehearse(database, written)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda database, number: dated(database, number, subject="Autre"), "le contenu a changé"),
        (
            lambda database, number: dated(database, number, starts_at=STARTS + timedelta(days=14)),
            "le contenu a changé, les dates ont changé",
        ),
        (lambda database, _: settle(database, 1), "le public a changé"),
    ],
)
def test_a_rehearsal_is_stale_once_content_dates_or_audience_change(database, written, change, why):
    rehearse(database, written)
    assert stale(database, written) == []
    change(database, written)
    assert ", ".join(stale(database, written)) == why
    rehearse(database, written)
    assert stale(database, written) == []


def test_what_cannot_be_rehearsed_says_what_to_do(database, ten):
    undated = draft(database)
    with pytest.raises(Refused, match="Choisissez d’abord les dates"):
        rehearse(database, undated)
    begun = approved(database)
    launch(database, begun)
    with pytest.raises(Refused, match="a commencé"):
        rehearse(database, begun)


def test_a_domain_of_its_own_rate_takes_its_letters_beside_the_others():
    counts = Counter({"slow.example": 3, "quick.example": 10})
    evening = datetime(2021, 5, 18, 21, 59, tzinfo=UTC)  # a minute before midnight
    first, slow = evening.date(), {"slow.example": 1 / 60}
    assert ground.slots_of_domains(evening, first, counts, 0, slow) == [(0, 11), (1, 2)]
    assert ground.slots_of_domains(evening, first, counts, 5 / 60, slow) == [(0, 5), (1, 8)]
    assert ground.slots_of_domains(evening, first, counts, 0, {"*": 1 / 60}) == [(0, 2), (1, 11)]
    assert ground.slots_of_domains(evening, first, counts, 0, {}) == [(0, 13)]


def test_letters_leave_overnight_where_the_relay_is_slow():
    first = STARTS.date()
    assert ground.slots(STARTS, first, 985, 0) == [(0, 985)]
    evening = STARTS.replace(hour=21, minute=59)  # a minute before midnight in Brussels
    assert ground.slots(evening, first, 985, 1) == [(0, 60), (1, 86_400)]
    assert ground.slots(evening + timedelta(days=2), first, 200, 0.001) == [(2, 1), (3, 86), (4, 86), (5, 86)]


@pytest.mark.postgresql
@pytest.mark.parametrize("seed", range(4))
def test_stops_over_sets_are_those_of_the_audience(database, people, strand, seed):
    """Whom a reminder leaves out by SQL, after random answers and joinings, the pure function leaves out, too."""
    chance, found = Random(seed), settle(database, 24)
    launch(database, number := approved(database))
    become(database, [MessageState.ACCEPTED] * 24)
    answered, joined = (set(chance.sample(sorted(found), chance.randint(0, 12))) for _ in "ab")
    for one in answered:
        answer(database, strand, one, Answer.INFORMED)
    for one in joined:
        record(database, strand, found[one][0], chance.choice([Word.CONFIRMED, Word.DECLARED]))
    with database.reading() as session:
        campaign, later = lifecycle.campaign_numbered(session, number), NOW + timedelta(days=14)
        scope = audiences.scope_of(session, campaign, now=later)
        rows = audience.rows(audiences.audience_of(campaign), scope)
        by_sql = session.scalars(select(rows.c.authority_id).where(rows.c.rank == 0)).all()
    assert sorted(by_sql) == stops.left(sorted(found), {"joined": joined, "answered": answered})


@pytest.fixture
def over(database, ten, strand):
    """A campaign whose deadline has passed: of nine, two answered after two days, one joined, one too late."""
    launch(database, number := approved(database))
    become(database, SENT)
    one, two, three, four = sorted(ten)[1:5]
    with database.writing() as session:
        letters = dict(session.execute(select(Message.authority_id, Message.id)).all())
        for key in (one, two):
            at = {"message_id": letters[key], "authority_id": key, "given_at": NOW + timedelta(days=2)}
            session.add(Response(answer=Answer.INFORMED, strand_id=strand, **at))
        for key, days in ((three, 1), (four, 45)):
            at = NOW + timedelta(days=days)
            session.add(AdherenceRecord(**factories.adherence_record(ten[key][0], strand, at, word=Word.CONFIRMED)))
    return number


def test_what_came_of_a_campaign_is_known_once_its_deadline_has_passed(database, over):
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, over)
        assert earlier.came_of(session, campaign, now=NOW + timedelta(days=20)) is None
        came = earlier.came_of(session, campaign, now=OVER)
    assert came.joined == 1
    assert came.counts("joined") == {"Libre confessionnel": (1, 5), "WBE": (0, 4)}
    assert came.counts("answered") == {"Libre confessionnel": (2, 5), "WBE": (0, 4)}
    assert sorted(one.answered for one in came.each if one.answered is not None) == [2, 2]


def test_a_rehearsal_stands_on_the_campaigns_of_its_class_that_are_over(database, over):
    number = draft(database)
    dated(database, number, starts_at=OVER + timedelta(days=200))
    told = rehearse(database, number, now=OVER)
    assert (told["is_guess"], told["earlier"]) == (False, 1)
    assert told["as_last_time"] == pytest.approx(told["authorities"] / 9)


def test_a_forecast_stands_beside_what_came(database, ten, strand):
    number = draft(database)
    dated(database, number, reminders="", starts_at=NOW + timedelta(minutes=1))
    rehearse(database, number)
    move(database, number, lifecycle.submit)
    move(database, number, lifecycle.approve, actor=APPROVER)
    launch(database, number)
    become(database, SENT)
    three = sorted(ten)[3]
    record(database, strand, ten[three][0])
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        assert comparing.of(session, campaign, now=NOW + timedelta(days=9)).joined is None
        compared = comparing.of(session, campaign, now=OVER)
        (row,) = comparing.listed(session, now=OVER).objects()
    assert compared.joined == 1
    assert compared.is_held is compared.forecast.holds(1)
    assert (row["joined"], row["held"]) == (1, compared.state)


@pytest.mark.parametrize(
    ("held", "known", "told"),
    [
        (0, 0, "Aucune campagne répétée"),
        (3, 4, "Prévisions tenues : 3 sur 4. On ne juge pas les prévisions avant 20 campagnes."),
        (17, 20, "Prévisions tenues : 17 sur 20. Une prévision à 80 %"),
    ],
)
def test_no_score_is_judged_before_20_campaigns(held, known, told):
    came = [Compared(None, NOW.date(), Span(1, 2, 3), 2 if one < held else 9, 0.5, None) for one in range(known)]
    assert told in comparing.score([*came, Compared(None, NOW.date(), Span(1, 2, 3))]).replace("\xa0", " ")


def test_985_authorities_and_four_waves_take_less_than_20_seconds_of_processor(database):
    factories.gather(database, 985, now=NOW)
    with database.writing() as session:
        number = factories.campaign(session, factories.invitation(reminders=(14, 24, 34)), NOW).id
    dated(database, number, reminders="14 24 34")
    began = time.process_time()
    told = rehearse(database, number)
    assert time.process_time() - began < 20
    assert (told["authorities"], len(told["waves"])) == (985, 4)


def test_departures_that_are_drawn_each_write_to_a_third_and_what_a_draw_could_see_is_told(database):
    factories.gather(database, 240, now=NOW)
    with database.writing() as session:
        number = factories.campaign(session, factories.invitation(), NOW).id
    dated(database, number, reminders="7", departure_gap=14)
    told = rehearse(database, number)
    firsts = [wave["written"]["middle"] for wave in told["waves"] if "relance" not in wave["name"]]
    assert (sum(firsts), len(told["waves"]), min(firsts) >= 75) == (240, 6, True)
    assert "8 chances sur 10 de voir un effet" in told["could"].replace("\xa0", " ")


def test_no_day_is_named_on_which_nine_plays_in_ten_have_nothing():
    days = [{"day": "2021-05-18", "low": 0, "middle": 0, "high": high} for high in (0, 2)]
    told = {"letters": days, "answers": days[:1], "waves": [], "deadline": "2021-06-18", "earlier": 0}
    shown = playing.shown(CampaignRehearsal(outcome=json.dumps(told)))
    assert ([one["high"] for one in shown["letters"]], shown["answers"]) == ([2], [])
