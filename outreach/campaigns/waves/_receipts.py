"""Receipts of answers: what was answered for which schools, when, its reference, and when the service comes back.

The page after an answer and the letter that confirms it say the same. No text of the respondent is in either, except a
proposed address, on the page alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import joinedload, selectinload

from outreach.adherence.models import Strand
from outreach.campaigns import planning
from outreach.campaigns.letter import ANSWER, SenderIdentity, schools_in_letter
from outreach.campaigns.models import ReceiptCopy
from outreach.campaigns.planning import AddedClosure, Audiences, spelt_moment
from outreach.core.db import Session
from outreach.core.text.dates import ANSWERS_WITHIN, today
from outreach.core.text.french import all_of, plural, weekday
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import Message
from outreach.directory.models import School
from outreach.engagement import replies
from outreach.engagement.replies import Acknowledgement, Answer, Response

MOST_NAMED = 10  # in the letter; the page names all
SUBJECT = "Votre réponse est enregistrée – FASE ((fase_po))"
LETTER = """Madame, Monsieur,

Votre réponse du {moment} est enregistrée pour votre pouvoir organisateur, **((nom_po))** (FASE ((fase_po))),
((volet)) :

{answers}

Sa référence est **{reference}**. {replacing}{after}

[Changer ma réponse]({change}) – [Ce n’est pas nous]({undo}) – [C’est toujours la bonne adresse ?]({address})

Bien cordialement,
((contact))
"""
GONE = "**N’est plus à nous**"
COPY_SUBJECT = "Copie : réponse enregistrée – FASE ((fase_po))"
COPY = """Madame, Monsieur,

Une réponse a été donnée pour un pouvoir organisateur, **((nom_po))** (FASE ((fase_po))), ((volet)).
Rien ne vous est demandé.

La réponse du {moment}, référence **{reference}** :

{answers}

Bien cordialement,
((contact))
"""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """An answer of a receipt, and the schools for which it was given, by name; none for a request to the service."""

    answer: Answer
    schools: Sequence[School]


@dataclass(frozen=True, slots=True)
class ReplacedForm:
    """An earlier form whose answers a new one replaces; `is_whole` when it does so for each school of it."""

    reference: str
    given_at: datetime
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came with one form: its answers, when, and its number, which its reference tells.

    `back_on` is the last day on which the service comes back, `within` working days later; None when nothing awaits it.
    `is_posted`: a letter with the receipt goes to the mailbox that answered. `is_repeated`: the form before it said the
    same, so that its letter stands for this one as well. `replaced` are the earlier forms of the same mailbox whose
    answers about these schools no longer hold, the oldest first. `copied_to` is the address a copy goes to, or ''.
    `stops_reminders` unless all that is said is that the letter was read; `is_answered` when the mailbox had answered
    about these schools before, which that leaves as it is. `gone` are schools that the form reported as theirs no more.
    """

    number: int
    given_at: datetime
    strand: Strand
    lines: Sequence[ReceiptLine]
    proposed_address: str
    back_on: date | None
    within: int
    is_posted: bool
    replaced: Sequence["ReplacedForm"] = ()
    is_repeated: bool = False
    copied_to: str = ""
    stops_reminders: bool = True
    is_answered: bool = False
    gone: Sequence[School] = ()

    @property
    def reference(self) -> str:
        """Its number as it is told."""
        return _reference(self.number)

    @property
    def replacing(self) -> str:
        """Which earlier answers this one replaces, in a sentence, or ''."""
        if not self.replaced:
            return ""
        forms = all_of([f"du {spelt_moment(form.given_at)} ({form.reference})" for form in self.replaced])
        before = f"votre réponse {forms}" if len(self.replaced) == 1 else f"vos réponses {forms}"
        if all(form.is_whole for form in self.replaced):
            return f"Elle remplace {before}."
        return f"Pour les écoles nommées ici, elle remplace {before}."

    @property
    def after(self) -> str:
        """What follows, in a sentence."""
        answered = {line.answer for line in self.lines}
        if not self.stops_reminders and self.is_answered:
            return "Cela ne change rien à ce que vous avez déjà répondu."
        if not self.stops_reminders:
            return "Cela n’arrête aucun rappel : dites-nous où en sont vos écoles dès que vous le saurez."
        if self.back_on is None:
            return "Le service en prend acte, et n’attend rien de plus de votre part."
        does = next(answer.facts.promise for answer in Answer if answer in answered and answer.facts.promise)
        days = plural(self.within, "jour ouvrable", "jours ouvrables")
        return f"Le service {does} au plus tard le {weekday(self.back_on)} ({days})."


def of(session: Session, responses: Sequence[Response]) -> Receipt:
    """The receipt of the responses that one form made; at least one."""
    first = min(responses, key=lambda response: response.id)
    answered = {response.answer for response in responses}
    is_awaited = any(answer.facts.promise for answer in answered)
    day, before = today(first.given_at), _before(session, first)
    return Receipt(
        number=first.id,
        given_at=first.given_at,
        strand=first.strand,
        lines=[ReceiptLine(response.answer, response.schools) for response in responses],
        proposed_address=next((one.proposed_address for one in responses if one.proposed_address), ""),
        back_on=working_day(day, ANSWERS_WITHIN, planning.in_force(session)) if is_awaited else None,
        within=ANSWERS_WITHIN,
        is_posted=not any(answer.is_wrong_mailbox for answer in answered),
        replaced=_replaced(before, responses),
        stops_reminders=_stops_reminders(session, responses),
        is_answered=bool(_schools(before) & _schools(responses)),
    )


