"""Pages that letters link to: no account, session or cookie; a GET stores nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.adherence import programmes
from outreach.adherence.programmes import name_among_several
from outreach.campaigns import letter, waves
from outreach.campaigns.letter import SenderIdentity, Shared
from outreach.campaigns.waves import AnswerTerm, Receipt, Term
from outreach.core import erasure, site
from outreach.core.db import NO_ANSWER, Session
from outreach.core.site import StatementKind
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import initial, spelt_day, typeset
from outreach.core.text.typed import CONTROLS
from outreach.delivery import outbox
from outreach.delivery.letters import INERT, FormKind, Keys, Token, TokenKind
from outreach.delivery.models import Message
from outreach.engagement import replies, tracking
from outreach.engagement.replies import OF_SCHOOLS, Given, Question
from outreach.operations import retention
from outreach.staff import proposals
from outreach.staff.proposals import Proposal
from outreach.web.public.answer_page import form as answer_form
from outreach.web.public.answer_page import own_file
from outreach.web.public.answer_page.form import MANY, AnswerForm, BothChosen, SchoolList, is_by_code
from outreach.web.public.tracking_choice import MeasureOutcome, left_unsaved, shown_measure, unsaved_measure
from outreach.web.ui.fields import posted, pressed
from outreach.web.ui.letter_frame import ONLINE
from outreach.web.ui.request import database, now, reading, settings

pages = Blueprint("public", __name__)
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
LONGEST_ZONE = 60  # as the register has it


@pages.after_request
def keep_to_itself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response


@pages.errorhandler(NotFound)
def know_nothing(error: NotFound) -> Response:  # noqa: ARG001
    """What no token leads to has one page, that says no more."""
    return neutral()


@pages.get("/v/<path:token>")
def view(token: str) -> Response:
    read = token_of(token, TokenKind.VIEW)
    with reading() as session:
        message = outbox.message_named(session, read.id) if read else None
        if message is None or not erasure.is_open(message.address_key, ()):
            return neutral()
        html = letter.as_read(session, message, sending(), now=now())
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = ONLINE
    return response


@pages.get("/c/<path:token>")
def click(token: str) -> Response:  # noqa: ARG001
    """Answer links that are not ours. Our own links are handled before they reach this page."""
    return neutral()


@pages.get("/a/<path:token>")
def answer(token: str) -> Response:
    read = token_of(token, TokenKind.ANSWER)
    with reading() as session:
        message = outbox.message_named(session, read.id) if read else None
        return neutral() if message is None else _question_page(session, message, token)


@pages.post("/a/<path:token>")
def give_answer(token: str) -> Response | Redirect:
    """Record an answer, and lead to the page that says so. `show` only shows the schools that the filter leaves."""
    read, form, fault, code = token_of(token, TokenKind.ANSWER), AnswerForm.of(request.form), None, 200
    try:
        with reading() as session:
            message = letter_of(session, read)
            if pressed("show"):
                return _question_page(session, message, token, form)
            question = answer_form.question_of(session, message, read)
            shared, term = standing_of(session, message)
            if term.stands is AnswerTerm.OVER:
                return _question_page(session, message, token, form)
            given = form.sent(question, waves.answered_before(session, message))
            given = answer_form.added(given, session, message, request.form)
            unsaved, sender = unsaved_measure(session, message), letter.sender_of(session, message)
            seal = answer_form.sealed(message, FormKind.MEASURE, read)
            is_test, came = outbox.is_test(session, message), answer_form.came(message, FormKind.ANSWER, read, given)
        with database().writing() as session:
            message = letter_of(session, read)
            verdict = answer_form.judge(session, message, came)
            if verdict.is_taken:
                answer_form.receive(session, message, given, read)
        if verdict.doubt is None and is_test:  # nothing is stored that another page could show
            return answered_page(token, given, len(question.schools), shared.contact, sender, seen=seal, **unsaved)
        if verdict.doubt is None:
            kept: dict[str, Any] = {**_kept(form), **left_unsaved(unsaved)}
            return redirect(url_for(".given_answer", token=token, **kept), 303)
    except (InputError, Refused) as error:
        fault, code = error, 422 if isinstance(error, InputError) else 429
    with reading() as session:
        return _question_page(session, letter_of(session, read), token, form, fault, code, confirms=fault is None)


@pages.get("/a/given/<path:token>")
def given_answer(token: str) -> Response | Redirect:
    """What was answered last."""
    read = token_of(token, TokenKind.ANSWER)
    try:
        with reading() as session:
            message = letter_of(session, read)
            question = answer_form.question_of(session, message, read)
            shared, term = standing_of(session, message)
            receipt, reports = waves.last_receipt(session, message), proposals.of_form(session, message)
            if not (receipt or reports) or term.stands is AnswerTerm.OVER:
                return redirect(url_for(".answer", token=token))
            at = max([*(one.proposed_at for one in reports), *([receipt.given_at] if receipt else [])])
            receipt = receipt if receipt and receipt.given_at == at else None
            reports = proposals.of_form(session, message, at)
            unsaved, sender = unsaved_measure(session, message), letter.sender_of(session, message)
            unsaved["seen"] = answer_form.sealed(message, FormKind.MEASURE, read)
            if replies.form_at(session, message, at) is not None:
                unsaved["undoes"] = {"answer": receipt.number} if receipt else {"report": reports[0].id}
            return answered_page(token, receipt, len(question.schools), shared.contact, sender, reports, **unsaved)
    except NotFound:
        return neutral()


@pages.get("/a/file/<path:token>")
def mailbox_file(token: str) -> Response:
    """All of the mailbox's own file, a page of its schools at a time; once answers are over, the contact alone.

    A letter on paper reaches whoever opens it, so that its code leads to no mailbox's file.
    """
    read = token_of(token, TokenKind.ANSWER)
    if is_by_code(read):
        return neutral()
    try:
        with reading() as session:
            message = letter_of(session, read)
            shared, term = standing_of(session, message)
            if term.stands is AnswerTerm.OVER:
                return _question_page(session, message, token)
            file = own_file.asked_page(request, session, message, shared.contact, now=now())
            sender = letter.sender_of(session, message)
            return page("public/file.html", 200, token=token, sender=sender, **file)
    except NotFound:
        return neutral()


@pages.post("/a/measure/<path:token>")
def choose_measure(token: str) -> Response:
    """One box decides both ways, so that withdrawing an agreement is as easy as giving it."""
    read, agrees, words = token_of(token, TokenKind.ANSWER), pressed("measure"), posted("wording")
    if is_by_code(read):  # no mailbox decides
        return neutral()
    try:
        with reading() as session:
            came = answer_form.came(letter_of(session, read), FormKind.MEASURE, read)
        with database().writing() as session:
            message = letter_of(session, read)
            verdict = answer_form.judge(session, message, came)
            if verdict.is_taken and agrees:
                tracking.agree_to_tracking(session, message, words, now=now())
            elif verdict.is_taken:
                tracking.withdraw_consent(session, message, now=now())
        if verdict.doubt is not None:
            return _measure_page(token, read, confirms=True)
    except NotFound:
        return neutral()
    except (InputError, Refused) as error:
        return _measure_page(token, read, fault=str(error), code=422 if isinstance(error, InputError) else 429)
    return _measure_page(token, read)


@pages.get("/accessibility")
def accessibility() -> Response:
    return _statement_page("public/accessibility.html", StatementKind.ACCESSIBILITY)


@pages.get("/data-protection")
def data_protection() -> Response:
    return _statement_page("public/data_protection.html", StatementKind.DATA_PROTECTION)


def _statement_page(template: str, kind: StatementKind) -> Response:
    """A statement with the service's own version of it, and the periods that hold.

    Without that version while nobody filled it in, and with the file's periods while the database is away.
    """
    held, is_unread, rules = None, False, retention.RULES
    try:
        with reading() as session:
            held = site.current_statement(session, kind)
            rules = retention.in_force(session)
    except NO_ANSWER as error:
        database().note_fault(error)
        is_unread = True
    durations = {rule.name: rule.duration for rule in rules}
    shown: dict[str, Any] = {"rules": rules, "kept": retention.KEPT, "durations": durations}
    shown["sorting_list"] = settings().sorting_list
    return page(template, 200, held=held, is_unread=is_unread, **shown)


def letter_of(session: Session, read: Token | None) -> Message:
    """The letter that a token names. Raises NotFound."""
    message = outbox.message_named(session, read.id) if read else None
    if message is None:
        raise NotFound("Ce lien ne mène à aucun courriel.")
    return message


def standing_of(session: Session, message: Message) -> tuple[Shared, Term]:
    """What a letter says to all its recipients, and where an answer from it stands now."""
    shared = letter.facts_of(session, message, sending(), now=now()).shared
    return shared, waves.term_of(session, message, shared.deadline, now=now())


def _question_page(
    session: Session,
    message: Message,
    token: str,
    typed: AnswerForm | None = None,
    fault: InputError | Refused | None = None,
    code: int = 200,
    *,
    confirms: bool = False,
    measured: MeasureOutcome | None = None,
) -> Response:
    read = token_of(token, TokenKind.ANSWER)
    try:
        question = answer_form.question_of(session, message, read)
    except NotFound:
        return neutral()
    shared, term = standing_of(session, message)
    sender = letter.sender_of(session, message)
    by_code = is_by_code(read)
    if term.stands is AnswerTerm.OVER:
        measure = {"choice": None} if by_code else shown_measure(session, message, {})
        seal = answer_form.sealed(message, FormKind.MEASURE, read)
        return page("public/answers_over.html", 200, sender=sender, shared=shared, token=token, seen=seal, **measure)
    before = waves.answered_before(session, message)
    place = answer_form.place_of(fault, question)
    choice = request.args.get("choice", "")
    link, named = settings().address + url_for(".answer", token=token), name_among_several(session, question.programme)
    form = typed.settled() if typed else AnswerForm.opened(before, choice, request.args)
    return page(
        "public/answer.html",
        code,
        sender=sender,
        token=token,
        **({} if by_code else own_file.of_mailbox(session, message, shared.contact, measured, now=now())),
        is_by_code=by_code,
        measured=measured,
        asked=question,
        shared=shared,
        term=term,
        reports=proposals.reported(session, message),
        here=message.id,
        forwarding=Forwarding.of(question, shared.deadline, link, named),
        before=before,
        answers=answer_form.offered(question),
        own=[*filter(question.takes, OF_SCHOOLS)],
        form=form,
        seen=answer_form.sealed(message, FormKind.ANSWER, read),
        proposed=None if typed else answer_form.proposed(question, before, choice),
        unsent=form.unsent(question, before),
        recorded=answer_form.recorded(question, form),
        who=answer_form.shown(session, message, request.form, place),
        schools=SchoolList.of(question, before, form) if len(question.open()) > MANY else None,
        fault=str(fault or ""),
        faulty=place,
        confirms=confirms,
        is_told=form.is_told or isinstance(fault, BothChosen),
    )


def answered_page(
    token: str,
    given: Given | Receipt | None,
    total: int,
    contact: str,
    sender: str,
    reports: Sequence[Proposal] = (),
    **unsaved: Any,
) -> Response:
    """The receipt with the schools reported, or what a test letter's page was given, of so many schools.

    With it stands the box of the measure when it was changed and not saved.
    """
    receipt = given if isinstance(given, Receipt) else None
    fields = {"given": given, "receipt": receipt, "reports": reports, "total": total, "contact": contact}
    fields["is_test"] = isinstance(given, Given)
    fields["is_by_code"] = is_by_code(token_of(token, TokenKind.ANSWER))
    shown = AnswerForm(zone=request.values.get("zone", ""), status=request.values.get("status", ""))
    return page("public/answered.html", 200, sender=sender, token=token, kept=_kept(shown), **fields, **unsaved)


def _kept(form: AnswerForm) -> dict[str, str]:
    """The filter of the list of schools, for an address; none that is longer than any zone's name."""
    shown = (("zone", form.zone), ("status", form.status))
    return {name: value for name, value in shown if 0 < len(value) <= LONGEST_ZONE}


