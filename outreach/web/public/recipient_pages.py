"""Pages that letters link to, and two statements: no account, session or cookie; a GET stores nothing."""

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, Response, render_template, request

from outreach.campaigns.letter import composing
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.waves import answer_term, answering
from outreach.campaigns.waves.answer_term import AnswerTerm
from outreach.db import Session
from outreach.delivery.ledger import outbox, suppressions
from outreach.delivery.models import Message, MessageState
from outreach.errors import InputError, NotFound, Refused
from outreach.mail.tokens import INERT, Keys, Token, TokenKind, hidden
from outreach.text import CONTROLS
from outreach.tracking import answers, consent
from outreach.tracking.answers import Given, Question
from outreach.tracking.models import Answer
from outreach.web.ui.frame import database, judged, now, settings

# For a letter in a browser: inline styles, no scripts, images of this site only (its pixel: reading it counts as an
# opening).
LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
pages = Blueprint("public", __name__)
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
TOO_SOON = timedelta(seconds=3)  # a scanner submits forms as soon as a letter arrives; a person reads first
LONGEST_COMMENT = 2000
REQUESTS = (Answer.HELP, Answer.WRONG_CONTACT)
WHY = {"": "Sans raison donnée", "person": "Je ne suis pas la bonne personne", "many": "Trop de courriels"}


@pages.after_request
def keep_to_itself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response


@pages.get("/v/<path:token>")
def view(token: str) -> Response:
    read = _read(token, TokenKind.VIEW)
    with database().reading() as session:
        message = outbox.message_named(session, read.id) if read else None
        if message is None:
            return _neutral()
        html = composing.as_read(session, message, _sending(), now=now())
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    return response


@pages.get("/c/<path:token>")
def click(token: str) -> Response:  # noqa: ARG001
    """Answer links that are not ours. `hit_endpoint` handles our own links before they reach this page."""
    return _neutral()


@pages.get("/a/<path:token>")
def answer(token: str) -> Response:
    read = _read(token, TokenKind.ANSWER)
    with database().reading() as session:
        message = outbox.message_named(session, read.id) if read else None
        if message is None:
            return _neutral()
        return _question_page(session, message, token, typed={"answer": request.args.get("choice", "")})


@pages.post("/a/<path:token>")
def give_answer(token: str) -> Response:
    read = _read(token, TokenKind.ANSWER)
    try:
        with database().reading() as session:
            message = _message(session, read)
            asked = answers.question_of(session, message, now=now())
            shared = composing.facts_of(session, message, _sending(), now=now()).shared
            term = answer_term.term_of(session, message, shared.deadline, now=now())
            if term.stands is AnswerTerm.OVER or not _is_human(message):
                return _question_page(session, message, token, typed=request.form, confirms=True)
            given = _given(asked)
            is_test = outbox.is_test(session, message)
        with database().writing() as session:
            answering.receive(session, _message(session, read), given, _sending(), now=now())
    except NotFound:
        return _neutral()
    except (InputError, Refused) as error:
        fault, code = str(error), 422 if isinstance(error, InputError) else 429
    else:
        return _page("public/answered.html", 200, token=token, contact=shared.contact, given=given, is_test=is_test)
    with database().reading() as session:
        return _question_page(session, _message(session, read), token, request.form, fault, code)


@pages.post("/a/measure/<path:token>")
def choose_measure(token: str) -> Response:
    """One box decides both ways, so that withdrawing an agreement is as easy as giving it."""
    read, agrees, words = _read(token, TokenKind.ANSWER), "measure" in request.form, request.form.get("wording", "")
    try:
        with database().reading() as session:
            is_certain = not agrees or _is_human(_message(session, read))
        if not is_certain:
            return _measure_page(token, read, confirms=True)
        with database().writing() as session:
            if agrees:
                consent.agree(session, _message(session, read), words, now=now())
            else:
                consent.withdraw(session, _message(session, read), now=now())
    except NotFound:
        return _neutral()
    except (InputError, Refused) as error:
        return _measure_page(token, read, fault=str(error), code=422 if isinstance(error, InputError) else 429)
    return _measure_page(token, read)


@pages.get("/u/<path:token>")
def unsubscription(token: str) -> Response:
    read = _read(token, TokenKind.UNSUBSCRIBE)
    return _page("public/unsubscribe.html", 200, token=token, why=WHY, confirms=False) if read else _neutral()


