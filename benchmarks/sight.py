#!/usr/bin/env python3
"""Measure what a scope costs: each page that is open to a federation, beside the same page of a reader who sees all.

Usage: ./run bench sight --authorities 1000,10000 [--database sqlite|postgresql] [--json]. For each size a base of its
own is made, as `bench scale` makes it. A page runs in a process of its own, a reader's and then a federation's; of five
runs the median of processor time counts, the server's too. It ends with 1 where a scoped page costs over twice the
other's.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import text

from benchmarks.growth import ground, meter
from benchmarks.growth.ground import Ground
from benchmarks.growth.pages import page
from benchmarks.web import database_of
from outreach.access import accounts
from outreach.core.text.roles import RoleName
from tests import factories

MOST = 2.0  # times what the page costs without a scope
READER = "lecture@fwb.example"
PAGES: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("situation", "/", {}),
    ("situation, past day", "/", {"as_of": "PAST"}),
    ("situation by zone", "/", {"by": "zone"}),
    ("schools of a figure", "/situation/schools", {"strand": 1}),
    ("authorities of a figure", "/situation/authorities", {"strand": 1}),
    ("directory", "/directory", {}),
    ("directory, search", "/directory", {"q": "administration communale"}),
    ("directory, a typo", "/directory", {"q": "administratoin"}),
    ("directory, file", "/directory/export.csv", {}),
    ("sheet", "/directory/FASE", {}),
    ("statuses", "/directory/FASE/statuses", {}),
    ("mailboxes", "/directory/FASE/contacts", {}),
    ("calendar", "/calendar", {}),
    ("notes", "/notes", {}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--authorities", default="1000,10000", help="sizes, with commas between them")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--federation", default="SeGEC", help="whose members are seen")
    parser.add_argument("--json", action="store_true", help="one object as the last line; figures go to standard error")
    asked = parser.parse_args()
    rows = []
    for size in map(int, asked.authorities.split(",")):
        for row in measured(asked.database, size, asked.federation):
            rows.append(row)
            print(told(row), file=sys.stderr if asked.json else sys.stdout, flush=True)
    if asked.json:
        print(json.dumps({"database": asked.database, "federation": asked.federation, "pages": rows}))
    sys.exit(any(row["times"] is None or row["times"] > MOST for row in rows))


def measured(database: str, size: int, federation: str) -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as name, database_of(database, Path(name)) as (url, server):
        folder, process = Path(name), server.process.pid if server else None
        made = meter.cost_in_child(lambda: lambda: ground.build(url, folder, size), process, again=False)
        if made.fault:
            raise RuntimeError(made.fault)
        there = Ground(url, folder, size, process)
        scoped, past, fase = people(there, federation)
        for called, path, query in PAGES:
            address = path.replace("FASE", str(fase))
            fields: dict[str, Any] = {key: past if value == "PAST" else value for key, value in query.items()}
            costs = [
                meter.cost_in_child(
                    partial(page(called, address, person=who, **fields).prepare, there), process, again=True
                )
                for who in (READER, scoped)
            ]
            whole, part = (cost.cpu_s for cost in costs)
            times = round(part / whole, 2) if whole and part else None
            fault = " ".join(cost.fault for cost in costs if cost.fault)
            yield {"authorities": size, "page": called, "whole": whole, "scoped": part, "times": times, "fault": fault}


def people(there: Ground, federation: str) -> tuple[str, str, int]:
    """The account of a federation beside a reader's, a past day, and the number of a member."""
    now, scoped = there.settings.instant(), f"conseil@{federation.lower()}.example"
    with there.database.writing() as session:
        for email, role, scope in ((READER, RoleName.READER, ""), (scoped, RoleName.FEDERATION, federation)):
            said: dict[str, Any] = {
                "email": email,
                "name": email,
                "roles": [role],
                "scope": scope,
                "password_hash": "x",
            }
            accounts.add_user(session, now, factories.AUTHOR, **said)
    with there.database.reading() as session:
        member = text(
            "SELECT min(a.fase) FROM authorities a JOIN memberships m ON m.authority_id = a.id AND m.until IS NULL"
            " JOIN federations f ON f.id = m.federation_id WHERE f.code = :code"
        )
        fase = session.scalar(member, {"code": federation})
    there.database.dispose()
    return scoped, f"{now:%Y-%m-01}", fase


def told(row: dict[str, object]) -> str:
    if row["times"] is None:
        return f"{row['authorities']:>6} {row['page']:<28} {row['fault']}"
    cost = f"{row['whole']:.4f} s  scoped {row['scoped']:.4f} s  × {row['times']}"
    return f"{row['authorities']:>6} {row['page']:<28} {cost}"


if __name__ == "__main__":
    main()
