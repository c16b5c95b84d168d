"""The trail: who signed in, failed to, was refused, exported something, opened a letter or made a calendar's address.

Unlike the audit it tells what people saw, not what they changed. It has no network address. A line names a person only
when an account has that address: what was typed instead may be a password.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Index, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.tables import DATA, Column, Kind, QueryListing, by_label
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.labelled import Labelled

APART = timedelta(minutes=1)
LONGEST_PERSON, LONGEST_DETAIL = 255, 300
MOST_EXPORTED = 50_000


class TrailKind(Labelled):
    """What a line tells."""

    SIGNED_IN = "signed_in", "connexion"
    SIGN_IN_FAILED = "sign_in_failed", "connexion manquée"
    SIGN_IN_SLOWED = "sign_in_slowed", "connexion freinée"
    PASSWORD_WRONG = "password_wrong", "mot de passe ou code erroné"
    SIGNED_OUT = "signed_out", "déconnexion"
    REFUSED = "refused", "accès refusé"
    EXPORTED = "exported", "export"
    LETTER_OPENED = "letter_opened", "courriel ouvert"
    FEED_MADE = "feed_made", "adresse d’agenda faite"


FAILURES = {TrailKind.SIGN_IN_FAILED, TrailKind.SIGN_IN_SLOWED, TrailKind.PASSWORD_WRONG, TrailKind.REFUSED}
Sameness = tuple[TrailKind, str, str]
Seen = dict[Sameness, datetime]


class AccessLogEntry(Base):
    """A line of the trail. `person` is the address of an account, or empty. Personal data."""

    __tablename__ = "trail_entries"
    __table_args__ = (Index("ix_trail_entries_at", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[TrailKind] = mapped_column(enum_of(TrailKind, "kind"))
    person: Mapped[str] = mapped_column(String(LONGEST_PERSON))
    detail: Mapped[str] = mapped_column(String(LONGEST_DETAIL))


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line to be written."""

    at: datetime
    kind: TrailKind
    person: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are asked for. `person` is part of an address; `since` and `until` are whole days in Brussels."""

    kind: TrailKind | None = None
    person: str = ""
    since: date | None = None
    until: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions of a query."""
        asked: list[ColumnElement[bool]] = []
        if self.kind:
            asked.append(AccessLogEntry.kind == self.kind)
        if self.person:
            asked.append(AccessLogEntry.person.icontains(self.person, autoescape=True))
        if self.since:
            asked.append(AccessLogEntry.at >= _midnight(self.since))
        if self.until:
            asked.append(AccessLogEntry.at < _midnight(self.until + timedelta(days=1)))
        return asked


def without_repeats(lines: Iterable[LogLine], last: Seen) -> list[LogLine]:
    """The lines, with one a minute for a person and kind of failure, and for a person and letter.

    `last` holds when each came last, and is kept up to date.
    """
    kept = []
    for line in lines:
        if (sameness := _sameness(line)) is not None:
            before = last.get(sameness)
            if before is not None and abs(line.at - before) < APART:
                continue
            last[sameness] = line.at
        kept.append(line)
    return kept


def add_access_lines(session: Session, lines: Sequence[LogLine]) -> None:
    """Write lines, except those that repeat one of the last minute, of whatever process."""
    take_lock(session, "trail")
    around = AccessLogEntry.at.between(min(line.at for line in lines) - APART, max(line.at for line in lines) + APART)
    repeating = AccessLogEntry.kind.in_([*FAILURES, TrailKind.LETTER_OPENED])
    written = session.scalars(select(AccessLogEntry).where(around, repeating).order_by(AccessLogEntry.at))
    last = {sameness: entry.at for entry in written if (sameness := _sameness(entry)) is not None}
    rows = [
        {
            "at": line.at,
            "kind": line.kind,
            "person": line.person[:LONGEST_PERSON],
            "detail": line.detail[:LONGEST_DETAIL],
        }
        for line in without_repeats(lines, last)
    ]
    if rows:
        session.execute(insert(AccessLogEntry), rows)


COLUMNS: Sequence[Column[AccessLogEntry]] = (
    Column("at", "Date", lambda entry: today(entry.at), Kind.DAY, sort=AccessLogEntry.at),
    Column("time", "Heure", lambda entry: f"{entry.at.astimezone(BRUSSELS):%H:%M:%S}", on=DATA),
    Column("kind", "Évènement", lambda entry: entry.kind, sort=by_label(AccessLogEntry.kind, TrailKind)),
    Column("person", "Compte", lambda entry: entry.person, sort=AccessLogEntry.person),
    Column("detail", "Précision", lambda entry: entry.detail, sort=AccessLogEntry.detail),
)


def list_access(session: Session, asked: Filter, sort: str = "") -> QueryListing[AccessLogEntry]:
    """The lines that are asked for, the newest first; a file has MOST_EXPORTED at most."""
    return QueryListing(
        title="Journal des accès",
        columns=COLUMNS,
        sort=sort,
        usual="-at",
        session=session,
        query=select(AccessLogEntry).where(*asked.conditions()),
        order=(AccessLogEntry.at.desc(), AccessLogEntry.id.desc()),
        most=MOST_EXPORTED,
    )


def _sameness(line: LogLine | AccessLogEntry) -> Sameness | None:
    """What two lines have in common of which one a minute is enough, or None."""
    if line.kind in FAILURES:
        return line.kind, line.person, ""
    return (line.kind, line.person, line.detail) if line.kind is TrailKind.LETTER_OPENED else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BRUSSELS)
