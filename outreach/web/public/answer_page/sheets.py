"""Pages of answers by a list: the prepared sheet, sending it back, seeing what it would change, recording it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as Redirect

from outreach.adherence import programmes
from outreach.campaigns import waves
from outreach.campaigns.letter import sender_of
from outreach.campaigns.waves import AnswerTerm
from outreach.core import tables
from outreach.core.db import Session
from outreach.core.tables import MissingColumns, grid_of
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.typed import whole_number
from outreach.delivery import outbox
from outreach.delivery.letters import FormKind, Token, TokenKind
from outreach.delivery.models import Message
from outreach.engagement import replies
from outreach.engagement.replies import OF_SCHOOLS, AnswerList, AnswerLists, Earlier, Given, NoSheet, Question
from outreach.web.public.answer_page import form
from outreach.web.public.answer_page.form import AnswerForm, SchoolList, comment_of
from outreach.web.public.answer_page.pages import answered_page, letter_of, page, pages, standing_of, token_of
from outreach.web.shared.imports import columns_asked, columns_said, rejected_table
from outreach.web.ui import exports
from outreach.web.ui.fields import posted, posted_number
from outreach.web.ui.request import database, now, reading

HEADERS = (replies.FASE, replies.SCHOOL, "Zone", "Situation", replies.ANSWER)
PROGRAMME = "Programme et volet"  # a last column, where there are several programmes
BIGGEST_FORM = replies.BIGGEST + 10_000  # the file, and what a form has around it


class Over(Refused):
    """A letter that takes no answer any more."""


@pages.errorhandler(Over)
def lead_to_the_answer(over: Over) -> Redirect:  # noqa: ARG001
    """The page of the answer says what holds."""
    return redirect(url_for(".answer", **(request.view_args or {})), 303)


@dataclass(frozen=True, slots=True)
class AskedLetter:
    """A letter that still takes answers: what it asks, what was answered before, whom to ask, who sent it."""

    token: str
    message: Message
    question: Question
    before: Earlier
    contact: str
    sender: str

    @classmethod
    def of(cls, session: Session, token: str) -> "AskedLetter":
        """The letter of a token. Raises NotFound, and Over once no answer is taken."""
        message = letter_of(session, _named(token))
        question = form.question_of(session, message, _named(token))
        shared, term = standing_of(session, message)
        if term.stands is AnswerTerm.OVER:
            raise Over("Cette campagne n’accepte plus de réponse.")
        before, sender = waves.answered_before(session, message), sender_of(session, message)
        return cls(token, message, question, before, shared.contact, sender)

    def kind(self, comment: str = "") -> AnswerLists:
        """The kind of list that its sheets are."""
        return AnswerLists(self.message, self.question, self.before, self._record, comment)

    def _record(self, session: Session, given: Given) -> None:
        read = _named(self.token)
        form.receive(session, letter_of(session, read), given, read)

    def page(self, template: str, code: int, **values: object) -> Response:
        """A page about it."""
        fields = {"token": self.token, "asked": self.question, "contact": self.contact, **values}
        return page(f"public/{template}.html", code, sender=self.sender, **fields)

    def upload_page(self, fault: str = "", code: int = 200) -> Response:
        """The page to send a sheet."""
        return self.page("answer_list", code, fault=fault)

    def check_page(
        self, session: Session, received: AnswerList, fault: str = "", *, confirms: bool = False
    ) -> Response:
        """What a sheet would change. Raises MissingColumns when a person has to say what its columns mean."""
        plan = tables.judge_import(session, self.kind(), received).plan
        fields: dict[str, Any] = {"list_id": received.id, "plan": plan, "fault": fault, "typed": posted("comment")}
        fields["seen"] = form.sealed(self.message, FormKind.ANSWER, _named(self.token))
        fields["confirms"] = confirms
        return self.page("answer_list_check", 409 if fault else 200, **fields)


@contextmanager
def _asked(token: str) -> Iterator[tuple[Session, AskedLetter]]:
    """A session that reads, and the letter of a token in it. A wrong token costs no session."""
    _named(token)
    with reading() as session:
        yield session, AskedLetter.of(session, token)


@pages.errorhandler(NoSheet)
def offer_to_send_it_again(gone: NoSheet) -> Response | Redirect:
    """Where no sheet waits, the page to send one says so, unless no answer is taken any more by now."""
    try:
        with _asked((request.view_args or {})["token"]) as (_, letter):
            return letter.upload_page(str(gone), 404)
    except Over as over:  # Flask hands no error of a handler to another
        return lead_to_the_answer(over)


@pages.get("/a/sheet/<path:token>")
def answer_sheet(token: str) -> Response:
    """The prepared sheet: a row for each school, with its answer so far, and the answers offered in their cells."""
    with _asked(token) as (session, letter):
        listed = SchoolList.of(letter.question, letter.before, AnswerForm())
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
        name = f"reponses-{letter.question.authority.fase}"
        taken = [answer.label for answer in OF_SCHOOLS if letter.question.takes(answer)]
        programme = programmes.name_among_several(session, letter.question.programme)
    table = exports.Table("Réponses", HEADERS, rows, {HEADERS.index(replies.ANSWER): taken})
    if programme:
        code, number = letter.question.programme.code, letter.question.strand.number
        table = exports.with_column(table, PROGRAMME, programmes.strand_in_words(programme, number))
        name = f"{name}-{code}-volet-{number}"
    return exports.form(table, "xlsx", name)


@pages.get("/a/lists/<path:token>")
def answer_list(token: str) -> Response | Redirect:
    """Without a list, the page to send one; with its number, what it would change."""
    with _asked(token) as (session, letter):
        if "list" not in request.args:
            return letter.upload_page()
        try:
            return letter.check_page(session, replies.of_letter(session, letter.message, _number()))
        except MissingColumns:
            return redirect(url_for(".answer_columns", token=token, list=_number()))


@pages.get("/a/lists/rejected.<any(xlsx, csv):kind>/<path:token>")
def rejected_answers(token: str, kind: str) -> Response:
    """The rejected rows, to be corrected and sent again."""
    with _asked(token) as (session, letter):
        judged = tables.judge_import(session, letter.kind(), replies.of_letter(session, letter.message, _number()))
        name = f"lignes-rejetees-{letter.question.authority.fase}"
        return exports.form(rejected_table(replies.HEADERS, judged.left, judged.plan.left_out), kind, name)


@pages.get("/a/lists/columns/<path:token>")
def answer_columns(token: str) -> Response:
    """What each column of a sheet is taken for, to be said otherwise."""
    with _asked(token) as (session, letter):
        received = replies.of_letter(session, letter.message, _number())
        told = columns_asked(replies.HEADERS, grid_of(received))
        return letter.page("answer_list_columns", 200, list_id=received.id, told=told, fault="")


@pages.post("/a/lists/columns/<path:token>")
def match_columns(token: str) -> Response | Redirect:
    """Read this sheet as a person says. It is remembered for no other: who says it is unknown."""
    number = posted_number("list")
    with _asked(token) as (session, letter):
        received = replies.of_letter(session, letter.message, number)
        said = columns_said(replies.HEADERS, grid_of(received))
        try:
            stored = replies.narrow_grid(said)
        except InputError as error:
            told = columns_asked(replies.HEADERS, said)
            return letter.page("answer_list_columns", 422, list_id=received.id, told=told, fault=str(error))
    with database().writing() as session:
        replies.of_letter(session, letter_of(session, _named(token)), number).grid = stored
    return redirect(url_for(".answer_list", token=token, list=number), 303)


@pages.post("/a/lists/<path:token>")
def receive_list(token: str) -> Response | Redirect:
    """Read a file and lead to what it would change. It counts before it is read, which may take seconds."""
    with _asked(token):
        pass
    try:
        content = _file()
        with database().writing() as session:
            list_id = replies.begin_sheet(session, letter_of(session, _named(token)), now=now())
        sent = replies.open_sheet(content)
        with database().writing() as session:
            replies.keep_sheet(session, list_id, sent)
    except InputError as error:
        fault, code = str(error), 422
    except Refused as error:
        fault, code = str(error), 429
    except RequestEntityTooLarge:
        fault, code = replies.TOO_BIG, 413
    else:
        return redirect(url_for(".answer_list", token=token, list=list_id), 303)
    with _asked(token) as (_, letter):
        return letter.upload_page(fault, code)


@pages.post("/a/lists/application/<path:token>")
def apply_list(token: str) -> Response | Redirect:
    """Record what the page showed; when it would be something else by now, show that instead."""
    number, shown = posted_number("list") or 0, posted("plan")
    try:
        comment = comment_of(posted("comment"))
        with _asked(token) as (session, letter):
            kind = letter.kind(comment)
            judged = tables.judge_import(session, kind, replies.of_letter(session, letter.message, number))
            is_test, given = outbox.is_test(session, letter.message), Given(judged.plan.answers(), None, comment)
            came = form.came(letter.message, FormKind.ANSWER, _named(token), given)
            if is_test and not judged.plan.nothing:  # nothing is stored that another page could show
                total = len(letter.question.schools)
                return answered_page(token, given, total, letter.contact, letter.sender, choice=None)
        with database().writing() as session:
            verdict = form.judge(session, letter_of(session, _named(token)), came)
            if verdict.is_taken:
                replies.apply_sheet(session, kind, number, judged, now=now(), seen=shown)
    except Over:
        raise
    except (InputError, Refused) as error:
        return _not_recorded(token, number, str(error))
    if verdict.doubt is not None:
        with _asked(token) as (session, letter):
            return letter.check_page(session, replies.of_letter(session, letter.message, number), confirms=True)
    return redirect(url_for(".given_answer", token=token), 303)


def _not_recorded(token: str, number: int, fault: str) -> Response:
    """Why a sheet was not recorded, above what it would change now. Raises NoSheet where none waits."""
    with _asked(token) as (session, letter):
        return letter.check_page(session, replies.of_letter(session, letter.message, number), fault)


def _named(token: str) -> Token:
    """The token, which costs no look into the database. Raises NotFound."""
    read = token_of(token, TokenKind.ANSWER)
    if read is None:
        raise NotFound("Ce lien ne mène à aucun courriel.")
    return read


def _number() -> int | None:
    return whole_number(request.args.get("list", ""))


def _file() -> bytes:
    """The bytes of the file that was sent. Raises InputError, or RequestEntityTooLarge."""
    sent = request.files.get("file")
    content = sent.read(replies.BIGGEST + 1) if sent else b""
    if not content:
        raise InputError("Choisissez le fichier rempli, puis envoyez-le.")
    return content
