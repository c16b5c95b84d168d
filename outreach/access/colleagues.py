"""Reads who works here, without loading what signing in needs: for processes that send."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Boolean, ColumnElement, DateTime, Integer, Select, String, column, select, table

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.core.db import Session
from outreach.core.text.roles import RoleName

# The tables of `accounts.staff` by name: importing that module would load Argon2 and cryptography.
USERS = table(
    "users",
    column("id", Integer),
    column("email", String),
    column("name", String),
    column("password", String),
    column("active", Boolean),
    column("accepted_at", DateTime),
    column("scope_code", String),
)
_roles = table("roles", column("id", Integer), column("name", String))
_holders = table("role_holders", column("user_id", Integer), column("role_id", Integer))


@dataclass(frozen=True, slots=True)
class Colleague:
    """A person with an open account, whose invitation was accepted."""

    id: int
    email: str
    name: str


def active(session: Session) -> list[Colleague]:
    """Everybody with an active account, in the order of the accounts."""
    return _read(session, _ACTIVE)


def with_password(session: Session) -> list[Colleague]:
    """Everybody with an active account and a password; who signs in with the issuer alone has none."""
    return _read(session, _ACTIVE.where(USERS.c.password != ""))


def with_role(session: Session, role: RoleName) -> list[Colleague]:
    """Everybody with an active account who holds a role."""
    holding = select(_holders.c.user_id).join(_roles, _roles.c.id == _holders.c.role_id)
    return _read(session, _ACTIVE.where(USERS.c.id.in_(holding.where(_roles.c.name == role.value))))


def scoped(session: Session) -> list[tuple[Colleague, AccessScope]]:
    """Everybody with an active account of a federation or a network, with what it sees."""
    role = select(_roles.c.name).join(_holders, _holders.c.role_id == _roles.c.id)
    kind = role.where(_holders.c.user_id == USERS.c.id, _roles.c.name.in_(list(ScopeKind))).scalar_subquery()
    query = select(USERS.c.id, USERS.c.email, USERS.c.name, kind, USERS.c.scope_code).where(*_IN_USE, kind.is_not(None))
    rows = session.execute(query.order_by(USERS.c.id))
    return [(Colleague(*row), AccessScope(ScopeKind(of), code)) for *row, of, code in rows]


def holds(session: Session, email: str, role: RoleName) -> bool:
    """Whether the person with this address has an active account and holds a role."""
    return any(person.email == email for person in with_role(session, role))


def has_a_role() -> ColumnElement[bool]:
    """The condition that a row of accounts has a role, whatever it is."""
    return select(_holders.c.user_id).where(_holders.c.user_id == USERS.c.id).exists()


def numbered(session: Session, keys: Iterable[int]) -> dict[int, Colleague]:
    """Those of these accounts that are active, by their keys."""
    return {found.id: found for found in _read(session, _ACTIVE.where(USERS.c.id.in_(list(keys))))}


def name_of(session: Session, email: str) -> str:
    """The name of the account with this address, closed or not; the address itself without one."""
    return session.scalar(select(USERS.c.name).where(USERS.c.email == email)) or email


def _read(session: Session, query: Select[int, str, str]) -> list[Colleague]:
    return [Colleague(*row) for row in session.execute(query)]


_IN_USE = USERS.c.active, USERS.c.accepted_at.is_not(None)
_ACTIVE = select(USERS.c.id, USERS.c.email, USERS.c.name).where(*_IN_USE).order_by(USERS.c.id)
