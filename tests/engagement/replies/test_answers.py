"""Answers: recorded as declared, handled by staff once, and they stop the reminders of their campaign at once."""

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, update

from outreach.access import accounts
from outreach.adherence import records
from outreach.adherence.models import AdherenceRecord, Programme, Status, Strand, Word
from outreach.campaigns import planning, waves
from outreach.campaigns.letter import Composer
from outreach.campaigns.models import Wave
from outreach.core.audit import AuditEntry
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import deliverability, outbox
from outreach.delivery.models import Batch, Mailing, Message, MessageState, Purpose, Reason, SuppressionReason
from outreach.delivery.outbox import due_in
from outreach.directory import contacts
from outreach.directory.models import Authority, Contact
from outreach.engagement import replies
from outreach.engagement.replies import Answer, FollowUp, Given, Response, StepKind, Tray, steps_of
from outreach.engagement.replies import _recording as recording
from outreach.staff import reassignment
from tests.campaigns.conftest import (
    APPROVER,
    AUTHOR,
    SENDING,
    add_contact,
    advance,
    approved,
    launch,
    people,
    settle,
    strand,
)
from tests.conftest import NOW, state_from
from tests.delivery.letters.linter import faults

__all__ = ["people", "strand"]
OTHER, CHIEF = "lucie.parent@fwb.example", "hugo.willems@fwb.example"
LATER = NOW + timedelta(days=1)
AT = NOW + timedelta(days=3)
LEFT = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": AT, "settled_at": AT, "reply_code": 250}


@state_from("programmed")
def three_asked(database, _settings):
    """Three authorities with two schools each, one letter to each that left, two reminders planned."""
    settle(database, 3, schools=2)
    launch(database, approved(database, reminders=(14,)), at=AT)
    with database.writing() as session:
        session.execute(update(Message).values(LEFT))


@pytest.fixture
def letters(three_asked):
    """The keys of the letters to three authorities."""
    with three_asked.reading() as session:
        return session.scalars(select(Message.id).order_by(Message.id)).all()


def give(database, letter, answer, now=LATER, schools=None, **details):
    """Answer a letter for all its schools, or for some; returns the keys of the responses."""
    with database.writing() as session:
        message = session.get_one(Message, letter)
        question = recording.question_of(session, message, now=now)
        keys = [school.id for school in question.open()] if schools is None else schools
        kind = Answer(answer)
        given = Given(dict.fromkeys(keys, kind) if kind.status else {}, None if kind.status else kind, **details)
        return [response.id for response in waves.receive_answer(session, message, given, SENDING, now=now)]


@pytest.mark.long
def test_what_waits_is_what_no_step_handled_whatever_is_done(database, letters):
    dice = Random(5)
    handled = 0
    for turn in range(30):
        now = LATER + timedelta(minutes=turn)
        if turn < 3 or dice.random() < 0.3:
            with suppress(InputError, Refused):
                give(database, dice.choice(letters), dice.choice([*Answer]), now=now)
        with database.writing() as session, suppress(Refused):
            one = dice.choice(session.scalars(select(Response)).all())
            act = dice.choice(
                [
                    replies.take_response,
                    replies.act_on_response,
                    replies.set_response_aside,
                    replies.reopen_response,
                    replies.reopen_response,
                ]
            )
            act(session, one, now=now, actor=OTHER)
        with database.reading() as session:
            every = session.scalars(select(Response).order_by(Response.id)).all()
            waiting = [one.id for one in every if one.handled_at is None]
            assert session.scalars(select(Response.id).where(Response.waits()).order_by(Response.id)).all() == waiting
            counted = replies.count_trays(session)
            assert counted[Tray.HANDLED] == len(every) - len(waiting)
            assert sum(counted.values()) == len(every)
            handled = max(handled, counted[Tray.HANDLED])
    assert handled
    assert waiting


def test_an_answer_given_again_is_confirmed_once(database, letters):
    for hour in range(3):
        give(database, letters[0], "help", now=LATER + timedelta(hours=hour))
    assert confirmations(database) == 1
    give(database, letters[0], "joined", now=LATER + timedelta(hours=4))
    assert confirmations(database) == 2


