#!/usr/bin/env python3
"""Measure what years of campaigns leave: the size of each table, what pages cost, and the memory of a web process.

Usage: ./run bench years [--years 5] [--campaigns 30] [--authorities 985] [--database sqlite|postgresql]
[--requests 1000] [--only NAME …] [--json]. A base of its own gets so many campaigns a year of three waves each, to all
authorities. Pages and checks then run in a process of their own each, as `./run bench scale` has them. One web process
answers so many requests for these pages. What is known of a person, a backup, the erasure of that person and a purge
come last. It ends with 1 when a goal is missed, and says which on standard error.
"""

import argparse
import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import func, select, text

from benchmarks.growth import ground, keeping, meter, pages
from benchmarks.growth.goals import Line
from benchmarks.growth.ground import Ground
from benchmarks.growth.letters import Pace
from benchmarks.growth.pages import Kind, Operation
from benchmarks.web import database_of
from outreach.core.db import Base, Database, Session
from outreach.core.settings import ROOT
from tests.machine import free_port, serving, wait_for_port

PAGE_SECONDS, VERIFY_SECONDS, WEB_PROCESS = 0.4, 10.0, 200  # the goals; MB
READERS = 4
YEAR = timedelta(days=365)
MEGA = 1_000_000


def main() -> None:
    asked = _arguments().parse_args()
    pace = Pace(asked.years * asked.campaigns, YEAR / asked.campaigns)
    with tempfile.TemporaryDirectory() as name, database_of(asked.database, Path(name)) as (url, server):
        folder, process = Path(name), server.process.pid if server else None
        made = meter.cost_in_child(
            lambda: lambda: ground.build(url, folder, asked.authorities, pace), process, again=False
        )
        if made.fault:
            raise RuntimeError(made.fault)
        print(f"base of {asked.years} years: {made.cpu_s:.0f} s of processor time", file=sys.stderr, flush=True)
        values = {"database": asked.database, "years": asked.years, **sizes(url, asked.years)}
        there = Ground(url, folder, asked.authorities, process, pace)
        lines = list(costs(there, _named(_operations(), asked.only)))
        shares, alone = web_memory(there, asked.requests) if asked.requests else (0.0, 0.0)
        values |= {"web_process_mb": shares, "web_process_alone_mb": alone}
        before = keeping.letters_with_words(there)
        lines += costs(there, _named(keeping.OPERATIONS, asked.only))
        values |= {"operations": [line.as_json() for line in lines], "backup_mb": keeping.megabytes(there)}
        values["letters_emptied"] = before - keeping.letters_with_words(there)
    _say(values, as_json=asked.json)
    sentences = [*missed(lines, values["web_process_mb"])]
    print("\n".join(sentences), file=sys.stderr)
    sys.exit(1 if sentences else 0)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench years")
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--campaigns", type=int, default=30, help="a year")
    parser.add_argument("--authorities", type=int, default=985, help="at least 20")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--requests", type=int, default=1000, help="to a web process; 0: none is started")
    parser.add_argument("--only", nargs="+", default=("",), help="operations whose names begin so")
    parser.add_argument("--json", action="store_true", help="one object as the last line")
    return parser


def _named(operations: Iterable[Operation], names: Sequence[str]) -> list[Operation]:
    return [one for one in operations if one.name.startswith(tuple(names))]


def _operations() -> Iterator[Operation]:
    return (one for one in pages.reading_operations() if one.kind is Kind.PAGE or one.name == "verify")


def sizes(url: str, years: int) -> dict[str, Any]:
    """The tables by size, with their indexes: rows, megabytes; and what a year adds to all of them."""
    opened = Database(url)
    measure = _postgresql if opened.engine.name == "postgresql" else _sqlite
    with opened.reading() as session:
        octets = measure(session)
        counted = {
            name: session.scalar(select(func.count()).select_from(table))
            for name, table in Base.metadata.tables.items()
        }
    opened.dispose()
    largest = sorted(counted, key=lambda name: -octets.get(name, 0))
    listed = [{"table": name, "rows": counted[name], "mb": round(octets.get(name, 0) / MEGA, 1)} for name in largest]
    total = sum(octets.values()) / MEGA
    return {"mb": round(total, 1), "mb_a_year": round(total / years, 1), "tables": listed}


