"""How many of a campaign's mailboxes would be measured one by one, and what staff are told of it."""

from datetime import datetime

from sqlalchemy import func, select

from outreach import french
from outreach.campaigns import audiences
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.directory.models import Contact
from outreach.measuring import bases
from outreach.measuring.models import TrackingMode
from outreach.measuring.trackers import SMALLEST
from outreach.segments.audience import rows

WHERE = "Un accord s’enregistre dans l’Annuaire, sur la fiche du PO, onglet Mesure ; le PO le donne aussi lui-même."


def alone(session: Session, campaign: Campaign, *, now: datetime) -> int:
    """How many mailboxes that a campaign would write to now may be measured by themselves.

    Only authorities with such a mailbox are looked at; without any, it costs one short statement.
    """
    allowed = bases.mailboxes_in_force()
    if session.scalar(allowed.limit(1)) is None:
        return 0
    theirs = select(Contact.authority_id).where(Contact.id.in_(allowed))
    scope = audiences.scope_of(session, campaign, now=now)
    mailboxes = rows(audiences.audience_of(campaign), scope, among=theirs)
    query = select(func.count()).where(mailboxes.c.rank == 0, mailboxes.c.contact_id.in_(allowed))
    return session.scalar(query) or 0


def offer(count: int) -> str:
    """What the choice of the mode says, where the campaign would write to so many mailboxes with a basis."""
    if not count:
        return f"Mesurer boîte par boîte n’est pas proposé : aucune boîte de ce public n’a d’accord enregistré. {WHERE}"
    have = french.plural(
        count, "boîte de ce public a un accord enregistré", "boîtes de ce public ont un accord enregistré"
    )
    return f"{have} : boîte par boîte, ce que chacune ouvre et suit est visible."


def told(session: Session, campaign: Campaign, addresses: int, *, now: datetime) -> str:
    """How the mailboxes of an individual campaign will be measured, of so many `addresses`; '' for another campaign."""
    return sentence(alone(session, campaign, now=now), addresses) if is_individual(campaign) else ""


def is_individual(campaign: Campaign) -> bool:
    """Whether a campaign measures mailboxes one by one, where it may."""
    return campaign.tracking is TrackingMode.INDIVIDUAL


def sentence(count: int, addresses: int) -> str:
    """How many of these addresses are measured one by one, and what becomes of the others."""
    rest, total = addresses - count, french.number(addresses)
    is_group = rest >= SMALLEST
    if not count:
        fate = "toutes seront comptées par groupe" if is_group else "aucune ne sera mesurée"
        return f"Aucune boîte sur {total} n’a d’accord enregistré : {fate}."
    will = "sera mesurée à part" if count == 1 else "seront mesurées une à une"
    others = "les autres par groupe" if is_group else "les autres pas du tout : un groupe en compte vingt"
    return f"{french.plural(count, 'boîte')} sur {total} {will}{f', {others}' if rest else ''}."
