"""The page on which an approver who will be away names another one, sees the days, and ends them early."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import RadioField, SelectChoice, StringField

from outreach.access import approvals, colleagues
from outreach.access.approvals import Delegate
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Session
from outreach.core.text.dates import parse_day
from outreach.core.text.roles import RoleName
from outreach.staff import notifications
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import SHORT, a_day, telling
from outreach.web.ui.request import actor, current_day, database, needs, now, reading, settings

pages = Blueprint("deputies", __name__, url_prefix="/account/deputies")


class DeputyForm(FlaskForm):
    """Who stands in, and the first and last day of it."""

    deputy = RadioField("Qui vous remplace", validate_choice=False)
    first = StringField("Premier jour d’absence", [a_day], description="Par exemple 03/12/2026.", render_kw=SHORT)
    last = StringField("Dernier jour d’absence", [a_day], description="Ce jour compris.", render_kw=SHORT)


@pages.get("")
@needs(RoleName.APPROVER)
def index() -> str:
    with reading() as session:
        return _page(session, DeputyForm(formdata=None))


@pages.post("")
@needs(RoleName.APPROVER)
@recovers_form(of_form(DeputyForm))
def name() -> Redirect | tuple[str, int]:
    form = DeputyForm()
    if form.validate_on_submit():
        first, last = parse_day(form.first.data or ""), parse_day(form.last.data or "")
        named = Delegate(absent=actor(), deputy=form.deputy.data or "", first_on=first, last_on=last)
        with reading() as session:
            mail = notifications.write_to_deputy(session, named, _sending(), now=now())
        with telling(form), database().writing() as session:
            approvals.name_delegate(session, named, now=now())
            notifications.post_mail(session, *mail, _sending(), now=now(), actor=actor())
            sentence = (
                f"{colleagues.name_of(session, named.deputy)} vous remplace {approvals.delegation_in_words(named)}."
            )
        if not form.errors:
            flash(sentence, "success")
            return redirect(url_for(".index"))
    with reading() as session:
        return _page(session, form), 422


@pages.post("/<number:number>/end")
@needs(RoleName.APPROVER)
def end(number: int) -> Redirect:
    with reading() as session:
        named = approvals.named_by(session, actor(), number, current_day())
        mail = notifications.write_to_deputy(session, named, _sending(), now=now(), is_over=True)
    with database().writing() as session:
        approvals.end_delegation(session, number, now=now(), actor=actor())
        notifications.post_mail(session, *mail, _sending(), now=now(), actor=actor())
    flash("Le remplacement est terminé : le service vous écrit de nouveau.", "success")
    return redirect(url_for(".index"))


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())


def _page(session: Session, form: DeputyForm) -> str:
    approvers = colleagues.with_role(session, RoleName.APPROVER)
    form.deputy.choices = [SelectChoice(one.email, one.name) for one in approvers if one.email != actor()]
    return render_template(
        "pages/account/deputies.html",
        form=form,
        mine=approvals.of_absent(session, actor(), current_day()),
        stood_for=approvals.of_deputy(session, actor(), current_day()),
        spelt=approvals.delegation_in_words,
    )
