"""Pages of postal addresses: the list, its file, correcting one, and noting mail that came back."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField

from outreach.core.db import Session
from outreach.core.tables import InMemoryListing
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.directory import authorities, postal, register
from outreach.directory.models import Authority, RegisterKind, School
from outreach.directory.postal import AddressFilter, AddressRow, PostalAddress
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.form_recovery import of_form, recovers_form
from outreach.web.ui.fields import line
from outreach.web.ui.pager import Shown, member, sorting, sought
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

pages = Blueprint("postal", __name__, url_prefix="/directory")


class AddressForm(FlaskForm):
    """A postal address, in its parts."""

    street = StringField("Rue", [line("Écrivez la rue, sans le numéro.")], render_kw={"spellcheck": "false"})
    number = StringField("Numéro (facultatif)", [line(most=20)], description="Par exemple 12, 12A ou 12-14.")
    box = StringField("Boîte (facultatif)", [line(most=20)], description="Sans « bte » : la lettre l’écrit.")
    postcode = StringField("Code postal", [line("Écrivez le code postal : quatre chiffres.", 10)])
    locality = StringField("Localité", [line("Écrivez la localité.", 100)])

    @property
    def address(self) -> PostalAddress:
        """The address that is typed."""
        return PostalAddress(
            **{name: getattr(self, name).data or "" for name in ("street", "number", "box", "postcode", "locality")}
        )


@pages.get("/postal")
@needs(RoleName.READER)
def index() -> str:
    kind, asked = _asked()
    with reading() as session:
        every = postal.address_rows(session, kind)
        return render_template(
            "pages/paper/addresses.html",
            kind=kind,
            asked=asked,
            filters={one: sum(one.takes(row.held) for row in every) for one in AddressFilter},
            text=sought(request),
            shown=Shown.of(request, _listed(session, every), export=".export", write=""),
        )


@pages.get("/<number:fase>/postal", defaults={"school": None})
@pages.get("/<number:fase>/schools/<number:school>/postal")
@needs(RoleName.AUTHOR)
def address(fase: int, school: int | None) -> str:
    with reading() as session:
        located = _located(session, fase, school)
        return _page(session, fase, located, AddressForm(obj=postal.held_of(session, located).address))


@pages.post("/<number:fase>/postal", defaults={"school": None})
@pages.post("/<number:fase>/schools/<number:school>/postal")
@needs(RoleName.AUTHOR)
@recovers_form(of_form(AddressForm))
def correct_address(fase: int, school: int | None) -> Redirect | tuple[str, int]:
    form = AddressForm()
    if form.validate_on_submit():
        try:
            with database().writing() as session:
                postal.correct_address(session, _located(session, fase, school), form.address, now=now(), actor=actor())
        except InputError as error:
            field = form.postcode if "code postal" in str(error) else form.street
            field.errors = [str(error)]
        else:
            flash("L’adresse postale est corrigée : les lettres sur papier partent là.", "success")
            return redirect(url_for("directory.authority", fase=fase))
    with reading() as session:
        return _page(session, fase, _located(session, fase, school), form), 422


@pages.post("/<number:fase>/postal/withdrawal", defaults={"school": None})
@pages.post("/<number:fase>/schools/<number:school>/postal/withdrawal")
@needs(RoleName.AUTHOR)
def withdraw_correction(fase: int, school: int | None) -> Redirect:
    with database().writing() as session:
        postal.withdraw_address(session, _located(session, fase, school), now=now(), actor=actor())
    flash("La correction est annulée : l’adresse du registre vaut de nouveau.", "success")
    return redirect(url_for("directory.authority", fase=fase))


@pages.post("/<number:fase>/postal/return", defaults={"school": None})
@pages.post("/<number:fase>/schools/<number:school>/postal/return")
@needs(RoleName.AUTHOR)
def note_return(fase: int, school: int | None) -> Redirect:
    with database().writing() as session:
        located = _located(session, fase, school)
        postal.came_back(session, located, on=current_day(), now=now(), actor=actor())
    flash("Le retour est noté : plus aucune lettre ne part à cette adresse avant sa correction.", "success")
    return redirect(url_for(".address", fase=fase, school=school))


def _asked() -> tuple[RegisterKind, AddressFilter]:
    kind = RegisterKind.SCHOOL if request.args.get("of") == "schools" else RegisterKind.AUTHORITY
    return kind, member(AddressFilter, request.args.get("state")) or AddressFilter.UNFIT


@has_files(pages, "/postal/export", "adresses-postales", RoleName.READER)
def _listed(session: Session, rows: list[AddressRow] | None = None) -> InMemoryListing[AddressRow]:
    kind, asked = _asked()
    rows = postal.address_rows(session, kind) if rows is None else rows
    return postal.list_addresses(rows, asked, text=sought(request), sort=sorting(request))


def _located(session: Session, fase: int, school: int | None) -> Authority | School:
    authority = authorities.authority_by_fase(session, fase)
    return authority if school is None else register.school_of(session, authority, school)


def _page(session: Session, fase: int, located: Authority | School, form: AddressForm) -> str:
    correction, held = postal.correction_of(session, located), postal.held_of(session, located)
    shown: dict[str, Any] = {"located": located, "held": held, "correction": correction, "form": form}
    return render_template(
        "pages/paper/address.html",
        authority=authorities.authority_by_fase(session, fase),
        school=located.fase if isinstance(located, School) else None,
        is_asked_again=correction is not None and not held.is_corrected,
        **shown,
    )
