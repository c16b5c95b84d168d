"""Takes an answer given from a letter, while its term runs: records it, withdraws reminders, sends a receipt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, literal, select, tuple_

from outreach.campaigns.evidence import (
    POSTED,
    EscalationStep,
    ReachAnswer,
    ReachTransition,
    StepState,
    letters_answered,
)
from outreach.campaigns.letter import SenderIdentity, WrittenLetter, freeze_letter
from outreach.campaigns.models import (
    ENDED,
    ON_ITS_WAY,
    UNDER_WAY,
    Campaign,
    ReceiptCopy,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.waves._launching import send_one
from outreach.campaigns.waves._receipts import COPY_SUBJECT, SUBJECT, Receipt, copy, letter, may_copy, of
from outreach.core import site
from outreach.core.db import Session, take_lock
from outreach.core.text.addresses import Judgement
from outreach.core.text.dates import today
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageClass, Purpose, Reason
from outreach.delivery.outbox import Addressee
from outreach.directory.models import School
from outreach.engagement import replies
from outreach.engagement.replies import Earlier, Given, Response, WithdrawalReason, actor_of
from outreach.engagement.tracking import TrackingMode

ANSWERS_FOR = timedelta(days=90)  # from the day on which the last wave left, or a letter on paper that stands for it


class AnswerTerm(StrEnum):
    """Where an answer stands in time: asked for, late, after the campaign's end, or no longer taken."""

    OPEN = "open"
    LATE = "late"
    ENDED = "ended"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Term:
    """Where an answer stands, and the last day on which one is taken: None while a wave is still to leave.

    `reminds`: a reminder is planned, which an answer stops.
    """

    stands: AnswerTerm
    last_day: date | None
    reminds: bool = False


def term(deadline: date, last_left: date | None, day: date, *, has_ended: bool) -> Term:
    """Where an answer stands on a day.

    `deadline` is the last day that the letter states. `last_left` is the day on which the last wave left, or a letter
    on paper that stands for this one, or None while a wave is still to leave. An answer is taken for 90 days from
    `last_left`, and never less long than the letter says.
    """
    last_day = None if last_left is None else max(last_left + ANSWERS_FOR - timedelta(days=1), deadline)
    if last_day is not None and day > last_day:
        return Term(AnswerTerm.OVER, last_day)
    if has_ended:
        return Term(AnswerTerm.ENDED, last_day)
    return Term(AnswerTerm.LATE if day > deadline else AnswerTerm.OPEN, last_day)


def term_of(session: Session, message: Message, deadline: date, *, now: datetime) -> Term:
    """Where an answer from this letter stands now."""
    campaign = campaign_of(session, message)
    if campaign is None:  # a test letter
        sent = today(session.get_one(Mailing, message.mailing_id).created_at)
        return term(deadline, sent, today(now), has_ended=False)
    has_ended = campaign.state in ENDED
    coming = set() if has_ended else {wave.state for wave in campaign.waves} & ON_ITS_WAY
    left = [] if coming else [_last_left(session, campaign), _last_on_paper(session, message)]
    last_left = max(filter(None, left), default=None)
    stands = term(deadline, last_left, today(now), has_ended=has_ended)
    return replace(stands, reminds=WaveState.PLANNED in coming)


def campaign_of(session: Session, message: Message) -> Campaign | None:
    """The campaign a letter belongs to, or None."""
    query = select(Campaign).join(Wave, Wave.campaign_id == Campaign.id)
    return session.scalar(query.where(Wave.mailing_id == message.mailing_id))


def _last_left(session: Session, campaign: Campaign) -> date | None:
    """The day on which a wave last began to leave, or went on."""
    query = select(func.max(WaveTransition.at)).join(Wave, Wave.id == WaveTransition.wave_id)
    at = session.scalar(query.where(Wave.campaign_id == campaign.id, WaveTransition.state == WaveState.RUNNING))
    return None if at is None else today(at)


