"""Writes notes: a draft that only its author sees, its preview, and freezing it."""

from dataclasses import replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import form_drafts
from outreach.access.form_drafts import Place
from outreach.adherence.models import Programme
from outreach.campaigns import experiments
from outreach.core.db import Session
from outreach.core.text import dates
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.directory import authorities
from outreach.reports import notes
from outreach.reports.files import sections_of
from outreach.reports.notes import NoteDraft, NoteRequest, RevisionKind
from outreach.web.pages.reports.forms import NoteForm, filled
from outreach.web.pages.reports.reading import pages
from outreach.web.shared import programmes
from outreach.web.shared.drafts import Fields, PageDrafts, changed_fields, kept_beside, of_page, on_return, own
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import posted
from outreach.web.ui.pager import words
from outreach.web.ui.request import actor, database, needs, now, reading

CHANGED = (
    "Des chiffres ont changé depuis l’aperçu que vous avez lu. Les nouveaux sont ci-dessous : relisez-les, puis figez."
)
FROZEN = "La note est figée : ses chiffres ne changent plus. Une autre personne doit la valider."


@pages.get("/drafts/new")
@needs(RoleName.AUTHOR)
def new() -> str:
    with reading() as session:
        return _opened(session, filled(first_request(session)), None)


@pages.post("/drafts/new")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(NoteForm))
def create() -> Redirect | tuple[str, int]:
    return _save(None)


@pages.get("/drafts/<number:draft_id>")
@needs(RoleName.AUTHOR)
def draft(draft_id: int) -> str:
    with reading() as session:
        asked = notes.read_request(notes.draft_of(session, draft_id, actor()).request)
        return _preview(session, draft_id, asked)


@pages.get("/drafts/<number:draft_id>/text")
@needs(RoleName.AUTHOR)
def edit(draft_id: int) -> str:
    with reading() as session:
        held = notes.draft_of(session, draft_id, actor())
        form = filled(notes.read_request(held.request))
        form.seen.data = notes.version_of(held)
        return _opened(session, form, held)


@pages.post("/drafts/<number:draft_id>/text")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(NoteForm))
def save(draft_id: int) -> Redirect | tuple[str, int]:
    return _save(draft_id)


@pages.post("/drafts/<number:draft_id>/freezing")
@needs(RoleName.AUTHOR)
def freeze(draft_id: int) -> Redirect | tuple[str, int]:
    seen = posted("seen")
    with reading() as session:
        asked = notes.read_request(notes.draft_of(session, draft_id, actor()).request)
        gathered = notes.gather_note(session, asked, now=now())
        if gathered.seen != seen:
            return _preview(session, draft_id, asked, CHANGED), 409
    with database().writing() as session:
        form_drafts.discard(session, _place(session, draft_id))
        number = notes.freeze_note(session, gathered, now=now(), actor=actor(), draft=draft_id).id
    flash(FROZEN, "success")
    return redirect(url_for(".note", note_id=number))


@pages.post("/<number:note_id>/recount")
@needs(RoleName.AUTHOR)
def recount(note_id: int) -> Redirect:
    with reading() as session:
        found = notes.get_note_by_key(session, note_id)
        notes.refuse_settled(found)
        gathered = notes.gather_note(session, notes.request_again(found), now=now())
    with database().writing() as session:
        number = notes.freeze_again(session, note_id, gathered, now=now(), actor=actor()).id
    flash(f"La note est recomptée. {FROZEN}", "success")
    return redirect(url_for(".note", note_id=number))


@pages.post("/drafts/<number:draft_id>/deletion")
@needs(RoleName.AUTHOR)
def delete(draft_id: int) -> Redirect:
    with database().writing() as session:
        form_drafts.discard(session, _place(session, draft_id))
        notes.discard_draft(session, draft_id, actor())
    flash("Le brouillon est supprimé.", "success")
    return redirect(url_for(".index"))


