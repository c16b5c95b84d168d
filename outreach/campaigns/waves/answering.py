"""Takes an answer given from a letter: records it, withdraws reminders and sends a confirmation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from outreach.campaigns.letter.frozen import SenderIdentity, WrittenLetter, freeze
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.waves import receipts
from outreach.campaigns.waves.answer_term import campaign_of
from outreach.campaigns.waves.launching import send_one
from outreach.campaigns.waves.receipts import Receipt
from outreach.db import Session, take_turns
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import Message, MessageClass, Purpose, Reason
from outreach.tracking import answers
from outreach.tracking.answers import Given
from outreach.tracking.models import Response, TrackingMode


def receive(
    session: Session, message: Message, given: Given, sending: SenderIdentity, *, now: datetime
) -> list[Response]:
    """Record an answer given from a letter, withdraw the campaign's letters queued for that authority, and confirm it.

    Where the mailbox answers for some schools only, the letters queued for the authority's other mailboxes stay.
    An answer proves that the letter arrived. An answer that repeats the previous one is not confirmed again, nor is
    one that says that the mailbox is the wrong contact. Returns the responses: none for a test letter, whose answer is
    not recorded. Raises InputError and Refused as `answers.give` does.
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
    receipt = receipts.of(session, responses, sending)
    if receipt.is_posted and not answers.repeats(session, message, responses):
        _confirm(session, campaign, message, receipt, sending, now)


def _confirm(
    session: Session,
    campaign: Campaign,
    message: Message,
    receipt: Receipt,
    sending: SenderIdentity,
    now: datetime,
) -> None:
    """Put the receipt of an answer into the outbox. It quotes no text of the respondent."""
    written = replace(
        WrittenLetter.of(campaign),
        message_class=MessageClass.STATUTORY,
        tracking=TrackingMode.NONE,
        subject=receipts.SUBJECT,
        preheader="",
        letter=receipts.letter(receipt, message, sending),
    )
    frozen = freeze(written, sending, now, is_reminder=False)
    addressee = Addressee(message.authority_id, message.address, message.address_key, message.address_ascii)
    purpose, actor = Purpose.CONFIRMATION, message.address
    send_one(session, written, frozen, sending, addressee, purpose, "reponse", now=now, actor=actor)
