"""What went wrong, as pages and as programs read it (RFC 9457)."""

import json

from flask import Flask, Response, current_app, g, render_template, request
from flask_login import current_user
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, SecurityError

from outreach.adherence.programmes import SeveralProgrammes
from outreach.core.db import NO_ANSWER, time_limit
from outreach.core.text.errors import NotFound, OutreachError, Refused, TookTooLong
from outreach.core.text.french import typeset
from outreach.core.text.logs import told
from outreach.web.ui.request import CLOSED, READING_SECONDS, READS, database, is_scoped, now

MEDIA_TYPE = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/hooks/")
TOLD = {  # the stable type of a fault, its title, and what to do where nothing more is known
    400: ("invalid-request", "Demande illisible", "Ce qui est demandé ne se lit pas : voyez /api/v1/openapi.json."),
    401: ("key-missing", "Clé absente ou refusée", "Donnez une clé en service : « Authorization: Bearer … »."),
    403: ("forbidden", "Accès refusé", "Cette clé ne permet pas cela."),
    404: ("not-found", "Introuvable", "Rien ne se trouve à cette adresse : voyez /api/v1/openapi.json."),
    405: ("method-not-allowed", "Méthode refusée", "Cette adresse ne s’ouvre pas par cette méthode."),
    409: ("conflict", "Action refusée", "L’action n’est plus possible dans l’état actuel."),
    411: (
        "length-required",
        "Longueur absente",
        "Dites la longueur de l’envoi : « Content-Length ». Rien n’est enregistré.",
    ),
    413: ("too-large", "Envoi trop volumineux", "Ce qui est envoyé dépasse la taille permise. Rien n’est enregistré."),
    415: ("not-json", "Envoi illisible", "Envoyez du JSON : « Content-Type: application/json »."),
    429: ("too-many", "Trop de demandes", "Attendez le nombre de secondes que dit « Retry-After »."),
    500: ("failure", "Erreur du service", "Une erreur inattendue s’est produite. Rien n’est enregistré."),
    503: ("unavailable", "Service indisponible", "La base de données n’a pas répondu : recommencez plus tard."),
}


def is_program() -> bool:
    """Whether the address of this request is one that programs ask."""
    return request.path.startswith(FOR_PROGRAMS)


def answer(status: int, detail: str = "", headers: dict[str, str] | None = None, **members: object) -> Response:
    """A fault: its stable type, a French title, a French sentence on what to do, and members of its own."""
    name, title, usual = TOLD.get(status) or TOLD[500 if status >= 500 else 400]
    values = {
        "type": f"urn:outreach:{name}",
        "title": typeset(title),
        "status": status,
        "detail": typeset(detail or usual),
        **members,
    }
    return Response(json.dumps(values, ensure_ascii=False), status, headers, content_type=MEDIA_TYPE)


SENTENCES = {
    400: ("Demande illisible", "La demande envoyée par le navigateur n’a pas pu être comprise."),
    403: (
        "Accès refusé",
        "Votre compte ne permet pas cette action. Demandez le rôle nécessaire à l’administration du service.",
    ),
    404: (
        "Page introuvable",
        "Cette page n’existe pas ou n’existe plus. Vérifiez son adresse.",
    ),
    405: ("Action impossible", "Cette adresse ne s’ouvre pas de cette manière."),
    409: ("Action refusée", "L’action n’est plus possible dans l’état actuel."),
    411: (
        "Envoi sans longueur",
        "La longueur de l’envoi n’est pas dite (« Content-Length »). Rien n’a été enregistré.",
    ),
    413: ("Envoi trop volumineux", "Ce que vous avez envoyé dépasse la taille permise. Rien n’a été enregistré."),
    415: ("Envoi illisible", "Ce service ne lit que des formulaires. Rien n’a été enregistré."),
    429: (
        "Trop d’essais",
        "Attendez un quart d’heure, ou prenez un navigateur où vous avez déjà ouvert une session. Rien n’est bloqué.",
    ),
    503: (
        "Demande trop lourde",
        "La base de données n’a pas répondu en 5 secondes : retirez des conditions du public, ou précisez le filtre.",
    ),
    500: ("Erreur du service", "Une erreur inattendue s’est produite. Rien n’a été enregistré."),
}


def install(app: Flask) -> None:
    """Give an application these pages."""
    app.register_error_handler(SecurityError, _unknown_host)
    app.register_error_handler(InternalServerError, _failure)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(NotFound, lambda error: _page(404, str(error)))
    app.register_error_handler(Refused, lambda error: _page(409, str(error)))
    app.register_error_handler(SeveralProgrammes, _several)
    app.register_error_handler(OutreachError, lambda error: _page(400, str(error)))
    app.register_error_handler(TookTooLong, _too_long)
    for error in NO_ANSWER:
        app.register_error_handler(error, _unavailable)