def _measure_page(
    token: str, read: Token | None, *, fault: str = "", code: int = 200, confirms: bool = False
) -> Response:
    """The outcome of a choice: on the page of answers when it was made there, with all that was typed."""
    with reading() as session:
        message = letter_of(session, read)
        shown = shown_measure(session, message, request.form, confirms=confirms)
        measured = MeasureOutcome(fault, confirms, holds=bool(shown["choice"] and shown["choice"].basis))
        if posted("page") == "answer":
            return _question_page(session, message, token, AnswerForm.of(request.form), code=code, measured=measured)
        fields = {
            "fault": fault,
            "measured": measured,
            "seen": answer_form.sealed(message, FormKind.MEASURE, read),
            **shown,
        }
        return page("public/measure.html", code, sender=letter.sender_of(session, message), token=token, **fields)


def sending() -> SenderIdentity:
    """Who this installation sends as."""
    return SenderIdentity.of(settings())


def token_of(token: str, kind: TokenKind) -> Token | None:
    """What the token of an address says; None where it is none of ours, or of another kind."""
    return Keys(settings().signing_keys).read(token, kind)


def neutral() -> Response:
    """The one page of what no token leads to."""
    is_of_a_preview = (request.view_args or {}).get("token") == INERT
    return page("public/unknown.html", 404, is_of_a_preview=is_of_a_preview)


