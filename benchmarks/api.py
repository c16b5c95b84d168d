#!/usr/bin/env python3
"""Measure what a read of `/api/v1` costs, beside the page that shows the same, as an administrator opens it.

Usage: ./run bench api [--authorities 1000] [--database sqlite|postgresql] [--json]. A base of its own is made, as
`bench scale` makes it. A read, its page, and the page without its template run in processes of their own; of five runs
the median of processor time counts, the server's too. The page without its template is what it asks the database, with
what all pages ask. It ends with 1 where a read costs over 1.3 times that.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flask import templating
from sqlalchemy import text

from benchmarks.growth import ground, meter
from benchmarks.growth.ground import Ground
from benchmarks.growth.meter import Action
from benchmarks.growth.pages import page
from benchmarks.web import database_of
from outreach.integrations import api_keys
from tests import factories

ADMINISTRATOR = "hugo.willems@fwb.example"
EMPTY = "<!doctype html><title>x</title><main></main>"
MOST = 1.3  # times what the page asks
READS = (  # of fifty rows, as a page has
    ("/situation", "/"),
    ("/situation?by=zone", "/?by=zone"),
    ("/networks", "/directory"),
    ("/programmes", "/administration/programmes"),
    ("/authorities?limit=50", "/directory"),
    ("/authorities/FASE/schools?limit=50", "/directory/FASE"),
    ("/segments", "/segments"),
    ("/campaigns?limit=50", "/campaigns"),
    ("/campaigns/1", "/campaigns/1/progress"),
    ("/campaigns/1/waves/1/recipients?limit=50", "/campaigns/1/authorities?wave=1"),
    ("/responses?limit=50", "/responses"),
    ("/exclusions?limit=50", "/directory/exclusions"),
    ("/notes?limit=50", "/notes"),
    ("/adherence-records?limit=50", "/directory/FASE/statuses"),
    ("/events?limit=50", "/directory/FASE/history"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--authorities", type=int, default=1_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true", help="one object as the last line; figures go to standard error")
    asked = parser.parse_args()
    rows = []
    for row in measured(asked.database, asked.authorities):
        rows.append(row)
        print(told(row), file=sys.stderr if asked.json else sys.stdout, flush=True)
    if asked.json:
        print(json.dumps({"database": asked.database, "authorities": asked.authorities, "reads": rows}))
    sys.exit(any(row["times"] is None or row["times"] > MOST for row in rows))


def measured(database: str, size: int) -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as name, database_of(database, Path(name)) as (url, server):
        folder, process = Path(name), server.process.pid if server else None
        made = meter.cost_in_child(lambda: lambda: ground.build(url, folder, size), process, again=False)
        if made.fault:
            raise RuntimeError(made.fault)
        there = Ground(url, folder, size, process)
        key, fase = _key(there)
        for read, path in READS:
            words, shown = read.replace("FASE", str(fase)), path.replace("FASE", str(fase))
            costs = [
                meter.cost_in_child(prepare, process, again=True)
                for prepare in (
                    partial(_read, there, key, words),
                    partial(_asked, there, shown),
                    partial(page(shown, shown, person=ADMINISTRATOR).prepare, there),
                )
            ]
            ours, theirs, whole = (cost.cpu_s for cost in costs)
            times = round(ours / theirs, 2) if ours and theirs else None
            fault = " ".join(cost.fault for cost in costs if cost.fault)
            seconds = {"read_cpu_s": ours, "asked_cpu_s": theirs, "page_cpu_s": whole}
            yield {"read": read, "page": path, **seconds, "times": times, "fault": fault}


def _key(there: Ground) -> tuple[str, int]:
    """A key of a program, and the number of the authority with most schools."""
    with there.database.writing() as session:
        said = {"name": "bench", "role": "reader", "days": 1, "actor": factories.AUTHOR}
        _, key = api_keys.make(session, now=there.settings.instant(), **said)
        most = text(
            "SELECT a.fase FROM authorities a JOIN listings l ON l.authority_id = a.id AND l.until IS NULL"
            " GROUP BY a.id, a.fase ORDER BY count(*) DESC, a.id LIMIT 1"
        )
        fase = session.scalar(most)
    there.database.dispose()
    return key, fase


def _read(there: Ground, key: str, asked: str) -> Action:
    client, headers = there.program(), {"Authorization": f"Bearer {key}"}

    def ask() -> None:
        with client.get(f"/api/v1{asked}", headers=headers) as answer:
            if answer.status_code != 200 or not answer.get_data():
                raise RuntimeError(answer.status)

    return ask


def _asked(there: Ground, shown: str) -> Action:
    """What a page asks the database: the page, of which no template is rendered."""
    templating._render = lambda *_, **__: EMPTY  # noqa: SLF001 - all that renders, in this child alone
    return page(shown, shown, person=ADMINISTRATOR).prepare(there)


def told(row: dict[str, object]) -> str:
    if row["times"] is None:
        return f"{row['read']:<44} {row['fault']}"
    seconds = [f"{row[name]:.4f} s" for name in ("read_cpu_s", "asked_cpu_s", "page_cpu_s")]
    return f"{row['read']:<44} {seconds[0]}  {row['page']:<26} {seconds[1]} of {seconds[2]}  × {row['times']}"


if __name__ == "__main__":
    main()
