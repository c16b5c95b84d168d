"""A school that is reported as gone: no letter names it from that moment on, and every recipient stays in the count."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.adherence.models import Strand
from outreach.adherence.situation import standing_of_some
from outreach.campaigns import planning, results
from outreach.core.text.dates import today
from outreach.delivery.models import Message, MessageState, MessageSubject, Reason
from outreach.directory import register
from outreach.directory.models import Authority, School
from outreach.directory.register import Fate, SchoolReport
from outreach.operations.demo.story import Post
from tests.campaigns.conftest import AUTHOR, SENDING, approved, launch, settle
from tests.conftest import NOW

LATER = NOW + timedelta(days=1)
S = MessageState


@pytest.fixture
def made(database, people, strand):
    """Two authorities, of two schools and of one."""
    return settle(database, 1, schools=2) | settle(database, 1)


def report(database, school, now=NOW):
    with database.writing() as session:
        fase = session.get_one(School, school).fase
        owner = session.scalars(select(Authority).where(Authority.fase == 9001 + (fase - 80001) // 100)).one()
        details = {"day": today(now), "source": "Appel", "now": now, "today": today(now), "actor": AUTHOR}
        register.report_school(session, owner, fase, Fate.GONE, **details)


def carry(database, now=LATER):
    with database.writing() as session:
        Post(session, SENDING, now=now, refusals={}).carry(now)


def letters(database):
    """What became of each letter of an authority, and the schools that it lists."""
    with database.reading() as session:
        query = select(Message, MessageSubject.school_id).order_by(Message.id, MessageSubject.school_id)
        found = {}
        for row, school in session.execute(query.outerjoin(MessageSubject, MessageSubject.message_id == Message.id)):
            listed = found.setdefault(row.authority_id, (row.state, row.reason, []))[2]
            listed += [school] if school else []
        return found


@pytest.mark.postgresql
def test_an_audience_leaves_it_out_of_list_and_count_and_says_why_of_an_only_school(database, made, strand):
    (first, (kept, left)), (second, (only,)) = made.items()
    for school in (left, only):
        report(database, school)
    number = approved(database)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        counts = planning.count_campaign_audience(session, campaign, now=NOW)
        assert (counts.authorities, counts.written, counts.schools) == (2, 1, 1)
        assert counts.left_out == {Reason.REPORTED: 1}
        counted = session.execute(standing_of_some([first, second], session.get_one(Strand, strand), today(NOW)))
        assert [row.school_id for row in counted] == [kept], "what the letter says of their number"
    launch(database, number)
    assert letters(database) == {first: (S.QUEUED, None, [kept]), second: (S.WITHDRAWN, Reason.REPORTED, [])}


@pytest.mark.long
def test_a_letter_that_waits_loses_it_and_one_about_nothing_else_is_withdrawn(database, made):
    (first, (kept, left)), (second, (only,)) = made.items()
    launch(database, approved(database))
    for school in (left, only):
        report(database, school, NOW + timedelta(minutes=5))
    carry(database)
    assert letters(database) == {first: (S.ACCEPTED, None, [kept]), second: (S.WITHDRAWN, Reason.REPORTED, [])}
    with database.reading() as session:
        assert results.verify_ledger(session, now=LATER) == []


def test_a_withdrawn_report_lets_letters_name_it_again(database, made):
    first, (kept, left) = next(iter(made.items()))
    report(database, left)
    with database.writing() as session:
        owner = session.get_one(Authority, first)
        fase = session.get_one(School, left).fase
        register.withdraw_report(session, owner, fase, now=NOW, actor=AUTHOR)
    launch(database, approved(database))
    assert letters(database)[first] == (S.QUEUED, None, [kept, left])


@pytest.mark.postgresql
@pytest.mark.long
def test_a_reminder_leaves_it_out(database, made):
    (first, (kept, left)), (second, (only,)) = made.items()
    number = approved(database)
    launch(database, number)
    carry(database)
    for school in (left, only):
        report(database, school, LATER)
    with database.reading() as session:
        campaign = planning.campaign_numbered(session, number)
        for only_unreacted in (False, True):
            found = planning.list_addressees(session, campaign, now=LATER, only_unreacted=only_unreacted)
            values = {one.authority_id: (one.schools, one.reason) for one in found}
            assert values == {first: ((kept,), None), second: ((), Reason.REPORTED)}


def test_what_left_for_a_school_reported_before_is_seen(database, made):
    launch(database, approved(database))
    carry(database)
    report(database, made[min(made)][1], NOW + timedelta(minutes=5))
    with database.writing() as session:
        assert results.verify_ledger(session, now=LATER)[0].rule == "not_once_reported"
        session.execute(update(SchoolReport).values(recorded_at=LATER + timedelta(seconds=1)))
        assert results.verify_ledger(session, now=LATER) == []
