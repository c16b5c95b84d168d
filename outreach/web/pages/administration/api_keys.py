"""The access of programs, for administrators: keys made, shown once, listed with their last use, ended."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import SelectChoice, SelectField, StringField

from outreach.access import accounts
from outreach.core.db import Session
from outreach.core.tables import InMemoryListing
from outreach.core.text.roles import RoleName
from outreach.directory.authorities import list_federations, list_networks
from outreach.integrations import api_keys
from outreach.integrations.api_keys import LONGEST_NAME, ApiKey, KeyRole
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.second_factor import blueprint
from outreach.web.ui.fields import line, telling
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, needs, now, reading

pages = Blueprint("api_keys", __name__, url_prefix="/administration/api-keys")
READ, WRITE = "read", "write"
MAY = {READ: "Lire", WRITE: "Lire, et envoyer des listes d’adhésions, qui s’appliquent aussitôt"}
DAYS = {30: "30 jours", 90: "90 jours", 180: "six mois", 365: "un an"}


class KeyForm(FlaskForm):
    """A key to make: for which program, and for how long."""

    name = StringField(
        "Logiciel",
        [line("Nommez le logiciel qui aura la clé.", LONGEST_NAME)],
        description="Un nom que vos collègues reconnaissent : « tableau de bord de la DG ».",
    )
    role = SelectField("Elle voit", choices=[], validate_choice=False)
    may = SelectField("Elle peut", choices=[SelectChoice(may, words) for may, words in MAY.items()], default=READ)
    days = SelectField(
        "La clé vaut", choices=[SelectChoice(str(days), words) for days, words in DAYS.items()], default="90"
    )


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        return _page(session, KeyForm())


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
def make() -> str | tuple[str, int]:
    """Make a key, and show it: the only time that it can be read. Whoever makes it proves first who they are."""
    form = KeyForm()
    if form.validate_on_submit():
        if asked := blueprint.asked_first(url_for(".index")):
            return asked
        asks = {
            "name": form.name.data or "",
            "role": form.role.data or KeyRole.READER,
            "writes": form.may.data == WRITE,
        }
        with telling(form), database().writing() as session:
            made, secret = api_keys.make(session, **asks, days=int(form.days.data), now=now(), actor=actor())
            said = {"name": made.name, "expires_at": made.expires_at, "writes": made.writes}
        if not form.errors:
            return render_template("pages/administration/api_key.html", secret=secret, **said)
    with reading() as session:
        return _page(session, form), 422


@pages.get("/<number:number>/end")
@needs(RoleName.ADMINISTRATOR)
def ending(number: int) -> str:
    with reading() as session:
        key = api_keys.numbered(session, number)
        return render_template("pages/administration/api_key_ending.html", key=key, state=key.state(now()))


@pages.post("/<number:number>/end")
@needs(RoleName.ADMINISTRATOR)
def end(number: int) -> Redirect:
    with database().writing() as session:
        ended = api_keys.end(session, number, now=now(), actor=actor())
        said = f"La clé de « {ended.name} » est terminée : aucun logiciel n’entre plus par elle."
    flash(said, "success")
    return redirect(url_for(".index"))


def _page(session: Session, form: KeyForm) -> str:
    form.role.choices = [
        SelectChoice(KeyRole.READER.value, "Tout ce que lit le rôle « lecture »"),
        *(SelectChoice(f"federation:{one.code}", f"Les membres de {one.code}") for one in list_federations(session)),
        *(SelectChoice(f"network:{one.code}", f"Le réseau {one.label}") for one in list_networks(session)),
    ]
    shown = Shown.of(request, _listed(session), export=".export")
    return render_template("pages/administration/api_keys.html", form=form, shown=shown, text=sought(request), at=now())


@has_files(pages, "/export", "acces-des-logiciels", RoleName.ADMINISTRATOR)
def _listed(session: Session) -> InMemoryListing[ApiKey]:
    names = accounts.colleagues(session)
    return api_keys.listed(session, names, now=now(), text=sought(request), sort=sorting(request))
