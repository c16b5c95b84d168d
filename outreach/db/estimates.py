"""Keeps PostgreSQL from loops that it plans by wrong guesses of how many rows there are."""

from sqlalchemy import text

from outreach.db import Base, Session

SIGHT = "outreach_sight"  # an execution option: whose scope the sessions of an engine have; they ask no catalogue
HASHED = text("SET LOCAL enable_nestloop = off")
PAGE, GROWN = 8192, 10  # bytes; times
HAS_GROWN = text(
    "SELECT EXISTS (SELECT FROM pg_class WHERE oid = ANY (CAST(CAST(:names AS text[]) AS regclass[]))"
    " AND pg_relation_size(oid) > :bytes * greatest(relpages, 1))"
)


def hash_what_grew(session: Session, *models: type[Base]) -> None:
    """Where one of these tables has grown tenfold since PostgreSQL last looked at it, or it never did, have it join by
    hashing to the end of the transaction.

    It looks within a minute of what was written (`db.take_stock`: at once). Until then it takes a table for all but
    empty, and plans one loop in another: over all mailboxes for each authority, and for each of both over all schools.
    A scoped session always joins so (`hash_in_scope`): it may not ask the catalogue.
    """
    bind = session.get_bind()
    if bind.dialect.name != "postgresql":
        return
    if SIGHT in bind.get_execution_options():
        hash_in_scope(session)
        return
    names = [model.__tablename__ for model in models]
    if session.scalar(HAS_GROWN, {"names": names, "bytes": GROWN * PAGE}):
        session.execute(HASHED)


def hash_in_scope(session: Session) -> None:
    """Have a scoped session join by hashing to the end of the transaction, for a statement over most letters.

    PostgreSQL does not know how many keys a sight has, and looks each letter up among the schools of all: with 1,000
    authorities and 15 waves the situation took 12 seconds of the 5 it has, and takes a twentieth of one.
    """
    bind = session.get_bind()
    if bind.dialect.name == "postgresql" and SIGHT in bind.get_execution_options():
        session.execute(HASHED)
