"""The tables of responses, of what staff did about them, and of who replaced which.

A response is never changed: a later one replaces it, and what staff did about it are rows of their own.

Of what waits now alone rows come and go: it repeats the last step.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    ScalarSelect,
    SQLColumnExpression,
    String,
    Text,
    and_,
    case,
    delete,
    select,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from outreach.access.accounts import ATTEMPT_DIGEST_BYTES
from outreach.adherence.models import Programme, Strand
from outreach.core.audit import EventKind, mailbox_actor, publish_event
from outreach.core.db import Base, Session, enum_of
from outreach.core.text.labelled import Labelled
from outreach.delivery.letters import NONCE_BYTES, FormKind
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Contact, School
from outreach.engagement.replies._kinds import Answer, FollowUp

if TYPE_CHECKING:
    from outreach.access.accounts import Colleagues


LONGEST_NAME = 120  # characters of a respondent's name, and of their function
Value = TypeVar("Value")


class StepKind(Labelled):
    """A kind of step about a response."""

    TAKEN = "taken", "Prise en charge"
    HANDLED = "handled", "Traitée"
    REOPENED = "reopened", "Rouverte"
    POSTPONED = "postponed", "Rappel fixé"
    REPLIED = "replied", "Courriel envoyé"
    RELEASED = "released", "Laissée à tous"


class ResponseStep(Base):
    """A step taken about a response: when, by whom; `note` says what was done, or what replaced the response.

    `day` is when to come back to it, of POSTPONED only; None there takes an earlier day back.
    """

    __tablename__ = "response_steps"
    __table_args__ = (
        Index("ix_response_steps_response_id_id", "response_id", "id"),
        CheckConstraint("day IS NULL OR step = 'postponed'", name="day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"))
    step: Mapped[StepKind] = mapped_column(enum_of(StepKind, "step"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")
    day: Mapped[date | None]


def _last(value: SQLColumnExpression[Value], response_id: Mapped[int], *steps: StepKind) -> ScalarSelect[Value]:
    """A value of the last of these steps that was taken about a response; NULL without one."""
    query = select(value).where(ResponseStep.response_id == response_id, ResponseStep.step.in_(steps))
    return query.order_by(ResponseStep.id.desc()).limit(1).correlate_except(ResponseStep).scalar_subquery()


def _if_handled(value: SQLColumnExpression[Value], response_id: Mapped[int]) -> ScalarSelect[Value | None]:
    """A value of the step that handled a response; NULL while the response waits, as it does again once reopened."""
    when_handled = case((ResponseStep.step == StepKind.HANDLED, value))
    return _last(when_handled, response_id, StepKind.HANDLED, StepKind.REOPENED)


def _taken(response_id: Mapped[int]) -> ScalarSelect[str | None]:
    """The person who took a response last; NULL once it was released."""
    who_took = case((ResponseStep.step == StepKind.TAKEN, ResponseStep.actor))
    return _last(who_took, response_id, StepKind.TAKEN, StepKind.RELEASED)


class WaitingResponse(Base):
    """A response that waits for the service now, so that lists of what waits read no response of the past.

    `responses.steps` adds and deletes the row with the step that changes what waits.
    """

    __tablename__ = "waiting_responses"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True, autoincrement=False)


class Response(Base):
    """One answer of an authority, for some of its schools, given from a letter. Only its words are emptied, in time.

    One that was not theirs is withdrawn by a row of its own: whoever counts answers asks for those that stand.

    Steps about it are rows of their own; the last ones hold. It waits for the service while `handled_at` is empty;
    `outcome` says what was done, or what replaced it; `recall_on` is the day on which to come back to it, if it waits.
    `session.refresh` reads these again after a step.
    """

    __tablename__ = "responses"
    __table_args__ = (Index("ix_responses_authority_id_strand_id", "authority_id", "strand_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    strand_id: Mapped[int] = mapped_column(ForeignKey("strands.id"), index=True)
    answer: Mapped[Answer] = mapped_column(enum_of(Answer, "answer"))
    comment: Mapped[str] = mapped_column(Text, default="")
    proposed_address: Mapped[str] = mapped_column(String(320), default="")
    given_at: Mapped[datetime] = mapped_column(index=True)

    owner: Mapped[str | None] = column_property(_taken(id))  # noqa: A003 - the column
    handled_at: Mapped[datetime | None] = column_property(_if_handled(ResponseStep.at, id))  # noqa: A003
    handled_by: Mapped[str | None] = column_property(_if_handled(ResponseStep.actor, id))  # noqa: A003
    outcome: Mapped[str | None] = column_property(_if_handled(ResponseStep.note, id))  # noqa: A003
    recall_on: Mapped[date | None] = column_property(
        _last(ResponseStep.day, id, StepKind.POSTPONED, StepKind.HANDLED)  # noqa: A003 - handling it clears the day
    )

    authority: Mapped[Authority] = relationship()
    strand: Mapped[Strand] = relationship()
    message: Mapped[Message] = relationship()
    schools: Mapped[list[School]] = relationship(secondary="response_schools", order_by="School.folded")
    respondent: Mapped["Respondent | None"] = relationship()
    withdrawal: Mapped["ResponseWithdrawal | None"] = relationship()

    @classmethod
    def waits(cls) -> ColumnElement[bool]:
        """The SQL condition that a response waits: as `handled_at` is empty, without a look at those handled."""
        return cls.id.in_(select(WaitingResponse.response_id))

    @classmethod
    def stands(cls, at: datetime | None = None) -> ColumnElement[bool]:
        """The SQL condition that a response is not withdrawn (by `at`)."""
        theirs = select(ResponseWithdrawal.response_id).where(ResponseWithdrawal.response_id == cls.id)
        theirs = theirs if at is None else theirs.where(ResponseWithdrawal.withdrawn_at <= at)
        return ~theirs.correlate(cls).exists()

    @classmethod
    @lru_cache(maxsize=8)  # a page about a campaign asks for it twenty times, and writing it costs 1 ms
    def is_a_reaction(cls, at: datetime | None = None) -> ColumnElement[bool]:
        """The SQL condition that a response stands (at `at`), and stops reminders and counts as reached.

        « J’ai pris connaissance » alone, by link and without a word or a name, does neither: a machine that ticks the
        first choice gets no further.
        """
        theirs = select(Acknowledgement.response_id).where(Acknowledgement.response_id == cls.id)
        return and_(cls.stands(at), ~theirs.correlate(cls).exists())


class Acknowledgement(Base):
    """A response that says that the letter was read, and nothing else: see `is_a_reaction`."""

    __tablename__ = "acknowledgements"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True, autoincrement=False)


class WithdrawalReason(Labelled):
    """Why a response holds no longer: who got the letter says so, its page was sent twice, or staff misread a mail."""

    NOT_OURS = "not_ours", "« Ce n’est pas nous »"
    TWICE = "twice", "à vérifier, deux envois différents d’une même page"
    MISREAD = "misread", "mal notée d’un courriel"


class ResponseWithdrawal(Base):
    """A response holds no longer: since when, and why."""

    __tablename__ = "response_withdrawals"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True, autoincrement=False)
    withdrawn_at: Mapped[datetime]
    because: Mapped[WithdrawalReason] = mapped_column(enum_of(WithdrawalReason, "because"))


class Respondent(Base):
    """The person who gave a response, as they named themselves: name and function, '' where they did not say.

    Personal data, kept as long as the response. The row may be erased when the person asks for it.
    """

    __tablename__ = "respondents"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    function: Mapped[str] = mapped_column(String(LONGEST_NAME))


class ResponseSchool(Base):
    """A response is about this school."""

    __tablename__ = "response_schools"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True, index=True)


class FormState(Labelled):
    """Where a form of a letter's pages stands. SETTLED: the same letter's page was sent again since, by a person."""

    RECORDED = "recorded", "enregistrée"
    TO_VERIFY = "to_verify", "à vérifier"
    SETTLED = "settled", "réglée"
    UNDONE = "undone", "annulée"


class Doubt(Labelled):
    """Why a form may come from no person."""

    NO_PAGE = "no_page", "envoyée sans que la page ait été ouverte"
    FOREIGN_PAGE = "foreign_page", "la page ouverte était une autre, ou trop ancienne"
    AT_ONCE = "at_once", "envoyée dès l’ouverture de la page"
    TWICE = "twice", "deux envois différents d’une même page"
    MANY = "many", "plusieurs pouvoirs organisateurs en une minute"


class MailedResponse(Base):
    """A colleague noted a response from this mail received."""

    __tablename__ = "mailed_responses"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True, autoincrement=False)
    mail_id: Mapped[int] = mapped_column(ForeignKey("received_mails.id", ondelete="CASCADE"), index=True)


class SentForm(Base):
    """A form that came from a letter's page: what a person sent, or what has to be verified first.

    `nonce` is that of the page's seal, None without a genuine one; `digest` tells two forms apart; `answers` are values
    of `Answer`, without a word that was typed. `at` is also the `given_at` of the responses that it made. `changed_at`
    is since when its state holds.

    Personal data of who answered, unless it is RECORDED.
    """

    __tablename__ = "sent_forms"
    __table_args__ = (
        Index("ix_sent_forms_message_id_state", "message_id", "state"),
        Index("ix_sent_forms_state_changed_at", "state", "changed_at"),
        Index("ix_sent_forms_changed_at", "changed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authorities.id"), index=True)
    kind: Mapped[FormKind] = mapped_column(enum_of(FormKind, "form_kind"))
    state: Mapped[FormState] = mapped_column(enum_of(FormState, "form_state"))
    doubt: Mapped[Doubt | None] = mapped_column(enum_of(Doubt, "doubt"))
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary(NONCE_BYTES), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    answers: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]
    changed_at: Mapped[datetime]

    authority: Mapped[Authority | None] = relationship()
    message: Mapped[Message] = relationship()


class QuickForm(Base):
    """A form that was sent within seconds of its page, by whom (a keyed digest of the client) and for which authority.

    Personal data.
    """

    __tablename__ = "quick_forms"
    __table_args__ = (Index("ix_quick_forms_client_at", "client", "at"), Index("ix_quick_forms_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    client: Mapped[bytes] = mapped_column(LargeBinary(ATTEMPT_DIGEST_BYTES))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    at: Mapped[datetime]


REPLACED, REPLACING = "remplacée par une réponse plus récente", "réponse suivante"
SET_ASIDE = "classée sans suite"
WITHDRAWN = {because: f"annulée : {because.label}" for because in WithdrawalReason}
_TOLD = {StepKind.HANDLED: EventKind.RESPONSE_HANDLED, StepKind.REOPENED: EventKind.RESPONSE_REOPENED}


def tell_received(
    session: Session, response: Response, authority: int, strand: Strand, schools: Sequence[int], *, now: datetime
) -> None:
    """Tell programs that a response came: of an authority, about a strand and some schools, by their FASE numbers."""
    values = {**_told(session, response, authority, strand), "schools": sorted(schools)}
    publish_event(session, EventKind.RESPONSE_RECEIVED, f"authority:{authority}", values, at=now)


def _told(session: Session, response: Response, authority: int, strand: Strand) -> dict[str, Any]:
    """Whose response it is, about what, and the status that it declares: null where it asks for something."""
    return {
        "response": response.id,
        "authority": authority,
        "programme": session.get_one(Programme, strand.programme_id).code,
        "strand": strand.number,
        "answer": response.answer.value,
        "status": response.answer.status,
    }


def follow_up(answer: Answer, actor: str | None, note: str | None) -> FollowUp | None:
    """What came of a response, by who handled it and the note of that step; None while it waits."""
    if note is None:
        return None
    if actor == REPLACING:
        return FollowUp.REPLACED
    if note in WITHDRAWN.values():
        return FollowUp.WITHDRAWN
    if not answer.awaits_staff:
        return FollowUp.RECORDED
    return FollowUp.SET_ASIDE if note.startswith(SET_ASIDE) else FollowUp.ACTED


def add_step(
    session: Session,
    response: Response,
    step: StepKind,
    *,
    at: datetime,
    actor: str,
    note: str = "",
    day: date | None = None,
) -> None:
    """Record a step about a response, and read again what the response says of its steps."""
    session.add(ResponseStep(response_id=response.id, step=step, at=at, actor=actor, note=note, day=day))
    if step is StepKind.HANDLED:
        session.execute(delete(WaitingResponse).where(WaitingResponse.response_id == response.id))
    elif step is StepKind.REOPENED:
        wait(session, response)
    if kind := _TOLD.get(step):
        told = _told(session, response, response.authority.fase, response.strand)
        if step is StepKind.HANDLED:
            told["follow_up"] = follow_up(response.answer, actor, note)
        publish_event(session, kind, f"response:{response.id}", told, at=at)
    session.flush()
    session.refresh(response, ["owner", "handled_at", "handled_by", "outcome", "recall_on"])


def wait(session: Session, response: Response) -> None:
    """Let a response wait: one given now, or one that was handled."""
    session.add(WaitingResponse(response_id=response.id))


def steps_of(session: Session, response: Response) -> Sequence[ResponseStep]:
    """The steps about a response, in order: those before a moment say how it stood then."""
    query = select(ResponseStep).where(ResponseStep.response_id == response.id).order_by(ResponseStep.id)
    return session.scalars(query).all()


RECIPIENT = "destinataire"  # of a letter to no mailbox of an authority


def actor_of(session: Session, message: Message) -> str:
    """The actor of what is done from a letter: the mailbox that it went to."""
    theirs = (Contact.authority_id == message.authority_id, Contact.address_key == message.address_key)
    query = select(Contact.id).where(*theirs).order_by(Contact.retired_at.is_not(None), Contact.id.desc()).limit(1)
    number = session.scalar(query)
    return RECIPIENT if number is None else mailbox_actor(number)


def mailbox_addresses(session: Session, authority: Authority) -> dict[str, str]:
    """The addresses of an authority's mailboxes, by how records name them."""
    held = select(Contact.id, Contact.address).where(Contact.authority_id == authority.id, Contact.address != "")
    return {mailbox_actor(number): address for number, address in session.execute(held)}


def known_names(session: Session, authority: Authority) -> "Colleagues":
    """The name of everybody who has or had an account, and the addresses of an authority's mailboxes."""
    from outreach.access import accounts  # noqa: PLC0415 - only pages ask: a process that sends would hold Argon2

    known = accounts.colleagues(session)
    known.update(mailbox_addresses(session, authority))
    return known
