"""What administrators change of accounts: roles, closing, reopening. An administrator always remains."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from outreach.access.accounts import _sessions as sessions
from outreach.access.accounts import second_factors
from outreach.access.accounts._accounts import (
    Role,
    User,
    everybody,
    is_in_use,
    refuse_mixed,
    refuse_second_account,
    rows_of,
)
from outreach.access.accounts._calendar_keys import end_calendar_key
from outreach.access.accounts._password_links import end_links
from outreach.core import audit, jobs
from outreach.core.db import Session, take_lock
from outreach.core.erasure import is_mark
from outreach.core.tables import DATA, Column, InMemoryListing, Kind, On
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName


def set_roles(
    session: Session, user: User, roles: Sequence[RoleName], *, scope: str = "", now: datetime, actor: str
) -> None:
    """Give an account these roles and no others, and its scope; the same again changes nothing.

    Raises InputError as `staff.add_user` does, and Refused when the service would be left without an administrator.
    What is no longer to be seen is not: where the scope changes, sessions end; then, and where a role is taken away,
    prepared files go.
    """
    _in_turn(session, user)
    refuse_mixed(roles, scope)
    wanted = rows_of(session, roles)
    if {role.id for role in wanted} == {role.id for role in user.roles} and scope == user.scope_code:
        return
    if RoleName.ADMINISTRATOR not in roles:
        _refuse_without_administrator(session, user)
    if not user.roles:
        end_calendar_key(session, user.id)  # one from before it ended with the last role
    before, is_other, is_less = labels_of(user), scope != user.scope_code, bool({*roles_of(user)} - {*roles})
    user.roles, user.scope_code = wanted, scope
    if is_other:
        end_sessions(session, user)
    if is_other or is_less:
        jobs.drop_jobs(session, user.email)
    said = f"Compte de {user.email} : rôles {before} remplacés par {labels_of(user)}."
    audit.record_entry(session, now, actor, said, subject_of(user))


def close_account(session: Session, user: User, *, now: datetime, actor: str) -> None:
    """Close an account: nobody signs in by it any more, and its sessions end.

    Raises Refused when it is closed already, or the service would be left without an administrator. What the person
    follows is for `campaigns.departures`.
    """
    _in_turn(session, user)
    if not user.active:
        raise Refused(f"Le compte de {user.email} est déjà fermé.")
    _refuse_without_administrator(session, user)
    user.active = False
    end_sessions(session, user)
    end_links(session, user.id, now=now)
    audit.record_entry(session, now, actor, f"Compte de {user.email} fermé.", subject_of(user))


def reopen_account(session: Session, user: User, *, now: datetime, actor: str) -> None:
    """Open a closed account again, with its roles and its password.

    Raises Refused when it is open or its person was erased, InputError when the person has another account by now.
    """
    _in_turn(session, user)
    if is_mark(user.email):
        raise Refused(
            "La personne de ce compte a été effacée, comme elle l’a demandé : invitez-la à une autre adresse."
        )
    if user.active:
        raise Refused(f"Le compte de {user.email} est déjà ouvert.")
    refuse_second_account(session, user)
    end_calendar_key(session, user.id)  # one from before it ended with the account
    user.active = True
    audit.record_entry(session, now, actor, f"Compte de {user.email} rouvert.", subject_of(user))


def end_all_sessions(session: Session, user: User, *, now: datetime, actor: str) -> None:
    """End every session of a person who stays; the audit says who did it."""
    end_sessions(session, user)
    audit.record_entry(session, now, actor, f"Sessions de {user.email} terminées.", subject_of(user))


def reset_second_factor(session: Session, user: User, *, by_shell: bool = False, now: datetime, actor: str) -> None:
    """Take away the second factor that a person has lost, and end that person's sessions. Raises Refused.

    One's own is refused, except `by_shell`: whoever works on the machine may be the only administrator.
    """
    _in_turn(session, user)
    second_factors.reset(session, user.id, user.email, actor=actor, by_shell=by_shell, now=now)
    end_sessions(session, user)


def end_sessions(session: Session, user: User) -> None:
    """End every session of a person, those whose row another process is writing as well."""
    user.fs_uniquifier = secrets.token_hex(32)
    sessions.end_sessions(session, user.id)


def subject_of(user: User) -> str:
    """The account as the audit names it."""
    return f"user:{user.email}"


def roles_of(user: User) -> list[RoleName]:
    """The roles of an account, in their order."""
    held = {role.name for role in user.roles}
    return [role for role in RoleName if role in held]


def account_state(user: User) -> str:
    """How an account stands, in a word."""
    if not user.active:
        return "fermé"
    return "ouvert" if user.accepted_at else "invitation en attente"


COLUMNS: Sequence[Column[User]] = (
    Column("name", "Nom", lambda user: user.name, sort=True),
    Column("email", "Adresse", lambda user: user.email, sort=True, on=DATA),
    Column("roles", "Rôles", roles_of, sort=True),
    Column("scope", "Fédération ou réseau", lambda user: user.scope_code, sort=True, on=On.FILE | On.JSON),
    Column("state", "État", account_state, sort=True, on=On.PAGE | On.FILE),
    Column("active", "Ouvert", lambda user: user.active, on=On.JSON),
    Column("last_sign_in", "Dernière connexion", lambda user: user.last_sign_in_at, Kind.MOMENT, sort=True),
)


def list_accounts(session: Session, *, text: str = "", sort: str = "") -> InMemoryListing[User]:
    """Every account, closed ones last, by name."""
    return InMemoryListing(title="Comptes", columns=COLUMNS, sort=sort, text=text, rows=everybody(session))


def labels_of(user: User) -> str:
    """The roles of an account in words, with its scope."""
    return ", ".join(f"{role.label} {user.scope_code}".strip() for role in roles_of(user))


def _in_turn(session: Session, user: User) -> None:
    take_lock(session, "accounts")
    session.refresh(user)


def last_administrator(session: Session, user: User) -> str:
    """Why this person has to remain an administrator, in French, or '': nobody else can sign in as one."""
    is_administrator = User.roles.any(Role.name == RoleName.ADMINISTRATOR)
    able = session.scalars(select(User.id).where(is_in_use(), is_administrator)).all()
    if list(able) != [user.id]:
        return ""
    return (
        f"{user.name} est la dernière personne qui administre le service : donnez d’abord ce rôle à une autre, "
        "dont l’invitation est acceptée."
    )


def _refuse_without_administrator(session: Session, user: User) -> None:
    if sentence := last_administrator(session, user):
        raise Refused(sentence)
