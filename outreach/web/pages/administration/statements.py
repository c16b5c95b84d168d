"""The public statements, for administrators: what each says today, a new version of it, and its earlier ones."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect
from wtforms import HiddenField, RadioField, SelectChoice, StringField, TextAreaField

from outreach.core import site
from outreach.core.db import Session
from outreach.core.site import FIELDS, Conformity, PublicStatement, StatementKind
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import Refused
from outreach.core.text.french import initial
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import a_day, chosen, fit, refusing
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

pages = Blueprint("statements", __name__, url_prefix="/administration/statements")
TOPIC = "/<any('data-protection', 'accessibility'):topic>"


def _area(kind: StatementKind, name: str) -> TextAreaField:
    """A field as `FIELDS` describes it, judged by the same rule that keeps it."""
    (described,) = [field for field in FIELDS[kind] if field.name == name]

    return TextAreaField(
        described.label, [fit(lambda typed: site.fit_field(described, typed))], description=described.help
    )


def _day() -> StringField:
    """The last field of each form, as faults are told in the order of the fields."""
    return StringField("Date de la page", [a_day], description="Le jour où elle a été relue, par exemple 30/06/2026.")


class StatementForm(FlaskForm):
    """What both statements have: the day that it bears, and `seen`, the key of the version that was read before."""

    dated_on: StringField
    seen = HiddenField()

    def validate_dated_on(self, field: StringField) -> None:
        """Today at the latest."""
        refusing(lambda: site.refuse_to_come(parse_day(field.data or ""), now=now()))


class DataProtectionForm(StatementForm):
    """The statement on data protection."""

    controller = _area(StatementKind.DATA_PROTECTION, "controller")
    officer = _area(StatementKind.DATA_PROTECTION, "officer")
    contact = _area(StatementKind.DATA_PROTECTION, "contact")
    processors = _area(StatementKind.DATA_PROTECTION, "processors")
    dated_on = _day()


class AccessibilityForm(StatementForm):
    """The statement on accessibility."""

    conformity = RadioField(
        "Ce site est",
        [chosen("Choisissez si ce site est conforme.")],
        choices=[SelectChoice(conformity, initial(conformity.label)) for conformity in Conformity],
        validate_choice=False,
    )
    method = _area(StatementKind.ACCESSIBILITY, "method")
    defects = _area(StatementKind.ACCESSIBILITY, "defects")
    contact = _area(StatementKind.ACCESSIBILITY, "contact")
    complaints = _area(StatementKind.ACCESSIBILITY, "complaints")
    dated_on = _day()


FORMS: Mapping[StatementKind, type[StatementForm]] = {
    StatementKind.DATA_PROTECTION: DataProtectionForm,
    StatementKind.ACCESSIBILITY: AccessibilityForm,
}


def _told(fields: MultiDict[str, str], arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    return of_form(FORMS[StatementKind(arguments["topic"])])(fields, arguments)


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        held = [(kind, site.current_statement(session, kind)) for kind in StatementKind]
        return render_template("pages/administration/statements.html", held=held)


@pages.get(TOPIC)
@needs(RoleName.ADMINISTRATOR)
def statement(topic: str) -> str:
    asked = StatementKind(topic)
    with reading() as session:
        held = site.current_statement(session, asked)
        return _page(session, asked, _filled(asked, held))


@pages.post(TOPIC)
@needs(RoleName.ADMINISTRATOR)
@recovers_form(_told)
def save(topic: str) -> Redirect | tuple[str, int]:
    asked = StatementKind(topic)
    form, code = FORMS[asked](), 422
    if form.validate_on_submit():
        words = {name: str(value) for name, value in form.data.items() if name not in {"dated_on", "seen"}}
        dated_on, seen = parse_day(form.dated_on.data or ""), whole_number(form.seen.data or "")
        try:
            with database().writing() as session:
                is_new = site.write_statement(session, asked, words, dated_on, now=now(), actor=actor(), seen=seen)
        except Refused as error:
            form.form_errors, code = [str(error)], 409
        else:
            said = "La page publique montre cette version." if is_new else "Rien n’a changé : la version reste la même."
            flash(said, "success" if is_new else "info")
            return redirect(url_for(".statement", topic=topic))
    with reading() as session:
        return _page(session, asked, form), code


def _filled(kind: StatementKind, held: PublicStatement | None) -> StatementForm:
    """The form as it opens: with the words of the version that holds, and today, as somebody reads it over now."""
    words = held.words if held else {}
    return FORMS[kind](formdata=None, data={**words, "dated_on": current_day().isoformat()})


def _page(session: Session, kind: StatementKind, form: StatementForm) -> str:
    versions = site.statement_versions(session, kind)
    form.seen.data = str(versions[0].id if versions else 0)
    return render_template(
        "pages/administration/statement.html",
        kind=kind,
        form=form,
        versions=versions,
    )
