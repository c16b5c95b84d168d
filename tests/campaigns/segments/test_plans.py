"""How PostgreSQL finds an audience: each list once, however many criteria ask, with statistics or without."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text, update

from outreach.adherence.models import Strand
from outreach.campaigns import planning, segments, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.segments import LEAVES, And, Audience, Concerns, Not, context_at, from_json
from outreach.campaigns.segments._criteria import Or
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageClass, MessageState
from tests import factories
from tests.conftest import NOW

pytestmark = [pytest.mark.postgresql, pytest.mark.parametrize("backend", ["postgresql"])]

AUTHORITIES, MAILINGS = 1_000, 6
MOST_ROWS = 100 * AUTHORITIES  # a tenth of the rows of one list that is read again for each authority
LARGE = {"messages", "message_subjects", "hits"}
STATED = (
    '{"network":["WBE"]}',
    '{"level":["secondary"]}',
    '{"zone":["Namur"]}',
    '{"school_status":{"strand":1,"statuses":["none"],"which":"all"}}',
    '{"roll_up":{"strand":1,"states":["none"]}}',
    '{"never_answered":{"strand":1}}',
    '{"not_written_since":{"days":7}}',
    '{"unreachable":{}}',
    '{"federation":["CECP"]}',
    '{"province":["Namur"]}',
    '{"municipality":["Namur"]}',
    '{"size":{"at_least":1}}',
    '{"received":{"strand":1}}',
    '{"reacted":{"mailings":[1],"reaction":"none"}}',
    '{"reached":{"mailings":[1],"reach":"unproved"}}',
    '{"authorities":{"list":1}}',
    '{"confirmed_within":{"days":365}}',
)
REACTIONS = tuple(f'{{"reacted":{{"strand":1,"reaction":"{word}"}}}}' for word in ("answered", "joined", "opened"))
LETTERS = """
INSERT INTO messages (mailing_id, batch_id, authority_id, address, address_key, address_ascii, public_id, dated_at,
                      return_path, state, due_at, attempts, revision, fence_id, fenced_at, settled_at, reply_status,
                      reply_text)
SELECT :mailing, :batch, authority_id, address, address_key, address_ascii,
       lpad(to_hex(authority_id), 8, '0') || lpad(to_hex(CAST(:mailing AS int)), 8, '0'),
       :at, '', 'accepted', :at, 1, 0, 'f', :at, :at, '', '250 2.0.0 Ok' FROM contacts
"""
SUBJECTS = "INSERT INTO message_subjects SELECT messages.id, school_id FROM messages JOIN listings USING (authority_id)"
HITS = """
INSERT INTO hits (message_id, link, at, agent, is_head, hit_class, why, version)
SELECT id, 0, :at, 'browser', false, 'human', 'nothing_suspect', 1 FROM messages WHERE authority_id % 5 = 0
"""


@pytest.fixture
def written_often(database):
    """Many authorities, and letters of several mailings to each, with statistics."""
    factories.gather(database, AUTHORITIES, now=NOW - timedelta(days=100))
    with database.writing() as session:
        strand = session.scalars(select(Strand.id)).one()
        for _ in range(MAILINGS):
            details = {"strand_id": strand, "stop_strand_id": strand, "gate": Gate.OPEN}
            session.add(mailing := Mailing(**factories.mailing(NOW, **details)))
            session.flush()
            session.add(batch := Batch(mailing_id=mailing.id, number=1))
            session.flush()
            session.execute(text(LETTERS), {"mailing": mailing.id, "batch": batch.id, "at": NOW})
        session.execute(text(SUBJECTS))
        session.execute(text(HITS), {"at": NOW})
        session.execute(text("ANALYZE"))
    return database


@pytest.mark.long
def test_no_criterion_reads_a_list_again_for_each_authority(written_often):
    every = tuple(map(from_json, STATED))
    assert {criterion.word for criterion in every} == set(LEAVES)
    together = And(every), Or(tuple(map(Not, every)))
    for criterion in (*every, *map(from_json, REACTIONS), *together):
        with written_often.reading() as session, plans(written_often) as seen:
            # Less than PostgreSQL hashes of the letters' keys: as many as there are where authorities are thousands.
            session.execute(text("SET LOCAL work_mem = '64kB'"))
            context = replace(context_at(session, 1, now=NOW), ignoring=(MAILINGS,))
            meant = Audience(criterion, context.strand(1), Concerns.OPEN, MessageClass.AWARENESS)
            segments.count_audience(session, meant, context)
            assert session.scalar(text("SHOW enable_nestloop")) == "on"
        assert_each_list_is_read_once(seen)


def test_an_audience_is_counted_and_launched_before_any_table_is_analysed(database, settings):
    factories.gather(database, AUTHORITIES, now=NOW - timedelta(days=100))
    with database.reading() as session:
        assert not session.scalar(text("SELECT count(*) FROM pg_stats WHERE schemaname = 'public'"))
    with plans(database) as seen:
        made = factories.plan(database, NOW, now=NOW - timedelta(minutes=5))
        launch(database, settings, made, NOW)
    assert_each_list_is_read_once(seen)
    then = NOW + timedelta(days=14)
    with plans(database) as seen:
        with database.reading() as session:
            campaign = planning.campaign_numbered(session, made)
            for only_unreacted in (False, True):
                planning.count_campaign_audience(session, campaign, now=then, only_unreacted=only_unreacted)
        with database.writing() as session:
            planning.schedule_campaign(session, planning.in_turn(session, made), then, now=then, actor=factories.AUTHOR)
        launch(database, settings, made, then)
    assert_each_list_is_read_once(seen)


def launch(database, settings, campaign, at):
    with database.reading() as session:
        key = session.get_one(Campaign, campaign).waves[-1].id
    is_left = True
    while is_left:
        with database.writing() as session:
            is_left = waves.advance_wave(session, key, SenderIdentity.of(settings), now=at)
    with database.writing() as session:
        wave = session.get_one(Wave, key)
        assert session.scalar(select(func.count()).where(Message.mailing_id == wave.mailing_id)) == AUTHORITIES
        wave.state, own = WaveState.FINISHED, Message.mailing_id == wave.mailing_id
        left = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": at, "settled_at": at}
        session.execute(update(Message).where(own).values(**left))


@contextmanager
def plans(database) -> Iterator[list]:
    """The plans of what is read about authorities within this block, with the rows that each part of them took."""
    seen = []

    def explain(connection, _cursor, statement, parameters, *_details):
        if statement.startswith(("SELECT", "WITH")) and "authorities" in statement:
            explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            ((plan,),) = connection.exec_driver_sql(explained, parameters)
            seen.append(plan[0]["Plan"])

    event.listen(database.engine, "before_cursor_execute", explain)
    yield seen
    event.remove(database.engine, "before_cursor_execute", explain)


def assert_each_list_is_read_once(seen):
    assert seen
    for plan in seen:
        rows = sum(map(rows_of, nodes(plan)))
        again = [node for node in nodes(plan) if node.get("Relation Name") in LARGE and is_scanned_again(node)]
        assert not again, json.dumps(plan, indent=1)
        assert rows <= MOST_ROWS, json.dumps(plan, indent=1)


def rows_of(node):
    """How many rows a part of a plan found or looked at."""
    each = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return each * node["Actual Loops"]


def is_scanned_again(node):
    return node["Node Type"] == "Seq Scan" and node["Actual Loops"] > 1


def nodes(node):
    return [node, *(inner for below in node.get("Plans", ()) for inner in nodes(below))]
