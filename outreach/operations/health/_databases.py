"""Looks at the database (version, size, statistics, room), and compares clocks: ours, its own, other machines'."""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from outreach.access.scopes import examine_role
from outreach.core.db import Database, Session
from outreach.core.db.watch import DatabaseFault
from outreach.core.text import french
from outreach.core.text.errors import Refused
from outreach.delivery import workers
from outreach.operations import migrations
from outreach.operations.health._check import Examined, Finding, fault, ok, warning, worst

MOST_TAKEN = 0.8  # of the server's connections
MANY_ROWS = 10_000  # of a table: below, a wrong plan costs nothing
OFF_SECONDS, FAR_SECONDS = 2, 10  # leases last 20 s, and are compared by the clocks of two machines
WATCH_SECONDS = 7.0  # a clock passes every 5 s
POLL_SECONDS = 0.2
STALE = text(
    "SELECT relname FROM pg_stat_user_tables WHERE n_live_tup > :many "
    "AND (coalesce(last_analyze, last_autoanalyze) IS NULL OR n_mod_since_analyze > n_live_tup / 2) ORDER BY relname"
)
ANALYSED = text(
    "SELECT min(greatest(last_analyze, last_autoanalyze)) FROM pg_stat_user_tables WHERE n_live_tup > :many"
)
TAKEN = text("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
ALONE = (
    "La garde du programme les tient seule à leurs membres : faites faire un rôle sans droit, et nommez-le dans "
    "OUTREACH_SIGHT_ROLE (docs/install.md)."
)
SENTENCES = {
    DatabaseFault.OLDER: "Elle est d’une version antérieure à celle du programme : lancez ./run migrate.",
    **migrations.REFUSALS,
}


def database(examined: Examined) -> Finding:
    """Its version, its size, the age of its statistics, the connections that are left."""
    opened = examined.database
    wrong = migrations.fault_of(opened.engine)
    if wrong is not None:
        return fault(SENTENCES[wrong])
    revision = ", ".join(migrations.revisions_of(opened.engine))
    with opened.reading() as session:
        facts = _postgresql(session) if opened.engine.name == "postgresql" else [_sqlite(session)]
    return worst([ok(f"Version {revision}."), *facts])


def _sqlite(session: Session) -> Finding:
    pages, free, each = (
        session.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_count", "freelist_count", "page_size")
    )
    version = session.scalar(text("SELECT sqlite_version()"))
    return ok(f"SQLite {version}, {french.size(pages * each)}, dont {french.size(free * each)} libres.")


def _postgresql(session: Session) -> list[Finding]:
    version = str(session.scalar(text("SHOW server_version"))).partition(" ")[0]
    octets = session.scalar(select(func.pg_database_size(func.current_database()))) or 0
    taken, most = session.execute(TAKEN).one()
    stale = session.scalars(STALE, {"many": MANY_ROWS}).all()
    analysed: datetime | None = session.scalar(ANALYSED, {"many": MANY_ROWS})
    findings = [ok(f"PostgreSQL {version}, {french.size(octets)}.")]
    if stale:
        what = f"Les statistiques de {', '.join(stale)} ne décrivent plus leurs lignes"
        findings.append(warning(f"{what} : lancez ANALYZE, et vérifiez que l’autovacuum tourne."))
    elif analysed is not None:
        findings.append(ok(f"Statistiques du {french.moment(analysed)} au plus tôt."))
    room = f"{taken} connexions sur {most}"
    crowded = f"{room} : augmentez max_connections, ou arrêtez des processus des pages (outreach-web@…)."
    return [*findings, warning(crowded) if taken > most * MOST_TAKEN else ok(f"{room}.")]


def scopes(examined: Examined) -> Finding:
    """What keeps accounts of federations and networks to their members, beside the program's own guard."""
    if examined.database.engine.name != "postgresql":
        return ok("La garde du programme et l’autorisation de SQLite les tiennent à leurs membres.")
    named = examined.settings.sight_role
    if not named:
        return warning(ALONE)
    with examined.database.reading() as session:
        try:
            examine_role(session, named)
        except Refused as error:
            return fault(str(error))
    return ok(f"Ils lisent sous le rôle {named}, qui ne peut lire aucune table.")


def clock(examined: Examined) -> Finding:
    """This machine's clock against the database's, and against that of each other machine whose clock passes."""
    now = examined.settings.instant
    if examined.database.engine.name != "postgresql":
        return ok("La base est un fichier de cette machine : il n’y a pas d’autre heure à comparer.")
    before = now()
    with examined.database.reading() as session:
        theirs: datetime = session.scalars(select(func.clock_timestamp())).one()
    ours = before + (now() - before) / 2
    host = make_url(examined.settings.database).host or "cette machine"
    findings = [_compared(ours - theirs, f"la base ({host})")]
    passes = _watched(examined.database, now)
    return worst([*findings, *(_compared(ours - at, machine) for machine, (ours, at) in sorted(passes.items()))])


def _watched(database: Database, now: Callable[[], datetime]) -> dict[str, tuple[datetime, datetime]]:
    """By machine, our time as a pass of its clock came in sight, and the time that it wrote."""
    here, seen = os.uname().nodename, dict[str, tuple[datetime, datetime]]()
    first, until = _passes(database, here), time.monotonic() + WATCH_SECONDS
    while first.keys() - seen.keys() and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        for machine, at in _passes(database, here).items():
            if at != first.get(machine, at):
                seen.setdefault(machine, (now(), at))
    return seen


def _passes(database: Database, here: str) -> dict[str, datetime]:
    with database.reading() as session:
        passes = workers.last_passes(session)
    machines = [(passed.place.partition(":")[0], passed.at) for passed in passes]
    return {machine: at for machine, at in machines if machine != here}


def _compared(difference: timedelta, other: str) -> Finding:
    seconds = difference.total_seconds()
    if abs(seconds) < OFF_SECONDS:
        return ok(f"À l’heure de {other}, à {OFF_SECONDS} secondes près.")
    way = "en avance" if seconds > 0 else "en retard"
    words = f"L’horloge de cette machine est {way} de {abs(seconds):.0f} secondes sur {other}"
    remedy = "réglez l’heure par NTP sur les deux (timedatectl) : un processus prendrait les envois de l’autre."
    return (fault if abs(seconds) >= FAR_SECONDS else warning)(f"{words} : {remedy}")
