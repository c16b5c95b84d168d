"""What a database is asked, statement by statement."""

from contextlib import contextmanager

from sqlalchemy import event


@contextmanager
def asked(database):
    """The statements that read within this block, as they come; those that keep turns of writers are none."""
    seen = []

    def note(*details):
        if details[2].lstrip().startswith(("SELECT", "WITH")) and "advisory" not in details[2]:
            seen.append(details[2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
