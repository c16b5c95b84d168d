"""Records the answers that a person gives from a letter, and what they declare, in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from outreach.adherence import programmes, records, situation
from outreach.adherence.models import Programme, Status, Strand, Word
from outreach.adherence.records import SchoolStandings, Standing
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text.addresses import Judgement
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import typeset
from outreach.delivery.models import Mailing, Message
from outreach.directory import confirmations
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.contacts import school_limits, subject_of
from outreach.directory.models import Authority, Contact, ContactSchool, School
from outreach.engagement.replies._kinds import Answer
from outreach.engagement.replies._models import (
    REPLACED,
    REPLACING,
    Acknowledgement,
    MailedResponse,
    Respondent,
    Response,
    ResponseSchool,
    StepKind,
    actor_of,
    add_step,
    tell_received,
    wait,
)

MOST_AN_HOUR = 20
TOO_LATE = (
    " : une adhésion ne s’y déclare plus. Si une école a adhéré avant, dites-le par « Besoin d’aide », avec la date."
)
BY_MAIL = "par courriel, notée par un collègue"
TURN = "answers"  # with a campaign's key: of its answers and of the launch of its waves, so that one sees the other


@dataclass(frozen=True, slots=True)
class Question:
    """The question of a letter: the authority, the strand, and where the schools concerned stand, by name.

    These are the schools that the letter's mailbox answers for. `too_late` says of a strand that has closed that no
    joining is declared any more; '' while one may be.
    """

    authority: Authority
    programme: Programme
    strand: Strand
    schools: Sequence[SchoolStandings]
    too_late: str = ""

    def takes(self, answer: Answer) -> bool:
        """Whether an answer may be given today."""
        return not (self.too_late and answer.status is Status.JOINED)

    def open(self) -> list[School]:
        """The schools an answer may still change: not those whose joining the service confirmed."""
        return [school for school, _ in self.waiting()]

    def waiting(self) -> list[tuple[School, Standing]]:
        """The schools of `open`, each with where it stands."""
        stands = [(row.school, row.strands[self.strand.number]) for row in self.schools]
        return [(school, at) for school, at in stands if (at.status, at.word) != (Status.JOINED, Word.CONFIRMED)]

    def keys_of(self, schools: Collection[str]) -> list[int]:
        """The keys of the schools that a colleague ticked (FASE). Raises InputError on one that waits no more."""
        waiting = {str(school.fase): school.id for school in self.open()}
        if gone := [fase for fase in schools if fase not in waiting]:
            raise InputError(f"L’école {gone[0]} n’attend plus de réponse : décochez-la.")
        return [waiting[fase] for fase in schools]

    def declared(self, answer: Answer | None, schools: Collection[int]) -> dict[int, Answer]:
        """What a colleague notes of an answer: for each of these schools (by key), or for all that wait where none is
        named. A request to the service is for none. Raises InputError where no school waits any more."""
        if answer is None or answer.status is None:
            return {}
        found = {school.id: answer for school in self.open() if not schools or school.id in schools}
        if not found:
            raise InputError("Plus aucune de ses écoles n’attend de réponse : ne notez aucune réponse.")
        return found


@dataclass(frozen=True, slots=True)
class Given:
    """One form: an answer for each school (by key), a request to the service, and what was added to them.

    `name` and `function` are those of who answers, or ''. A copy of the receipt goes to `copy_to`. `is_by_code`: the
    code of a letter on paper led to the form, so no mailbox answered. `noted_by` is the colleague (an address) who
    noted what was said by phone, or in a mail received (`mail`, its number), or ''. `about` are the schools of that
    letter or call, as `question_of` takes them. `gone` are schools (by key) that are theirs no longer, of which nothing
    is answered; `gone_to`, whose they are now.
    """

    answers: Mapping[int, Answer]
    request: Answer | None = None
    comment: str = ""
    proposed_address: str = ""
    name: str = ""
    function: str = ""
    copy_to: Judgement | None = None
    is_by_code: bool = False
    noted_by: str = ""
    mail: int | None = None
    about: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    gone_to: str = ""

    @property
    def is_from_mail(self) -> bool:
        """Whether a mailbox answered, which proves that the letter arrived there."""
        return not self.is_by_code and not self.noted_by

    @property
    def way(self) -> str:
        """How the answer came, in French."""
        if self.mail is not None:
            return BY_MAIL
        return "par le code de la lettre" if self.is_by_code else "par téléphone" if self.noted_by else "au courriel"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier answers of a mailbox, from the letters of a campaign.

    `last` was given together, most recently; `by_school` is the last answer about each school, by its key.
    """

    last: Sequence[Response]
    by_school: Mapping[int, Answer]

    @property
    def request(self) -> Response | None:
        """The request to the service among the last answers, or None."""
        return next((response for response in self.last if response.answer.status is None), None)

    def about(self, asked: Question) -> dict[Answer, int]:
        """How many of the schools asked about each answer was given for, the answers in their order."""
        given = [self.by_school.get(row.school.id) for row in asked.schools]
        return {answer: given.count(answer) for answer in Answer if answer in given}


