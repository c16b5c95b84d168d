"""Pages for who cannot sign in: asking for a link where the password is forgotten, and choosing one by a link."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.accounts import PATH, DeadLink, LiveLink, UnknownLink, passwords
from outreach.core.settings import Mode
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.web.sign_in.account_forms import SWITCHED_OFF, ForgottenForm, NewPasswordForm
from outreach.web.ui.request import client_of, database, now, reading, settings

pages = Blueprint("links", __name__)
ASKED = (
    "Si un compte a cette adresse, un lien y arrive dans la minute et vaut une heure. Rien ne vient ? Regardez "
    "dans les indésirables, ou adressez-vous à l’administration du service. "
    "Seules trois demandes par heure reçoivent un lien."
)
ASKED_BY_IT = "Si c’est son adresse, un lien y arrive dans la minute et vaut une heure."
SLOWED = (
    "Trop de demandes viennent de votre réseau. Attendez une heure, ou adressez-vous à l’administration du service."
)


@pages.get("/sign-in/forgotten")
def forgotten() -> str:
    return _forgotten_page(ForgottenForm())


@pages.post("/sign-in/forgotten")
def ask() -> Redirect | tuple[str, int]:
    """Keep a request. The answer, and what is done for it, is the same whether the address has an account or not."""
    form, network = ForgottenForm(), client_of(request.environ, settings().proxies)
    key = accounts.request_key(settings().own_key)
    try:
        address = judge(form.email.data or "").key
    except InputError as error:
        form.email.errors = [str(error)]
        return _forgotten_page(form), 422
    with reading() as snapshot:
        is_slowed = accounts.is_slowed(snapshot, key, network, now=now())
        is_enough = accounts.is_enough(snapshot, key, address, now=now())
    if is_slowed:
        form.form_errors.append(SLOWED)
        return _forgotten_page(form), 429
    if not is_enough:
        with database().writing() as writing:
            accounts.ask_for_link(writing, key, address, network, now=now())
    # Where passwords are switched off, too, the answer is the same: it tells nobody which account keeps one.
    flash(ASKED if not settings().emergency_account else f"{SWITCHED_OFF} {ASKED_BY_IT}", "info")
    return redirect(url_for("account.sign_in"))


def _forgotten_page(form: ForgottenForm) -> str:
    is_limited = settings().mode is not Mode.PRODUCTION and not settings().stays_here
    return render_template("pages/account/forgotten.html", form=form, is_limited=is_limited)


@pages.get(f"{PATH}<token>")
def link(token: str) -> str:
    """The form. Programs that scan mail open every link: this changes nothing."""
    with reading() as snapshot:
        found = accounts.read_link(snapshot, token, now=now())
    return _page(token, found, NewPasswordForm(found.email, found.name))


@pages.post(f"{PATH}<token>")
def choose(token: str) -> Redirect | tuple[str, int]:
    with reading() as snapshot:
        found = accounts.read_link(snapshot, token, now=now())
    if not settings().takes_password(found.email):
        raise Refused(SWITCHED_OFF)
    form = NewPasswordForm(found.email, found.name)
    if not form.validate():
        return _page(token, found, form), 422
    digest = passwords.hash_password(form.new_password.data)  # takes its time: no transaction that writes is open here
    with database().writing() as writing:
        accounts.choose_password(writing, token, digest, now=now())
    flash("Votre mot de passe est choisi. Connectez-vous avec lui.", "success")
    return redirect(url_for("account.sign_in"))


def _page(token: str, found: LiveLink, form: NewPasswordForm) -> str:
    takes = settings().takes_password(found.email)
    return render_template("pages/account/password.html", token=token, link=found, form=form, takes_password=takes)


@pages.errorhandler(DeadLink)
def tell_dead(error: DeadLink) -> tuple[str, int]:
    code = 404 if isinstance(error, UnknownLink) else 410
    return render_template("pages/account/dead_link.html", sentence=str(error)), code
