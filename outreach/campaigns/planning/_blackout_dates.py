"""Closures that people add to the calendar, and the closed days of a school year as a list.

Every process reads them in the database whenever it plans, so an added closure counts at once. A row is only added. One
that no longer counts is taken back by a row of its own. Both are kept as long as the campaigns that they moved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.campaigns.planning import _sending_hours as sending_hours
from outreach.campaigns.planning._sending_hours import DAY, AddedClosure, ClosedPart, Closing, Spares
from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, once_a_reading, take_lock
from outreach.core.tables import DATA, Column, InMemoryListing, Kind, On
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import initial
from outreach.core.text.typed import line_of_words

LONGEST_NAME = 80
MOST_DAYS = 366
FARTHEST = timedelta(days=5 * 366)
SUMMER_ENDS = (8, 15)


class BlackoutDate(Base):
    """A closure that somebody added: from `first_on` to `last_on`, both included, and its name in a sentence."""

    __tablename__ = "closures"
    __table_args__ = (CheckConstraint("first_on <= last_on", name="in_order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    part: Mapped[ClosedPart] = mapped_column(enum_of(ClosedPart, "closed_part"))
    spares: Mapped[Spares] = mapped_column(enum_of(Spares, "spares"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(255))

    @property
    def dates(self) -> str:
        """Its days in a sentence: "le 4 mai 2021", "du 4 au …"."""
        if self.first_on == self.last_on:
            return f"le {french.spelt_day(self.first_on)}"
        return f"du {french.spelt_day(self.first_on)} au {french.spelt_day(self.last_on)}"


class ClosureWithdrawal(Base):
    """A closure counts no longer: since when, and who took it back."""

    __tablename__ = "closure_withdrawals"

    closure_id: Mapped[int] = mapped_column(ForeignKey("closures.id"), primary_key=True)
    withdrawn_at: Mapped[datetime]
    withdrawn_by: Mapped[str] = mapped_column(String(255))


@dataclass(frozen=True, slots=True)
class KnownClosure:
    """A closure, and its withdrawal if it was taken back."""

    closure: BlackoutDate
    withdrawal: ClosureWithdrawal | None


@dataclass(frozen=True, slots=True)
class ComputedClosing:
    """A run of days that the service's own calendar closes for one reason, within a school year."""

    first: date
    last: date
    closing: Closing


def add_blackout_date(
    session: Session,
    *,
    first: date,
    last: date,
    part: ClosedPart,
    spares: Spares,
    name: str,
    now: datetime,
    actor: str,
) -> BlackoutDate:
    """Close days from now on, to every letter that is planned afterwards. Waves already planned stay as they are.

    Raises InputError on a name that is empty, too long or unfit, and on days that are past, in the wrong order, more
    than a year or too far ahead; Refused when the same closure is in force.
    """
    why = _name(name)
    if last < first:
        raise InputError("Le dernier jour est avant le premier.")
    if last < today(now):
        raise InputError("Ces jours sont passés : une fermeture ne vaut que pour ce qui reste à envoyer.")
    if (last - first).days >= MOST_DAYS:
        raise InputError("Une fermeture dure un an au plus.")
    if last > today(now + FARTHEST):
        raise InputError("Ces jours sont à plus de cinq ans.")
    take_lock(session, "closures")
    wanted = AddedClosure(first, last, part, spares, why)
    if wanted in in_force(session):
        raise Refused("Cette fermeture est déjà dans le calendrier.")
    closure = BlackoutDate(
        first_on=first, last_on=last, part=part, spares=spares, name=why, added_at=now, added_by=actor
    )
    session.add(closure)
    session.flush()
    audit.record_entry(session, now, actor, f"Fermeture ajoutée : {told(closure)}.", subject_of(closure))
    return closure


def withdraw_blackout_date(session: Session, number: int, *, now: datetime, actor: str) -> BlackoutDate:
    """Take a closure back: letters planned from now on may leave on its days. Raises NotFound, or Refused if it was."""
    take_lock(session, "closures")
    known = get_blackout_date(session, number)
    if known.withdrawal is not None:
        raise Refused("Cette fermeture est déjà retirée.")
    session.add(ClosureWithdrawal(closure_id=known.closure.id, withdrawn_at=now, withdrawn_by=actor))
    sentence = f"Fermeture retirée : {told(known.closure)}."
    audit.record_entry(session, now, actor, sentence, subject_of(known.closure))
    return known.closure


