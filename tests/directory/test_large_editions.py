"""An edition larger than a page takes: a command reads it line by line, applies it, and undoes it."""

import csv
import sqlite3
import tracemalloc
from datetime import date

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import DBAPIError

from outreach.core import tables
from outreach.core.tables import opened_file
from outreach.directory.models import RegisterKind, School
from outreach.directory.register import COLUMNS, HEADERS, Editions
from tests.conftest import NOW

KIND = Editions("adm.fwb.example")
NUMBERS = 2_000  # that a statement takes
PLACE = {"address": "Rue de l’École 1", "postcode": "1000", "locality": "Bruxelles", "municipality": "Bruxelles"}


@pytest.fixture
def edition(tmp_path):
    """Writes an edition of so many schools, with so many rows each."""

    def written(schools, times=1, name="École"):
        path = tmp_path / "edition.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, delimiter=";")
            writer.writerow(COLUMNS)
            for number in [*range(1, schools + 1)] * times:
                cells = {"school": number, "site": number, "authority": 1, "authority_name": "PO"}
                cells |= {"school_name": f"{name} {number}", "education_type": "Primaire ordinaire", "network": "WBE"}
                places = {
                    f"{kind}_{part}": text for kind in ("school", "site", "authority") for part, text in PLACE.items()
                }
                writer.writerow(cells | {"zone": "Bruxelles", "district": "Bruxelles"} | places)
        return path

    return written


def apply(database, path):
    sent, facts = opened_file(path, HEADERS), {"edition_on": date(2021, 5, 1)}
    with database.reading() as session:
        judged = tables.judge_import(session, KIND, tables.draft_import(KIND, sent, **facts), sent.cells)
    with database.writing() as session:
        received = tables.receive_import(session, KIND, sent, now=NOW, actor="nadia", **facts)
        return tables.apply_import(session, KIND, received, judged, now=NOW, actor="nadia").counts(RegisterKind.SCHOOL)


def test_what_a_command_reads_line_by_line_is_judged_with_every_row(edition):
    whole = opened_file(edition(3, times=2), HEADERS)
    assert [number for number, _ in whole.cells.records] == [*range(2, 8)]
    assert "École" not in whole.grid, "no cell is held"


def test_ten_times_the_rows_take_no_more_memory_to_read(edition):
    def peak(times):
        path = edition(20, times)
        tracemalloc.start()
        sum(1 for _ in opened_file(path, HEADERS).cells.records)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(200) < 1.5 * peak(20)


@pytest.fixture
def few_numbers(database, monkeypatch):
    """SQLite, whose statements take so few numbers: as many as it is built for would take a minute to reach."""

    def lower(driver, _record):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, NUMBERS)

    monkeypatch.setattr(database.engine.dialect, "insertmanyvalues_max_parameters", NUMBERS)
    event.listen(database.engine, "connect", lower)
    database.dispose()
    with database.reading() as session, pytest.raises(DBAPIError, match="SQLITE_ERROR"):
        session.scalar(select(func.count()).where(School.id.in_(range(NUMBERS + 1))))
    return database


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite"])  # which takes the fewest
def test_an_edition_that_changes_more_schools_than_a_statement_takes_numbers_is_applied_and_undone(
    edition, few_numbers
):
    many = NUMBERS + 100
    assert apply(few_numbers, edition(many))["new"] == many
    assert apply(few_numbers, edition(many, name="Collège"))["changed"] == many
    with few_numbers.writing() as session:
        tables.undo_import(session, KIND, now=NOW, actor="nadia")
        assert session.scalar(select(func.count()).where(School.name.like("École%"))) == many
