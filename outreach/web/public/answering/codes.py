"""The page of codes, for who answers from a letter on paper: a code leads to the answer page of its letter.

A GET reads nothing and tells nothing of a code: it only shows the code in a form. The form counts what fails by client,
and what is opened by code; a wrong code, an old one and one of another campaign get the same page.
"""

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.accounts import attempts
from outreach.campaigns.paper import entering
from outreach.campaigns.paper.entering import BY_CODE
from outreach.mail import codes
from outreach.mail.tokens import Keys, TokenKind
from outreach.web.client import client_of
from outreach.web.public.answering.recipient_pages import page, pages
from outreach.web.ui.fields import posted
from outreach.web.ui.request import database, now, reading, settings

WRONG_OF_CLIENT, OF_CODE = 10, 40  # in a quarter of an hour
UNKNOWN = "Ce code ne mène à aucune lettre : vérifiez ses huit signes, ou appelez la personne de contact de la lettre."
TOO_MANY = "Trop d’essais depuis ce réseau : réessayez dans un quart d’heure, ou appelez la personne de contact."


@pages.get("/r")
@pages.get("/r/")  # as people type what stands on paper, before the code
def code_form() -> Response:
    return _form_page("", "")


@pages.get("/r/<path:code>")
def code_in_form(code: str) -> Response:
    return _form_page(codes.read_code(code) or code[:40], "")


@pages.post("/r")
def open_code() -> Response | Redirect:
    typed = posted("code")
    code, client = codes.read_code(typed), f"paper client {client_of(request.environ, settings().proxies)}"
    keys, key = Keys(settings().signing_keys), attempts.key_of(settings().secret_key.get_secret_value())
    by_client, by_code = {client: WRONG_OF_CLIENT}, {f"paper code {code}": OF_CODE}
    with reading() as session:
        is_open = attempts.is_open(session, key, {**by_client, **by_code}, now=now())
        message = entering.message_of(session, keys, code) if is_open and code else None
        identity = bytes.fromhex(message.public_id) if message else b""
    if not is_open:
        return _form_page(typed, TOO_MANY, 429)
    with database().writing() as session:  # asked again, as many may have been sent at once
        names = by_code if identity else by_client
        is_counted = attempts.count_failure(session, key, names, now=now(), beside=by_client)
    if not is_counted:
        return _form_page(typed, TOO_MANY, 429)
    if not identity:
        return _form_page(typed, UNKNOWN, 404)
    return redirect(url_for(".answer", token=keys.make(TokenKind.ANSWER, identity, BY_CODE)), 303)


def _form_page(code: str, fault: str, status: int = 200) -> Response:
    return page("public/code.html", status, typed=code[:40], fault=fault)
