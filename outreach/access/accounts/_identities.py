"""Which account is whose at the issuer of OpenID Connect, and the roles that its claims give at each sign-in.

An account is bound to an issuer and a subject, once its person has proved to be both. An address that a claim names
binds nothing: whoever administers the issuer can write any address there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.access.accounts._accounts import Role, User, is_in_use, rows_of
from outreach.access.accounts._administration import end_sessions, subject_of
from outreach.access.accounts._calendar_keys import end_calendar_key
from outreach.access.accounts._password_links import read_link, use
from outreach.access.oidc.claims import Refusal, SignInRefused
from outreach.core import audit, jobs
from outreach.core.db import Base, Session, take_lock
from outreach.core.text.roles import RoleName


class StaffIdentity(Base):
    """Who an account's person is at the issuer. The row goes with the account, or when another identity is bound."""

    __tablename__ = "staff_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    bound_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a sign-in: the account, and why it is refused if it is.

    `keeps_administration`: the claims give that role no more, and the last administrator kept it.
    """

    user_id: int
    email: str
    refused: Refusal | None = None
    keeps_administration: bool = False


def identity_of(session: Session, user_id: int, issuer: str) -> StaffIdentity | None:
    """The identity that an account is bound to at this issuer, or None."""
    identity = session.get(StaffIdentity, user_id)
    return identity if identity and identity.issuer == issuer else None


def bind_identity(session: Session, user_id: int, issuer: str, subject: str, *, now: datetime) -> None:
    """Bind an account to an identity, in place of the one that it had; the audit says so, without the subject.

    Raises SignInRefused when the account is closed, or another one, closed or not, is bound to this identity.
    """
    take_lock(session, "accounts")
    user = session.get_one(User, user_id, populate_existing=True)
    if not user.active:
        raise SignInRefused(Refusal.CLOSED, user.email)
    holder = session.scalar(select(StaffIdentity.user_id).where(*_is(issuer, subject)))
    if holder == user_id:
        return
    if holder is not None:
        raise SignInRefused(Refusal.TAKEN, user.email)
    session.merge(StaffIdentity(user_id=user_id, issuer=issuer, subject=subject, bound_at=now))
    session.flush()
    said = f"Compte de {user.email} lié à son identité chez {issuer}."
    audit.record_entry(session, now, user.email, said, subject_of(user))


def accept_by_identity(session: Session, token: str, issuer: str, subject: str, *, now: datetime) -> None:
    """Bind the account whose link this is to an identity, and accept the invitation; every session ends.

    The account has no password any more: whoever knew one had to be invited anew. The link is used up. Raises DeadLink,
    and SignInRefused as `bind_identity` does.
    """
    take_lock(session, "accounts")
    link = read_link(session, token, now=now)
    bind_identity(session, link.user_id, issuer, subject, now=now)
    user = session.get_one(User, link.user_id)
    user.password, user.must_change_password = "", False
    user.accepted_at = user.accepted_at or now
    use(session, link, now=now)
    end_sessions(session, user)


def admit_identity(
    session: Session, issuer: str, subject: str, roles: Collection[RoleName] | None, *, now: datetime
) -> Admission:
    """The account of an identity, with the roles that the claims give it; None leaves its roles as they are.

    An account of a federation or a network keeps its role: claims are about staff. Without any role nobody is let in,
    and the person's sessions end. The last administrator keeps that role, and is let in: the service is never without
    one. Raises SignInRefused for an unknown identity and for a closed account.
    """
    take_lock(session, "accounts")
    query = select(User).join(StaffIdentity, StaffIdentity.user_id == User.id).where(*_is(issuer, subject))
    user = session.scalar(query.execution_options(populate_existing=True))
    if user is None:
        raise SignInRefused(Refusal.UNKNOWN)
    if not user.active:
        raise SignInRefused(Refusal.CLOSED, user.email)
    if roles is None or user.access_scope is not None:
        return Admission(user.id, user.email)
    keeps = RoleName.ADMINISTRATOR not in roles and _is_last_administrator(session, user)
    wanted = {*roles, RoleName.ADMINISTRATOR} if keeps else set(roles)
    _give(session, user, wanted, keeps=keeps, now=now)
    if not wanted:
        end_sessions(session, user)
        return Admission(user.id, user.email, refused=Refusal.ROLELESS)
    return Admission(user.id, user.email, keeps_administration=keeps)


def _give(session: Session, user: User, roles: Collection[RoleName], *, keeps: bool, now: datetime) -> None:
    """Replace the roles of an account by these; the audit says so when they differ. With one that goes, so do files
    that were prepared."""
    held = {RoleName(role.name) for role in user.roles}
    if held == set(roles):
        return
    if not held:
        end_calendar_key(session, user.id)  # one from before it ended with the last role
    user.roles = rows_of(session, list(roles))
    if held - set(roles):
        jobs.drop_jobs(session, user.email)
    why = " ; le rôle administration reste à la dernière personne qui l’a" if keeps else ""
    said = f"Compte de {user.email} : rôles {_labels(held)} remplacés par {_labels(roles)}, selon l’émetteur{why}."
    audit.record_entry(session, now, user.email, said, subject_of(user))


def _labels(roles: Collection[RoleName]) -> str:
    return ", ".join(role.label for role in RoleName if role in roles) or "aucun"


def _is_last_administrator(session: Session, user: User) -> bool:
    is_administrator = User.roles.any(Role.name == RoleName.ADMINISTRATOR)
    return session.scalars(select(User.id).where(is_in_use(), is_administrator)).all() == [user.id]


def _is(issuer: str, subject: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return StaffIdentity.issuer == issuer, StaffIdentity.subject == subject
