"""Reports that a school left its authority, or closed: recorded from the sheets, and withdrawn there."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import RadioField, SelectChoice, StringField

from outreach.core.text.dates import parse_day
from outreach.core.text.roles import RoleName
from outreach.directory import authorities, register
from outreach.directory.register import Fate
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import DAY, WORDS, a_day, chosen, line, telling
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

pages = Blueprint("school_reports", __name__, url_prefix="/directory/<number:fase>/schools/<number:school>/report")


class SchoolReportForm(FlaskForm):
    """A school that is its authority's no longer: what became of it, since when, and who said so."""

    fate = RadioField(
        "Que devient-elle ?",
        [chosen("Dites ce que devient cette école.")],
        choices=[
            SelectChoice(Fate.GONE, "Cette école n’est plus à ce PO"),
            SelectChoice(Fate.CLOSED, "Cette école a fermé"),
        ],
        validate_choice=False,
    )
    day = StringField(
        "Depuis le",
        [a_day],
        description="Le jour du départ ou de la fermeture ; à défaut, celui où vous l’avez appris.",
        render_kw=DAY,
    )
    source = StringField(
        "Source",
        [line("Dites qui l’a signalé.")],
        description="Qui l’a dit et comment, par exemple « appel du secrétariat ».",
        render_kw=WORDS,
    )


@pages.get("")
@needs(RoleName.AUTHOR)
def index(fase: int, school: int) -> str:
    return _page(fase, school, SchoolReportForm(data={"day": current_day().isoformat()}))


@pages.post("")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(SchoolReportForm))
def report(fase: int, school: int) -> Redirect | tuple[str, int]:
    form = SchoolReportForm()
    if form.validate_on_submit():
        _report(fase, school, form)
    if form.errors:
        return _page(fase, school, form), 422
    flash("L’école est signalée : les courriels à ce PO l’omettent dès maintenant.", "success")
    return redirect(url_for("directory.authority", fase=fase))


@pages.post("/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw(fase: int, school: int) -> Redirect:
    with database().writing() as session:
        authority = authorities.authority_by_fase(session, fase)
        register.withdraw_report(session, authority, school, now=now(), actor=actor())
    flash("Le signalement est annulé : les courriels citent de nouveau cette école.", "success")
    return redirect(url_for("directory.authority", fase=fase))


def _report(fase: int, school: int, form: SchoolReportForm) -> None:
    """Record the report of a valid form. Only a day in the future can still be wrong in it."""
    day, source = parse_day(form.day.data or ""), form.source.data or ""
    with telling(form.day), database().writing() as session:
        register.report_school(
            session,
            authorities.authority_by_fase(session, fase),
            school,
            Fate(form.fate.data),
            day=day,
            source=source,
            now=now(),
            today=current_day(),
            actor=actor(),
        )


def _page(fase: int, school: int, form: SchoolReportForm) -> str:
    with reading() as session:
        authority = authorities.authority_by_fase(session, fase)
        named = register.school_of(session, authority, school)
        return render_template("pages/directory/school_report.html", authority=authority, school=named, form=form)
