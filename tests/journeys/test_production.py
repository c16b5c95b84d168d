"""What no command does in production: approve for somebody who has not signed in."""

from sqlalchemy import update

from outreach.campaigns import lifecycle
from outreach.campaigns.models import CampaignState, Wave
from tests.campaigns.conftest import APPROVER, approved, draft, launch, move, people, settle, strand
from tests.journeys.test_operator import run
from tests.worker.test_process import REAL

__all__ = ["people", "run", "strand"]
PRODUCTION = {**REAL, "OUTREACH_MODE": "production", "OUTREACH_SMTP_URL": "smtp://relay"}


def test_in_production_no_command_approves(database, people, strand, run):
    settle(database, 1)
    number = draft(database)
    move(database, number, lifecycle.submit)
    refused = run("campaign", "approve", number, "--as", APPROVER, **PRODUCTION)
    assert (refused.returncode, "se valide sur sa page" in refused.stderr) == (1, True)
    with database.reading() as session:
        assert lifecycle.campaign_numbered(session, number).state is CampaignState.TO_APPROVE
    allowed = run("campaign", "approve", number, "--as", APPROVER)
    assert "se valide sur sa page" not in allowed.stderr


def test_in_production_no_command_resumes_what_the_audience_drifted_from(database, people, strand, run):
    settle(database, 1)
    number = approved(database)
    wave = launch(database, number)
    move(database, number, lifecycle.pause)
    with database.writing() as session:
        session.execute(update(Wave).where(Wave.id == wave).values(drifted_from=20))
    refused = run("campaign", "resume", number, "--as", APPROVER, **PRODUCTION)
    assert (refused.returncode, "la reprise revient à une personne qui valide" in refused.stderr) == (1, True)
    assert run("campaign", "resume", number, "--as", APPROVER).returncode == 0
