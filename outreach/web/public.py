"""What an authority opens from a letter: no account, no session, no cookie; a GET changes nothing."""

from datetime import datetime

from flask import Blueprint, Response, render_template, request

from outreach.campaigns import composing
from outreach.campaigns.composing import Sending
from outreach.db import Session
from outreach.delivery import outbox, suppressions
from outreach.delivery.models import Message, SuppressionReason
from outreach.mail.tokens import Keys, Kind, Token
from outreach.web.frame import database, now, settings

# A letter in a browser: its own inline style, nothing loaded, nothing run.
LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
pages = Blueprint("public", __name__)
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@pages.after_request
def keep_to_itself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response


@pages.get("/v/<path:token>")
def view(token: str) -> Response:
    read = _read(token, Kind.VIEW)
    with database().reading() as session:
        message = outbox.message_named(session, read.id) if read else None
        if message is None:
            return _neutral()
        html = composing.as_read(session, message, Sending.of(settings()), now=now())
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    return response


@pages.get("/a/<path:token>")
def answer(token: str) -> Response:
    read = _read(token, Kind.ANSWER)
    with database().reading() as session:
        message = outbox.message_named(session, read.id) if read else None
        if message is None:
            return _neutral()
        facts = composing.facts_of(session, message, Sending.of(settings()), now=now())
        return _page("public/answer.html", 200, facts=facts)


@pages.get("/u/<path:token>")
def unsubscription(token: str) -> Response:
    read = _read(token, Kind.UNSUBSCRIBE)
    return _page("public/unsubscribe.html", 200, token=token) if read else _neutral()


@pages.post("/u/<path:token>")
def unsubscribe(token: str) -> Response:
    read = _read(token, Kind.UNSUBSCRIBE)
    if read is None:
        return _neutral()
    with database().writing() as session:
        message = outbox.message_named(session, read.id)
        if message is not None and not outbox.is_trial(session, message):
            _exclude(session, message, now())
    if request.form.get("List-Unsubscribe") == "One-Click":  # RFC 8058 §3.2: the mail program speaks, not a person
        return Response("", mimetype="text/plain")
    return _page("public/unsubscribed.html", 200)


def _exclude(session: Session, message: Message, at: datetime) -> None:
    suppressions.suppress(
        session,
        message.address_key,
        SuppressionReason.UNSUBSCRIBED,
        now=at,
        actor="destinataire",
        detail=f"lien du courriel {message.public_id}",
    )


def _read(token: str, kind: Kind) -> Token | None:
    return Keys(settings().signing_keys).read(token, kind)


def _neutral() -> Response:
    return _page("public/unknown.html", 404)


def _page(template: str, code: int, **values: object) -> Response:
    return Response(render_template(template, **values), code, mimetype="text/html")
