"""Two people at once: what reads, decides and writes does so in turn, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import func, select, text

from outreach.core import tables
from outreach.core.db import analyze_after, try_lock
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.directory import authorities, contacts
from outreach.directory.models import Contact, MailboxKind, Network, RegisterImport
from outreach.directory.register import open_edition
from tests.directory import editions
from tests.directory.editions import EDITIONS, edition, row

pytestmark = pytest.mark.postgresql


def both(action):
    """Run an action twice at the same moment; returns what each gave or raised."""
    together = Barrier(2)

    def one(_):
        together.wait()
        try:
            return action()
        except (InputError, Refused) as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(2)))


def apply(database, content, now):
    with database.writing() as session:
        return len(editions.apply(session, content, now, date(2021, 3, 1)).changes)


def received(session, now):
    """The number of an edition that waits, and what it would change."""
    sent = tables.receive_import(
        session, EDITIONS, open_edition(edition(row())), now=now, actor="x", edition_on=date(2021, 3, 1)
    )
    return sent.id, tables.judge_import(session, EDITIONS, sent)


def test_one_edition_applied_twice_at_once_is_applied_once(database, now):
    apply(database, edition(row()), now)
    changed = edition(row(school_name="Autre nom"))
    assert sorted(both(lambda: apply(database, changed, now))) == [0, 1]
    with database.reading() as session:
        assert session.scalar(select(func.count(RegisterImport.applied_at))) == 2


def test_one_address_added_twice_at_once_is_added_once(database, now):
    apply(database, edition(row()), now)

    def add():
        with database.writing() as session:
            authority = authorities.authority_by_fase(session, 9001)
            contacts.add(session, authority, judge("a@ecole.be"), now=now, actor="x", kind=MailboxKind.IMPERSONAL)

    outcomes = both(add)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InputError", "NoneType"]
    with database.reading() as session:
        assert session.scalar(select(func.count()).where(Contact.address_key == "a@ecole.be")) == 1


def test_an_edition_is_applied_only_as_it_was_shown(database, now):
    with database.writing() as session:
        number, judged = received(session, now)
    apply(database, edition(row(school=80002, site=70002)), now)
    with database.writing() as session:
        sent = session.get_one(RegisterImport, number)
        with pytest.raises(Refused, match="changé entre-temps"):
            tables.apply_import(session, EDITIONS, sent, judged, now=now, actor="x")
        again = tables.judge_import(session, EDITIONS, sent)
        with pytest.raises(Refused, match="changé entre-temps"):
            tables.apply_import(session, EDITIONS, sent, again, now=now, actor="x", seen=judged.plan.version)


def test_one_edition_sent_on_a_page_and_applied_by_two_people_at_once_is_applied_once(database, now):
    with database.writing() as session:
        number, judged = received(session, now)

    def apply_it():
        with database.writing() as session:
            sent = session.get_one(RegisterImport, number)
            tables.apply_import(session, EDITIONS, sent, judged, now=now, actor="x")

    assert sorted(type(outcome).__name__ for outcome in both(apply_it)) == ["NoneType", "Refused"]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RegisterImport)) == 1


def test_long_texts_are_kept_whole(database, now):
    street = "Rue " + "x" * 190
    assert apply(database, edition(row(street=street, school_name="É" * 200)), now) > 0


def test_what_another_transaction_does_is_left_to_it(database):
    with database.reading() as one, database.reading() as other:
        assert try_lock(one, "clock")
        assert try_lock(other, "clock") == (database.engine.name == "sqlite")
        assert try_lock(other, "launch", 1)
    with database.reading() as session:
        assert try_lock(session, "clock")


def test_tables_that_grew_are_analysed_once_the_transaction_is_over(database, now):
    if database.engine.name == "sqlite":
        pytest.skip("SQLite keeps no such counts")
    counted = text("SELECT reltuples FROM pg_class WHERE relname = 'networks'")
    with database.writing() as session:
        known = session.scalar(select(func.count()).select_from(Network))
        before = session.scalar(counted)
        analyze_after(session, Network)
        assert session.scalar(counted) == before == -1
    with database.reading() as session:
        assert session.scalar(counted) == known > 0


def test_of_a_table_that_grew_only_the_columns_named_are_analysed(database):
    if database.engine.name == "sqlite":
        pytest.skip("SQLite keeps no such counts")
    with database.writing() as session:
        analyze_after(session, of=[Network.code, Network.position])
    with database.reading() as session:
        looked_at = session.scalars(text("SELECT attname FROM pg_stats WHERE tablename = 'networks'"))
        assert set(looked_at) == {"code", "position"}
