"""The file of retention names every personal column, and agrees with the models, the program and the public page."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Enum, LargeBinary, String, select, text

from outreach.access.accounts import _password_links as password_links
from outreach.access.accounts import _sessions as sessions
from outreach.campaigns.channels import _paper as paper
from outreach.core import jobs
from outreach.core.audit import _audit as audit
from outreach.core.db import Base
from outreach.core.text.errors import InputError
from outreach.engagement import tracking
from outreach.engagement.mailboxes import _contact_lists as contact_lists
from outreach.operations.retention import KEPT, RULES, Rhythm
from outreach.operations.retention._policy import BINDINGS, IMPERSONAL, period_of
from outreach.web import app

PERSONS = {"users", "contacts", "messages"}  # a row that names one of these is about a person
BY_NAME = {rule.name: rule for rule in RULES}


def may_name_somebody(column):
    """Text and bytes hold what somebody typed; a choice of a list does not."""
    is_words = isinstance(column.type, String | LargeBinary) and not isinstance(column.type, Enum)
    return is_words or any(key.column.table.name in PERSONS for key in column.foreign_keys)


def named_in(*columns):
    return {(table, name) for each in columns for table, names in each.items() for name in names}


def test_every_column_that_may_name_somebody_is_in_the_file():
    assert all((app, audit)), "with them every table is known"
    tables = Base.metadata.tables.values()
    known = {(table.name, column.name) for table in tables for column in table.columns}
    personal = {(table.name, column.name) for table in tables for column in table.columns if may_name_somebody(column)}
    goes, stays = named_in(*(rule.columns for rule in RULES)), named_in(*(one.columns for one in KEPT))
    assert len(personal) > 250
    assert personal - goes - stays - named_in(IMPERSONAL) == set(), "say in retention.toml what becomes of these"
    assert (goes | stays | named_in(IMPERSONAL)) - known == set(), "retention.toml names columns that are none"
    assert named_in(IMPERSONAL) & (goes | stays) == set()


def test_a_rule_that_deletes_rows_names_every_column_of_them():
    for rule in RULES:
        if rule.binding.replace is None:
            personal = {column.name for column in Base.metadata.tables[rule.table].columns if may_name_somebody(column)}
            assert set(rule.columns.get(rule.table, ())) == personal, rule.name


def test_each_rule_of_the_file_is_one_of_the_program_and_the_reverse():
    assert [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1] == []
    assert set(BY_NAME) == set(BINDINGS)


def test_periods_that_other_rooms_count_with_are_those_of_the_file():
    known = {
        "hits": tracking.KEPT,
        "contact_lists_applied": contact_lists.KEPT,
        "jobs": jobs.KEPT,
        "sessions": sessions.LIFETIME,
        "password_requests": password_links.PERIOD,
        "sign_in_attempts": sessions.PERIOD,
        "wrong_codes": paper.PERIOD,
    }
    assert {name: BY_NAME[name].period for name in known} == known
    assert not any(BY_NAME[name].bounds for name in known), "nobody may change them alone"


def test_a_period_lies_within_its_bounds():
    for rule in RULES:
        if rule.bounds:
            shortest, longest = map(period_of, rule.bounds)
            assert shortest < longest
            assert shortest <= rule.period <= longest


@pytest.mark.parametrize(
    ("written", "days"), {"1 jour": 1, "1 mois": 30, "13 mois": 396, "1 an": 365, "2 ans": 730, "10 ans": 3652}.items()
)
def test_a_period_is_read_in_french(written, days):
    assert period_of(written) == timedelta(days=days)


@pytest.mark.parametrize("written", ["", "13", "0 jours", "-1 an", "1,5 an", "treize mois", "13 months", "99999 ans"])
def test_what_is_no_period_is_refused(written):
    with pytest.raises(InputError, match="durée"):
        period_of(written)


def test_what_is_kept_for_less_than_a_day_is_looked_for_each_minute():
    assert {rule.table for rule in RULES if rule.rhythm is Rhythm.MINUTE} == {
        *("password_requests", "quick_forms", "sessions", "sign_in_attempts", "wrong_codes"),
    }


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_over_is_found_by_an_index(database, now, rule):
    with database.reading() as session:
        dialect = session.get_bind().dialect
        query = select(*rule.keys).where(rule.is_over(now)).limit(rule.binding.most)
        compiled = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        plan = [step.detail for step in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    assert not [step for step in plan if step.startswith("SCAN")], plan
