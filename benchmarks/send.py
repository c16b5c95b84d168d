#!/usr/bin/env python3
"""Measure a campaign's sending, from its launch to the last acceptance, with durable commits.

Usage: ./run bench send [--recipients 20000] [--workers 1] [--database sqlite] [--connections 48] [--schools 2]
[--relay HOST:PORT] [--rate 0] [--broker redis] [--job] [--joinings 0] [--json]. Letters go to Debian's
smtp-sink where it is installed (package postfix), else to the tests' own sink, which is slower. The yardstick is
Debian's smtp-source into the same sink, in the same run; it sends to b@y.example. With --relay, duplicates are not
counted. `letter_bytes` are those of one of the letters, without a signature; what the workers take to start is not
counted. With --rate a worker hands over so many letters a second at most, as a ministry's own relay asks for.

With --job a work process also writes a large file, as a job, every other while: `beside_job` is the rate of letters
while one runs, in that of the rest of the same run. On PostgreSQL, `server_cpu_ms_per_message` is what the server
takes, and `lock_wait_s` the seconds that its processes waited for locks, all together.

With --joinings a service reports, during the sending, that all schools of so many authorities have joined: those of
every other letter in line, a delivery for each school, kept as by the page that takes them. `joining_s` are the seconds
until the last of them is recorded, `stopped` the letters withdrawn, `sent_before` those that left before it was
recorded, `sent_after` those that left although it was.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import func, select

from benchmarks import beside
from benchmarks.growth import meter
from benchmarks.output import show
from benchmarks.waits import LockWatch
from benchmarks.web import database_of
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.campaigns.models import Campaign, WaveTransition
from outreach.campaigns.waves import CALL_OFF_TIME
from outreach.cli.preparation import add_people, prepare
from outreach.core import jobs
from outreach.core.db import Database, Session
from outreach.core.jobs import AskedJob, Job
from outreach.core.settings import ROOT, read
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery import workers as delivery_workers
from outreach.delivery.models import (
    Batch,
    Composition,
    Gate,
    GateChange,
    Mailing,
    Message,
    MessageState,
    MessageSubject,
)
from outreach.delivery.outbox import due_of
from outreach.operations.demo import people
from tests import factories
from tests.machine import descendants_of, free_port, wait_for_port
from tests.servers.brokers import Redis
from tests.servers.postgresql import Server

PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
LONGEST_SECONDS, SLOWEST = 120, 100  # time limit: 120 s, and the wave at 100 letters a second
START_SECONDS, QUIET_SECONDS = 60, 0.2  # a worker at rest takes less than so much of the processor in a second
AT_LEAST, PREPARED = timedelta(seconds=12), timedelta(microseconds=650)


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the exit stack stops what was started
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outreach-bench-")))
        url, server = stack.enter_context(database_of(options.database, folder))
        broker = stack.enter_context(_broker(options.broker))
        relay, counted = stack.enter_context(_sink(options.relay))
        database = Database(url)
        prepare(database)
        now = datetime.now(UTC)
        factories.gather(database, options.recipients, now=now, schools=options.schools)
        measured = _send(database, url, server, {**_environment(url, relay, folder, options), **broker}, options)
        taken = counted()
        measured["duplicated"] = None if taken is None else max(taken - measured["accepted"], 0)
        measured["yardstick_msg_s"] = _yardstick(relay, options)
        database.dispose()
    _show(measured, options)


def _environment(url: str, relay: str, folder: Path, options: argparse.Namespace) -> dict[str, str]:
    return {
        **os.environ,
        "OUTREACH_DATA": str(folder / "data"),
        "OUTREACH_DATABASE_URL": url,
        "OUTREACH_SMTP_URL": f"smtp://{relay}?starttls=off&connections={options.connections}&rate={options.rate}",
        "OUTREACH_ALLOWED_RECIPIENTS": "@adm.fwb.example",
    }


def _send(
    database: Database, url: str, server: Server | None, environment: dict[str, str], options: argparse.Namespace
) -> dict[str, Any]:
    # Before the work processes, which would otherwise add the people and keep the modules for it in memory.
    add_people(database, read(environment), datetime.now(UTC))
    command = [sys.executable, "-m", "outreach", "work"]
    workers = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(options.workers)]
    reported: Sequence[int] = ()
    peak, watch = 0.0, LockWatch(url) if server else contextlib.nullcontext()
    try:
        _wait_for_all(database, workers)
        used, served = sum(map(_cpu_seconds, workers)), _of_server(server)
        now = datetime.now(UTC)
        # Planned two minutes ago, so that recipients are written down ahead of the launch, as usual.
        number = factories.plan(database, now + AT_LEAST + options.recipients * PREPARED, now=now - 2 * CALL_OFF_TIME)
        end = time.monotonic() + LONGEST_SECONDS + options.recipients / min(options.rate or SLOWEST, SLOWEST)
        with watch:
            while not _is_over(database, number):
                if any(worker.poll() is not None for worker in workers):
                    sys.exit("a worker ended by itself")
                if time.monotonic() > end:
                    sys.exit(f"{options.recipients} letters were not taken in time")
                time.sleep(1)  # polling five times a second took a thirtieth of the machine
                if options.job:
                    _ask_for_a_file(database)
                if options.joinings and not reported:
                    reported = beside.report_joinings(database, options.joinings)
                peak = max(peak, *map(_megabytes, workers))
        used, served = sum(map(_cpu_seconds, workers)) - used, _of_server(server) - served
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(30)
    spent = {"cpu_seconds": used, "server_seconds": None, "lock_wait_s": None, "peak_rss_mb": round(peak, 1)}
    if isinstance(watch, LockWatch):
        spent |= {"server_seconds": served - watch.cpu_s, "lock_wait_s": round(watch.seconds, 2)}
    figures = _figures(database, number, SenderIdentity.of(read(environment)))
    return {**figures, **spent, **beside.what_joinings_did(database, reported)}


def _wait_for_all(database: Database, workers: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Wait until all workers are up, and their clock has passed: what they take to start is not the letters'."""
    end, is_up = time.monotonic() + START_SECONDS, False
    while not is_up:
        if any(worker.poll() is not None for worker in workers) or time.monotonic() > end:
            sys.exit("a worker does not start")
        time.sleep(0.2)
        with database.reading() as session:
            there = delivery_workers.at_work(session, now=datetime.now(UTC))
            is_up = len(there) == len(workers) and delivery_workers.last_pass(session) is not None
    used = -1.0
    while (
        spent := sum(map(_cpu_seconds, workers))
    ) > used + QUIET_SECONDS:  # each has modules to load, and tables to read
        used = spent
        time.sleep(1)