def first_request(session: Session) -> NoteRequest:
    """The request that a new form opens with: of today or the day in the query, about the networks in the query; where
    the query names a note to correct, that note's own. It has the sentence of a campaign's frozen effect, if the query
    names one."""
    number = words(request.args, "corrects", 20)
    if number:
        asked, corrected = notes.correction_request(session, number), notes.by_number(session, number)
        held = notes.figures_state(session, corrected)
        is_revised = held is not None and held.kind is not RevisionKind.RESTORED
        return replace(asked, reason=notes.revision_reason(session, corrected)) if is_revised else asked
    asked_day, networks = words(request.args, "as_of", 20), tuple(request.args.getlist("network"))
    question = words(request.args, "question", notes.LONGEST_QUESTION)
    try:
        day = dates.parse_day(asked_day) if asked_day else dates.today(now())
    except InputError:
        day = dates.today(now())
    campaign = whole_number(words(request.args, "effect", 9))
    programme = programmes.shown(session).code
    return NoteRequest(day, "", programme, networks=networks, question=question, effect=campaign or 0)


def offered(session: Session, form: NoteForm) -> Programme:
    """Give a form what it offers to tick: the strands of the programme that it names, or else of the page's."""
    code = form.programme.data or ""
    programme = programmes.coded(session, code) if code else programmes.shown(session)
    form.programme.data = programme.code
    form.offer(programme.strands, authorities.list_networks(session))
    return programme


def _save(draft_id: int | None) -> Redirect | tuple[str, int]:
    form, page = NoteForm(), own()
    asked = form.note_request(now=now())
    with reading() as session:
        faults = notes.draft_faults(session, asked, now=now()) if asked else {}
        form.show(faults)
        if asked is None or faults:
            return _form_page(session, form, draft_id), 422
        if asked.corrects:
            notes.refuse_corrected(session, notes.by_number(session, asked.corrects))
        asked = replace(asked, programme=programmes.coded(session, asked.programme).code)
    try:
        with database().writing() as session:
            seen = form.seen.data or ""
            number = notes.save_draft(session, draft_id, asked, now=now(), actor=actor(), seen=seen).id
            # Another page may hold another new note, so that only this page's text goes.
            form_drafts.discard(session, _place(session, draft_id), *(() if draft_id else page))
    except Refused as error:
        with reading() as session:
            form.form_errors = [str(error)]
            form.seen.data = notes.version_of(notes.draft_of(session, draft_id or 0, actor()))
            return _form_page(session, form, draft_id), 409
    return redirect(url_for(".draft", draft_id=number))


def _preview(session: Session, draft_id: int, asked: NoteRequest, fault: str = "") -> str:
    """The page of a draft: what the note will be, or why it cannot be made."""
    try:
        gathered = notes.gather_note(session, asked, now=now())
    except (InputError, Refused) as error:
        gathered, fault = None, str(error)
    return render_template(
        "pages/notes/preview.html",
        draft_id=draft_id,
        asked=asked,
        gathered=gathered,
        sections=sections_of(gathered.content) if gathered else [],
        answer=gathered.content.answer if gathered else "",
        fault=fault,
    )


def _place(session: Session, draft_id: int | None = None) -> Place:
    """Where an author types over a draft that is saved, or a new note."""
    if draft_id is None:
        return Place(current_user.id, "note-draft:new")
    saved = notes.version_of(notes.draft_of(session, draft_id, actor()))
    return Place(current_user.id, f"note-draft:{draft_id}", saved)


def _address(draft_id: int | None = None, **query: Any) -> str:
    return url_for(".edit", draft_id=draft_id, **query) if draft_id else url_for(".new", **query)


kept_beside(pages, ["/drafts/new", "/drafts/<number:draft_id>/text"], _place, _address)


def _opened(session: Session, saved: NoteForm, draft: NoteDraft | None) -> str:
    """The page of a form as it is saved, or with what was typed over it where its address resumes that."""

    def changes(fields: Fields) -> list[str]:
        form = NoteForm(fields)
        return changed_fields(saved, form) if (form.corrects.data or "") == (saved.corrects.data or "") else []

    place = _place(session, draft.id if draft else None)
    kept = on_return(session, place, ".edit" if draft else ".new", changes)
    return _form_page(session, NoteForm(kept.fields) if kept.fields else saved, draft.id if draft else None, kept)


def _form_page(session: Session, form: NoteForm, draft_id: int | None, kept: PageDrafts | None = None) -> str:
    kept, programme = kept or of_page(), offered(session, form)
    return render_template(
        "pages/notes/form.html",
        form=form,
        draft_id=draft_id,
        drafts=kept,
        unsaved=bool(kept.fields) or form.is_submitted(),
        today=dates.today(now()),
        programme=programme,
        effect=experiments.for_note(session, whole_number(form.effect.data or "") or 0),
    )
