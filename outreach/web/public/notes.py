"""The public page of a published note, and the keys that notes are signed with: no account, session or cookie."""

from dataclasses import dataclass

from flask import Blueprint, Response, render_template

from outreach.core.db import Session
from outreach.core.text.errors import Refused
from outreach.reports import files, notes
from outreach.reports.files import CellGrid, corrected_grid, public_correction, public_outline
from outreach.reports.notes import Correction, Note, NoteSignature
from outreach.web.ui.request import reading, settings

pages = Blueprint("public_notes", __name__, url_prefix="/n")
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class OtherNote:
    """A note that this one corrects or that corrects it: its number, whether it has a page, why, what changed."""

    number: str
    has_page: bool
    reason: str
    table: CellGrid | None


@pages.after_request
def keep_to_itself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"  # a correction is seen at once
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = POLICY
    return response


@pages.get("/key")
def keys() -> Response:
    with reading() as session:
        used = files.used_keys(session)
    current = _current_key()
    former = [key for key in used if key.public_key != current]
    return Response(
        render_template(
            "public/note_keys.html",
            current=current,
            used=used,
            former=former,
            fingerprint=notes.key_fingerprint,
            pem=notes.pem,
        )
    )


@pages.get("/revisions")
def revisions() -> Response:
    return Response(render_template("public/revisions.html"))


@pages.get("/<number>")
def note(number: str) -> Response:
    with reading() as session:
        found = notes.published_note(session, number)
        if found is None or found.approval is None:
            return Response(render_template("public/note_unknown.html"), 404)
        numbered = notes.as_numbered(found, settings().address)
        html = render_template(
            "public/note.html",
            shown=public_outline(numbered),
            note=found,
            seal=numbered.sealed_json().decode(),
            signature=NoteSignature(found.approval.signature, found.approval.public_key),
            files=notes.files_of(session, found),
            corrects=_corrected_one(session, found),
            later=_correcting_one(session, found),
            revised=notes.told_revision(session, found),
            revised_days=notes.revised_days(found),
        )
    return Response(html)


def _corrected_one(session: Session, found: Note) -> OtherNote | None:
    """The note that this one corrects."""
    correction = notes.stored_content(found).correction
    if correction is None:
        return None
    return _other(correction.number, correction, has_page=notes.published_note(session, correction.number) is not None)


def _correcting_one(session: Session, found: Note) -> OtherNote | None:
    """The note that corrects this one, once it is published itself."""
    later = notes.published_note(session, found.corrected_by.number) if found.corrected_by else None
    correction = notes.stored_content(later).correction if later else None
    if later is None or later.approval is None or correction is None:
        return None
    return _other(later.approval.number, correction, has_page=True)


def _other(number: str, correction: Correction, *, has_page: bool) -> OtherNote:
    public = public_correction(correction)
    table = corrected_grid(public) if public.changes else None
    return OtherNote(number, has_page, correction.reason, table)


def _current_key() -> str:
    """The public half of the key that signs now, or '' where none can be read: the page says so."""
    try:
        return notes.public_key_of(notes.signing_key(settings()))
    except Refused:
        return ""
