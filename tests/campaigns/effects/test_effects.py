"""The effect of a draw: locked until a covering list, computed as known then, and frozen."""

import json
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns import experiments, planning, results, waves
from outreach.campaigns.experiments import EffectState, TwoByTwo
from outreach.campaigns.experiments import _assignment as assignment
from outreach.campaigns.experiments import _blinding as blinding
from outreach.campaigns.experiments import _design as design
from outreach.campaigns.experiments import _estimate as estimate
from outreach.campaigns.experiments import _observed as observed
from outreach.campaigns.experiments._design import canonical
from outreach.campaigns.experiments._estimate import interval
from outreach.campaigns.experiments._models import DrawnEffect
from outreach.campaigns.models import CampaignState
from outreach.core.settings import ROOT
from outreach.core.text.dates import today
from outreach.core.text.errors import NotFound, Refused
from outreach.directory.models import Authority, Ownership
from outreach.engagement.replies import Answer
from tests import factories
from tests.campaigns.conftest import draft
from tests.campaigns.effects.drawn import GAP, LEFT, departures, draw, leave, tell
from tests.campaigns.results.test_figures import answer
from tests.conftest import NOW, state_from
from tests.tampering import unguard

NUMBER = 1  # of the campaign
DAY = today(LEFT)
LAST = DAY + timedelta(days=27 + 14)  # the last compared day and 14 more
AFTER = LEFT + timedelta(days=60)
SECOND = factories.PROGRAMME.replace('"mon"', '"lecture"').replace("Mes outils numériques", "Lecture")
METHOD_OF_0_3_0 = "Newcombe 1998, méthode 10 ; 9 999 retirages ; conclut si les deux concordent"


def lock(database, number):
    with database.reading() as session:
        return experiments.lock_of(session, planning.campaign_numbered(session, number))


def told(database, number):
    with database.reading() as session:
        return experiments.told_of(session, planning.campaign_numbered(session, number))


def freeze(database, number):
    with database.writing() as session:
        campaign = planning.campaign_numbered(session, number)
        opened = experiments.lock_of(session, campaign)
        outcome = experiments.compute_effect(session, campaign, opened)
        experiments.freeze_effect(session, campaign, opened, outcome, now=AFTER, actor="nadia")
    return outcome


@state_from("programmed")
def lottery_drawn(database, _settings):
    assert draw(database) == NUMBER


@state_from("lottery_drawn")
def lottery_left(database, _settings):
    """All three departures left."""
    for departure in (1, 2, 3):
        leave(database, NUMBER, departure)


@pytest.fixture
def lottery(lottery_drawn):
    return NUMBER


@pytest.fixture
def left(lottery_left):
    return NUMBER


@pytest.fixture
def joined(database, left):
    """Of each 30, 15 join within 14 days of departure 1, and one of those that wait."""
    one, two, three = departures(database, left)
    days = dict.fromkeys(one[:15], DAY + timedelta(days=3)) | {two[0]: DAY + timedelta(days=1)}
    return days | dict.fromkeys(two[1:13], DAY + timedelta(days=20)) | {three[0]: DAY + timedelta(days=13)}


def test_a_campaign_that_is_not_drawn_has_no_effect(database, people, strand):
    number = draft(database)
    with pytest.raises(NotFound, match="pas tirés au sort"):
        lock(database, number)


@pytest.mark.long
@pytest.mark.postgresql
def test_the_lock_opens_with_the_first_list_that_covers_all_networks_drawn_and_14_days_more(database, lottery):
    leave(database, lottery, 1)
    assert (lock(database, lottery).state, lock(database, lottery).left) == (EffectState.LOCKED, (DAY,))
    leave(database, lottery, 2)
    waits = lock(database, lottery)
    assert (waits.state, waits.until) == (EffectState.LOCKED, LAST)
    assert "complète jusqu’au 25 juin 2021 pour Libre confessionnel" in waits.in_words.replace("\xa0", " ")
    for networks, until in ((["WBE"], LAST), (["Libre confessionnel"], LAST - timedelta(days=1))):
        tell(database, {departures(database, lottery)[2][0]: DAY}, until, networks, at=AFTER)
        assert lock(database, lottery).state is EffectState.LOCKED
    with database.reading() as session, pytest.raises(Refused, match="attend la première liste"):
        campaign = planning.campaign_numbered(session, lottery)
        experiments.compute_effect(session, campaign, lock(database, lottery))
    opens = tell(database, {departures(database, lottery)[2][1]: DAY}, LAST, at=AFTER)
    assert (lock(database, lottery).state, lock(database, lottery).opened_by.id) == (EffectState.READY, opens)
    assert told(database, lottery) == {
        "state": "ready", "estimate": None, "low": None, "high": None, "told": "Les jours comparés sont couverts."
    }  # fmt: skip


