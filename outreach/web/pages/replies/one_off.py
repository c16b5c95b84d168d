"""Letters by hand to an authority: written from its sheet, read before they leave, approved by a second person."""

import re
import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import HiddenField, SelectField, StringField

from outreach.access import approvals
from outreach.access.approvals import DecisionKind
from outreach.campaigns import correspondence
from outreach.campaigns.correspondence import PreparedReply, TextUse, Writer
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Session
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.directory import authorities
from outreach.directory.models import Authority, Contact
from outreach.web.shared import letter_editor
from outreach.web.sign_in.form_recovery import of_fields, recovers_form
from outreach.web.ui.fields import line, refusing, telling
from outreach.web.ui.fields import remark as remark_rule
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("letters", __name__)
KEY = re.compile(r"[0-9a-f]{32}")
TOLD = of_fields({"subject": "Objet du courriel", "letter": "Texte du courriel"})
USES = [use for use in TextUse if use.is_letter]


class OneOffForm(FlaskForm):
    """A letter by hand; `key` is that of the page on which it was read."""

    to = SelectField("À", validate_choice=False)
    subject = StringField("Objet du courriel", [line("Indiquez l’objet du courriel.", 150)])
    letter = letter_editor.SourceField("Texte du courriel", description=letter_editor.MARKUP)
    key = HiddenField()
    mail = HiddenField()  # the number of the mail that it answers

    @property
    def text(self) -> str:
        """The letter as it is kept: its subject, then its body."""
        return correspondence.joined(self.subject.data or "", (self.letter.data or "").replace("\r\n", "\n"))

    def validate_letter(self, _field: letter_editor.SourceField) -> None:
        """The letter must be readable, complete, and without fields that have no value here."""
        if not self.subject.errors:
            refusing(lambda: correspondence.refuse_unfinished_letter(self.text, _sending().schemes))


class RefusalForm(FlaskForm):
    """Why a letter is refused."""

    reason = StringField("Pourquoi le refuser", [remark_rule("Dites pourquoi : la personne qui l’a écrit le lira.")])


@pages.get("/directory/<number:fase>/letter")
@needs(RoleName.AUTHOR)
def write(fase: int) -> str:
    """The form, with a prepared text (`text`), or that of an earlier letter (`again`)."""
    with reading() as session:
        authority = authorities.authority_by_fase(session, fase)
        return _form_page(
            session,
            authority,
            OneOffForm(formdata=None, data=_first(session) | {"mail": request.args.get("mail")}),
        )


@pages.post("/directory/<number:fase>/letter")
@needs(RoleName.AUTHOR)
@recovers_form(TOLD, button="Reprendre ce texte")
def change(fase: int) -> str:
    """Show the form again with what was typed."""
    form = OneOffForm()
    with reading() as session:
        return _form_page(session, authorities.authority_by_fase(session, fase), form)


@pages.post("/directory/<number:fase>/letter/preview")
@needs(RoleName.AUTHOR)
@recovers_form(TOLD, to="letters.change", button="Reprendre ce texte")
def preview(fase: int) -> str | tuple[str, int]:
    form, page = OneOffForm(), ""
    if form.validate_on_submit():
        with telling(form), reading() as session:
            authority = authorities.authority_by_fase(session, fase)
            to, prepared = _prepared(session, authority, form)
            correspondence.refuse_unwelcome(session, to, now=now())
            fields = {"authority": authority, "to": to, "prepared": prepared, "key": secrets.token_hex(16)}
            page = render_template("pages/replies/letter_preview.html", form=form, **fields)
    return page or _refused(fase, form)


@pages.post("/directory/<number:fase>/letter/sending")
@needs(RoleName.AUTHOR)
@recovers_form(TOLD, to="letters.change", button="Reprendre ce texte")
def send(fase: int) -> Redirect | tuple[str, int]:
    form, said = OneOffForm(), None
    key, is_fit = form.key.data or "", form.validate_on_submit()
    if is_fit and KEY.fullmatch(key):
        with telling(form):
            said = _send(fase, form, key)
    return said or _refused(fase, form)


def _send(fase: int, form: OneOffForm, key: str) -> Redirect:
    """Keep the letter that was read, and send it or ask for its approval."""
    with reading() as session:
        to, prepared = _prepared(session, authorities.authority_by_fase(session, fase), form)
    with database().writing() as session:
        authority = authorities.authority_by_fase(session, fase)
        letter, is_new = correspondence.write_letter(
            session, authority, to, form.text, prepared, _sending(), key, mail=_answered(form), now=now(), actor=actor()
        )
        number, address, awaits = letter.id, letter.address, letter.text_id is None
    return _said(number, address, awaits=awaits, is_new=is_new)


@pages.get("/letters/<number:number>")
@needs(RoleName.READER)
def letter(number: int) -> str:
    with reading() as session:
        return _letter_page(session, number, RefusalForm(formdata=None))


