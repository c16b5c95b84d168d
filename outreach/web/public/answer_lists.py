"""Pages of answers by a list: the prepared sheet, sending it back, seeing what it would change, recording it."""

from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as Redirect

from outreach.campaigns.letter import composing
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.waves import answering
from outreach.campaigns.waves.answer_term import AnswerTerm
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Message
from outreach.errors import InputError, NotFound, Refused
from outreach.mail.tokens import Keys, Token, TokenKind
from outreach.responses import answers
from outreach.responses.answer_lists import lines, lists
from outreach.responses.answer_lists.lines import AnswerPlan
from outreach.responses.answers import Earlier, Given, Question
from outreach.responses.kinds import OF_SCHOOLS
from outreach.sent_lists.grids import Opened, grid_of
from outreach.text import whole_number
from outreach.web.public.answer_form import AnswerForm, SchoolList, comment_of
from outreach.web.public.recipient_pages import answered_page, letter_of, page, pages, standing_of
from outreach.web.ui import exports
from outreach.web.ui.fields import posted, posted_number
from outreach.web.ui.request import database, now, reading, settings

HEADERS = (lines.FASE, lines.SCHOOL, "Zone", "Situation", lines.ANSWER)
BIGGEST_FORM = lines.BIGGEST + 10_000  # the file, and what a form has around it
CHANGED = "Vos réponses ont changé entre-temps : relisez ce que la feuille changerait, puis enregistrez."
OVER = "Cette campagne ne prend plus de réponse."


@dataclass(frozen=True, slots=True)
class AskedLetter:
    """A letter that still takes answers: what it asks, what was answered before, whom to ask, who sent it."""

    message: Message
    asked: Question
    before: Earlier
    contact: str
    sender: str

    @classmethod
    def of(cls, session: Session, named: Token) -> "AskedLetter":
        """The letter of a token. Raises NotFound, and Refused once no answer is taken."""
        message = letter_of(session, named)
        asked = answers.question_of(session, message, now=now())
        shared, term = standing_of(session, message)
        if term.stands is AnswerTerm.OVER:
            raise Refused(OVER)
        before, sender = answering.answered_before(session, message), composing.sender_of(session, message)
        return cls(message, asked, before, shared.contact, sender)


@pages.get("/a/sheet/<path:token>")
def answer_sheet(token: str) -> Response | Redirect:
    """The prepared sheet: a row for each school, with its answer so far, and the answers offered in their cells."""
    named = _named(token)
    with reading() as session:
        try:
            letter = AskedLetter.of(session, named)
        except Refused:
            return redirect(url_for(".answer", token=token))
        listed = SchoolList.of(letter.asked, letter.before, AnswerForm())
        rows = [
            (
                row.school.fase,
                row.school.display_name,
                row.school.zone,
                row.at.status.label,
                row.answered.label if row.answered else "",
            )
            for group in listed.groups
            for row in group.schools
        ]
        name = f"reponses-{letter.asked.authority.fase}"
    offered = {HEADERS.index(lines.ANSWER): [answer.label for answer in OF_SCHOOLS]}
    return exports.form(exports.Table("Réponses", HEADERS, rows, offered), "xlsx", name)


@pages.get("/a/lists/<path:token>")
def answer_list(token: str) -> Response | Redirect:
    """Without a list, the page to send one; with its number, what it would change."""
    named = _named(token)
    with reading() as session:
        try:
            letter = AskedLetter.of(session, named)
        except Refused:
            return redirect(url_for(".answer", token=token))
        if "list" not in request.args:
            return _upload_page(letter, token)
        try:
            received = lists.of_letter(session, letter.message, whole_number(request.args["list"]))
        except NotFound as gone:
            return _upload_page(letter, token, str(gone), 404)
        return _check_page(letter, token, received.id, _plan(letter, received.grid))