def last_receipt(session: Session, message: Message) -> Receipt | None:
    """The receipt of the newest form sent from a letter, or None when there is none."""
    newest = select(func.max(Response.given_at)).where(Response.message_id == message.id, Response.stands())
    responses = _of_form(session, message, newest.scalar_subquery())
    if not responses:
        return None
    is_repeated = replies.repeats_answers(session, message, responses)
    copied = select(Message.address).join(ReceiptCopy, ReceiptCopy.copy_id == Message.id)
    this_form = (ReceiptCopy.message_id == message.id, ReceiptCopy.asked_at == responses[0].given_at)
    copied_to = session.scalar(copied.where(*this_form)) or ""
    return replace(of(session, responses), is_repeated=is_repeated, copied_to=copied_to)


def receipt_at(session: Session, message: Message, given_at: datetime) -> Receipt | None:
    """The receipt of the form that was sent from a letter at a moment, or None when there is none (any more)."""
    responses = _of_form(session, message, given_at)
    return of(session, responses) if responses else None


def _of_form(session: Session, message: Message, given_at: datetime | ScalarSelect[datetime]) -> Sequence[Response]:
    query = select(Response).where(Response.message_id == message.id, Response.given_at == given_at, Response.stands())
    query = query.options(selectinload(Response.schools), joinedload(Response.strand)).order_by(Response.id)
    return session.scalars(query).all()


def may_copy(session: Session, message: Message) -> bool:
    """Whether a copy of the receipt may still be asked for from this letter: one was never sent."""
    return session.get(ReceiptCopy, message.id) is None


def reference_of(session: Session, response: Response) -> str:
    """The reference of the receipt that a response is part of: that of the first response of its form."""
    same_form = (Response.message_id == response.message_id, Response.given_at == response.given_at)
    return _reference(session.scalars(select(func.min(Response.id)).where(*same_form)).one() or response.id)


def letter(receipt: Receipt, message: Message, sending: SenderIdentity) -> str:
    """The text of the letter that confirms an answer, in the language of letters; its link leads to the page again."""
    token = sending.keys.make(TokenKind.ANSWER, bytes.fromhex(message.public_id))
    return LETTER.format(
        moment=spelt_moment(receipt.given_at),
        answers=_answers(receipt),
        reference=receipt.reference,
        replacing=f"{receipt.replacing} " if receipt.replacing else "",
        after=receipt.after,
        change=f"{sending.address}/{ANSWER}/{token}",
        undo=f"{sending.address}/{ANSWER}/undo/{token}?answer={receipt.number}",
        address=f"{sending.address}/{ANSWER}/address/{token}",
    )


def copy(receipt: Receipt) -> str:
    """The text of the copy, in the language of letters.

    Whoever has the letter's link chooses who gets it. So it has no word that they typed, and no link to answer by.
    """
    return COPY.format(
        moment=spelt_moment(receipt.given_at),
        answers=_answers(receipt),
        reference=receipt.reference,
    )


def _stops_reminders(session: Session, responses: Sequence[Response]) -> bool:
    read = select(func.count()).where(Acknowledgement.response_id.in_([response.id for response in responses]))
    return session.scalars(read).one() < len(responses)


def _before(session: Session, first: Response) -> Sequence[Response]:
    """What the same mailbox answered about the same strand before, in order, beyond that a letter was read."""
    message = session.get_one(Message, first.message_id)
    same_box = (Message.authority_id == message.authority_id, Message.address_key == message.address_key)
    query = select(Response).join(Message, Message.id == Response.message_id).where(*same_box)
    query = query.where(Response.strand_id == first.strand_id, Response.id < first.id, Response.is_a_reaction())
    return session.scalars(query.options(selectinload(Response.schools)).order_by(Response.id)).all()


def _schools(responses: Sequence[Response]) -> set[int]:
    return {school.id for response in responses for school in response.schools}


def _replaced(before: Sequence[Response], responses: Sequence[Response]) -> list[ReplacedForm]:
    """The forms that hold the last answers before, about the schools for which an answer takes another's place."""
    last = {school.id: response.given_at for response in before for school in response.schools}
    now_answered = _schools([response for response in responses if not response.answer.facts.is_yielding])
    forms = []
    for moment in sorted({last[school] for school in now_answered & last.keys()}):
        form = [response for response in before if response.given_at == moment]
        schools = {school for school, at in last.items() if at == moment}
        forms.append(ReplacedForm(_reference(form[0].id), moment, schools <= now_answered))
    return forms


def working_day(start: date, count: int, added: Sequence[AddedClosure] = ()) -> date:
    """The day that comes `count` working days of an administration after a day."""
    day = start
    while count:
        day += timedelta(days=1)
        if not planning.closed_office(day, [Audiences.ADMINISTRATION], added):
            count -= 1
    return day


def _reference(number: int) -> str:
    return f"R-{number}"


def _answers(receipt: Receipt) -> str:
    told = [_told(line) for line in receipt.lines]
    if receipt.gone:
        count = plural(len(receipt.gone), "école")
        told.append(f"{GONE} ({count}), ce que le service vérifie :\n\n{schools_in_letter(receipt.gone, MOST_NAMED)}")
    return "\n\n".join(told)


def _told(line: ReceiptLine) -> str:
    if not line.schools:
        return f"**{line.answer.label}**"
    named = schools_in_letter(line.schools, MOST_NAMED)
    return f"**{line.answer.label}** ({plural(len(line.schools), 'école')}) :\n\n{named}"
