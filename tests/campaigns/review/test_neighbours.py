"""Waves near a campaign's own: who gets two letters within a week is counted before approval, in one statement."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, review, waves
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import AudienceRule, campaign_numbered
from outreach.campaigns.segments import Concerns
from outreach.campaigns.segments._context import KEY
from outreach.core.settings import FrequencyCap
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.delivery.models import Message, MessageState, Reason
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING, advance, approved, draft, move, settle
from tests.conftest import NOW
from tests.statements import asked
from tests.web.campaigns.test_progress import settle as settle_letters


def at(day, month=5):
    """9.30 in Brussels, in the summer of 2021."""
    return datetime(2021, month, day, 7, 30, tzinfo=UTC)


def wished(database, start, **changes):
    """A draft that is to leave at an instant; returns its number."""
    number, stated = draft(database), {"starts_at": start, **changes}
    move(database, number, lambda session, campaign, **by: planning.revise_campaign(session, campaign, stated, **by))
    return number


def planned(database, start, **changes):
    """Approve and plan a campaign; returns its first wave's key."""
    return move(database, approved(database, **changes), planning.schedule_campaign, start)


def planned_to(database, start, network):
    """Approve and plan a campaign to a network; returns its number."""
    number = approved(database, segment=AudienceRule(criteria={"network": [network]}))
    move(database, number, planning.schedule_campaign, start)
    return number


def remarks(database, number, now=NOW, words=("de ces PO", "en une semaine")):
    """What the checks remark in these words."""
    with database.reading() as session:
        found = review.check_campaign(session, campaign_numbered(session, number), SENDING, now=now).remarks
    return [one for one in found if any(word in one for word in words)]


@pytest.mark.long
def test_planned_waves_of_others_within_a_week_are_counted_day_by_day(database, people, strand):
    settle(database, 3)
    settle(database, 2, network="WBE")
    planned(database, at(20), title="Rappel", reminders=(5, 30))
    planned(database, at(25), title="Merci")
    number = wished(database, at(25), criteria='{"network":["Libre confessionnel"]}')
    assert remarks(database, number) == [
        "3 de ces PO reçoivent déjà un courriel le 20 mai (« Rappel »).",
        "3 de ces PO reçoivent déjà un courriel le 25 mai (« Rappel », « Merci »).",
    ]
    assert remarks(database, wished(database, at(8, 6))) == []
    database.info[KEY] = FrequencyCap(1, 7)
    assert len(remarks(database, number)) == 2, "each campaign asks once more who was written to often"


@pytest.mark.long
@pytest.mark.parametrize(("few", "is_warned"), [(1, False), (2, True)])
def test_more_than_a_tenth_within_a_week_has_to_be_ticked_off_by_its_number(database, people, strand, few, is_warned):
    settle(database, 10 - few)
    settle(database, few, network="WBE")
    first, second = planned_to(database, at(20), "WBE"), planned_to(database, at(24), "WBE")
    number = wished(database, at(25))
    move(database, number, lambda *of, **by: review.ask_approval(*of, SENDING, confirmed=10, **by))
    with database.reading() as session:
        found = review.check_campaign(session, campaign_numbered(session, number), SENDING, now=NOW).overlap
        assert (found is not None) == is_warned
        if found:  # each authority once, however many campaigns write to it
            assert (found.shared, [(one.id, count) for one, count in found.campaigns]) == (2, [(first, 2), (second, 2)])
    give = partial(review.give_approval, sending=SENDING)
    if is_warned:
        for seen in (0, 1):
            with pytest.raises(InputError, match="2 PO de ce public reçoivent un autre courriel"):
                move(database, number, partial(give, overlap=seen), actor=APPROVER)
    move(database, number, partial(give, overlap=2), actor=APPROVER)
    with database.reading() as session:
        (last, *_) = planning.campaign_history(session, campaign_numbered(session, number))
        assert last.in_words == (
            "validée en sachant que 2 PO reçoivent un autre courriel dans les sept jours" if is_warned else "validée"
        )


@pytest.mark.long
def test_those_whom_others_write_to_become_an_exception_and_no_longer_overlap(database, people, strand):
    mine = set(settle(database, 3))
    shared = set(settle(database, 2, network="WBE"))
    planned_to(database, at(20), "WBE")
    number = wished(database, at(25))
    with database.reading() as session:
        assert review.shared_with_others(session, campaign_numbered(session, number), now=NOW) == shared
    move(database, number, review.leave_out, shared, "Rappel en même temps")
    with database.reading() as session:
        campaign = campaign_numbered(session, number)
        found = planning.list_addressees(session, campaign, now=NOW)
        assert {one.authority_id for one in found if one.reason is None} == mine
        assert {one.authority_id for one in found if one.reason is Reason.LEFT_OUT} == shared
        assert review.check_campaign(session, campaign, SENDING, now=NOW).overlap is None


@pytest.mark.long
def test_a_wave_that_left_counts_for_whom_its_letters_left(database, people, strand):
    settle(database, 4)
    wave = planned(database, NOW + timedelta(minutes=1), title="Parti")
    advance(database, wave, NOW + timedelta(minutes=1))
    with database.writing() as session:
        first, second, *_ = session.scalars(select(Message.id).order_by(Message.id))
        lost = {"settled_at": NOW, "state": MessageState.REFUSED}
        session.execute(update(Message).where(Message.id == first).values(**lost))
        gone = {"settled_at": NOW, "state": MessageState.WITHDRAWN, "reason": Reason.CANCELLED}
        session.execute(update(Message).where(Message.id == second).values(**gone))
    number = wished(database, at(20))
    assert remarks(database, number) == ["2 de ces PO reçoivent déjà un courriel le 15 mai (« Parti »)."]
    assert remarks(database, number, NOW + timedelta(days=1)) == [
        "Un courriel est déjà parti à 2 de ces PO le 15 mai (« Parti »)."
    ]