def confirmations(database):
    with database.reading() as session:
        return len(session.scalars(select(Mailing.id).where(Mailing.purpose == Purpose.CONFIRMATION)).all())


def act(database, key, verb=replies.act_on_response, now=LATER, **details):
    with database.writing() as session:
        verb(session, replies.response_numbered(session, key), now=now, actor=AUTHOR, **details)


def stands(database, letter):
    """Status and word of each school of the letter's authority."""
    with database.reading() as session:
        question = recording.question_of(session, session.get_one(Message, letter), now=LATER)
        return [(row.strands[1].status, row.strands[1].word) for row in question.schools]


@pytest.mark.one_example
@pytest.mark.parametrize("answer", [one for one in Answer if one.status])
def test_an_answer_is_recorded_on_the_word_of_the_authority(database, letters, answer):
    (key,) = give(database, letters[0], answer)
    assert stands(database, letters[0]) == [(answer.status, Word.DECLARED)] * 2
    with database.reading() as session:
        response = session.get_one(Response, key)
        assert (response.handled_at is None) == answer.awaits_staff
        assert len(response.schools) == 2
        (number,) = session.scalars(select(Contact.id).where(Contact.address_key == response.message.address_key))
        assert set(session.scalars(select(AdherenceRecord.recorded_by))) == {f"mailbox:{number}"}


@pytest.mark.postgresql
def test_a_joining_that_is_taken_back_while_staff_confirm_it_is_not_confirmed(database, letters):
    (key,) = give(database, letters[0], "joined")
    with ThreadPoolExecutor() as pool:
        with database.writing() as session:
            message = session.get_one(Message, letters[0])
            keys = [school.id for school in recording.question_of(session, message, now=LATER).open()]
            given = Given(dict.fromkeys(keys, Answer.DECLINED))
            waves.receive_answer(session, message, given, SENDING, now=LATER)
            other = pool.submit(act, database, key)
            wait([other], timeout=0.2)
        with pytest.raises(Refused, match="déjà traitée"):
            other.result()
    assert stands(database, letters[0]) == [(Status.DECLINED, Word.DECLARED)] * 2


@pytest.mark.parametrize("answer", [Answer.HELP, Answer.WRONG_CONTACT])
def test_a_request_is_a_task_and_no_status(database, letters, answer):
    give(database, letters[0], answer)
    assert stands(database, letters[0]) == [(Status.NONE, None)] * 2
    with database.reading() as session:
        assert replies.count_trays(session)[Tray(answer.value)] == 1


def test_schools_may_be_answered_for_one_by_one(database, letters):
    with database.writing() as session:
        message = session.get_one(Message, letters[0])
        one, two = (school.id for school in recording.question_of(session, message, now=LATER).open())
        made = recording.give_answers(
            session, message, Given({one: Answer.JOINED, two: Answer.DECLINED}, comment="Déjà équipée"), now=LATER
        )
        assert sorted(response.answer for response in made) == ["declined", "joined"]
    assert {status for status, _ in stands(database, letters[0])} == {Status.JOINED, Status.DECLINED}
    with database.reading() as session:
        assert {row.reason for row in session.scalars(select(AdherenceRecord))} == {"Déjà équipée"}


def test_to_have_read_a_letter_takes_no_school_back(database, letters):
    give(database, letters[0], "in_preparation")
    give(database, letters[0], "informed", now=LATER + timedelta(hours=1))
    assert stands(database, letters[0]) == [(Status.IN_PREPARATION, Word.DECLARED)] * 2


def test_a_school_of_somebody_else_and_no_answer_at_all_are_refused(database, letters):
    with database.writing() as session:
        message = session.get_one(Message, letters[0])
        other = recording.question_of(session, session.get_one(Message, letters[1]), now=LATER).open()[0]
        for given in (Given({other.id: Answer.JOINED}), Given({})):
            with pytest.raises(InputError):
                recording.give_answers(session, message, given, now=LATER)


