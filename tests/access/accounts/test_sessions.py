"""Sessions of staff: rows that name no key, that end by themselves, and that belong to one person each."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from outreach.access import accounts
from outreach.access.accounts import LIFETIME, User
from outreach.core.text.roles import RoleName
from tests.conftest import NOW

pytestmark = pytest.mark.postgresql
SECOND = timedelta(seconds=1)


@pytest.fixture
def anne(database):
    with database.writing() as session:
        details = {"email": "anne@fwb.example", "name": "Anne", "roles": [RoleName.AUTHOR], "password_hash": "x"}
        added = accounts.add_user(session, NOW, "installation", **details)
        session.flush()
        return added.id, added.fs_uniquifier


def begin(database, user, now=NOW):
    with database.writing() as session:
        return accounts.begin_session(session, user, "Firefox sous Linux", now=now)


def holder(database, uniquifier, key, now=NOW):
    with database.reading() as session:
        user = accounts.user_of_session(session, uniquifier, key, now=now)
        return user and user.email


def test_a_key_opens_for_twelve_hours_and_until_it_is_ended(database, anne):
    number, uniquifier = anne
    key, other = begin(database, number), begin(database, number)
    assert holder(database, uniquifier, key, NOW + LIFETIME - SECOND) == "anne@fwb.example"
    assert holder(database, uniquifier, key, NOW + LIFETIME) is None
    assert holder(database, "somebody else", key) is None
    assert holder(database, uniquifier, "a guess") is None
    with database.writing() as session:
        accounts.end_session(session, key)
    assert (holder(database, uniquifier, key), holder(database, uniquifier, other)) == (None, "anne@fwb.example")


def test_a_closed_account_and_a_new_password_end_its_sessions(database, anne):
    number, uniquifier = anne
    first = begin(database, number)
    with database.writing() as session:
        sign = accounts.change_password(session, number, "y", now=NOW)
    assert holder(database, uniquifier, first) is None
    second = begin(database, number)
    assert holder(database, uniquifier, second) is None, "whoever gave the old password at the same moment"
    assert holder(database, sign, second) == "anne@fwb.example"
    with database.writing() as session:
        session.get_one(User, number).active = False
    assert holder(database, sign, second) is None


def test_whoever_reads_the_table_learns_no_key(database, anne):
    key = begin(database, anne[0])
    with database.reading() as session:
        (row,) = session.execute(text("SELECT * FROM sessions")).all()
    assert key not in str(row)
    assert key.encode() not in bytes(row.digest)
