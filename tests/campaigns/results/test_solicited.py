"""Schools without an answer: those that a letter had listed stand apart from those that nobody was asked about."""

from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy import update

from outreach.adherence import programmes, situation
from outreach.adherence.models import Status
from outreach.adherence.situation import Bucket, Grouping, Selection, Solicitation
from outreach.campaigns.planning import known_until
from outreach.campaigns.segments import Boxes
from outreach.core.text.dates import today
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from outreach.delivery.outbox import listed_schools
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import SENDING, approved, launch, settle
from tests.campaigns.waves.test_limited_mailboxes import AT, LATER, record, schools, three_limited
from tests.conftest import NOW

__all__ = ["schools", "three_limited"]
LAST_DAY = today(LATER)


@pytest.fixture
def silent(database, schools):
    """The schools without an answer as of a day, as known at a moment: those that a letter had listed, and the others.

    Each time another grouping is asked, and each of its figures is checked against its list.
    """
    groupings = cycle(Grouping)

    def count(day=LAST_DAY, known_at=None):
        listed = listed_schools(known_until(day, known_at))
        fields = {"known_at": known_at, "by": next(groupings)}
        with database.reading() as session:
            programme = programmes.get_programme(session)
            found = situation.count_situation(session, programme, day, **fields, listed=listed)
            for row in (found.total, *found.rows):
                parts = row.silent[1]
                assert sum(parts.values()) == row.strands[1][Bucket.NONE]
                for part, number in parts.items():
                    behind = Selection(1, Bucket.NONE, row.code or "", **fields, solicitation=part, listed=listed)
                    assert situation.list_situation_schools(session, programme, day, behind).count() == number
                    shown = list(situation.list_situation_schools(session, programme, day, behind).every())
                    assert [one.is_solicited for one in shown] == [part is Solicitation.SOLICITED] * number
            return tuple(found.total.silent[1].values())

    return count


def carry(database):
    launch(database, approved(database, boxes=Boxes.BOTH), at=AT)
    with database.writing() as session:
        Post(session, SENDING, now=AT, refusals={}).carry(AT)


def change(database, table, **values):
    with database.writing() as session:
        session.execute(update(table).values(**values))


@pytest.mark.postgresql
@pytest.mark.long
def test_a_school_was_solicited_once_a_letter_that_listed_it_has_left(database, silent, schools):
    assert silent() == (0, 3)
    launch(database, approved(database, boxes=Boxes.BOTH), at=AT)
    assert silent() == (0, 3), "the wave is written down, and no letter has left"
    with database.writing() as session:
        Post(session, SENDING, now=AT, refusals={}).carry(AT)
    assert silent() == (3, 0)
    settle(database, 1, schools=2)
    assert silent() == (3, 2)


@pytest.mark.postgresql
@pytest.mark.long
def test_a_past_day_and_a_past_moment_know_the_letters_of_then(database, silent, schools, strand):
    carry(database)
    assert (silent(today(NOW) - timedelta(1)), silent(today(NOW))) == ((0, 3), (3, 0))
    assert silent(today(NOW), known_at=AT - timedelta(seconds=1)) == (0, 3)
    record(database, schools[0], strand, Status.DECLINED, at=LATER)
    assert (silent(), silent(known_at=LATER), silent(today(NOW))) == ((2, 0), (2, 0), (3, 0))


@pytest.mark.long
def test_a_letter_that_came_back_was_not_received_from_then_on(database, silent, schools):
    carry(database)
    change(database, Message, state=MessageState.REFUSED, reply_code=None, settled_at=LATER)
    assert (silent(), silent(today(NOW))) == ((0, 3), (3, 0))
    change(database, Message, reply_code=550)
    assert silent(today(NOW)) == (0, 3), "the relay refused it at once"
    change(database, Message, state=MessageState.IN_DOUBT, reply_code=None)
    assert silent() == (3, 0)


@pytest.mark.long
def test_letters_of_another_kind_or_strand_solicit_nobody(database, silent, schools):
    carry(database)
    change(database, Mailing, purpose=Purpose.TEST)
    assert silent() == (0, 3)
    change(database, Mailing, purpose=Purpose.CAMPAIGN, strand_id=None)
    assert silent() == (0, 3)


def test_the_sentence_tells_the_two_apart(database, schools):
    carry(database)
    settle(database, 1, schools=2)
    with database.reading() as session:
        programme, listed = programmes.get_programme(session), listed_schools(LATER)
        found = situation.count_situation(session, programme, today(LATER), listed=listed)
        (told,) = situation.group_answers(found, programme.strands, [found.rows[0].code])
    assert "3 ont été sollicitées et n’ont pas répondu, 2 n’ont pas encore été sollicitées" in told.sentence
