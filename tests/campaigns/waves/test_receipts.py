"""Receipts of answers: they name the schools, the hour, a reference, the link to change them, and the day to come."""

import re
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select, update

from outreach.campaigns import waves
from outreach.campaigns.letter import Composer
from outreach.campaigns.planning import AddedClosure, ClosedPart, Spares
from outreach.campaigns.waves import _receipts as receipts
from outreach.core.text.addresses import judge
from outreach.delivery import outbox
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Batch, Mailing, Message, MessageState, Purpose, Reason, SuppressionReason
from outreach.delivery.outbox import due_in
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given, Response
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import SENDING, approved, launch, settle
from tests.conftest import NOW
from tests.delivery.letters.linter import faults
from tests.engagement.replies.test_answers import LATER, give, letters, three_asked

__all__ = ["letters", "three_asked"]
LINK = re.compile(r"https://courriel\.example/a/(\w+)")


def posted(database):
    """The letters that confirm answers, in order: their recipient, and their text without its layout's breaks."""
    made = []
    with database.reading() as session:
        confirming = select(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION).order_by(Mailing.id)
        for mailing in session.scalars(confirming):
            batch = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id)).one()
            due = due_in(session, batch, now=LATER + timedelta(days=90))
            for one in Composer(SENDING, lambda: LATER)(session, mailing, due).values():
                assert faults(one.wire) == []
                message = message_from_bytes(one.wire, policy=default)
                text = message.get_body(("plain",)).get_content()
                made.append((message["To"], " ".join(text.split())))
    return made


def test_the_letter_names_the_schools_the_hour_a_reference_the_day_and_its_link_leads_back(database, letters):
    (key,) = give(database, letters[0], "joined")
    ((to, text),) = posted(database)
    assert to == "po009001@adm.fwb.example"
    for words in (
        "Votre réponse du 16 mai 2021 à 11 h est enregistrée pour votre pouvoir organisateur, PO 0 (FASE 9001)",
        "Nous adhérons (2 écoles) : - École 00000 (FASE 80001) - École 00001 (FASE 80002)",
        f"Sa référence est R-{key}.",
        "Le service confirme votre adhésion, ou revient vers vous, au plus tard le vendredi 21 mai 2021 (5 jours",
    ):
        assert words in text
    with database.reading() as session:
        read = SENDING.keys.read(LINK.search(text)[1], TokenKind.ANSWER)
        assert read.id.hex() == session.get_one(Message, letters[0]).public_id


def test_a_wrong_contact_gets_no_letter_and_its_receipt_repeats_the_address_proposed(database, letters):
    give(database, letters[0], "wrong_contact", proposed_address="direction@ecole.be", comment="Je pars")
    assert posted(database) == []
    with database.reading() as session:
        receipt = receipts.last_receipt(session, session.get_one(Message, letters[0]))
    assert (receipt.proposed_address, receipt.is_posted) == ("direction@ecole.be", False)
    assert receipt.after.startswith("Le service revient vers vous au plus tard le")


def test_what_needs_nobody_says_so_and_one_reference_stands_for_a_whole_form(database, letters):
    with database.writing() as session:
        message = session.get_one(Message, letters[0])
        one, two = (school.id for school in replies.question_of(session, message, now=LATER).open())
        given = Given({one: Answer.IN_PREPARATION, two: Answer.DECLINED})
        first, second = waves.receive_answer(session, message, given, SENDING, now=LATER)
        assert [receipts.reference_of(session, made) for made in (first, second)] == [f"R-{first.id}"] * 2
        receipt = receipts.last_receipt(session, message)
        assert receipt.reference == f"R-{first.id}"
    assert (receipt.back_on, receipt.is_repeated) == (None, False)
    assert receipt.after.startswith("Le service en prend acte")
    give(database, letters[0], "help", now=LATER + timedelta(hours=1))
    give(database, letters[0], "help", now=LATER + timedelta(hours=2))
    with database.reading() as session:
        again = receipts.last_receipt(session, session.get_one(Message, letters[0]))
    assert ([line.answer for line in again.lines], again.is_repeated) == ([Answer.HELP], True)


def test_who_says_only_that_the_letter_was_read_is_told_that_reminders_still_come(database, letters):
    give(database, letters[0], "informed")
    give(database, letters[1], "informed", comment="Le conseil se réunit lundi")
    alone, with_words = (text for _, text in posted(database))
    assert "Cela n’arrête aucun rappel : dites-nous où en sont vos écoles dès que vous le saurez." in alone
    assert "Le service en prend acte, et n’attend rien de plus de votre part." in with_words


@pytest.mark.long
def test_that_a_letter_was_read_replaces_no_answer_and_its_receipt_says_so(database, letters):
    (first,) = give(database, letters[0], "joined")
    give(database, letters[0], "informed", now=LATER + timedelta(hours=1))
    give(database, letters[0], "declined", now=LATER + timedelta(hours=2))
    _, read, after = (text for _, text in posted(database))
    assert "Cela ne change rien à ce que vous avez déjà répondu." in read
    assert "remplace" not in read
    assert f"Elle remplace votre réponse du 16 mai 2021 à 11 h (R-{first})." in after