@pytest.mark.long
def test_a_flood_of_answers_is_slowed_down_and_the_next_hour_is_free(database, letters):
    for minute in range(recording.MOST_AN_HOUR):
        give(database, letters[0], "help", now=LATER + timedelta(minutes=minute))
    with pytest.raises(Refused, match="dans une heure"):
        give(database, letters[0], "help", now=LATER + timedelta(minutes=30))
    give(database, letters[0], "help", now=LATER + timedelta(hours=2))


def test_a_later_answer_replaces_the_one_that_waits(database, letters):
    (first,) = give(database, letters[0], "joined")
    (second,) = give(database, letters[0], "declined", now=LATER + timedelta(minutes=1))
    with database.reading() as session:
        replaced = session.get_one(Response, first)
        came = replies.follow_up(replaced.answer, replaced.handled_by, replaced.outcome)
        assert (replaced.outcome, came) == (replies.REPLACED, FollowUp.REPLACED)
        assert session.get_one(Response, second).handled_at is None
        assert replies.count_trays(session)[Tray.JOINED] == 0
    assert stands(database, letters[0]) == [(Status.DECLINED, Word.DECLARED)] * 2


def test_confirming_a_joining_says_its_effect_and_counts_it_once(database, letters):
    (key,) = give(database, letters[0], "joined")
    with database.reading() as session:
        effect = replies.effect_of(session, session.get_one(Response, key), now=LATER)
        assert effect.button == "Confirmer l’adhésion de 2 écoles"
        assert "devient confirmée" in effect.sentence
    act(database, key)
    assert stands(database, letters[0]) == [(Status.JOINED, Word.CONFIRMED)] * 2
    with pytest.raises(Refused, match="déjà traitée"):
        act(database, key)


def close(database, day):
    with database.writing() as session:
        for strand in session.scalars(select(Strand)):
            strand.closed_on = day


def test_a_joining_is_declared_no_more_once_its_strand_has_closed(database, letters):
    close(database, today(LATER) - timedelta(days=1))
    with database.reading() as session:
        question = recording.question_of(session, session.get_one(Message, letters[0]), now=LATER)
    assert [answer for answer in Answer if not question.takes(answer)] == [Answer.JOINED]
    with pytest.raises(InputError, match=r"une adhésion ne s’y déclare plus\. Si une école a adhéré avant, dites-le"):
        give(database, letters[0], "joined")
    assert give(database, letters[0], "declined")


def test_a_joining_that_was_declared_in_time_is_confirmed_of_the_last_day_once_its_strand_has_closed(database, letters):
    (key,) = give(database, letters[0], "joined")
    close(database, today(LATER))
    act(database, key, now=LATER + timedelta(days=5))
    assert stands(database, letters[0]) == [(Status.JOINED, Word.CONFIRMED)] * 2
    with database.reading() as session:
        confirmed = select(AdherenceRecord.effective_on).where(AdherenceRecord.word == Word.CONFIRMED).distinct()
        assert session.scalars(confirmed).all() == [today(LATER)]


def test_a_confirmed_joining_is_not_asked_for_again(database, letters):
    (key,) = give(database, letters[0], "joined")
    act(database, key)
    with database.reading() as session:
        assert recording.question_of(session, session.get_one(Message, letters[0]), now=LATER).open() == []


def test_nothing_is_confirmed_of_what_is_no_longer_declared(database, letters):
    (key,) = give(database, letters[0], "joined")
    with database.writing() as session:
        message = session.get_one(Message, letters[0])
        question = recording.question_of(session, message, now=LATER)
        programme = session.scalars(select(Programme)).one()
        records.record_adherence(
            session, question.authority, programme, question.strand, question.open(), status=Status.DECLINED,
            word=Word.CONFIRMED, effective_on=LATER.date(), now=LATER, today=LATER.date(), actor=AUTHOR, source="Appel",
        )  # fmt: skip
    with pytest.raises(Refused, match="rien à confirmer"):
        act(database, key)
    act(database, key, replies.set_response_aside, note="appelé")
    with database.reading() as session:
        assert session.get_one(Response, key).outcome == "classée sans suite : appelé"


