"""A form that no person confirmed is in no count but its own, and the next reminder says so; an answer is undone."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import counting, planning, waves
from outreach.campaigns.letter import Composer
from outreach.core.audit import Event, EventKind
from outreach.core.text.french import typeset
from outreach.delivery.letters import FormKind, Seen
from outreach.delivery.models import Batch, Mailing, Message, MessageState, Reason
from outreach.delivery.outbox import due_in
from outreach.engagement import replies
from outreach.engagement.replies import Answer, ReceivedForm, Response, WithdrawalReason
from outreach.engagement.replies._models import Doubt
from tests.campaigns.conftest import SENDING, people, strand
from tests.engagement.replies.test_answers import AT, LATER, give, letters, reminder, stands, three_asked

__all__ = ["letters", "people", "strand", "three_asked"]
SAID = typeset("Une réponse est arrivée sans confirmation")
MINUTE = timedelta(minutes=1)


def send(database, letter, answer, *, seen=None, now=LATER, kind=FormKind.ANSWER):
    """Judge a form of a letter's page, by default one whose page was never opened; returns its doubt."""
    came = ReceivedForm(kind, seen, 0, f"{answer}", b"c" * 32, answers=[Answer(answer)] if answer else [])
    with database.writing() as session:
        return replies.judge_form(session, session.get_one(Message, letter), came, now=now).doubt


def opened(nonce, now=LATER):
    """The seal of a page that was opened a minute before."""
    return Seen(FormKind.ANSWER, 0, now - MINUTE, nonce * 16)


def composed(database, mailing):
    """What each authority reads of the letters of a mailing that wait, as text and as HTML."""
    with database.reading() as session:
        batches = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing)).all()
        due = [one for batch in batches for one in due_in(session, batch, now=AT + timedelta(days=90))]
        made = Composer(SENDING, lambda: LATER)(session, session.get_one(Mailing, mailing), due)
        owners = dict(session.execute(select(Message.id, Message.authority_id)).all())
        return {owners[key]: made[key].content for key in made}


def first_of(database, mailing):
    """How the first letter of a mailing stands."""
    with database.reading() as session:
        query = select(Message.state, Message.reason).where(Message.mailing_id == mailing).order_by(Message.id)
        return tuple(session.execute(query.limit(1)).one())


def undo(database, letter, given_at):
    """Undo what was answered from a letter at a moment, an hour after."""
    by = {"now": given_at + timedelta(hours=1), "because": WithdrawalReason.NOT_OURS}
    with database.writing() as session:
        waves.undo_answer(session, session.get_one(Message, letter), given_at, **by)


@pytest.mark.postgresql
def test_the_next_reminder_says_to_those_alone_that_an_answer_came_without_confirmation(database, letters):
    assert send(database, letters[0], "joined") is Doubt.NO_PAGE
    assert send(database, letters[1], "", kind=FormKind.UNSUBSCRIPTION) is Doubt.NO_PAGE, "which is no answer"
    send(database, letters[2], "joined")
    assert send(database, letters[2], "informed", seen=opened(b"p")) is None, "a person settles what waited"
    reasons, mailing = reminder(database)
    assert set(reasons.values()) == {None}, "nobody is left out of it"
    said = composed(database, mailing)
    with database.reading() as session:
        owners = [session.get_one(Message, key).authority_id for key in letters]
    assert [SAID in said[owner] for owner in owners] == [True, False, False]


@pytest.mark.long
@pytest.mark.postgresql
def test_what_waits_to_be_verified_is_in_no_number_but_its_own(database, letters):
    def counted():
        with database.reading() as session:
            return counting.of_campaign(session, planning.campaign_numbered(session, 1), now=LATER + MINUTE).as_json()

    def events():
        with database.reading() as session:
            return session.scalars(select(Event.id)).all()

    before, told = counted(), events()
    for answer in ("joined", "declined", "in_preparation"):
        send(database, letters[0], answer)
    send(database, letters[1], "", kind=FormKind.UNSUBSCRIPTION)
    after = counted()
    assert (before.pop("to_verify"), after.pop("to_verify")) == (0, 1), "an answer alone"
    before["schools"].pop("to_verify"), after["schools"].pop("to_verify")
    assert after == before
    assert events() == told, "programs are told of nothing"


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_once_every_answer_is_undone_in_any_order_the_reminder_leaves(database, letters, order):
    _, mailing = reminder(database)
    now = AT + timedelta(days=14)
    for place, answer in enumerate(("joined", "declined")):
        give(database, letters[0], answer, now=now + place * MINUTE)
    for place in order:
        assert first_of(database, mailing) == (MessageState.WITHDRAWN, Reason.ANSWERED)
        undo(database, letters[0], now + place * MINUTE)
    assert first_of(database, mailing) == (MessageState.QUEUED, None)


@pytest.mark.long
@pytest.mark.postgresql
def test_undoing_an_answer_lets_what_it_withdrew_wait_again_unless_another_answer_stands(database, letters):
    _, mailing = reminder(database)
    now = AT + timedelta(days=14)

    before = stands(database, letters[0])
    (first,) = give(database, letters[0], "joined", now=now)
    (second,) = give(database, letters[0], "declined", now=now + MINUTE)
    assert first_of(database, mailing) == (MessageState.WITHDRAWN, Reason.ANSWERED)
    undo(database, letters[0], now + MINUTE)
    assert first_of(database, mailing) == (MessageState.WITHDRAWN, Reason.ANSWERED), "the first answer stands"
    with database.reading() as session:
        assert session.scalars(select(Response.id).where(Response.waits())).all() == [first], "and waits again"
    undo(database, letters[0], now)
    assert first_of(database, mailing) == (MessageState.QUEUED, None)
    assert stands(database, letters[0]) == before
    with database.reading() as session:
        told = session.execute(
            select(Event.kind, Event.data)
            .where(Event.kind.in_([one for one in EventKind if one.startswith("response.")]))
            .order_by(Event.id)
        )
        told = [(kind.value, json.loads(data)["response"]) for kind, data in told]
        gone = session.scalars(select(Event.kind).where(Event.kind == EventKind.STATUS_WITHDRAWN)).all()
    assert told == [
        ("response.received", first),
        ("response.handled", first),  # replaced by the second
        ("response.received", second),
        ("response.reopened", first),
        ("response.handled", second),  # undone
        ("response.handled", first),  # undone
    ]
    assert len(gone) == 4, "two schools, twice"
