"""The classes that the migration worked out for campaigns of 0.3.0 are those that the rows tell on their own."""

import pytest
from sqlalchemy import select

from outreach.campaigns import counting
from outreach.campaigns.models import Campaign
from tests.audit import recount, rows, told
from tests.operations.migrations.base_0092 import AT, base_0092, upgraded_base

__all__ = ["base_0092", "upgraded_base"]


@pytest.mark.long
@pytest.mark.only_one
@pytest.mark.postgresql
def test_what_the_migration_worked_out_is_what_the_rows_tell(upgraded_base, fresh_url):
    audit = recount.Campaigns(rows.of(fresh_url), AT)
    found = []
    with upgraded_base.reading() as session:
        for campaign in session.scalars(select(Campaign).order_by(Campaign.id)):
            counted = audit.counts(campaign.id)
            said = counting.of_campaign(session, campaign, now=AT).as_json()
            told.about(said)
            found += recount.faults(counted) + told.differences(f"campaign {campaign.id}", said, counted)
    assert found == [], "\n".join(found)