@pages.post("/u/<path:token>")
def unsubscribe(token: str) -> Response:
    read = _read(token, TokenKind.UNSUBSCRIBE)
    if read is None:
        return _neutral()
    is_one_click = request.form.get("List-Unsubscribe") == "One-Click"  # RFC 8058 §3.2: sent by a mail program
    with database().reading() as session:
        message = outbox.message_named(session, read.id)
    if message is not None and not is_one_click and not _is_human(message):
        return _page("public/unsubscribe.html", 200, token=token, why=WHY, confirms=True)
    if message is not None:
        how = _how(message)
        with database().writing() as session:
            if (message := outbox.message_named(session, read.id)) is not None:
                suppressions.unsubscribe(session, message, now=now(), detail=how)
    if is_one_click:
        return Response("", mimetype="text/plain")
    return _page("public/unsubscribed.html", 200)


@pages.get("/accessibility")
def accessibility() -> Response:
    return _page("public/accessibility.html", 200)


@pages.get("/data-protection")
def data_protection() -> Response:
    return _page("public/data_protection.html", 200)


def _message(session: Session, read: Token | None) -> Message:
    """The letter that a token names. Raises NotFound."""
    message = outbox.message_named(session, read.id) if read else None
    if message is None:
        raise NotFound("Ce lien ne mène à aucun courriel.")
    return message


def _how(message: Message) -> str:
    why = request.form.get("why", "")
    given = f" ({WHY[why].lower()})" if why in WHY and why else ""
    return f"lien du courriel {message.public_id}{given}"


def _is_human(message: Message) -> bool:
    """Whether a form comes from a person. One sent within 3 s of the relay's acceptance has to be confirmed."""
    if request.form.get("confirmed") == "1" or message.state is not MessageState.ACCEPTED:
        return True
    return message.settled_at is None or now() - message.settled_at > TOO_SOON


def _given(asked: Question) -> Given:
    """The content of the form. Raises InputError, naming the field."""
    chosen = request.form.get("answer", "")
    comment = hidden(request.form.get("comment", "").strip())
    if len(comment) > LONGEST_COMMENT or CONTROLS.search(comment):
        raise InputError("Le commentaire dépasse 2 000 caractères, ou contient un caractère interdit.")
    for_all = Answer(chosen) if chosen in set(Answer) else None
    by_school: dict[int, Answer] = {}
    for school in asked.open():
        own = request.form.get(f"school-{school.fase}", "")
        mine = Answer(own) if own in set(Answer) and Answer(own) not in REQUESTS else for_all
        if mine is not None and mine not in REQUESTS:
            by_school[school.id] = mine
    wanted = for_all if for_all in REQUESTS else None
    return Given(by_school, wanted, comment, _proposed() if wanted is Answer.WRONG_CONTACT else "")


def _proposed() -> str:
    typed = request.form.get("proposed", "").strip()
    return judged(typed).address if typed else ""


def _question_page(
    session: Session,
    message: Message,
    token: str,
    typed: Mapping[str, str],
    fault: str = "",
    code: int = 200,
    *,
    confirms: bool = False,
) -> Response:
    try:
        asked = answers.question_of(session, message, now=now())
    except NotFound:
        return _neutral()
    shared = composing.facts_of(session, message, _sending(), now=now()).shared
    term = answer_term.term_of(session, message, shared.deadline, now=now())
    if term.stands is AnswerTerm.OVER:
        return _page("public/answers_over.html", 200, shared=shared, token=token, **_measure_of(session, message))
    return _page(
        "public/answer.html",
        code,
        token=token,
        **_measure_of(session, message),
        asked=asked,
        shared=shared,
        term=term,
        earlier=answers.of_message(session, message),
        answers=list(Answer),
        own=[choice for choice in Answer if choice not in REQUESTS],
        typed=typed,
        fault=fault,
        confirms=confirms,
    )


def _measure_of(session: Session, message: Message) -> dict[str, object]:
    """What the form of the agreement to be measured shows."""
    return {"choice": consent.choice_of(session, message), "wording": consent.wording(), "confirms_measure": False}


def _measure_page(
    token: str, read: Token | None, *, fault: str = "", code: int = 200, confirms: bool = False
) -> Response:
    with database().reading() as session:
        shown = {**_measure_of(session, _message(session, read)), "confirms_measure": confirms}
        return _page("public/measure.html", code, token=token, fault=fault, **shown)


def _sending() -> SenderIdentity:
    return SenderIdentity.of(settings())


def _read(token: str, kind: TokenKind) -> Token | None:
    return Keys(settings().signing_keys).read(token, kind)


def _neutral() -> Response:
    is_of_a_preview = (request.view_args or {}).get("token") == INERT
    return _page("public/unknown.html", 404, is_of_a_preview=is_of_a_preview)


def _page(template: str, code: int, **values: object) -> Response:
    return Response(render_template(template, **values), code, mimetype="text/html")