def _last_on_paper(session: Session, message: Message) -> date | None:
    """The day on which the letter on paper that stands for a message was posted, or printed where nobody noted that."""
    query = select(ReachTransition.at, ReachTransition.day).join(
        EscalationStep, EscalationStep.id == ReachTransition.step_id
    )
    query = query.where(EscalationStep.message_id == message.id, EscalationStep.channel.in_(POSTED))
    went = query.where(ReachTransition.state.in_((StepState.PRINTED, StepState.TRIED)))
    return max((day or today(at) for at, day in session.execute(went)), default=None)


def receive_answer(
    session: Session,
    message: Message,
    given: Given,
    sending: SenderIdentity,
    *,
    now: datetime,
    step: int | None = None,
) -> list[Response]:
    """Record an answer given from a letter, withdraw the campaign's letters queued for that authority, and confirm it.

    What is no reaction (`replies.is_a_reaction`) withdraws nothing. Where the mailbox answers for some schools only,
    the letters queued for the authority's other mailboxes stay. An answer by paper or phone names its rung (`step`),
    and stops those of each mailbox for whose schools it speaks. An answer proves that the letter arrived. An answer
    that repeats the previous one is not confirmed again, nor is one that says that the mailbox is the wrong contact. A
    copy goes to `given.copy_to`, once a letter.

    Returns the responses: none where only schools that are gone were named, or for a test letter, whose answer is not
    recorded. Raises InputError and Refused as `replies.give_answers` does.
    """
    if given.is_from_mail:  # a code proves that paper arrived, a call that somebody answered, and nothing of the mail
        outbox.count_as_accepted(session, message, outbox.Proof.ANSWER, now=now)
    if outbox.is_test(session, message):
        return []
    responses = replies.give_answers(session, message, given, now=now)
    if step is not None and responses:
        session.add_all(ReachAnswer(response_id=response.id, step_id=step) for response in responses)
        session.flush()
    campaign = campaign_of(session, message)
    if campaign is not None and responses:
        gone = session.scalars(select(School).where(School.id.in_(given.gone)).order_by(School.folded, School.id))
        receipt = replace(of(session, responses), gone=gone.all())
        posted = replace(receipt, is_posted=receipt.is_posted and given.is_from_mail)  # no mailbox asked for one
        _follow_up(session, campaign, message, responses, posted, sending, now)
        if given.copy_to is not None and may_copy(session, message):
            _copy(session, campaign, message, receipt, given.copy_to, sending, now)
    return responses


def undo_answer(
    session: Session, message: Message, given_at: datetime, *, now: datetime, because: WithdrawalReason, actor: str = ""
) -> Sequence[Response]:
    """Undo what one form answered from a letter: the answers, what they declared, and the letters that they withdrew.

    A letter that a wave would still send waits again, unless another answer for its mailbox stands; after that wave,
    the next reminder is for them. Returns the answers that are withdrawn.
    """
    query = select(Response).where(Response.message_id == message.id, Response.given_at == given_at, Response.stands())
    responses = session.scalars(query.order_by(Response.id)).all()
    if not responses:
        return []
    replies.undo_form(session, responses, now=now, actor=actor or actor_of(session, message), because=because)
    if campaign := campaign_of(session, message):
        take_lock(session, replies.TURN, campaign.id)
        _send_again(session, campaign, responses[0].authority_id)
    return responses


def _send_again(session: Session, campaign: Campaign, authority: int) -> None:
    """Let the letters wait again that answers withdrew which are all undone by now, whichever was undone first."""
    theirs = _mailings(session, campaign)
    if session.scalar(select(literal(authority).in_(replies.authorities_that_answered(theirs)))):
        return
    answered = letters_answered(theirs).where(Message.authority_id == authority).subquery()
    undone = select(Response.given_at).where(Response.authority_id == authority, ~Response.stands())
    going = [wave.mailing_id for wave in campaign.waves if wave.state in UNDER_WAY and wave.mailing_id]
    which = (
        Message.authority_id == authority,
        Message.settled_at.in_(undone),
        Message.address_key.not_in(select(answered.c.address_key)),
    )
    outbox.requeue_withdrawn(session, going, Reason.ANSWERED, *which)


