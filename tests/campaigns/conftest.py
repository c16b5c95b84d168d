"""Fixtures of campaigns: a directory of a few authorities, a campaign that two people approved, who sends it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.accounts import staff
from outreach.accounts.staff import User
from outreach.adherence import programmes
from outreach.campaigns import definitions, lifecycle
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.waves import launching
from outreach.directory.models import (
    Authority,
    Contact,
    ContactSource,
    EducationType,
    Listing,
    MailboxKind,
    Network,
    School,
    Teaching,
)
from outreach.mail.tokens import Keys
from outreach.roles import RoleName
from outreach.settings import ROOT
from tests.conftest import NOW

AUTHOR, APPROVER = "nadia.lambert@fwb.example", "marc.dethier@fwb.example"
SENDING = SenderIdentity("courriel.example", "https://courriel.example", Keys((b"k" * 32,)))
READING = replace(SENDING, reads_mail=True)
PROGRAMME = """
code = "mon"
name = "Mes outils numériques"
[[strands]]
number = 1
name = "Volet 1"
circular = "7831"
opened_on = 2020-11-16
"""


@pytest.fixture
def people(database):
    with database.writing() as session:
        administrator = "hugo.willems@fwb.example"
        for email, name, roles in (
            (administrator, "Hugo Willems", (RoleName.ADMINISTRATOR,)),
            (AUTHOR, "Nadia Lambert", (RoleName.AUTHOR,)),
            (APPROVER, "Marc Dethier", (RoleName.APPROVER,)),
        ):
            details = {"email": email, "name": name, "roles": roles, "password_hash": "x"}
            staff.add_user(session, NOW, "installation", **details)


@pytest.fixture
def strand(database):
    with database.writing() as session:
        return programmes.load(session, PROGRAMME, now=NOW, actor=AUTHOR).strands[0].id


def settle(database, count, schools=1, network="Libre confessionnel"):
    """So many authorities with secondary schools and a mailbox each; returns {authority: [schools]}."""
    place = {"address": "", "postcode": "", "locality": "", "municipality": "Namur"}
    found = {}
    with database.writing() as session:
        belongs = session.scalars(select(Network).where(Network.code == network)).one()
        start = len(session.scalars(select(Authority.id)).all())
        for number in range(start, start + count):
            authority = Authority(fase=9001 + number, name=f"PO {number}", network=belongs, folded="", **place)
            session.add(authority)
            session.flush()
            found[authority.id] = [
                _school(session, authority, number * 100 + place_, place) for place_ in range(schools)
            ]
            add_contact(session, authority, f"po{9001 + number:06}@adm.fwb.example")
    return found


def _school(session, authority, number, place):
    school = School(fase=80001 + number, name=f"École {number:05}", zone="", district="", folded="", **place)
    session.add(school)
    session.flush()
    session.add(Listing(school_id=school.id, authority_id=authority.id))
    session.add(Teaching(school_id=school.id, education_type=EducationType.SECONDARY_ORDINARY))
    return school.id


def add_contact(session, authority, address, **details):
    session.add(
        Contact(
            authority=authority,
            address=address,
            address_key=address.casefold(),
            address_ascii=address,
            mailbox_kind=MailboxKind.IMPERSONAL,
            source=ContactSource.STAFF,
            added_at=NOW,
            added_by=AUTHOR,
            **details,
        )
    )


def draft(database, **changes):
    """A campaign from the ready-made invitation; returns its number."""
    stated = definitions.named("invitation-volet-1", ROOT / "campaigns").model_copy(update={"reminders": (), **changes})
    with database.writing() as session:
        author = session.scalars(select(User).where(User.email == AUTHOR)).one()
        return lifecycle.create(session, stated, now=NOW, author=author).id


def approved(database, **changes):
    number = draft(database, **changes)
    move(database, number, lifecycle.submit)
    move(database, number, lifecycle.approve, actor=APPROVER)
    return number


def move(database, number, verb, *details, now=NOW, actor=AUTHOR):
    with database.writing() as session:
        result = verb(session, lifecycle.in_turn(session, number), *details, now=now, actor=actor)
        session.flush()
        return getattr(result, "id", None)


def launch(database, number, at=NOW + timedelta(minutes=1), sending=SENDING):
    """Plan a wave and start it when due; returns its key."""
    wave = move(database, number, lifecycle.schedule, at)
    advance(database, wave, at, sending)
    return wave


def advance(database, wave, now, sending=SENDING):
    steps = 1
    while True:
        with database.writing() as session:
            if not launching.advance(session, wave, sending, now=now):
                return steps
        steps += 1
