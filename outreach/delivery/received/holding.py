"""What a person wrote back holds the letters of that campaign to their authority, until a colleague has decided.

Held is what follows a letter of that campaign: reminders, letters to another mailbox, and corrections of any. A mail of
which no campaign is known holds whatever follows any letter to the authority. Automatic answers, returns and mails that
nobody attached hold nothing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    and_,
    column,
    exists,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.orm import aliased

from outreach.core.audit import audit
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery.models import Message, MessageState, is_in
from outreach.delivery.received.models import ReceivedMail
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority

# The rooms above keep these: which mailings are waves of one campaign, and which campaigns correct others.
WAVES = table("waves", column("campaign_id"), column("mailing_id"))
CAMPAIGNS = table("campaigns", column("id"), column("concerns"))
CORRECTS = "listed"


def waits() -> ColumnElement[bool]:
    """True for a mail that holds letters: a person's, attached, about which nobody has decided."""
    return and_(ReceivedMail.authority_id.is_not(None), ~ReceivedMail.is_automatic, ReceivedMail.settled_at.is_(None))


def holds_the_letter() -> ColumnElement[bool]:
    """True where a mail holds a letter, inside a statement on letters."""
    return _holds(Message.authority_id, Message.mailing_id)


def held(session: Session, mailing: int, authorities: Collection[int]) -> frozenset[int]:
    """Those of these authorities to which letters of a wave are held."""
    query = select(Authority.id).where(among(Authority.id, authorities), _holds(Authority.id, mailing))
    return frozenset(session.scalars(query))


def to_decide() -> Select[ReceivedMail]:
    """The mails about which somebody has to decide, the oldest first."""
    return select(ReceivedMail).where(waits()).order_by(ReceivedMail.received_at, ReceivedMail.id)


class HoldingMail(NamedTuple):
    """A mail about which somebody has to decide, and whose it is."""

    mail: ReceivedMail
    authority: Authority


def waiting(session: Session, mailings: Collection[int] | None = None) -> list[HoldingMail]:
    """The mails about which somebody has to decide, the oldest first; those that hold letters of these waves."""
    query = to_decide().join(Authority, Authority.id == ReceivedMail.authority_id).add_columns(Authority)
    if mailings is not None:
        own = WAVES.alias("asked")
        query = query.where(exists(select(1).where(own.c.mailing_id.in_(mailings), _concerns(own))))
    return [HoldingMail(mail, authority) for mail, authority in session.execute(query)]


def settle(session: Session, number: int, *, now: datetime, actor: str) -> ReceivedMail:
    """Decide that a mail holds nothing any more: the letters that it alone held are due at once.

    Raises NotFound, and Refused where somebody decided before, or where the mail holds nothing.
    """
    take_lock(session, "received-mail", str(number))
    mail = session.scalar(select(ReceivedMail).where(ReceivedMail.id == number).with_for_update())
    if mail is None:
        raise NotFound(f"Aucun courriel reçu ne porte le numéro {number}.")
    session.refresh(mail)
    if mail.settled_at is not None or mail.is_automatic or mail.authority_id is None:
        raise Refused("Ce courriel ne retient rien : il est déjà traité, automatique ou rattaché à personne.")
    mail.settled_at, mail.settled_by = now, actor
    session.flush()
    authority = session.get_one(Authority, mail.authority_id)
    said = f"Courriel reçu {mail.id} traité, rien à faire : ce qu’il retenait repart."
    audit.record(session, now, actor, said, subject_of(authority))
    free = and_(is_in(MessageState.QUEUED), Message.authority_id == mail.authority_id, ~holds_the_letter())
    session.execute(update(Message).where(free, Message.due_at > now).values(due_at=now))
    return mail


def _holds(authority: SQLColumnExpression[Any], mailing: SQLColumnExpression[int] | int) -> ColumnElement[bool]:
    own = WAVES.alias("own")
    mails = select(1).select_from(ReceivedMail).join(own, own.c.mailing_id == mailing)
    return exists(
        mails.where(ReceivedMail.authority_id == authority, waits(), _concerns(own)).correlate_except(ReceivedMail, own)
    )


def _concerns(own: FromClause) -> ColumnElement[bool]:
    """True where a mail is about the campaign of a wave, or about none that is known while this one has written."""
    answered, left = aliased(Message), aliased(Message)
    theirs, ours = WAVES.alias("theirs"), WAVES.alias("ours")
    about = select(1).select_from(answered).join(theirs, theirs.c.mailing_id == answered.mailing_id)
    about = about.where(answered.id == ReceivedMail.message_id)
    wrote = select(1).select_from(left).join(ours, ours.c.mailing_id == left.mailing_id)
    wrote = wrote.where(
        left.authority_id == ReceivedMail.authority_id,
        left.fenced_at.is_not(None),
        ours.c.campaign_id == own.c.campaign_id,
    )
    return or_(
        exists(about.where(theirs.c.campaign_id == own.c.campaign_id)),
        exists(select(1).where(CAMPAIGNS.c.id == own.c.campaign_id, CAMPAIGNS.c.concerns == CORRECTS)),
        and_(~exists(about), exists(wrote)),
    )