@pages.post("/a/lists/<path:token>")
def receive_list(token: str) -> Response | Redirect:
    """Read a file and lead to what it would change. It counts before it is read, which may take seconds."""
    named = _named(token)
    try:
        with reading() as session:
            AskedLetter.of(session, named)
        content = _file()
        with database().writing() as session:
            list_id = lists.begin(session, letter_of(session, named), now=now())
        sent = lines.opened(content)
        with database().writing() as session:
            lists.keep(session, list_id, sent)
    except (InputError, Refused, RequestEntityTooLarge) as error:
        return _refused(named, token, error)
    return redirect(url_for(".answer_list", token=token, list=list_id), 303)


@pages.post("/a/lists/application/<path:token>")
def apply_list(token: str) -> Response | Redirect:
    """Record what the page showed; when it would be something else by now, show that instead."""
    named, list_id = _named(token), posted_number("list")
    try:
        with reading() as session:
            letter = AskedLetter.of(session, named)
            received = lists.of_letter(session, letter.message, list_id)
            plan = _plan(letter, received.grid)
            if fault := _unclear(plan):
                return _check_page(letter, token, received.id, plan, fault)
            given = Given(plan.answers(), None, comment_of(posted("comment")))
            total = len(letter.asked.schools)
            is_test = outbox.is_test(session, letter.message)
            number = received.id
        with database().writing() as session:
            message = letter_of(session, named)
            lists.mark_applied(session, message, number, now=now())
            answering.receive(session, message, given, SenderIdentity.of(settings()), now=now())
    except (InputError, Refused, NotFound) as error:
        return _refused(named, token, error)
    if is_test:  # nothing is stored that another page could show
        return answered_page(token, given, total, letter.contact, letter.sender, choice=None)
    return redirect(url_for(".given_answer", token=token), 303)


def _named(token: str) -> Token:
    """The token, which costs no look into the database. Raises NotFound."""
    read = Keys(settings().signing_keys).read(token, TokenKind.ANSWER)
    if read is None:
        raise NotFound("Ce lien ne mène à aucun courriel.")
    return read


def _file() -> bytes:
    """The bytes of the file that was sent. Raises InputError, or RequestEntityTooLarge."""
    sent = request.files.get("file")
    content = sent.read(lines.BIGGEST + 1) if sent else b""
    if not content:
        raise InputError("Choisissez le fichier rempli, puis envoyez-le.")
    return content


def _plan(letter: AskedLetter, grid: str) -> AnswerPlan:
    return lines.plan(grid_of(Opened("", grid)), letter.asked, letter.before)


def _unclear(plan: AnswerPlan) -> str:
    """Why a list that was confirmed is not recorded, or ''."""
    if plan.nothing:
        return plan.nothing
    if posted("seen") != plan.version:
        return CHANGED
    try:
        comment_of(posted("comment"))
    except InputError as error:
        return str(error)
    return ""


def _refused(named: Token, token: str, error: Exception) -> Response | Redirect:
    with reading() as session:
        try:
            letter = AskedLetter.of(session, named)
        except Refused:
            return redirect(url_for(".answer", token=token), 303)
        if isinstance(error, RequestEntityTooLarge):
            return _upload_page(letter, token, lines.TOO_BIG, 413)
        code = 422 if isinstance(error, InputError) else 429 if isinstance(error, Refused) else 404
        return _upload_page(letter, token, str(error), code)


def _upload_page(letter: AskedLetter, token: str, fault: str = "", code: int = 200) -> Response:
    told: dict[str, Any] = {"sender": letter.sender, "asked": letter.asked, "contact": letter.contact}
    return page("public/answer_list.html", code, token=token, fault=fault, **told)


def _check_page(letter: AskedLetter, token: str, list_id: int, plan: AnswerPlan, fault: str = "") -> Response:
    told: dict[str, Any] = {"sender": letter.sender, "asked": letter.asked, "contact": letter.contact, "plan": plan}
    typed = posted("comment")
    return page(
        "public/answer_list_check.html",
        409 if fault else 200,
        token=token,
        list_id=list_id,
        fault=fault,
        typed=typed,
        **told,
    )
