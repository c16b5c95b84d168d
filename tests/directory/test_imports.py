import threading
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import event, func, select

from outreach.core import audit, tables
from outreach.core.text.addresses import judge
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Reason
from outreach.directory import authorities, contacts, register
from outreach.directory.authorities import Filters
from outreach.directory.models import (
    Authority,
    Contact,
    MailboxKind,
    Ownership,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
)
from outreach.directory.register import open_edition
from outreach.directory.register._comparison import stored
from outreach.directory.register._edition import Edition
from outreach.operations.retention import RULES, forget_by_rule
from tests import factories
from tests.directory import editions
from tests.directory.editions import EDITIONS, edition, row

FIRST, SECOND = date(2021, 3, 1), date(2021, 5, 1)
OLD = edition(row(), row(school=80002, site=70002, authority=9002, school_name="École du Parc"))
NEW = edition(
    row(), row(school=80002, site=70002, authority=9001, school_name="École du Parc"), row(school=80003, site=70003)
)


def apply(database, content, now, on=FIRST):
    with database.writing() as session:
        return editions.apply(session, content, now, on)


def state(database):
    with database.reading() as session:
        edition_ = stored(session)
        periods = session.execute(
            select(School.fase, Authority.fase, Ownership.since, Ownership.until)
            .join(Ownership, Ownership.school_id == School.id).join(Authority, Authority.id == Ownership.authority_id)
            .where(Ownership.undone_at.is_(None)).order_by(School.fase, Ownership.id)
        ).all()  # fmt: skip
        return edition_, [tuple(period) for period in periods]


def test_a_plan_writes_nothing(database):
    with database.reading() as session:
        draft = tables.draft_import(EDITIONS, open_edition(OLD), edition_on=FIRST)
        assert tables.judge_import(session, EDITIONS, draft).plan.changes
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Authority)) == 0


def test_a_second_apply_changes_nothing(database, now):
    apply(database, OLD, now)
    assert apply(database, OLD, now).changes == []
    with database.reading() as session:
        assert len(audit.entries_about(session, "register:1")) == 1
        assert session.scalar(select(func.count()).select_from(Contact)) == 2


def test_the_first_edition_has_no_beginning_and_the_next_closes_and_opens_periods(database, now):
    apply(database, OLD, now)
    apply(database, NEW, now, SECOND)
    _, periods = state(database)
    assert periods == [
        (80001, 9001, None, None),
        (80002, 9002, None, SECOND),
        (80002, 9001, SECOND, None),
        (80003, 9001, SECOND, None),
    ]


@pytest.mark.parametrize(
    ("day", "owners"), [(FIRST, {9001, 9002}), (date(2021, 4, 30), {9001, 9002}), (SECOND, {9001})]
)
def test_the_past_keeps_its_owners(database, now, day, owners):
    apply(database, OLD, now)
    apply(database, NEW, now, SECOND)
    with database.reading() as session:
        query = select(Authority.fase).join(Ownership, Ownership.authority_id == Authority.id).where(Ownership.on(day))
        assert set(session.scalars(query)) == owners


def test_undo_returns_to_what_was_before(database, now):
    apply(database, OLD, now)
    before = state(database)
    changed = NEW.replace(b"ASBL Saint-Joseph", b"ASBL Sainte-Anne").replace(b"1070", b"4000")
    apply(database, changed, now, SECOND)
    assert state(database) != before
    with database.writing() as session:
        editions.undo(session, now)
    assert state(database) == before
    with database.reading() as session:
        assert authorities.count_authorities(session, Filters(text="sainte anne")).authorities == 0
        assert authorities.count_authorities(session, Filters(province="Bruxelles")).schools == 2


def test_an_edition_undone_after_midnight_says_the_day_in_brussels(database, now):
    apply(database, OLD, now)
    apply(database, NEW, now, SECOND)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(0, 30), BRUSSELS)
    with database.writing() as session:
        editions.undo(session, midnight)
        lines = [
            one.sentence for one in authorities.authority_history(session, authorities.authority_by_fase(session, 9001))
        ]
    assert [one for one in lines if f"annulée le {midnight:%d/%m/%Y}" in one]


def test_undo_of_the_first_edition_leaves_nobody_and_all_are_new_in_the_next(database, now):
    apply(database, OLD, now)
    with database.writing() as session:
        editions.undo(session, now)
    with database.reading() as session:
        assert stored(session) == Edition({}, {}, {})
        assert authorities.count_authorities(session, Filters()).authorities == 0
    with pytest.raises(NotFound), database.writing() as session:
        editions.undo(session, now)
    plan = apply(database, NEW.replace(b"Libre confessionnel", b"WBE"), now + timedelta(hours=1))
    assert plan.counts(RegisterKind.SCHOOL)["new"] == 3
    assert not plan.rejected, "another network than the undone edition gave"
    _, periods = state(database)
    assert [one[2:] for one in periods] == [(None, None)] * 3, "also for the days before"
    with database.reading() as session:
        assert len(contacts.contacts_of(session, authorities.authority_by_fase(session, 9001))) == 1


