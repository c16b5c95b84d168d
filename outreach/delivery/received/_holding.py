"""What a person wrote back holds the letters of that campaign to their authority, until a colleague has decided.

Held is what follows a letter of that campaign: reminders, letters to another mailbox, and corrections of any. A mail of
which no campaign is known holds whatever follows any letter to the authority. Automatic answers, returns and mails that
nobody attached hold nothing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
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

from outreach.access import accounts
from outreach.core import audit
from outreach.core.audit import EventKind, publish_event
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Message, MessageState, is_in
from outreach.delivery.received._models import AttachedBy, MailStep, MailStepKind, ReceivedMail
from outreach.directory import confirmations
from outreach.directory.confirmations import ConfirmationWay
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority

# The rooms above keep these: which mailings are waves of one campaign, and which campaigns correct others.
WAVES = table("waves", column("campaign_id"), column("mailing_id"))
CAMPAIGNS = table("campaigns", column("id"), column("concerns"))
CORRECTS = "listed"


def awaits_decision() -> ColumnElement[bool]:
    """True for a mail about which somebody has to decide: a person's, attached or not."""
    return and_(~ReceivedMail.is_automatic, ReceivedMail.settled_at.is_(None))


def holds_letters() -> ColumnElement[bool]:
    """True for a mail that holds letters: a person's, attached, about which nobody has decided."""
    return and_(ReceivedMail.authority_id.is_not(None), awaits_decision())


def holds_the_letter() -> ColumnElement[bool]:
    """True where a mail holds a letter, inside a statement on letters."""
    return _holds(Message.authority_id, Message.mailing_id)


def held_authorities(session: Session, mailing: int, authorities: Collection[int]) -> frozenset[int]:
    """Those of these authorities to which letters of a wave are held."""
    query = select(Authority.id).where(among(Authority.id, authorities), _holds(Authority.id, mailing))
    return frozenset(session.scalars(query))


def is_about(mailings: Collection[int]) -> ColumnElement[bool]:
    """True for a mail that holds letters of one of these waves while it waits."""
    own = WAVES.alias("asked")
    return exists(select(1).where(own.c.mailing_id.in_(mailings), _concerns(own)))


def in_turn(session: Session, number: int) -> ReceivedMail:
    """A mail, as the last one who decided about it left it. Raises NotFound."""
    take_lock(session, "received-mail", str(number))
    mail = session.get(ReceivedMail, number, populate_existing=True)
    if mail is None:
        raise NotFound(f"Aucun courriel reçu ne porte le numéro {number}.")
    return mail


def take_mail(session: Session, number: int, *, now: datetime, actor: str) -> None:
    """Look after a mail that waits, whoever did until now; who does so already leaves it to all. It holds on.

    Raises NotFound, and Refused where somebody decided before.
    """
    mail = _waiting(session, number)
    is_own = mail.owner == actor
    _step(session, mail, MailStepKind.RELEASED if is_own else MailStepKind.TAKEN, now, actor)
    _record(session, mail, "laissé à tous" if is_own else "pris en charge", now, actor)


def hand_over(session: Session, number: int, *, to: str, now: datetime, actor: str) -> None:
    """Have a colleague (their address) look after a mail that waits.

    Raises NotFound, also without an active account; InputError where the colleague decides about no mail; Refused where
    somebody decided before.
    """
    colleague = accounts.user_named(session, to)
    if not colleague.holds(RoleName.AUTHOR, RoleName.APPROVER):
        raise InputError(f"{colleague.name} ne décide pas des courriels reçus : choisissez quelqu’un d’autre.")
    mail = _waiting(session, number)
    if mail.owner != colleague.email:
        _step(session, mail, MailStepKind.TAKEN, now, colleague.email)
        _record(session, mail, f"confié à {colleague.name}", now, actor)


def settle_mail(
    session: Session, number: int, decision: MailStepKind = MailStepKind.NOTHING, *, now: datetime, actor: str
) -> ReceivedMail:
    """Decide that a mail holds nothing any more: the letters that it alone held are due at once.

    Raises NotFound, and Refused where somebody decided before, or where a program wrote it.
    """
    mail = _waiting(session, number)
    mail.settled_at, mail.settled_by = now, actor
    _step(session, mail, decision, now, actor)
    then = " : ce qu’il retenait repart" if mail.authority_id else ""
    _record(session, mail, f"traité, {decision.label.lower()}{then}", now, actor)
    tell_of(session, EventKind.REPLY_SETTLED, mail, now=now, decision=decision.value)
    _free(session, mail.authority_id, now)
    return mail