_BUSY = "Le service est très occupé. Réessayez dans un moment."
_AGAIN = "La base de données ne répond pas. Recommencez après le nombre de secondes que dit « Retry-After »."
_EXPIRED = (
    "Le formulaire a expiré ou vient d’une autre session. Rien n’a été enregistré : rechargez la page et recommencez."
)


def refuse_form(sentence: str = _EXPIRED) -> tuple[str, int] | Response:
    """The page of a form that is not taken: it has expired, comes from elsewhere, or is another person's."""
    return _page(400, sentence)


def _several(error: SeveralProgrammes) -> tuple[str, int] | Response:
    """A program chooses by a code, a person by a name."""
    return _page(409, str(error) if is_program() else error.on_page)


def _refused(error: HTTPException) -> tuple[str, int] | Response:
    code = error.code or 500
    if is_program() and isinstance(error, MethodNotAllowed):
        return answer(code, headers={"Allow": ", ".join(sorted(error.valid_methods or ()))})
    return _page(code)


def _unknown_host(_error: Exception) -> Response:
    if is_program():
        return answer(400, "Ce service ne répond pas sous ce nom.")
    return Response("Nom d’hôte inconnu.\n", 400, mimetype="text/plain")


def _failure(error: Exception) -> tuple[str, int] | Response:
    """The page of an internal error. It needs no database, and shows the moment that the log records."""
    moment = now()
    at, extra = moment.isoformat(timespec="seconds"), {"event": "page_failed"}
    fault = told(getattr(error, "original_exception", None) or error)
    current_app.logger.error("the fault told to somebody at %s: %s", at, fault, extra=extra)
    if is_program():
        return answer(500, f"{SENTENCES[500][1]} Le journal a noté : {at}.")
    return _bare("public/failure.html", moment=moment), 500


def _unavailable(error: Exception) -> Response:
    """The page of a database that does not answer, for everybody; the log says so once a fault.

    A 503 with Retry-After, so that a mail program repeats its unsubscribe request later (RFC 9110 §15.6.4).
    """
    database().note_fault(error)
    # A part that a script asked for stays as it is: the page around it may hold what somebody has typed.
    stays = {"HX-Reswap": "none"} if "HX-Request" in request.headers else {}
    if is_program():
        return answer(503, _AGAIN, {"Retry-After": "30"})
    has_sent = request.method not in READS  # its commit may have come through, though the answer did not
    return Response(_bare("public/unavailable.html", has_sent=has_sent), 503, {"Retry-After": "30", **stays})


def _bare(template: str, **values: object) -> str:
    """A page without what every page is given, which would read the person's account."""
    return current_app.jinja_env.get_template(template).render(values)


def _too_long(error: Exception) -> Response:
    """The page of a request that asked too much of the database; where a script asked for a part, it is shown whole.

    503, as the request itself is in order: at a quieter time, or of fewer rows, the same is answered. It has no
    Retry-After, as repeating it by itself would only add to the load.
    """
    if is_program():
        return answer(503, "La base de données n’a pas répondu en 5 secondes.")
    if not hasattr(g, "_login_user"):  # flask-login's: the account itself took too long, and would again
        return _unavailable(error)
    whole = {"HX-Retarget": "#main", "HX-Reselect": "#main", "HX-Reswap": "outerHTML"}
    try:
        page, code = _staff_or_public(503, "" if current_user.is_authenticated else _BUSY)
    except NO_ANSWER as fault:
        return _unavailable(fault)
    return Response(page, code, whole if "HX-Request" in request.headers else None)


def _page(code: int, sentence: str = "") -> tuple[str, int] | Response:
    if is_program():
        return answer(code, sentence)
    try:
        return _staff_or_public(code, sentence)
    except NO_ANSWER as fault:
        return _unavailable(fault)


def _staff_or_public(code: int, sentence: str) -> tuple[str, int]:
    time_limit.limit(READING_SECONDS)  # for this page itself, whatever the refused request had left
    title, usual = SENTENCES.get(code, SENTENCES[500] if code >= 500 else SENTENCES[400])
    template = "pages/error.html" if current_user.is_authenticated else "public/error.html"
    if code == 413 and current_user.is_authenticated:
        usual += " Une liste plus grande s’importe entière : la personne qui exploite le service le fait par ./run."
    if code == 403 and is_scoped():
        usual = CLOSED
    lacks = g.get("lacks", ()) if code == 403 else ()  # the roles with which the page would have opened
    return render_template(template, title=title, sentence=sentence or usual, lacks=lacks), code
