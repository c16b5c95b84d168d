"""Asks for a note: the question in its own words; an author freezes the note, changes it first, or sends it back."""

from flask import flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import approvals
from outreach.access.approvals import Thing
from outreach.core.db import Session
from outreach.core.text import dates
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.reports import notes
from outreach.reports.files import sections_of
from outreach.reports.notes import AskedNote, AskedState
from outreach.web.pages.reports.forms import NoteForm, SendBackForm, filled
from outreach.web.pages.reports.reading import pages
from outreach.web.pages.reports.writing import CHANGED, FROZEN, first_request, offered
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import posted, telling
from outreach.web.ui.request import actor, database, held_roles, needs, now, reading


@pages.get("/requests/new")
@needs(RoleName.READER)
def new_request() -> str:
    with reading() as session:
        return _form(session, filled(first_request(session)))


@pages.post("/requests/new")
@needs(RoleName.READER)
@recovers_form(of_form(NoteForm), button="Demander la note")
def ask() -> Redirect | tuple[str, int]:
    form = NoteForm()
    asked = form.note_request(now=now())
    with reading() as session:
        form.show(notes.draft_faults(session, asked, now=now()) if asked else {})
        if not form.question.data or not form.question.data.strip():
            form.question.errors = ["Écrivez la question, dans vos mots."]
        if asked is None or form.errors:
            return _form(session, form), 422
    with database().writing() as session:
        key = notes.ask_for_note(session, asked, now=now(), actor=actor()).id
    flash("Votre demande attend la rédaction. Un courriel vous dira quand la note est prête.", "success")
    return redirect(url_for(".asked_note", request_id=key))


@pages.get("/requests/<number:request_id>")
@needs(RoleName.READER)
def asked_note(request_id: int) -> str:
    with reading() as session:
        return _page(session, _found(session, request_id))


@pages.post("/requests/<number:request_id>/freezing")
@needs(RoleName.AUTHOR)
def freeze_asked(request_id: int) -> Redirect | tuple[str, int]:
    seen = posted("seen")
    with reading() as session:
        found = _found(session, request_id)
        gathered = notes.gather_note(session, notes.request_of(found), now=now())
        if gathered.seen != seen:
            return _page(session, found, fault=CHANGED), 409
    with database().writing() as session:
        number = notes.freeze_note(session, gathered, now=now(), actor=actor()).id
    flash(FROZEN, "success")
    return redirect(url_for(".note", note_id=number))


@pages.post("/requests/<number:request_id>/draft")
@needs(RoleName.AUTHOR)
def draft_asked(request_id: int) -> Redirect:
    with database().writing() as session:
        asked = notes.request_of(_found(session, request_id))
        draft = notes.save_draft(session, None, asked, now=now(), actor=actor())
        return redirect(url_for(".edit", draft_id=draft.id))


@pages.post("/requests/<number:request_id>/return")
@needs(RoleName.AUTHOR)
def send_back(request_id: int) -> Redirect | tuple[str, int]:
    form = SendBackForm()
    with telling(form.reason), database().writing() as session:
        found = _found(session, request_id)
        notes.send_back(session, found, form.reason.data or "", now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            return _page(session, _found(session, request_id), form), 422
    flash("La demande est renvoyée : un courriel dit pourquoi.", "success")
    return redirect(url_for(".asked_note", request_id=request_id))


@pages.post("/requests/<number:request_id>/withdrawal")
@needs(RoleName.READER)
def withdraw_request(request_id: int) -> Redirect:
    with database().writing() as session:
        notes.withdraw_request(session, _found(session, request_id), now=now(), actor=actor())
    flash("Votre demande est retirée.", "success")
    return redirect(url_for(".index"))


def _found(session: Session, key: int) -> AskedNote:
    return notes.get_request(session, key, actor(), held_roles())


def _form(session: Session, form: NoteForm) -> str:
    offered(session, form)
    form.question.label.text = "La question, dans vos mots"  # those of who asks; an author writes another person's
    return render_template("pages/notes/ask.html", form=form, today=dates.today(now()))


def _page(session: Session, found: AskedNote, form: SendBackForm | None = None, fault: str = "") -> str:
    """The page of a question: what a note would answer now, or what became of it."""
    state, gathered = notes.state_of(session, found), None
    if state is AskedState.WAITING:
        try:
            gathered = notes.gather_note(session, notes.request_of(found), now=now())
        except (InputError, Refused) as error:
            fault = str(error)
    return render_template(
        "pages/notes/asked.html",
        asked=found,
        state=state,
        AskedState=AskedState,
        request_of=notes.request_of(found),
        last=approvals.last_decision(session, Thing.REQUEST.subject(found.id)),
        is_own=found.asked_by == current_user.email,
        gathered=gathered,
        sections=sections_of(gathered.content) if gathered else [],
        answer=gathered.content.answer if gathered else "",
        fault=fault,
        form=form or SendBackForm(formdata=None),
    )
