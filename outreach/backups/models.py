"""The table of rehearsals: when a backup was restored aside and checked, and what came of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of

LONGEST_NAME = 255


class RehearsalOutcome(StrEnum):
    """What came of a rehearsal."""

    PROVEN = "proven"
    FAILED = "failed"


class Rehearsal(Base):
    """A rehearsal: which backup (`file`, '' for none), of which moment (`made_at`), what was wrong (`told`, French).

    No person stands in a row. Retention: 1 year.
    """

    __tablename__ = "rehearsals"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    file: Mapped[str] = mapped_column(String(LONGEST_NAME))
    made_at: Mapped[datetime | None]
    outcome: Mapped[RehearsalOutcome] = mapped_column(enum_of(RehearsalOutcome, "rehearsal_outcome"))
    told: Mapped[str] = mapped_column(Text)
    seconds: Mapped[int]
