"""Federations and networks are told 48 hours before a wave leaves to their members."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import User
from outreach.campaigns.models import Wave, WaveState
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.staff import notifications
from outreach.staff.notifications import StaffNotice
from tests import application
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.factories import AUTHOR

HOURS = timedelta(hours=1)


@pytest.fixture
def advised(sample_database):
    """The sample with an account of SeGEC, whose members have secondary schools, and one of CECP, whose have none."""
    with sample_database.writing() as session:
        accounts.ensure_roles(session)
        for code in ("SeGEC", "CECP"):
            said = {"email": f"conseil@{code.lower()}.example", "name": code, "password_hash": "x", "scope": code}
            accounts.add_user(session, NOW, AUTHOR, roles=[RoleName.FEDERATION], **said)
    notifications.send_digests(sample_database, SENDING, now=NOW - HOURS)
    return sample_database


def told(database, now):
    """To which federations the clock has written, and what."""
    notifications.send_digests(database, SENDING, now=now)
    with database.reading() as session:
        query = select(Message.address, Mailing.letter).join(Mailing, Mailing.id == Message.mailing_id)
        mails = session.execute(query.where(Mailing.purpose == Purpose.STAFF).order_by(Message.id)).all()
        return [mail for mail in mails if mail.address.startswith("conseil@")]


def first_of(session):
    return session.scalars(select(Wave).order_by(Wave.id)).first()


@pytest.mark.long
def test_those_with_members_are_told_once_48_hours_before(advised):
    application.planned(advised, NOW + 72 * HOURS)
    with advised.reading() as session:
        at = first_of(session).due_at
    assert told(advised, at - 49 * HOURS) == []
    ((whom, letter),) = told(advised, at - 47 * HOURS)
    assert whom == "conseil@segec.example"
    assert "vos membres" in letter
    assert len(told(advised, at - 46 * HOURS)) == 1
    with advised.reading() as session:
        of_waves = select(StaffNotice).join(User, User.id == StaffNotice.user_id)
        of_waves = of_waves.where(StaffNotice.wave_transition_id.is_not(None), User.email.startswith("conseil@"))
        kept = session.scalars(of_waves).all()
    assert len(kept) == 2  # that of CECP is settled: its members are not counted again
    assert all(one.settled_at for one in kept)


@pytest.mark.long
def test_a_wave_planned_later_is_told_at_once_and_the_planner_reads_so(advised):
    application.planned(advised, NOW + 72 * HOURS)
    with advised.writing() as session:
        wave = first_of(session)
        assert not notifications.is_short(session, wave, wave.due_at - 49 * HOURS)
        assert notifications.is_short(session, wave, wave.due_at - 2 * HOURS)
        at = wave.due_at
    assert len(told(advised, at - 2 * HOURS)) == 1


def test_of_departures_drawn_by_lot_only_the_first_is_told_and_a_cancelled_wave_is_not(advised):
    application.planned(advised, NOW + 72 * HOURS)
    with advised.writing() as session:
        wave = first_of(session)
        at, wave.departure = wave.due_at, 2
    assert told(advised, at - 2 * HOURS) == []
    with advised.writing() as session:
        wave = first_of(session)
        wave.departure, wave.state = 1, WaveState.CANCELLED
    assert told(advised, at - 2 * HOURS) == []
