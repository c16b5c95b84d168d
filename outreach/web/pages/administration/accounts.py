"""The accounts of staff, for administrators: who may sign in, with which roles, and who may no longer."""

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.accounts import LinkKind, User, second_factors
from outreach.campaigns.letter import SenderIdentity
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.settings import FactorPolicy, Mode
from outreach.core.tables import InMemoryListing
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import SCOPED, RoleName
from outreach.delivery import workers
from outreach.delivery.smtp import Guard
from outreach.directory import reference
from outreach.staff import invitations, notifications, reassignment
from outreach.staff.notifications import AccountHolder, AccountMail
from outreach.web.shared.list_files import has_files
from outreach.web.sign_in.account_forms import InvitationForm
from outreach.web.ui.fields import posted, posted_all
from outreach.web.ui.pager import Shown, sorting, sought
from outreach.web.ui.request import actor, database, needs, now, reading, settings

pages = Blueprint("accounts", __name__, url_prefix="/administration/accounts")
MOST_TOLD = 50  # lines of an account's history


@pages.get("")
@needs(RoleName.ADMINISTRATOR)
def index() -> str:
    with reading() as snapshot:
        shown = Shown.of(request, _listed(snapshot), export=".export")
        return render_template("pages/administration/accounts.html", shown=shown, text=sought(request))


@pages.route("/invitation", methods=["GET", "POST"])
@needs(RoleName.ADMINISTRATOR)
def invite() -> str | tuple[str, int] | Redirect:
    form, roles = InvitationForm(), chosen_roles()
    if form.validate_on_submit():
        try:
            said = _invited(AccountHolder(form.email.data or "", form.name.data or "", roles, _chosen_scope(roles)))
        except InputError as error:
            form.form_errors.append(str(error))
        else:
            flash(said, "success")
            return redirect(url_for(".index"))
    with reading() as snapshot:
        scopes = reference.offered(snapshot)
    held = {"held": roles, "roles": list(RoleName), "scope": posted("scope"), "scopes": scopes, "fault": ""}
    page = render_template("pages/administration/invitation.html", form=form, **held)
    return (page, 422) if form.errors or form.form_errors else page


@pages.post("/<number:number>/link")
@needs(RoleName.ADMINISTRATOR)
def send_link(number: int) -> Redirect:
    """Send a link to choose a password: once more an invitation, or a new password."""
    with reading() as snapshot:
        user = accounts.account_numbered(snapshot, number)
        invitations.refuse_withheld(snapshot, _guard(), user.email)
        to = AccountHolder(user.email, user.name, accounts.roles_of(user), user.scope_code)
        mail = _written(invitations.kind_for(user), to)
    with database().writing() as writing:
        user = accounts.account_numbered(writing, number)
        invitations.send(writing, user, mail, _sending(), now=now(), actor=actor())
        said = f"Un lien part à {user.email}. Ceux d’avant ne servent plus."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.get("/<number:number>")
@needs(RoleName.ADMINISTRATOR)
def account(number: int) -> str:
    with reading() as snapshot:
        return _page(snapshot, accounts.account_numbered(snapshot, number))


@pages.post("/<number:number>/roles")
@needs(RoleName.ADMINISTRATOR)
def set_roles(number: int) -> Redirect | tuple[str, int]:
    roles = chosen_roles()
    try:
        scope = _chosen_scope(roles)
        with database().writing() as writing:
            user = accounts.account_numbered(writing, number)
            accounts.set_roles(writing, user, roles, scope=scope, now=now(), actor=actor())
            said = f"Rôles de {user.name} : {accounts.labels_of(user)}."
    except (InputError, Refused) as error:
        code = 409 if isinstance(error, Refused) else 422
        with reading() as snapshot:
            return _page(snapshot, accounts.account_numbered(snapshot, number), str(error)), code
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.post("/<number:number>/sessions/end")
@needs(RoleName.ADMINISTRATOR)
def end_sessions(number: int) -> Redirect:
    with database().writing() as writing:
        user = accounts.account_numbered(writing, number)
        accounts.end_all_sessions(writing, user, now=now(), actor=actor())
        said = f"Les sessions de {user.name} sont terminées."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.post("/<number:number>/second-factor/reset")
@needs(RoleName.ADMINISTRATOR)
def reset_second_factor(number: int) -> Redirect:
    with database().writing() as writing:
        user = accounts.account_numbered(writing, number)
        accounts.reset_second_factor(writing, user, now=now(), actor=actor())
        said = f"Le second facteur de {user.name} est réinitialisé, ses sessions sont terminées."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.get("/<number:number>/closure")
