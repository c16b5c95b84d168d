"""The public page of a published note, and the keys that notes are signed with: no account, session or cookie."""

from dataclasses import dataclass

from flask import Blueprint, Response, render_template

from outreach.core.db import Session
from outreach.core.text.errors import Refused
from outreach.reports.files import verifying
from outreach.reports.files.document import CellGrid
from outreach.reports.files.outline import corrected_grid, public_correction, public_outline
from outreach.reports.notes import listing, signing
from outreach.reports.notes.content import Correction
from outreach.reports.notes.models import Note
from outreach.reports.notes.signing import NoteSignature
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
        used = verifying.used_keys(session)
    current = _current_key()
    former = [key for key in used if key.public_key != current]
    return Response(
        render_template(
            "public/note_keys.html",
            current=current,
            used=used,
            former=former,
            fingerprint=signing.key_fingerprint,
            pem=signing.pem,
        )
    )


@pages.get("/revisions")
def revisions() -> Response:
    return Response(render_template("public/revisions.html"))


@pages.get("/<number>")
def note(number: str) -> Response:
    with reading() as session:
        found = listing.published_note(session, number)
        if found is None or found.approval is None:
            return Response(render_template("public/note_unknown.html"), 404)
        numbered = listing.as_numbered(found, settings().address)
        html = render_template(
            "public/note.html",
            shown=public_outline(numbered),
            note=found,
            seal=numbered.sealed_json().decode(),
            signature=NoteSignature(found.approval.signature, found.approval.public_key),
            files=listing.files_of(session, found),
            corrects=_corrected_one(session, found),
            later=_correcting_one(session, found),
        )
    return Response(html)


def _corrected_one(session: Session, found: Note) -> OtherNote | None:
    """The note that this one corrects."""
    correction = listing.stored_content(found).correction
    if correction is None:
        return None
    return _other(
        correction.number, correction, has_page=listing.published_note(session, correction.number) is not None
    )


def _correcting_one(session: Session, found: Note) -> OtherNote | None:
    """The note that corrects this one, once it is published itself."""
    later = listing.published_note(session, found.corrected_by.number) if found.corrected_by else None
    correction = listing.stored_content(later).correction if later else None
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
        return signing.public_key_of(signing.signing_key(settings()))
    except Refused:
        return ""
