"""The closures, for administrators: the closed days of a school year, and those that people add and take back."""

from dataclasses import replace
from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import RadioField, SelectChoice, StringField

from outreach.access import accounts
from outreach.access.accounts import Colleagues
from outreach.campaigns import planning, waves
from outreach.campaigns.planning import ClosedPart, ClosedRow, Spares
from outreach.core.db import Session
from outreach.core.tables import InMemoryListing
from outreach.core.text.dates import FIRST, LAST, parse_day
from outreach.core.text.french import initial
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.exports import download
from outreach.web.ui.fields import SHORT, WORDS, a_day, telling
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

pages = Blueprint("closures", __name__, url_prefix="/administration/closures")
NOBODY = "nobody"
SPARED = {NOBODY: Spares.NOBODY, "administrations": Spares.ADMINISTRATIONS, "urgent": Spares.URGENT}


class ClosureForm(FlaskForm):
    """A closure to add: its days, the part of each, whom it spares, and why."""

    first = StringField("Premier jour", [a_day], description="Par exemple 03/11/2026.", render_kw=SHORT)
    last = StringField("Dernier jour (facultatif)", description="Laissez vide pour un seul jour.", render_kw=SHORT)
    part = RadioField(
        "Ce qui est fermé",
        choices=[SelectChoice(part, initial(part.label)) for part in ClosedPart],
        default=ClosedPart.DAY,
    )
    spares = RadioField(
        "Ce qui part quand même",
        choices=[SelectChoice(name, initial(spared.leaves)) for name, spared in SPARED.items()],
        default=NOBODY,
    )
    name = StringField(
        "Pourquoi",
        description="En quelques mots, montrés à la personne qui planifie : « grève générale ».",
        render_kw=WORDS,
    )

    def validate_last(self, field: StringField) -> None:
        """A day, or nothing."""
        if field.data:
            a_day(self, field)

    def period(self) -> tuple[date, date]:
        """The first and the last day of a valid form."""
        return parse_day(self.first.data or ""), parse_day(self.last.data or self.first.data or "")


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        return _page(session, ClosureForm())


@pages.get("/export.<any(xlsx, csv):kind>")
@needs(RoleName.ADMINISTRATOR)
def export(kind: str) -> Response:
    with reading() as session:
        names = accounts.colleagues(session)
        return download(_listed(session, names).table(names), kind, f"fermetures-{_year()}")


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
@recovers_form(of_form(ClosureForm))
def add() -> Redirect | tuple[str, int]:
    form = ClosureForm()
    if form.validate_on_submit():
        (first, last), part, spares = form.period(), ClosedPart(form.part.data), SPARED[form.spares.data]
        period, name = {"first": first, "last": last}, form.name.data or ""
        with telling(form), database().writing() as session:
            made = planning.add_blackout_date(
                session, **period, part=part, spares=spares, name=name, now=now(), actor=actor()
            )
            number = made.id
        if not form.errors:
            flash("La fermeture est dans le calendrier : ce qui se planifie l’évite.", "success")
            return redirect(url_for(".closure", number=number))
    with reading() as session:
        return _page(session, form), 422


@pages.get("/<number:number>")
@needs(RoleName.ADMINISTRATOR)
def closure(number: int) -> str:
    with reading() as session:
        known = planning.get_blackout_date(session, number)
        within = [] if known.withdrawal else waves.waves_within(session, known.closure, now=now())
        return render_template(
            "pages/administration/closure.html",
            known=known,
            year=planning.school_year_of(known.closure.first_on),
            waves=within,
            planners={one.wave.id: waves.planners_of(session, one.wave)[0] for one in within},
        )


@pages.post("/<number:number>/withdrawal")
@needs(RoleName.ADMINISTRATOR)
def withdraw(number: int) -> Redirect:
    with database().writing() as session:
        planning.withdraw_blackout_date(session, number, now=now(), actor=actor())
    flash("La fermeture est retirée : ces jours se planifient de nouveau.", "success")
    return redirect(url_for(".closure", number=number))


def _page(session: Session, form: ClosureForm) -> str:
    year, names = _year(), accounts.colleagues(session)
    listed = _listed(session, names)
    own, others = ([row for row in listed.rows if bool(row.known) is is_own] for is_own in (True, False))
    return render_template(
        "pages/administration/closures.html",
        form=form,
        year=year,
        near=[near for near in (year - 1, year + 1) if FIRST.year <= near < LAST.year - 1],
        this=planning.school_year_of(current_day()),
        shown=Shown.of(request, replace(listed, rows=own), names=names),
        of_service=Shown.of(request, replace(listed, title="Calendrier du service", rows=others), names=names),
        added=planning.added_blackout_dates(session, year).count(),
        text=sought(request),
        caution=planning.calendar_caution(planning.days_of(year)[0]),
        colleagues=names,
    )


def _listed(session: Session, names: Colleagues) -> InMemoryListing[ClosedRow]:
    return planning.list_blackout_dates(session, _year(), names, text=sought(request), sort=sorting(request))


def _year() -> int:
    """The school year that a request asks for, by the year in which it starts; today's where it asks for none."""
    asked = whole_number(request.args.get("year", ""), digits=4)
    if asked is not None and FIRST.year <= asked < LAST.year - 1:
        return asked
    return planning.school_year_of(current_day())
