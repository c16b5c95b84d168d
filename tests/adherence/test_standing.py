"""As-of and roll-up: the database agrees with a plain reading of the same records."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from outreach.adherence import programmes
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, RollUp, Status, Word
from outreach.adherence.situation import roll_up, standing_of_schools
from outreach.adherence.situation._standing import rolled_up
from outreach.directory.models import Authority, School
from tests.directory.editions import apply, edition, row
from tests.factories import undone

pytestmark = pytest.mark.postgresql
EXAMPLES = settings.default.max_examples * 4 // 10

START = date(2021, 1, 1)
PROGRAMME = """
code = "essai"
name = "Essai"
[[strands]]
number = 1
name = "Premier"
opened_on = 2021-01-01
[[strands]]
number = 2
name = "Second"
opened_on = 2021-01-01
"""
FILE = edition(
    row(school=80001, site=70001, authority=9001),
    row(school=80002, site=70002, authority=9001),
    row(school=80003, site=70003, authority=9002, authority_name="PO 2"),
    row(school=80004, site=70004, authority=9003, authority_name="PO 3", kind="Primaire ordinaire"),
)
record = st.fixed_dictionaries(
    {
        "school": st.sampled_from([80001, 80002, 80003]),
        "strand": st.sampled_from([1, 2]),
        "status": st.sampled_from(list(Status)),
        "word": st.sampled_from(list(Word)),
        "day": st.integers(0, 6),
        "withdrawn": st.booleans(),
    }
)


@pytest.fixture
def ready(database, now):
    with database.writing() as session:
        apply(session, FILE, now, START)
        programmes.load_programme(session, PROGRAMME, now=now, actor="x")
    return database


def plainly(records, school, strand, day):
    """The status of a school by reading its records one after the other."""
    held = (Status.NONE, None)
    for known in sorted(records, key=lambda r: r["day"]):  # stable: of two of a day, the last recorded
        if (known["school"], known["strand"]) == (school, strand) and known["day"] <= day and not known["withdrawn"]:
            said = (known["status"], known["word"])
            is_kept = (held, said) == ((Status.JOINED, Word.CONFIRMED), (Status.JOINED, Word.DECLARED))
            held = held if is_kept else said
    return held


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(record, max_size=12), day=st.integers(0, 6))
def test_the_database_agrees_with_a_plain_reading(ready, records, day):
    with undone(ready) as session:
        schools = dict(session.execute(select(School.fase, School.id)).all())
        programme = programmes.get_programme(session)
        strands = {strand.number: strand.id for strand in programme.strands}
        at = datetime(2021, 2, 1, tzinfo=UTC)
        for place, known in enumerate(records):
            values = {
                "school_id": schools[known["school"]],
                "strand_id": strands[known["strand"]],
                "status": known["status"],
                "word": known["word"],
                "effective_on": START + timedelta(known["day"]),
                "recorded_by": "x",
                "source": "",
                "recorded_at": at + timedelta(minutes=place),
                "reason": "",
            }
            key = session.scalar(insert(AdherenceRecord).values(values).returning(AdherenceRecord.id))
            if known["withdrawn"]:
                session.add(RecordWithdrawal(record_id=key, withdrawn_at=at, withdrawn_by="x"))
        session.flush()
        asked = START + timedelta(day)
        rows = standing_of_schools(asked, programme.strands)
        query = select(School.fase, rows.c.strand_id, rows.c.status, rows.c.word).join(
            School, School.id == rows.c.school_id
        )
        found = {(fase, strand): (status, word) for fase, strand, status, word in session.execute(query)}
        owners = {9001: [80001, 80002], 9002: [80003]}
        rolled = rolled_up(asked, programme.strands)
        query = select(Authority.fase, rolled.c.strand_id, rolled.c.roll_up)
        ups = {(f, s): up for f, s, up in session.execute(query.join(Authority, Authority.id == rolled.c.authority_id))}
    expected = {
        (school, key): plainly(records, school, number, day)
        for school in (80001, 80002, 80003)
        for number, key in strands.items()
    }
    assert found == expected
    for (fase, key), up in ups.items():
        assert up == roll_up(expected[school, key] for school in owners[fase])
    assert {fase for fase, _ in ups} == {9001, 9002}


@pytest.mark.parametrize(
    ("schools", "expected"),
    [
        ([], RollUp.NOT_CONCERNED),
        ([(Status.NOT_CONCERNED, Word.CONFIRMED)], RollUp.NOT_CONCERNED),
        ([(Status.JOINED, Word.CONFIRMED), (Status.NOT_CONCERNED, Word.CONFIRMED)], RollUp.COMPLETE),
        ([(Status.JOINED, Word.CONFIRMED), (Status.NONE, None)], RollUp.PARTIAL),
        ([(Status.JOINED, Word.DECLARED)], RollUp.NONE),
        ([(Status.DECLINED, Word.CONFIRMED), (Status.NONE, None)], RollUp.NONE),
    ],
)
def test_the_roll_up_of_an_authority(schools, expected):
    assert roll_up(schools) is expected


@pytest.mark.parametrize("backend", ["sqlite"])
def test_sqlite_finds_the_record_of_a_school_by_the_index_on_schools(ready):
    """It keeps no statistics: with a list of all records it looks through that for each school."""
    with ready.reading() as session:
        rows = standing_of_schools(START, programmes.get_programme(session).strands)
        how = {"dialect": session.get_bind().dialect, "compile_kwargs": {"render_postcompile": True}}
        asked = select(rows.c.status).compile(**how)
        values = (None,) * len(asked.positiontup)
        plan = [step.detail for step in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values)]
    assert [step for step in plan if step.startswith("SEARCH adherence_records_1 USING INDEX")], plan
    assert not [step for step in plan if step.startswith("SCAN adherence_records") or "known" in step], plan