def test_a_wrong_contact_is_replaced_by_the_proposed_address(database, letters):
    (key,) = give(database, letters[0], "wrong_contact", proposed_address="direction@ecole.be")
    act(database, key, replies.take_response)
    act(database, key)
    with database.reading() as session:
        response = session.get_one(Response, key)
        held = session.scalars(select(Contact).where(Contact.authority_id == response.authority_id)).all()
        assert {(one.address, one.retired_at is None) for one in held} == {
            (response.message.address, False),
            ("direction@ecole.be", True),
        }
        assert response.owner == AUTHOR


@pytest.mark.parametrize(
    ("proposed", "words", "in_use"),
    [
        ("po009001@adm.fwb.example", "rien à changer", {"po009001@adm.fwb.example", "b@ecole.example"}),
        ("b@ecole.example", "déjà en usage, reste", {"b@ecole.example"}),
        ("c@ecole.example", "la remplace", {"b@ecole.example", "c@ecole.example"}),
        ("direсtion@ecole.example", "deuxième personne", {"b@ecole.example", "direсtion@ecole.example"}),
        ("c@gmial.com", "« gmail.com » ?", {"b@ecole.example", "c@gmial.com"}),
    ],
    ids=["the letter's own", "in use", "new", "mixed writing", "a slip"],
)
def test_what_is_said_of_a_proposed_address_is_what_is_done(database, letters, proposed, words, in_use):
    with database.writing() as session:
        found = session.scalars(select(Authority).where(Authority.fase == 9001)).one()
        add_contact(session, found, "b@ecole.example")
    (key,) = give(database, letters[0], "wrong_contact", proposed_address=proposed)
    with database.reading() as session:
        assert words in replies.effect_of(session, replies.response_numbered(session, key), now=LATER).sentence
    act(database, key)
    with database.reading() as session:
        held = select(Contact.address).join(Authority).where(Authority.fase == 9001, Contact.retired_at.is_(None))
        assert set(session.scalars(held)) == in_use


def test_an_address_that_rejected_mail_is_put_back_by_who_says_it_is_right(database, letters):
    with database.writing() as session:
        contacts.record_bounce(session, "po009001@adm.fwb.example", now=NOW, actor="automatique")
    (key,) = give(database, letters[0], "wrong_contact", proposed_address="po009001@adm.fwb.example")
    act(database, key)
    with database.reading() as session:
        found = select(Contact.address).join(Authority).where(Authority.fase == 9001, Contact.usable())
        assert session.scalars(found).all() == ["po009001@adm.fwb.example"]


@pytest.mark.long
def test_the_inbox_is_filtered_by_tray_and_owner_the_oldest_first(database, letters):
    give(database, letters[1], "help", now=LATER + timedelta(hours=1))
    (first,) = give(database, letters[0], "help")
    give(database, letters[2], "not_concerned")
    act(database, first, replies.take_response)
    with database.reading() as session:
        assert next(row.id for row in replies.list_responses(session, Tray.HELP).page(1)) == first
        assert replies.list_responses(session, None).count() == 3
        assert replies.list_responses(session, None, owner=AUTHOR).count() == 1
        assert replies.count_trays(session)[Tray.REFUSED] == 1
        assert list(replies.count_trays(session)) == ["help", "wrong_contact", "refused", "joined", "handled"]
    act(database, first)
    with database.reading() as session:
        assert replies.list_responses(session, Tray.HANDLED).count() == 1


def second_wave(database):
    with database.reading() as session:
        wave = session.scalars(select(Wave).where(Wave.number == 2)).one()
        return wave.id, wave.due_at


def reminder(database):
    """Launch the second wave; returns {authority: reason}, and its mailing."""
    wave, due_at = second_wave(database)
    advance(database, wave, due_at)
    with database.reading() as session:
        mailing = session.get_one(Wave, wave).mailing_id
        rows = session.execute(select(Message.authority_id, Message.reason).where(Message.mailing_id == mailing))
        return dict(rows.all()), mailing


