"""Exceptions: authorities left out of a campaign, whose content and approval stay, and whose people are told."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from outreach.access.approvals import Extent
from outreach.campaigns import planning, review, waves
from outreach.campaigns.models import CampaignState, Wave, WaveState
from outreach.campaigns.planning import AudienceRule
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery.models import Message, MessageState, Reason
from tests.campaigns.conftest import APPROVER, approved, draft, launch, move, settle
from tests.conftest import NOW

SOON = NOW + timedelta(minutes=2)
S = MessageState
FREE = AudienceRule(criteria={"network": ["Libre confessionnel"]})


def leave_out(database, number, keys, because="Rappel en même temps", now=SOON):
    move(database, number, review.leave_out, keys, because, now=now)


def letters(database):
    with database.reading() as session:
        return {row.authority_id: (row.state, row.reason) for row in session.scalars(select(Message))}


@pytest.mark.postgresql
@pytest.mark.long
def test_an_exception_leaves_content_and_approval_and_its_authorities_get_no_letter(database, people, strand):
    one, two, three = settle(database, 3)
    number = approved(database)
    with database.reading() as session:
        digest = planning.content_hash(planning.campaign_numbered(session, number))
    leave_out(database, number, {one})
    launch(database, number, at=NOW + timedelta(minutes=5))
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        assert (campaign.state, planning.content_hash(campaign)) == (CampaignState.APPROVED, digest)
        ((listed,),) = [found.authorities for found in review.exceptions_of(session, campaign)]
        assert listed.id == one
    queued = (S.QUEUED, None)
    assert letters(database) == {one: (S.WITHDRAWN, Reason.LEFT_OUT), two: queued, three: queued}


@pytest.mark.postgresql
@pytest.mark.long
def test_letters_that_wait_are_withdrawn_and_one_taken_back_counts_from_then_on(database, people, strand):
    one, two = settle(database, 2)
    number = approved(database)
    launch(database, number)
    leave_out(database, number, {one})
    assert letters(database) == {one: (S.WITHDRAWN, Reason.LEFT_OUT), two: (S.QUEUED, None)}
    move(database, number, review.take_back, 1, now=SOON)
    with database.reading() as session:
        assert review.exceptions_of(session, planning.campaign_numbered(session, number)) == []
    assert letters(database)[one] == (S.WITHDRAWN, Reason.LEFT_OUT), "what was withdrawn stays so"
    with pytest.raises(Refused, match="déjà retirée"):
        move(database, number, review.take_back, 1)
    with pytest.raises(NotFound):
        move(database, number, review.take_back, 9)


@pytest.mark.long
def test_many_exceptions_are_no_drift_of_an_approved_audience(database, people, strand):
    keys = list(settle(database, 40))
    number = draft(database)
    move(database, number, planning.submit_campaign)
    move(database, number, partial(planning.approve_campaign, extent=Extent(40, 40)), actor=APPROVER)
    leave_out(database, number, set(keys[:30]))
    wave = launch(database, number, at=NOW + timedelta(minutes=5))
    with database.reading() as session:
        held = session.get_one(Wave, wave)
        assert held.state is WaveState.RUNNING
        assert waves.approved_extent(session, held) == (10, 10)


@pytest.mark.parametrize(("because", "keys"), [("", {1}), ("x" * 501, {1}), ("Appel", set()), ("Appel", {3})])
def test_what_has_no_reason_or_is_not_meant_is_refused(database, people, strand, because, keys):
    settle(database, 2)
    settle(database, 1, network="WBE")
    number = approved(database, segment=FREE)
    with pytest.raises(InputError):
        leave_out(database, number, keys, because)
    leave_out(database, number, {1})
    with pytest.raises(Refused, match="déjà écartés"):
        leave_out(database, number, {1})


def test_an_ended_campaign_has_no_exceptions(database, people, strand):
    settle(database, 1)
    number = approved(database)
    move(database, number, planning.cancel_campaign)
    with pytest.raises(Refused, match="terminée"):
        leave_out(database, number, {1})


def test_numbers_that_nobody_has_are_named(database, people, strand):
    settle(database, 1)
    with database.reading() as session, pytest.raises(InputError, match="les numéros FASE 1, 2"):
        review.keys_of(session, [1, 2, 9001])
