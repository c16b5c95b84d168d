#!/usr/bin/env python3
"""Time lists of contacts on the sample: read and compared, applied, compared again with changes, undone.

Usage: .venv/bin/python benchmarks/contacts.py [rows] [database URL], by default 100,000 rows and a throw-away SQLite
file. Each line has seconds, the processor time of this process among them, and its peak memory so far. While a list is
applied, another thread writes to an unrelated table and then, on its own, corrects a contact: the longest waits of both
are what others wait for the writer.
"""

import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import select

from outreach.cli.preparation import prepare
from outreach.cli.samples import load_sample
from outreach.core import audit, tables
from outreach.core.db import Database, take_lock
from outreach.core.settings import read
from outreach.core.tables import ListJudgement, Opened, open_import
from outreach.core.text.addresses import judge
from outreach.directory.models import Authority, Contact, Ownership, School
from outreach.engagement.mailboxes import HEADERS, ContactLists, ContactPlan

NOW = datetime(2021, 5, 15, 9, tzinfo=UTC)
HEADER = "fase;adresse;ecole;nom;fonction;type;telephone;usage;source"
Result = TypeVar("Result")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/benchmark.sqlite3")
        prepare(database)
        load_sample(database, read({"OUTREACH_DATA": folder}), NOW, NOW.date())
        for hours, person in enumerate(("Anne", "Zoe")):
            at, content = NOW + timedelta(hours=hours), a_list(database, rows, person)
            what = ("new", "changed")[hours]
            sent, judged = show(f"{rows} {what}: read, compared", lambda c=content: compared(database, c))
            waits: dict[str, float] = {}
            with_others(
                database, waits, lambda s=sent, j=judged, a=at: show("  applied", lambda: applied(database, s, j, a))
            )
            print("  " + ", ".join(f"{who} waited {wait:.2f} s at most" for who, wait in waits.items()))
        show("undone", lambda: undone(database))
        database.dispose()


def a_list(database: Database, count: int, person: str) -> bytes:
    """A list of addresses, each of one school, of every authority in turn."""
    listed = select(Authority.fase, School.fase).join(Ownership, Ownership.authority_id == Authority.id)
    with database.reading() as session:
        query = listed.join(School, School.id == Ownership.school_id).where(Ownership.current())
        known = [tuple(row) for row in session.execute(query.order_by(School.fase))]
    lines = [HEADER]
    for place in range(count):
        authority, school = known[place % len(known)]
        who = f"{person} Personne{place};Directrice;fonction;+32 2 555 {place % 100:02} {place // 100 % 100:02}"
        lines.append(f"{authority};direction.{place}@ecole{school}.be;{school};{who};Courrier officiel;Circulaire 1234")
    return "\r\n".join(lines).encode()


def compared(database: Database, content: bytes) -> tuple[Opened, ListJudgement[ContactPlan]]:
    sent, kind = open_import(content, HEADERS), ContactLists(judge)
    with database.reading() as session:
        return sent, tables.judge_import(session, kind, tables.draft_import(kind, sent, complete=False))


def applied(database: Database, sent: Opened, judged: ListJudgement[ContactPlan], at: datetime) -> None:
    with database.writing() as session:
        kind = ContactLists(judge)
        received = tables.receive_import(session, kind, sent, complete=False, now=at, actor="nadia")
        tables.apply_import(session, kind, received, judged, now=at, actor="nadia")


def undone(database: Database) -> None:
    with database.writing() as session:
        tables.undo_import(session, ContactLists(judge), now=NOW + timedelta(hours=3), actor="nadia")


def with_others(database: Database, waits: dict[str, float], action: Callable[[], object]) -> None:
    """Do something while one thread writes an entry of the audit, and another one contact, again and again."""
    done = threading.Event()

    def go_on(who: str, write: Callable[[], None]) -> None:
        while not done.wait(0.05):
            start = time.perf_counter()
            write()
            waits[who] = max(waits.get(who, 0), time.perf_counter() - start)

    def note() -> None:
        with database.writing() as session:
            audit.record_entry(session, NOW, "marc", "Une ligne.", "benchmark")

    def touch() -> None:
        with database.writing() as session:
            take_lock(session, "contacts", 9001)
            held = session.scalars(select(Contact).order_by(Contact.id).limit(1)).one()
            held.bounced_at = None if held.bounced_at else NOW

    threads = [
        threading.Thread(target=go_on, args=each) for each in (("who writes else", note), ("who corrects", touch))
    ]
    for thread in threads:
        thread.start()
    try:
        action()
    finally:
        done.set()
        for thread in threads:
            thread.join()


def show(name: str, action: Callable[[], Result]) -> Result:
    start, spent = time.perf_counter(), time.process_time()
    result = action()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    took = f"{time.perf_counter() - start:6.2f} s, {time.process_time() - spent:6.2f} s of processor time"
    print(f"{name:32} {took}, {peak} MB at most", flush=True)
    return result


if __name__ == "__main__":
    main()
