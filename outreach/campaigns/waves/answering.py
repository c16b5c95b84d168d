"""Takes an answer given from a letter: records it, withdraws reminders and sends a confirmation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from outreach.campaigns.letter.frozen import SenderIdentity, WrittenLetter, freeze
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.waves.answer_term import campaign_of
from outreach.campaigns.waves.launching import send_one
from outreach.days import today
from outreach.db import Session, take_turns
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import Message, MessageClass, Purpose, Reason
from outreach.french import spelt_day
from outreach.tracking import answers
from outreach.tracking.answers import Given
from outreach.tracking.models import Answer, Response, TrackingMode

SUBJECT = "Votre réponse est enregistrée – FASE ((fase_po))"
LETTER = """Madame, Monsieur,

Votre réponse du {day} est enregistrée pour **((nom_po))** (FASE ((fase_po))) :

{answers}

{after}Pour la changer, rouvrez le lien du courriel reçu, ou répondez à celui-ci.

Bien cordialement,
((contact))
"""
CONFIRM = "Votre adhésion sera confirmée par le service. "


def receive(
    session: Session, message: Message, given: Given, sending: SenderIdentity, *, now: datetime
) -> list[Response]:
    """Record an answer given from a letter, withdraw the campaign's letters queued for that authority, and confirm it.

    Where the mailbox answers for some schools only, the letters queued for the authority's other mailboxes stay.
    An answer proves that the letter arrived. An answer that repeats the previous one is not confirmed again. Returns
    the responses: none for a test letter, whose answer is not recorded. Raises InputError and Refused as `answers.give`
    does.
    """
    outbox.evidence(session, message, outbox.Proof.ANSWER, now=now)
    if outbox.is_test(session, message):
        return []
    responses = answers.give(session, message, given, now=now)
    campaign = campaign_of(session, message)
    if campaign is not None:
        _follow_up(session, campaign, message, responses, sending, now)
    return responses


def _follow_up(
    session: Session,
    campaign: Campaign,
    message: Message,
    responses: Sequence[Response],
    sending: SenderIdentity,
    now: datetime,
) -> None:
    take_turns(session, answers.TURN, campaign.id)
    waves = select(Wave.mailing_id).where(Wave.campaign_id == campaign.id, Wave.mailing_id.is_not(None))
    mailings = [mailing for mailing in session.scalars(waves) if mailing]
    to, address_key = responses[0].authority_id, answers.answered_address(session, message)
    outbox.withdraw_queued(session, to, mailings, Reason.ANSWERED, now=now, address_key=address_key)
    if not answers.repeats(session, message, responses):
        _confirm(session, campaign, message, responses, sending, now)


def _confirm(
    session: Session,
    campaign: Campaign,
    message: Message,
    responses: Sequence[Response],
    sending: SenderIdentity,
    now: datetime,
) -> None:
    """Put a confirmation into the outbox. It lists the labels of the answers, and quotes no text of the respondent."""
    has_joined = any(response.answer is Answer.JOINED for response in responses)
    after = CONFIRM if has_joined else ""
    written = replace(
        WrittenLetter.of(campaign),
        message_class=MessageClass.STATUTORY,
        tracking=TrackingMode.NONE,
        subject=SUBJECT,
        preheader="",
        letter=LETTER.format(day=spelt_day(today(now)), answers=_listed(responses), after=after),
    )
    frozen = freeze(written, sending, now, is_reminder=False)
    addressee = Addressee(message.authority_id, message.address, message.address_key, message.address_ascii)
    purpose, actor = Purpose.CONFIRMATION, message.address
    send_one(session, written, frozen, sending, addressee, purpose, "reponse", now=now, actor=actor)


def _listed(responses: Sequence[Response]) -> str:
    return "\n".join(f"- {response.answer.label}{_about(len(response.schools))}" for response in responses)


def _about(count: int) -> str:
    return f" ({count} école{'s' if count > 1 else ''})" if count else ""
