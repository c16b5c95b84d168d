"""The blueprint of the pages of notes."""

from flask import Blueprint

from outreach.notes.models import NoteState

pages = Blueprint("notes", __name__, url_prefix="/notes")
NOTE_COLORS = {
    NoteState.FROZEN: "warning",
    NoteState.RECOUNTED: "neutral",
    NoteState.REFUSED: "danger",
    NoteState.APPROVED: "info",
    NoteState.PUBLISHED: "success",
}
pages.add_app_template_filter(NOTE_COLORS.get, "note_color")