@pytest.mark.long
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
    said = outcome["told"].replace("\xa0", " ")
    assert said.startswith("Oui. Dans les 14 jours, 15 des 30 PO qui avaient reçu le courriel ont adhéré")
    assert outcome["waited"] == {"of": 60, "days": 14, "waiting": 2, "before": 0}
    assert [curve[-1][1] for curve in outcome["curves"]] == [15, 13, 1]
    later = dict.fromkeys(sorted(three)[1:20], DAY + timedelta(days=2))
    tell(database, later, LAST, at=AFTER + timedelta(days=1))
    again = told(database, left)
    assert (again["state"], again["estimate"], again["told"]) == ("ready", outcome["estimate"], outcome["told"])
    assert not one & two


@pytest.mark.long
def test_joinings_and_coverage_of_the_programme_loaded_first_are_none_of_another_ones_effect(
    database, left, joined, monkeypatch
):
    with database.writing() as session:
        second = programmes.load_programme(session, SECOND, now=NOW, actor="nadia")
        planning.campaign_numbered(session, left).strand_id = second.strands[0].id
        session.flush()
        key = second.id
    others = dict.fromkeys(departures(database, left)[1], DAY + timedelta(days=2))
    tell(database, others, LAST, at=AFTER)
    assert lock(database, left).state is EffectState.LOCKED
    tell(database, joined, LAST, at=AFTER, programme=key)

    def counted():
        with database.reading() as session:
            campaign = planning.campaign_numbered(session, left)
            outcome = experiments.compute_effect(session, campaign, experiments.lock_of(session, campaign))
        return [sum(each["first"][place] for each in outcome["strata"]) for place in range(3)]

    assert counted() == [15, 1, 1]
    joinings = observed.joinings

    def of_the_first(session, campaign, *asked):
        first = programmes.all_programmes(session)[0].strand(campaign.strand.number)
        return joinings(session, SimpleNamespace(strand_id=first.id), *asked)

    monkeypatch.setattr(observed, "joinings", of_the_first)
    assert counted() != [15, 1, 1], "the fault would show"


@pytest.mark.long
def test_a_list_applied_after_the_opening_one_changes_nothing_before_it_is_frozen_either(database, left, joined):
    tell(database, joined, LAST, at=AFTER)
    three = departures(database, left)[2]
    tell(database, dict.fromkeys(three[1:20], DAY + timedelta(days=2)), LAST, at=AFTER + timedelta(days=1))
    assert [sum(each["first"][place] for each in freeze(database, left)["strata"]) for place in range(3)] == [15, 1, 1]


@pytest.mark.long
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


@pytest.mark.long
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
        planning.campaign_numbered(session, lottery).state = CampaignState.CLOSED
    assert lock(database, lottery).state is EffectState.BLOCKED
    assert "arrêtée avant le deuxième départ" in told(database, lottery)["told"]


def test_a_departure_that_moved_moves_the_days_that_are_compared(database, lottery):
    leave(database, lottery, 1)
    leave(database, lottery, 2, LEFT + GAP + timedelta(days=5))
    assert lock(database, lottery).until == LAST + timedelta(days=5)
    assert (lock(database, lottery).windows.length, lock(database, lottery).windows.second) == (14, 19)


def beside(database, number):
    with database.reading() as session:
        return experiments.beside_counts(session, planning.campaign_numbered(session, number)).replace("\xa0", " ")


