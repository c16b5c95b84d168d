"""Notes: figures gathered, frozen, approved, numbered and signed, corrected in public."""

from outreach.reports.notes._approval import Finish, FinishedNote, approve_note, publish_note, refuse_note
from outreach.reports.notes._content import (
    ActionState, Cell, CellKind, Correction, CurvePoint, HandFigure, NoteColumn, NoteContent, NoteTable, NumberedNote,
    TableKind, public_address,
)
from outreach.reports.notes._contradicted import by_edition, by_list, by_undoing
from outreach.reports.notes._corrections import correction_request, refuse_corrected
from outreach.reports.notes._drafts import (
    LONGEST_QUESTION, NoteRequest, day_of_figure, discard_draft, draft_faults, draft_of, drafts_of, read_request,
    save_draft, version_of,
)
from outreach.reports.notes._freezing import freeze_note, note_subject
from outreach.reports.notes._gathering import MINISTRY, gather_note
from outreach.reports.notes._listing import (
    as_numbered, by_number, count_notes, file_of, files_of, get_note_by_key, last_numbered, numbered_before,
    published_note, select_notes, stored_content,
)
from outreach.reports.notes._models import ENDINGS, Note, NoteApproval, NoteDraft, NoteFile, NoteState, RevisionKind
from outreach.reports.notes._prose import About, prose_answers
from outreach.reports.notes._recounting import (
    changed_figures, freeze_again, offered_corrections, refuse_settled, request_again,
)
from outreach.reports.notes._requests import (
    AskedNote, AskedState, ask_for_note, get_request, of_person, request_of, send_back, state_of, states_of,
    waiting_requests, withdraw_request,
)
from outreach.reports.notes._revisions import (
    figures_state, keep_note, look_for_revisions, revised_days, revised_figures, revised_notes, revision_reason,
    tell_revision, told_revision,
)
from outreach.reports.notes._signing import (
    LOST_NOTHING, OWN_KEY, NoteSignature, is_signed, key_fingerprint, pem, public_key_of, public_keys_in, sign_note,
    signing_key,
)

__all__ = [
    "ENDINGS", "LONGEST_QUESTION", "LOST_NOTHING", "MINISTRY", "OWN_KEY", "About", "ActionState", "AskedNote",
    "AskedState", "Cell", "CellKind", "Correction", "CurvePoint", "Finish", "FinishedNote", "HandFigure", "Note",
    "NoteApproval", "NoteColumn", "NoteContent", "NoteDraft", "NoteFile", "NoteRequest", "NoteSignature", "NoteState",
    "NoteTable", "NumberedNote", "RevisionKind", "TableKind", "approve_note", "as_numbered", "ask_for_note",
    "by_edition", "by_list", "by_number", "by_undoing", "changed_figures", "correction_request", "count_notes",
    "day_of_figure", "discard_draft", "draft_faults", "draft_of", "drafts_of", "figures_state", "file_of", "files_of",
    "freeze_again", "freeze_note", "gather_note", "get_note_by_key", "get_request", "is_signed", "keep_note",
    "key_fingerprint", "last_numbered", "look_for_revisions", "note_subject", "numbered_before", "of_person",
    "offered_corrections", "pem", "prose_answers", "public_address", "public_key_of", "public_keys_in", "publish_note",
    "published_note", "read_request", "refuse_corrected", "refuse_note", "refuse_settled", "request_again",
    "request_of", "revised_days", "revised_figures", "revised_notes", "revision_reason", "save_draft", "select_notes",
    "send_back", "sign_note", "signing_key", "state_of", "states_of", "stored_content", "tell_revision",
    "told_revision", "version_of", "waiting_requests", "withdraw_request",
]
