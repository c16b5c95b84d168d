"""Two worlds in which the same authorities join and answer on the same days, and were drawn into other departures."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from outreach.adherence.models import AdherenceRecord, Word
from outreach.campaigns import lifecycle
from outreach.campaigns.models import Wave, WaveState
from outreach.db import Database
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Ownership
from outreach.responses import answers
from outreach.responses.answers import Given
from outreach.responses.kinds import Answer
from tests import factories
from tests.campaigns.conftest import advance
from tests.campaigns.draws.conftest import START, approve, members, plan, submit

DAY = timedelta(days=1)
FEW = 6  # authorities of each kind: of 210, 23 have any given pair of departures


@dataclass(frozen=True)
class Course:
    """Who joins on which day after departure 1, and who answers on which day; keys of authorities."""

    joining: dict[int, int]
    answering: dict[int, int]


def worlds(one: Database, other: Database) -> Course:
    """Draw the same campaign in two databases; returns a course that differs in nothing but whose departure it is.

    In the first, those who join by day 3 are of departure 1, and none of them in the second; and so on.
    """
    for database in (one, other):
        submit(database)
        approve(database)
        plan(database)
    of = [[set(members(database, place)) for place in (1, 2, 3)] for database in (one, other)]
    pairs = {(a, b): sorted(of[0][a - 1] & of[1][b - 1]) for a in (1, 2, 3) for b in (1, 2, 3)}
    early, later = [*pairs[1, 2][:FEW], *pairs[1, 3][:FEW]], [*pairs[1, 2][FEW : 2 * FEW], *pairs[3, 2][:2]]
    joining = dict.fromkeys(early, 3) | dict.fromkeys(later, 16)
    return Course(joining, dict.fromkeys(pairs[1, 2][2 * FEW : 2 * FEW + 4], 17))


def live(database: Database, course: Course, until: int) -> None:
    """Let waves leave, whole, and those who join and answer do so, until so many days after the first departure."""
    with database.reading() as session:
        query = select(Wave.due_at, Wave.id).where(Wave.campaign_id == 1)
        due = [((at - START) / DAY, wave) for at, wave in session.execute(query)]
    told = [(day + 0.3, -key) for key, day in course.joining.items()]
    told += [(day + 0.4, -key) for key, day in course.answering.items()]
    for day, what in sorted([*due, *told]):
        at = START + day * DAY
        if day > until:
            return
        if what > 0:
            _leave(database, what, at)
        elif course.joining.get(-what) == int(day):
            _join(database, -what, at)
        else:
            _answer(database, -what, at)


def _leave(database: Database, wave: int, at: datetime) -> None:
    advance(database, wave, at)
    with database.writing() as session:
        mailing = session.get_one(Wave, wave).mailing_id
        waiting = update(Message).where(Message.mailing_id == mailing, Message.state == MessageState.QUEUED)
        session.execute(
            waiting.values(state=MessageState.ACCEPTED, fence_id="f", worker_id="w", fenced_at=at, settled_at=at)
        )
        session.execute(update(Wave).where(Wave.id == wave).values(state=WaveState.FINISHED))


def _join(database: Database, key: int, at: datetime) -> None:
    with database.writing() as session:
        school = session.scalars(select(Ownership.school_id).where(Ownership.authority_id == key)).first()
        strand = lifecycle.campaign_numbered(session, 1).strand_id
        session.add(AdherenceRecord(**factories.adherence_record(school, strand, at, word=Word.CONFIRMED)))


def _answer(database: Database, key: int, at: datetime) -> None:
    with database.writing() as session:
        written = select(Message).where(Message.authority_id == key, Message.state == MessageState.ACCEPTED)
        letter = session.scalars(written.order_by(Message.id.desc())).first()
        answers.give(session, letter, Given({}, request=Answer.HELP), now=at)
