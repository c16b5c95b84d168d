"""An author sees before sending how many letters go to addresses that nobody confirmed for two years."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import planning, review
from outreach.directory import confirmations
from outreach.directory.confirmations import STALE_AFTER, ConfirmationWay
from outreach.directory.models import Contact
from tests.campaigns.conftest import SENDING, draft, people, settle, strand
from tests.conftest import NOW

__all__ = ["people", "strand"]


@pytest.mark.postgresql
def test_letters_to_addresses_that_nobody_confirmed_for_two_years_are_counted(database, people, strand):
    settle(database, 4)
    number = draft(database)
    with database.writing() as session:
        young, old, bounced, _ = session.scalars(select(Contact).order_by(Contact.id)).all()
        bounced.bounced_at = NOW
        for held, age in ((young, STALE_AFTER - timedelta(days=1)), (old, STALE_AFTER + timedelta(days=1))):
            confirmations.add(session, held.id, ConfirmationWay.CALL, at=NOW - age, actor="x")
    with database.reading() as session:
        found = review.check_campaign(session, planning.campaign_numbered(session, number), SENDING, now=NOW)
    assert (found.unconfirmed, found.extent.letters) == (2, 3)
