"""The page « Ce n’est pas nous »: from the receipt of an answer, undo all that this answer did, and nothing else.

As on every page of a letter, a choice is touched and sent by a person; the first and the last one change nothing.
"""

from typing import Any

from flask import Response, request

from outreach.campaigns import letter, waves
from outreach.core.db import Session
from outreach.core.text.typed import whole_number
from outreach.delivery.letters import FormKind, Token, TokenKind
from outreach.delivery.models import Message
from outreach.engagement import replies
from outreach.engagement.replies import FormState, SentForm, WithdrawalReason
from outreach.staff import proposals
from outreach.staff.proposals import Proposal
from outreach.web.public.answer_page import form as forms_sent
from outreach.web.public.answer_page.pages import letter_of, page, pages, standing_of, token_of
from outreach.web.ui.fields import posted
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
    return _page(token)


@pages.post("/a/undo/<path:token>")
def disown(token: str) -> Response:
    """Undo one answer of a letter, with all that it did."""
    read, named, whose = _read(token), _named(), posted("whose")
    if whose not in WHOSE:
        return _page(token, fault="Choisissez une réponse.")
    if whose != NOT_OURS:
        return _page(token, is_kept=True)
    with reading() as session:
        came = forms_sent.came(letter_of(session, read), FormKind.UNDOING, read)
    undone = ""
    with database().writing() as session:
        message = letter_of(session, read)
        form = _form(session, message, named)
        receipt = waves.receipt_at(session, message, form.at) if form else None
        verdict = forms_sent.judge(session, message, came) if form is not None else None
        if form is not None and verdict is not None and verdict.is_taken:
            forms_sent.undo_answer(session, message, form.at, WithdrawalReason.NOT_OURS)
            form.state, form.changed_at = FormState.UNDONE, now()
            undone = f"Votre réponse {receipt.reference} est annulée" if receipt else "Votre signalement est annulé"
    return _page(token, confirms=verdict is not None and verdict.doubt is not None, undone=undone)


def _page(token: str, *, confirms: bool = False, is_kept: bool = False, fault: str = "", undone: str = "") -> Response:
    """The answer that would be undone; where it is there no more, the page says so, and what was `undone` just now."""
    with reading() as session:
        told = _told(session, letter_of(session, _read(token)), token)
    told |= {"confirms": confirms, "is_kept": is_kept, "fault": fault, "whose": WHOSE, "chosen": posted("whose")}
    told["undone"] = undone
    return page("public/disown.html", 422 if fault else 200, token=token, named=_named(), **told)


def _named() -> tuple[str, int | None]:
    """What names the form that would be undone: a response that it gave, or else a school that it reported."""
    name = "report" if "report" in request.values else "answer"
    return name, whole_number(request.values.get(name, ""))


def _form(session: Session, message: Message, named: tuple[str, int | None]) -> SentForm | None:
    name, number = named
    if name == "answer":
        return replies.form_of(session, message, number)
    made = session.get(Proposal, number) if number is not None else None
    return replies.form_at(session, message, made.proposed_at) if made and made.message_id == message.id else None


def _told(session: Session, message: Message, token: str) -> dict[str, Any]:
    question = forms_sent.question_of(session, message, _read(token))
    form = _form(session, message, _named())
    return {
        "form": form,
        "receipt": waves.receipt_at(session, message, form.at) if form else None,
        "reports": proposals.of_form(session, message, form.at) if form else [],
        "total": len(question.schools),
        "contact": standing_of(session, message)[0].contact,
        "sender": letter.sender_of(session, message),
        "seen": forms_sent.sealed(message, FormKind.UNDOING, _read(token)),
    }


def _read(token: str) -> Token | None:
    return token_of(token, TokenKind.ANSWER)
