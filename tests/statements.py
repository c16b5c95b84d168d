"""What a database is asked, statement by statement."""

from contextlib import contextmanager

from sqlalchemy import event


@contextmanager
def asked(database):
    """The statements that read within this block, as they come.

    Those that keep turns of writers are none, nor is what is asked of PostgreSQL's own catalogue.
    """
    seen, other = [], ("advisory", "pg_class")

    def note(*details):
        if details[2].lstrip().startswith(("SELECT", "WITH")) and not any(word in details[2] for word in other):
            seen.append(details[2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