def question_of(session: Session, message: Message, *, now: datetime, about: frozenset[int] = frozenset()) -> Question:
    """The question of a letter. Raises NotFound when it is about no strand, or not for an authority.

    `about` are the schools of the letter on paper, or of the call, that stands for it: they are in the place of those
    that its mailbox answers for, where it answers for some only.
    """
    mailing = session.get_one(Mailing, message.mailing_id)
    if mailing.strand is None or message.authority_id is None:
        raise NotFound("Ce courriel n’attend pas de réponse.")
    strand = mailing.strand
    authority = session.get_one(Authority, message.authority_id)
    programme = session.get_one(Programme, strand.programme_id)
    limit = _limit_of(session, message)
    limit = about if limit is not None and about else limit
    rows = [
        row
        for row in records.list_standings(session, authority, programme, today(now))
        if strand.number in row.strands and (limit is None or row.school.id in limit)
    ]
    is_over = strand.is_closed(today(now))
    closed = situation.closed_in_words(strand, programmes.name_among_several(session, programme)) if is_over else ""
    return Question(authority, programme, strand, rows, typeset(f"{closed}{TOO_LATE}") if closed else "")


def give_answers(session: Session, message: Message, given: Given, *, now: datetime) -> list[Response]:
    """Record answers, what they declare, and the tasks they create; an earlier answer still waiting is replaced.

    Raises InputError when nothing was answered, a school is not one of the question's or the answer comes too late,
    Refused after too many in an hour.
    """
    question = question_of(session, message, now=now, about=given.about)
    take_lock(session, "responses", question.authority.fase)
    _refuse_floods(session, message, now)
    mine = {school.id: school for school in question.open()}
    if not given.answers and given.request is None and not given.gone:
        raise InputError("Choisissez une réponse.")
    if {*given.answers, *given.gone} - set(mine):
        raise InputError("Une de ces écoles n’attend plus de réponse : rechargez la page.")
    if not all(map(question.takes, given.answers.values())):
        raise InputError(question.too_late)
    by_answer: dict[Answer, list[School]] = {}
    for key, answer in given.answers.items():
        by_answer.setdefault(answer, []).append(mine[key])
    made = [_respond(session, message, question, answer, schools, given, now) for answer, schools in by_answer.items()]
    if given.request is not None:
        made.append(_respond(session, message, question, given.request, [], given, now))
    is_theirs = [is_a_reaction(one.answer, given) and not one.answer.is_wrong_mailbox for one in made]
    if given.is_from_mail and made and all(is_theirs):
        box, about = (question.authority.id, message.address_key), confirmation_of(made[0])
        confirmations.confirm(session, *box, ConfirmationWay.ANSWER, at=now, about=about)
    return made


