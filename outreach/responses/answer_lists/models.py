"""The table of lists of answers."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base
from outreach.sent_lists.models import SentList


class AnswerList(SentList, Base):
    """A file that was sent from the page of a letter; `grid` is '' until it is read, and once it is applied.

    Personal data, as somebody may have typed any words in it.
    """

    __tablename__ = "answer_lists"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
