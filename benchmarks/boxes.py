#!/usr/bin/env python3
"""Time counting an audience and filling a wave, by the mailboxes it writes to: 1,000 authorities, 2,700 schools.

Usage: .venv/bin/python benchmarks/boxes.py [--database sqlite|postgresql] [--authorities 1000]. Nine schools in ten get
a mailbox that answers for them alone. Times are milliseconds of the processor in this process, without a server's own;
counting is the least of seven. The first line is about the directory before the schools have mailboxes.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import insert, select, text

from benchmarks.web import database_of
from outreach.campaigns import planning, waves
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.campaigns.models import Wave
from outreach.campaigns.segments import Boxes
from outreach.cli.preparation import prepare
from outreach.core.db import Database, Session
from outreach.delivery.letters import Keys
from outreach.delivery.models import Batch, Mailing
from outreach.delivery.outbox import due_in
from outreach.directory.models import Contact, ContactSchool, Ownership, School
from tests import factories

NOW = datetime(2021, 5, 18, 9, tzinfo=UTC)
SENDING = SenderIdentity("courriel.example", "https://courriel.example", Keys((b"k" * 32,)))
SCHOOLS, RUNS = 3, 7


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--authorities", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, database_of(asked.database, Path(name)) as (url, _):
        database = Database(url)
        prepare(database)
        factories.gather(database, asked.authorities, now=NOW, schools=SCHOOLS)
        tell(database, Boxes.AUTHORITY, "no mailbox of a school")
        with database.writing() as session:
            add_boxes(session)
        for boxes in Boxes:
            tell(database, boxes, boxes.value)
        database.dispose()


def add_boxes(session: Session) -> None:
    """Give nine schools in ten a mailbox of their own."""
    query = select(School.id, School.fase, Ownership.authority_id).join(Ownership, Ownership.school_id == School.id)
    schools = session.execute(query.where(School.id % 10 > 0)).all()
    rows = [
        factories.contact(f"ec{fase}@ecole.example", authority_id=owner, added_at=NOW) for _, fase, owner in schools
    ]
    keys = session.scalars(insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows).all()
    limits = [{"contact_id": key, "school_id": school.id} for key, school in zip(keys, schools, strict=True)]
    session.execute(insert(ContactSchool), limits)
    session.execute(text("ANALYZE"))  # as a server does by itself within a minute


def tell(database: Database, boxes: Boxes, name: str) -> None:
    """Print what counting, filling and composing take."""
    number = factories.plan(database, NOW + timedelta(minutes=1), now=NOW, boxes=boxes)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        counts = planning.count_campaign_audience(session, campaign, now=NOW)
        counted = least(lambda: planning.count_campaign_audience(session, campaign, now=NOW))
    filled, composed = fill(database, number)
    told = f"count {counted:6.1f} ms, fill {filled:7.1f} ms, compose {composed:7.1f} ms"
    print(f"{name:24} {counts.written:5} PO, {counts.addresses:5} mailboxes: {told}", flush=True)


def fill(database: Database, number: int) -> tuple[float, float]:
    """How long the rows of a campaign's first wave take, and then all its letters."""
    at = NOW + timedelta(minutes=1)
    with database.reading() as session:
        wave = session.scalars(select(Wave.id).where(Wave.campaign_id == number)).one()
    begun = time.process_time()
    while True:
        with database.writing() as session:
            if not waves.advance_wave(session, wave, SENDING, now=at):
                break
    filled = time.process_time() - begun
    compose = Composer(SENDING, lambda: at)
    begun = time.process_time()
    with database.reading() as session:
        mailing = session.get_one(Mailing, session.get_one(Wave, wave).mailing_id)
        for batch in session.scalars(select(Batch.id).where(Batch.mailing_id == mailing.id)).all():
            compose(session, mailing, due_in(session, batch, now=at))
    return 1000 * filled, 1000 * (time.process_time() - begun)


def least(do: Callable[[], object]) -> float:
    """The least of several times, in milliseconds."""
    spent = []
    for _ in range(RUNS):
        begun = time.process_time()
        do()
        spent.append(time.process_time() - begun)
    return 1000 * min(spent)


if __name__ == "__main__":
    main()