@pytest.mark.long
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
        planning.campaign_numbered(session, lottery).state = CampaignState.CLOSED
    assert "ne disent pas l’effet. La campagne s’est arrêtée avant le deuxième départ" in beside(database, lottery)


@pytest.mark.long
def test_a_campaign_with_departures_counts_like_any_other_before_its_day(database, strand, left, joined):
    """Yields of waves, actions of the programme, figures, and the list of campaigns."""
    with database.reading() as session:
        key = session.scalars(select(Authority.id).where(Authority.fase == departures(database, left)[0][0])).one()
    answer(database, strand, key, Answer.HELP)
    tell(database, joined, None, at=AFTER)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, left)
        came = results.campaign_results(session, campaign, now=AFTER)
        done = results.list_actions(session, programmes.get_programme(session), now=AFTER).done
        way = results.campaign_course(session, campaign, came, [], now=AFTER)
        listed = results.overall_figures(session, [left], now=AFTER)[left]
        status = results.campaign_as_json(session, campaign, now=AFTER)
    total = came.counts.authorities
    assert lock(database, left).state is EffectState.LOCKED
    assert [(one.sent, one.answered) for one in way.yields] == [(30, 1), (30, 0), (30, 0)]
    assert [one.answered for one in done] == [{}, {}, {"Libre confessionnel": 1}]
    assert (listed.recipients, listed.answered, listed.joined_since) == (90, 1, total["joined_since"])
    assert (total["recipients"], total["answered"]) == (90, 1)
    assert [wave["accepted"] for wave in status["waves"]] == [30, 30, 30]
    assert status["counts"]["joined_since"] == total["joined_since"] > 0


@pytest.mark.long
def test_no_reminder_is_added_to_the_plan_of_a_draw_before_its_effect_is_told(database, left, joined):
    def add():
        with database.writing() as session:
            campaign = planning.campaign_numbered(session, left)
            fields = {"asked_at": AFTER + timedelta(days=7), "now": AFTER, "actor": "nadia"}
            waves.add_reminder(session, campaign, subject="Encore", letter="Bonjour.", **fields)

    with pytest.raises(Refused, match="celles de son plan, figé avant la validation"):
        add()
    tell(database, joined, LAST, at=AFTER)
    add()


@pytest.mark.long
def test_the_public_page_has_all_that_repeats_a_draw_from_the_approval_on(database, people, strand, left, joined):
    with database.reading() as session:
        found = results.public_draw(session, left)
        with pytest.raises(NotFound):
            results.public_draw(session, 99)
    assert (found.drawn, found.outside, found.given["state"], found.given["tables"]) == (90, 0, "locked", [])
    assert "Tirage n° 1, aucun annulé." in found.attempts.replace("\xa0", " ")
    assert [sum(counts) for _, counts in found.strata] == [45, 45]
    assert [one.campaign.id for one in found.draws] == [left]
    tell(database, joined, LAST, at=AFTER)
    outcome = freeze(database, left)
    with database.reading() as session:
        given = results.public_draw(session, left).given
    assert (given["state"], given["told"]) == ("ready", outcome["told"])
    both = [f"Libre confessionnel, {schools}, autres" for schools in ("plusieurs écoles", "une école")]
    assert given["tables"] == [
        {"strata": both, "comparison": 1, "n1": 30, "y1": 15, "n0": 60, "y0": 2},
        {"strata": both, "comparison": 2, "n1": 29, "y1": 12, "n0": 29, "y0": 0},
    ], "with 15 and 30 on each side, a stratum would tell which authorities did not join"


