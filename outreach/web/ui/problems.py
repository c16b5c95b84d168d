"""Faults as programs read them (RFC 9457, application/problem+json): one shape for all, whoever notices the fault."""

import json

from flask import Response, request

from outreach.french import typeset

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
    told = {
        "type": f"urn:outreach:{name}",
        "title": typeset(title),
        "status": status,
        "detail": typeset(detail or usual),
        **members,
    }
    return Response(json.dumps(told, ensure_ascii=False), status, headers, content_type=MEDIA_TYPE)