@pytest.mark.long
def test_a_reminder_leaves_out_who_answered_joined_unsubscribed_or_bounced_and_says_why(database, people, strand):
    made = list(settle(database, 6))
    launch(database, approved(database, reminders=(14,)), at=AT)
    with database.writing() as session:
        session.execute(update(Message).values(LEFT))
        rows = {row.authority_id: row for row in session.scalars(select(Message))}
        outbox.suppress_address(
            session, rows[made[2]].address_key, SuppressionReason.UNSUBSCRIBED, now=LATER, actor="destinataire"
        )
        session.scalars(select(Contact).where(Contact.authority_id == made[3])).one().bounced_at = LATER
        keys = {authority: row.id for authority, row in rows.items()}
    give(database, keys[made[0]], "in_preparation")
    give(database, keys[made[1]], "joined")
    settle(database, 1)  # somebody new, whom the segment means: a reminder is for them too
    reasons, _ = reminder(database)
    assert [reasons[key] for key in made] == [
        Reason.ANSWERED, Reason.JOINED, Reason.SUPPRESSED, Reason.BOUNCED, None, None,
    ]  # fmt: skip
    assert list(reasons.values()).count(None) == 3


@pytest.mark.long
def test_a_reminder_says_who_has_left_the_segment_and_its_own_letters_do_not_count_as_written(database, people, strand):
    made = list(settle(database, 2))
    asked = '{"and":[{"not_written_since":{"days":60}},{"school_status":{"strand":1,"statuses":["none"]}}]}'
    number = approved(database, reminders=(14,))
    with database.writing() as session:
        campaign = planning.in_turn(session, number)
        planning.revise_campaign(session, campaign, {"criteria": asked}, now=NOW, actor=AUTHOR)
        planning.submit_campaign(session, campaign, now=NOW, actor=AUTHOR)
        planning.approve_campaign(session, campaign, now=NOW, actor="marc.dethier@fwb.example")
    launch(database, number, at=AT)
    with database.writing() as session:
        session.execute(update(Message).values(LEFT))
        first = session.get_one(Authority, made[0])
        programme = session.scalars(select(Programme)).one()
        records.record_adherence(
            session, first, programme, session.scalars(select(Strand)).one(),
            records.eligible_schools(session, first, programme.strands, LATER.date()), status=Status.DECLINED,
            word=Word.CONFIRMED, effective_on=LATER.date(), now=LATER, today=LATER.date(), actor=AUTHOR, source="Appel",
        )  # fmt: skip
    reasons, _ = reminder(database)
    assert reasons == {made[0]: Reason.OUTSIDE, made[1]: None}


def test_an_answer_withdraws_a_reminder_that_is_queued_already(database, letters):
    _, mailing = reminder(database)
    give(database, letters[0], "declined", now=AT + timedelta(days=14))
    with database.reading() as session:
        rows = session.scalars(select(Message).where(Message.mailing_id == mailing).order_by(Message.id)).all()
        assert [(row.state, row.reason) for row in rows] == [
            (MessageState.WITHDRAWN, Reason.ANSWERED), (MessageState.QUEUED, None), (MessageState.QUEUED, None),
        ]  # fmt: skip


def test_a_confirmation_leaves_says_what_was_answered_in_our_words_and_is_in_no_count(database, letters):
    give(database, letters[0], "joined", comment="((nom_po)) <script>")
    with database.reading() as session:
        mailing = session.scalars(select(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION)).one()
        batch = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id)).one()
        due = due_in(session, batch, now=LATER + timedelta(days=90))
        (letter,) = Composer(SENDING, lambda: LATER)(session, mailing, due).values()
        assert faults(letter.wire) == []
        assert b"List-Unsubscribe" not in letter.wire
        assert b"script" not in letter.wire
        assert "Nous adhérons" in letter.content or b"Nous adh=C3=A9rons (2" in letter.wire
        written = outbox.authorities_written_since(NOW)
        assert len(session.scalars(written).all()) == 3


