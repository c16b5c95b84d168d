"""Decides about notes: a second person approves or refuses one, and an approver publishes it."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.core import site
from outreach.core.text.errors import NotFound
from outreach.core.text.roles import RoleName
from outreach.reports import files, notes
from outreach.web.pages.reports.forms import NoteDecisionForm, StandingForm
from outreach.web.pages.reports.reading import note_page, pages
from outreach.web.ui.fields import posted, telling
from outreach.web.ui.request import actor, database, held_roles, needs, now, reading, settings


@pages.post("/<number:note_id>/approval")
@needs(RoleName.APPROVER)
def approve(note_id: int) -> Redirect | tuple[str, int]:
    form = NoteDecisionForm()
    with reading() as session:
        head = site.current_letterhead(session)
    with telling(form.approved_as):
        number = notes.approve_note(
            database(),
            note_id,
            files.make_finisher(settings(), head),
            address=settings().address,
            now=now(),
            actor=actor(),
            approved_as=form.approved_as.data or "",
        )
    if form.errors:
        return _again(note_id, form), 422
    flash(f"La note est validée sous le numéro {number}. Elle n’est pas publiée.", "success")
    return redirect(url_for(".note", note_id=note_id))


@pages.post("/<number:note_id>/refusal")
@needs(RoleName.APPROVER)
def refuse(note_id: int) -> Redirect | tuple[str, int]:
    form = NoteDecisionForm()
    with telling(form.reason), database().writing() as session:
        notes.refuse_note(session, note_id, form.reason.data or "", now=now(), actor=actor())
    if form.errors:
        return _again(note_id, form), 422
    flash("La note est refusée : elle ne reçoit pas de numéro.", "success")
    return redirect(url_for(".note", note_id=note_id))


@pages.post("/<number:note_id>/publication")
@needs(RoleName.APPROVER)
def publish(note_id: int) -> Redirect:
    number = posted("number")
    with database().writing() as session:
        if notes.publish_note(session, number, now=now(), actor=actor()).id != note_id:
            raise NotFound("Cette note ne porte pas ce numéro : rouvrez la page de la note à publier.")
    flash(f"La note {number} est publiée : chacun peut ouvrir sa page.", "success")
    return redirect(url_for(".note", note_id=note_id))


@pages.post("/<number:note_id>/standing")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def keep(note_id: int) -> Redirect | tuple[str, int]:
    form = StandingForm()
    with telling(form.why), database().writing() as session:
        notes.keep_note(session, note_id, form.why.data or "", now=now(), actor=actor(), roles=held_roles())
    if form.errors:
        with reading() as session:
            return note_page(session, notes.get_note_by_key(session, note_id), standing=form), 422
    flash("La note reste, et votre raison avec elle.", "success")
    return redirect(url_for(".note", note_id=note_id))


@pages.post("/<number:note_id>/revision")
@needs(RoleName.APPROVER)
def tell_revision(note_id: int) -> Redirect:
    is_told = posted("told") == "1"
    with database().writing() as session:
        notes.tell_revision(session, note_id, now=now(), actor=actor(), is_told=is_told)
    flash(f"La page publique {'le dit' if is_told else 'ne le dit plus'}.", "success")
    return redirect(url_for(".note", note_id=note_id))


def _again(note_id: int, form: NoteDecisionForm) -> str:
    with reading() as session:
        return note_page(session, notes.get_note_by_key(session, note_id), form)
