"""The page of codes, for who answers from a letter on paper: a code leads to the answer page of its letter.

A GET tells nothing of a code: it only shows the code in a form. The form counts what fails by client and in all. A
wrong code, an old one and one of another campaign get the same page, and cost the same statements.
"""

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.campaigns import channels
from outreach.campaigns.channels import BY_CODE, Entered
from outreach.campaigns.waves import AnswerTerm
from outreach.core.db import Session, take_lock
from outreach.delivery import letters
from outreach.delivery.letters import Keys, TokenKind
from outreach.web.public.answer_page.pages import page, pages, standing_of
from outreach.web.ui.fields import posted
from outreach.web.ui.request import OF_SITE, client_of, database, now, reading, settings

WRONG_OF_CLIENT = 10  # in a quarter of an hour: then each has to wait, and nobody is locked out
UNKNOWN = (
    "Ce code ne mène à aucune lettre à laquelle on répond encore : vérifiez ses huit signes{and_fase}, ou appelez la "
    "personne de contact de la lettre."
)
TOO_FAST = "Beaucoup d’essais viennent de ce réseau : réessayez dans {seconds} secondes, {or_else}."
GIVE_FASE = "ou donnez aussi le numéro FASE de votre pouvoir organisateur, que la lettre porte après son nom"
COMPARE = "et comparez le code et le numéro FASE avec ceux de la lettre : ils ne vont pas ensemble"
ASKED_FASE = (
    "Beaucoup de codes faux ont été essayés depuis une heure : donnez aussi le numéro FASE de votre pouvoir "
    "organisateur, que la lettre porte après son nom."
)


@pages.get("/r")
@pages.get("/r/")  # as people type what stands on paper, before the code
def code_form() -> Response:
    return _form_page("")


@pages.get("/r/<path:code>")
def code_in_form(code: str) -> Response:
    return _form_page(letters.read_code(code) or code[:40])


@pages.post("/r")
def open_code() -> Response | Redirect:
    typed, fase = posted("code"), posted("fase")
    keys = Keys(settings().signing_keys)
    with reading() as session:
        found = _found(session, keys, letters.read_code(typed))
        asks_fase = channels.are_guessed(session, now=now())
    if found and found.is_of(fase):  # a right pair passes always: nobody finds one by trying
        return _opened(keys, found)
    if asks_fase and not fase:  # said of every code, which is not judged
        return _form_page(typed, fase, ("fase", ASKED_FASE), 422)
    is_right = found is not None and not fase
    if not _is_in_time(is_right=is_right):
        seconds = int(accounts.PAUSE.total_seconds())
        fault = TOO_FAST.format(seconds=seconds, or_else=COMPARE if fase else GIVE_FASE)
        refused = _form_page(typed, fase, ("code", fault), 429, with_fase=True)  # which passes, whoever else tries
        refused.headers["Retry-After"] = str(seconds)
        return refused
    if found and is_right:
        return _opened(keys, found)
    return _form_page(typed, fase, ("code", UNKNOWN.format(and_fase=" et le numéro FASE" if fase else "")), 404)


def _found(session: Session, keys: Keys, code: str | None) -> Entered | None:
    """The letter that a code leads to, while one answers it. The same is asked whatever the code."""
    other, found = channels.any_other(session), channels.find_code(session, keys, code or "")
    looked_at = found or other
    if looked_at is None:  # no letter was ever printed
        return None
    _, term = standing_of(session, looked_at.message)
    return None if term.stands is AnswerTerm.OVER else found


def _is_in_time(*, is_right: bool) -> bool:
    """Whether this client may try a code now; a wrong one is counted. Asked in turn, as many may be sent at once."""
    client = f"paper client {client_of(request.environ, settings().proxies, OF_SITE)}"
    key = accounts.attempt_key(settings().own_key)
    with database().writing() as session:
        take_lock(session, "codes", client)
        if not accounts.may_try(session, key, client, most=WRONG_OF_CLIENT, now=now()):
            return False
        if not is_right:
            accounts.count_attempt(session, key, client, now=now())
            channels.count_wrong_code(session, now=now())
        return True


def _opened(keys: Keys, found: Entered) -> Redirect:
    identity = bytes.fromhex(found.message.public_id)
    return redirect(url_for(".answer", token=keys.make(TokenKind.ANSWER, identity, BY_CODE)), 303)


def _form_page(
    code: str, fase: str = "", fault: tuple[str, str] | None = None, status: int = 200, *, with_fase: bool = False
) -> Response:
    with reading() as session:
        asks_fase = with_fase or channels.are_guessed(session, now=now())
    return page("public/code.html", status, typed=code[:40], fase=fase[:20], fault=fault, asks_fase=asks_fase)
