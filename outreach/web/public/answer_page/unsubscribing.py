"""Pages to get no more mail, and to get it again: a choice that nothing makes beforehand, and one click of programs.

The first choice and the last change nothing: a machine that ticks them, one or all, excludes no mailbox.
"""

from typing import Any

from flask import Response, request

from outreach.campaigns import letter
from outreach.campaigns.letter import IN_TEXT
from outreach.core.db import Session
from outreach.core.text.addresses import masked
from outreach.delivery import outbox
from outreach.delivery.letters import FormKind, Token, TokenKind
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from outreach.web.public.answer_page import form
from outreach.web.public.answer_page.pages import letter_of, neutral, page, pages, token_of
from outreach.web.ui.fields import posted
from outreach.web.ui.request import database, now, reading

__all__ = ["pages"]
REASONS = {"person": "je ne suis pas la bonne personne", "many": "trop de courriels"}
BY_MISTAKE = {"mistake": "J’ai ouvert cette page par erreur"}
WHY = {
    "keep": "Je continue à les recevoir",
    **{name: f"Ne plus les recevoir : {reason}" for name, reason in REASONS.items()},
    "": "Ne plus les recevoir, sans raison",
    **BY_MISTAKE,
}
AGAIN = {
    "stay": "Ne rien changer : cette boîte reste désinscrite",
    "again": "Recevoir à nouveau les courriels",
    **BY_MISTAKE,
}
UNCHANGED = {"keep", "stay", *BY_MISTAKE}
CHOOSE = "Faites votre choix."


@pages.get("/u/<path:token>")
def unsubscription(token: str) -> Response:
    read = _read(token)
    return _page(token, read) if read else neutral()


@pages.post("/u/<path:token>")
def unsubscribe(token: str) -> Response:
    read = _read(token)
    if read is None:
        return neutral()
    is_one_click = posted("List-Unsubscribe") == "One-Click" and read.link != IN_TEXT  # RFC 8058 §3.2: by a program
    if not is_one_click and (said := _unchosen(token, read, "why", WHY)) is not None:
        return said
    with reading() as session:
        message = outbox.message_named(session, read.id)
        came = form.came(message, FormKind.UNSUBSCRIPTION, read) if message and not is_one_click else None
    if message is not None:
        how, doubt = _how(message), None
        with database().writing() as session:
            if (message := outbox.message_named(session, read.id)) is not None:
                doubt = form.judge(session, message, came).doubt if came else None
                if doubt is None:
                    outbox.unsubscribe_letter(session, message, now=now(), detail=how)
        if doubt is not None:
            return _page(token, read, confirms=FormKind.UNSUBSCRIPTION)
    if is_one_click:
        return Response("", mimetype="text/plain")
    return _page(token, read, is_done=True)


@pages.post("/u/again/<path:token>")
def subscribe_again(token: str) -> Response:
    """Undo an unsubscription, from the page that says it is recorded."""
    read = _read(token)
    if read is None:
        return neutral()
    if (said := _unchosen(token, read, "again", AGAIN)) is not None:
        return said
    with reading() as session:
        came = form.came(letter_of(session, read), FormKind.SUBSCRIPTION, read)
    with database().writing() as session:
        message = letter_of(session, read)
        verdict = form.judge(session, message, came)
        if verdict.is_taken:
            because = f"demandé par le lien du courriel {message.public_id}"
            outbox.subscribe_again(session, message, now=now(), because=because)
    if verdict.doubt is not None:
        return _page(token, read, confirms=FormKind.SUBSCRIPTION)
    with reading() as session:
        return page("public/subscribed_again.html", 200, token=token, **_whose(session, letter_of(session, read)))


def _unchosen(token: str, read: Token, name: str, offered: dict[str, str]) -> Response | None:
    """The page again where nothing was chosen, or what changes nothing; None where something is to be done."""
    chosen = request.form.get(name)
    if chosen in UNCHANGED:
        return _page(token, read, is_kept=True)
    return _page(token, read, fault=CHOOSE) if chosen is None or chosen not in offered else None


def _page(
    token: str,
    read: Token,
    *,
    confirms: FormKind | None = None,
    is_done: bool = False,
    is_kept: bool = False,
    fault: str = "",
) -> Response:
    """The page to unsubscribe on, or the one that says since when that is done, with the choice to undo it."""
    with reading() as session:
        message = outbox.message_named(session, read.id)
        shown = _whose(session, message) if message else {}
        is_over = is_done or bool(shown.get("since"))
        kind = FormKind.SUBSCRIPTION if is_over else FormKind.UNSUBSCRIPTION
        seal = form.sealed(message, kind, read) if message else ""
    said = {"confirms": confirms is kind, "is_done": is_done, "is_kept": is_kept, "fault": fault}
    fields = {"token": token, "why": WHY, "again": AGAIN, "seen": seal, "chosen": request.form, **said, **shown}
    return page(f"public/{'unsubscribed' if is_over else 'unsubscribe'}.html", 422 if fault else 200, **fields)


def _whose(session: Session, message: Message) -> dict[str, Any]:
    """What the pages about unsubscribing say of a letter: its sender, whose mailbox it went to, masked, since when."""
    return {
        "sender": letter.sender_of(session, message),
        "authority": session.get(Authority, message.authority_id) if message.authority_id else None,
        "address": masked(message.address),
        "since": outbox.unsubscribed_at(session, message),
        "is_stopped": bool(outbox.in_force(session, [message.address_key])),
        "is_test": outbox.is_test(session, message),
    }


def _how(message: Message) -> str:
    why = posted("why")
    return f"lien du courriel {message.public_id}{f' ({REASONS[why]})' if why in REASONS else ''}"


def _read(token: str) -> Token | None:
    return token_of(token, TokenKind.UNSUBSCRIBE)
