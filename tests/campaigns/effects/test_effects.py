"""The effect of a draw: locked until a covering list, computed as known then, and frozen."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns import lifecycle
from outreach.campaigns.draws.models import DrawnEffect
from outreach.campaigns.effects import freezing, locking, public_page
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.models import CampaignState
from outreach.campaigns.results import actions, as_json, course, figures
from outreach.campaigns.results import overall as results_overall
from outreach.campaigns.waves import added_reminders
from outreach.days import today
from outreach.directory.models import Authority, Ownership
from outreach.effect import tables
from outreach.effect.interval import interval
from outreach.errors import NotFound, Refused
from outreach.responses.kinds import Answer
from tests import factories
from tests.campaigns.conftest import draft
from tests.campaigns.effects.drawn import GAP, LEFT, departures, draw, leave, tell
from tests.campaigns.results.test_figures import answer
from tests.conftest import NOW

DAY = today(LEFT)
LAST = DAY + timedelta(days=27 + 14)  # the last compared day and 14 more
AFTER = LEFT + timedelta(days=60)


def lock(database, number):
    with database.reading() as session:
        return locking.lock_of(session, lifecycle.campaign_numbered(session, number))


def told(database, number):
    with database.reading() as session:
        return freezing.told_of(session, lifecycle.campaign_numbered(session, number))


def freeze(database, number):
    with database.writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        opened = locking.lock_of(session, campaign)
        outcome = freezing.compute(session, campaign, opened)
        freezing.freeze(session, campaign, opened, outcome, now=AFTER, actor="nadia")
    return outcome


@pytest.fixture
def lottery(database, people, strand):
    return draw(database)


@pytest.fixture
def left(database, lottery):
    """All three departures left: of each 30, 15 join within 14 days of departure 1, and one of those that wait."""
    for departure in (1, 2, 3):
        leave(database, lottery, departure)
    return lottery


@pytest.fixture
def joined(database, left):
    one, two, three = departures(database, left)
    days = dict.fromkeys(one[:15], DAY + timedelta(days=3)) | {two[0]: DAY + timedelta(days=1)}
    return days | dict.fromkeys(two[1:13], DAY + timedelta(days=20)) | {three[0]: DAY + timedelta(days=13)}


def test_a_campaign_that_is_not_drawn_has_no_effect(database, people, strand):
    number = draft(database)
    with pytest.raises(NotFound, match="pas tirés au sort"):
        lock(database, number)


@pytest.mark.postgresql
def test_the_lock_opens_with_the_first_list_that_covers_all_networks_drawn_and_14_days_more(database, lottery):
    leave(database, lottery, 1)
    assert (lock(database, lottery).state, lock(database, lottery).left) == (EffectState.LOCKED, (DAY,))
    leave(database, lottery, 2)
    waits = lock(database, lottery)
    assert (waits.state, waits.until) == (EffectState.LOCKED, LAST)
    assert "complète jusqu’au 25 juin 2021 pour Libre confessionnel" in waits.told.replace("\xa0", " ")
    for networks, until in ((["WBE"], LAST), (["Libre confessionnel"], LAST - timedelta(days=1))):
        tell(database, {departures(database, lottery)[2][0]: DAY}, until, networks, at=AFTER)
        assert lock(database, lottery).state is EffectState.LOCKED
    with database.reading() as session, pytest.raises(Refused, match="attend la première liste"):
        campaign = lifecycle.campaign_numbered(session, lottery)
        freezing.compute(session, campaign, lock(database, lottery))
    opens = tell(database, {departures(database, lottery)[2][1]: DAY}, LAST, at=AFTER)
    assert (lock(database, lottery).state, lock(database, lottery).opened_by.id) == (EffectState.READY, opens)
    assert told(database, lottery) == {
        "state": "ready", "estimate": None, "low": None, "high": None, "told": "Les jours comparés sont couverts."
    }  # fmt: skip


@pytest.mark.postgresql
def test_the_figure_is_that_of_the_pure_room_and_stays_what_it_was(database, left, joined):
    tell(database, joined, LAST, at=AFTER)
    outcome = freeze(database, left)
    one, two, three = (set(fases) for fases in departures(database, left))
    assert sum(outcome["drawn"] for outcome in [outcome]) == 90
    assert [sum(each["first"][place] for each in outcome["strata"]) for place in range(3)] == [15, 1, 1]
    assert [sum(each["second"][place] for each in outcome["strata"]) for place in range(3)] == [0, 12, 0]
    assert outcome["low"] > 0
    assert outcome["is_concluded"]
    assert "PO de plus sur 100 ont adhéré dans les 14 jours" in outcome["told"].replace("\xa0", " ")
    assert [curve[-1][1] for curve in outcome["curves"]] == [15, 13, 1]
    later = dict.fromkeys(sorted(three)[1:20], DAY + timedelta(days=2))
    tell(database, later, LAST, at=AFTER + timedelta(days=1))
    again = told(database, left)
    assert (again["state"], again["estimate"], again["told"]) == ("ready", outcome["estimate"], outcome["told"])
    assert not one & two


def test_a_list_applied_after_the_opening_one_changes_nothing_before_it_is_frozen_either(database, left, joined):
    tell(database, joined, LAST, at=AFTER)
    three = departures(database, left)[2]
    tell(database, dict.fromkeys(three[1:20], DAY + timedelta(days=2)), LAST, at=AFTER + timedelta(days=1))
    assert [sum(each["first"][place] for each in freeze(database, left)["strata"]) for place in range(3)] == [15, 1, 1]


def test_a_frozen_effect_is_never_changed_nor_deleted(database, left, joined):
    tell(database, joined, LAST, at=AFTER)
    freeze(database, left)
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(delete(DrawnEffect))


def test_without_effect_nothing_is_concluded(database, left):
    every = [fase for each in departures(database, left) for fase in each[:6]]
    tell(database, dict.fromkeys(every, DAY + timedelta(days=5)), LAST, at=AFTER)
    outcome = freeze(database, left)
    assert not outcome["is_concluded"]
    assert outcome["low"] <= 0 <= outcome["high"]
    assert outcome["told"].replace("\xa0", " ").startswith("On ne peut pas conclure")


def test_joinings_that_staff_confirmed_count_only_once_a_list_tells_them(database, strand, left):
    """Without lists an answer that staff confirmed would show an effect: those who wait have no button to press."""
    one = departures(database, left)[0]
    with database.writing() as session:
        for fase in one[:10]:
            at = LEFT + timedelta(days=2)
            school = session.scalars(
                select(Ownership.school_id).join(Authority, Authority.id == Ownership.authority_id)
                .where(Authority.fase == fase).order_by(Ownership.school_id).limit(1)
            ).one()  # fmt: skip
            session.add(AdherenceRecord(**factories.adherence_record(school, strand, at, word=Word.CONFIRMED)))
    tell(database, {one[20]: DAY + timedelta(days=3)}, None, at=AFTER - timedelta(days=1))
    tell(database, dict.fromkeys(one[:3], DAY + timedelta(days=2)), LAST, at=AFTER)  # three that were known already
    outcome = freeze(database, left)
    assert [sum(each["first"][place] for each in outcome["strata"]) for place in range(3)] == [4, 0, 0]


def test_a_campaign_that_stopped_before_departure_2_is_blocked(database, lottery):
    leave(database, lottery, 1)
    with database.writing() as session:
        lifecycle.campaign_numbered(session, lottery).state = CampaignState.CLOSED
    assert lock(database, lottery).state is EffectState.BLOCKED
    assert "arrêtée avant le deuxième départ" in told(database, lottery)["told"]


def test_a_departure_that_moved_moves_the_days_that_are_compared(database, lottery):
    leave(database, lottery, 1)
    leave(database, lottery, 2, LEFT + GAP + timedelta(days=5))
    assert lock(database, lottery).until == LAST + timedelta(days=5)
    assert (lock(database, lottery).windows.length, lock(database, lottery).windows.second) == (14, 19)


def beside(database, number):
    with database.reading() as session:
        return locking.beside_counts(session, lifecycle.campaign_numbered(session, number)).replace("\xa0", " ")


def test_beside_counts_a_page_says_when_the_effect_is_told(database, lottery):
    assert beside(database, draft(database, title="Sans tirage")) == ""
    leave(database, lottery, 1)
    assert beside(database, lottery) == (
        "Ces nombres ne disent pas l’effet : il sera donné une fois le deuxième départ comparé."
    )
    leave(database, lottery, 2)
    leave(database, lottery, 3)
    assert beside(database, lottery) == (
        "Ces nombres ne disent pas l’effet : il sera donné dès qu’une liste ira jusqu’au 25 juin 2021."
    )
    tell(database, {departures(database, lottery)[0][0]: DAY}, LAST, at=AFTER)
    assert beside(database, lottery) == ""
    freeze(database, lottery)
    assert beside(database, lottery) == ""


def test_beside_counts_a_page_says_that_a_draw_that_stopped_has_no_effect(database, lottery):
    leave(database, lottery, 1)
    with database.writing() as session:
        lifecycle.campaign_numbered(session, lottery).state = CampaignState.CLOSED
    assert "ne disent pas l’effet. La campagne s’est arrêtée avant le deuxième départ" in beside(database, lottery)


def test_a_campaign_with_departures_counts_like_any_other_before_its_day(database, strand, left, joined):
    """Yields of waves, actions of the programme, figures, and the list of campaigns."""
    with database.reading() as session:
        key = session.scalars(select(Authority.id).where(Authority.fase == departures(database, left)[0][0])).one()
    answer(database, strand, key, Answer.HELP)
    tell(database, joined, None, at=AFTER)
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, left)
        came = figures.of(session, campaign, now=AFTER)
        done = actions.actions(session, programmes.named(session), now=AFTER).done
        way = course.of(session, campaign, came, [], now=AFTER)
        listed = results_overall.overall(session, [left], now=AFTER)[left]
        status = as_json.of(session, campaign, now=AFTER)
    total = came.counts.authorities
    assert lock(database, left).state is EffectState.LOCKED
    assert [(one.sent, one.answered) for one in way.yields] == [(30, 1), (30, 0), (30, 0)]
    assert [one.answered for one in done] == [{}, {}, {"Libre confessionnel": 1}]
    assert (listed.recipients, listed.answered, listed.joined_since) == (90, 1, total["joined_since"])
    assert (total["recipients"], total["answered"]) == (90, 1)
    assert [wave["accepted"] for wave in status["waves"]] == [30, 30, 30]
    assert status["counts"]["joined_since"] == total["joined_since"] > 0


def test_no_reminder_is_added_to_the_plan_of_a_draw_before_its_effect_is_told(database, left, joined):
    def add():
        with database.writing() as session:
            campaign = lifecycle.campaign_numbered(session, left)
            asked = {"asked_at": AFTER + timedelta(days=7), "now": AFTER, "actor": "nadia"}
            added_reminders.add(session, campaign, subject="Encore", letter="Bonjour.", **asked)

    with pytest.raises(Refused, match="celles de son plan, figé avant la validation"):
        add()
    tell(database, joined, LAST, at=AFTER)
    add()


def test_the_public_page_has_counts_alone_from_the_approval_on(database, people, strand, left, joined):
    with database.reading() as session:
        found = public_page.of(session, left)
        with pytest.raises(NotFound):
            public_page.of(session, 99)
    assert (found.drawn, found.outside, found.state) == (90, 0, EffectState.LOCKED)
    assert "Tirage n° 1, aucun annulé." in found.attempts.replace("\xa0", " ")
    assert [sum(counts) for _, counts in found.strata] == [45, 45]
    assert [one.campaign.id for one in found.draws] == [left]
    tell(database, joined, LAST, at=AFTER)
    outcome = freeze(database, left)
    with database.reading() as session:
        assert public_page.of(session, left).told == outcome["told"]


def test_the_interval_is_newcombes_on_the_tables_of_the_draw(database, left, joined):
    tell(database, joined, LAST, at=AFTER)
    outcome = freeze(database, left)
    compared = [
        table
        for each in outcome["strata"]
        for table in tables.compared(*(tuple(each[n]) for n in ("drawn", "before", "first", "between", "second")))
    ]
    assert interval(compared) == (outcome["estimate"], outcome["low"], outcome["high"])


def test_days_before_the_first_departure_are_left_out(database, left):
    one, two, _ = departures(database, left)
    tell(database, {one[0]: DAY - timedelta(days=1), two[0]: NOW.date() - timedelta(days=90)}, LAST, at=AFTER)
    outcome = freeze(database, left)
    assert sum(sum(each["before"]) for each in outcome["strata"]) == 2
    assert (outcome["estimate"], outcome["is_concluded"]) == (0, False)