def test_what_was_done_about_an_answer_can_be_read_again_at_any_moment(database, letters):
    """Taken by one, handled by the other, reopened: no step hides the one before."""
    (key,) = give(database, letters[0], "help")
    hours = [LATER + timedelta(hours=hour) for hour in range(1, 5)]
    act(database, key, replies.take_response, now=hours[0])
    act(database, key, now=hours[1], note="appelé")
    assert read(database, key) == (AUTHOR, hours[1], AUTHOR, "appelé", 0)
    act(database, key, replies.reopen_response, now=hours[2], note="ils rappellent")
    assert read(database, key) == (AUTHOR, None, None, None, 1)
    act(database, key, replies.set_response_aside, now=hours[3])
    with database.reading() as session:
        told = [(one.step, one.at, one.note) for one in steps_of(session, replies.response_numbered(session, key))]
    assert told == [
        (StepKind.TAKEN, hours[0], ""),
        (StepKind.HANDLED, hours[1], "appelé"),
        (StepKind.REOPENED, hours[2], "ils rappellent"),
        (StepKind.HANDLED, hours[3], "classée sans suite"),
    ]


def read(database, key):
    with database.reading() as session:
        response = replies.response_numbered(session, key)
        waiting = replies.list_responses(session, Tray.HELP).count()
        return response.owner, response.handled_at, response.handled_by, response.outcome, waiting


def test_only_what_staff_handled_is_reopened(database, letters):
    (waiting,) = give(database, letters[0], "help")
    with pytest.raises(Refused, match="ne se rouvre pas"):
        act(database, waiting, replies.reopen_response)
    give(database, letters[0], "help", now=LATER + timedelta(hours=1))
    with pytest.raises(Refused, match="plus récente"):
        act(database, waiting, replies.reopen_response)
    (silent,) = give(database, letters[1], "informed")
    with pytest.raises(Refused):
        act(database, silent, replies.reopen_response)


def test_a_response_is_handed_to_a_colleague_who_may_act_on_it(database, letters):
    (key,) = give(database, letters[0], "help")
    with database.writing() as session:
        other = {"email": OTHER, "name": "Lucie Parent", "roles": (RoleName.AUTHOR,), "password_hash": "x"}
        accounts.add_user(session, NOW, "installation", **other)
    for _ in range(2):
        act(database, key, replies.hand_over_response, to=OTHER)
    with pytest.raises(InputError, match="rédaction"):
        act(database, key, replies.hand_over_response, to=APPROVER)
    with database.reading() as session:
        response = replies.response_numbered(session, key)
        assert response.owner == OTHER
        assert [step.note for step in steps_of(session, response)] == ["confiée par Nadia Lambert"]
        assert replies.list_responses(session, None, owner=OTHER).count() == 1


def test_a_day_to_come_back_is_set_once_and_ends_when_the_response_is_handled(database, letters):
    (key,) = give(database, letters[0], "help")
    for _ in range(2):
        act(database, key, replies.recall_response, day=LATER.date())
    with database.reading() as session:
        response = replies.response_numbered(session, key)
        assert (response.recall_on, response.owner) == (LATER.date(), AUTHOR)
        assert [step.step for step in steps_of(session, response)] == [StepKind.TAKEN, StepKind.POSTPONED]
        assert replies.count_recalls(session, now=LATER) == (1, 1)
    act(database, key)
    act(database, key, replies.reopen_response)
    with database.reading() as session:
        assert replies.response_numbered(session, key).recall_on is None
        assert replies.count_recalls(session, now=LATER) == (0, 0)


@pytest.mark.long
def test_joinings_about_the_same_schools_are_confirmed_together_once(database, letters):
    (first,) = give(database, letters[0], "joined")
    schools = schools_of(database, first)
    (second,) = give(database, letters[0], "joined", now=LATER + timedelta(minutes=1), schools=schools[:1])
    with database.writing() as session:
        waiting = replies.tickable_responses(session, [first, second])
        seen = {key: told.version for key, told in replies.effects_of(session, waiting, now=LATER).items()}
        assert set(seen) == {first, second}
        assert len(replies.act_on_all(session, seen, now=LATER, actor=AUTHOR)) == 2
    assert stands(database, letters[0]) == [(Status.JOINED, Word.CONFIRMED)] * 2


