"""Joining lists: compared with what is known, applied, undone; those that a program states too.

A list states what the service itself knows, so its records are confirmed. Faulty rows are rejected with their number
and column; the others can be applied.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, insert, literal, select

from outreach.adherence.imports import _coverage as coverage
from outreach.adherence.imports import _past as past
from outreach.adherence.imports._coverage import Covered
from outreach.adherence.imports._past import MovedNote, NotesMoved
from outreach.adherence.imports._rows import HEADERS, JoiningLine, known_of, read_line
from outreach.adherence.models import AdherenceRecord, JoiningList, Programme, RecordWithdrawal, Status, Strand, Word
from outreach.adherence.programmes import (
    list_prerequisites,
    name_among_several,
    of_programme,
    tell_recorded,
    tell_withdrawn,
)
from outreach.adherence.records import LISTS
from outreach.adherence.situation import Moment
from outreach.core.db import Session, UtcDateTime, analyze_after
from outreach.core.tables import (
    Grid,
    GridRow,
    Holds,
    ImportPreview,
    ListKind,
    ListState,
    Opened,
    grid_as_json,
    nothing_new,
)
from outreach.core.text import french
from outreach.core.text.typed import cleaned
from outreach.directory.authorities import fase_numbers
from outreach.directory.models import RegisterImport


@dataclass(slots=True, kw_only=True)
class JoiningPlan(ImportPreview):
    """What a list would do: the lines that change something, and how many state what is known.

    It is about one programme: its code, its name, and what it is `called` where there are several ('' otherwise).

    `back_in_time` (dated before a day that *Situation* or a note has told, or before a later status of the school) and
    `without_prerequisite` are parts of `changes`. `notes` are those that it contradicts. `coverage` is what the
    list is complete for, and `covers_more` that no applied list was until now. `attested` are known joinings that
    no list had told: they are recorded of this one, too, and counted as known.
    """

    programme: str = ""
    programme_name: str = ""
    called: str = ""
    changes: list[JoiningLine] = field(default_factory=list)
    coverage: Covered | None = None
    covers_more: bool = False
    attested: list[JoiningLine] = field(default_factory=list)
    unchanged: int = 0
    back_in_time: list[JoiningLine] = field(default_factory=list)
    notes: Sequence[MovedNote] = ()
    without_prerequisite: list[JoiningLine] = field(default_factory=list)

    @property
    def nothing(self) -> str:
        """Why there is nothing to apply, in French; '' when there is something."""
        is_new = self.changes or self.covers_more or self.attested
        return "" if is_new else nothing_new(self.unchanged)

    @property
    def version(self) -> str:
        """Equal for lists that would change the same, and contradict the same notes."""
        lines = (*self.changes, *self.attested)
        told = [(line.school_id, line.strand_id, line.status, line.day, line.before) for line in lines]
        notes = [(note.key, note.rows) for note in self.notes]
        return hashlib.sha256(repr((told, notes)).encode()).hexdigest()

    def summary(self) -> dict[str, object]:
        """The counts, as `adherence import --json` prints them."""
        return {
            "programme": self.programme,
            "programme_name": self.programme_name,
            "changes": len(self.changes),
            "unchanged": self.unchanged,
            "back_in_time": len(self.back_in_time),
            "notes": [note.as_json() for note in self.notes],
            "without_prerequisite": len(self.without_prerequisite),
            "coverage": self.coverage and self.coverage.as_json(),
            "rejected": [rejection.as_json() for rejection in self.rejected],
        }


@dataclass(frozen=True)
class JoiningLists(ListKind[JoiningList, JoiningPlan]):
    """Lists of statuses of schools in the strands of a programme, compared on a day; `notes` finds what they move."""

    today: date
    notes: NotesMoved = past.no_notes

    table = JoiningList
    headers = HEADERS
    lock = LISTS
    about = "list"
    unknown = "Aucune liste d’adhésions n’est appliquée."

    def known(self, session: Session) -> Holds:
        """FASE numbers of schools, and of authorities, which are none."""
        return fase_numbers(session)

    def basis(self, session: Session, received: JoiningList) -> object:
        """Records, their withdrawals, editions and applied lists are only added or undone, so their counts tell."""
        programme = session.get_one(Programme, received.programme_id)
        counted = (AdherenceRecord.id, RecordWithdrawal.record_id, RegisterImport.applied_at, RegisterImport.undone_at)
        counts = session.execute(select(*(select(func.count(column)).scalar_subquery() for column in counted))).one()
        strands = sorted(
            (strand.number, strand.id, strand.levels, strand.opened_on, str(strand.closed_on))
            for strand in programme.strands
        )
        rules = sorted(
            (rule.strand_id, rule.required_id, rule.since, str(rule.until))
            for rule in list_prerequisites(session, programme)
        )
        applied = session.scalar(select(func.count()).where(JoiningList.state == ListState.APPLIED))
        return (*counts, applied, *strands, *rules, self.today)

    def plan(self, session: Session, received: JoiningList, grid: Grid) -> JoiningPlan:
        """Compare the cells of a list with what is known of its programme."""
        about = session.get_one(Programme, received.programme_id)
        known = known_of(session, about, self.today)
        planned = JoiningPlan(programme=about.code, programme_name=about.name, called=known.called)
        seen = dict[tuple[int, int, date], int]()
        told, told_until = (
            _told_by_lists(session, received.programme_id),
            past.told_until(session, received.programme_id),
        )
        planned.coverage = coverage.covered(session, received.coverage)
        planned.covers_more = coverage.covers_more(session, received)

        def take(row: GridRow) -> None:
            line = read_line(row, known, seen)
            if (line.before, line.before_word, line.before_day) == (line.status, Word.CONFIRMED, line.day):
                planned.unchanged += 1
                if line.status is Status.JOINED and (line.school_id, line.strand_id, line.day) not in told:
                    planned.attested.append(line)
                return
            planned.changes.append(line)
            is_earlier = known.timeline.next_day(line.school_id, line.strand_id, line.day) is not None
            if is_earlier or (told_until is not None and line.day < told_until and past.moves(line)):
                planned.back_in_time.append(line)

        planned.read(grid, self.headers, take)
        for line in planned.changes:
            known.timeline.add(line.school_id, line.strand_id, Moment(line.day, line.status, Word.CONFIRMED))
        planned.notes = self.notes(session, received.programme_id, past.moved_by(planned.changes, known.timeline))
        planned.without_prerequisite = [
            line
            for line in planned.changes
            if line.status is Status.JOINED
            and known.timeline.breaks(line.school_id, line.strand_id, line.day, known.rules)
        ]
        return planned

    def write(self, session: Session, received: JoiningList, plan: JoiningPlan, *, now: datetime, actor: str) -> str:
        """Record the lines of a list that change something."""
        if lines := [*plan.changes, *plan.attested]:
            session.execute(insert(AdherenceRecord), [_values(line, received, now, actor) for line in lines])
            tell_recorded(session, AdherenceRecord.list_id == received.id, now=now)
        analyze_after(session, AdherenceRecord)
        recorded = french.plural(len(plan.changes), "statut enregistré", "statuts enregistrés")
        known = french.plural(plan.unchanged, "déjà connu", "déjà connus")
        rejected = french.plural(len(plan.left_out), "ligne rejetée", "lignes rejetées")
        covers = f" Elle est {plan.coverage.label}." if plan.coverage else ""
        return f"Liste d’adhésions{of_programme(plan.called)} appliquée : {recorded}, {known}, {rejected}.{covers}"

    def restore(self, session: Session, received: JoiningList, *, now: datetime, actor: str) -> str:
        """Withdraw the records of a list."""
        records = select(AdherenceRecord.id, literal(now, UtcDateTime), literal(actor))
        ours, columns = AdherenceRecord.list_id == received.id, ("record_id", "withdrawn_at", "withdrawn_by")
        session.execute(insert(RecordWithdrawal).from_select(columns, records.where(ours)))
        tell_withdrawn(session, ours, now=now)
        return f"Liste d’adhésions{of_programme(name_among_several(session, received.programme))} annulée."


def _told_by_lists(session: Session, programme: int) -> set[tuple[int, int, date]]:
    """The joinings that applied lists have told: school, strand and day."""
    columns = AdherenceRecord.school_id, AdherenceRecord.strand_id, AdherenceRecord.effective_on
    of_programme = select(Strand.id).where(Strand.programme_id == programme)
    query = select(*columns).where(AdherenceRecord.stands(), AdherenceRecord.strand_id.in_(of_programme))
    query = query.where(AdherenceRecord.status == Status.JOINED, AdherenceRecord.list_id.is_not(None))
    return {(school, strand, day) for school, strand, day in session.execute(query)}


def _values(line: JoiningLine, received: JoiningList, now: datetime, actor: str) -> dict[str, object]:
    return {
        "school_id": line.school_id,
        "strand_id": line.strand_id,
        "status": line.status,
        "word": Word.CONFIRMED,
        "effective_on": line.day,
        "recorded_at": now,
        "recorded_by": actor,
        "source": line.source,
        "reason": line.reason,
        "list_id": received.id,
    }


HEADER = ["fase", "volet", "statut", "date", "source", "motif"]


@dataclass(frozen=True, slots=True)
class StatedJoining:
    """The status of a school (its FASE number) in a strand (its number) since a day."""

    school: int
    strand: int
    status: Status
    day: date
    source: str = ""
    reason: str = ""

    @property
    def cells(self) -> list[str]:
        """The row of a list that says the same."""
        return [
            str(self.school),
            str(self.strand),
            self.status.label.lower(),
            f"{self.day:%d/%m/%Y}",
            cleaned(self.source),
            cleaned(self.reason),
        ]


def open_joinings(joinings: Sequence[StatedJoining], label: str) -> Opened:
    """The list of these joinings, whose rows are numbered from 1; `label` says who sent it."""
    records = [(number, joining.cells) for number, joining in enumerate(joinings, 1)]
    grid = grid_as_json(Grid(label, HEADER, records), records)
    return Opened(hashlib.sha256(grid.encode()).hexdigest(), grid)
