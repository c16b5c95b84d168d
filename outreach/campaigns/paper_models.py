"""The tables of letters on paper: batches, and the letters in them, each for a step of the ladder."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.campaigns.evidence import EscalationStep
from outreach.campaigns.models import Campaign
from outreach.core.db import Base
from outreach.directory.postal import PostalAddress

DIGEST_BYTES = 16


class PaperBatch(Base):
    """Letters on paper of a wave, made together: when, by whom, with a sheet for the reply behind each or without."""

    __tablename__ = "paper_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(255))
    letters: Mapped[int]
    has_sheet: Mapped[bool]

    campaign: Mapped[Campaign] = relationship()


class PaperLetter(Base):
    """A letter on paper, for a step of the ladder: to whom, where, about which schools, at which place of its batch.

    `code_digest` is the keyed digest of its code; the code itself is nowhere. `school_keys` are the keys of the schools
    that it lists. What becomes of it is the step's: printed, posted (tried), returned (failed). `content` is all that
    it says but its code, as it was made, so that its file can be had again; '' once emptied, None where none was kept.
    """

    __tablename__ = "paper_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("paper_batches.id"), index=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("reach_steps.id"), index=True)
    place: Mapped[int]
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary(DIGEST_BYTES), unique=True)
    recipient: Mapped[str] = mapped_column(String(200))
    street: Mapped[str] = mapped_column(String(200))
    house_number: Mapped[str] = mapped_column(String(20))
    box: Mapped[str] = mapped_column(String(20))
    postcode: Mapped[str] = mapped_column(String(10))
    locality: Mapped[str] = mapped_column(String(100))
    school_keys: Mapped[str] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(Text)

    batch: Mapped[PaperBatch] = relationship()
    step: Mapped[EscalationStep] = relationship()

    @property
    def address(self) -> PostalAddress:
        """Where it goes."""
        return PostalAddress(self.street, self.house_number, self.box, self.postcode, self.locality)

    @property
    def schools(self) -> tuple[int, ...]:
        """The keys of the schools that it lists."""
        return tuple(map(int, self.school_keys.split()))


class WrongCode(Base):
    """A code that led nowhere: when it was typed, not which it was, nor by whom."""

    __tablename__ = "wrong_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
