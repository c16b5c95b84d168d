"""Jobs: asked for, cancelled, listed. A job is private to the person who asked for it."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update

from outreach.core.db import Database, Session, take_lock
from outreach.core.jobs._models import ENDED, Job, JobPiece, JobState
from outreach.core.tables import DATA, Column, InMemoryListing, Kind, On
from outreach.core.text.errors import NotFound, Refused

MOST_AT_ONCE = 3  # of one person
MOST_OVER = 20  # of one person, which are kept: files may take a gigabyte each
MOST_FORM = 20_000  # characters, with the address
GONE = "Cette tâche n’existe pas, ou n’est plus gardée : un résultat l’est un jour."
TOO_MANY = (
    "Vous avez déjà trois tâches en attente ou en cours : attendez la fin de l’une d’elles, ou annulez-en une, "
    "dans « Tâches »."
)


class AskedJob(NamedTuple):
    """What a request does: its French title, the path of ours with its query, and the form that it sends.

    `location` is the page that it is about, or ''.
    """

    title: str
    address: str
    method: str = "GET"
    form: Sequence[Sequence[str]] = ()
    location: str = ""


def ask_job(session: Session, person: str, asked: AskedJob, *, now: datetime) -> Job:
    """Ask for what a person's request does, as a job. The same request that waits or runs already is that job.

    Raises Refused where the person has three jobs that are not over, or where the form is too large.
    """
    take_lock(session, "jobs", person)
    form = json.dumps(list(asked.form), ensure_ascii=False)
    if len(form) + len(asked.address) > MOST_FORM:
        raise Refused("Ce formulaire est trop long pour être traité en tâche.")
    others = session.scalars(select(Job).where(Job.asked_by == person, Job.state.not_in(ENDED))).all()
    for job in others:
        if (job.method, job.address, job.form) == (asked.method, asked.address, form):
            return job
    if len(others) >= MOST_AT_ONCE:
        raise Refused(TOO_MANY)
    over = select(Job.id).where(Job.asked_by == person, Job.state.in_(ENDED))
    session.execute(
        delete(Job).where(Job.id.in_(session.scalars(over.order_by(Job.id.desc()).offset(MOST_OVER)).all()))
    )
    job = Job(**asked._asdict() | {"title": asked.title[:200], "form": form}, asked_by=person, asked_at=now)
    session.add(job)
    session.flush()
    return job


def repeat_job(session: Session, job: Job, *, now: datetime) -> Job:
    """Ask for a job once more, after it failed or was cancelled, or when its file is old. Raises Refused."""
    if job.state is JobState.DONE and not job.file_name:
        raise Refused("Cette tâche est faite : ce qu’elle a changé ne se refait pas.")
    asked = AskedJob(job.title, job.address, job.method, json.loads(job.form), job.location)
    return ask_job(session, job.asked_by, asked, now=now)


def cancel_job(session: Session, job: Job, *, now: datetime) -> None:
    """Cancel a job: whoever does it finds its lease gone, and stops. Raises Refused where it is over."""
    session.refresh(job, with_for_update=True)
    if job.state.is_over:
        raise Refused(f"Cette tâche est déjà {job.state.label.lower()}.")
    job.state, job.ended_at, job.lease, job.leased_until = JobState.CANCELLED, now, None, None
    session.execute(delete(JobPiece).where(JobPiece.job_id == job.id))


def drop_jobs(session: Session, person: str) -> None:
    """Delete a person's jobs, with their files. Whoever does one of them finds its lease gone, and stops."""
    session.execute(delete(Job).where(Job.asked_by == person))


def lose_files(session: Session, *, but: int | None = None) -> None:
    """Delete the jobs that are over, with their files, and have those under way begin again, for what they read is so
    no longer. The job numbered `but` goes on.

    In this order: a job that ends meanwhile is one that is over by then.
    """
    under_way = update(Job).where(Job.state == JobState.RUNNING, Job.id.is_distinct_from(but))
    session.execute(under_way.values(state=JobState.WAITING, lease=None, leased_until=None))
    waiting = select(Job.id).where(Job.state == JobState.WAITING)
    session.execute(delete(JobPiece).where(JobPiece.job_id.in_(waiting)))
    session.execute(delete(Job).where(Job.state.in_(ENDED)).execution_options(synchronize_session=False))


def job_numbered(session: Session, number: int) -> Job:
    """The job of this number. Raises NotFound, also once it is deleted."""
    job = session.get(Job, number)
    if job is None:
        raise NotFound(GONE)
    return job


def job_of(session: Session, number: int, person: str) -> Job:
    """A person's own job. Raises NotFound for anybody else's, and once it is deleted."""
    job = job_numbered(session, number)
    if job.asked_by != person:
        raise NotFound(GONE)
    return job


def read_pieces(database: Database, number: int) -> Iterator[bytes]:
    """The file of a job that is done, a megabyte at a time, each read by itself: no reader holds a transaction."""
    place = 0
    while True:
        with database.reading() as session:
            content = session.scalar(select(JobPiece.content).where(JobPiece.job_id == number, JobPiece.place == place))
        if content is None:
            return
        yield content
        place += 1


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


def list_jobs(session: Session, person: str | None = None, *, text: str = "", sort: str = "") -> InMemoryListing[Job]:
    """All jobs that are kept, or those of one person, the newest first."""
    query = select(Job) if person is None else select(Job).where(Job.asked_by == person)
    return _listed(session.scalars(query.order_by(Job.id.desc())).all(), text, sort)


def as_json(job: Job) -> dict[str, Any]:
    """One job, under the keys of the columns."""
    return _listed([job]).object(job)


def _listed(jobs: Sequence[Job], text: str = "", sort: str = "") -> InMemoryListing[Job]:
    return InMemoryListing(title="Tâches", columns=COLUMNS, sort=sort, usual="-number", rows=jobs, text=text)