def reopen_mail(session: Session, number: int, *, now: datetime, actor: str) -> None:
    """Take a decision back, or that a program wrote it: the mail waits, as `actor`'s, and holds what has not left. What
    was noted stays.

    Raises NotFound, and Refused where it waits already.
    """
    mail = in_turn(session, number)
    if mail.settled_at is None and not mail.is_automatic:
        raise Refused("Ce courriel n’est pas traité : il n’y a rien à rouvrir.")
    said = "rouvert, comme écrit par une personne" if mail.is_automatic else "rouvert"
    mail.settled_at, mail.settled_by, mail.is_automatic = None, None, False
    _step(session, mail, MailStepKind.REOPENED, now, actor)
    _step(session, mail, MailStepKind.TAKEN, now, actor)
    _record(session, mail, said, now, actor)
    confirm_sender(session, mail)
    tell_of(session, EventKind.REPLY_REOPENED, mail, now=now)


def attach_mail(session: Session, number: int, authority: Authority, *, now: datetime, actor: str) -> None:
    """Say whose a mail is that waits and nobody's: from now on it holds letters as any other.

    Raises NotFound, and Refused where it is somebody's, or where somebody decided before.
    """
    mail = _waiting(session, number)
    if mail.authority_id is not None:
        raise Refused("Ce courriel est déjà rattaché : quelqu’un vous a devancé.")
    mail.authority_id, mail.attached_by = authority.id, AttachedBy.HAND
    _step(session, mail, MailStepKind.ATTACHED, now, actor)
    _record(session, mail, "rattaché à ce pouvoir organisateur", now, actor)
    confirm_sender(session, mail)
    tell_of(session, EventKind.REPLY_RECEIVED, mail, now=now)


def detach_mail(session: Session, number: int, *, now: datetime, actor: str) -> None:
    """Take back what a colleague said of whose a mail is: what it held is due at once.

    Raises NotFound, and Refused where no colleague said it, or where somebody decided since.
    """
    mail = _waiting(session, number)
    if mail.attached_by is not AttachedBy.HAND:
        raise Refused("Seul un courriel rattaché par un collègue se détache.")
    _record(session, mail, "n’est plus rattaché à ce pouvoir organisateur", now, actor)
    tell_of(session, EventKind.REPLY_DETACHED, mail, now=now)
    authority, mail.authority_id, mail.attached_by = mail.authority_id, None, None
    _step(session, mail, MailStepKind.DETACHED, now, actor)
    confirmations.withdraw(session, [f"mail:{mail.id}"], now=now, actor=actor)
    _free(session, authority, now)


def confirm_sender(session: Session, mail: ReceivedMail) -> None:
    """A person's mail that is an authority's confirms the address that it came from, where that is the authority's."""
    if mail.authority_id is not None and not mail.is_automatic:
        by, about = ConfirmationWay.MAIL, f"mail:{mail.id}"
        confirmations.confirm(session, mail.authority_id, mail.sender_key, by, at=mail.received_at, about=about)


def tell_of(session: Session, kind: EventKind, mail: ReceivedMail, *, now: datetime, **more: str) -> None:
    """Tell programs about a person's mail, where it is somebody's: whose, and of which campaign, never its words."""
    if mail.authority_id is None or mail.is_automatic:
        return
    fase = session.get_one(Authority, mail.authority_id).fase
    of_wave = select(WAVES.c.campaign_id).join(Message, Message.mailing_id == WAVES.c.mailing_id)
    campaign = session.scalar(of_wave.where(Message.id == mail.message_id))
    publish_event(
        session, kind, f"authority:{fase}", {"mail": mail.id, "authority": fase, "campaign": campaign, **more}, at=now
    )


def _waiting(session: Session, number: int) -> ReceivedMail:
    mail = in_turn(session, number)
    if mail.settled_at is not None or mail.is_automatic:
        raise Refused("Ce courriel n’attend plus de décision : il est déjà traité, ou un programme l’a écrit.")
    return mail


def _step(session: Session, mail: ReceivedMail, step: MailStepKind, now: datetime, actor: str) -> None:
    session.add(MailStep(mail_id=mail.id, step=step, at=now, actor=actor))
    session.flush()
    session.refresh(mail, ["owner", "steps", "authority"])


def _record(session: Session, mail: ReceivedMail, said: str, now: datetime, actor: str) -> None:
    subject = subject_of(session.get_one(Authority, mail.authority_id)) if mail.authority_id else f"mail:{mail.id}"
    audit.record_entry(session, now, actor, f"Courriel reçu {mail.id} : {said}.", subject)


def _free(session: Session, authority: int | None, now: datetime) -> None:
    """Let the letters to an authority leave that no mail holds."""
    free = and_(is_in(MessageState.QUEUED), Message.authority_id == authority, ~holds_the_letter())
    session.execute(update(Message).where(free, Message.due_at > now).values(due_at=now))


def _holds(authority: SQLColumnExpression[Any], mailing: SQLColumnExpression[int] | int) -> ColumnElement[bool]:
    own = WAVES.alias("own")
    mails = select(1).select_from(ReceivedMail).join(own, own.c.mailing_id == mailing)
    return exists(
        mails.where(ReceivedMail.authority_id == authority, holds_letters(), _concerns(own)).correlate_except(
            ReceivedMail, own
        )
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
