"""The role without rights on the tables to which scoped connections change on PostgreSQL, where a setting names one.

The guard reads statements as we think PostgreSQL does. Where it misreads one, this role may read the views alone: they
are made by the owner of the tables before, and read with the owner's rights. That no statement leaves the role is up to
the guard: the session's own login owns the tables.
"""

from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from outreach.db import Session
from outreach.errors import Refused
from outreach.sight import views

if TYPE_CHECKING:
    from outreach.settings import Settings

INFO = "sight_role"
MISSING = "Le rôle {role} n’existe pas, ou le rôle du service ne peut pas le prendre : {lines}"
HAS_RIGHTS = "Le rôle {role} peut lire {tables} sans passer par les vues : retirez-lui ces droits (REVOKE)."
LINES = "demandez CREATE ROLE {role} NOLOGIN et GRANT {role} TO {ours} (docs/install.md)."
FOUND = text("SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = :role")
READABLE = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')"
    " AND relnamespace = current_schema()::regnamespace"
    " AND has_any_column_privilege(CAST(:role AS name), oid, 'SELECT') ORDER BY relname"
)


def info_of(settings: "Settings") -> dict[str, object]:
    """The role that a database carries for its scoped connections."""
    return {INFO: settings.sight_role} if settings.sight_role else {}


def granted(role: str) -> str:
    """The statement that lets the role read the views of a connection."""
    named = ", ".join(f"pg_temp.{name}" for name in views.names())
    return f"GRANT SELECT ON {named} TO {quoted(role)}"


def taken(role: str) -> str:
    """The statement by which a transaction goes on as this role, to its end."""
    return f"SET LOCAL ROLE {quoted(role)}"


def quoted(role: str) -> str:
    """A role's name as PostgreSQL reads it. The settings take no other signs than letters, digits and underscores."""
    return f'"{role}"'


def examine(session: Session, role: str) -> None:
    """Raise Refused, with what to do, where this role cannot be taken, or may read what it should not."""
    if not session.scalar(FOUND, {"role": role}):
        ours = session.scalar(select(func.current_user()))
        raise Refused(MISSING.format(role=role, lines=LINES.format(role=role, ours=ours)))
    if readable := session.scalars(READABLE, {"role": role}).all():
        shown = f"{readable[0]} et {len(readable) - 1} autres tables" if readable[1:] else readable[0]
        raise Refused(HAS_RIGHTS.format(role=role, tables=shown))
