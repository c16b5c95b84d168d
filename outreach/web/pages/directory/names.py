"""Corrects the name under which an authority or a school is shown, and takes a correction back."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.core.db import Session
from outreach.core.text.roles import RoleName
from outreach.directory import authorities, register
from outreach.directory.display_names import display_name
from outreach.directory.models import Authority, School
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import telling
from outreach.web.ui.forms import NameForm
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("names", __name__, url_prefix="/directory/<number:fase>")


@pages.get("/name", defaults={"school": None})
@pages.get("/schools/<number:school>/name")
@needs(RoleName.AUTHOR)
def name(fase: int, school: int | None) -> str:
    with reading() as session:
        authority = authorities.authority_by_fase(session, fase)
        named = _named(session, authority, school)
        return _page(session, authority, named, NameForm(data={"name": named.display_name}))


@pages.post("/name", defaults={"school": None})
@pages.post("/schools/<number:school>/name")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(NameForm))
def correct_name(fase: int, school: int | None) -> Redirect | tuple[str, int]:
    form = NameForm()
    if form.validate_on_submit():
        with telling(form.name), database().writing() as session:
            named = _named(session, authorities.authority_by_fase(session, fase), school)
            register.correct_name(session, named, form.name.data or "", now=now(), actor=actor())
    if form.errors:
        with reading() as session:
            authority = authorities.authority_by_fase(session, fase)
            return _page(session, authority, _named(session, authority, school), form), 422
    flash("Le nom est corrigé : pages et courriels le disent ainsi.", "success")
    return redirect(url_for("directory.authority", fase=fase))


@pages.post("/name/withdrawal", defaults={"school": None})
@pages.post("/schools/<number:school>/name/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw_correction(fase: int, school: int | None) -> Redirect:
    with database().writing() as session:
        named = _named(session, authorities.authority_by_fase(session, fase), school)
        register.withdraw_name(session, named, now=now(), actor=actor())
    flash("La correction du nom est annulée ; elle reste visible dans l’historique.", "success")
    return redirect(url_for("directory.authority", fase=fase))


def _named(session: Session, authority: Authority, school: int | None) -> Authority | School:
    return authority if school is None else register.school_of(session, authority, school)


def _page(session: Session, authority: Authority, named: Authority | School, form: NameForm) -> str:
    correction = register.name_correction(session, named)
    return render_template(
        "pages/directory/name.html",
        authority=authority,
        named=named,
        school=named.fase if isinstance(named, School) else None,
        correction=correction,
        is_asked_again=correction is not None and correction.register_name != named.name,
        usual=display_name(named.name),
        form=form,
    )