def confirmation_of(response: Response) -> str:
    """How what an answer confirms is named, which goes with it."""
    return f"response:{response.id}"


def of_message(session: Session, message: Message) -> Sequence[Response]:
    """The answers given from a letter, the newest first."""
    query = select(Response).where(Response.message_id == message.id, Response.stands()).order_by(Response.id.desc())
    return session.scalars(query).all()


def earlier_answers(session: Session, message: Message, mailings: Iterable[int]) -> Earlier:
    """The earlier answers of a letter's mailbox, from this letter or another of these mailings."""
    same_box = (Message.authority_id == message.authority_id, Message.address_key == message.address_key)
    query = select(Response).join(Message, Message.id == Response.message_id)
    query = query.where(*same_box, Response.stands(), Message.mailing_id.in_({message.mailing_id, *mailings}))
    given = session.scalars(query.options(selectinload(Response.schools)).order_by(Response.id.desc())).all()
    by_school: dict[int, Answer] = {}
    for response in given:
        for school in response.schools:
            by_school.setdefault(school.id, response.answer)
    return Earlier([response for response in given if response.given_at == given[0].given_at], by_school)


def changed_answers(asked: Question, given: Given, before: Earlier) -> Given:
    """The same form without the schools whose answer was given before and still stands.

    An answer that changes nothing at all stays whole: it was given again, perhaps with another comment.
    """
    stand = {school.id: at.status for school, at in asked.waiting()}
    changed = {
        key: answer
        for key, answer in given.answers.items()
        if before.by_school.get(key) is not answer or (not answer.facts.is_yielding and answer.status != stand.get(key))
    }
    return replace(given, answers=changed) if changed or given.request or given.gone else given


def repeats_answers(session: Session, message: Message, responses: Sequence[Response]) -> bool:
    """Whether these answers repeat the previous ones from the same letter, for the same schools."""
    new = {response.id for response in responses}
    earlier = [response for response in of_message(session, message) if response.id not in new]
    before = [response for response in earlier if response.given_at == earlier[0].given_at]
    return bool(before) and _said(before) == _said(responses)


def _said(responses: Iterable[Response]) -> set[tuple[Answer, frozenset[int], str]]:
    return {
        (response.answer, frozenset(school.id for school in response.schools), response.proposed_address)
        for response in responses
    }


def is_a_reaction(answer: Answer, given: Given) -> bool:
    """Whether an answer stops reminders and counts as reached (`Response.is_a_reaction`, of rows).

    That a letter was read is none when it is all that is said: no comment, no name, no colleague who heard it.
    """
    is_alone = all(said.facts.is_yielding for said in given.answers.values()) and given.request is None
    return not answer.facts.is_yielding or not is_alone or bool(given.comment or given.name or given.noted_by)


def authorities_that_answered(mailings: Iterable[int]) -> Select[int]:
    """The keys of the authorities that reacted to a letter of one of these mailings, for all their schools.

    An answer from a mailbox that answers for some schools only is not the authority's.
    """
    is_limited = (
        select(ContactSchool.contact_id)
        .join(Contact, Contact.id == ContactSchool.contact_id)
        .where(Contact.authority_id == Message.authority_id, Contact.address_key == Message.address_key)
        .correlate(Message)
        .exists()
    )
    query = select(Response.authority_id).join(Message, Message.id == Response.message_id)
    return query.where(Message.mailing_id.in_(list(mailings)), Response.is_a_reaction(), ~is_limited)


def answered_address(session: Session, message: Message) -> str | None:
    """The key of the address for which an answer from this letter speaks, or None: for the whole authority."""
    return None if _limit_of(session, message) is None else message.address_key