def _letter_bytes(database: Database, mailing: int, sending: SenderIdentity) -> int:
    """The bytes of one of the letters, without a signature."""
    with database.reading() as session:
        letter = session.scalars(
            select(Message).where(Message.mailing_id == mailing).order_by(Message.id).limit(1)
        ).one()
        compose = Composer(sending, lambda: datetime.now(UTC))
        return len(compose(session, session.get_one(Mailing, mailing), [due_of(session, letter)])[letter.id].wire)


def _ask_for_a_file(database: Database) -> None:
    """Ask for a job that writes a large file: again once the one before has been over for as long as it took."""
    now = datetime.now(UTC)
    with database.reading() as session:
        last = session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).first()
        if last and not (last.began_at and last.ended_at and now - last.ended_at >= last.ended_at - last.began_at):
            return
    with database.writing() as session:
        person = people.person_for(RoleName.READER).email
        jobs.ask_job(session, person, AskedJob("PO", "/directory/export.xlsx"), now=now)


def _beside_jobs(session: Session, first: datetime, last: datetime) -> float | None:
    """The letters a second while a job ran, in those a second of the other time between the first and the last."""
    query = select(Job.began_at, func.coalesce(Job.ended_at, last)).where(Job.began_at.is_not(None))
    spans = [(max(begun, first), min(ended, last)) for begun, ended in session.execute(query)]
    spans = [(begun, ended) for begun, ended in spans if begun < ended]
    seconds = sum((ended - begun).total_seconds() for begun, ended in spans)
    rest = (last - first).total_seconds() - seconds
    settled = session.scalars(select(Message.settled_at).where(Message.state == MessageState.ACCEPTED)).all()
    beside = sum(any(begun <= at < ended for begun, ended in spans) for at in settled if at)
    alone = len(settled) - beside
    return round(beside / seconds / (alone / rest), 3) if seconds and rest and alone else None


