"""The page « C’est toujours la bonne adresse ? »: confirms a mailbox, or asks for another; a colleague decides.

Opening it changes nothing. By the code of a letter on paper it shows nothing of any mailbox.
"""

from typing import Any

from flask import Response, request

from outreach.campaigns import letter, waves
from outreach.core import erasure
from outreach.core.db import Session
from outreach.core.text.addresses import Judgement, masked
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery import outbox
from outreach.delivery.letters import FormKind, Token, TokenKind
from outreach.delivery.models import Message
from outreach.directory import confirmations
from outreach.directory.models import Authority, Contact
from outreach.staff import asked_addresses
from outreach.staff.asked_addresses import AskedAddress
from outreach.web.public.answer_page import form as forms_sent
from outreach.web.public.answer_page.form import MIXED, ROBOT, is_by_code
from outreach.web.public.answer_page.pages import letter_of, page, pages, sending, standing_of, token_of
from outreach.web.ui.fields import posted
from outreach.web.ui.request import database, judged, now, reading

__all__ = ["pages"]
WITH_ADDRESS = (AskedAddress.OTHER, AskedAddress.MORE)


@pages.get("/a/address/<path:token>")
def address(token: str) -> Response:
    return _page(token)


@pages.post("/a/address/<path:token>")
def ask_address(token: str) -> Response:
    """Record what is said of the mailbox of a letter."""
    read = token_of(token, TokenKind.ANSWER)
    try:
        asked, typed = _asked(read), _typed()
        with reading() as session:
            message = _letter(session, read)
            came, is_test = forms_sent.came(message, FormKind.ADDRESS, read), outbox.is_test(session, message)
        with database().writing() as session:
            message = letter_of(session, read)
            verdict = forms_sent.judge(session, message, came)
            if verdict.is_taken and not is_test:
                by_code, at = is_by_code(read), now()
                asked_addresses.record(session, message, asked, typed, sending(), by_code=by_code, now=at)
    except (InputError, Refused) as error:
        return _page(token, fault=str(error), code=422 if isinstance(error, InputError) else 429)
    return _page(token, confirms=asked) if verdict.doubt is not None else _page(token, done=asked)


def _asked(read: Token | None) -> AskedAddress:
    value = posted("asked")
    if value not in [*AskedAddress] or (is_by_code(read) and value != AskedAddress.MORE):
        raise InputError("Choisissez une réponse.")
    return AskedAddress(value)


def _typed() -> Judgement | None:
    """The address that is asked for. Raises InputError on none, on two alphabets, and on one that nobody reads."""
    if posted("asked") not in WITH_ADDRESS:
        return None
    if not posted("address"):
        raise InputError("Indiquez l’adresse à laquelle vous écrire.")
    typed = judged(posted("address"))
    if typed.warnings:
        raise InputError(MIXED if typed.mixed_writing else ROBOT)
    return typed


def _page(token: str, *, code: int = 200, **told: Any) -> Response:
    read = token_of(token, TokenKind.ANSWER)
    with reading() as session:
        message = _letter(session, read)
        shown = {"address": "", "last": None} if is_by_code(read) else _mailbox(session, message)
        shown |= {
            "authority": session.get_one(Authority, message.authority_id),
            "sender": letter.sender_of(session, message),
            "contact": standing_of(session, message)[0].contact,
            "seen": forms_sent.sealed(message, FormKind.ADDRESS, read),
            "is_by_code": is_by_code(read),
            "is_test": outbox.is_test(session, message),
        }
    return page("public/address.html", code, token=token, asked=AskedAddress, typed=request.form, **shown, **told)


def _letter(session: Session, read: Token | None) -> Message:
    """The letter of a campaign, or its test, that a token names. Raises NotFound."""
    message = letter_of(session, read)
    is_ours = waves.campaign_of(session, message) or outbox.is_test(session, message)
    if message.authority_id is None or not is_ours or not erasure.is_open(message.address_key, ()):
        raise NotFound("Ce lien ne mène à aucune boîte.")
    return message


def _mailbox(session: Session, message: Message) -> dict[str, Any]:
    """What whoever has a letter sees of its mailbox: masked, and when it was last confirmed."""
    theirs = (Contact.authority_id == message.authority_id, Contact.address_key == message.address_key)
    last = confirmations.latest(session, *theirs)
    return {"address": masked(message.address), "last": next(iter(last.values()), None)}
