"""Signing in with the issuer of OpenID Connect: the way there, the way back, and binding one's account.

The way there is a link, not a form: the policy of our pages lets forms lead to our own pages only. The way back is a
page whose form finishes the sign-in, as no GET writes.
"""

import secrets
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.accounts import Admission, DeadLink, LinkKind, LiveLink, TrailKind
from outreach.access.oidc.claims import Refusal, SignInRefused, roles_given
from outreach.core.settings import Settings, listed
from outreach.core.text.errors import NotFound, Refused
from outreach.core.text.logs import told
from outreach.core.text.roles import RoleName
from outreach.web.sign_in.access_log_queue import note
from outreach.web.sign_in.second_factor import blueprint
from outreach.web.sign_in.sessions import enter, is_path, way_of
from outreach.web.ui.fields import posted
from outreach.web.ui.request import database, end_reading, needs, now, reading, settings

if TYPE_CHECKING:
    from outreach.access.oidc.issuer import Identified, Issuer


EXTENSION = "outreach.issuer"
FLOWS, LEAVE = "oidc", "oidc-bind"  # in the signed cookie
MOST, LONGEST_NEXT = 3, 300  # tabs at the same time, characters: a browser keeps cookies of 4 kB
MINUTES = 10
RETURN = "/sign-in/oidc/return"


class Flow(NamedTuple):
    """A sign-in that began. `next` is where it leads; `person` the account to bind, or 0; `invitation` a link's token.

    The nonce stands in the token that answers it, and the issuer gives one only for the verifier (PKCE).
    """

    state: str
    nonce: str
    verifier: str
    began: int
    next: str
    person: int
    invitation: str


def issuer_of(settings: Settings) -> "Issuer | None":
    """The issuer that these settings name, or None."""
    if not settings.oidc_issuer:
        return None
    from outreach.access.oidc.issuer import ClientSettings, Issuer  # noqa: PLC0415 - 3 MB, where an issuer is named

    client = ClientSettings(
        issuer=settings.oidc_issuer,
        id=settings.oidc_client_id,
        secret=settings.oidc_client_secret.get_secret_value(),
        scopes=settings.oidc_scopes,
        levels=tuple(listed(settings.oidc_acr)),
        claims=frozenset(claim for claim, _, _ in settings.role_rules),
        return_address=settings.address + RETURN,
    )
    return Issuer(client)


