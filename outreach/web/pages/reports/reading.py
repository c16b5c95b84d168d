"""Notes as they are read: the list with one's own drafts, a note with its course, its files."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from outreach.access import accounts, approvals
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.reports import notes
from outreach.reports.files import sections_of
from outreach.reports.notes import ENDINGS, Note, NoteContent, NoteState, RevisionKind
from outreach.web.pages.reports.forms import NoteDecisionForm, StandingForm
from outreach.web.shared import programmes
from outreach.web.ui.exports import XLSX, attachment, download
from outreach.web.ui.pager import Shown, member, sorting
from outreach.web.ui.request import actor, held_roles, needs, reading, whole

pages = Blueprint("notes", __name__, url_prefix="/notes")
NOTE_COLORS = {
    NoteState.FROZEN: "warning",
    NoteState.RECOUNTED: "neutral",
    NoteState.REFUSED: "danger",
    NoteState.APPROVED: "info",
    NoteState.PUBLISHED: "success",
}
pages.add_app_template_filter(NOTE_COLORS.get, "note_color")


MOST_OWN = 10  # of one's own questions, the newest
FILES = {  # by kind: what a file is called, and its media type
    "pdf": ("PDF", "application/pdf"),
    "docx": ("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("XLSX", XLSX),
    "csv": ("CSV (ZIP)", "application/zip"),
    "json": ("JSON", "application/json"),
}


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    state = member(NoteState, request.args.get("state"))
    with reading() as session:
        programme = programmes.filtered(session, usually_one=True)
        names, own = accounts.colleagues(session), notes.of_person(session, actor())[:MOST_OWN]
        return render_template(
            "pages/notes/index.html",
            state=state,
            states={each: notes.count_notes(session, each, programme) for each in NoteState},
            shown=Shown.of(
                request,
                notes.select_notes(session, state, sorting(request), programme),
                names=names,
                export=".export",
                hidden=() if len(programmes.offered(session)) > 1 else ("programme",),
            ),
            drafts=notes.drafts_of(session, actor()),
            waiting=session.scalars(notes.waiting_requests()).all() if RoleName.AUTHOR in held_roles() else [],
            own=list(zip(own, notes.states_of(session, own), strict=True)),
            colleagues=names,
        )


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export(kind: str) -> Response:
    state = member(NoteState, request.args.get("state"))
    with reading() as session:
        found = notes.select_notes(session, state, sorting(request), programmes.filtered(session))
        table = found.table(accounts.colleagues(session))
        return download(table, kind, "notes", is_of_all=True)  # published notes: everybody reads all of them


@pages.get("/<number:note_id>")
@needs(RoleName.READER)
def note(note_id: int) -> str:
    with reading() as session:
        return note_page(session, notes.get_note_by_key(session, note_id))


@pages.get("/<number:note_id>/note.<any(pdf, docx, xlsx, csv, json):kind>")
@needs(RoleName.READER)
def file(note_id: int, kind: str) -> Response:
    with reading() as session:
        found = notes.get_note_by_key(session, note_id)
        content = notes.file_of(session, found, kind).content
        name = f"note-{found.approval.number if found.approval else note_id}.{ENDINGS[kind]}"
    return attachment(content, FILES[kind][1], name)


def note_page(
    session: Session, found: Note, form: NoteDecisionForm | None = None, standing: StandingForm | None = None
) -> str:
    """The page of a frozen note, with what a decision that was not taken had typed and why."""
    content = notes.stored_content(found)
    return render_template(
        "pages/notes/note.html",
        note=found,
        content=content,
        sections=sections_of(content),
        answer=content.answer,
        files=[(each.kind, FILES[each.kind][0]) for each in notes.files_of(session, found)],
        may_decide=found.state is NoteState.FROZEN
        and approvals.may_decide(session, actor(), notes.note_subject(found)),
        NoteState=NoteState,
        entries=audit.entries_about(session, notes.note_subject(found)),
        corrected=notes.get_note_by_key(session, found.corrects_id) if found.corrects_id else None,
        recounted=notes.changed_figures(found) if found.recount and found.approval else (),
        differences=_differences(session, found, content),
        form=form or NoteDecisionForm(formdata=None),
        revision=_revision(session, found),
        standing=standing or StandingForm(formdata=None),
    )


def _revision(session: Session, found: Note) -> dict[str, Any]:
    """What a published note's page says of what was applied since; nothing where that changes none of its figures."""
    held, told = notes.figures_state(session, found), notes.told_revision(session, found)
    if held is None and told is None:
        return {}
    try:
        with whole() as every:
            figures = notes.revised_figures(every, notes.get_note_by_key(every, found.id))
    except (InputError, Refused):
        figures = []
    awaits = session.scalar(notes.revised_notes(actor(), held_roles()).where(Note.id == found.id))
    return {
        "held": held,
        "told": told,
        "figures": figures,
        "days": notes.revised_days(found),
        "awaits_me": awaits is not None,
        "may_tell": approvals.may_decide(session, actor(), notes.note_subject(found)),
        "kinds": RevisionKind,
    }


def _differences(session: Session, found: Note, content: NoteContent) -> list[tuple[str, str]]:
    """Where the page « Pourquoi ce chiffre a changé » compares a numbered note, in words, each with its address."""
    if found.approval is None:
        return []

    def why(first: Note, to: Mapping[str, Any]) -> str:
        # The whole instants: what was recorded in the same minute came after it, or before.
        begins: dict[str, Any] = {"from": first.as_of.isoformat(), "known_from": first.known_at.isoformat()}
        about: dict[str, Any] = {"programme": content.programme_code, "strand": str(content.strands[0].number)}
        return url_for("situation.why", **about, **begins, **to)

    same_day = {"to": found.as_of.isoformat()}
    compared = [
        (f"Ce que les enregistrements disent aujourd’hui du {french.day(found.as_of)}", why(found, same_day)),
        ("Depuis cette note, jusqu’à aujourd’hui", why(found, {})),
    ]
    if (before := notes.numbered_before(session, found)) and before.approval:
        words = f"Depuis la note {before.approval.number}, situation au {french.day(before.as_of)}"
        compared.append((words, why(before, {**same_day, "known_to": found.known_at.isoformat()})))
    return compared
