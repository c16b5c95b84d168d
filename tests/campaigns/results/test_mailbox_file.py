"""A mailbox's own file: its letters, the answers and the word for each school; of some schools alone where it is so."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import Strand, Word
from outreach.campaigns import waves
from outreach.campaigns.results import _history as history
from outreach.campaigns.results._history import AnswerInFile
from outreach.campaigns.segments import Boxes
from outreach.core.text.errors import NotFound
from outreach.delivery.models import Composition, Mailing, Message, MessageState, Purpose
from outreach.engagement.replies import Answer, Given
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import SENDING, approved, launch, settle
from tests.campaigns.waves.test_limited_mailboxes import ALL, AT, FIRST, LATER, SECOND, schools, three_limited
from tests.conftest import NOW, state_from
from tests.statements import asked

__all__ = ["schools", "three_limited"]
LAST = LATER + timedelta(days=1)


@state_from("three_limited")
def boxes_written(database, _settings):
    """A wave's letters left, composed, to the three mailboxes of an authority."""
    launch(database, approved(database, boxes=Boxes.BOTH), at=AT)
    with database.writing() as session:
        Post(session, SENDING, now=AT, refusals={}).carry(AT)


@pytest.fixture
def boxes(boxes_written):
    """The keys of these, by address."""
    with boxes_written.reading() as session:
        return dict(session.execute(select(Message.address, Message.id)).all())


def give(database, letter, answers, request=None, now=LATER):
    with database.writing() as session:
        message = session.get_one(Message, letter)
        waves.receive_answer(session, message, Given(answers, request), SENDING, now=now)


def read(database, letter, now=LAST):
    with database.reading() as session:
        return history.mailbox_file(session, session.get_one(Message, letter), now=now)


@pytest.mark.long
def test_a_mailbox_reads_its_own_letters_of_this_school_year_with_their_subjects(database, boxes):
    (letter,) = read(database, boxes[FIRST]).letters
    assert (letter.at, letter.kind) == (AT, "courriel")
    assert "1 école, volet 1" in letter.subject.replace("\u00a0", " ")
    with database.writing() as session:
        session.execute(update(Message).values(state=MessageState.REFUSED))
    assert read(database, boxes[FIRST]).letters == []
    with database.writing() as session:
        session.execute(update(Message).values(state=MessageState.IN_DOUBT))
    assert len(read(database, boxes[FIRST], now=NOW + timedelta(days=90)).letters) == 1
    assert read(database, boxes[FIRST], now=NOW + timedelta(days=100)).letters == []  # the next school year
    with database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    assert read(database, boxes[FIRST]).letters == []


@pytest.mark.long
def test_a_mailbox_that_answers_for_some_schools_reads_of_these_alone(database, schools, boxes):
    give(database, boxes[ALL], dict.fromkeys(schools[:2], Answer.JOINED))
    give(database, boxes[SECOND], {schools[1]: Answer.DECLINED}, now=LATER + timedelta(hours=1))
    give(database, boxes[ALL], {}, Answer.HELP, now=LATER + timedelta(hours=2))
    give(database, boxes[FIRST], {}, Answer.WRONG_CONTACT, now=LATER + timedelta(hours=3))
    file = read(database, boxes[FIRST])
    assert [row.school.id for row in file.schools] == schools[:1]
    assert file.answers == [
        AnswerInFile(LATER + timedelta(hours=3), "volet 1", Answer.WRONG_CONTACT, 0, is_own=True),
        AnswerInFile(LATER, "volet 1", Answer.JOINED, 1, is_own=False),
    ]
    whole = read(database, boxes[ALL])
    assert [row.school.id for row in whole.schools] == schools
    assert [(row.answer, row.schools, row.is_own) for row in whole.answers] == [
        (Answer.WRONG_CONTACT, 0, False),
        (Answer.HELP, 0, True),
        (Answer.DECLINED, 1, False),
        (Answer.JOINED, 2, True),
    ]
    assert whole.totals(whole.strands[0]) == [
        ("Adhéré", Word.DECLARED, 1),
        ("Refus", Word.DECLARED, 1),
        ("Sollicitée, sans réponse", None, 1),
    ]
    unsolicited, over = replace(whole, solicited=frozenset()), Strand(number=1, closed_on=date(2021, 5, 1))
    assert unsolicited.label(whole.schools[2], whole.strands[0]) == "Pas encore sollicitée"
    assert unsolicited.label(whole.schools[2], over) == "Pas sollicitée"


@pytest.mark.long
def test_a_strand_that_is_not_open_yet_has_no_standing(database, boxes):
    with database.writing() as session:
        session.scalars(select(Strand)).one().opened_on = date(2099, 7, 31)
    file = read(database, boxes[ALL])
    assert (list(file.strands), len(file.schools)) == ([], 3)
    assert [told.replace("\xa0", " ") for told in file.openings] == ["Le volet 1 s’ouvre le 31 juillet 2099."]


@pytest.mark.long
def test_only_the_newest_are_listed_and_the_file_says_that_there_are_more(database, schools, boxes):
    for hour in range(history.MOST + 1):
        choice = Answer.DECLINED if hour % 2 else Answer.IN_PREPARATION
        give(database, boxes[FIRST], {schools[0]: choice}, now=LATER + timedelta(hours=hour))
    with database.writing() as session:
        Post(session, SENDING, now=LAST, refusals={}).carry(LAST)
    file = read(database, boxes[FIRST])
    assert (len(file.answers), file.has_more_answers) == (history.MOST, True)
    assert file.answers[0].at == LATER + timedelta(hours=history.MOST)
    assert (len(file.letters), file.has_more_letters) == (history.MOST, True)
    assert {letter.kind for letter in file.letters} == {"accusé d’une réponse"}


@pytest.mark.long
def test_a_file_costs_as_many_statements_for_sixty_schools_as_for_three(database, boxes):
    (other,) = settle(database, 1, schools=60)
    launch(database, approved(database, boxes=Boxes.BOTH), at=AT)
    with database.writing() as session:
        Post(session, SENDING, now=AT, refusals={}).carry(AT)
    with database.reading() as session:
        large = session.scalars(select(Message.id).where(Message.authority_id == other)).one()
    costs = []
    for letter in (boxes[ALL], large):
        with asked(database) as seen:
            file = read(database, letter)
        costs.append(len(seen))
    assert len(file.schools) == 60
    assert costs[0] == costs[1] <= 14


def test_a_letter_about_no_strand_has_no_file(database, boxes):
    with database.writing() as session:
        session.execute(update(Mailing).values(strand_id=None))
    with pytest.raises(NotFound):
        read(database, boxes[FIRST])


def test_a_letter_whose_content_is_gone_is_listed_without_its_subject(database, boxes):
    with database.writing() as session:
        session.delete(session.get_one(Composition, boxes[FIRST]))
    assert [letter.subject for letter in read(database, boxes[FIRST]).letters] == [""]
