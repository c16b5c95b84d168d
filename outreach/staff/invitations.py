"""Invites a person, and sends a link to choose another password: by mail, or printed once for who asked."""

from datetime import datetime

from outreach.access import accounts
from outreach.access.accounts import LinkKind, User, refuse_second_account, subject_of
from outreach.campaigns.letter import SenderIdentity
from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.models import MessageClass
from outreach.delivery.smtp import Guard
from outreach.staff import notifications
from outreach.staff.notifications import AccountHolder, AccountMail


def refuse_withheld(session: Session, guard: Guard, address: str) -> None:
    """Raises InputError, with the reason, when a letter to this address would not leave."""
    to = judge(address)
    if why := guard.reason(to.ascii or to.address):
        raise InputError(f"{why} Aucun courriel ne partirait à {to.address}.")
    if outbox.suppressed_among(session, [to.key], MessageClass.STATUTORY):
        raise InputError(f"L’adresse {to.address} est sur la liste d’exclusion : aucun courriel ne lui partirait.")


def invite(session: Session, person: AccountHolder, *, now: datetime, actor: str, examples: bool) -> User:
    """Add the account of a person who has yet to choose a password. Raises InputError as `staff.add_user` does."""
    user = accounts.add_user(
        session,
        now,
        actor,
        email=person.email,
        name=person.name,
        roles=person.roles,
        password_hash="",
        examples=examples,
        scope=person.scope,
    )
    session.flush()
    refuse_second_account(session, user)
    return user


def kind_for(user: User) -> LinkKind:
    """What a link from an administrator is for. Raises Refused for a closed account."""
    if not user.active:
        raise Refused(f"Le compte de {user.email} est fermé : rouvrez-le d’abord.")
    return LinkKind.RESET if user.accepted_at else LinkKind.INVITATION


def send(
    session: Session, user: User, mail: AccountMail, sending: SenderIdentity, *, now: datetime, actor: str
) -> None:
    """Send a person a link, written before. Raises Refused when the account was closed or accepted meanwhile."""
    _refuse_other(session, user, mail.kind)
    notifications.post_account_mail(session, mail, user.id, sending, now=now, actor=actor)
    said = f"Lien envoyé à {user.email} pour choisir un mot de passe ({mail.kind.label})."
    audit.record_entry(session, now, actor, said, subject_of(user))


def show(session: Session, user: User, *, now: datetime, actor: str) -> str:
    """Make a link that no letter carries; returns its token, which cannot be read again. Raises Refused as `send`."""
    kind, token = kind_for(user), accounts.new_token()
    _refuse_other(session, user, kind)
    accounts.make_link(session, user.id, kind, token, now=now)
    said = f"Lien montré, au lieu d’un courriel à {user.email}, pour choisir un mot de passe ({kind.label})."
    audit.record_entry(session, now, actor, said, subject_of(user))
    return token


def _refuse_other(session: Session, user: User, kind: LinkKind) -> None:
    take_lock(session, "accounts")
    session.refresh(user)
    if kind_for(user) is not kind:
        raise Refused(f"{user.name} vient d’accepter son invitation.")
