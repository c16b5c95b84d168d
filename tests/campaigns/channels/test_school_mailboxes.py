"""Schools' mailboxes: where some letters fail, paper and call go to the authority, about the schools of these."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from outreach.campaigns import channels, counting, planning, waves
from outreach.campaigns.channels import NotedCall
from outreach.campaigns.counting import Reach
from outreach.campaigns.evidence import CallOutcome, EscalationStep, StepState
from outreach.campaigns.models import Campaign, PaperBatch, PaperLetter, Wave, WaveState
from outreach.campaigns.segments import Boxes
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageState, Reason
from outreach.directory import contacts
from outreach.directory.models import Authority, Contact, School
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Response
from tests import factories
from tests.campaigns.channels.climbing import climb
from tests.campaigns.channels.test_climbing import became, day, opened, with_ladder
from tests.campaigns.conftest import AUTHOR, SENDING, add_contact, settle
from tests.conftest import NOW, state_from

S = MessageState


@state_from("programmed")
def written_by_school(database, _settings):
    """An authority with three schools, each with a mailbox of its own; a campaign wrote to these three."""
    settle(database, 1, schools=3)
    with database.writing() as session:
        po = session.get_one(Authority, 1)
        po.address, po.locality, po.postcode = "Rue Haute 7", "Namur", "5000"
        for place, school in enumerate(session.scalars(select(School).order_by(School.id)).all()):
            address = f"ecole{place}@po1.example"
            add_contact(session, po, address)
            held = session.scalars(select(Contact).where(Contact.address == address)).one()
            contacts.answer_for(session, po, held, [school], now=NOW, actor=AUTHOR)
    with_ladder(database, "paper:1:failed call:3:failed", boxes=Boxes.SCHOOLS)


def letters_of(database):
    with database.reading() as session:
        query = select(Message.address, Message.reason).where(Message.mailing_id == 1).order_by(Message.id)
        return session.execute(query).all()


def printed(database):
    """The schools that the letter on paper lists."""
    with database.writing() as session:
        (wave,) = session.scalars(select(Wave))
        channels.make_batch(session, wave.campaign, wave, SENDING, sheet=False, now=day(1), actor=AUTHOR)
        letter = session.scalars(select(PaperLetter)).one()
        message = session.get_one(Message, letter.step.message_id)
        about = frozenset(channels.paper_letter_of(session, message).schools)
        question = replies.question_of(session, message, now=day(1), about=about)
        return letter.schools, tuple(row.school.id for row in question.schools)


def schools(database):
    with database.reading() as session:
        return session.scalars(select(School.id).order_by(School.id)).all()


def test_all_are_written_to_and_accepted_so_that_no_rung_is_due(written_by_school):
    assert [address for address, _ in letters_of(written_by_school)] == [
        f"ecole{place}@po1.example" for place in range(3)
    ]
    became(written_by_school, S.ACCEPTED, S.ACCEPTED, S.ACCEPTED)
    assert climb(written_by_school, day(1)) == (0, 0)


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.parametrize("failing", [(1,), (0, 2)])
def test_the_letter_on_paper_and_its_answer_page_are_about_the_schools_whose_letter_failed(written_by_school, failing):
    became(written_by_school, *(S.REFUSED if place in failing else S.ACCEPTED for place in range(3)))
    assert climb(written_by_school, day(1)) == (0, 1)
    listed, asked = printed(written_by_school)
    expected = tuple(schools(written_by_school)[place] for place in failing)
    assert (listed, tuple(sorted(asked))) == (expected, expected)


def test_a_letter_that_is_on_the_way_holds_the_rung_back(written_by_school):
    became(written_by_school, S.REFUSED, S.ACCEPTED)
    assert climb(written_by_school, day(1)) == (0, 0)


@pytest.mark.long
def test_an_open_step_stops_once_a_letter_reached_each_school(written_by_school):
    became(written_by_school, S.ACCEPTED, S.REFUSED, S.ACCEPTED)
    climb(written_by_school, day(1))
    became(written_by_school, S.ACCEPTED, S.ACCEPTED, S.ACCEPTED)
    assert climb(written_by_school, day(2)) == (1, 0)
    assert opened(written_by_school)[-1] == (1, "paper", "stopped", "arrived")


def test_a_school_that_answered_does_not_end_it_for_another_whose_letter_failed(written_by_school):
    became(written_by_school, S.ACCEPTED, S.REFUSED, S.ACCEPTED)
    with written_by_school.writing() as session:
        letter = session.scalars(select(Message).order_by(Message.id)).first()
        (school,) = replies.question_of(session, letter, now=day(1)).open()
        given = replies.Given({school.id: Answer.JOINED})
        replies.give_answers(session, letter, given, now=day(1))
    assert climb(written_by_school, day(1)) == (0, 1)


@pytest.mark.long
def test_a_call_asks_about_the_schools_whose_letter_failed(written_by_school):
    became(written_by_school, S.REFUSED, S.ACCEPTED, S.EXPIRED)
    climb(written_by_school, day(1))
    printed(written_by_school)
    with written_by_school.writing() as session:
        (step,) = session.scalars(select(EscalationStep))
        step.state = StepState.FAILED
    assert climb(written_by_school, day(3)) == (0, 1)
    with written_by_school.writing() as session:
        campaign = session.get_one(Campaign, 1)
        step = session.scalars(select(EscalationStep).order_by(-EscalationStep.id)).first()
        assert "2\u00a0écoles attendent" in channels.letter_in_three_lines(session, step, SENDING, now=day(3))[1]
        noted = NotedCall(CallOutcome.REACHED, answer=Answer.IN_PREPARATION)
        channels.note_call(session, campaign, step.id, noted, SENDING, now=day(3), actor=AUTHOR)
        (response,) = session.scalars(select(Response))
        first, _, third = session.scalars(select(School.id).order_by(School.id))
        assert {school.id for school in response.schools} == {first, third}
    assert told(written_by_school) == {"reached": (1, 3)}


def called(database, *, answer=None, schools=()):
    """The call that is due at the fourth day is noted: somebody was reached, and perhaps answered."""
    with database.writing() as session:
        step = session.scalars(select(EscalationStep).where(EscalationStep.channel == "call")).one()
        noted = NotedCall(CallOutcome.REACHED, answer=answer, schools=schools)
        channels.note_call(session, session.get_one(Campaign, 1), step.id, noted, SENDING, now=day(3), actor=AUTHOR)


@state_from("written_by_school")
def two_to_call(database, _settings):
    """The letters of the first and third school failed, paper as well, and the authority is to be called; a reminder
    to the three mailboxes is queued."""
    became(database, S.REFUSED, S.ACCEPTED, S.EXPIRED)
    climb(database, day(1))
    with database.writing() as session:
        session.scalars(select(EscalationStep)).one().state = StepState.FAILED
    climb(database, day(3))
    with database.writing() as session:
        wave = session.scalars(select(Wave)).one()
        reminder = Mailing(**factories.mailing(NOW, strand_id=wave.mailing.strand_id, filled_at=NOW))
        session.add(reminder)
        session.flush()
        fields = {"campaign_id": 1, "due_at": day(3), "latest_start": day(4), "state": WaveState.RUNNING, "number": 2}
        session.add(Wave(**fields, reminder=1, mailing_id=reminder.id, departure=wave.departure))
        found = planning.addressees_among(session, wave.campaign, [1], now=day(3))
        outbox.put_recipients(session, reminder, found, SENDING.return_path, now=day(3))


def going_on(database):
    """The places of the mailboxes whose reminder is still queued, and of those that a later one would go to."""
    with database.reading() as session:
        query = select(Message.address).where(Message.state == S.QUEUED).order_by(Message.address)
        found = planning.addressees_among(session, session.get_one(Campaign, 1), [1], now=day(3))
        later = sorted(one.address for one in found if one.reason is not Reason.ANSWERED)
        assert later == list(session.scalars(query))
        return [int(address[5]) for address in later]


@pytest.mark.long
@pytest.mark.postgresql
def test_a_call_stops_the_reminders_of_every_mailbox_that_it_answers_for_and_of_no_other(two_to_call):
    called(two_to_call, answer=Answer.IN_PREPARATION)
    assert going_on(two_to_call) == [1]


def test_a_call_about_one_of_the_schools_leaves_the_reminders_of_the_others(two_to_call):
    called(two_to_call, answer=Answer.IN_PREPARATION, schools=(schools(two_to_call)[2],))
    assert going_on(two_to_call) == [0, 1]


def test_a_call_that_asks_for_help_stops_the_reminders_of_those_whose_letter_failed(two_to_call):
    called(two_to_call, answer=Answer.HELP)
    assert going_on(two_to_call) == [1]


def test_a_call_without_an_answer_stops_no_reminder(two_to_call):
    called(two_to_call)
    assert going_on(two_to_call) == [0, 1, 2]


@pytest.mark.long
def test_an_answer_for_the_schools_whose_letter_failed_ends_the_rung_though_another_mailbox_goes_on(written_by_school):
    became(written_by_school, S.ACCEPTED, S.REFUSED, S.ACCEPTED)
    climb(written_by_school, day(1))
    printed(written_by_school)
    with written_by_school.writing() as session:
        letter = session.scalars(select(PaperLetter)).one()
        message = session.get_one(Message, letter.step.message_id)
        given = replies.Given(dict.fromkeys(letter.schools, Answer.JOINED), is_by_code=True)
        given = replace(given, about=frozenset(letter.schools))
        waves.receive_answer(session, message, given, SENDING, now=day(1), step=letter.step_id)
    assert climb(written_by_school, day(2)) == (1, 0)
    assert opened(written_by_school)[-1] == (1, "paper", "stopped", "answered")


def told(database, at=3):
    """How many authorities and schools the campaign reached, by how sure it is; parts without any are left out."""
    with database.reading() as session:
        found = counting.of_campaign(session, session.get_one(Campaign, 1), now=day(at))
        each = {one.value: (found.authorities[one], found.schools[one]) for one in Reach}
        assert [sum(many) for many in zip(*each.values(), strict=True)] == [1, 3]
        return {key: many for key, many in each.items() if any(many)}


@pytest.mark.long
@pytest.mark.postgresql
def test_each_school_counts_by_the_letters_that_list_it(written_by_school):
    became(written_by_school, S.ACCEPTED, S.REFUSED, S.EXPIRED)
    assert told(written_by_school) == {"too_early": (1, 1), "left": (0, 2)}
    climb(written_by_school, day(1))
    printed(written_by_school)
    with written_by_school.writing() as session:
        batch = session.scalars(select(PaperBatch)).one()
        channels.note_posted(session, batch, on=day(1).date(), today=day(1).date(), now=day(1), actor=AUTHOR)
    assert told(written_by_school) == {"too_early": (1, 3)}
    assert told(written_by_school, at=11) == {"presumed": (1, 2), "unread": (0, 1)}
    became(written_by_school, S.REFUSED, S.REFUSED, S.EXPIRED)
    assert told(written_by_school, at=11) == {"presumed": (1, 2), "left": (0, 1)}


@pytest.mark.long
def test_a_call_that_got_somebody_reaches_all_the_schools_of_the_authority(two_to_call):
    assert told(two_to_call) == {"too_early": (1, 1), "left": (0, 2)}
    called(two_to_call, answer=Answer.IN_PREPARATION)
    assert told(two_to_call) == {"reached": (1, 3)}
