"""Prepared texts: what each is for, its versions, and the approval of the one that leaves unread."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import HiddenField, StringField

from outreach.access import approvals
from outreach.campaigns import correspondence
from outreach.campaigns.correspondence import FIELDS_WITHOUT_CAMPAIGN, KNOWN, CurrentText, TextUse
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Session
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.web.shared import letter_editor
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import posted_number
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("texts", __name__, url_prefix="/responses/texts")


class PreparedTextForm(FlaskForm):
    """A prepared text, with a subject if it is of a letter; `seen` is the key of the version that was read before."""

    subject = StringField("Objet du courriel")
    letter = letter_editor.SourceField("Texte du courriel", description=letter_editor.MARKUP)
    seen = HiddenField()


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with reading() as session:
        held = [correspondence.current_template(session, use) for use in TextUse]
        return render_template("pages/replies/texts.html", held=held)


@pages.get("/<use>")
@needs(RoleName.READER)
def text(use: str) -> str:
    asked = _use(use)
    with reading() as session:
        return _page(session, asked, PreparedTextForm(formdata=None))


@pages.post("/<use>")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(PreparedTextForm))
def save(use: str) -> Redirect | tuple[str, int]:
    asked, form = _use(use), PreparedTextForm()
    written, seen = (form.letter.data or "").replace("\r\n", "\n").strip() + "\n", whole_number(form.seen.data or "")
    if asked.is_letter:
        written = correspondence.joined(form.subject.data or "", written)
    try:
        correspondence.refuse_unfit(asked, written, SenderIdentity.of(settings()).schemes)
        with database().writing() as session:
            correspondence.write_template(session, asked, written, now=now(), actor=actor(), seen=seen)
    except InputError as error:
        form.letter.errors = [str(error)]
        return _again(asked, form), 422
    except Refused as error:
        form.form_errors = [str(error)]
        return _again(asked, form), 409
    is_asked = correspondence.asks_approval(asked, written)
    said = "Le texte est enregistré ; une autre personne doit le valider." if is_asked else "C’est enregistré."
    flash(said, "success")
    return redirect(url_for(".text", use=use))


@pages.post("/<use>/approval")
@needs(RoleName.APPROVER)
def approve(use: str) -> Redirect:
    asked, number = _use(use), posted_number("seen") or 0
    with database().writing() as session:
        correspondence.approve_template(session, asked, number, now=now(), actor=actor())
    then = "inchangé, il part sans une autre personne" if asked.is_letter else "il peut partir avec une confirmation"
    flash(f"Le texte est validé : {then}.", "success")
    return redirect(url_for(".text", use=use))


def _use(word: str) -> TextUse:
    if word not in set(TextUse):
        abort(404)
    return TextUse(word)


def _awaits(session: Session, held: CurrentText) -> bool:
    """Whether a text awaits the approval of the person who is signed in."""
    if held.row is None or held.approval is not None or not held.is_to_approve:
        return False
    return approvals.may_decide(session, actor(), correspondence.content_of(held.row).subject)


def _again(use: TextUse, form: PreparedTextForm) -> str:
    with reading() as session:
        return _page(session, use, form)


def _page(session: Session, use: TextUse, form: PreparedTextForm) -> str:
    held = correspondence.current_template(session, use)
    if not form.is_submitted():
        form.subject.data, form.letter.data = correspondence.split(held.text) if use.is_letter else ("", held.text)
    form.seen.data = str(held.row.id if held.row else 0)
    return render_template(
        "pages/replies/text.html",
        held=held,
        form=form,
        versions=correspondence.template_versions(session, use),
        may_approve=_awaits(session, held),
        SCHOOLS=correspondence.SCHOOLS,
        STRAND=correspondence.STRAND,
        **letter_editor.shown_to_one(form.letter.data, fields=FIELDS_WITHOUT_CAMPAIGN if use.is_letter else KNOWN),
    )
