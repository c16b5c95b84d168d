"""Jobs as lists: one person's, for the page, or everybody's, for commands."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from outreach.columns import DATA, Column, Held, Kind, On
from outreach.db import Session
from outreach.jobs.models import Job

COLUMNS = (
    Column[Job]("number", "Tâche", lambda job: job.id, Kind.NUMBER, sort=True),
    Column[Job]("title", "Objet", lambda job: job.title, sort=True),
    Column[Job]("person", "Pour", lambda job: job.asked_by, Kind.PERSON, on=On.JSON),
    Column[Job]("state", "État", lambda job: job.state, sort=True),
    Column[Job]("asked_at", "Demandée", lambda job: job.asked_at, Kind.MOMENT, sort=True),
    Column[Job]("ended_at", "Terminée", lambda job: job.ended_at, Kind.MOMENT, sort=True),
    Column[Job]("done", "Lignes prêtes", lambda job: job.done, Kind.NUMBER, on=On.JSON),
    Column[Job]("total", "Lignes en tout", lambda job: job.total, Kind.NUMBER, on=On.JSON),
    Column[Job]("size", "Taille", lambda job: job.size, Kind.NUMBER, on=On.JSON, unit="octets"),
    Column[Job]("said", "Suite", lambda job: job.said, on=DATA),
)


def every(session: Session, person: str | None = None, *, text: str = "", sort: str = "") -> Held[Job]:
    """All jobs that are kept, or those of one person, the newest first."""
    query = select(Job) if person is None else select(Job).where(Job.asked_by == person)
    return _listed(session.scalars(query.order_by(Job.id.desc())).all(), text, sort)


def as_json(job: Job) -> dict[str, Any]:
    """One job, under the keys of the columns."""
    return _listed([job]).object(job)


def _listed(jobs: Sequence[Job], text: str = "", sort: str = "") -> Held[Job]:
    return Held(title="Tâches", columns=COLUMNS, sort=sort, usual="-number", rows=jobs, text=text)
