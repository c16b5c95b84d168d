"""Events pushed to programs, for administrators: where to, how far each has come, resumed and ended."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import StringField

from outreach.access import accounts
from outreach.core.db import Session
from outreach.core.tables import InMemoryListing
from outreach.core.text.roles import RoleName
from outreach.integrations import webhooks_out
from outreach.integrations.webhooks_out import LONGEST_NAME, WebhookEndpoint, https
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.second_factor import blueprint
from outreach.web.ui.fields import fit, line, telling
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("pushes", __name__, url_prefix="/administration/pushes")


class TargetForm(FlaskForm):
    """A program to push events to, and its address."""

    name = StringField("Logiciel", [line("Nommez le logiciel.", LONGEST_NAME)])
    url = StringField(
        "Adresse",
        [fit(webhooks_out.check_address)],
        description="« https:// » d’une machine publique ; aucune redirection n’est suivie.",
    )


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as session:
        return _page(session, TargetForm())


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
def make() -> Redirect | tuple[str, int]:
    form = TargetForm()
    if form.validate_on_submit():
        if asked := blueprint.asked_first(url_for(".index")):
            return asked
        name, url = form.name.data or "", form.url.data or ""
        with telling(form), database().writing() as session:
            webhooks_out.make_endpoint(session, name=name, url=url, now=now(), actor=actor())
        if not form.errors:
            flash("Les évènements à venir y sont poussés. Ceux d’avant se lisent à /api/v1/events.", "success")
            return redirect(url_for(".index"))
    with reading() as session:
        return _page(session, form), 422


@pages.post("/<number:number>/resume")
@needs(RoleName.ADMINISTRATOR)
def resume(number: int) -> Redirect:
    with database().writing() as session:
        name = webhooks_out.resume_endpoint(session, number, now=now(), actor=actor()).name
        said = f"« {name} » est essayé de nouveau, aussitôt."
    flash(said, "success")
    return redirect(url_for(".index"))


@pages.get("/<number:number>/end")
@needs(RoleName.ADMINISTRATOR)
def ending(number: int) -> str:
    with reading() as session:
        return render_template(
            "pages/administration/push_ending.html", target=webhooks_out.get_endpoint(session, number)
        )


@pages.post("/<number:number>/end")
@needs(RoleName.ADMINISTRATOR)
def end(number: int) -> Redirect:
    with database().writing() as session:
        name = webhooks_out.end_endpoint(session, number, now=now(), actor=actor()).name
    flash(f"Plus rien n’est poussé à « {name} ».", "success")
    return redirect(url_for(".index"))


def _page(session: Session, form: TargetForm) -> str:
    key = https.key_of(settings().own_key)
    return render_template(
        "pages/administration/pushes.html",
        form=form,
        shown=Shown.of(request, _listed(session), export=".export"),
        text=sought(request),
        at=now(),
        public_key=https.public_of(key),
    )


@has_files(pages, "/export", "evenements-pousses", RoleName.ADMINISTRATOR)
def _listed(session: Session) -> InMemoryListing[WebhookEndpoint]:
    names = accounts.colleagues(session)
    return webhooks_out.list_endpoints(session, names, now=now(), text=sought(request), sort=sorting(request))
