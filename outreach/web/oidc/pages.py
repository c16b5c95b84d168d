"""Signing in with the issuer of OpenID Connect: the way there, the way back, and binding one's account.

The way there is a link, not a form: the policy of our pages lets forms lead to our own pages only. The way back is a
page whose form finishes the sign-in, as no GET writes.
"""

from typing import TYPE_CHECKING

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import identities, links, staff
from outreach.accounts.identities import Admission
from outreach.accounts.links import DeadLink, LinkKind, LiveLink
from outreach.accounts.trail import TrailKind
from outreach.errors import NotFound, Refused
from outreach.logs import told
from outreach.oidc.claims import roles_given
from outreach.oidc.refusals import Cause, SignInRefused
from outreach.roles import RoleName
from outreach.web.oidc import flows
from outreach.web.oidc.flows import Flow
from outreach.web.second_factor import proving
from outreach.web.signing_in.sign_in import enter, is_path, way_of
from outreach.web.signing_in.trail import note
from outreach.web.ui.fields import posted
from outreach.web.ui.request import database, end_reading, needs, now, reading, settings

if TYPE_CHECKING:
    from outreach.oidc.issuer import Identified, Issuer

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
    person = flows.take_leave_to_bind() if "bind" in request.args else 0
    if "bind" in request.args and not person:
        return redirect(url_for(".bind"))
    flow = flows.begin(asked if is_path(asked) else "/", person=person, invitation=token)
    end_reading()  # it asks the network
    try:
        address = issuer.authorization_address(state=flow.state, nonce=flow.nonce, verifier=flow.verifier)
    except SignInRefused as refusal:
        return _refused(refusal)
    return redirect(address)


@pages.get(flows.RETURN)
def come_back() -> str | Redirect | tuple[str, int]:
    """The page that the issuer leads back to. Its form, which a script sends, finishes the sign-in.

    Where an account is to be bound, the page names it, and its person sends the form: anybody can lead a browser to the
    link of an invitation of their own, and the issuer may then ask nothing.
    """
    _issuer()
    flow = flows.under_way(request.args.get("state", ""))
    if flow is None:
        if current_user.is_authenticated:  # somebody went back to this page
            return redirect(way_of(current_user, "/"))
        return _refused(SignInRefused(Cause.STATE))
    given = {name: request.args[name] for name in ("state", "code", "error", "iss") if request.args.get(name)}
    account = _refuse_link(flow.invitation) if flow.invitation else None
    return render_template("pages/account/oidc_return.html", given=given, account=account)


@pages.post(flows.RETURN)
def finish() -> Redirect | tuple[str, int]:
    issuer = _issuer()
    given = {name: posted(name) for name in ("state", "code", "error", "iss")}
    flow = flows.take(given["state"])
    if flow is None:
        return _refused(SignInRefused(Cause.STATE))
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
    form = proving.proof_form(proving.factor_state())
    if is_proved := proving.proved(form):
        flows.allow_binding(current_user.id)
    with reading() as snapshot:
        identity = identities.of_user(snapshot, current_user.id, settings().oidc_issuer)
    page = render_template("pages/account/oidc_bind.html", form=form, is_proved=is_proved, identity=identity)
    return (page, 422) if form.errors else page


def _signed_in(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> Redirect:
    if current_user.is_authenticated:  # in another tab, meanwhile
        flash(f"Une session est déjà ouverte dans ce navigateur, au nom de {current_user.name}.", "info")
        return redirect(way_of(current_user, flow.next))
    who = _identified(issuer, flow, given)
    with database().writing() as writing:
        admission = identities.admit(writing, who.issuer, who.subject, _roles(who), now=now())
    _enter(admission)
    return redirect(way_of(current_user, flow.next))


def _bound(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> Redirect:
    if not current_user.is_authenticated or current_user.id != flow.person:
        raise SignInRefused(Cause.OTHER_PERSON if current_user.is_authenticated else Cause.STATE)
    who = _identified(issuer, flow, given)
    with database().writing() as writing:
        identities.bind(writing, flow.person, who.issuer, who.subject, now=now())
    flash("Votre compte est lié à votre identité : vous pouvez vous connecter avec elle.", "success")
    return redirect(url_for("account.index"))


def _accepted(issuer: "Issuer", flow: Flow, given: dict[str, str]) -> Redirect:
    """Bind the account of a link, and sign its person in."""
    if current_user.is_authenticated:
        raise SignInRefused(Cause.OTHER_PERSON)
    _refuse_link(flow.invitation)
    who = _identified(issuer, flow, given)
    with database().writing() as writing:
        identities.accept(writing, flow.invitation, who.issuer, who.subject, now=now())
        admission = identities.admit(writing, who.issuer, who.subject, _roles(who), now=now())
    _enter(admission)
    flash("Votre compte est lié à votre identité : vous vous connecterez avec elle.", "success")
    return redirect(way_of(current_user, "/"))


def _refuse_link(token: str) -> LiveLink:
    """A link that somebody else sent, to an account that the issuer may open. Raises DeadLink for any other."""
    with reading() as snapshot:
        link = links.read(snapshot, token, now=now())
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
        raise SignInRefused(Cause.DENIED)
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
        user = staff.account_numbered(snapshot, admission.user_id)
    # A second factor of whoever the issuer has identified is the issuer's job.
    enter(user, has_factor=True, how=", par le service d’identification")
    if admission.keeps_administration:
        flash(KEPT, "warning")


def _issuer() -> "Issuer":
    """The issuer of the running application. Raises NotFound when none is set."""
    extensions = current_app.extensions
    if flows.EXTENSION not in extensions:
        extensions[flows.EXTENSION] = flows.issuer_of(settings())
    issuer: Issuer | None = extensions[flows.EXTENSION]
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
    return page, 503 if refusal.cause is Cause.AWAY else 400


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
