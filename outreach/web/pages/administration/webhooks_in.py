"""What other services send, for administrators and authors: who may, what came, what it did, what is to be judged."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import SelectMultipleField, StringField

from outreach.adherence import programmes
from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.roles import RoleName
from outreach.directory.authorities import list_networks
from outreach.integrations import signatures, webhooks_in
from outreach.integrations.webhooks_in import HookDelivery, RowJudgement
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.second_factor import blueprint
from outreach.web.ui.fields import posted_all, telling
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.programme import choices
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("hook_senders", __name__, url_prefix="/administration/hooks")
MOST_TO_JUDGE = 50
JUDGED = {
    RowJudgement.RETRIED: "La ligne est reprise : elle s’applique dans les secondes qui viennent.",
    RowJudgement.DROPPED: "La ligne est écartée.",
}


class SenderForm(FlaskForm):
    """A service that may send: its name, its key, the networks it knows all joinings of."""

    name = StringField("Nom", description="Dans son adresse : lettres minuscules, chiffres, tirets.")
    public_key = StringField(
        "Clé publique (facultatif)", description="« whpk_… » (Ed25519). Sans elle, le service signe par un secret."
    )
    programme = StringField("Programme de ses adhésions")  # its code
    networks = SelectMultipleField("Réseaux dont il connaît toutes les adhésions", validate_choice=False)


@pages.get("")
@needs(RoleName.ADMINISTRATOR, RoleName.AUTHOR)
def index() -> str:
    with reading() as session:
        return _page(session, SenderForm())


@pages.post("")
@needs(RoleName.ADMINISTRATOR)
def make() -> str | tuple[str, int]:
    """Let a service send, and show what it signs by: a shared secret is shown this once. It asks who makes it first."""
    form, known = SenderForm(), posted_all("networks")
    if form.validate_on_submit():
        if asked := blueprint.asked_first(url_for(".index")):
            return asked
        name, key = (form.name.data or "").strip(), form.public_key.data or ""
        about = form.programme.data or ""
        with telling(form), database().writing() as session:
            made = webhooks_in.make_source(
                session, name=name, public_key=key, known=known, programme=about, now=now(), actor=actor()
            )
            name, salt, has_key = made.name, made.salt, made.public_key is not None
        if not form.errors and not form.form_errors:
            secret = signatures.secret_of(settings().own_key, salt)
            return render_template(
                "pages/administration/hook_sender.html",
                address=f"{settings().address}/hooks/adherence/{name}",
                name=name,
                secret="" if has_key else signatures.written_secret(secret),
            )
    with reading() as session:
        return _page(session, form), 422


@pages.get("/<number:number>/end")
@needs(RoleName.ADMINISTRATOR)
def ending(number: int) -> str:
    with reading() as session:
        return render_template("pages/administration/hook_ending.html", sender=webhooks_in.get_source(session, number))


@pages.post("/<number:number>/end")
@needs(RoleName.ADMINISTRATOR)
def end(number: int) -> Redirect:
    with database().writing() as session:
        name = webhooks_in.end_source(session, number, now=now(), actor=actor()).name
    flash(f"« {name} » n’envoie plus : ce qui en est arrivé reste.", "success")
    return redirect(url_for(".index"))


@pages.post("/rows/<number:number>/<any(retried, dropped):judgement>")
@needs(RoleName.AUTHOR)
def judge(number: int, judgement: str) -> Redirect:
    """Try a row again, or drop it."""
    said = RowJudgement(judgement)
    with database().writing() as session:
        webhooks_in.judge_row(session, number, said, now=now(), actor=actor())
    flash(JUDGED[said], "success")
    return redirect(url_for(".index"))


def _page(session: Session, form: SenderForm) -> str:
    every = list_networks(session)
    form.networks.choices = [(network.code, network.label) for network in every]
    rows, waiting = webhooks_in.unresolved_rows(session, MOST_TO_JUDGE)
    return render_template(
        "pages/administration/hooks.html",
        form=form,
        senders=webhooks_in.all_sources(session),
        offered=choices(programmes.all_programmes(session)),
        rows=rows,
        waiting=waiting,
        shown=Shown.of(request, _listed(session), export=".export"),
        text=sought(request),
        may_change=current_user.holds(RoleName.ADMINISTRATOR),
        may_judge=current_user.holds(RoleName.AUTHOR),
        state_of=webhooks_in.state_of,
        address=settings().address,
    )


@has_files(pages, "/export", "envois-recus", RoleName.ADMINISTRATOR, RoleName.AUTHOR)
def _listed(session: Session) -> QueryListing[HookDelivery]:
    return webhooks_in.list_deliveries(session, text=sought(request), sort=sorting(request))