def _postgresql(session: Session) -> dict[str, int]:
    rows = session.execute(text("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"))
    return {row[0]: row[1] for row in rows}


def _sqlite(session: Session) -> dict[str, int]:
    rows = session.execute(
        text("SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY 1")
    )
    return {row[0]: row[1] for row in rows}


def costs(there: Ground, operations: Sequence[Operation]) -> Iterator[Line]:
    """What each operation costs, said as it is known."""
    for one in operations:
        cost = meter.cost_in_child(partial(one.prepare, there), there.server, again=one.again)
        line = Line(one.name, one.kind, there.authorities, cost)
        print(line, file=sys.stderr, flush=True)
        yield line


def web_memory(there: Ground, requests: int) -> tuple[float, float]:
    """The memory in MB of a web process that has answered so many requests.

    First what processes share counted by parts (PSS), as the goal means it; then whole (RSS), as of a process whose
    libraries nobody else has loaded: each other program of this machine that runs Python makes the first one less.
    """
    port = free_port()
    own = {"OUTREACH_DATA": str(there.folder), "OUTREACH_DATABASE_URL": there.url}
    environment = {**os.environ, **own, "OUTREACH_BIND": f"127.0.0.1:{port}"}
    cookies = {person: _cookie(there, person) for person in ("", pages.ADMINISTRATOR)}
    there.database.dispose()
    command = [sys.executable, "-m", "outreach", "web"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        time.sleep(3)
        addresses = [one.address for one in _operations() if one.address]
        asked = itertools.cycle(
            (each, cookies[pages.ADMINISTRATOR if each.startswith(("/administration", "/trail")) else ""])
            for each in addresses
        )
        _ask(port, list(itertools.islice(asked, requests)))
        (web,) = serving(process.pid)
        report = Path(f"/proc/{web}/smaps_rollup").read_text(encoding="ascii")
    finally:
        process.terminate()
        process.wait(30)
    shares, alone = (re.findall(rf"^{name}:\s+(\d+)", report, re.MULTILINE)[0] for name in ("Pss", "Rss"))
    return round(int(shares) / 1024, 1), round(int(alone) / 1024, 1)


def _cookie(there: Ground, person: str) -> str:
    client = there.client(person) if person else there.client()
    cookie = client.get_cookie("outreach")
    if cookie is None:
        raise RuntimeError("nobody is signed in")
    return f"outreach={cookie.value}"


def _ask(port: int, asked: Sequence[tuple[str, str]]) -> None:
    """Have readers ask for pages side by side. Standard error names those that were refused, as a busy machine does."""
    refused: list[str] = []

    def read(own: Sequence[tuple[str, str]]) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            for address, cookie in own:
                connection.request("GET", address, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    refused.append(f"{address}: {answer.status}")

    readers = [threading.Thread(target=read, args=(asked[number::READERS],)) for number in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    if refused:
        print(f"{len(refused)} requests were refused: {', '.join(sorted(set(refused)))}", file=sys.stderr)


def missed(lines: Sequence[Line], web_process: float) -> Iterator[str]:
    """A sentence for each goal that is missed; `web_process` is its memory, in MB."""
    for line in lines:
        most = VERIFY_SECONDS if line.name == "verify" else PAGE_SECONDS
        if line.cost.cpu_s is None:
            yield f"{line.name}: it failed ({line.cost.fault})"
        elif line.cost.cpu_s > most and (line.kind is Kind.PAGE or line.name == "verify"):
            yield f"{line.name}: {line.cost.cpu_s:.2f} s of processor time, the goal is {most} s"
    if web_process > WEB_PROCESS:
        yield f"a web process: {web_process} MB, the goal is {WEB_PROCESS} MB"


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told))
        return
    for table in told["tables"][:15]:
        print(f"{table['table']:24} {table['rows']:10,} rows {table['mb']:9.1f} MB")
    print(f"{told['mb']} MB in all, {told['mb_a_year']} MB a year")
    print(f"a web process has {told['web_process_mb']} MB, {told['web_process_alone_mb']} MB with what others share")
    print(f"a backup has {told['backup_mb']} MB; the erasure and the purge emptied {told['letters_emptied']} letters")


if __name__ == "__main__":
    main()
