"""Letters and hits beyond the two-billionth leave, are answered and counted as the first ones."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from outreach.campaigns import waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.results import verify_ledger
from outreach.delivery.models import Message, MessageState, MessageSubject
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.replies import Answer, Given
from outreach.engagement.tracking import Agent, Hit, Signals, TrackingBasis
from outreach.engagement.tracking._models import BasisKind
from outreach.operations.worker.clock import ask
from tests import factories
from tests.arriving import come
from tests.operations.worker.test_process import accepted, begin, environment, plan, sink, until

__all__ = ["begin", "environment", "sink"]
FIRST = 2**31 + 1


@pytest.fixture
def works(database, begin):
    with database.writing() as session:
        for table in ("messages", "hits"):
            session.execute(text(f"ALTER SEQUENCE {table}_id_seq RESTART WITH {FIRST}"))
    return begin()


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite's integers are of one kind
def test_letters_and_hits_beyond_two_billion_leave_are_answered_and_are_counted(database, works, sink):
    plan(database, works)
    ask(works.due)
    assert until(lambda: accepted(database) == 5)
    now, sending = works.clock(), SenderIdentity.of(works.settings)
    with database.writing() as session:
        letter = session.get_one(Message, FIRST)
        school = session.scalars(select(MessageSubject.school_id).where(MessageSubject.message_id == FIRST)).one()
        waves.receive_answer(session, letter, Given({school: Answer.HELP}), sending, now=now)
        contact = session.scalars(select(Contact.id).where(Contact.authority_id == letter.authority_id)).one()
        decided = {"kind": BasisKind.DECISION, "given_by": "DPO", "reference": "DPO 1", "taken_on": now.date()}
        session.add(
            TrackingBasis(
                contact_id=contact, **decided, recorded_at=now - timedelta(hours=1), recorded_by=factories.AUTHOR
            )
        )
        letter.state, letter.reply_code = MessageState.IN_DOUBT, None
    with database.writing() as session:
        assert tracking.measurable_messages(session, {FIRST}) == {FIRST}
        signals = [Signals(link, now + timedelta(seconds=link), Agent.BROWSER, is_head=False) for link in (0, 1, 2)]
        come(session, FIRST, *signals)
    works.due.settle("")
    ask(works.due)
    assert until(lambda: len(sink.accepted) == 6), "the receipt leaves, too"
    with database.reading() as session:
        assert session.scalars(select(Hit.id).order_by(Hit.id)).all() == [FIRST, FIRST + 1, FIRST + 2]
        assert session.get_one(Message, FIRST).state is MessageState.ACCEPTED
        assert verify_ledger(session, now=works.clock()) == []