@needs(RoleName.ADMINISTRATOR)
def closure(number: int) -> str:
    with reading() as snapshot:
        return _closure_page(snapshot, number)


@pages.post("/<number:number>/closure")
@needs(RoleName.ADMINISTRATOR)
def close(number: int) -> Redirect | tuple[str, int]:
    to = posted("to")
    try:
        with database().writing() as writing:
            user = accounts.account_numbered(writing, number)
            handed = reassignment.close(writing, user, to=to, now=now(), actor=actor())
            said, name = f"Le compte de {user.name} est fermé, ses sessions sont terminées.", _name(writing, to)
    except InputError as error:
        with reading() as snapshot:
            return _closure_page(snapshot, number, str(error)), 422
    if what := reassignment.told(*handed):
        said += f" À {name or 'tous'} désormais : {what}."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


@pages.post("/<number:number>/reopening")
@needs(RoleName.ADMINISTRATOR)
def reopen(number: int) -> Redirect:
    with database().writing() as writing:
        user = accounts.account_numbered(writing, number)
        accounts.reopen_account(writing, user, now=now(), actor=actor())
        said = f"Le compte de {user.name} est rouvert, avec ses rôles et son mot de passe."
    flash(said, "success")
    return redirect(url_for(".account", number=number))


def _invited(person: AccountHolder) -> str:
    """Invite a person by mail; returns what to say of it. Raises InputError, and nothing is then written."""
    is_real = settings().mode is Mode.PRODUCTION
    address = judge(person.email, examples=not is_real).key
    with reading() as snapshot:
        invitations.refuse_withheld(snapshot, _guard(), address)
    mail = _written(LinkKind.INVITATION, replace(person, email=address))
    with database().writing() as writing:
        user = invitations.invite(writing, person, now=now(), actor=actor(), examples=not is_real)
        invitations.send(writing, user, mail, _sending(), now=now(), actor=actor())
    return f"L’invitation part à {address}. Elle vaut 72 heures."


def _written(kind: LinkKind, person: AccountHolder) -> AccountMail:
    return notifications.write_account_mail(kind, _sending(), person, by=current_user.name, contact=actor(), now=now())


def _guard() -> Guard:
    return workers.guard_of(settings())


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())


@has_files(pages, "/export", "comptes", RoleName.ADMINISTRATOR)
def _listed(session: Session) -> InMemoryListing[User]:
    return accounts.list_accounts(session, text=sought(request), sort=sorting(request))


@pages.app_context_processor
def words_of_accounts() -> dict[str, object]:
    """Give templates the roles and the state of an account in words, and whether some need a second factor."""
    return {"state_of": accounts.account_state, "factors_required": factors_required}


def factors_required() -> bool:
    """Whether approvers and administrators may not be without a second factor here."""
    return settings().factor_policy is FactorPolicy.REQUIRED


def chosen_roles() -> list[RoleName]:
    """The roles ticked in the form, in their order; what is no role is left out."""
    ticked = set(posted_all("roles"))
    return [role for role in RoleName if role.value in ticked]


def _chosen_scope(roles: list[RoleName]) -> str:
    """The code chosen in the form, where a role wants one. Raises InputError for one that is not known."""
    if not SCOPED & set(roles):
        return ""
    with reading() as snapshot:
        return reference.known_code(snapshot, roles, posted("scope"))


def _name(session: Session, address: str) -> str:
    return accounts.colleagues(session)[address] if address else ""


def _page(session: Session, user: User, fault: str = "") -> str:
    return render_template(
        "pages/administration/account.html",
        user=user,
        fault=fault,
        held=chosen_roles() if fault else accounts.roles_of(user),
        roles=list(RoleName),
        scope=posted("scope") if fault else user.scope_code,
        scopes=reference.offered(session),
        sessions=accounts.sessions_of(session, user.id, now=now()),
        link=accounts.pending_link(session, user.id, now=now()),
        factor=second_factors.factor_state(session, user.id),
        told=audit.latest_entries(session, [accounts.subject_of(user)], MOST_TOLD),
    )


def _closure_page(session: Session, number: int, fault: str = "") -> str:
    user = accounts.account_numbered(session, number)
    others = [one for one in accounts.holders_of(session, RoleName.AUTHOR) if one.id != user.id]
    return render_template(
        "pages/administration/account_closing.html",
        user=user,
        fault=fault,
        kept_open=accounts.last_administrator(session, user),
        follows=reassignment.followed_by(session, user.email),
        others=[(one.email, one.name) for one in others],
        sessions=len(accounts.sessions_of(session, user.id, now=now())),
    )
