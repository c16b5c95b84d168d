"""The trail: one line a minute of what repeats, filters, and twelve months."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import AccessLogEntry, Filter, LogLine, TrailKind
from tests.conftest import NOW

pytestmark = pytest.mark.postgresql
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NADIA, MARC = "nadia.lambert@fwb.example", "marc.dethier@fwb.example"


@pytest.fixture
def add(database):
    def added(*lines):
        with database.writing() as session:
            accounts.add_access_lines(session, lines)

    return added


def kept(database, **asked):
    with database.reading() as session:
        listed = accounts.list_access(session, Filter(**asked))
        assert listed.count() == len(listed.page(1))
        return [(line.kind, line.person, line.detail) for line in listed.page(1)]


def test_a_failure_is_told_once_a_minute_for_a_person_and_kind(add, database):
    failed = TrailKind.SIGN_IN_FAILED
    add(*(LogLine(NOW + n * SECOND, failed, NADIA, str(n)) for n in range(3)))
    add(
        LogLine(NOW + 59 * SECOND, failed, NADIA),
        LogLine(NOW + 59 * SECOND, failed),
        LogLine(NOW + 59 * SECOND, failed, MARC),
    )
    add(LogLine(NOW + 59 * SECOND, TrailKind.REFUSED, NADIA), LogLine(NOW + MINUTE, failed, NADIA, "later"))
    told = kept(database)
    assert sorted(told) == sorted(
        [
            (failed, NADIA, "0"),
            (failed, "", ""),
            (failed, MARC, ""),
            (TrailKind.REFUSED, NADIA, ""),
            (failed, NADIA, "later"),
        ]
    )


def test_what_was_done_is_told_each_time_and_a_letter_once_a_minute(add, database):
    for kind in (TrailKind.EXPORTED, TrailKind.SIGNED_IN, TrailKind.LETTER_OPENED):
        add(LogLine(NOW, kind, NADIA, "1"))
        add(LogLine(NOW + SECOND, kind, NADIA, "1"), LogLine(NOW + SECOND, kind, NADIA, "2"))
    told = [kind for kind, _person, _detail in kept(database)]
    assert [told.count(kind) for kind in (TrailKind.EXPORTED, TrailKind.SIGNED_IN, TrailKind.LETTER_OPENED)] == [
        3,
        3,
        2,
    ]


def test_lines_are_found_by_kind_person_and_days_in_brussels(add, database):
    add(
        LogLine(NOW, TrailKind.EXPORTED, NADIA, "first"),
        LogLine(NOW.replace(hour=22, minute=30), TrailKind.SIGNED_OUT, MARC, "after midnight"),
        LogLine(NOW + timedelta(days=2), TrailKind.EXPORTED, MARC, "last"),
    )
    assert [detail for *_, detail in kept(database)] == ["last", "after midnight", "first"]
    assert [detail for *_, detail in kept(database, kind=TrailKind.EXPORTED)] == ["last", "first"]
    assert [detail for *_, detail in kept(database, person="NADIA")] == ["first"]
    assert kept(database, person="%") == []
    assert [detail for *_, detail in kept(database, since=date(2021, 5, 16), until=date(2021, 5, 16))] == [
        "after midnight"
    ]


def test_a_long_line_is_cut(add, database):
    add(LogLine(NOW, TrailKind.REFUSED, "x" * 500, "y" * 500))
    with database.reading() as session:
        entry = session.scalars(select(AccessLogEntry)).one()
        assert (len(entry.person), len(entry.detail)) == (255, 300)
