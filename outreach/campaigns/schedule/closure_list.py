"""The list of closures: the days of a school year that the calendar closes, computed or added by people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from outreach.campaigns.schedule import closures, sending_hours
from outreach.campaigns.schedule.closures import KnownClosure
from outreach.campaigns.schedule.sending_hours import ClosedPart, Spares
from outreach.columns import DATA, Column, Held, Kind, On
from outreach.db import Session
from outreach.french import initial


@dataclass(frozen=True, slots=True)
class ClosedRow:
    """Days closed for one reason, and where that is from: computed by the service, or added by somebody (`known`)."""

    first: date
    last: date
    name: str
    part: ClosedPart
    spares: Spares
    source: str
    known: KnownClosure | None = None


COLUMNS: Sequence[Column[ClosedRow]] = (
    Column("days", "Jours", lambda row: row.first, Kind.DAY, sort=True, on=On.PAGE),
    Column("first", "Premier jour", lambda row: row.first, Kind.DAY, on=DATA),
    Column("last", "Dernier jour", lambda row: row.last, Kind.DAY, on=DATA),
    Column("part", "Ce qui est fermé", lambda row: row.part, on=DATA),
    Column("reason", "Pourquoi", lambda row: initial(row.name), sort=True),
    Column("leaves", "Part quand même", lambda row: initial(row.spares.leaves), sort=True),
    Column("source", "D’où", lambda row: row.source, sort=True),
    Column("added_at", "Ajoutée", lambda row: row.known and row.known.closure.added_at, Kind.MOMENT, on=DATA),
    Column("added_by", "Par", lambda row: row.known and row.known.closure.added_by, Kind.PERSON, on=DATA),
    Column("withdrawn_at", "Retirée", lambda row: _withdrawn(row, "withdrawn_at"), Kind.MOMENT, on=DATA),
    Column("withdrawn_by", "Retirée par", lambda row: _withdrawn(row, "withdrawn_by"), Kind.PERSON, on=DATA),
)


def listed(session: Session, year: int, names: Mapping[str, str], *, text: str = "", sort: str = "") -> Held[ClosedRow]:
    """What is closed in the school year that starts in `year`: what people added first, then by day.

    `names` are those of persons.
    """
    every = added(session, year)
    source = (
        "Calculé, sans comparaison" if sending_hours.caution(closures.days_of(year)[0]) else "Calendrier du service"
    )
    rows = [
        *(
            ClosedRow(run.first, run.last, run.closing.name, ClosedPart.DAY, run.closing.spares, source)
            for run in closures.computed(year)
        ),
        *every.rows,
    ]
    rows.sort(key=lambda row: (row.known is None, row.first, row.last))
    return replace(every, rows=rows, usual="", names=names, text=text, sort=sort)


def added(session: Session, year: int) -> Held[ClosedRow]:
    """The closures that people added in a school year, those taken back too, the earliest first."""
    rows = [_row(known) for known in closures.between(session, *closures.days_of(year))]
    return Held(title="Fermetures", columns=COLUMNS, usual="days", rows=rows)


def _row(known: KnownClosure) -> ClosedRow:
    one = known.closure
    return ClosedRow(one.first_on, one.last_on, one.name, one.part, one.spares, "Ajoutée", known)


def _withdrawn(row: ClosedRow, fact: str) -> object:
    return row.known and getattr(row.known.withdrawal, fact, None)