@pages.post("/letters/<number:number>/approval")
@needs(RoleName.APPROVER)
def approve(number: int) -> Redirect:
    with reading() as session:
        held, _ = correspondence.letter_numbered(session, number)
        prepared = correspondence.prepared_again(session, held, _sending(), now=now())
    with database().writing() as session:
        held, _ = correspondence.letter_numbered(session, number)
        correspondence.approve_letter(session, held, prepared, _sending(), now=now(), actor=actor())
        address = held.address
    flash(f"Le courriel à {address} est validé : il est dans la file d’envoi.", "success")
    return redirect(url_for(".letter", number=number))


@pages.post("/letters/<number:number>/refusal")
@needs(RoleName.APPROVER)
def refuse(number: int) -> Redirect | tuple[str, int]:
    form = RefusalForm()
    if form.validate_on_submit():
        _end(number, DecisionKind.REFUSED, form.reason.data or "")
        flash("Le courriel est refusé ; la personne qui l’a écrit lira pourquoi.", "success")
        return redirect(url_for(".letter", number=number))
    with reading() as session:
        return _letter_page(session, number, form), 422


@pages.post("/letters/<number:number>/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw(number: int) -> Redirect:
    _end(number, DecisionKind.WITHDRAWN)
    flash("Le courriel est retiré : il ne part pas.", "success")
    return redirect(url_for(".letter", number=number))


def _end(number: int, kind: DecisionKind, reason: str = "") -> None:
    with database().writing() as session:
        held, _ = correspondence.letter_numbered(session, number)
        correspondence.end_letter(session, held, kind, now=now(), actor=actor(), reason=reason)


def _said(number: int, address: str, *, awaits: bool, is_new: bool) -> Redirect:
    if not is_new:
        flash("Ce courriel est déjà enregistré : il ne part pas deux fois.", "info")
    elif awaits:
        flash("Le courriel attend la validation d’une autre personne, qui est prévenue. Il part alors.", "success")
    else:
        flash(f"Le courriel à {address} est dans la file d’envoi.", "success")
    return redirect(url_for(".letter", number=number))


def _letter_page(session: Session, number: int, form: RefusalForm) -> str:
    held, authority = correspondence.letter_numbered(session, number)
    last, left = correspondence.state_of(session, held), correspondence.sent_letter(session, held)
    awaits = last is not None and last.kind is DecisionKind.SUBMITTED
    prepared, fault = None, ""
    if awaits:
        try:
            prepared = correspondence.prepared_again(session, held, _sending(), now=now())
        except (InputError, Refused) as error:
            fault = str(error)
    return render_template(
        "pages/replies/letter.html",
        letter=held,
        authority=authority,
        prepared=prepared,
        fault=fault,
        last=last,
        left=left,
        awaits=awaits,
        form=form,
        may_approve=awaits and last is not None and approvals.may_decide(session, actor(), last.subject),
    )


def _refused(fase: int, form: OneOffForm) -> tuple[str, int]:
    """The form with the text, and why it was not sent."""
    with reading() as session:
        return _form_page(session, authorities.authority_by_fase(session, fase), form), 422


def _form_page(session: Session, authority: Authority, form: OneOffForm) -> str:
    offered = correspondence.list_mailboxes(session, authority)
    form.to.choices = [(held.address, held.address) for held in offered]
    return render_template(
        "pages/replies/letter_write.html",
        authority=authority,
        form=form,
        offered=offered,
        unwelcome=[] if form.is_submitted() else correspondence.unwelcome_reasons(session, offered, now=now()),
        uses=[correspondence.current_template(session, use) for use in USES],
        pending=correspondence.awaiting_letters(session, authority),
        **letter_editor.shown_to_one(form.letter.data, authority),
    )


def _first(session: Session) -> dict[str, str]:
    """What a letter begins with: a prepared text, that of an earlier letter, the mail that it answers, or nothing."""
    asked, again = request.args.get("text", ""), request.args.get("again", "")
    if asked in set(USES):
        text = correspondence.current_template(session, TextUse(asked)).text
    elif again.isdecimal():
        text = correspondence.letter_numbered(session, min(int(again), 2**31 - 1))[0].text
    elif (number := whole_number(request.args.get("mail", ""))) is not None:
        mail = correspondence.mail_numbered(session, number)
        return {"to": mail.sender, "subject": correspondence.answering_subject(mail.subject)[:150]}
    else:
        return {}
    subject, body = correspondence.split(text)
    return {"subject": subject, "letter": body}


def _prepared(session: Session, authority: Authority, form: OneOffForm) -> tuple[Contact, PreparedReply]:
    to = correspondence.get_mailbox(session, authority, form.to.data or "")
    writer = Writer(current_user.name, actor())
    return to, correspondence.prepare_letter(session, authority, to, form.text, writer, _sending(), now=now())


def _answered(form: OneOffForm) -> int | None:
    return whole_number(form.mail.data or "")


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())
