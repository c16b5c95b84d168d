"""Prepared statements: on every database they do what the same statement does by the usual way."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Integer, Text, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from outreach.core.db import table_of
from outreach.core.db.bulk import among_given
from outreach.core.db.prepared import Prepared, PreparedForEach
from outreach.delivery.models import RelayState, Suppression, SuppressionReason, SuppressionScope

pytestmark = pytest.mark.postgresql

NOW = datetime(2021, 5, 15, 9, 0, 0, 250, tzinfo=UTC)
SAID = "« l’été » \"double\" 'simple' back\\slash {accolade, virgule} %s %(name)s\nNULL\tπ 😀"
RELAYS, ADDRESSES = table_of(RelayState), table_of(Suppression)

MADE = PreparedForEach(
    lambda given: insert(RELAYS).from_select(
        ["place", "name", "failures", "said"], select(given.name, given.name, given.failures, given.said)
    ),
    name=Text,
    failures=Integer,
    said=Text,
)
FAILED = PreparedForEach(
    lambda given: (
        update(RELAYS)
        .where(RELAYS.c.name == given.name, RELAYS.c.failures < bindparam("most"))
        .values(failures=given.failures, rests_until=bindparam("until"), said=given.said)
    ),
    name=Text,
    failures=Integer,
    said=Text,
)
AMONG = Prepared(
    select(RELAYS.c.failures)
    .where(among_given(RELAYS.c.failures, "some"), RELAYS.c.failures != bindparam("but"))
    .order_by(RELAYS.c.failures)
)
RESTING = Prepared(
    select(RELAYS.c.failures).where(RELAYS.c.rests_until >= bindparam("now")).order_by(RELAYS.c.failures)
)


def told(session):
    rows = session.execute(select(RELAYS.c.name, RELAYS.c.failures, RELAYS.c.rests_until, RELAYS.c.said))
    return {name: tuple(rest) for name, *rest in rows.all()}


def test_each_row_is_written_as_it_is_given(database):
    with database.writing() as session:
        MADE.change(session, [("a", 1, SAID), ("b", 70_000, ""), ("c", 3, "x" * 10_000)])
    with database.reading() as session:
        assert told(session) == {"a": (1, None, SAID), "b": (70_000, None, ""), "c": (3, None, "x" * 10_000)}


def test_each_row_is_changed_where_its_condition_holds_and_the_shared_value_is_a_time(database):
    with database.writing() as session:
        MADE.change(session, [("a", 1, ""), ("b", 2, ""), ("c", 9, "")])
        FAILED.change(session, [("a", 11, SAID), ("c", 12, "no"), ("nobody", 13, "no")], most=9, until=NOW)
    with database.reading() as session:
        assert told(session) == {"a": (11, NOW, SAID), "b": (2, None, ""), "c": (9, None, "")}


@pytest.mark.parametrize("some", [[], [1], [1, 2, 3], {3, 1}, list(range(200))])
def test_a_list_is_as_long_as_it_is(database, some):
    with database.writing() as session:
        MADE.change(session, [(f"r{number}", number, "") for number in range(1, 6)])
        for but in (1, 4):  # once as it is compiled, once as it is kept
            found = AMONG.keys(session, {"some": some, "but": but})
            assert found == [number for number in range(1, 6) if number in some and number != but]


def test_a_time_is_compared_as_the_database_keeps_it(database):
    with database.writing() as session:
        MADE.change(session, [("a", 1, ""), ("b", 2, "")])
        FAILED.change(session, [("a", 1, "")], most=9, until=NOW)
        FAILED.change(session, [("b", 2, "")], most=9, until=NOW + timedelta(microseconds=1))
        assert RESTING.keys(session, {"now": NOW}) == [1, 2]
        assert RESTING.keys(session, {"now": NOW + timedelta(microseconds=1)}) == [2]


def test_a_constant_is_written_as_its_type_says_and_changes_are_counted(database):
    lifted = Prepared(
        update(ADDRESSES)
        .where(ADDRESSES.c.scope == SuppressionScope.ALL, ADDRESSES.c.reason.in_([SuppressionReason.STAFF]))
        .values(scope=SuppressionScope.AWARENESS, lifted_by=None)
    )
    with database.writing() as session:
        for number, reason in enumerate(SuppressionReason):
            details = {
                "scope": SuppressionScope.ALL,
                "created_at": NOW,
                "created_by": "a@fwb.example",
                "lifted_by": "b",
            }
            session.add(Suppression(address_key=f"{number}@fwb.example", reason=reason, **details))
        session.flush()
        assert lifted.change(session, {}) == 1
        assert lifted.change(session, {}) == 0
        session.expire_all()
        told = session.execute(select(Suppression.reason, Suppression.scope, Suppression.lifted_by))
        assert {row for row in told if row.scope is SuppressionScope.AWARENESS} == {
            (SuppressionReason.STAFF, SuppressionScope.AWARENESS, None)
        }


def test_what_the_database_refuses_is_said_as_ever(database):
    with pytest.raises(IntegrityError), database.writing() as session:
        MADE.change(session, [("a", 1, ""), ("a", 2, "")])