def _respond(
    session: Session,
    message: Message,
    asked: Question,
    answer: Answer,
    schools: Sequence[School],
    given: Given,
    now: datetime,
) -> Response:
    actor = given.noted_by or actor_of(session, message)
    if not answer.facts.is_yielding:  # it takes the place of no status, and so of no answer that waits
        _replace(session, message, asked, answer, schools, now)
    response = Response(
        message_id=message.id,
        authority_id=asked.authority.id,
        strand_id=asked.strand.id,
        answer=answer,
        comment=given.comment,
        proposed_address=given.proposed_address if answer.is_wrong_mailbox else "",
        given_at=now,
    )
    session.add(response)
    session.flush()
    if given.mail is not None:
        session.add(MailedResponse(response_id=response.id, mail_id=given.mail))
    if not is_a_reaction(answer, given):
        session.add(Acknowledgement(response_id=response.id))
    named = asked.authority.fase, asked.strand, [school.fase for school in schools]
    tell_received(session, response, *named, now=now)
    if answer.awaits_staff:
        wait(session, response)
    else:
        add_step(session, response, StepKind.HANDLED, at=now, actor=actor, note="enregistrée")
    if given.name or given.function:
        session.add(Respondent(response_id=response.id, name=given.name, function=given.function))
    session.add_all(ResponseSchool(response_id=response.id, school_id=school.id) for school in schools)
    session.flush()
    about = f" pour {len(schools)} école{'s' if len(schools) > 1 else ''}" if schools else ""
    said = f"Réponse {given.way}, {programmes.strand_name(session, asked.strand)} : « {answer.label} »{about}."
    audit.record_entry(session, now, actor, said, subject_of(asked.authority))
    _declare(session, actor, asked, answer, schools, given.comment, now)
    return response


def _declare(
    session: Session,
    actor: str,
    asked: Question,
    answer: Answer,
    schools: Sequence[School],
    comment: str,
    now: datetime,
) -> None:
    """Record the status that an answer declares; one that yields, only for schools that have no status yet."""
    status = answer.status
    if status is None:
        return
    if answer.facts.is_yielding:
        silent = {row.school.id for row in asked.schools if row.strands[asked.strand.number].status is Status.NONE}
        schools = [school for school in schools if school.id in silent]
    with suppress(InputError):  # it is known already: the answer stands, no record is needed
        records.record_adherence(
            session,
            asked.authority,
            asked.programme,
            asked.strand,
            schools,
            status=status,
            word=Word.DECLARED,
            effective_on=today(now),
            now=now,
            today=today(now),
            actor=actor,
            source=records.FROM_A_LETTER,
            reason=comment,
        )


def _replace(
    session: Session, message: Message, asked: Question, answer: Answer, schools: Sequence[School], now: datetime
) -> None:
    """Close earlier answers that still wait: those about no other schools than this one's, or the same request.

    A request from another mailbox stays when one of the two answers for some schools only.
    """
    waiting = session.scalars(
        select(Response).where(
            Response.authority_id == asked.authority.id,
            Response.strand_id == asked.strand.id,
            Response.waits(),
        )
    ).all()
    keys = {school.id for school in schools}
    limited = {address for _, address in school_limits(session, [asked.authority.id])}
    for earlier in waiting:
        held, addresses = {school.id for school in earlier.schools}, {earlier.message.address_key, message.address_key}
        is_same_respondent = len(addresses) == 1 or addresses.isdisjoint(limited)
        if (earlier.answer is answer and not held and is_same_respondent) or (held and held <= keys):
            add_step(session, earlier, StepKind.HANDLED, at=now, actor=REPLACING, note=REPLACED)


def _limit_of(session: Session, message: Message) -> frozenset[int] | None:
    """The schools that a letter's mailbox answers for, or None for all of its authority's."""
    if message.authority_id is None:
        return None
    return school_limits(session, [message.authority_id]).get((message.authority_id, message.address_key))


def _refuse_floods(session: Session, message: Message, now: datetime) -> None:
    query = select(func.count()).where(Response.message_id == message.id, Response.given_at > now - timedelta(hours=1))
    if (session.scalar(query) or 0) >= MOST_AN_HOUR:
        raise Refused("Beaucoup de réponses ont été données en peu de temps : réessayez dans une heure.")
