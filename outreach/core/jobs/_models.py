"""The tables of jobs: what was asked for, how far it is, and its result in pieces."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, enum_of
from outreach.core.text.labelled import Labelled

KEPT = timedelta(days=1)  # once it is over


class JobState(Labelled):
    """Where a job stands."""

    WAITING = "waiting", "En attente"
    RUNNING = "running", "En cours"
    DONE = "done", "Terminée"
    FAILED = "failed", "En échec"
    CANCELLED = "cancelled", "Annulée"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self in ENDED


ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(Base):
    """A request of a person that is answered as a job.

    `asked_by` is the address of the person's account; `method`, `address` and `form` (a JSON list of pairs) are the
    request. A running job is leased: `lease` names who does it, until `leased_until`. Whoever holds no valid lease
    writes nothing of it. `breaks` counts the children that died at it. `done` of `total` rows are ready; where nobody
    knows `total`, it is None. `location` is the page that it is about, or ''. Once it is over, `said` tells its outcome
    in French, and `file_name`, `mimetype` and `size` (bytes) its file. Personal data.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state", "state"),
        Index("ix_jobs_asked_by", "asked_by"),
        Index("ix_jobs_ended_at", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_by: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(200))
    method: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(Text)
    form: Mapped[str] = mapped_column(Text)
    state: Mapped[JobState] = mapped_column(enum_of(JobState, "job_state"), default=JobState.WAITING)
    asked_at: Mapped[datetime]
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    breaks: Mapped[int] = mapped_column(default=0)
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    said: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(Text, default="")
    file_name: Mapped[str] = mapped_column(String(255), default="")
    mimetype: Mapped[str] = mapped_column(String(120), default="")
    size: Mapped[int] = mapped_column(default=0)

    @property
    def percent(self) -> int | None:
        """How far it is, from 0 to 100, or None where nobody knows how much there is to do."""
        return None if not self.total else min(100, 100 * self.done // self.total)


class JobPiece(Base):
    """A megabyte of a job's file, by its place. It goes with its job."""

    __tablename__ = "job_pieces"

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
