"""The accounts of staff, for administrators: who may sign in, with which roles, and who may no longer."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach import audit
from outreach.accounts import administering, sessions, staff
from outreach.accounts.staff import User
from outreach.campaigns import departures
from outreach.db import Session
from outreach.errors import InputError
from outreach.french import plural
from outreach.roles import RoleName
from outreach.web.ui.frame import actor, database, needs, now

pages = Blueprint("accounts", __name__, url_prefix="/administration/accounts")
MOST_TOLD = 50  # lines of an account's history


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with database().reading() as reading:
        return render_template("pages/administration/accounts.html", users=staff.everybody(reading))


@pages.get("/<number:number>")
@needs(RoleName.ADMINISTRATOR)
def account(number: int) -> str:
    with database().reading() as reading:
        return _page(reading, staff.account_numbered(reading, number))


@pages.post("/<number:number>/roles")
@needs(RoleName.ADMINISTRATOR)
def set_roles(number: int) -> Redirect | tuple[str, int]:
    roles = chosen_roles()
    try:
        with database().writing() as writing:
            user = staff.account_numbered(writing, number)
            administering.set_roles(writing, user, roles, now=now(), actor=actor())
            said = f"Rôles de {user.name} : {administering.labels_of(user)}."
    except InputError as error:
        with database().reading() as reading:
            return _page(reading, staff.account_numbered(reading, number), str(error)), 422
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.post("/<number:number>/sessions/end")
@needs(RoleName.ADMINISTRATOR)
def end_sessions(number: int) -> Redirect:
    with database().writing() as writing:
        user = staff.account_numbered(writing, number)
        administering.end_all_sessions(writing, user, now=now(), actor=actor())
        said = f"Les sessions de {user.name} sont terminées."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.get("/<number:number>/closure")
@needs(RoleName.ADMINISTRATOR)
def closure(number: int) -> str:
    with database().reading() as reading:
        return _closure_page(reading, number)


@pages.post("/<number:number>/closure")
@needs(RoleName.ADMINISTRATOR)
def close(number: int) -> Redirect | tuple[str, int]:
    to = request.form.get("to", "")
    try:
        with database().writing() as writing:
            user = staff.account_numbered(writing, number)
            count = departures.close(writing, user, to=to, now=now(), actor=actor())
            said, name = f"Le compte de {user.name} est fermé, ses sessions sont terminées.", _name(writing, to)
    except InputError as error:
        with database().reading() as reading:
            return _closure_page(reading, number, str(error)), 422
    if count:
        said += f" {plural(count, 'réponse est', 'réponses sont')} à {name or 'tous'}."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.post("/<number:number>/reopening")
@needs(RoleName.ADMINISTRATOR)
def reopen(number: int) -> Redirect:
    with database().writing() as writing:
        user = staff.account_numbered(writing, number)
        administering.reopen(writing, user, now=now(), actor=actor())
        said = f"Le compte de {user.name} est rouvert, avec ses rôles et son mot de passe."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


def state_of(user: User) -> str:
    """How an account stands, in a word."""
    if not user.active:
        return "fermé"
    return "ouvert" if user.accepted_at else "invitation en attente"


@pages.app_context_processor
def words_of_accounts() -> dict[str, object]:
    """Give templates the roles and the state of an account in words."""
    return {"labels_of": administering.labels_of, "state_of": state_of}


def chosen_roles() -> list[RoleName]:
    """The roles ticked in the form, in their order; what is no role is left out."""
    ticked = set(request.form.getlist("roles"))
    return [role for role in RoleName if role.value in ticked]


def _name(session: Session, address: str) -> str:
    return staff.colleagues(session)[address] if address else ""


def _page(session: Session, user: User, fault: str = "") -> str:
    return render_template(
        "pages/administration/account.html",
        user=user,
        fault=fault,
        held=chosen_roles() if fault else administering.roles_of(user),
        roles=list(RoleName),
        sessions=sessions.of_user(session, user.id, now=now()),
        told=audit.latest(session, [administering.subject_of(user)], MOST_TOLD),
        colleagues=staff.colleagues(session),
    )


def _closure_page(session: Session, number: int, fault: str = "") -> str:
    user = staff.account_numbered(session, number)
    others = [one for one in staff.holders_of(session, RoleName.AUTHOR) if one.id != user.id]
    return render_template(
        "pages/administration/closure.html",
        user=user,
        fault=fault,
        follows=departures.followed_by(session, user.email),
        others=[(one.email, one.name) for one in others],
        sessions=len(sessions.of_user(session, user.id, now=now())),
    )
