#!/usr/bin/env python3
"""Measure a burst of joinings that a service signs and sends, each a delivery of its own, and their application.

Usage: ./run bench joinings [--deliveries 10000] [--connections 8] [--repeated 500] [--processes 2]
[--database sqlite|postgresql] [--json]. Every delivery goes over HTTP, and the last `--repeated` once more; then these
signed by another key, and six minutes old. Then what waits is applied as the clock does. It ends with 1 where an
answered delivery is not kept, kept twice or not applied, or where one is taken that should be refused.
"""

import argparse
import contextlib
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from benchmarks.growth import meter
from benchmarks.web import Ground, database_of
from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord
from outreach.directory.models import School
from outreach.integrations import signatures, webhooks_in
from outreach.integrations.webhooks_in import HookDelivery
from outreach.integrations.webhooks_in._models import HookRow
from tests import factories
from tests.machine import descendants_of

NAME = "subsides"
LATE = timedelta(minutes=6)


def main() -> None:
    asked = _options()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outreach-bench-")))
        url, server = stack.enter_context(database_of(asked.database, folder))
        ground = Ground(url, folder, recipients=1_000, processes=asked.processes)
        stack.callback(ground.stop)
        key, schools = _sender(ground)
        ground.start()
        burst = Burst(ground.port, key, schools)
        serving = descendants_of(ground.process.pid)
        process = server.process.pid if server else None
        before, began = (meter.of_processes(serving), _of_server(process)), time.monotonic()
        taken = burst.send(range(asked.deliveries), asked.connections)
        last = range(asked.deliveries - asked.repeated, asked.deliveries)
        again = burst.send(last, asked.connections)
        sent = {
            "database": asked.database,
            "deliveries": asked.deliveries,
            "taken": taken.count(202),
            "taken_again": again.count(202),
            "seconds": round(time.monotonic() - began, 1),
            "web_cpu_s": round(meter.of_processes(serving) - before[0], 1),
            "server_cpu_s": round(_of_server(process) - before[1], 1),
            "web_peak_mb": max(map(_peak_mb, serving)),
        }
        wrong = [
            *replace(burst, key=Ed25519PrivateKey.generate()).send(last, asked.connections),
            *replace(burst, late=LATE).send(last, asked.connections),
        ]
        figures = {**sent, "refused": wrong.count(401), **_applied(ground, process), **_kept(ground)}
        print(json.dumps(figures) if asked.json else "\n".join(f"{name:14} {n}" for name, n in figures.items()))
        is_whole = asked.deliveries == figures["taken"] == figures["kept"] == figures["applied"]
        is_refused = figures["refused"] == len(wrong)
        sys.exit(not (is_whole and is_refused and again == [200] * asked.repeated and figures["left_to_staff"] == 0))


@dataclass(frozen=True)
class Burst:
    """Signs deliveries of one joining each as they leave, and sends them."""

    port: int
    key: Ed25519PrivateKey
    schools: Sequence[int]
    late: timedelta = timedelta()

    def send(self, numbers: Sequence[int], connections: int) -> list[int]:
        """The statuses of the answers; each connection sends its share, one after the other."""
        with ThreadPoolExecutor(connections) as pool:
            shares = pool.map(self._share, [numbers[place::connections] for place in range(connections)])
            return [status for share in shares for status in share]

    def _share(self, numbers: Sequence[int]) -> list[int]:
        said = []
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            for number in numbers:
                connection.request("POST", f"/hooks/adherence/{NAME}", *self._signed(number))
                answer = connection.getresponse()
                answer.read()
                said.append(answer.status)
        return said

    def _signed(self, number: int) -> tuple[bytes, dict[str, str]]:
        now, school = datetime.now(UTC), self.schools[number % len(self.schools)]
        row = {"school": school, "strand": 1, "status": "joined", "day": now.date().isoformat()}
        body = json.dumps({"type": "adherence", "data": {"items": [row]}}).encode()
        stamp = str(int((now - self.late).timestamp()))
        signature = signatures.sign(self.key, signatures.content(f"m{number}", stamp, body))
        headers = {"webhook-id": f"m{number}", "webhook-timestamp": stamp, "webhook-signature": signature}
        return body, {**headers, "Content-Type": "application/json"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--repeated", type=int, default=500)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _sender(ground: Ground) -> tuple[Ed25519PrivateKey, list[int]]:
    """A service's key, and the schools that it knows."""
    key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
    public = signatures.written_public(key.public_key().public_bytes_raw())
    with ground.database.writing() as session:
        programmes.load_programme(session, factories.PROGRAMME, now=now, actor=factories.AUTHOR)
        webhooks_in.make_source(session, name=NAME, public_key=public, known=[], now=now, actor=factories.AUTHOR)
        return key, list(session.scalars(select(School.fase).order_by(School.fase)))


def _applied(ground: Ground, process: int | None) -> dict[str, float]:
    """Apply what waits as the clock does: how many deliveries, and what it took, the server's processor too."""
    began, used = time.monotonic(), time.process_time() + _of_server(process)
    applied = webhooks_in.apply_waiting(ground.database, datetime.now(UTC))
    took = {"apply_s": time.monotonic() - began, "apply_cpu_s": time.process_time() + _of_server(process) - used}
    return {"applied": applied, **{name: round(seconds, 1) for name, seconds in took.items()}}


def _of_server(process: int | None) -> float:
    """What PostgreSQL has spent."""
    return meter.of_server(process) if process else 0.0


def _peak_mb(number: int) -> int:
    """The most memory that a process has held."""
    words = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
    return next((int(line.split()[1]) // 1024 for line in words.splitlines() if line.startswith("VmHWM")), 0)


def _kept(ground: Ground) -> dict[str, int]:
    with ground.database.reading() as session:
        return {
            "kept": session.scalar(select(func.count(HookDelivery.id))) or 0,
            "recorded": session.scalar(select(func.count(AdherenceRecord.id))) or 0,
            "left_to_staff": session.scalar(select(func.count(HookRow.id))) or 0,
        }


if __name__ == "__main__":
    main()
