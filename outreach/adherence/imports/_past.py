"""What a joining list would move of days that were told already, by *Situation* and by notes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from outreach.adherence.imports._rows import JoiningLine
from outreach.adherence.models import AdherenceRecord, JoiningList, Status, Strand, Word
from outreach.adherence.situation import Timeline
from outreach.core.db import Session
from outreach.core.tables import ListState
from outreach.core.text import french
from outreach.core.text.dates import today


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a row of a list gives a school another status in a strand: from a day on, and until before another."""

    school_fase: int
    strand_number: int
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class MovedNote:
    """A note that a list contradicts: its number ('' until it is approved), its title and day, how many rows do so.

    `what` is one of what is counted: a row, or a school or a figure where an edition contradicts it.
    """

    key: int
    number: str
    title: str
    as_of: date
    rows: int
    is_published: bool
    what: str = "ligne"

    @property
    def in_words(self) -> str:
        """In French: "la note 2021-004, « Bilan », situation au 15 mai 2021 (25 lignes)"."""
        named = f"la note {self.number}" if self.number else "la note à valider"
        return f"{named}, « {self.title} », situation au {french.spelt_day(self.as_of)} ({self.counted})"

    @property
    def counted(self) -> str:
        """« 25 lignes »."""
        return french.plural(self.rows, self.what)

    def as_json(self) -> dict[str, object]:
        """As commands print it, and as it stays with an applied list."""
        return {
            "key": self.key,
            "number": self.number or None,
            "title": self.title,
            "as_of": self.as_of.isoformat(),
            "rows": self.rows,
        }

    def for_programs(self) -> dict[str, object]:
        """The same for programs, which know published notes alone."""
        named = {"number": self.number, "title": self.title} if self.is_published else {"number": None, "title": None}
        return {**named, "as_of": self.as_of.isoformat(), "rows": self.rows}


NotesMoved = Callable[[Session, int, Sequence[Moved]], Sequence[MovedNote]]
"""Finds the notes of a programme (its key) that rows of a list contradict."""


def no_notes(_session: Session, _programme: int, _moved: Sequence[Moved]) -> Sequence[MovedNote]:
    """For lists whose result says nothing of notes."""
    return ()


def told_until(session: Session, programme: int) -> date | None:
    """The day on which *Situation* last learnt of confirmed statuses: earlier days were told without this list."""
    of_programme = select(Strand.id).where(Strand.programme_id == programme)
    confirmed = AdherenceRecord.word == Word.CONFIRMED, AdherenceRecord.strand_id.in_(of_programme)
    recorded = select(func.max(AdherenceRecord.recorded_at)).where(AdherenceRecord.stands(), *confirmed)
    applied = select(func.max(JoiningList.applied_at)).where(
        JoiningList.programme_id == programme, JoiningList.state == ListState.APPLIED
    )
    moments = [moment for moment in (session.scalar(recorded), session.scalar(applied)) if moment]
    return today(max(moments)) if moments else None


def moves(line: JoiningLine) -> bool:
    """Whether a row gives its school another status on its day, or another word for it; not only another day."""
    return (line.before, line.before_word) != (line.status, Word.CONFIRMED)


def moved_by(changes: Iterable[JoiningLine], timeline: Timeline) -> list[Moved]:
    """What the rows of a list move; `timeline` has them already.

    A row that confirms a joining, or follows a confirmed one, moves what was declared of later days, too: that is
    passed over while the confirmed joining stands, and speaks once it stands no longer.
    """
    moved = []
    for line in filter(moves, changes):
        passes_over = line.status is Status.JOINED or (line.before, line.before_word) == (Status.JOINED, Word.CONFIRMED)
        until = timeline.next_day(line.school_id, line.strand_id, line.day, declared=not passes_over)
        moved.append(Moved(line.school_fase, line.strand_number, line.day, until))
    return moved
