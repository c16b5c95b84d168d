"""Many keys as one value: what a list of parameters finds, on every database, and by the index."""

import pytest
from sqlalchemy import event, insert, select, text

from outreach.core.audit import AuditEntry
from outreach.core.db import table_of
from outreach.core.db.bulk import among

pytestmark = pytest.mark.postgresql

ROWS = 5000


@pytest.fixture
def rows(database, now):
    entries = [
        {"id": one, "at": now, "actor": "a", "sentence": "x" * 100, "subject": "s"} for one in range(1, ROWS + 1)
    ]
    with database.writing() as session:
        session.execute(insert(table_of(AuditEntry)), entries)


def test_it_finds_what_a_list_of_parameters_finds(database, rows):
    of = select(AuditEntry.id).order_by(AuditEntry.id)
    for some in ([], [3], {1, 4, 99_999}, range(10, 2_000)):
        ours, theirs = among(AuditEntry.id, some), AuditEntry.id.in_(list(some))
        one = AuditEntry.id == 7
        with database.reading() as session:
            for mine, listed in ((ours, theirs), (~ours, ~theirs), (ours | one, theirs | one)):
                assert session.scalars(of.where(mine)).all() == session.scalars(of.where(listed)).all(), some


def test_it_looks_them_up_whatever_stands_beside(database, rows):
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[database.engine.dialect.name]
    with database.writing() as session:
        session.execute(text("ANALYZE"))
        session.execute(select(AuditEntry.sentence).where(among(AuditEntry.id, [3, 4]), AuditEntry.actor == "a")).all()
        statement, values = asked[-1]
        plan = session.connection().exec_driver_sql(f"{explain} {statement}", values).all()
    assert "SEARCH audit_entries" in str(plan) or "Index Cond: (id = ANY" in str(plan), plan