def _figures(database: Database, number: int, sending: SenderIdentity) -> dict[str, Any]:
    with database.reading() as session:
        (wave,) = session.get_one(Campaign, number).waves
        opened = select(GateChange.at).where(GateChange.mailing_id == wave.mailing_id, GateChange.gate == Gate.OPEN)
        began = select(WaveTransition.at).where(WaveTransition.wave_id == wave.id, WaveTransition.state == "running")
        # The launch: when the wave began or, if its recipients were written down ahead, when its gate was opened.
        launched = max(session.scalars(began).one(), wave.due_at)
        launched = session.scalars(opened).one() if launched == wave.due_at else launched
        accepted = Message.state == MessageState.ACCEPTED
        first, last, rounds = session.execute(
            select(
                func.min(Message.settled_at), func.max(Message.settled_at), func.count(Message.fence_id.distinct())
            ).where(accepted)
        ).one()
        if first is None or last is None:
            raise RuntimeError("the relay took no letter")
        files = session.scalar(select(func.count()).where(Job.began_at.is_not(None)))
        beside, stored = _beside_jobs(session, first, last), _stored(session)
        mailing = wave.mailing_id or 0
        tally = outbox.tally_mailings(session, [mailing])[mailing]
    return {
        "accepted": tally.accepted,
        "lost": tally.intended - tally.accepted - tally.withdrawn.total(),
        "from_launch": (last - launched).total_seconds(),
        "first_to_last": (last - first).total_seconds(),
        "first": (first - launched).total_seconds(),
        "rounds": rounds,
        "jobs": files,
        "beside_job": beside,
        "stored": stored,
        "letter_bytes": _letter_bytes(database, mailing, sending),
    }


