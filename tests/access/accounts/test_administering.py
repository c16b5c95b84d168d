"""Roles, closing and reopening of accounts: sessions end at once, and an administrator always remains."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import select

from outreach.access import accounts, colleagues
from outreach.access.accounts import User
from outreach.core import audit, jobs
from outreach.core.jobs import AskedJob, Job
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from tests import factories
from tests.conftest import NOW

CHIEF, OTHER = "hugo.willems@fwb.example", "lea.roland@fwb.example"


@pytest.fixture
def people(database):
    with database.writing() as session:
        factories.add_people(session, NOW)


def change(database, email, verb, *given):
    with database.writing() as session:
        verb(session, accounts.account_of(session, email), *given, now=NOW, actor=CHIEF)


def add_administrator(database, password="x"):  # noqa: S107 - of no account
    with database.writing() as session:
        named = {"email": OTHER, "name": "Léa Roland", "roles": [RoleName.ADMINISTRATOR], "password_hash": password}
        accounts.add_user(session, NOW, CHIEF, **named)


def test_closing_ends_sessions_at_once_and_reopening_gives_back_the_account(database, people):
    with database.writing() as session:
        person = accounts.user_named(session, factories.AUTHOR)
        uniquifier, key = person.fs_uniquifier, accounts.begin_session(session, person.id, "Firefox", now=NOW)
    change(database, factories.AUTHOR, accounts.close_account)
    with database.reading() as session:
        assert accounts.user_of_session(session, uniquifier, key, now=NOW) is None
        assert factories.AUTHOR not in [one.email for one in colleagues.active(session)]
        with pytest.raises(NotFound):
            accounts.user_named(session, factories.AUTHOR)
    with pytest.raises(Refused, match="déjà fermé"):
        change(database, factories.AUTHOR, accounts.close_account)
    change(database, factories.AUTHOR, accounts.reopen_account)
    with database.reading() as session:
        assert accounts.user_of_session(session, uniquifier, key, now=NOW) is None, "an ended session stays ended"
        assert accounts.user_named(session, factories.AUTHOR).holds(RoleName.AUTHOR)
        told = [entry.sentence for entry in audit.entries_about(session, f"user:{factories.AUTHOR}")][:2]
    assert told == [f"Compte de {factories.AUTHOR} rouvert.", f"Compte de {factories.AUTHOR} fermé."]


@pytest.mark.parametrize("verb", ["close", "demote"])
def test_the_last_administrator_stays_one_however_many_others_are_invited(database, people, verb):
    add_administrator(database, password="")
    with pytest.raises(Refused, match="dernière personne"):
        if verb == "close":
            change(database, CHIEF, accounts.close_account)
        else:
            change(database, CHIEF, accounts.set_roles, [RoleName.READER])


@pytest.mark.postgresql
def test_two_administrators_who_close_each_other_at_once_leave_one(database, people):
    add_administrator(database)
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            accounts.close_account(session, accounts.account_of(session, CHIEF), now=NOW, actor=OTHER)
            closing = pool.submit(change, database, OTHER, accounts.close_account)
            wait([closing], 0.2)  # without turns it would be done by now
        with pytest.raises(Refused, match="dernière personne"):
            closing.result()
    with database.reading() as session:
        assert len(accounts.holders_of(session, RoleName.ADMINISTRATOR)) == 1


def test_roles_are_replaced_and_the_audit_says_from_what_to_what(database, people):
    for _ in range(2):
        change(database, factories.AUTHOR, accounts.set_roles, [RoleName.APPROVER, RoleName.READER])
    with pytest.raises(InputError, match="au moins un rôle"):
        change(database, factories.AUTHOR, accounts.set_roles, [])
    with database.reading() as session:
        told = audit.entries_about(session, f"user:{factories.AUTHOR}")
        assert len(told) == 2, "the same roles again change nothing"
        assert told[0].sentence.endswith("rôles rédaction remplacés par lecture, validation.")


def prepared(database, email):
    with database.reading() as session:
        return [job.title for job in session.scalars(select(Job).where(Job.asked_by == email))]


def test_a_role_that_is_taken_away_takes_the_files_that_were_prepared_by_it(database, people):
    """The page of a file asks for no more than that it is one's own."""
    add_administrator(database)
    with database.writing() as session:
        for person in (CHIEF, OTHER):
            jobs.ask_job(session, person, AskedJob("Journal des accès", "/trail/export.csv"), now=NOW)
        chief = accounts.account_of(session, CHIEF)
        accounts.bind_identity(session, chief.id, "https://idp.example", "s-1", now=NOW)
    change(database, OTHER, accounts.set_roles, [RoleName.ADMINISTRATOR, RoleName.AUTHOR])
    assert prepared(database, OTHER) == ["Journal des accès"], "one more takes nothing away"
    change(database, OTHER, accounts.set_roles, [RoleName.AUTHOR])
    assert prepared(database, OTHER) == []
    change(database, OTHER, accounts.set_roles, [RoleName.ADMINISTRATOR])
    with database.writing() as session:
        accounts.admit_identity(session, "https://idp.example", "s-1", {RoleName.READER}, now=NOW)
    assert prepared(database, CHIEF) == []


def test_an_account_is_not_reopened_for_a_person_who_has_another_by_now(database, people):
    change(database, factories.AUTHOR, accounts.close_account)
    with database.writing() as session:
        named = {"email": "n.lambert@fwb.example", "name": "Nadia Lambert", "roles": [RoleName.AUTHOR]}
        accounts.add_user(session, NOW, CHIEF, **named, password_hash="x")
    with pytest.raises(InputError, match="une personne n’a qu’un compte"):
        change(database, factories.AUTHOR, accounts.reopen_account)
    with database.reading() as session:
        assert not session.scalars(select(User.active).where(User.email == factories.AUTHOR)).one()


def test_an_account_is_found_by_an_address_as_typed_and_a_sharp_s_is_no_double_s(database, people):
    with database.writing() as session:
        person = accounts.user_named(session, factories.AUTHOR)
        person.email = judge("Nadia@Straße.example").key
        session.flush()
        for find in (accounts.account_of, accounts.user_named):
            assert find(session, " NADIA@STRAßE.example ") is person
            with pytest.raises(NotFound):
                find(session, "nadia@strasse.example")