@pytest.mark.long
def test_of_responses_handled_together_one_that_changed_leaves_all_as_they_were(database, letters):
    keys = [give(database, letter, "joined")[0] for letter in letters[:2]]
    with database.reading() as session:
        waiting = replies.tickable_responses(session, keys)
        seen = {key: told.version for key, told in replies.effects_of(session, waiting, now=LATER).items()}
    give(database, letters[1], "declined", now=LATER + timedelta(hours=1))
    with database.writing() as session, pytest.raises(replies.EffectChanged):
        replies.act_on_all(session, seen, now=LATER, actor=AUTHOR)
    assert stands(database, letters[0]) == [(Status.JOINED, Word.DECLARED)] * 2


def test_a_joining_with_nothing_left_to_confirm_is_not_handled_with_others(database, letters):
    (key,) = give(database, letters[0], "joined")
    act(database, key)
    act(database, key, replies.reopen_response)
    with database.writing() as session:
        seen = {key: replies.effect_of(session, replies.response_numbered(session, key), now=LATER).version}
        with pytest.raises(replies.EffectChanged, match="rien à confirmer"):
            replies.act_on_all(session, seen, now=LATER, actor=AUTHOR)


def schools_of(database, key):
    with database.reading() as session:
        return [school.id for school in session.get_one(Response, key).schools]


@pytest.mark.parametrize("to", [OTHER, ""])
def test_what_a_person_who_leaves_follows_goes_to_a_colleague_or_to_nobody(database, letters, to):
    (waiting,), (handled,) = give(database, letters[0], "help"), give(database, letters[1], "help")
    act(database, waiting, replies.recall_response, day=LATER.date())
    act(database, handled)
    with database.writing() as session:
        other = {"email": OTHER, "name": "Lucie Parent", "roles": (RoleName.AUTHOR,), "password_hash": "x"}
        accounts.add_user(session, NOW, "installation", **other)
        leaver, hard = accounts.user_named(session, AUTHOR), session.scalars(select(Authority).limit(1)).one()
        deliverability.hand_over(session, hard, to=AUTHOR, now=LATER, actor=AUTHOR)
        follows = reassignment.followed_by(session, AUTHOR)
        assert (follows.responses, follows.recalls, follows.authorities, len(follows.campaigns)) == (1, 1, 1, 1)
        with pytest.raises(InputError, match="une autre personne"):
            reassignment.close(session, leaver, to=AUTHOR.upper(), now=LATER, actor=CHIEF)
        assert reassignment.close(session, leaver, to=to, now=LATER, actor=CHIEF) == (1, 1)
    with database.reading() as session:
        response = replies.response_numbered(session, waiting)
        assert (response.owner or "", response.recall_on) == (to, LATER.date())
        assert replies.response_numbered(session, handled).handled_by == AUTHOR, "what is done stays whose it was"
        assert replies.list_responses(session, None, owner=OTHER).count() == (1 if to else 0)
        assert (deliverability.owned_by(session, AUTHOR), len(deliverability.owned_by(session, OTHER))) == (
            [],
            1 if to else 0,
        )


def test_who_answered_is_named_by_its_mailbox_s_number_and_read_as_its_address(database, letters):
    (key,) = give(database, letters[0], Answer.NOT_CONCERNED)
    with database.reading() as session:
        message = session.get_one(Response, key).message
        actor = replies.actor_of(session, message)
        names = replies.known_names(session, session.get_one(Authority, message.authority_id))
        assert (actor.startswith("mailbox:"), names[actor]) == (True, message.address)
        assert accounts.colleagues(session)[actor] == f"boîte n° {actor.removeprefix('mailbox:')}"
        assert message.address not in {entry.actor for entry in session.scalars(select(AuditEntry))}
