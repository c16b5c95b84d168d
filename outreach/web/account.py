"""The account page: one's password and sessions; and the demonstration's accounts for the sign-in page.

Signing in and signing out are views of flask-security.
"""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_security import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import sessions, staff
from outreach.accounts.trail import TrailKind
from outreach.demo import people
from outreach.roles import RoleName
from outreach.settings import Mode
from outreach.web.ui.account_forms import PasswordForm
from outreach.web.ui.frame import actor, database, needs, now, settings
from outreach.web.ui.sign_in import KEY, begin_session
from outreach.web.ui.trail import note

pages = Blueprint("account", __name__, url_prefix="/account")


@pages.get("")
@needs(RoleName.READER)
def index() -> str:
    with database().reading() as reading:
        return render_template(
            "pages/account/index.html",
            sessions=sessions.of_user(reading, current_user.id, now=now()),
            this=sessions.numbered(reading, session[KEY]),
        )


@pages.route("/password", methods=["GET", "POST"])
@needs(RoleName.READER)
def password() -> str | tuple[str, int] | Redirect:
    form = PasswordForm()
    if not form.validate_on_submit():
        page = render_template("pages/account/password.html", form=form)
        return (page, 422) if form.errors else page
    digest = staff.digest_of(form.new_password.data)  # takes its time: no transaction that writes is open here
    with database().writing() as writing:
        staff.change_password(writing, current_user.id, digest, now=now())
        begin_session(writing, current_user.id)
    flash("Votre mot de passe est changé. Vos autres sessions sont terminées.", "success")
    return redirect(url_for(".index"))


@pages.post("/sessions/<number:number>/end")
@needs(RoleName.READER)
def end_session(number: int) -> Redirect:
    with database().writing() as writing:
        sessions.end_numbered(writing, current_user.id, number)
    note(TrailKind.SIGNED_OUT, actor(), "une autre session")
    flash("La session est terminée.", "success")
    return redirect(url_for(".index"))


@pages.post("/sessions/end")
@needs(RoleName.READER)
def end_other_sessions() -> Redirect:
    with database().writing() as writing:
        sessions.end_all(writing, current_user.id, but=session[KEY])
    note(TrailKind.SIGNED_OUT, actor(), "toutes les autres sessions")
    flash("Vos autres sessions sont terminées.", "success")
    return redirect(url_for(".index"))


@pages.app_context_processor
def demo_accounts() -> dict[str, object]:
    """Give templates `demo_accounts()`: in a demonstration its people and their password, elsewhere None."""

    def demo() -> tuple[list[people.Person], str] | None:
        if settings().mode is not Mode.DEMO:
            return None
        return list(people.PEOPLE), people.password(settings().data)

    return {"demo_accounts": demo}
