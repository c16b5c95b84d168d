"""Which frozen notes a joining list or an edition of the register contradicts, and which ones undoing it would.

A note of some networks counts all schools, too: its tables end with the total of all networks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from datetime import date, datetime

from sqlalchemy import ColumnElement, select

from outreach.adherence.imports import Moved, MovedNote
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.text.errors import InputError, Refused
from outreach.directory.models import Authority, Level, Nature, Network, RegisterKind
from outreach.directory.register import Difference
from outreach.reports.notes._listing import stored_content
from outreach.reports.notes._models import Note, NoteRow, NoteState
from outreach.reports.notes._revisions import JUST_BEFORE, days_of, revised_figures

TELLING_NOTHING = {NoteState.REFUSED, NoteState.RECOUNTED}


def by_list(session: Session, programme: int, moved: Sequence[Moved]) -> list[MovedNote]:
    """The frozen notes of a programme that rows contradict, and how many rows; the latest day first."""
    if not moved:
        return []
    first = min(one.since for one in moved)
    notes = _telling(session, Note.programme_id == programme, Note.as_of >= first)
    return [_named(note, count) for note in notes if (count := _moved_rows(session, note, moved))]


def _moved_rows(session: Session, note: Note, moved: Sequence[Moved]) -> int:
    """How many rows of a list give another status, on a day of a note, to a school that it counts."""
    days = days_of(note)
    there = Counter(
        (one.strand_number, one.school_fase)
        for one in moved
        if any(one.since <= day and (one.until is None or day < one.until) for day in days)
    )
    some = among(NoteRow.fase, {school for _, school in there})
    listed = session.execute(select(NoteRow.strand, NoteRow.fase).where(NoteRow.note_id == note.id, some))
    return sum(there[strand, school] for strand, school in listed)


def by_edition(session: Session, edition_on: date, plan: Difference) -> list[MovedNote]:
    """The frozen notes of a day on or after that of an edition, of which it would count schools otherwise, and how
    many; the latest day first."""
    after = _after(session, plan)
    found = []
    for note in _telling(session, Note.as_of >= edition_on) if after else ():
        strands, listed = stored_content(note).strands, NoteRow.note_id == note.id
        rows = session.execute(select(NoteRow.strand, NoteRow.fase).where(listed, among(NoteRow.fase, after))).all()
        count = 0
        for strand in (note.programme.strand(one.number) for one in strands):
            there = {fase for number, fase in rows if number == strand.number}
            for fase, (levels, is_elsewhere) in after.items():
                counts = not levels.isdisjoint(strand.levels)
                count += counts != (fase in there) or (is_elsewhere and counts)
        if count:
            found.append(_named(note, count, "école"))
    return found


def by_undoing(session: Session, applied_at: datetime | None) -> list[MovedNote]:
    """The frozen notes of which undoing what was applied at a moment would change figures that they took from it, and
    how many figures."""
    found: list[MovedNote] = []
    if applied_at is None:
        return found
    for note in _telling(session, Note.known_at >= applied_at):
        try:
            figures = revised_figures(session, note, applied_at - JUST_BEFORE, applied_at)
        except (InputError, Refused):  # nobody could know the note's day before, or can tell any more
            continue
        if figures:
            found.append(_named(note, len(figures), "chiffre"))
    return found


def _telling(session: Session, *conditions: ColumnElement[bool]) -> Iterator[Note]:
    """The frozen notes that tell something: neither refused, nor counted again, nor corrected."""
    query = select(Note).where(*conditions).order_by(Note.as_of.desc(), Note.id.desc())
    for note in session.scalars(query).unique():
        if not note.corrected_by and note.state not in TELLING_NOTHING:
            yield note


def _named(note: Note, count: int, what: str = "ligne") -> MovedNote:
    number, is_published = note.approval.number if note.approval else "", note.state is NoteState.PUBLISHED
    return MovedNote(note.id, number, note.title, note.as_of, count, is_published, what)


def _after(session: Session, plan: Difference) -> dict[int, tuple[Set[Level], bool]]:
    """The levels that each school teaches by an edition that changes them or its network, and whether it is then in
    another network."""
    changes = [one for one in plan.changes if one.kind is RegisterKind.SCHOOL]
    moved = [one for one in changes if one.nature is Nature.MOVED]
    owners = among(Authority.fase, [int(one.before) for one in moved])
    query = select(Authority.fase, Network.code).join(Network, Network.id == Authority.network_id).where(owners)
    before, after = dict(session.execute(query).all()), plan.target.authorities
    leaving = {one.fase for one in moved if before.get(int(one.before)) != after[int(one.after)].network}
    counted = {Nature.NEW, Nature.RETURNED, Nature.GONE}
    touched = {one.fase for one in changes if one.nature in counted or one.field == "types"} | leaving
    schools = plan.target.schools
    return {
        fase: ({kind.level for kind in schools[fase].types} if fase in schools else frozenset(), fase in leaving)
        for fase in touched
    }
