"""« C’est toujours la bonne adresse ? » at the foot of a letter that leaves anyway: once a school year to a mailbox."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.campaigns import planning, review
from outreach.campaigns.letter import Composer
from outreach.campaigns.models import Campaign
from outreach.delivery.models import Batch, Mailing, Message, MessageState, Reason
from outreach.delivery.outbox import due_in
from outreach.directory.models import Authority
from tests.campaigns.conftest import SENDING, approved, draft, launch, people, settle, strand
from tests.conftest import NOW

__all__ = ["people", "strand"]
PAGE = "https://courriel.example/a/address/"


LEFT = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW}


def mailings(database):
    with database.reading() as session:
        return session.scalars(select(Mailing.id).order_by(Mailing.id)).all()


def composed(database, mailing, now=NOW):
    """Compose the letters of a mailing that are to leave: by authority, how many links to the page each has."""
    with database.writing() as session:
        batches = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing)).all()
        due = [one for batch in batches for one in due_in(session, batch, now=now + timedelta(days=90))]
        made = Composer(SENDING, lambda: now)(session, session.get_one(Mailing, mailing), due)
        return [made[one.id].content.count(f'href=\\"{PAGE}') for one in due]


def move(database, mailing, state):
    with database.writing() as session:
        session.execute(update(Message).where(Message.mailing_id == mailing).values(state))


def asked(database, now):
    """Plan and compose a campaign's letters, which then leave."""
    launch(database, approved(database), at=now)
    mailing = mailings(database)[-1]
    links = composed(database, mailing, now)
    move(database, mailing, LEFT | {"fenced_at": now, "settled_at": now})
    return links


@pytest.mark.postgresql
def test_a_mailbox_is_asked_once_a_school_year_in_a_letter_that_leaves_anyway(database, people, strand):
    settle(database, 2)
    assert asked(database, NOW + timedelta(days=3)) == [1, 1]
    settle(database, 1)
    assert asked(database, NOW + timedelta(days=10)) == [0, 0, 1], "the new one alone"
    assert asked(database, NOW + timedelta(days=370)) == [1, 1, 1]


@pytest.mark.postgresql
@pytest.mark.parametrize("leaves_first", [0, 1])
def test_of_two_waves_that_compose_at_once_the_first_asks_whichever_leaves_first(
    database, people, strand, leaves_first
):
    settle(database, 1)
    for day in (3, 4):
        launch(database, approved(database), at=NOW + timedelta(days=day))
    waves = mailings(database)
    assert composed(database, waves[0]) == [1]
    assert composed(database, waves[1]) == [0], "the other one has it, though it has not left"
    move(database, waves[leaves_first], LEFT)
    assert composed(database, waves[1 - leaves_first]) == [leaves_first]


def test_a_letter_that_was_cancelled_does_not_count_as_one_that_asks(database, people, strand):
    settle(database, 1)
    for day in (3, 4):
        launch(database, approved(database), at=NOW + timedelta(days=day))
    first, second = mailings(database)
    move(database, first, {"state": MessageState.WITHDRAWN, "reason": Reason.CANCELLED})
    assert composed(database, second) == [1]


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
