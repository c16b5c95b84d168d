"""Test letters: one recipient's letter, marked as a test, sent to another address and never counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from outreach import audit
from outreach.accounts import staff
from outreach.campaigns.audiences import addressees_among, foremost
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity, WrittenLetter, freeze, head_of
from outreach.campaigns.lifecycle import subject_of
from outreach.campaigns.models import Campaign
from outreach.campaigns.schedule.planning import ClosingRule
from outreach.campaigns.waves.launching import send_one
from outreach.db import Session, take_turns
from outreach.delivery.ledger import outbox, suppressions
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import Purpose
from outreach.delivery.smtp.guard import Guard
from outreach.directory.models import Authority
from outreach.errors import InputError, Refused
from outreach.mail.addresses import Judgement

MARK = "[TEST] "
MOST_AN_HOUR = 20


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test letter that is not queued yet: the letter, frozen, and the keys of the schools that it lists."""

    written: WrittenLetter
    frozen: Frozen
    schools: tuple[int, ...]


def prepare(
    session: Session, campaign: Campaign, sending: SenderIdentity, authority: Authority, *, now: datetime
) -> PreparedTest:
    """Prepare the letter that an authority would get, with "[TEST]" before its subject.

    It asks who is in the audience, which may take seconds, so do it before the transaction that writes. `campaign` may
    hold unsaved changes. Raises InputError when the letter cannot be read.
    """
    first = foremost(addressees_among(session, campaign, [authority.id], now=now))
    rule = ClosingRule.of(session, campaign, now=now)
    planned = rule.waves(campaign)
    deadline = planned[0].deadline if planned else rule.deadline(now)
    written = WrittenLetter.of(session, campaign)
    frozen = freeze(written, sending, deadline.day, is_reminder=False, mark=MARK, head=head_of(session, campaign))
    return PreparedTest(written, frozen, tuple(first.schools) if first else ())


def send(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    authority: Authority,
    to: Judgement,
    allowed: Guard,
    *,
    now: datetime,
    actor: str,
    prepared: PreparedTest | None = None,
) -> None:
    """Queue the letter that an authority would get, addressed to `to`.

    `prepared` is what `prepare` made before; without it the letter is prepared here. A test goes to active accounts and
    to those `allowed` lets through, and a person sends 20 an hour. Raises InputError as `prepare` does, or when the
    address may not get a test or is on the suppression list; Refused when the person has to wait.
    """
    if not staff.is_active(session, to.address) and allowed.stops(to.address):
        raise InputError(
            f"Un essai ne part qu’à un compte actif du service ou à une adresse prévue pour les essais : {to.address} "
            "n’en est pas. Demandez à la personne qui exploite le service de l’ajouter (OUTREACH_ALLOWED_RECIPIENTS)."
        )
    take_turns(session, "test letters", actor)
    if outbox.opened_by(session, actor, Purpose.TEST, since=now - timedelta(hours=1)) >= MOST_AN_HOUR:
        raise Refused(f"Vous avez envoyé {MOST_AN_HOUR} essais en une heure : attendez avant le suivant.")
    if suppressions.suppressed_among(session, [to.key], campaign.message_class):
        raise InputError(f"L’adresse {to.address} est sur la liste d’exclusion : rien ne lui est envoyé.")
    if prepared is None:
        prepared = prepare(session, campaign, sending, authority, now=now)
    written, frozen = prepared.written, prepared.frozen
    addressee = Addressee(authority.id, to.address, to.key, to.ascii, prepared.schools)
    send_one(session, written, frozen, sending, addressee, Purpose.TEST, "essai", now=now, actor=actor)
    said = f"Campagne « {campaign.title} » : essai envoyé à {to.address}."
    audit.record(session, now, actor, said, subject_of(campaign))
