"""The table of lists of answers."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class AnswerList(Base):
    """A file that was sent from the page of a letter; `grid` is what is read of it as JSON, '' while nothing is.

    Personal data, as somebody may have typed any words in it. Retention: 1 day; `grid` is emptied when the
    list is applied.
    """

    __tablename__ = "answer_lists"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    grid: Mapped[str] = mapped_column(Text, default="")
    applied_at: Mapped[datetime | None]
