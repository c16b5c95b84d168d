"""Joining lists: rows that are matched with schools, previewed, applied and undone."""

from outreach.adherence.imports._coverage import covered_until, first_covering, stated_coverage
from outreach.adherence.imports._joining_lists import JoiningLists, JoiningPlan, StatedJoining, open_joinings
from outreach.adherence.imports._naming import programme_of
from outreach.adherence.imports._past import Moved, MovedNote, NotesMoved, no_notes
from outreach.adherence.imports._rows import HEADERS, JoiningLine, is_called

__all__ = [
    "HEADERS", "JoiningLine", "JoiningLists", "JoiningPlan", "Moved", "MovedNote", "NotesMoved", "StatedJoining",
    "covered_until", "first_covering", "is_called", "no_notes", "open_joinings", "programme_of", "stated_coverage",
]