def begin_flow(next_page: str, *, person: int = 0, invitation: str = "") -> Flow:
    """Begin a sign-in in this browser. The oldest of several is forgotten."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    led = next_page if len(next_page) <= LONGEST_NEXT else "/"
    flow = Flow(state, nonce, verifier, int(now().timestamp()), led, person, invitation)
    session[FLOWS] = [*map(list, _under_way()[1 - MOST :]), list(flow)]
    return flow


def under_way(state: str) -> Flow | None:
    """The sign-in with this state; None unless it began in this browser in the last ten minutes, and is not over."""
    return next((flow for flow in _under_way() if flow.state == state), None)


def take(state: str) -> Flow | None:
    """The sign-in with this state, which ends here; None when it did not begin in this browser, or is over."""
    taken = under_way(state)
    session[FLOWS] = [list(flow) for flow in _under_way() if flow.state != state]
    return taken


def allow_binding(user_id: int) -> None:
    """Note that this person has given the password, and may bind the account within ten minutes."""
    session[LEAVE] = [user_id, int(now().timestamp())]


def take_leave_to_bind() -> int:
    """The account that may be bound, once; 0 for none."""
    user_id, at = session.pop(LEAVE, (0, 0))
    return user_id if _is_recent(at) else 0


def _under_way() -> list[Flow]:
    return [flow for flow in (Flow(*kept) for kept in session.get(FLOWS, [])) if _is_recent(flow.began)]


def _is_recent(at: int) -> bool:
    return abs(now().timestamp() - at) < MINUTES * 60


pages = Blueprint("oidc", __name__)
KEPT = (
    "Le service d’identification ne vous donne plus le rôle administration. Vous le gardez, car personne d’autre ne "
    "l’a ici : donnez-le d’abord à quelqu’un d’autre."
)


@pages.get("/sign-in/oidc")
def begin() -> Redirect | tuple[str, int]:
    """Lead to the issuer: to sign in, to bind the account whose password was just given, or to accept an invitation."""
    issuer, asked, token = _issuer(), request.args.get("next", "/"), request.args.get("link", "")
    if token:
        _refuse_link(token)
    person = take_leave_to_bind() if "bind" in request.args else 0
    if "bind" in request.args and not person:
        return redirect(url_for(".bind"))
    flow = begin_flow(asked if is_path(asked) else "/", person=person, invitation=token)
    end_reading()  # it asks the network
    try:
        address = issuer.authorization_address(state=flow.state, nonce=flow.nonce, verifier=flow.verifier)
    except SignInRefused as refusal:
        return _refused(refusal)
    return redirect(address)


@pages.get(RETURN)
def come_back() -> str | Redirect | tuple[str, int]:
    """The page that the issuer leads back to. Its form, which a script sends, finishes the sign-in.

    Where an account is to be bound, the page names it, and its person sends the form: anybody can lead a browser to the
    link of an invitation of their own, and the issuer may then ask nothing.
    """
    _issuer()
    flow = under_way(request.args.get("state", ""))
    if flow is None:
        if current_user.is_authenticated:  # somebody went back to this page
            return redirect(way_of(current_user, "/"))
        return _refused(SignInRefused(Refusal.STATE))
    given = {name: request.args[name] for name in ("state", "code", "error", "iss") if request.args.get(name)}
    account = _refuse_link(flow.invitation) if flow.invitation else None
    return render_template("pages/account/oidc_return.html", given=given, account=account)


@pages.post(RETURN)
def finish() -> Redirect | tuple[str, int]:
    issuer = _issuer()
    given = {name: posted(name) for name in ("state", "code", "error", "iss")}
    flow = take(given["state"])
    if flow is None:
        return _refused(SignInRefused(Refusal.STATE))
    try:
        if flow.person:
            return _bound(issuer, flow, given)
        return _accepted(issuer, flow, given) if flow.invitation else _signed_in(issuer, flow, given)
    except SignInRefused as refusal:
        return _refused(refusal)


@pages.route("/account/oidc", methods=["GET", "POST"])
@needs(RoleName.READER)
def bind() -> str | tuple[str, int] | Redirect:
    """Prove who one is, by the second factor too where there is one, and go on to the issuer by a link."""
    _issuer()
    if not (current_user.password and settings().takes_password(current_user.email)):
        raise Refused("Ce compte n’a pas de mot de passe : demandez une nouvelle invitation pour changer d’identité.")
    form = blueprint.proof_form(blueprint.factor_state())
    if is_proved := blueprint.proved(form):
        allow_binding(current_user.id)
    with reading() as snapshot:
        identity = accounts.identity_of(snapshot, current_user.id, settings().oidc_issuer)
    page = render_template("pages/account/oidc_bind.html", form=form, is_proved=is_proved, identity=identity)
    return (page, 422) if form.errors else page


def _signed_in(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> Redirect:
    if current_user.is_authenticated:  # in another tab, meanwhile
        flash(f"Une session est déjà ouverte dans ce navigateur, au nom de {current_user.name}.", "info")
        return redirect(way_of(current_user, flow.next))
    who = _identified(issuer, flow, given)
    with database().writing() as writing:
        admission = accounts.admit_identity(writing, who.issuer, who.subject, _roles(who), now=now())
    _enter(admission)
    return redirect(way_of(current_user, flow.next))


def _bound(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> Redirect:
    if not current_user.is_authenticated or current_user.id != flow.person:
        raise SignInRefused(Refusal.OTHER_PERSON if current_user.is_authenticated else Refusal.STATE)
    who = _identified(issuer, flow, given)
    with database().writing() as writing:
        accounts.bind_identity(writing, flow.person, who.issuer, who.subject, now=now())
    flash("Votre compte est lié à votre identité : vous pouvez vous connecter avec elle.", "success")
    return redirect(url_for("account.index"))


def _accepted(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> Redirect:
    """Bind the account of a link, and sign its person in."""
    if current_user.is_authenticated:
        raise SignInRefused(Refusal.OTHER_PERSON)
    _refuse_link(flow.invitation)
    who = _identified(issuer, flow, given)
    with database().writing() as writing:
        accounts.accept_by_identity(writing, flow.invitation, who.issuer, who.subject, now=now())
        admission = accounts.admit_identity(writing, who.issuer, who.subject, _roles(who), now=now())
    _enter(admission)
    flash("Votre compte est lié à votre identité : vous vous connecterez avec elle.", "success")
    return redirect(way_of(current_user, "/"))


def _refuse_link(token: str) -> LiveLink:
    """A link that somebody else sent, to an account that the issuer may open. Raises DeadLink for any other."""
    with reading() as snapshot:
        link = accounts.read_link(snapshot, token, now=now())
    if not may_bind(link.kind, link.email):
        raise DeadLink("Ce lien sert à choisir un mot de passe. Ouvrez-le pour cela.")
    return link


def may_bind(kind: LinkKind, email: str) -> bool:
    """Whether a link lets its person sign in with the issuer: none that a mailbox alone obtains, and no emergency's."""
    return kind is not LinkKind.FORGOTTEN and email.lower() != settings().emergency_account.lower()


