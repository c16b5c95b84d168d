"""Fixtures of campaigns: a directory of a few authorities, a campaign that two people approved, who sends it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.access import accounts
from outreach.adherence.models import Strand
from outreach.campaigns import planning, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.core.text.dates import today
from outreach.delivery.letters import Keys
from outreach.directory.models import Authority, Contact, EducationType, Network, Ownership, School, Teaching
from tests import factories
from tests.conftest import NOW, state_from
from tests.factories import APPROVER, AUTHOR

SENDING = SenderIdentity("courriel.example", "https://courriel.example", Keys((b"k" * 32,)))
READING = replace(SENDING, reads_mail=True)
DEADLINE = today(NOW + timedelta(days=30))  # that a letter states where no wave is planned


@pytest.fixture
def people(staffed):
    """An administrator, an author and an approver."""


def add_colleague(database, name, *roles):
    """An account of somebody with these roles; returns the address."""
    email = f"{name}@fwb.example"
    with database.writing() as session:
        accounts.add_user(session, NOW, AUTHOR, email=email, name=name.capitalize(), roles=roles, password_hash="x")
    return email


@pytest.fixture
def strand(programmed):
    """The key of the only strand."""
    with programmed.reading() as session:
        return session.scalars(select(Strand.id)).one()


def settle(database, count, schools=1, network="Libre confessionnel"):
    """So many authorities with secondary schools and a mailbox each; returns {authority: [schools]}.

    `schools`: how many each has, or how many each one has.
    """
    each = [schools] * count if isinstance(schools, int) else schools
    with database.writing() as session:
        belongs = session.scalars(select(Network).where(Network.code == network)).one()
        start = session.scalar(select(func.count(Authority.id)))
        of = {
            Authority(**factories.authority(number, network=belongs, municipality="Namur")): [
                School(**factories.school(80001 + fase, f"École {fase:05}", municipality="Namur"))
                for fase in range(number * 100, number * 100 + many)
            ]
            for number, many in enumerate(each, start)
        }
        session.add_all(of)
        session.add_all(school for theirs in of.values() for school in theirs)
        session.flush()
        for number, (authority, theirs) in enumerate(of.items(), start):
            for school in theirs:
                session.add(Ownership(school_id=school.id, authority_id=authority.id))
                session.add(Teaching(school_id=school.id, education_type=EducationType.SECONDARY_ORDINARY))
            add_contact(session, authority, f"po{9001 + number:06}@adm.fwb.example")
        return {authority.id: [school.id for school in theirs] for authority, theirs in of.items()}


def owned(database):
    """{authority: [schools]} of all that there are, as `settle` returns them."""
    found = {}
    with database.reading() as session:
        query = select(Ownership.authority_id, Ownership.school_id)
        for authority, school in session.execute(query.order_by(Ownership.authority_id, Ownership.school_id)):
            found.setdefault(authority, []).append(school)
    return found


def add_contact(session, authority, address, **details):
    session.add(Contact(authority=authority, **factories.contact(address, added_at=NOW, **details)))


def draft(database, **changes):
    """A campaign from the ready-made invitation; returns its number."""
    stated = factories.invitation(**{"reminders": (), **changes})
    with database.writing() as session:
        return factories.campaign(session, stated, NOW).id


def approved(database, **changes):
    number = draft(database, **changes)
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    return number


@state_from("programmed")
def planned_with_reminder(database, _settings):
    """A campaign, the first, planned by its author on Tuesday 18 May 2021 at 11, a reminder two weeks later."""
    settle(database, 2)
    move(database, approved(database, reminders=(14,)), planning.schedule_campaign, NOW + timedelta(days=3))


def move(database, number, verb, *details, now=NOW, actor=AUTHOR):
    with database.writing() as session:
        result = verb(session, planning.in_turn(session, number), *details, now=now, actor=actor)
        session.flush()
        return getattr(result, "id", None)


def launch(database, number, at=NOW + timedelta(minutes=1), sending=SENDING):
    """Plan a wave and start it when due; returns its key."""
    wave = move(database, number, planning.schedule_campaign, at)
    advance(database, wave, at, sending)
    return wave


def advance(database, wave, now, sending=SENDING):
    steps = 1
    while True:
        with database.writing() as session:
            if not waves.advance_wave(session, wave, sending, now=now):
                return steps
        steps += 1