@pytest.mark.long
def test_a_stranger_repeats_order_and_figure_from_the_public_file_alone(database, left, joined, tmp_path):
    tell(database, joined, LAST, at=AFTER)
    outcome = freeze(database, left)
    with database.reading() as session:
        given = results.public_draw(session, left).given
        order = assignment.order_of(session, assignment.draw_of(session, left))
    file = tmp_path / "draw.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    alone = [sys.executable, "-I", "-S", str(ROOT / "docs" / "redraw.py"), str(file)]
    again = json.loads(subprocess.run(alone, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    assert (again["seed"], again["content_digest"]) == (given["seed"], given["content_digest"])
    assert [(one["name"], tuple(one["order"])) for one in again["strata"]] == [(one.name, one.order) for one in order]
    groups = [TwoByTwo(*(one[name] for name in ("n1", "y1", "n0", "y0"))) for one in given["tables"]]
    for name, expected in interval(groups)._asdict().items():
        assert again[name] == pytest.approx(expected, abs=1e-12), name
        assert again[name] == pytest.approx(given[name], abs=0.005), name
        assert given[name] == round(outcome[name], 4)


def said(outcome, **changed):
    changed = {**outcome, **changed}
    return " ".join([*experiments.effect_limits(changed), experiments.clue(changed)]).replace("\xa0", " ")


@pytest.mark.long
def test_beside_the_figure_it_says_what_it_does_not_say(database, left, joined):
    one, two, three = departures(database, left)
    before = dict.fromkeys([*two[13:16], *three[20:22]], today(NOW) - timedelta(days=3))  # the plan was not public yet
    tell(database, {**joined, **before}, LAST, at=AFTER)
    outcome = freeze(database, left)
    words = said(outcome)
    assert "réduit si ceux qui attendent entendent parler du courriel, grossi s’ils attendent le leur" in words
    words = words.replace("\u202f", " ")
    assert "60 PO des départs 2 et 3 : dans les 14 jours avant le départ 2, adhésions de 2 ; dans les 14" in words
    assert "avant que le plan soit public, de 5." in words
    assert "donne le plus souvent un chiffre trop grand" in words
    assert "en dehors du tirage" not in words
    assert "trop grand" not in said(outcome, drawn=400)
    assert "trop grand" not in said(outcome, is_concluded=False)
    assert "la preuve que le courriel ne sert à rien" in said(outcome, is_concluded=False)
    outside = said(outcome, outside=7, schools=[649, 212])
    assert "7 PO, qui gèrent 212 des 649 écoles, sont en dehors du tirage" in outside
    of_0_3_0 = {name: told for name, told in outcome.items() if name != "waited"}
    assert experiments.effect_limits(of_0_3_0) == []
    assert one[0] not in before


@pytest.mark.long
@pytest.mark.parametrize(("p", "word"), [(0.04, "Oui."), (0.06, "On ne peut pas conclure.")])
def test_a_draw_whose_plan_states_redraws_is_told_by_them(database, left, joined, monkeypatch, p, word):
    """As one of 0.3.0 that was under way, or submitted, at the upgrade."""
    monkeypatch.setattr(estimate, "p_value", lambda *_: p)
    tell(database, joined, LAST, at=AFTER)
    with database.writing() as session:
        unguard(session, "draw_attempts")
        attempt = assignment.draw_of(session, left)
        attempt.plan = canonical({**assignment.plan_of(attempt), "method": METHOD_OF_0_3_0}).decode()
        monkeypatch.setattr(blinding, "find_mismatches", lambda *_: [])
    assert freeze(database, left)["told"].startswith(word)


@pytest.mark.long
def test_the_interval_is_newcombes_on_the_tables_of_the_draw(database, left, joined):
    tell(database, joined, LAST, at=AFTER)
    outcome = freeze(database, left)
    compared = [
        table
        for each in outcome["strata"]
        for table in design.compared(*(tuple(each[n]) for n in ("drawn", "before", "first", "between", "second")))
    ]
    assert interval(compared) == (outcome["estimate"], outcome["low"], outcome["high"])


@pytest.mark.long
def test_days_before_the_first_departure_are_left_out(database, left):
    one, two, _ = departures(database, left)
    tell(database, {one[0]: DAY - timedelta(days=1), two[0]: NOW.date() - timedelta(days=90)}, LAST, at=AFTER)
    outcome = freeze(database, left)
    assert sum(sum(each["before"]) for each in outcome["strata"]) == 2
    assert (outcome["estimate"], outcome["is_concluded"]) == (0, False)