def page(template: str, code: int, *, sender: str = "", **values: object) -> Response:
    """A public page; `sender` is who sent the letter that leads to it, or '' where no letter is known."""
    return Response(render_template(template, sender=sender, **values), code, mimetype="text/html")


DELIMITERS = "!$*(),:@"  # a part may have these as they are (RFC 6068 §2)
SUBJECT = "Où en sont nos écoles ? {about}, à répondre au plus tard le {day} (FASE {fase})"
TEXT = """Bonjour,

Le ministère demande où en sont nos écoles pour le volet {strand}{of} ({named}), à répondre au plus tard le {day}.

La page pour répondre : {address}

Toute personne qui a ce lien peut répondre pour {authority} : ne le transmettez pas plus loin.
"""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A subject and a text, ready to be sent by somebody else."""

    subject: str
    text: str

    @classmethod
    def of(cls, asked: Question, deadline: date, address: str, programme: str = "") -> "Forwarding":
        """The words about what a letter asks; `address` is that of its answer page.

        `programme` is the name of the strand's programme where there are several.
        """
        strand, authority = asked.strand, asked.authority
        named = f"{strand.name}, circulaire {strand.circular}" if strand.circular else strand.name
        about, of = initial(programmes.strand_in_words(programme, strand.number)), programmes.of_programme(programme)
        fields = {"strand": strand.number, "of": of, "day": spelt_day(deadline), "fase": authority.fase}
        name = CONTROLS.sub("", authority.display_name)
        text = TEXT.format(named=named, authority=name, address="((address))", **fields)
        return cls(typeset(SUBJECT.format(about=about, **fields)), typeset(text).replace("((address))", address))

    @property
    def mailto(self) -> str:
        """The address that opens a mail program with it (RFC 6068)."""
        body = self.text.replace("\n", "\r\n")
        return f"mailto:?subject={quote(self.subject, safe=DELIMITERS)}&body={quote(body, safe=DELIMITERS)}"
