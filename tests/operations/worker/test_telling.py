"""Staff are told what happened to their campaigns by the work process, beside a wave, through the same last door."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import planning
from outreach.campaigns.models import WaveState
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Mailing, Message, MessageState, Purpose, Reason
from outreach.integrations import api_keys
from outreach.operations.worker.clock import clock
from tests import factories
from tests.campaigns.conftest import add_colleague
from tests.factories import APPROVER, AUTHOR
from tests.operations.worker.test_process import begin, environment, plan, sink, until

__all__ = ["begin", "environment", "sink"]


def letters(database):
    with database.reading() as session:
        query = select(Message.address, Message.state, Message.reason).join(Mailing, Mailing.id == Message.mailing_id)
        rows = session.execute(query.where(Mailing.purpose == Purpose.STAFF)).all()
        return {address: (state, reason) for address, state, reason in rows}


def test_people_are_told_by_the_same_outbox_and_the_same_guard(database, begin, sink):
    works = begin(OUTREACH_ALLOWED_RECIPIENTS=AUTHOR)
    works.due.tell()
    plan(database, works, after=timedelta(hours=1))
    works.due.tell()
    values = {
        AUTHOR: (MessageState.ACCEPTED, None),
        APPROVER: (MessageState.WITHDRAWN, Reason.TRIAL),
    }
    assert until(lambda: letters(database) == values), letters(database)
    assert len(sink.accepted) == 1


def test_nobody_is_told_while_no_letter_may_leave(database, begin):
    works = begin(OUTREACH_SENDING="off")
    works.due.tell()
    plan(database, works, after=timedelta(hours=1))
    works.due.tell()
    assert letters(database) == {}


def test_administrators_are_told_of_a_key_that_writes(database, begin, sink):
    works = begin(OUTREACH_ALLOWED_RECIPIENTS="@fwb.example")
    chief = add_colleague(database, "cheffe", RoleName.ADMINISTRATOR)
    with database.writing() as session:
        api_keys.make(session, name="Plateforme", role="reader", days=9, writes=True, now=works.clock(), actor=AUTHOR)
    works.due.tell()
    works.due.tell()
    assert until(lambda: letters(database) == {chief: (MessageState.ACCEPTED, None)}), letters(database)
    assert len(sink.accepted) == 1


@pytest.mark.long
@pytest.mark.parametrize("rate", [pytest.param("0", marks=pytest.mark.deep), "100"])
def test_a_person_is_told_within_ten_seconds_beside_a_wave_that_goes_on(database, begin, sink, rate):
    relay = f"smtp://127.0.0.1:{sink.port}?rate={rate}"
    works = begin(OUTREACH_ALLOWED_RECIPIENTS="@adm.fwb.example,@fwb.example", OUTREACH_SMTP_URL=relay)
    number = plan(database, works, 4000 if rate != "0" else 20_000)
    works.due.tell()  # from here on, people are told
    ticking = clock(works.due)
    ticking.start()
    try:
        assert until(lambda: wave_of(database, number) is WaveState.RUNNING)
        with database.writing() as session:
            asked = factories.campaign(session, factories.invitation(reminders=()), works.clock())
            planning.submit_campaign(session, asked, now=works.clock(), actor=AUTHOR)
        begun = time.monotonic()
        assert until(lambda: letters(database).get(APPROVER, ("",))[0] is MessageState.ACCEPTED, 30), letters(database)
        assert time.monotonic() - begun < 10
        assert wave_of(database, number) is WaveState.RUNNING
    finally:
        ticking.shutdown()


def wave_of(database, number):
    with database.reading() as session:
        return planning.campaign_numbered(session, number).waves[0].state