@pytest.mark.long
def test_a_campaign_that_leaves_again_is_its_own_neighbour(database, people, strand):
    settle(database, 1)
    wave = planned(database, NOW + timedelta(minutes=1))
    advance(database, wave, NOW + timedelta(minutes=1))
    with database.writing() as session:
        session.execute(update(Wave).values(state="finished"))
        number = session.scalars(select(Campaign.id)).one()
        session.get_one(Campaign, number).starts_at = at(20)
    assert "1 de ces PO reçoit déjà un courriel le 15 mai (cette campagne)." in remarks(database, number)


@pytest.mark.long
def test_a_reminder_that_is_added_counts_the_waves_of_its_own_campaign(database, people, strand):
    settle(database, 3)
    number = approved(database, reminders=(10,))
    wave = move(database, number, planning.schedule_campaign, NOW + timedelta(minutes=1))
    advance(database, wave, NOW + timedelta(minutes=1))
    settle_letters(database, 3)
    with database.writing() as session:
        campaign = campaign_numbered(session, number)
        due = max(one.due_at for one in campaign.waves)
        words = {"subject": "Encore un mot", "letter": "Bonjour ((nom_po)),\n\n((tableau_écoles))\n"}
        now = due - timedelta(days=1)
        added = waves.add_reminder(session, campaign, **words, asked_at=due + timedelta(days=1), now=now, actor=AUTHOR)
        found = review.check_reminder(session, added, SENDING, now=now)
        assert found.blocks == []
        assert [one for one in found.remarks if "de ces PO" in one] == [
            f"3 de ces PO reçoivent déjà un courriel le {french.spelt_day(due, french.OF_YEAR)} (cette campagne)."
        ]
        assert (found.overlap.shared, found.overlap.of_others) == (3, 0)
        assert found.overlap.campaigns == [(campaign, 3)]
        review.ask_reminder_approval(session, added, found, now=now, actor=AUTHOR)
        with pytest.raises(InputError, match="3 PO de ce public reçoivent un autre courriel"):
            review.give_reminder_approval(session, added, found, now=now, actor=APPROVER)
        review.give_reminder_approval(session, added, found, now=now, actor=APPROVER, overlap=3)


@pytest.mark.long
def test_a_correction_warns_of_other_letters_than_the_one_it_corrects(database, people, strand):
    settle(database, 3)
    wrong = approved(database, title="Faux", reminders=(5,))
    wave = move(database, wrong, planning.schedule_campaign, NOW + timedelta(minutes=1))
    advance(database, wave, NOW + timedelta(minutes=1))
    settle_letters(database, 3)
    rule = AudienceRule(criteria={"received": {"campaign": wrong, "wave": 1}})
    number = draft(database, title="Rectificatif", concerns=Concerns.LISTED, segment=rule)
    move(
        database,
        number,
        lambda session, campaign, **by: planning.revise_campaign(session, campaign, {"starts_at": at(17)}, **by),
    )
    assert remarks(database, number) == ["3 de ces PO reçoivent déjà un courriel le 20 mai (« Faux »)."]
    later = {"starts_at": at(17), "concerns": Concerns.OPEN}
    move(database, number, lambda session, campaign, **by: planning.revise_campaign(session, campaign, later, **by))
    assert "3 de ces PO reçoivent déjà un courriel le 15 mai (« Faux »)." in remarks(database, number), "no correction"


def test_a_reminder_within_a_week_is_remarked(database, people, strand):
    settle(database, 2)
    number = wished(database, at(18), reminders="6 21")
    assert remarks(database, number) == [
        "La relance 1 part 7\u00a0jours après la première vague : jusqu’à 2 PO reçoivent deux courriels en une semaine."
    ]


@pytest.mark.parametrize(
    ("days", "closed"),
    [
        (6, "du lundi 24 mai 2021 au mardi 25 mai 2021\u00a0: lundi de Pentecôte"),
        (4, "du samedi 22 mai 2021 au mardi 25 mai 2021\u00a0: week-end, lundi de Pentecôte"),
        (3, ""),
    ],
    ids=["holiday", "weekend", "friday"],
)
def test_a_deadline_that_the_calendar_moves_is_remarked(database, people, strand, days, closed):
    settle(database, 1)
    said = remarks(database, wished(database, at(18), deadline_days=days), words=("date limite",))
    expected = f"La date limite de la première vague est déplacée {closed}."
    assert said == ([expected] if closed else [])


@pytest.mark.long
def test_the_neighbours_are_counted_in_one_statement_however_many(database, people, strand):
    settle(database, 2)
    silent = {"school_status": {"strand": 1, "statuses": ["none"], "which": "any"}}
    for day in (18, 19, 20, 25):
        segment = AudienceRule.model_validate({"criteria": silent})
        planned(database, at(day), title=f"Le {day}", segment=segment)
    number = wished(database, at(25), criteria=json.dumps(silent))
    with asked(database) as seen:
        assert len(remarks(database, number)) == 4
    assert len([one for one in seen if re.search(r"\bnear AS\b", one)]) == 1
