"""Which notes a joining list contradicts: those that count a school on a day when the list gives it another status.

A note of some networks counts all schools, too: its tables end with the total of all networks.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from outreach.adherence.joining_lists.past import Moved, MovedNote
from outreach.db import Session
from outreach.notes.models import Note, NoteRow, NoteState

TELLING_NOTHING = {NoteState.REFUSED, NoteState.RECOUNTED}
MOST_AT_ONCE = 5_000  # schools that a query names


def by_list(session: Session, programme: int, moved: Sequence[Moved]) -> list[MovedNote]:
    """The frozen notes of a programme that rows contradict, the latest day first.

    One that was refused or recounted tells nobody anything, and of one that was corrected its correction tells.
    """
    if not moved:
        return []
    query = select(Note).where(Note.programme_id == programme, Note.as_of >= min(one.since for one in moved))
    query = query.order_by(Note.as_of.desc(), Note.id.desc())
    found = []
    for note in session.scalars(query):
        rows = 0 if note.corrected_by or note.state in TELLING_NOTHING else _rows(session, note, moved)
        if rows:
            number = note.approval.number if note.approval else ""
            is_published = note.state is NoteState.PUBLISHED
            found.append(MovedNote(note.id, number, note.title, note.as_of, rows, is_published))
    return found


def _rows(session: Session, note: Note, moved: Sequence[Moved]) -> int:
    """How many rows of a list give another status, on a day of a note, to a school that it counts."""
    days = _days(note)
    there: dict[tuple[int, int], int] = defaultdict(int)
    for one in moved:
        if any(one.since <= day and (one.until is None or day < one.until) for day in days):
            there[one.strand_number, one.school_fase] += 1
    schools, counted = sorted({school for _, school in there}), 0
    for start in range(0, len(schools), MOST_AT_ONCE):
        some = NoteRow.fase.in_(schools[start : start + MOST_AT_ONCE])
        for strand, school in session.execute(
            select(NoteRow.strand, NoteRow.fase).where(NoteRow.note_id == note.id, some)
        ):
            counted += there.get((strand, school), 0)
    return counted


def _days(note: Note) -> set[date]:
    """The day of a note, and the earlier one that it compares with, if any."""
    compared = json.loads(note.figures).get("compared")
    return {note.as_of} | ({date.fromisoformat(compared)} if compared else set())