def _identified(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> "Identified":
    """Whom the issuer's answer is about. It asks the network, so no transaction may be open."""
    issuer.refuse_other(given["iss"])
    if given["error"] or not given["code"]:
        raise SignInRefused(Refusal.DENIED)
    return issuer.identify(given["code"], nonce=flow.nonce, verifier=flow.verifier, now=now())


def _roles(who: "Identified") -> set[RoleName] | None:
    """The roles that the claims give, or None when roles are given by hand."""
    rules = settings().role_rules
    return {RoleName(role) for role in roles_given(who.claims, rules)} if rules else None


def _enter(admission: Admission) -> None:
    """Begin the session of whoever was admitted. Raises SignInRefused for others."""
    if admission.refused:
        raise SignInRefused(admission.refused, admission.email)
    with reading() as snapshot:
        user = accounts.account_numbered(snapshot, admission.user_id)
    # A second factor of whoever the issuer has identified is the issuer's job.
    enter(user, has_factor=True, how=", par le service d’identification")
    if admission.keeps_administration:
        flash(KEPT, "warning")


def _issuer() -> "Issuer":
    """The issuer of the running application. Raises NotFound when none is set."""
    extensions = current_app.extensions
    if EXTENSION not in extensions:
        extensions[EXTENSION] = issuer_of(settings())
    issuer: Issuer | None = extensions[EXTENSION]
    if issuer is None:
        raise NotFound("Ce service n’a pas de service d’identification : connectez-vous avec votre mot de passe.")
    return issuer


def _refused(refusal: SignInRefused) -> tuple[str, int]:
    """The page of a refusal. 400 and no 403, which would be told to the trail a second time."""
    note(TrailKind.SIGN_IN_FAILED, refusal.person, f"OIDC : {refusal.cause}")
    if refusal.__cause__ is not None:
        why = told(refusal.__cause__)
        extra = {"event": "issuer_refused"}
        current_app.logger.warning("a sign-in with the issuer was refused: %s: %s", refusal.cause, why, extra=extra)
    page = render_template("pages/account/oidc_refused.html", refusal=refusal)
    return page, 503 if refusal.cause is Refusal.AWAY else 400


@pages.errorhandler(DeadLink)
def tell_dead(error: DeadLink) -> tuple[str, int]:
    return render_template("pages/account/dead_link.html", sentence=str(error)), 410


@pages.app_context_processor
def names() -> dict[str, object]:
    """Give templates the issuer's name or '', what it may do, and whether passwords are switched off."""
    here = settings()
    return {
        "issuer_name": here.issuer_name,
        "may_bind": may_bind,
        "passwords_off": bool(here.emergency_account),
        "roles_by_claim": bool(here.role_rules),
    }
