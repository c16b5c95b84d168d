"""The tables of responses and of what was done about them.

A response is never changed: a later one replaces it, and what staff did about it are rows of their own.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    ScalarSelect,
    SQLColumnExpression,
    String,
    Text,
    case,
    select,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from outreach.adherence.models import Strand
from outreach.db import Base, enum_of
from outreach.delivery.models import Message
from outreach.directory.models import Authority, School
from outreach.responses.kinds import Answer

LONGEST_NAME = 120  # characters of a respondent's name, and of their function


Value = TypeVar("Value")


class StepKind(StrEnum):
    """A kind of step about a response."""

    TAKEN = "taken"
    HANDLED = "handled"
    REOPENED = "reopened"
    POSTPONED = "postponed"
    REPLIED = "replied"
    RELEASED = "released"

    @property
    def label(self) -> str:
        """The French label."""
        return _STEP_LABELS[self]


_STEP_LABELS = {
    StepKind.TAKEN: "Prise en charge",
    StepKind.HANDLED: "Traitée",
    StepKind.REOPENED: "Rouverte",
    StepKind.POSTPONED: "Rappel fixé",
    StepKind.REPLIED: "Courriel envoyé",
    StepKind.RELEASED: "Laissée à tous",
}


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

    @classmethod
    def waits(cls) -> ColumnElement[bool]:
        """The SQL condition that a response waits: as `handled_at` is empty, without a look at those handled."""
        return cls.id.in_(select(WaitingResponse.response_id))


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
