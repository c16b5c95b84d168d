"""The rows of retention agree with the models, their docstrings, the docs and the public page."""

import re
from itertools import groupby

import pytest
from sqlalchemy import Text, select, text

from outreach import app, seals
from outreach.db import Base
from outreach.retention.periods import ROWS, Rhythm
from outreach.settings import ROOT

SECTION = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Keeping and erasing")[2]
DELETED, STAYS = SECTION.partition("The rest stays")[::2]
# A column that names a person, or holds what somebody typed.
PERSONAL = re.compile(r"\w*_by|actor|author|person|user_id|email|phone|address_key|recipient|function")
OF_PERSONS = {"users", "contacts", "messages", "respondents"}
ENGLISH = {"mois": "month", "jour": "day", "heure": "hour", "minute": "minute"}


def in_english(row):
    """The period of a row as docs and docstrings write it: "30 days"."""
    count, unit = re.fullmatch(r"(\d+)\s(\w+?)s?", row.duration.replace("mois", "moi")).groups()
    return f"{count} {ENGLISH[{'moi': 'mois'}.get(unit, unit)]}{'s' if count != '1' else ''}"


def is_personal(table):
    return any(
        (PERSONAL.fullmatch(column.name) and not column.foreign_keys)
        or type(column.type) is Text
        or any(key.column.table.name in OF_PERSONS for key in column.foreign_keys)
        for column in table.columns
    )


def test_every_table_with_personal_data_has_a_row_or_a_reason_for_none():
    assert all((app, seals)), "with them every table is known"
    tables = Base.metadata.tables
    kept = set(re.findall(r"`(\w+)`", "".join(line.partition(":")[0] for line in STAYS.splitlines() if "|" in line)))
    with_a_row = {row.table for row in ROWS}
    personal = {name for name, table in tables.items() if is_personal(table)}
    assert len(personal) > 50
    assert personal - kept - with_a_row == set()
    assert kept <= set(tables)
    assert not kept & with_a_row


def test_docs_list_every_row_and_no_other():
    listed = re.findall(r"^\| `(\w+)`.*? \| ([^|]+) \| `(\w+)` \| ([^|]+) \|$", DELETED, re.MULTILINE)
    assert [(table, time, since, then == "deleted") for table, time, since, then in listed] == [
        (row.table, in_english(row), row.since.key, row.replace is None) for row in ROWS
    ]


def test_the_docstring_of_a_model_names_its_period():
    for table, rows in groupby(ROWS, key=lambda row: row.table):
        assert {re.search(r"Retention:\s+(\d+ \w+)", row.model.__doc__)[1] for row in rows} == {
            in_english(row) for row in ROWS if row.table == table
        }, table
    named = {
        mapper.local_table.name
        for mapper in Base.registry.mappers
        if re.search(r"Retention:\s+\d", mapper.class_.__doc__)
    }
    assert named == {row.table for row in ROWS}


def test_what_is_kept_for_less_than_a_day_is_looked_for_each_minute():
    assert {row.table for row in ROWS if row.rhythm is Rhythm.MINUTE} == {
        *("password_requests", "sessions", "sign_in_attempts"),
    }


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.table}.{row.since.key}")
def test_what_is_over_is_found_by_an_index(database, now, row):
    with database.reading() as session:
        dialect = session.get_bind().dialect
        query = select(*row.keys).where(row.is_over(now)).limit(row.most)
        compiled = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        plan = [step.detail for step in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    assert not [step for step in plan if step.startswith("SCAN")], plan
