"""The effect of a draw: locked until a covering list, computed as known then, frozen, and told by nobody before."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Programme, Word
from outreach.campaigns import lifecycle
from outreach.campaigns.draws.models import DrawnEffect
from outreach.campaigns.effects import freezing, locking, naming, public_page
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.models import CampaignState
from outreach.campaigns.results import actions, course, figures
from outreach.campaigns.results import overall as results_overall
from outreach.campaigns.waves import added_reminders
from outreach.days import today
from outreach.directory.models import Authority, Ownership
from outreach.effect import tables
from outreach.effect.interval import interval
from outreach.errors import NotFound, Refused
from outreach.responses.kinds import Answer
from outreach.segments.audience import Concerns
from outreach.segments.criteria import Not
from outreach.segments.kinds.mailings import ReactedTo, ReactionKind, ReceivedMailing
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


def freeze(database, number, redraws=199):
    with database.writing() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        opened = locking.lock_of(session, campaign)
        outcome = freezing.compute(session, campaign, opened, redraws)
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


def test_an_effect_keeps_the_pool_that_it_closes(database, left, joined):
    """Both campaigns are of one strand, and their plans name the same day."""
    other = draw(database, 60)
    for departure in (1, 2, 3):
        leave(database, other, departure)
    tell(database, joined, LAST, at=AFTER)
    assert freeze(database, left)["pool"] is None
    pool = freeze(database, other)["pool"]
    assert (pool["campaigns"], pool["low"] < pool["estimate"] < pool["high"]) == ([left, other], True)
    assert "2 tirages ensemble" in pool["told"].replace("\xa0", " ")


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


@pytest.mark.parametrize(("state", "is_veiled"), [("approved", True), ("cancelled", True), ("closed", False)])
def test_letters_are_counted_once_a_draw_was_closed_before_departure_2(database, lottery, state, is_veiled):
    """Nothing will be compared. One that was cancelled may be taken up again, and compares then."""
    leave(database, lottery, 1)
    with database.writing() as session:
        lifecycle.campaign_numbered(session, lottery).state = CampaignState(state)
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, lottery)
        assert bool(locking.veil(session, campaign)) is is_veiled
        programme = session.get_one(Programme, campaign.strand.programme_id)
        assert (locking.schools_listed(session, programme, AFTER) is None) is is_veiled


def test_a_departure_that_moved_moves_the_days_that_are_compared(database, lottery):
    leave(database, lottery, 1)
    leave(database, lottery, 2, LEFT + GAP + timedelta(days=5))
    assert lock(database, lottery).until == LAST + timedelta(days=5)
    assert (lock(database, lottery).windows.length, lock(database, lottery).windows.second) == (14, 19)


def test_nothing_tells_answers_or_joinings_by_departure_before_its_day(database, strand, left, joined):
    """Yields of waves, actions of the programme and lists by wave, locked and then open."""
    with database.reading() as session:
        key = session.scalars(select(Authority.id).where(Authority.fase == departures(database, left)[0][0])).one()
    answer(database, strand, key, Answer.HELP)

    def split():
        with database.reading() as session:
            campaign = lifecycle.campaign_numbered(session, left)
            came = figures.of(session, campaign, now=AFTER)
            done = actions.actions(session, programmes.the_programme(session), now=AFTER).done
            return course.of(session, campaign, came, [], now=AFTER).yields, [one.answered for one in done]

    assert split() == ([], [None, None, None])
    with database.reading() as session, pytest.raises(Refused, match="avant le jour de son chiffre"):
        locking.refuse_split(session, lifecycle.campaign_numbered(session, left))
    tell(database, joined, LAST, at=AFTER)
    yields, answered = split()
    assert [one.answered for one in yields] == [1, 0, 0]
    assert answered[-1] == {"Libre confessionnel": 1}


def test_letters_of_a_draw_are_counted_by_themselves_from_its_day_on(database, left, joined):
    """All but the first letter of departure 1; and a criterion that names any is counted of a correction alone."""

    def told():
        with database.reading() as session:
            campaign = lifecycle.campaign_numbered(session, left)
            waves = {wave.id: wave for wave in campaign.waves}
            hidden = sorted(waves[key].departure for key in locking.hidden(session, campaign.waves))
            named = ReceivedMailing(mailings=[campaign.waves[0].mailing_id])
            of_strand = Not(ReactedTo(strand=1, reaction=ReactionKind.JOINED))
            veils = [bool(naming.veil(session, one)) for one in (named, of_strand, ReceivedMailing(strand=2))]
            veils.append(bool(naming.veil(session, named, Concerns.LISTED)))
            sent = results_overall.overall(session, [left], now=AFTER)[left].sent
            return hidden, veils, sent, bool(locking.hidden_mailings(session)), locking.veil(session, campaign)

    hidden, veils, sent, are_hidden, veil = told()
    assert (hidden, veils, sent, are_hidden) == ([2, 3], [True, True, False, False], None, True)
    assert "complète jusqu’au 25 juin 2021" in veil.replace("\xa0", " ")
    with database.reading() as session, pytest.raises(Refused, match="changez-le, ou attendez"):
        campaign = lifecycle.campaign_numbered(session, left)
        naming.refuse(session, ReceivedMailing(mailings=[campaign.waves[2].mailing_id]))
    tell(database, joined, LAST, at=AFTER)
    assert told() == ([], [False, False, False, False], 90, False, "")


def test_no_reminder_is_added_to_a_draw_before_its_day(database, left, joined):
    def add():
        with database.writing() as session:
            campaign = lifecycle.campaign_numbered(session, left)
            asked = {"asked_at": AFTER + timedelta(days=7), "now": AFTER, "actor": "nadia"}
            added_reminders.add(session, campaign, subject="Encore", letter="Bonjour.", **asked)

    with pytest.raises(Refused, match="ne s’ajoute pas à un tirage"):
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
