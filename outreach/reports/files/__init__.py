"""The files of notes: one outline, written as PDF and DOCX, and verified by anybody."""

from outreach.reports.files._document import CellGrid
from outreach.reports.files._finishing import make_finisher
from outreach.reports.files._outline import corrected_grid, public_correction, public_outline, sections_of
from outreach.reports.files._rendering import LARGEST
from outreach.reports.files._verifying import KnownNotes, NoteVerdict, find_faults, known_notes, used_keys, verify_file

__all__ = [
    "LARGEST", "CellGrid", "KnownNotes", "NoteVerdict", "corrected_grid", "find_faults", "known_notes", "make_finisher",
    "public_correction", "public_outline", "sections_of", "used_keys", "verify_file",
]
