"""Two persons are two at the command line as well: whoever wrote a campaign never approves it, by whatever way."""

from functools import partial

import pytest
from sqlalchemy import select

from outreach.accounts import staff
from outreach.accounts.staff import User
from outreach.campaigns import lifecycle
from outreach.campaigns.models import Campaign, CampaignState
from outreach.cli.preparation import add_people
from outreach.roles import RoleName
from tests import factories
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR
from tests.journeys.test_operator import on_database

BOTH = "paul.both@fwb.example"


@pytest.fixture
def run(tmp_path, fresh_url, database, settings):
    """Run a command on a directory of three authorities; returns its outcome."""
    add_people(database, settings, NOW)
    factories.gather(database, 3, now=NOW)
    with database.writing() as session:
        roles = (RoleName.AUTHOR, RoleName.APPROVER)
        staff.add_user(session, NOW, "x", email=BOTH, name="Paul Both", roles=roles, password_hash="x")
    return partial(on_database, fresh_url, tmp_path)


def done(run, *arguments):
    outcome = run("campaign", *arguments)
    assert outcome.returncode == 0, outcome.stderr


def refused(words, outcome):
    assert outcome.returncode == 1, outcome.stdout
    assert words in outcome.stderr.replace("\u00a0", " ")


def state_of(database):
    with database.reading() as session:
        return session.get_one(Campaign, 1).state


def test_whoever_holds_both_roles_approves_no_campaign_of_their_own(run, database):
    done(run, "new", "invitation-volet-1", "--as", BOTH)
    done(run, "submit", 1, "--as", AUTHOR)
    refused("une autre personne", run("campaign", "approve", 1, "--as", f" {BOTH.upper()}"))
    assert state_of(database) is CampaignState.TO_APPROVE


@pytest.mark.long
def test_whoever_only_submitted_a_campaign_does_not_approve_it(run, database):
    done(run, "new", "invitation-volet-1", "--as", AUTHOR)
    done(run, "submit", 1, "--as", BOTH)
    refused("une autre personne", run("campaign", "approve", 1, "--as", BOTH))
    refused("n’a pas le rôle", run("campaign", "approve", 1, "--as", AUTHOR))
    assert state_of(database) is CampaignState.TO_APPROVE
    done(run, "approve", 1, "--as", APPROVER)


@pytest.mark.long
def test_an_edit_takes_the_approval_back_and_the_editor_does_not_give_it_again(run, database):
    with database.writing() as session:
        campaign = factories.campaign(session, factories.invitation(), NOW)
        lifecycle.submit(session, campaign, now=NOW, actor=AUTHOR)
        lifecycle.approve(session, campaign, now=NOW, actor=APPROVER)
        lifecycle.revise(session, campaign, {"subject": "Un autre objet"}, now=NOW, actor=BOTH)
    refused("n’est pas validée", run("campaign", "schedule", 1, "--at", "2030-05-14 09:30", "--as", AUTHOR))
    refused("La campagne n’attend pas de validation", run("campaign", "approve", 1, "--as", APPROVER))
    done(run, "submit", 1, "--as", AUTHOR)
    refused("une autre personne", run("campaign", "approve", 1, "--as", BOTH))
    done(run, "approve", 1, "--as", APPROVER)


def test_nobody_gets_a_second_account_by_another_spelling(run, database):
    person = ("n.lambert@fwb.example", "--name", "LAMBERT Nádia", "--role", "approver")
    refused("porte déjà ce nom", run("user", "add", *person))
    with database.reading() as session:
        emails = session.scalars(select(User.email)).all()
    assert [email for email in emails if "lambert" in email] == [AUTHOR]
