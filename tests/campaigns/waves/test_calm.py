"""Calm: whoever got as many awareness letters as the installation says is left out, at the count and at the launch."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import planning, results, review, waves
from outreach.campaigns.models import Campaign, Colour, ExemptionKind, Wave
from outreach.campaigns.planning import AudienceRule
from outreach.campaigns.review import Preview
from outreach.campaigns.review._checks import blocks_of
from outreach.campaigns.review._preview import DryRun
from outreach.campaigns.segments import info_of, rule_of
from outreach.campaigns.segments._context import KEY
from outreach.campaigns.waves import Retriable
from outreach.campaigns.waves import _launching as launching
from outreach.core.db import Database, Way
from outreach.core.settings import FrequencyCap, read
from outreach.core.text.errors import Refused
from outreach.delivery.models import Message, MessageClass, MessageState, Reason
from outreach.directory.models import Authority
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING, add_contact, advance, approved, launch, move, settle
from tests.conftest import NOW
from tests.statements import asked
from tests.web.campaigns.test_progress import settle as give_ends

SOON = NOW + timedelta(days=2)


@pytest.fixture
def calm(database):
    database.info[KEY] = FrequencyCap(1, 7)


def count(database, number, now):
    with database.reading() as session:
        return planning.count_campaign_audience(session, planning.campaign_numbered(session, number), now=now)


def stands(database, wave):
    with database.reading() as session:
        query = select(Message).where(Message.mailing_id == session.get_one(Wave, wave).mailing_id)
        return [(message.reason or message.state).value for message in session.scalars(query.order_by(Message.id))]


def written(database, **changes):
    """A campaign whose letters have all left; returns its number."""
    number = approved(database, **changes)
    launch(database, number, NOW)
    give_ends(database, 100)
    return number


@pytest.mark.long
@pytest.mark.postgresql
def test_whoever_was_written_to_in_these_days_is_left_out_and_counted(database, people, strand, calm):
    settle(database, 2)
    written(database)
    settle(database, 1)
    number = approved(database)
    counts = count(database, number, SOON)
    assert (counts.written, counts.left_out) == (1, {Reason.SOLICITED: 2})
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        (block,) = blocks_of(campaign, replace(counts, written=0), DryRun())
        assert (
            "ne partirait à personne : choisissez une date plus tardive, ou demandez à une personne qui valide" in block
        )
    assert count(database, number, NOW + timedelta(days=8)).left_out == {}
    assert stands(database, launch(database, number, SOON)) == ["solicited", "solicited", "queued"]


def test_without_the_rule_nobody_is_left_out(database, people, strand):
    settle(database, 1)
    written(database)
    assert count(database, approved(database), SOON).left_out == {}


@pytest.mark.long
@pytest.mark.parametrize("earlier", MessageClass)
@pytest.mark.parametrize("later", MessageClass)
def test_statutory_letters_neither_count_nor_are_stopped(database, people, strand, calm, earlier, later):
    settle(database, 1)
    written(database, message_class=earlier)
    left_out = count(database, approved(database, message_class=later), SOON).left_out
    is_awareness = {earlier, later} == {MessageClass.AWARENESS}
    assert left_out == ({Reason.SOLICITED: 1} if is_awareness else {})


@pytest.mark.long
def test_more_letters_may_be_allowed_and_letters_that_wait_count(database, people, strand):
    database.info[KEY] = FrequencyCap(2, 7)
    settle(database, 1)
    written(database)
    second = launch(database, approved(database), SOON)
    third = launch(database, approved(database), SOON)
    assert (stands(database, second), stands(database, third)) == (["queued"], ["solicited"])


def test_what_leaves_in_two_weeks_is_not_stopped_by_a_letter_of_yesterday(database, people, strand, calm):
    settle(database, 1)
    written(database)
    number = approved(database)
    with database.writing() as session:
        session.get_one(Campaign, number).starts_at = NOW + timedelta(days=14)
    assert count(database, number, SOON).left_out == {}


@pytest.mark.long
def test_an_approver_says_why_not_and_the_reason_stays(database, people, strand, calm):
    settle(database, 1)
    written(database)
    number = approved(database)
    with pytest.raises(Refused, match="autre personne"):
        move(database, number, waves.waive_calm, "x", actor=AUTHOR)
    move(database, number, waves.waive_calm, "Rectification de lundi", actor=APPROVER)
    with pytest.raises(Refused):
        move(database, number, waves.waive_calm, "encore", actor=APPROVER)
    assert count(database, number, SOON).left_out == {}
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        (kept,) = waves.exemptions_of(session, campaign)
        assert (kept.kind, kept.reason, kept.actor) == (ExemptionKind.CALM, "Rectification de lundi", APPROVER)
        assert planning.is_approved(session, campaign)
    move(database, number, waves.restore_calm, actor=APPROVER)
    with pytest.raises(Refused):
        move(database, number, waves.restore_calm, actor=APPROVER)
    assert count(database, number, SOON).left_out == {Reason.SOLICITED: 1}
    move(database, number, waves.waive_calm, "Si, quand même", actor=APPROVER)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        first, second = waves.exemptions_of(session, campaign)
        assert (first.withdrawal.withdrawn_by, first.withdrawal.withdrawn_at) == (APPROVER, NOW)
        assert second.withdrawal is None
        assert any("dérogation est retirée" in entry.sentence for entry in results.campaign_journal(session, campaign))
    assert stands(database, launch(database, number, SOON)) == ["queued"]


@pytest.mark.long
def test_failures_do_not_leave_again_to_whoever_was_written_to_since(database, people, strand, calm):
    settle(database, 2)
    number = approved(database)
    first = launch(database, number, NOW)
    give_ends(database, 2, MessageState.REFUSED)
    with database.writing() as session:
        launching.finish_waves(session, now=NOW)
    to_one = AudienceRule(criteria={"authorities": {"fase": [9001]}})
    assert stands(database, launch(database, approved(database, segment=to_one), SOON)) == ["queued"]
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        assert waves.list_retriable(session, campaign, now=SOON) == {1: Retriable(1, 0, 1)}
    move(database, number, waves.retry_failures, 1, now=SOON)
    assert stands(database, first) == ["refused", "queued"]


@pytest.mark.long
def test_a_reminder_is_counted_as_of_when_it_leaves(database, people, strand, calm):
    settle(database, 2)
    number, closed = written(database), NOW + timedelta(days=6, hours=23)
    with database.writing() as session:
        campaign = planning.campaign_numbered(session, number)
        words = {"subject": "Encore un mot", "letter": "((tableau_écoles))", "asked_at": closed}
        added = waves.add_reminder(session, campaign, **words, now=SOON, actor=AUTHOR)
        findings = review.check_reminder(session, added, SENDING, now=SOON)
        preview = Preview(session, campaign, SENDING, [findings.planned], now=SOON, reminder=added)
        assert len(preview.recipients()) == 2, "its page shows the letter to the first of them"
    assert findings.planned.at > closed
    assert (findings.counts.written, findings.run.letters) == (2, 2)


@pytest.mark.long
def test_the_rule_costs_no_statement_at_a_launch(database, people, strand):
    settle(database, 3)
    seen = {}
    for rule in (None, FrequencyCap(9, 7)):
        database.info[KEY] = rule
        wave = move(database, approved(database), planning.schedule_campaign, NOW)
        with asked(database) as statements:
            advance(database, wave, NOW)
        seen[rule] = len(statements)
    assert len(set(seen.values())) == 1


@pytest.mark.long
def test_the_letters_of_a_school_year_are_counted_by_colour_in_two_statements(database, people, strand):
    one, other = settle(database, 2)
    written(database, colour=Colour.BLUE)
    written(database, colour=Colour.GREEN)
    with database.reading() as session, asked(database) as statements:
        counted = results.letters_received_by(session, [one, other], now=SOON)
    assert counted == {key: {Colour.BLUE: 1, Colour.GREEN: 1} for key in (one, other)}
    assert results.letters_in_words(counted[one]) == "2\u00a0courriels : 1 « échéance annuelle », 1 « vie quotidienne »"
    assert results.letters_in_words({Colour.BLUE: 2}) == "2\u00a0courriels « échéance annuelle »"
    assert len(statements) == 2
    with database.reading() as session:
        assert results.letters_received_by(session, [one], now=NOW + timedelta(days=120)) == {}, "another school year"


@pytest.mark.long
def test_two_authorities_with_one_mailbox_both_get_their_letter_of_a_wave(database, people, strand, calm, monkeypatch):
    monkeypatch.setattr(launching, "SLICE", 1)
    one, other = settle(database, 2)
    with database.writing() as session:
        for key in (one, other):
            add_contact(session, session.get_one(Authority, key), "secretariat@adm.fwb.example")
    assert stands(database, launch(database, approved(database), SOON)) == ["queued"] * 4


def test_the_setting_is_what_the_sessions_of_a_database_carry(tmp_path):
    settings = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_CALM": "awareness=2/14"})
    database = Database(settings.database, info_of(settings))
    for session in (database.reading(), database.by(Way.PAGE).writing()):
        with session as opened:
            assert rule_of(opened) == FrequencyCap(2, 14)
    with Database(settings.database).reading() as session:
        assert rule_of(session) is None
