"""`job`: the jobs of everybody: list, show, cancel."""

import click

from outreach.cli.context import NumberType, Operation, acting, json_option, pass_operation, say, say_json, say_rows
from outreach.core import jobs
from outreach.core.jobs import Job
from outreach.core.text.french import moment, plural
from outreach.core.text.roles import RoleName


@click.group()
def job() -> None:
    """Les tâches que le service prépare à part : grands fichiers, grandes listes."""


@job.command(name="list")
@json_option
@pass_operation
def list_all(operation: Operation) -> None:
    """Énumère les tâches, les dernières d’abord."""
    with operation.database.reading() as session:
        say_rows(jobs.list_jobs(session), _told, "Aucune tâche n’est gardée.")


@job.command()
@click.argument("number", type=NumberType(), metavar="NUMÉRO")
@json_option
@pass_operation
def show(operation: Operation, number: int) -> None:
    """Montre où en est une tâche."""
    with operation.database.reading() as session:
        found = jobs.job_numbered(session, number)
        say_json(lambda: jobs.as_json(found))
        say(_told(found))


@job.command()
@click.argument("number", type=NumberType(), metavar="NUMÉRO")
@json_option
@acting
@pass_operation
def cancel(operation: Operation, number: int) -> None:
    """Annule une tâche : elle s’arrête, et rien n’en reste."""
    with operation.database.writing() as session:
        operation.actor(session, RoleName.ADMINISTRATOR)
        found = jobs.job_numbered(session, number)
        jobs.cancel_job(session, found, now=operation.now)
        say_json(lambda: jobs.as_json(found))
    say(f"La tâche {number} est annulée.")


def _told(job: Job) -> str:
    state = f"{job.state.label} depuis le {moment(job.ended_at or job.began_at or job.asked_at)}"
    rows = f", {plural(job.done, 'ligne prête', 'lignes prêtes')}" if job.done else ""
    return f"{job.id} : {job.title}, pour {job.asked_by}. {state}{rows}. {job.said}".rstrip()
