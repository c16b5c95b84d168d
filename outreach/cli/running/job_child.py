"""The child that does one job: `python -m` this, with the number of the job and its lease.

The request that a person made is answered here as a page would be, by the same application, as that person, without
the limits of a page. A file that it answers with is kept with the job; of a page, what it said.
"""

import json
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from flask import Flask, Request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header
from werkzeug.test import EnvironBuilder, run_wsgi_app

from outreach.access import accounts, scopes
from outreach.access.accounts import User
from outreach.campaigns import segments
from outreach.core import erasure, sandbox
from outreach.core.db import Database
from outreach.core.db.watch import is_away, is_busy
from outreach.core.jobs import Job, JobWork, LeaseLost
from outreach.core.settings import Settings, read
from outreach.core.text import logs
from outreach.core.text.errors import OutreachError
from outreach.operations.worker.job_room import AWAY
from outreach.web.app import create_app
from outreach.web.ui.errors import SENTENCES
from outreach.web.ui.request import JOB, READS, reading

NICE = 10
SECONDS = 3_600  # of processor time
MEMORY = 1_500_000_000  # bytes of address space; most of it is code that all processes share
FAILED = "Cette tâche n’a pas abouti. Réessayez ; si cela recommence, signalez-le à l’administration."
NO_MEMORY = "Cette tâche demande plus de mémoire qu’il n’en est permis. Demandez moins à la fois."
logger = logging.getLogger(__name__)


def main() -> None:
    """Do the job, and end with 0, also when it failed: its row says so.

    It ends with AWAY when the database is away or busy: whatever comes of that is no fault of the job. A statement that
    the database ended is none of these, and breaks this child as any fault of ours.
    """
    number, lease = int(sys.argv[1]), sys.argv[2]
    logs.begin("job")
    os.nice(NICE)
    sandbox.limit(seconds=SECONDS, memory=MEMORY)
    with suppress(OSError):  # a machine that lacks memory ends this process first, not the one that sends
        Path("/proc/self/oom_score_adj").write_text("1000")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = read()
    rules = segments.info_of(settings) | erasure.info_of(settings) | scopes.info_of(settings)
    database = Database(settings.database, rules)
    work = JobWork(database, number, lease, settings.instant)
    try:
        with suppress(LeaseLost):
            do_or_say_why_not(settings, database, work)
        database.dispose()  # what still waits to be written of the trail is
    except SQLAlchemyError as error:
        if is_away(error) or is_busy(error):
            sys.exit(AWAY)
        raise


def do_or_say_why_not(settings: Settings, database: Database, work: JobWork) -> None:
    """Answer the request of a job, or keep with it why that cannot be. Raises LeaseLost."""
    try:
        do(settings, database, work)
    except MemoryError:
        work.fail(NO_MEMORY)
    except HTTPException as error:
        work.fail(SENTENCES[error.code or 500][1])
    except LeaseLost:
        raise
    except OutreachError as error:
        work.fail(str(error))


def do(settings: Settings, database: Database, work: JobWork) -> None:
    """Answer the request of a job. Raises LeaseLost, or another OutreachError that says why it cannot be."""
    with database.reading() as session:
        job = session.get_one(Job, work.number)
        person, address, method, form = job.asked_by, job.address, job.method, json.loads(job.form)
    app = app_of(settings, database, person)
    builder = EnvironBuilder(path=address, method=method, base_url=settings.address, environ_overrides={JOB: work})
    if method not in READS:
        builder.form.update(MultiDict(form))
    body, status, headers = run_wsgi_app(app, builder.get_environ())
    name = parse_options_header(headers.get("Content-Disposition", ""))[1].get("filename", "")
    if status.startswith("200") and name:
        for content in body:
            work.write(content)
        work.save(name, headers["Content-Type"])
    elif not work.is_over:
        logger.warning("job %s was answered by %s", work.number, status, extra={"event": "job_unanswered"})
        work.fail(FAILED)


def app_of(settings: Settings, database: Database, person: str) -> Flask:
    """The application as this person sees it, if the account may still be used: what goes wrong in it is raised.

    The forms that come to it are those of jobs, which were asked for with a token.
    """
    app = create_app(settings, database)
    app.config.update(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=True)

    def found(_request: Request) -> User:
        with reading() as session:
            return accounts.user_named(session, person)

    def fault(error: Exception) -> NoReturn:
        raise error

    app.login_manager.request_loader(found)  # type: ignore[attr-defined]
    app.handle_user_exception = fault  # type: ignore[assignment, method-assign]
    return app


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # not by `sys.stdin`: its lock would be held as Python ends, which then aborts
    os.killpg(0, signal.SIGKILL)  # with the processes that this one started: the job room made it a group


if __name__ == "__main__":
    main()
