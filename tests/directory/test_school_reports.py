"""Reports of schools that left: who may record and withdraw one, and what the next edition says of it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory import register
from outreach.directory.authorities import authority_by_fase
from outreach.directory.register import Fate, SchoolReport
from outreach.directory.register._school_reports import ReportVerdict
from tests.directory import editions
from tests.directory.editions import edition, row

TODAY = date(2021, 5, 15)
WHO, OTHER = "claire@fwb.example", "nadia@fwb.example"
LEFT = row(school=80002, site=70002, school_name="Institut Notre-Dame")
HERE = row(), LEFT
MOVED = row(
    school=80002, site=70002, school_name="Institut Notre-Dame", authority=9002, authority_name="ASBL Notre-Dame"
)


@pytest.fixture
def apply(database, now):
    """Applies an edition, each a day after the one before."""
    days = iter(range(9))

    def applied(*rows, on):
        with database.writing() as session:
            return editions.apply(session, edition(*rows), now + timedelta(days=next(days)), on, WHO)

    applied(*HERE, on=date(2021, 3, 1))
    return applied


def report(database, now, fase=80002, fate=Fate.GONE, day=TODAY, source="Appel de la secrétaire", actor=WHO, of=9001):
    with database.writing() as session:
        details = {"day": day, "source": source, "now": now, "today": TODAY, "actor": actor}
        return register.report_school(session, authority_by_fase(session, of), fase, fate, **details).id


def withdraw(database, now, actor=WHO, fase=80002):
    with database.writing() as session:
        register.withdraw_report(session, authority_by_fase(session, 9001), fase, now=now, actor=actor)


def standing(database):
    """The verdict on each report that stands, and the day of the edition that gave it."""
    with database.reading() as session:
        found = register.list_reports(session, authority_by_fase(session, 9001))
        return [(one.school.fase, one.verdict, one.edition and one.edition.edition_on) for one in found]


def against(database):
    with database.reading() as session:
        return [one.school.fase for one in register.contradicted_reports(session)]


def test_a_report_is_told_in_the_history_and_stands_until_it_is_withdrawn(database, apply, now):
    report(database, now, source=" Appel de la secrétaire ")
    assert standing(database) == [(80002, ReportVerdict.AWAITED, None)]
    withdraw(database, now)
    assert standing(database) == []
    with database.reading() as session:
        lines = [
            entry.sentence for entry in audit.entries_about(session, "authority:9001") if "80002" in entry.sentence
        ]
        assert session.scalar(select(func.count()).select_from(SchoolReport)) == 1
    assert sorted(lines) == [
        "École 80002 : signalement annulé. Les courriels la citent de nouveau.",
        (
            "École 80002 signalée : elle n’est plus à ce PO depuis le 15/05/2021. Source : Appel de la secrétaire. "
            "Les courriels l’omettent."
        ),
    ]
    report(database, now, fate=Fate.CLOSED)
    assert standing(database) == [(80002, ReportVerdict.AWAITED, None)]


@pytest.mark.parametrize(
    ("details", "error"),
    [
        ({"day": TODAY + timedelta(days=1)}, InputError),
        ({"source": " "}, InputError),
        ({"source": "x" * 201}, InputError),
        ({"source": "un\ndeux"}, InputError),
        ({"fase": 89999}, NotFound),
        ({"of": 9002}, NotFound),
    ],
    ids=["a day to come", "no source", "too long", "two lines", "no such school", "no such authority"],
)
def test_what_cannot_be_reported_is_refused_and_leaves_nothing(database, apply, now, details, error):
    with pytest.raises(error):
        report(database, now, **details)
    with database.reading() as session:
        assert session.scalars(select(SchoolReport)).all() == []


def test_a_school_is_reported_once(database, apply, now):
    report(database, now)
    with pytest.raises(Refused, match="déjà signalée, le 15 mai 2021 par"):
        report(database, now, fate=Fate.CLOSED, actor=OTHER)


def test_only_who_recorded_it_withdraws_it_until_the_register_contradicts_it(database, apply, now):
    report(database, now)
    with pytest.raises(Refused, match="demandez-lui"):
        withdraw(database, now, OTHER)
    apply(*HERE, row(school=80003, site=70003), on=TODAY)
    withdraw(database, now, OTHER)
    with pytest.raises(NotFound):
        withdraw(database, now)


def test_the_next_edition_contradicts_or_confirms_and_undoing_it_awaits_the_next(database, apply, now):
    report(database, now)
    apply(*HERE, row(school=80003, site=70003), on=TODAY)
    assert standing(database) == [(80002, ReportVerdict.CONTRADICTED, TODAY)]
    assert against(database) == [80002]
    apply(HERE[0], MOVED, on=TODAY + timedelta(days=7))
    assert standing(database) == [(80002, ReportVerdict.CONFIRMED, TODAY + timedelta(days=7))]
    assert against(database) == []
    with database.writing() as session:
        editions.undo(session, now, WHO)
        editions.undo(session, now, WHO)
    assert standing(database) == [(80002, ReportVerdict.AWAITED, None)]


def test_an_edition_of_before_the_departure_says_nothing_of_it(database, apply, now):
    report(database, now)
    apply(*HERE, row(school=80003, site=70003), on=TODAY - timedelta(days=1))
    assert standing(database) == [(80002, ReportVerdict.AWAITED, None)]


def test_the_authority_that_has_the_school_by_then_is_not_concerned(database, apply, now):
    report(database, now)
    apply(HERE[0], MOVED, on=TODAY)
    with database.reading() as session:
        there, before = (len(register.list_reports(session, authority_by_fase(session, fase))) for fase in (9002, 9001))
        assert (there, before) == (0, 1)
