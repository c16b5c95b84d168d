"""The page « Ce n’est pas nous »: from the receipt of an answer, undo all that this answer did, and nothing else.

As on every page of a letter, a choice is touched and sent by a person; the first and the last one change nothing.
"""

from typing import Any

from flask import Response, request

from outreach.campaigns.letter import composing
from outreach.campaigns.waves import answering, receipts
from outreach.core.db import Session
from outreach.core.text.typed import whole_number
from outreach.delivery.letters.seen import FormKind
from outreach.delivery.letters.tokens import Token, TokenKind
from outreach.delivery.models import Message
from outreach.engagement.replies import sent_forms
from outreach.engagement.replies.models import FormState, WithdrawalReason
from outreach.web.public.answer_page import form as forms_sent
from outreach.web.public.answer_page.pages import letter_of, page, pages, standing_of, token_of
from outreach.web.ui.fields import posted, posted_number
from outreach.web.ui.request import database, now, reading

__all__ = ["pages"]
NOT_OURS = "not_ours"
WHOSE = {
    "ours": "Cette réponse est bien la nôtre",
    NOT_OURS: "Ce n’est pas nous : annuler cette réponse",
    "unknown": "Nous ne savons pas",
}


@pages.get("/a/undo/<path:token>")
def disowning(token: str) -> Response:
    return _page(token, whole_number(request.args.get("answer", "")))


@pages.post("/a/undo/<path:token>")
def disown(token: str) -> Response:
    """Undo one answer of a letter, with all that it did."""
    read, number, whose = _read(token), posted_number("answer"), posted("whose")
    if whose not in WHOSE:
        return _page(token, number, fault="Choisissez une réponse.")
    if whose != NOT_OURS:
        return _page(token, number, is_kept=True)
    with reading() as session:
        came = forms_sent.came(letter_of(session, read), FormKind.UNDOING, read)
    with database().writing() as session:
        message = letter_of(session, read)
        form = sent_forms.form_of(session, message, number)
        verdict = forms_sent.judge(session, message, came) if form is not None else None
        if form is not None and verdict is not None and verdict.is_taken:
            answering.undo(session, message, form.at, now=now(), because=WithdrawalReason.NOT_OURS)
            form.state, form.changed_at = FormState.UNDONE, now()
    return _page(token, number, confirms=verdict is not None and verdict.doubt is not None)


def _page(
    token: str, number: int | None, *, confirms: bool = False, is_kept: bool = False, fault: str = ""
) -> Response:
    """The answer that would be undone; where it is there no more, the page says so."""
    with reading() as session:
        told = _told(session, letter_of(session, _read(token)), token, number)
    told |= {"confirms": confirms, "is_kept": is_kept, "fault": fault, "whose": WHOSE, "chosen": posted("whose")}
    return page("public/disown.html", 422 if fault else 200, token=token, number=number, **told)


def _told(session: Session, message: Message, token: str, number: int | None) -> dict[str, Any]:
    asked = forms_sent.question_of(session, message, _read(token))
    form = sent_forms.form_of(session, message, number)
    return {
        "receipt": receipts.at(session, message, form.at) if form else None,
        "total": len(asked.schools),
        "contact": standing_of(session, message)[0].contact,
        "sender": composing.sender_of(session, message),
        "seen": forms_sent.sealed(message, FormKind.UNDOING, _read(token)),
    }


def _read(token: str) -> Token | None:
    return token_of(token, TokenKind.ANSWER)
