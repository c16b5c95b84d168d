"""Pages for who cannot sign in yet: choosing a password by a link received."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import links, staff
from outreach.accounts.links import PATH, DeadLink, UnknownLink
from outreach.web.ui.account_forms import ChosenPasswordForm
from outreach.web.ui.frame import database, now

pages = Blueprint("links", __name__)


@pages.get(f"{PATH}<token>")
def link(token: str) -> str:
    """The form. Programs that scan mail open every link: this changes nothing."""
    with database().reading() as reading:
        found = links.read(reading, token, now=now())
    return render_template("pages/account/link.html", link=found, form=ChosenPasswordForm(found.email, found.name))


@pages.post(f"{PATH}<token>")
def choose(token: str) -> Redirect | tuple[str, int]:
    with database().reading() as reading:
        found = links.read(reading, token, now=now())
    form = ChosenPasswordForm(found.email, found.name)
    if not form.validate():
        return render_template("pages/account/link.html", link=found, form=form), 422
    digest = staff.digest_of(form.new_password.data)  # takes its time: no transaction that writes is open here
    with database().writing() as writing:
        staff.choose_password(writing, token, digest, now=now())
    flash("Votre mot de passe est choisi. Connectez-vous avec lui.", "success")
    return redirect(url_for("security.login"))


@pages.errorhandler(DeadLink)
def tell_dead(error: DeadLink) -> tuple[str, int]:
    code = 404 if isinstance(error, UnknownLink) else 410
    return render_template("pages/account/dead_link.html", sentence=str(error)), code
