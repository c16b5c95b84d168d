"""What an answer means for its campaign: letters still waiting for that authority are withdrawn, it is confirmed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.campaigns.letter.frozen import SenderIdentity, freeze
from outreach.campaigns.lifecycle import CONTENT
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.waves.launching import send_one
from outreach.days import today
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import Message, MessageClass, Purpose, Reason, RecipientKind
from outreach.french import spelt_day
from outreach.tracking import answers
from outreach.tracking.models import Answer, Response, TrackingMode

SUBJECT = "FASE ((fase_po)) – Votre réponse est enregistrée"
LETTER = """Madame, Monsieur,

Votre réponse du {day} est enregistrée pour **((nom_po))** (FASE ((fase_po))) :

{answers}

{after}Pour la changer, rouvrez le lien du courriel reçu, ou répondez à celui-ci.

Bien cordialement,
((contact))
"""
CONFIRM = "Votre adhésion sera confirmée par le service. "


def answered(
    session: Session, message: Message, responses: Sequence[Response], sending: SenderIdentity, *, now: datetime
) -> None:
    """An authority answered a letter: no reminder of that campaign leaves for it, and a confirmation does.

    Harmless for a letter of no campaign (a trial, a confirmation).
    """
    campaign = campaign_of(session, message)
    if campaign is None:
        return
    mailings = [wave.mailing_id for wave in campaign.waves if wave.mailing_id]
    kind = RecipientKind.AUTHORITY
    outbox.withdraw_queued(session, kind, message.recipient_id, mailings, Reason.ANSWERED, now=now)
    if not answers.repeats(session, message, responses):
        _confirm(session, campaign, message, responses, sending, now)


def campaign_of(session: Session, message: Message) -> Campaign | None:
    """The campaign a letter belongs to, or None."""
    query = select(Campaign).join(Wave, Wave.campaign_id == Campaign.id)
    return session.scalar(query.where(Wave.mailing_id == message.mailing_id))


def _confirm(
    session: Session,
    campaign: Campaign,
    message: Message,
    responses: Sequence[Response],
    sending: SenderIdentity,
    now: datetime,
) -> None:
    """Put a confirmation into the outbox. It says what was answered in our words, never in theirs."""
    said = Campaign(**{field: getattr(campaign, field) for field in CONTENT}, id=campaign.id)
    said.message_class, said.subject, said.tracking = MessageClass.STATUTORY, SUBJECT, TrackingMode.NONE
    has_joined = any(one.answer is Answer.JOINED for one in responses)
    said.letter = LETTER.format(
        day=spelt_day(today(now)), answers=_listed(responses), after=CONFIRM if has_joined else ""
    )
    frozen = freeze(said, sending, now, is_reminder=False)
    kind, key = message.recipient_kind, message.recipient_id
    addressee = Addressee(kind, key, message.address, message.address_key, message.address_ascii)
    purpose, actor = Purpose.CONFIRMATION, message.address
    send_one(session, said, frozen, sending, addressee, purpose, "reponse", now=now, actor=actor)


def _listed(responses: Sequence[Response]) -> str:
    return "\n".join(f"- {one.answer.label}{_about(len(one.schools))}" for one in responses)


def _about(count: int) -> str:
    return f" ({count} école{'s' if count > 1 else ''})" if count else ""
