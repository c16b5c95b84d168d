#!/usr/bin/env python3
"""Time the pages of reactions and results: 1,000 authorities, five campaigns of three waves each.

Usage: .venv/bin/python benchmarks/reactions.py [--database sqlite|postgresql] [--authorities 1000] [--keep FILE]. Each
line is the median of several requests in this process, in milliseconds, from the request to the last byte of the
answer: as the clock tells, and of the processor alone. `--keep` is the SQLite file to make and to leave; one that is
there is only asked again.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flask.testing import FlaskClient
from sqlalchemy import insert, select, text, update

from benchmarks.web import database_of
from outreach.accounts import sessions, staff
from outreach.adherence.models import AdherenceRecord, Status, Word
from outreach.app import create_app
from outreach.campaigns import lifecycle
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.waves import launching
from outreach.cli.preparation import prepare
from outreach.db import Database, Session, table_of
from outreach.delivery.models import Message, MessageState, MessageSubject
from outreach.directory.models import Authority, Contact, Network
from outreach.measuring.machines import VERSION, Agent, HitClass, Why
from outreach.measuring.models import BasisKind, Hit, HitCount, Tracker, TrackingBasis, TrackingMode
from outreach.responses.kinds import Answer
from outreach.responses.models import Response
from outreach.settings import Settings, read
from outreach.web.signing_in.sign_in import KEY, TOKEN
from tests import factories

CAMPAIGNS, REMINDERS, SCHOOLS, RUNS = 5, (14, 28), 2, 15
SHARES = {"measured": 5, "answered": 12, "joined": 9, "refused": 40}  # one authority in so many
PAGES = (
    "recipients",
    "recipients?reaction=none",
    "recipients?reaction=none&wave=2&sort=-opened",
    "recipients?page=10&sort=-joined",
    "progress",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--authorities", type=int, default=1000)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, database_of(asked.database, Path(name)) as (url, _):
        settings = read({"OUTREACH_DATA": name})
        database = Database(f"sqlite:///{asked.keep}" if asked.keep else url)
        if not (asked.keep and asked.keep.exists() and asked.keep.stat().st_size):
            prepare(database)
            build(database, settings, asked.authorities)
        client = signed_in(database, settings)
        for page in PAGES:
            spent = [timed(client, f"/campaigns/1/{page}") for _ in range(RUNS)]
            clocks, processor = zip(*spent, strict=True)
            told = f"{statistics.median(clocks):7.1f} ms by the clock (least {min(clocks):.1f})"
            print(f"{page:48} {told}, {statistics.median(processor):7.1f} ms of the processor")
        database.dispose()


def timed(client: FlaskClient, address: str) -> tuple[float, float]:
    start, began = time.perf_counter(), time.process_time()
    answer = client.get(address)
    size = len(answer.data)
    spent = 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - began)
    if answer.status_code != 200 or not size:
        raise RuntimeError(f"{address}: {answer.status}")
    return spent


def signed_in(database: Database, settings: Settings) -> FlaskClient:
    application = create_app(settings, database)
    client = application.test_client()
    with database.writing() as session:
        person = staff.user_named(session, factories.AUTHOR)
        key = sessions.begin(session, person.id, "Firefox sous Linux", now=settings.instant())
        named = {"_user_id": person.fs_uniquifier, "_fresh": True, KEY: key, TOKEN: f"{person.id}.x"}
    with client.session_transaction() as cookie:
        cookie.update(named)
    return client


def build(database: Database, settings: Settings, authorities: int) -> None:
    """Five campaigns in the last weeks, each with two reminders, and what came of their letters."""
    start = datetime.now(UTC) - timedelta(days=45)
    factories.gather(database, authorities, now=start - timedelta(days=1), schools=SCHOOLS)
    with database.writing() as session:
        networks = session.scalars(select(Network.id).order_by(Network.position)).all()
        for rest, network in enumerate(networks):
            session.execute(update(Authority).where(Authority.id % len(networks) == rest).values(network_id=network))
        measured = select(Contact.id).where(Contact.authority_id % SHARES["measured"] == 0)
        decided = {"kind": BasisKind.DECISION, "given_by": "DPO", "reference": "DPO 1", "taken_on": start.date()}
        recorded = {"recorded_at": start, "recorded_by": factories.AUTHOR}
        session.execute(
            insert(TrackingBasis), [{"contact_id": key, **decided, **recorded} for key in session.scalars(measured)]
        )
    for number in range(CAMPAIGNS):
        run(database, settings, number, start + timedelta(hours=number))
    with database.writing() as session:
        session.execute(text("ANALYZE"))


def run(database: Database, settings: Settings, number: int, start: datetime) -> None:
    """One campaign with its reminders, as letters, answers, joinings, openings and clicks in the database."""
    made = factories.plan(database, start, now=start - timedelta(minutes=1), tracking=TrackingMode.INDIVIDUAL)
    for wave in range(1 + len(REMINDERS)):
        at = start + timedelta(days=(0, *REMINDERS)[wave])
        if wave:
            with database.writing() as session:
                lifecycle.schedule(session, lifecycle.in_turn(session, made), at, now=at, actor=factories.AUTHOR)
        launch(database, settings, made, at)
        with database.writing() as session:
            react(session, made, wave, number, at)


def launch(database: Database, settings: Settings, campaign: int, at: datetime) -> None:
    with database.reading() as session:
        key = session.get_one(Campaign, campaign).waves[-1].id
    is_left, sending = True, SenderIdentity.of(settings)
    while is_left:
        with database.writing() as session:
            is_left = launching.advance(session, key, sending, now=at)
    with database.writing() as session:
        wave = session.get_one(Wave, key)
        waiting = (Message.mailing_id == wave.mailing_id, Message.state == MessageState.QUEUED)
        is_refused = Message.authority_id % SHARES["refused"] == 0
        left = {"fence_id": "f", "worker_id": "w", "fenced_at": at, "settled_at": at}
        refused = {"reply_code": 550, "reply_status": "5.1.1", "reply_text": "no such user"}
        session.execute(
            update(Message).where(*waiting, is_refused).values(state=MessageState.REFUSED, **left, **refused)
        )
        session.execute(update(Message).where(*waiting).values(state=MessageState.ACCEPTED, reply_code=250, **left))
        wave.state = WaveState.FINISHED


def react(session: Session, campaign: int, wave: int, number: int, at: datetime) -> None:
    """What came of one wave: answers, joinings, and openings and clicks, by group and one by one."""
    made = session.get_one(Campaign, campaign)
    mailing, strand = made.waves[-1].mailing_id, made.strand_id
    own = Message.mailing_id == mailing
    letters = session.execute(
        select(Message.id, Message.authority_id).where(own, Message.state == MessageState.ACCEPTED)
    ).all()
    said, words = list(Answer), list(Word)
    answers = [
        {
            "message_id": row.id,
            "authority_id": row.authority_id,
            "strand_id": strand,
            "answer": said[row.id % len(said)],
            "given_at": at + timedelta(days=row.id % 10, hours=row.id % 7),
        }
        for row in letters
        if (row.authority_id + number) % SHARES["answered"] == wave
    ]
    session.execute(insert(Response), answers)
    listed = select(MessageSubject.school_id).join(Message, Message.id == MessageSubject.message_id)
    if number == 0:  # a school joins once
        details = {"status": Status.JOINED, "source": "", "reason": "", "recorded_by": factories.AUTHOR}
        joinings = [
            {
                "school_id": school,
                "strand_id": strand,
                "word": words[school % 2],
                "recorded_at": at,
                "effective_on": (at + timedelta(days=1 + school % 12)).date(),
                **details,
            }
            for school in session.scalars(listed.where(own, Message.authority_id % SHARES["joined"] == wave))
        ]
        session.execute(insert(table_of(AdherenceRecord)), joinings)
    seen = {"agent": Agent.BROWSER, "is_head": False, "hit_class": HitClass.HUMAN, "why": Why.NOTHING_SUSPECT}
    hits = [
        {"message_id": row.id, "link": link, "at": at + timedelta(hours=row.id % 50 + link), "version": VERSION, **seen}
        for row in letters
        if row.authority_id % SHARES["measured"] == 0
        for link in (0, 0, 1)
        if (row.id + link) % 3
    ]
    session.execute(insert(table_of(Hit)), hits)
    trackers = session.scalars(select(Tracker.id).where(Tracker.mailing_id == mailing)).all()
    hour = at.replace(minute=0, second=0, microsecond=0)
    counts = [
        {
            "tracker_id": key,
            "link": link,
            "hour": hour + timedelta(hours=later),
            "hit_class": kind,
            "count": 1 + (key + later) % 4,
        }
        for key in trackers
        for link in (0, 1)
        for later in range(0, 240, 7)
        for kind in HitClass
    ]
    session.execute(insert(table_of(HitCount)), counts)


if __name__ == "__main__":
    main()
