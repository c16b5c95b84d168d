"""A reply to a response: written from a prepared text, read as its recipient will, then sent once."""

import re
import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import BooleanField, HiddenField

from outreach.campaigns import correspondence
from outreach.campaigns.correspondence import KNOWN, PreparedReply, TextUse, Writer
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Session
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.engagement.replies import Action, Response, act_on_response, response_numbered
from outreach.web.shared import letter_editor
from outreach.web.sign_in.form_recovery import of_fields, recovers_form
from outreach.web.ui.fields import refusing
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("replies", __name__, url_prefix="/responses/<number:number>/reply")
KEY = re.compile(r"[0-9a-f]{32}")
FOR_ACTIONS = {Action.HELP: TextUse.HELP, Action.CORRECT: TextUse.ADDRESS, Action.NOTE: TextUse.NOTED}
TOLD = of_fields({"letter": "Texte du courriel"})
EMPTY = "none"  # in the query: begin without a prepared text


class ReplyForm(FlaskForm):
    """The text of a reply; `key` is that of the page on which it was read before it is sent.

    `seen` is how many replies had been sent then.
    """

    letter = letter_editor.SourceField("Texte du courriel", description=letter_editor.MARKUP)
    handled = BooleanField("Marquer la réponse comme traitée")
    key = HiddenField()
    seen = HiddenField()

    def validate_letter(self, field: letter_editor.SourceField) -> None:
        """The text must be readable, complete, and without fields that have no value here."""
        field.data = (field.data or "").replace("\r\n", "\n")
        refusing(lambda: correspondence.refuse_unfinished(field.data, _sending().schemes))


@pages.get("")
@needs(RoleName.AUTHOR)
def write(number: int) -> str:
    with reading() as session:
        received = response_numbered(session, number)
        asked = request.args.get("text", _first_text(received))
        text = correspondence.current_template(session, TextUse(asked)).text if asked in set(TextUse) else ""
        return _form_page(received, ReplyForm(formdata=None, data={"letter": text}))


@pages.post("")
@needs(RoleName.AUTHOR)
@recovers_form(TOLD, button="Reprendre ce texte")
def change(number: int) -> str:
    """Show the form again with what was typed."""
    form = ReplyForm()
    with reading() as session:
        return _form_page(response_numbered(session, number), form)


@pages.post("/preview")
@needs(RoleName.AUTHOR)
@recovers_form(TOLD, to="replies.change", button="Reprendre ce texte")
def preview(number: int) -> str | tuple[str, int]:
    form = ReplyForm()
    if not form.validate_on_submit():
        return _refused(number, form)
    try:
        with reading() as session:
            received = response_numbered(session, number)
            return render_template(
                "pages/replies/preview.html",
                response=received,
                form=form,
                prepared=_prepared(session, received, form),
                key=secrets.token_hex(16),
                replies=correspondence.replies_to(session, received),
            )
    except (InputError, Refused) as error:
        return _refused(number, form, str(error))


@pages.post("/sending")
@needs(RoleName.AUTHOR)
@recovers_form(TOLD, to="replies.change", button="Reprendre ce texte")
def send(number: int) -> Redirect | tuple[str, int]:
    form = ReplyForm()
    key, closes, is_fit = form.key.data or "", bool(form.handled.data), form.validate_on_submit()
    seen = whole_number(form.seen.data or "") or 0
    if not is_fit or not KEY.fullmatch(key):
        return _refused(number, form)
    try:
        with reading() as session:
            prepared = _prepared(session, response_numbered(session, number), form)
        with database().writing() as session:
            received = response_numbered(session, number)
            is_sent = correspondence.send_reply(
                session, received, prepared, _sending(), key, now=now(), actor=actor(), seen=seen
            )
            if is_sent and closes and _may_close(received):
                act_on_response(session, received, now=now(), actor=actor(), note="répondu par courriel")
            to = received.message.address
    except (InputError, Refused) as error:
        return _refused(number, form, str(error))
    if is_sent:
        flash(f"Le courriel à {to} est dans la file d’envoi.", "success")
    else:
        flash("Ce courriel est déjà parti : il n’est pas envoyé deux fois.", "info")
    return redirect(url_for("responses.response", number=number))


def _refused(number: int, form: ReplyForm, fault: str = "") -> tuple[str, int]:
    """The form with the text, and why it was not sent."""
    if fault:
        form.form_errors = [*form.form_errors, fault]
    with reading() as session:
        return _form_page(response_numbered(session, number), form), 422


def _form_page(received: Response, form: ReplyForm) -> str:
    return render_template(
        "pages/replies/write.html",
        response=received,
        form=form,
        uses=[use for use in TextUse if not use.needs_approval],
        EMPTY=EMPTY,
        may_close=_may_close(received),
        **letter_editor.shown_to_one(form.letter.data, received.authority, KNOWN),
    )


def _first_text(received: Response) -> str:
    """The prepared text that a reply begins with: that of what staff do about the response, or none."""
    return FOR_ACTIONS.get(received.answer.facts.action, EMPTY) if received.answer.awaits_staff else EMPTY


def _may_close(received: Response) -> bool:
    """Whether a reply may be all that a response still asks for."""
    return received.handled_at is None and received.answer.facts.action.facts.is_reply


def _prepared(session: Session, received: Response, form: ReplyForm) -> PreparedReply:
    return correspondence.prepare_reply(session, received, form.letter.data or "", _writer(), _sending(), now=now())


def _writer() -> Writer:
    return Writer(current_user.name, actor())


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())