def test_what_stands_on_an_undone_edition_stays_with_an_authority_that_is_nowhere(database, now):
    apply(database, OLD, now)
    with database.writing() as session:
        authority = authorities.authority_by_fase(session, 9002)
        contacts.add(session, authority, judge("direction@ecole.be"), now=now, actor="x", kind=MailboxKind.IMPERSONAL)
        mailing = Mailing(**factories.mailing(now))
        session.add(mailing)
        session.flush()
        to = outbox.Addressee(authority.id, "", "", "", (), Reason.NO_ADDRESS)
        outbox.put_recipients(session, mailing, [to], lambda identity: identity, now=now)
        editions.undo(session, now)
    apply(database, edition(row()), now)
    with database.reading() as session:
        assert authorities.count_authorities(session, Filters()).authorities == 1
        told = contacts.contacts_of(session, authorities.authority_by_fase(session, 9002))
        assert {one.address for one in told} == {"direction@ecole.be", "po009002@adm.fwb.example"}
    assert apply(database, OLD, now, SECOND).counts(RegisterKind.AUTHORITY)["new"] == 1


def test_an_application_that_stops_half_way_leaves_nothing_and_can_be_done_again(database, now):
    with database.writing() as session:
        number = tables.receive_import(session, EDITIONS, open_edition(OLD), now=now, actor="x", edition_on=FIRST).id

    def apply_it():
        with database.reading() as session:
            judged = tables.judge_import(session, EDITIONS, session.get_one(RegisterImport, number))
        with database.writing() as session:
            tables.apply_import(session, EDITIONS, session.get_one(RegisterImport, number), judged, now=now, actor="x")

    def stop(*details):
        if details[2].startswith("INSERT INTO contacts"):
            raise ConnectionError

    event.listen(database.engine, "before_cursor_execute", stop)
    with pytest.raises(ConnectionError):
        apply_it()
    event.remove(database.engine, "before_cursor_execute", stop)
    assert state(database) == (Edition(), [])
    apply_it()
    assert len(state(database)[1]) == 2


def test_an_edition_that_nobody_applies_is_deleted_after_thirty_days(database, now):
    applied, left = (open_edition(content) for content in (OLD, NEW))
    facts = {"actor": "x", "edition_on": SECOND}
    with database.writing() as session:
        tables.receive_import(session, EDITIONS, left, now=now, **facts)
        tables.take_over(session, EDITIONS, applied, now=now, **facts)
    (row,) = [row for row in RULES if row.model is RegisterImport]
    assert forget_by_rule(database, row, lambda: now + row.period, threading.Event()) == 1
    with database.reading() as session:
        assert len(register.applied_editions(session)) == 1
        assert register.waiting_editions(session) == []


def test_an_older_edition_is_refused(database, now):
    apply(database, OLD, now, SECOND)
    with pytest.raises(Refused, match="01/05/2021"):
        apply(database, NEW, now, FIRST)


def test_a_school_that_comes_back_keeps_its_gap(database, now):
    apply(database, NEW, now)
    apply(database, OLD, now, SECOND)
    apply(database, NEW, now, date(2021, 9, 1))
    _, periods = state(database)
    assert [p for p in periods if p[0] == 80003] == [(80003, 9001, None, SECOND), (80003, 9001, date(2021, 9, 1), None)]
    with database.reading() as session:
        changes = select(RegisterChange.nature).where(RegisterChange.fase == 80003).order_by(RegisterChange.id)
        natures = session.scalars(changes).all()
    assert natures == ["new", "gone", "returned"]


def test_new_authorities_get_their_administrative_mailbox(database, now):
    apply(database, OLD, now)
    with database.reading() as session:
        assert set(session.scalars(select(Contact.address))) == {"po009001@adm.fwb.example", "po009002@adm.fwb.example"}


def test_history_tells_the_move_on_both_sheets(database, now):
    apply(database, OLD, now)
    apply(database, NEW, now, SECOND)
    with database.reading() as session:
        for fase in (9001, 9002):
            events = authorities.authority_history(session, authorities.authority_by_fase(session, fase))
            details = [detail for event in events for detail in event.details]
            assert "École 80002 (École du Parc) : passe du PO 9002 au PO 9001." in details
