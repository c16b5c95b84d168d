"""A form that came from a letter's page: whether a person sent it, whether a code led there, and what it brings."""

import hmac
from collections.abc import Sequence
from dataclasses import replace

from flask import request

from outreach.accounts import attempts
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.paper import entering
from outreach.campaigns.waves import answering
from outreach.db import Session
from outreach.delivery.ledger import suppressions
from outreach.delivery.models import Message
from outreach.mail import seen
from outreach.mail.seen import FormKind
from outreach.mail.tokens import Keys, Token
from outreach.measuring import consent
from outreach.responses import answers, sent_forms
from outreach.responses.answers import Given, Question
from outreach.responses.kinds import Answer
from outreach.responses.models import Response, SentForm, WithdrawalReason
from outreach.responses.sent_forms import Came, Verdict
from outreach.web.client import client_of
from outreach.web.ui.fields import posted
from outreach.web.ui.request import now, settings

OF_MEASURE = frozenset({"measure", "wording"})
# What a form holds besides what it says: its seal, and what the list of schools shows.
BESIDE = OF_MEASURE | {"seen", "listed", "told", "zone", "status", "page"}


def is_by_code(read: Token | None) -> bool:
    """Whether the code of a letter on paper led to the answer page, and no mail."""
    return read is not None and read.link == entering.BY_CODE


def sealed(message: Message, kind: FormKind, read: Token | None) -> str:
    """The seal of a form of a letter's page that is shown now: `seen`, which comes back with it."""
    link = read.link if read else 0
    return seen.new(Keys(settings().signing_keys), bytes.fromhex(message.public_id), kind, link, now())


def came(message: Message, kind: FormKind, read: Token | None, given: Given | None = None) -> Came:
    """The form that this request sends, read before anything is written."""
    keys, text = Keys(settings().signing_keys), posted("seen")
    client = f"forms of letters {client_of(request.environ, settings().proxies)}"
    return Came(
        kind,
        seen.read(keys, bytes.fromhex(message.public_id), text),
        read.link if read else 0,
        _digest(keys, kind),
        attempts.digest_of(attempts.key_of(settings().own_key), client),
        has_seal=bool(text),
        answers=_answers(given),
        says_little=given is not None and not any(answers.is_a_reaction(one, given) for one in _answers(given)),
    )


def judge(session: Session, message: Message, form: Came) -> Verdict:
    """Judge a form before what it says is recorded. What it undoes is undone here."""
    verdict = sent_forms.judge(session, message, form, now=now())
    if (first := verdict.undoes) is not None:
        _undo(session, message, first)
    return verdict


def _undo(session: Session, message: Message, first: SentForm) -> None:
    """Undo what the form did that another one of the same page contradicts."""
    if first.kind is FormKind.ANSWER:
        answering.undo(session, message, first.at, now=now(), because=WithdrawalReason.TWICE)
    elif first.kind is FormKind.UNSUBSCRIPTION:
        if suppressions.unsubscribed_at(session, message) == first.at:
            because = f"à vérifier : deux envois d’une même page, courriel {message.public_id}"
            suppressions.subscribe_again(session, message, now=now(), because=because)
    elif first.kind is FormKind.MEASURE:
        choice = consent.choice_of(session, message)
        if choice and choice.basis and choice.basis.recorded_at == first.at:
            consent.withdraw(session, message, now=now())


def _answers(given: Given | None) -> list[Answer]:
    if given is None:
        return []
    said = {*given.answers.values(), given.request}
    return [answer for answer in Answer if answer in said]


def _digest(keys: Keys, kind: FormKind) -> str:
    """What a form says, as a keyed digest: the same again is the same."""
    is_of_measure = kind is FormKind.MEASURE
    said = sorted(
        (name, value)
        for name, value in request.form.items(multi=True)
        if value and (name in OF_MEASURE if is_of_measure else name not in BESIDE)
    )
    return hmac.digest(keys.keys[0], repr((kind, said)).encode("utf-8", "surrogatepass"), "sha256").hex()


def question_of(session: Session, message: Message, read: Token | None) -> Question:
    """What the page of a letter asks; by a code, of the schools that the letter on paper lists.

    Raises NotFound as `answers.question_of` does.
    """
    return answers.question_of(session, message, now=now(), about=_about(session, message, read))


def receive(session: Session, message: Message, given: Given, read: Token | None) -> Sequence[Response]:
    """Take what was answered; by a code, it names the rung that it came by. Raises as `answering.receive` does."""
    by_code = is_by_code(read)
    given = replace(given, is_by_code=by_code, about=_about(session, message, read))
    step = entering.step_of(session, message) if by_code else None
    return answering.receive(session, message, given, SenderIdentity.of(settings()), now=now(), step=step)


def _about(session: Session, message: Message, read: Token | None) -> frozenset[int]:
    return entering.schools_of(session, message) if is_by_code(read) else frozenset()