@once_a_reading
def in_force(session: Session) -> tuple[AddedClosure, ...]:
    """The closures that count, the earliest first."""
    withdrawn = select(ClosureWithdrawal.closure_id)
    query = (
        select(BlackoutDate).where(BlackoutDate.id.not_in(withdrawn)).order_by(BlackoutDate.first_on, BlackoutDate.id)
    )
    return tuple(
        AddedClosure(row.first_on, row.last_on, row.part, row.spares, row.name) for row in session.scalars(query)
    )


def get_blackout_date(session: Session, number: int) -> KnownClosure:
    """The closure with this key. Raises NotFound."""
    closure = session.get(BlackoutDate, number)
    if closure is None:
        raise NotFound("Cette fermeture n’existe pas.")
    return KnownClosure(closure, session.get(ClosureWithdrawal, number))


def blackout_dates_between(session: Session, first: date, last: date) -> Sequence[KnownClosure]:
    """The closures that close a day between two days, those taken back too, the earliest first."""
    query = (
        select(BlackoutDate, ClosureWithdrawal)
        .outerjoin(ClosureWithdrawal, ClosureWithdrawal.closure_id == BlackoutDate.id)
        .where(BlackoutDate.first_on <= last, BlackoutDate.last_on >= first)
        .order_by(BlackoutDate.first_on, BlackoutDate.id)
    )
    return [KnownClosure(closure, withdrawal) for closure, withdrawal in session.execute(query)]


def school_year_of(day: date) -> int:
    """The calendar year in which the school year of a day starts: a closing year ends on 15 August."""
    return day.year if (day.month, day.day) > SUMMER_ENDS else day.year - 1


def days_of(year: int) -> tuple[date, date]:
    """The first and the last day of the school year that starts in this calendar year."""
    return date(year, *SUMMER_ENDS) + DAY, date(year + 1, *SUMMER_ENDS)


def computed_closings(year: int) -> list[ComputedClosing]:
    """What the service's own calendar closes in a school year, run by run, without what people added."""
    first, last = days_of(year)
    runs: list[ComputedClosing] = []
    for day in (first + DAY * number for number in range((last - first).days + 1)):
        closing = sending_hours.closing(day)
        if closing is None:
            continue
        before = runs[-1] if runs else None
        if before is not None and before.closing == closing and before.last == day - DAY:
            runs[-1] = ComputedClosing(before.first, day, closing)
        else:
            runs.append(ComputedClosing(day, day, closing))
    return runs


def told(closure: BlackoutDate) -> str:
    """A closure in a sentence: its name, its days, and what it closes of them."""
    part = "" if closure.part is ClosedPart.DAY else f", {closure.part.label}"
    spared = f", {closure.spares.label}" if closure.spares.label else ""
    return f"« {closure.name} », {closure.dates}{part}{spared}"


def subject_of(closure: BlackoutDate) -> str:
    """How the audit names a closure."""
    return f"closure:{closure.id}"


def _name(text: str) -> str:
    name = line_of_words(text).rstrip(".")
    if not name:
        raise InputError("Dites pourquoi ces jours sont fermés : ce nom est montré à la personne qui planifie.")
    if len(name) > LONGEST_NAME:
        raise InputError(f"Le nom dépasse {LONGEST_NAME} caractères.")
    return name


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


def list_blackout_dates(
    session: Session, year: int, names: Mapping[str, str], *, text: str = "", sort: str = ""
) -> InMemoryListing[ClosedRow]:
    """What is closed in the school year that starts in `year`: what people added first, then by day.

    `names` are those of persons.
    """
    every = added_blackout_dates(session, year)
    source = (
        "Calculé, sans comparaison" if sending_hours.calendar_caution(days_of(year)[0]) else "Calendrier du service"
    )
    rows = [
        *(
            ClosedRow(run.first, run.last, run.closing.name, ClosedPart.DAY, run.closing.spares, source)
            for run in computed_closings(year)
        ),
        *every.rows,
    ]
    rows.sort(key=lambda row: (row.known is None, row.first, row.last))
    return replace(every, rows=rows, usual="", names=names, text=text, sort=sort)


def added_blackout_dates(session: Session, year: int) -> InMemoryListing[ClosedRow]:
    """The closures that people added in a school year, those taken back too, the earliest first."""
    rows = [_row(known) for known in blackout_dates_between(session, *days_of(year))]
    return InMemoryListing(title="Fermetures", columns=COLUMNS, usual="days", rows=rows)


def _row(known: KnownClosure) -> ClosedRow:
    one = known.closure
    return ClosedRow(one.first_on, one.last_on, one.name, one.part, one.spares, "Ajoutée", known)


def _withdrawn(row: ClosedRow, fact: str) -> object:
    return row.known and getattr(row.known.withdrawal, fact, None)
