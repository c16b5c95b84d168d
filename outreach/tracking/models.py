"""The tables of what came back. A response is never changed: a later one replaces it, staff note what they did."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.adherence.models import Status, Strand
from outreach.db import Base, enum_of
from outreach.delivery.models import Message
from outreach.directory.models import Authority, School


class Answer(StrEnum):
    """What an authority may answer to a letter about a strand."""

    JOINED = "joined"
    IN_PREPARATION = "in_preparation"
    TENDER_LAUNCHED = "tender_launched"
    INFORMED = "informed"
    DECLINED = "declined"
    NOT_CONCERNED = "not_concerned"
    HELP = "help"
    WRONG_CONTACT = "wrong_contact"

    @property
    def label(self) -> str:
        """The answer in the authority's words."""
        return _ANSWER_LABELS[self]

    @property
    def status(self) -> Status | None:
        """What the answer declares of a school, or None when it asks the service for something."""
        return None if self in {Answer.HELP, Answer.WRONG_CONTACT} else Status(self.value)

    @property
    def awaits_staff(self) -> bool:
        """Whether somebody of the service has something to do about it."""
        return self not in {Answer.IN_PREPARATION, Answer.TENDER_LAUNCHED, Answer.INFORMED}


_ANSWER_LABELS = {
    Answer.JOINED: "Nous adhérons",
    Answer.IN_PREPARATION: "En préparation",
    Answer.TENDER_LAUNCHED: "Marché lancé",
    Answer.INFORMED: "J’ai pris connaissance",
    Answer.DECLINED: "Nous n’adhérons pas",
    Answer.NOT_CONCERNED: "Non concerné",
    Answer.HELP: "Besoin d’aide",
    Answer.WRONG_CONTACT: "Ce n’est pas le bon contact",
}


class Response(Base):
    """One answer of an authority, for some of its schools, given from a letter.

    It waits for the service while `handled_at` is empty; `outcome` says what was done, or what replaced it.
    """

    __tablename__ = "responses"
    __table_args__ = (
        CheckConstraint("(handled_at IS NULL) = (handled_by IS NULL)", name="handled"),
        Index(
            "ix_responses_waiting",
            "answer",
            "given_at",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
        Index("ix_responses_authority_id_strand_id", "authority_id", "strand_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    strand_id: Mapped[int] = mapped_column(ForeignKey("strands.id"), index=True)
    answer: Mapped[Answer] = mapped_column(enum_of(Answer, "answer"))
    comment: Mapped[str] = mapped_column(Text, default="")
    proposed_address: Mapped[str] = mapped_column(String(320), default="")
    given_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(255))
    owned_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    handled_by: Mapped[str | None] = mapped_column(String(255))
    outcome: Mapped[str] = mapped_column(Text, default="")

    authority: Mapped[Authority] = relationship()
    strand: Mapped[Strand] = relationship()
    message: Mapped[Message] = relationship()
    schools: Mapped[list[School]] = relationship(secondary="response_schools", order_by="School.folded")


class ResponseSchool(Base):
    """An answer speaks of this school."""

    __tablename__ = "response_schools"

    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True, index=True)
