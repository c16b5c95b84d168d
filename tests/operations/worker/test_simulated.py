"""A campaign to simulated addresses: each does as its name says, from the launch to the list of exclusions."""

import pytest
from sqlalchemy import select

from outreach.campaigns.results import verify_ledger
from outreach.delivery.models import Message, MessageState, Suppression, SuppressionReason
from outreach.directory.models import Contact
from outreach.operations.demo import mailbox
from outreach.operations.worker.clock import ask, collect
from tests import factories
from tests.machine import free_port
from tests.operations.worker.test_process import begin, environment, plan, sink, until

__all__ = ["begin", "environment", "sink"]
SIMULATED = [f"{name}+1@simulateur.example" for name in ("livre", "refuse", "absent", "plaint")]
PENDING = {MessageState.QUEUED, MessageState.HANDING}


@pytest.fixture
def works(begin, tmp_path):
    """A work process whose relay is the demonstration's mailbox, which also gives back what comes back."""
    place, returns = f"127.0.0.1:{free_port()}", tmp_path / "returns"
    with mailbox.serving(place, tmp_path / "box", returns):
        yield begin(
            OUTREACH_SMTP_URL=f"smtp://{place}",
            OUTREACH_BOUNCES_URL=f"maildir://{returns}",
            OUTREACH_ALLOWED_RECIPIENTS="@simulateur.example",
        )


def letters(database, mailing):
    """What became of each letter of a mailing, by address."""
    with database.reading() as session:
        query = select(Message.address, Message.state).where(Message.mailing_id == mailing)
        return dict(session.execute(query.order_by(Message.id)).all())


def excluded(database):
    with database.reading() as session:
        return dict(session.execute(select(Suppression.address_key, Suppression.reason)).all())


def settle(database, now):
    """An authority for each address."""
    factories.gather(database, len(SIMULATED), now=now)
    with database.writing() as session:
        for contact, simulated in zip(session.scalars(select(Contact).order_by(Contact.id)), SIMULATED, strict=True):
            contact.address = contact.address_key = contact.address_ascii = simulated


def test_an_address_that_refuses_and_one_that_complains_are_written_to_no_more(database, works):
    taken, refused, absent, complaining = SIMULATED
    settle(database, works.clock())
    plan(database, works, 0)
    ask(works.due)
    assert until(lambda: (found := letters(database, 1)) and not PENDING & set(found.values()))
    assert letters(database, 1) == dict.fromkeys(SIMULATED, MessageState.ACCEPTED) | {refused: MessageState.REFUSED}
    assert excluded(database) == {refused: SuppressionReason.HARD_BOUNCE}
    collect(works.due)
    assert excluded(database) == {
        refused: SuppressionReason.HARD_BOUNCE,
        complaining: SuppressionReason.COMPLAINT,
    }
    plan(database, works, 0)
    ask(works.due)
    assert until(lambda: (found := letters(database, 2)) and not PENDING & set(found.values()))
    left = {address for address, state in letters(database, 2).items() if state is MessageState.ACCEPTED}
    assert left == {taken, absent}
    with database.reading() as session:
        assert verify_ledger(session, now=works.clock()) == []
