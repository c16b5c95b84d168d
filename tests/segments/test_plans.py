"""Plans on PostgreSQL of audiences of 10,000 authorities with 15 letters each: joins, and letters by their mailing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from outreach.adherence.models import Strand
from outreach.delivery.models import Batch, Gate, Mailing, MessageClass
from outreach.segments import audience_counts
from outreach.segments.audience import Audience, Boxes, Concerns
from outreach.segments.criteria import LEAVES, And, Not, Or
from outreach.segments.criteria_json import from_json
from outreach.segments.scope import scope_at
from tests import factories
from tests.conftest import NOW

pytestmark = [pytest.mark.long, pytest.mark.postgresql, pytest.mark.parametrize("backend", ["postgresql"])]

AUTHORITIES, WAVES = 10_000, 15
SMALL = {"mailings", "basis_withdrawals"}  # what may be asked row by row, or listed
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
    '{"received":{"mailings":[1]}}',
    '{"reacted":{"mailings":[1],"reaction":"none"}}',
    '{"authorities":{"list":1}}',
)
OF_ONE_MAILING = (
    *('{"received":{"mailings":[1]}}', '{"reacted":{"mailings":[1],"reaction":"none","with_later":true}}'),
    *(f'{{"reacted":{{"mailings":[1],"reaction":"{word}"}}}}' for word in ("joined", "opened", "clicked")),
)


@pytest.fixture
def large(database):
    factories.gather(database, AUTHORITIES, now=NOW - timedelta(days=100))
    with database.writing() as session:
        strand = session.scalars(select(Strand.id)).first()
        for _ in range(WAVES):
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


LETTERS = """
INSERT INTO messages (mailing_id, batch_id, authority_id, address, address_key, address_ascii, public_id, dated_at,
                      return_path, state, due_at, attempts, revision, fence_id, fenced_at, settled_at, reply_status,
                      reply_text)
SELECT :mailing, :batch, authority_id, address, address_key, address_ascii,
       lpad(to_hex(authority_id), 8, '0') || lpad(to_hex(CAST(:mailing AS int)), 8, '0'),
       :at, '', 'accepted', :at, 1, 0,
       'f', :at, :at, '', '250 2.0.0 Ok: queued as 4XyZabcdef' FROM contacts
"""
SUBJECTS = """
INSERT INTO message_subjects SELECT messages.id, school_id FROM messages JOIN listings USING (authority_id)
"""
HITS = """
INSERT INTO hits (message_id, link, at, agent, is_head, hit_class, why, version)
SELECT id, 0, :at, 'browser', false, 'human', 'nothing_suspect', 1 FROM messages WHERE authority_id % 5 = 0
"""


def test_an_audience_is_planned_as_joins_and_reads_of_letters_those_that_it_asks_for(large):
    every = tuple(map(from_json, STATED))
    assert {criterion.word for criterion in every} == set(LEAVES)
    together = And(every), Or(tuple(map(Not, every)))
    with large.reading() as session:
        session.execute(text("SET LOCAL work_mem = '64kB'"))  # where lists no longer fit, however few rows a test has
        for criterion in (*every, *together):
            for node in plan_of(session, criterion):
                assert tables(node) <= SMALL or node.get("Parent Relationship") != "SubPlan", (criterion, node)
        session.execute(text("SET LOCAL work_mem = '4MB'"))
        for criterion in map(from_json, OF_ONE_MAILING):
            scanned = {node["Relation Name"] for node in plan_of(session, criterion) if node["Node Type"] == "Seq Scan"}
            assert scanned.isdisjoint({"messages", "hits"}), (criterion, scanned)


def plan_of(session, criterion):
    """The nodes of the plan by which an audience is counted."""
    scope = replace(scope_at(session, 1, now=NOW), ignoring=(WAVES,))
    meant = Audience(criterion, scope.strand(1), Concerns.OPEN, MessageClass.AWARENESS, boxes=Boxes.AUTHORITY)
    computed, _ = audience_counts._computed(session, meant, scope)
    statement = select(computed).compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
    ((plan,),) = session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", statement.params)
    return nodes(plan[0]["Plan"])


def nodes(node):
    return [node, *(inner for below in node.get("Plans", ()) for inner in nodes(below))]


def tables(node):
    """The tables that a part of a plan reads."""
    return {inner["Relation Name"] for inner in nodes(node) if "Relation Name" in inner}
