#!/usr/bin/env python3
"""Time editions, audiences and situations on the sample, which is as large as the real register.

Usage: .venv/bin/python benchmarks/directory_and_situation.py [database URL], by default a throw-away SQLite file. Each
line is the median of several runs in this process, in milliseconds; quote ratios between lines rather than times.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outreach.adherence import situation
from outreach.adherence.programmes import _programmes as programmes
from outreach.adherence.situation import Grouping
from outreach.campaigns import segments
from outreach.campaigns.segments import Audience, Concerns, Scope, from_json, scope_at
from outreach.cli.preparation import prepare
from outreach.cli.samples import load_sample
from outreach.core.db import Database, Session
from outreach.core.settings import read
from outreach.core.tables import read_grid
from outreach.delivery.models import MessageClass
from outreach.directory import authorities
from outreach.directory.authorities import Filters
from outreach.directory.register import Difference
from outreach.directory.register._comparison import compare, stored
from outreach.directory.register._edition import read_edition
from outreach.operations.demo import sample

NOW = datetime(2021, 5, 15, 9, tzinfo=UTC)
TODAY = NOW.date()


def compared(session: Session, content: bytes) -> Difference:
    """What an edition would change."""
    return compare(stored(session), read_edition(read_grid(content)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/benchmark.sqlite3")
        prepare(database)
        show("load the sample (two editions, 159 statuses)", lambda: load(database, folder), runs=1)
        edition = sample.build(TODAY).second
        show("read an edition", lambda: read_edition(read_grid(edition)))
        with database.reading() as session:
            programme = programmes.get_programme(session)
            show("plan an edition that changes nothing", lambda: compared(session, edition))
            show("count the directory", lambda: authorities.count_authorities(session, Filters()))
            show("one page of the directory", lambda: authorities.list_authorities(session, Filters()).page(1))
            meant, scope = audience_of_an_invitation(session, programme)
            show(
                "count an audience, who is left out, and why",
                lambda: segments.count_audience(session, meant, scope),
            )
            show("its first ten", lambda: segments.first_authorities(session, meant, scope, 10))
            show("situation of a day", lambda: situation.count_situation(session, programme, TODAY))
            then, by_zone = NOW - timedelta(hours=1), Grouping.ZONE
            show("the same, as known an hour before", lambda: known_then(session, programme, then))
            show("the same, by zone", lambda: situation.count_situation(session, programme, TODAY, by=by_zone))
            show("curve over 26 days", lambda: situation.joining_curve(session, programme, TODAY))
            show("situation of 26 days, one by one", lambda: one_by_one(session, programme))
        database.dispose()


def audience_of_an_invitation(session: Session, programme: programmes.Programme) -> tuple[Audience, Scope]:
    strand = programme.strands[0]
    asked = from_json(
        '{"and":[{"level":["secondary"]},{"never_answered":{"strand":1}},{"not_written_since":{"days":7}}]}'
    )
    scope = scope_at(session, programme.id, now=NOW)
    return Audience(asked, strand, Concerns.OPEN, MessageClass.AWARENESS), scope


def load(database: Database, folder: str) -> None:
    load_sample(database, read({"OUTREACH_DATA": folder}), NOW, TODAY)


def known_then(session: Session, programme: programmes.Programme, then: datetime) -> None:
    situation.count_situation(session, programme, TODAY, known_at=then)


def one_by_one(session: Session, programme: programmes.Programme) -> None:
    for days in range(26):
        situation.count_situation(session, programme, TODAY - timedelta(7 * days))


def show(name: str, action: Callable[[], object], runs: int = 7) -> None:
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        spent.append(1000 * (time.perf_counter() - start))
    print(f"{name:48} {statistics.median(spent):8.1f} ms")


if __name__ == "__main__":
    main()
