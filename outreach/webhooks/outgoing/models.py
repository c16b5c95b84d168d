"""The table of targets: where events are pushed to, how far it has come, and since when it fails."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base
from outreach.labelled import Labelled

LONGEST_NAME, LONGEST_URL, LONGEST_SAID = 80, 500, 200
PATIENCE = timedelta(days=3)


class PushState(Labelled):
    """How a target stands."""

    FOLLOWS = "follows", "suit"
    FAILS = "fails", "ne répond pas"
    GIVEN_UP = "given_up", "abandonné"
    ENDED = "ended", "terminé"


class PushTarget(Base):
    """A program that is pushed events: `after` is the number of the last one that it took.

    `failures` in a row since `failing_since`; `next_at` is when it is tried again. After three days it is given up,
    until somebody resumes it. `told_at` is when administrators were told by mail of it.
    """

    __tablename__ = "push_targets"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        CheckConstraint("(failing_since IS NULL) = (failures = 0)", name="failing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    after: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(255))
    told_at: Mapped[datetime | None]
    failures: Mapped[int]
    failing_since: Mapped[datetime | None]
    next_at: Mapped[datetime]
    said: Mapped[str] = mapped_column(String(LONGEST_SAID))
    delivered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(255))

    def state(self, now: datetime) -> PushState:
        """How it stands at a moment."""
        if self.ended_at is not None:
            return PushState.ENDED
        if self.failing_since is None:
            return PushState.FOLLOWS
        return PushState.FAILS if now < self.failing_since + PATIENCE else PushState.GIVEN_UP

    @property
    def host(self) -> str:
        """The machine of its address; the rest may be a secret of its own, and stands in no record."""
        return urlsplit(self.url).hostname or ""

    @property
    def subject(self) -> str:
        """How the audit names it."""
        return f"push_target:{self.id}"
