"""« C’est toujours la bonne adresse ? » at the foot of a letter that leaves anyway: once a school year to a mailbox."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, review
from outreach.campaigns.letter import Composer
from outreach.campaigns.models import Campaign
from outreach.delivery.models import Batch, Mailing, Message, MessageState
from outreach.delivery.outbox import due_in
from outreach.directory.models import Authority
from tests.campaigns.conftest import SENDING, approved, draft, launch, people, settle, strand
from tests.conftest import NOW

__all__ = ["people", "strand"]
PAGE = "https://courriel.example/a/address/"


def asked(database, now):
    """Plan and compose a campaign's letters, which then leave: by authority, how many links to the page each has."""
    launch(database, approved(database), at=now)
    with database.writing() as session:
        mailing = session.scalars(select(Mailing).order_by(Mailing.id.desc())).first()
        batches = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id)).all()
        due = [one for batch in batches for one in due_in(session, batch, now=now + timedelta(days=90))]
        made = Composer(SENDING, lambda: now)(session, mailing, due)
        left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": now, "settled_at": now}
        session.execute(update(Message).where(Message.mailing_id == mailing.id).values(left))
        return [made[one.id].content.count(f'href=\\"{PAGE}') for one in due]


@pytest.mark.postgresql
def test_a_mailbox_is_asked_once_a_school_year_in_a_letter_that_leaves_anyway(database, people, strand):
    settle(database, 2)
    assert asked(database, NOW + timedelta(days=3)) == [1, 1]
    settle(database, 1)
    assert asked(database, NOW + timedelta(days=10)) == [0, 0, 1], "the new one alone"
    assert asked(database, NOW + timedelta(days=370)) == [1, 1, 1]


def test_what_was_approved_before_letters_asked_stays_approved_and_asks_nothing(database, people, strand):
    settle(database, 1)
    number = approved(database)
    with database.writing() as session:
        campaign = session.get_one(Campaign, number)
        digest = planning.content_of(campaign).digest
        campaign.asks_address = False
        assert planning.content_of(campaign).digest != digest, "it is part of what is approved"
        campaign.asks_address = True
    assert asked(database, NOW + timedelta(days=3)) == [1]
    with database.writing() as session:
        session.execute(update(Campaign).values(asks_address=False))
    assert asked(database, NOW + timedelta(days=4)) == [1], "what did not ask does not count as asked"


def test_an_author_reads_in_the_preview_who_will_be_asked_and_paper_asks_nobody(database, people, strand):
    settle(database, 2)
    number = draft(database)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        found = review.check_campaign(session, campaign, SENDING, now=NOW)
        assert (found.run.letters, found.run.asking) == (2, 2)
        preview = review.Preview(session, campaign, SENDING, (), now=NOW)
        authority = session.scalars(select(Authority)).first()
        assert "bonne adresse" in preview.of(authority).text
        assert "bonne adresse" not in preview.paper(authority).text
    asked(database, NOW + timedelta(days=3))
    with database.reading() as session:
        again = review.check_campaign(session, planning.campaign_numbered(session, number), SENDING, now=NOW)
        assert again.run.asking == 0
