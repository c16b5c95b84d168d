"""Test letters: one recipient's letter, marked as a test, sent to another address and never counted."""

from datetime import datetime

from outreach import audit
from outreach.campaigns.audiences import addressees_among, foremost
from outreach.campaigns.letter.frozen import SenderIdentity, WrittenLetter, freeze
from outreach.campaigns.lifecycle import subject_of
from outreach.campaigns.models import Campaign
from outreach.campaigns.schedule import planning
from outreach.campaigns.waves.launching import send_one
from outreach.db import Session
from outreach.delivery.ledger import suppressions
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import Purpose
from outreach.directory.models import Authority
from outreach.errors import InputError
from outreach.mail.addresses import Judgement

MARK = "[TEST] "


def send(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    authority: Authority,
    to: Judgement,
    *,
    now: datetime,
    actor: str,
) -> None:
    """Queue the letter that an authority would get, addressed to `to`, with "[TEST]" before its subject.

    `campaign` may hold unsaved changes. Raises InputError when the letter cannot be read, or when the address is on the
    suppression list.
    """
    if suppressions.suppressed_among(session, [to.key], campaign.message_class):
        raise InputError(f"L’adresse {to.address} est sur la liste d’exclusion : rien ne lui est envoyé.")
    addressees = addressees_among(session, campaign, [authority.id], now=now)
    planned = planning.plan(session, campaign, now=now)
    written = WrittenLetter.of(campaign)
    frozen = freeze(written, sending, planned[0].at if planned else now, is_reminder=False, mark=MARK)
    first = foremost(addressees)
    addressee = Addressee(authority.id, to.address, to.key, to.ascii, first.schools if first else ())
    send_one(session, written, frozen, sending, addressee, Purpose.TEST, "essai", now=now, actor=actor)
    said = f"Campagne « {campaign.title} » : essai envoyé à {to.address}."
    audit.record(session, now, actor, said, subject_of(campaign))
