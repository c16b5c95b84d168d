"""A mailbox's own file: what was written to it this school year, what was answered, and the word for each school.

Whoever has a letter's link reads it. So it names no person and no address, shows no comment, and a mailbox that answers
for some schools reads of these alone. Some twelve statements, whatever the number of schools.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from outreach.adherence import programmes, records, sentences
from outreach.adherence.models import Programme, Status, Strand, Word
from outreach.adherence.programmes import NAME_AMONG_SEVERAL
from outreach.adherence.records import SchoolStandings
from outreach.adherence.situation import Solicitation
from outreach.campaigns.letter import composing
from outreach.campaigns.schedule.moments import school_year
from outreach.days import today
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.ledger import outbox, recipients
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.directory.contacts import school_limits
from outreach.directory.models import Authority
from outreach.errors import NotFound
from outreach.responses.kinds import REQUESTS, Answer
from outreach.responses.models import Response, ResponseSchool

MOST = 10  # letters, and answers, the newest first
UNSOLICITED_OVER = "Pas sollicitée"  # in a strand that has closed, in which nobody is still to be
KINDS = {
    Purpose.CAMPAIGN: "courriel",
    Purpose.CONFIRMATION: "accusé d’une réponse",
    Purpose.REPLY: "réponse du service",
    Purpose.LETTER: "courriel du service",
}


@dataclass(frozen=True, slots=True)
class LetterInFile:
    """A letter to the mailbox: when it left, its kind in French, and its subject as it left."""

    at: datetime
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class AnswerInFile:
    """An answer: when, the name of its strand, for how many schools (0 for a request), from this mailbox or another."""

    at: datetime
    strand: str
    answer: Answer
    schools: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class MailboxFile:
    """What a mailbox reads of itself and its schools. `has_more`: there are older ones than those listed.

    `strands` are those that one of the schools may join; a school has a standing in those that it may join itself.
    `openings` has a sentence for each strand that is not open yet, which has no standing. `solicited` has the schools
    that a letter listed, each with its strand, by their keys. It is of a `day`.
    """

    letters: Sequence[LetterInFile]
    has_more_letters: bool
    answers: Sequence[AnswerInFile]
    has_more_answers: bool
    strands: Sequence[Strand]
    openings: Sequence[str]
    schools: Sequence[SchoolStandings]
    solicited: frozenset[tuple[int, int]]
    day: date

    def label(self, row: SchoolStandings, strand: Strand) -> str:
        """What is said of a school's status in a strand; without an answer, whether a letter has listed the school."""
        at = row.strands[strand.number]
        if at.status is not Status.NONE:
            return at.status.label
        if (row.school.id, strand.id) in self.solicited:
            return Solicitation.SOLICITED.label
        return UNSOLICITED_OVER if strand.is_closed(self.day) else Solicitation.UNSOLICITED.label

    def totals(self, strand: Strand) -> list[tuple[str, Word | None, int]]:
        """For how many schools each status stands in a strand, and on whose word, in the order of statuses."""
        rows = [row for row in self.schools if strand.number in row.strands]
        counted = Counter((self.label(row, strand), row.strands[strand.number].word) for row in rows)
        labels = [status.label for status in Status if status is not Status.NONE]
        return [
            (label, word, counted[label, word])
            for label in (*labels, *(part.label for part in Solicitation), UNSOLICITED_OVER)
            for word in (*Word, None)
            if counted[label, word]
        ]


def of(session: Session, message: Message, *, now: datetime) -> MailboxFile:
    """The file of a letter's mailbox. Raises NotFound when the letter is about no strand, or not for an authority."""
    mailing = session.get_one(Mailing, message.mailing_id)
    if mailing.strand is None or message.authority_id is None:
        raise NotFound("Ce courriel n’attend pas de réponse.")
    authority = session.get_one(Authority, message.authority_id)
    programme = session.get_one(Programme, mailing.strand.programme_id)
    limit = school_limits(session, [authority.id]).get((authority.id, message.address_key))
    standings = records.standings(session, authority, programme, today(now))
    schools = [row for row in standings if limit is None or row.school.id in limit]
    numbers = {number for row in schools for number in row.strands}
    open_to = [strand for strand in programme.strands if strand.number in numbers]
    letters, answers = _letters(session, message, now), _answers(session, message, limit, now)
    return MailboxFile(
        letters=letters[:MOST],
        has_more_letters=len(letters) > MOST,
        answers=answers[:MOST],
        has_more_answers=len(answers) > MOST,
        strands=[strand for strand in open_to if strand.is_open(today(now))],
        openings=[
            sentences.opening(strand.number, strand.opened_on, programmes.name_among_several(session, programme))
            for strand in open_to
            if not strand.is_open(today(now))
        ],
        schools=schools,
        solicited=_solicited(session, [row.school.id for row in schools], now),
        day=today(now),
    )


def _solicited(session: Session, schools: Sequence[int], now: datetime) -> frozenset[tuple[int, int]]:
    """Which of these schools letters have listed, and about which strand."""
    query = recipients.listed_schools(now)
    rows = session.execute(query.where(among(query.selected_columns.school_id, schools)).distinct())
    return frozenset((school, strand) for school, strand in rows if strand is not None)


def _letters(session: Session, message: Message, now: datetime) -> list[LetterInFile]:
    """The letters that left for this mailbox of this authority, one more than are listed."""
    query = select(Message.id, Message.fenced_at, Mailing.purpose).join(Mailing, Mailing.id == Message.mailing_id)
    query = query.where(
        Message.authority_id == message.authority_id,
        Message.address_key == message.address_key,
        Mailing.purpose.in_(KINDS),
        Message.state.in_(outbox.LEFT),
        Message.fenced_at >= school_year(now),
    )
    rows = session.execute(query.order_by(Message.fenced_at.desc(), Message.id.desc()).limit(MOST + 1)).all()
    subjects = composing.subjects_kept(session, [row.id for row in rows])
    return [LetterInFile(at, KINDS[purpose], subjects.get(key, "")) for key, at, purpose in rows if at is not None]


def _answers(session: Session, message: Message, limit: frozenset[int] | None, now: datetime) -> list[AnswerInFile]:
    """The answers of the authority that concern this mailbox, one more than are listed."""
    is_own: ColumnElement[bool] = Message.address_key == message.address_key
    is_theirs = true() if limit is None else among(ResponseSchool.school_id, limit)
    schools = func.count(ResponseSchool.school_id)
    query = (
        select(Response.given_at, NAME_AMONG_SEVERAL, Strand.number, Response.answer, schools, is_own)
        .join(Message, Message.id == Response.message_id)
        .join(Strand, Strand.id == Response.strand_id)
        .join(Programme, Programme.id == Strand.programme_id)
        .outerjoin(ResponseSchool, and_(ResponseSchool.response_id == Response.id, is_theirs))
        .where(Response.authority_id == message.authority_id, Response.given_at >= school_year(now), Response.stands())
        .group_by(Response.id, Programme.name, Strand.number, Message.address_key)
        .order_by(Response.given_at.desc(), Response.id.desc())
    )
    if limit is not None:
        query = query.having(or_(schools > 0, and_(is_own, Response.answer.in_(REQUESTS))))
    return [
        AnswerInFile(at, programmes.called(name, number), *told)
        for at, name, number, *told in session.execute(query.limit(MOST + 1))
    ]
