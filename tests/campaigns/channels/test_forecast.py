"""How many each rung would be for today, as the page for approval says it before anything has left."""

import pytest
from sqlalchemy import select, update

from outreach.campaigns import channels, planning
from outreach.campaigns.evidence import check_steps
from outreach.campaigns.models import Campaign
from outreach.core.text.errors import InputError
from outreach.directory.models import Authority, Contact
from tests.campaigns.conftest import draft, move, settle
from tests.conftest import NOW


def counted(database, ladder):
    number = draft(database)
    move(database, number, planning.revise_campaign, {"ladder": ladder})
    with database.reading() as session:
        found = channels.forecast_steps(session, session.get_one(Campaign, number), now=NOW)
        assert all(one.in_words for one in found)
        return [dict(one.networks) for one in found]


def test_each_rung_counts_whom_the_one_before_would_not_reach_by_network(programmed):
    settle(programmed, 3)
    settle(programmed, 2, network="WBE")
    with programmed.writing() as session:
        keys = session.scalars(select(Authority.id).order_by(Authority.id)).all()
        session.execute(
            update(Contact).where(Contact.authority_id.in_([keys[0], keys[1], keys[4]])).values(bounced_at=NOW)
        )
        session.execute(update(Authority).where(Authority.id == keys[0]).values(address="Rue Haute 1", postcode="5000"))
        labels = [session.get_one(Authority, key).network.label for key in (keys[0], keys[4])]
    free, wbe = labels
    assert counted(programmed, "other_mailbox:1:failed paper:3:failed call:5:failed") == [
        {},
        {free: 2, wbe: 1},
        {free: 1, wbe: 1},
    ]
    assert counted(programmed, "paper:3:always") == [{free: 3, wbe: 2}]
    assert counted(programmed, "") == []


def test_a_ladder_is_part_of_what_is_approved_and_an_empty_one_leaves_older_approvals_as_they_are(programmed):
    settle(programmed, 1)
    number = draft(programmed)
    with programmed.reading() as session:
        before = planning.content_hash(session.get_one(Campaign, number))
    move(programmed, number, planning.revise_campaign, {"ladder": "call:5:failed"})
    with programmed.reading() as session:
        assert planning.content_hash(session.get_one(Campaign, number)) != before
    move(programmed, number, planning.revise_campaign, {"ladder": ""})
    with programmed.reading() as session:
        assert planning.content_hash(session.get_one(Campaign, number)) == before


@pytest.mark.parametrize("stated", ["paper", "paper:x:failed", "pigeon:3:failed", "paper:3:perhaps"])
def test_a_rung_in_a_file_that_cannot_be_read_is_refused(stated):
    with pytest.raises(InputError, match="Un échelon s’écrit"):
        check_steps(stated)
