"""The records of schools in memory, to find where a school stood on a day.

For decisions taken line by line. The rule is that of `standing`: the record with the latest effective day holds, of
two with the same day the one recorded last; a declared joining is passed over while a confirmed one stands.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from outreach.adherence.models import AdherenceRecord, Prerequisite, Programme, Status, Word
from outreach.db import Session


@dataclass(frozen=True, slots=True)
class Moment:
    """The status that holds from a day on, and on whose word."""

    day: date
    status: Status
    word: Word


class Timeline:
    """Moments by school and strand (their keys)."""

    def __init__(self) -> None:
        self._moments: dict[tuple[int, int], list[Moment]] = {}

    def add(self, school_id: int, strand_id: int, moment: Moment) -> None:
        """Add a moment that was recorded after all those already here."""
        held = self._moments.setdefault((school_id, strand_id), [])
        held.append(moment)
        held.sort(key=lambda known: known.day)

    def at(self, school_id: int, strand_id: int, day: date) -> Moment | None:
        """The moment that holds at the end of a day."""
        until = [moment for moment in self._moments.get((school_id, strand_id), ()) if moment.day <= day]
        said = next((moment for moment in reversed(until) if not is_declared(moment)), None)
        return said if is_confirmed(said) or not until else until[-1]

    def latest(self, school_id: int, strand_id: int) -> Moment | None:
        """The moment with the latest day of all."""
        return self.at(school_id, strand_id, date.max)

    def next_day(self, school_id: int, strand_id: int, day: date, *, declared: bool = True) -> date | None:
        """The day of the first moment after a day, of declared joinings too or not; None where there is none."""
        held = [moment for moment in self._moments.get((school_id, strand_id), ()) if moment.day > day]
        return next((moment.day for moment in held if declared or not is_declared(moment)), None)

    def breaks(self, school_id: int, strand_id: int, day: date, rules: Sequence[Prerequisite]) -> bool:
        """Whether joining the strand that day lacks a confirmed joining of a strand required that day."""
        for rule in rules:
            in_force = rule.since <= day and (rule.until is None or day < rule.until)
            if rule.strand_id == strand_id and in_force and not is_confirmed(self.at(school_id, rule.required_id, day)):
                return True
        return False


def is_confirmed(moment: Moment | None) -> bool:
    """Whether a moment is a joining that the service confirmed."""
    return moment is not None and (moment.status, moment.word) == (Status.JOINED, Word.CONFIRMED)


def is_declared(moment: Moment) -> bool:
    """Whether a moment is a joining on the authority's word alone."""
    return (moment.status, moment.word) == (Status.JOINED, Word.DECLARED)


def timeline_of(
    session: Session,
    programme: Programme,
    school_ids: Iterable[int] | None = None,
    *,
    without: Collection[int] = (),
) -> Timeline:
    """The records of a programme that are not withdrawn, of these schools or of all; `without` those of these keys."""
    strands = programme.strand_keys
    query = select(AdherenceRecord).where(AdherenceRecord.stands(), AdherenceRecord.strand_id.in_(strands))
    if school_ids is not None:
        query = query.where(AdherenceRecord.school_id.in_(list(school_ids)))
    timeline = Timeline()
    for entry in session.scalars(query.order_by(AdherenceRecord.recorded_at, AdherenceRecord.id)):
        if entry.id not in without:
            timeline.add(entry.school_id, entry.strand_id, Moment(entry.effective_on, entry.status, entry.word))
    return timeline