def answered_before(session: Session, message: Message) -> Earlier:
    """What the mailbox of a letter answered before, from any letter of its campaign."""
    campaign = campaign_of(session, message)
    return replies.earlier_answers(session, message, _mailings(session, campaign) if campaign is not None else ())


def _mailings(session: Session, campaign: Campaign) -> list[int]:
    waves = select(Wave.mailing_id).where(Wave.campaign_id == campaign.id, Wave.mailing_id.is_not(None))
    return [mailing for mailing in session.scalars(waves) if mailing]


def _follow_up(
    session: Session,
    campaign: Campaign,
    message: Message,
    responses: Sequence[Response],
    receipt: Receipt,
    sending: SenderIdentity,
    now: datetime,
) -> None:
    take_lock(session, replies.TURN, campaign.id)
    mailings = _mailings(session, campaign)
    to, own = responses[0].authority_id, replies.answered_address(session, message)
    answered = select(Message.address_key).where(Message.authority_id == to)
    answered = answered.where(tuple_(Message.authority_id, Message.address_key).in_(letters_answered(mailings)))
    stops = receipt.stops_reminders
    for key in set() if not stops else {None} if own is None else set(session.scalars(answered)):
        outbox.withdraw_queued(session, to, mailings, Reason.ANSWERED, now=now, address_key=key)
    if receipt.is_posted and not replies.repeats_answers(session, message, responses):
        text = letter(receipt, message, sending)
        tell(session, message, SUBJECT, text, sending, now=now)


def tell(
    session: Session, message: Message, subject: str, text: str, sending: SenderIdentity, *, now: datetime
) -> None:
    """Write to the mailbox of a campaign's letter what an unsubscription does not stop: the receipt of an answer, what
    was asked of the mailbox. It quotes no text that somebody typed."""
    if (campaign := campaign_of(session, message)) is not None:
        written = _written(session, campaign, subject, text, MessageClass.STATUTORY)
        addressee = Addressee(message.authority_id, message.address, message.address_key, message.address_ascii)
        _send(session, written, addressee, message, sending, now)


def _copy(
    session: Session,
    campaign: Campaign,
    message: Message,
    receipt: Receipt,
    to: Judgement,
    sending: SenderIdentity,
    now: datetime,
) -> None:
    """Put the letter's one copy of the receipt into the outbox.

    Its recipient did not ask for it. So any exclusion of the address stops it, at the gate, like every letter of this
    class, and its recipient can unsubscribe from it.
    """
    written = _written(session, campaign, COPY_SUBJECT, copy(receipt), MessageClass.AWARENESS)
    written = replace(written, is_copy=True)
    addressee = Addressee(message.authority_id, to.address, to.key, to.ascii)
    mailing = _send(session, written, addressee, message, sending, now)
    copy_id = session.scalars(select(Message.id).where(Message.mailing_id == mailing.id)).one()
    session.add(ReceiptCopy(message_id=message.id, copy_id=copy_id, asked_at=now))


def _written(
    session: Session, campaign: Campaign, subject: str, text: str, message_class: MessageClass
) -> WrittenLetter:
    return replace(
        WrittenLetter.of(session, campaign),
        message_class=message_class,
        tracking=TrackingMode.NONE,
        subject=subject,
        preheader="",
        letter=text,
    )


def _send(
    session: Session,
    written: WrittenLetter,
    addressee: Addressee,
    message: Message,
    sending: SenderIdentity,
    now: datetime,
) -> Mailing:
    deadline = today(now + timedelta(days=written.deadline_days))  # no receipt states it
    # A receipt is short, and there is one for each answer: it bears the lines alone.
    head, actor = site.current_letterhead(session).lines_alone, message.address
    frozen = freeze_letter(written, sending, deadline, is_reminder=False, head=head)
    return send_one(session, written, frozen, sending, addressee, Purpose.CONFIRMATION, "reponse", now=now, actor=actor)
