"""Columns and listings: orders, pages that hold each row once, cells of files, values of JSON."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from outreach.access import accounts
from outreach.access.accounts import AccessLogEntry, Filter, LogLine, TrailKind
from outreach.core.tables import DATA, Column, InMemoryListing, Kind, On, QueryListing, csv_bytes
from outreach.core.text.errors import InputError
from tests.conftest import NOW


@dataclass
class Toy:
    number: int
    name: str
    made_at: datetime | None = None
    kinds: tuple[TrailKind, ...] = ()
    by: str = ""
    owner: int = 1


COLUMNS = (
    Column("number", "Numéro", lambda toy: toy.number, Kind.NUMBER, sort=True, on=DATA),
    Column("name", "Nom", lambda toy: toy.name, sort=True),
    Column("made_at", "Fait", lambda toy: toy.made_at, Kind.MOMENT, sort=True, unit="heure de Bruxelles"),
    Column("day", "Jour", lambda toy: toy.made_at and toy.made_at.date(), Kind.DAY, on=On.FILE),
    Column("kinds", "Genres", lambda toy: toy.kinds),
    Column("by", "Par", lambda toy: toy.by, Kind.PERSON, on=DATA),
    Column("action", "Action", lambda _: "", on=On.PAGE),
)
TOYS = [
    Toy(3, "Écluse", datetime(2026, 7, 1, 22, 30, tzinfo=UTC), (TrailKind.EXPORTED,), "a@b.example"),
    Toy(1, "eau", None, (TrailKind.EXPORTED, TrailKind.REFUSED), owner=2),
    Toy(2, "=1+1", datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)),
]


def held(sort=""):
    return InMemoryListing(title="Jouets", columns=COLUMNS, sort=sort, rows=TOYS, key=lambda toy: toy.owner)


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("", [3, 1, 2]),
        ("number", [1, 2, 3]),
        ("-number", [3, 2, 1]),
        ("name", [2, 1, 3]),
        ("made_at", [2, 3, 1]),
        ("-made_at", [3, 2, 1]),
    ],
)
def test_rows_in_memory_are_sorted_as_readers_expect_with_those_without_a_value_last(sort, numbers):
    assert [toy.number for toy in held(sort).every()] == numbers


@pytest.mark.parametrize("sort", ["Name", "--name", "kinds", "by; drop table", "-", "nom"])
def test_an_order_that_no_column_has_is_refused(sort):
    with pytest.raises(InputError, match="n’a pas cet ordre"):
        held(sort)


def test_a_header_asks_for_the_other_direction_and_first_for_the_largest():
    by_name, number = COLUMNS[1], COLUMNS[0]
    assert (held().next_sort(by_name), held().next_sort(number)) == ("name", "-number")
    assert held("name").direction(by_name) == "ascending"
    assert held("name").next_sort(by_name) == "-name"
    assert (held("-name").direction(by_name), held("-name").next_sort(by_name)) == ("descending", "name")
    usual = InMemoryListing(title="", columns=COLUMNS, usual="name", rows=TOYS)
    assert (usual.direction(by_name), usual.direction(number)) == ("ascending", "")


def test_a_file_has_words_of_people_local_times_and_no_formula():
    lines = csv_bytes(held().table({"a@b.example": "Ada"})).decode("utf-8-sig").split("\r\n")
    assert lines == [
        "Numéro;Nom;Fait (heure de Bruxelles);Jour;Genres;Par",
        "3;Écluse;2026-07-02 00:30;2026-07-01;export;Ada",
        "1;eau;;;export, accès refusé;",
        "2;'=1+1;2026-01-01 13:00;2026-01-01;;",
        "",
    ]


def test_json_has_the_keys_of_columns_and_values_for_machines():
    assert held("number").objects()[2] == {
        "number": 3,
        "name": "Écluse",
        "made_at": "2026-07-01T22:30:00+00:00",
        "kinds": ["exported"],
        "by": "a@b.example",
    }


def test_a_page_has_numbers_and_days_in_words_and_a_dash_for_nothing():
    of_page = {column.key: column.text(TOYS[1]) for column in held().on(On.PAGE)}
    assert of_page == {"name": "eau", "made_at": "–", "kinds": "export, accès refusé", "action": "–"}
    assert Column("n", "N", lambda _: 1234).text(None) == "1\u202f234"
    assert Column("b", "B", lambda _: True).text(None) == "oui"
    assert Column("d", "D", lambda _: date(2026, 5, 1)).text(None) == "1er\u00a0mai 2026"


def test_keys_are_those_of_authorities_each_once():
    assert (held().keys(), held().total_keys().number) == ([1, 2], 2)


@pytest.mark.postgresql
def test_pages_of_equal_rows_hold_each_row_once_in_either_direction(database):
    with database.writing() as session:
        lines = [LogLine(NOW + timedelta(hours=n // 4), TrailKind.EXPORTED, "x", f"/{n}") for n in range(30)]
        accounts.add_access_lines(session, lines)
    with database.reading() as session:
        for sort in ("", "at", "-at", "kind", "-kind", "person", "detail"):
            listed = accounts.list_access(session, Filter(), sort)
            every = [entry.id for entry in listed.every()]
            paged = [entry.id for number in range(1, 6) for entry in listed.page(number, 7)]
            assert paged == every, sort
            from_both_ends = [entry.id for number in range(1, 6) for entry in listed.page(number, 7, 30)]
            assert from_both_ends == every, sort
            assert len(set(every)) == listed.count() == 30
            assert (every[0] == max(every)) == (sort not in {"at", "detail"}), sort


@pytest.mark.postgresql
def test_a_count_stops_one_beyond_the_most_and_says_that_there_is_more(database):
    with database.writing() as session:
        accounts.add_access_lines(session, [LogLine(NOW, TrailKind.EXPORTED, "x", f"/{n}") for n in range(5)])
    with database.reading() as session:
        lines = {"query": select(AccessLogEntry), "order": (AccessLogEntry.id,), "key": AccessLogEntry.id}
        listed = QueryListing(title="", columns=(), session=session, **lines)
        for total in (listed.total, listed.total_keys):
            assert [total(most) for most in (3, 4, 5, 6, None)] == [
                (3, True),
                (4, True),
                (5, False),
                (5, False),
                (5, False),
            ]
        assert [listed.totals(most) for most in (3, 5)] == [((3, True), (3, True)), ((5, False), (5, False))]
        kinds = QueryListing(
            title="", columns=(), session=session, query=select(AccessLogEntry), order=(AccessLogEntry.id,),
            key=AccessLogEntry.kind,
        )  # fmt: skip
        assert [kinds.totals(most) for most in (3, 5, None)] == [((3, True), (1, False))] + [
            ((5, False), (1, False))
        ] * 2
    assert (held().total(1), held().total_keys(1)) == ((3, False), (2, False)), "rows in memory are counted anyway"


@pytest.mark.long
@pytest.mark.postgresql
def test_a_file_holds_a_batch_of_objects_and_never_all(database):
    """What was read is let go as the file goes on: SQLAlchemy's session holds objects weakly."""
    with database.writing() as session:
        accounts.add_access_lines(session, [LogLine(NOW, TrailKind.EXPORTED, "x", f"/{n}") for n in range(1200)])
    with database.reading() as session:
        most = 0
        for _ in accounts.list_access(session, Filter()).every():
            most = max(most, len(session.identity_map))
        assert 0 < most <= 1001


def test_the_keys_of_a_query_that_is_about_no_authority_are_none(database):
    with database.reading() as session:
        listed = QueryListing(
            title="", columns=(), session=session, query=select(AccessLogEntry), order=(AccessLogEntry.id,)
        )
        assert (listed.keys(), listed.total_keys().number, listed.count(), list(listed.page(1))) == ([], 0, 0, [])