def _stored(session: Session) -> int | None:
    """The bytes of the letters with their schools and what they were composed of, on PostgreSQL."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    tables = (model.__tablename__ for model in (Message, MessageSubject, Composition, Batch))
    return sum(session.scalars(select(func.pg_total_relation_size(name))).one() for name in tables)


def _show(measured: dict[str, Any], options: argparse.Namespace) -> None:
    count, served = measured["accepted"], measured["server_seconds"]
    shown = {
        "recipients": options.recipients,
        "rate": options.rate,
        "workers": options.workers,
        "broker": options.broker,
        "database": options.database,
        "msg_s_from_launch": round(count / measured["from_launch"], 1),
        "msg_s_first_to_last": round(count / max(measured["first_to_last"], 0.001), 1),
        "first_message_s": round(measured["first"], 3),
        "cpu_ms_per_message": round(1000 * measured["cpu_seconds"] / count, 3),
        "server_cpu_ms_per_message": served if served is None else round(1000 * served / count, 3),
        "lock_wait_s": measured["lock_wait_s"],
        "letter_bytes": measured["letter_bytes"],
        "bytes_per_message": measured["stored"] and round(measured["stored"] / count),
        "peak_rss_mb": measured["peak_rss_mb"],
        "commits_per_message": round(measured["rounds"] / count, 4),
        "yardstick_msg_s": measured["yardstick_msg_s"],
        "jobs": measured["jobs"],
        "beside_job": measured["beside_job"],
        **{name: measured[name] for name in beside.FIGURES if options.joinings},
        "lost": measured["lost"],
        "duplicated": measured["duplicated"],
    }
    show(shown, rate="msg_s_from_launch", yardstick="yardstick_msg_s", as_json=options.json)


def _is_over(database: Database, number: int) -> bool:
    with database.reading() as session:
        (wave,) = session.get_one(Campaign, number).waves
        if wave.mailing_id is None or wave.mailing is None or wave.mailing.filled_at is None:
            return False
        return not outbox.under_way(session, [wave.mailing_id])


@contextlib.contextmanager
def _broker(kind: str | None) -> Iterator[dict[str, str]]:
    """The setting of a broker that runs meanwhile; none without a kind."""
    if kind is None:
        yield {}
        return
    broker = Redis()
    try:
        yield {"OUTREACH_BROKER_URL": broker.url}
    finally:
        broker.stop()


@contextlib.contextmanager
def _sink(relay: str) -> Iterator[tuple[str, Any]]:
    """A relay that accepts everything, and a function for the number of letters it accepted (None: unknown)."""
    program = shutil.which("smtp-sink", path=PATHS)
    if relay:
        yield relay, lambda: None
        return
    folder = tempfile.TemporaryDirectory(prefix="outreach-sink-")
    log = Path(folder.name) / "counters"
    if program:
        port = free_port()
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        with log.open("wb") as counters:
            process = subprocess.Popen([program, *as_nobody, "-c", f"127.0.0.1:{port}", "1000"], stdout=counters)
    else:
        own = [sys.executable, "-m", "tests.servers.sink", folder.name, "--lint-every", "0"]
        process = subprocess.Popen(own, cwd=ROOT, stdout=subprocess.PIPE)
        port = int(process.stdout.readline()) if process.stdout else 0
    wait_for_port(port, 5)
    try:
        yield f"127.0.0.1:{port}", lambda: _counted(log, Path(folder.name) / "accepted.jsonl")
    finally:
        process.terminate()
        process.wait(10)
        folder.cleanup()


def _counted(counters: Path, lines: Path) -> int | None:
    time.sleep(1.2)  # smtp-sink writes its counters once a second
    if lines.exists():
        return lines.read_bytes().count(b"\n")
    told = re.findall(rb"mesg=(\d+)", counters.read_bytes())
    return int(told[-1]) if told else None


def _yardstick(relay: str, options: argparse.Namespace) -> float | None:
    program = shutil.which("smtp-source", path=PATHS)
    if program is None:
        return None
    count = min(options.recipients, 20_000)
    began = time.monotonic()
    command = [program, "-d", "-s", "10", "-m", str(count), "-l", "10000", "-f", "a@x.example", "-t", "b@y.example"]
    try:
        subprocess.run([*command, relay], check=True, timeout=600)
    except subprocess.SubprocessError as error:
        print(f"no yardstick: {error}", file=sys.stderr)
        return None
    return round(count / (time.monotonic() - began), 1)


def _processes(worker: subprocess.Popen[bytes]) -> list[int]:
    """A worker, and the processes that start others to compose in, and that do: not those of jobs."""
    return [number for number in (worker.pid, *descendants_of(worker.pid)) if not _is_of_job(number)]


def _is_of_job(process: int) -> bool:
    try:
        return b"job_child" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it is over by now
        return True


def _of_server(server: Server | None) -> float:
    return meter.of_server(server.process.pid) if server and server.process else 0.0


def _cpu_seconds(worker: subprocess.Popen[bytes]) -> float:
    return meter.of_processes(_processes(worker))


def _megabytes(worker: subprocess.Popen[bytes]) -> float:
    """The memory of a worker now, in MB. A page that its two processes share counts once (Pss)."""
    reports = [Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii") for number in _processes(worker)]
    return sum(int(re.findall(r"Pss:\s+(\d+)", report)[0]) for report in reports) / 1024


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--schools", type=int, default=2)
    parser.add_argument("--relay", default="")
    parser.add_argument("--rate", type=int, default=0, help="letters a second of a worker; 0 is no limit")
    parser.add_argument("--broker", choices=["redis"])
    parser.add_argument("--job", action="store_true")
    parser.add_argument("--joinings", type=int, default=0, help="authorities that join during the sending")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.broker and options.database == "sqlite":
        parser.error("a broker carries wake-ups only with --database postgresql")
    return options


if __name__ == "__main__":
    main()