@pytest.mark.long
def test_a_later_receipt_says_which_answers_it_replaces(database, letters):
    (first,) = give(database, letters[0], "in_preparation")
    (second,) = give(database, letters[0], "joined", now=LATER + timedelta(hours=1))
    before, after = (text for _, text in posted(database))
    assert "remplace" not in before
    assert f"R-{second}. Elle remplace votre réponse du 16 mai 2021 à 11 h (R-{first}). Le service" in after
    with database.writing() as session:
        message = session.get_one(Message, letters[0])
        one, _two = (school.id for school in replies.question_of(session, message, now=LATER).open())
        now = LATER + timedelta(hours=2)
        (third,) = waves.receive_answer(session, message, Given({one: Answer.DECLINED}), SENDING, now=now)
        replacing = receipts.of(session, [third]).replacing.replace("\u00a0", " ")
    sentence = f"Pour les écoles nommées ici, elle remplace votre réponse du 16 mai 2021 à 12 h (R-{second})."
    assert replacing == sentence
    give(database, letters[0], "help", now=LATER + timedelta(hours=3))
    assert "remplace" not in posted(database)[-1][1]


@pytest.mark.long
def test_a_letter_names_ten_schools_and_counts_the_others(database, people, strand):
    settle(database, 1, schools=12)
    launch(database, approved(database))
    with database.reading() as session:
        letter = session.scalars(select(Message.id)).one()
    give(database, letter, "in_preparation")
    ((_, text),) = posted(database)
    assert text.count("(FASE 8") == 10
    assert "- et 2 autres écoles" in text
    with database.reading() as session:
        assert len(session.scalars(select(Response)).one().schools) == 12


def test_a_name_with_marks_of_the_letter_language_stands_in_the_letter_as_it_is(database, letters):
    with database.writing() as session:
        message = session.get_one(Message, letters[0])
        replies.question_of(session, message, now=LATER).open()[0].corrected_name = "École ((nom_po)) *1*"
    give(database, letters[0], "declined")
    ((_, text),) = posted(database)
    assert "École ((nom_po)) *1* (FASE 80001)" in text


CLOSED = AddedClosure(date(2021, 5, 18), date(2021, 5, 19), ClosedPart.DAY, Spares.NOBODY, "Déménagement")


@pytest.mark.parametrize(
    ("start", "count", "added", "day"),
    [
        (date(2021, 5, 17), 1, (), date(2021, 5, 18)),
        (date(2021, 5, 14), 1, (), date(2021, 5, 17)),  # a Friday
        (date(2021, 5, 21), 1, (), date(2021, 5, 25)),  # before Whit Monday
        (date(2021, 5, 17), 1, (CLOSED,), date(2021, 5, 20)),
        (date(2021, 5, 15), 5, (), date(2021, 5, 21)),  # a Saturday
    ],
)
def test_working_days_leave_out_weekends_holidays_and_added_closures(start, count, added, day):
    assert receipts.working_day(start, count, added) == day


TO = judge("prefet@ecole.be")
TYPED = {"comment": "Achetez ici", "proposed_address": "autre@ecole.be", "name": "Zoé Typed", "function": "Préfète"}


def test_the_copy_has_no_word_that_was_typed_no_link_to_answer_by_and_can_be_unsubscribed_from(database, letters):
    give(database, letters[0], "wrong_contact", copy_to=TO, **TYPED)
    with database.reading() as session:
        mailing = session.scalars(select(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION)).one()
        stored = mailing.letter
        assert receipts.last_receipt(session, session.get_one(Message, letters[0])).copied_to == TO.address
    ((to, text),) = posted(database)
    assert to == TO.address
    assert "Une réponse a été donnée pour un pouvoir organisateur, PO 0 (FASE 9001), volet 1." in text
    assert "votre adresse a été indiquée par la personne qui répondait pour le pouvoir organisateur FASE 9001" in text
    assert "vous êtes" not in text
    assert "Ce n’est pas le bon contact" in text
    for word in ("Achetez", "autre@ecole.be", "Zoé", "Préfète", "/a/"):
        assert word not in text
        assert word not in stored
    assert "/u/" in text


@pytest.mark.long
def test_a_letter_makes_one_copy_ever_also_beside_its_confirmation(database, letters):
    give(database, letters[0], "joined", copy_to=TO)
    give(database, letters[0], "help", copy_to=judge("b@ecole.be"), now=LATER + timedelta(hours=1))
    give(database, letters[1], "joined", copy_to=TO)  # another letter
    box, other = "po009001@adm.fwb.example", "po009002@adm.fwb.example"
    assert [to for to, _ in posted(database)] == [box, TO.address, box, other, TO.address]
    with database.reading() as session:
        assert not receipts.may_copy(session, session.get_one(Message, letters[0]))
        assert receipts.may_copy(session, session.get_one(Message, letters[2]))


@pytest.mark.parametrize("reason", [SuppressionReason.UNSUBSCRIBED, SuppressionReason.STAFF])
def test_no_copy_leaves_for_an_excluded_address_not_even_one_that_unsubscribed(database, letters, reason):
    with database.writing() as session:
        outbox.suppress_address(session, TO.key, reason, now=NOW, actor="a@fwb.example")
    give(database, letters[0], "joined", copy_to=TO)
    with database.writing() as session:
        Post(session, SENDING, now=LATER, refusals={}).carry(LATER)
    with database.reading() as session:
        confirming = select(Message).join(Mailing).where(Mailing.purpose == Purpose.CONFIRMATION).order_by(Message.id)
        ends = [(row.address_key, row.state, row.reason) for row in session.scalars(confirming)]
    assert ends[0][1] is MessageState.ACCEPTED
    assert ends[1:] == [(TO.key, MessageState.WITHDRAWN, Reason.SUPPRESSED)]


def test_a_test_letter_makes_no_copy(database, letters):
    with database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    give(database, letters[0], "joined", copy_to=TO)
    assert posted(database) == []
