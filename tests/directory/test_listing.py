import pytest

from outreach.core.tables import PAGE_ROWS
from outreach.directory import authorities
from outreach.directory.authorities import LONGEST_SEARCH, Filters, ReachFilter
from outreach.directory.authorities import _search as search
from outreach.directory.authorities._search import DirectoryCounts
from outreach.directory.models import Level
from tests.statements import asked

pytestmark = pytest.mark.full  # the register as it is: its figures, names and places


def test_the_sample_counts_as_the_real_register(session):
    assert search.count_authorities(session, Filters()) == DirectoryCounts(985, 2726, 312, 649)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("Libre confessionnel", DirectoryCounts(667, 1178, 261, 358)),
        ("Subventionné communal", DirectoryCounts(265, 1087, 21, 56)),
        ("WBE", DirectoryCounts(1, 332, 1, 147)),
        ("Libre non confessionnel", DirectoryCounts(46, 58, 23, 23)),
        ("Subventionné provincial", DirectoryCounts(5, 65, 5, 59)),
        ("COCOF", DirectoryCounts(1, 6, 1, 6)),
    ],
)
def test_each_network_is_exact(session, network, expected):
    assert search.count_authorities(session, Filters(networks=(network,))) == expected


def test_the_secondary_filter_leaves_the_authorities_the_plan_concerns(session):
    assert search.count_authorities(session, Filters(level=Level.SECONDARY)) == DirectoryCounts(312, 649, 312, 649)


def test_filters_speak_of_the_same_school(session):
    both = search.count_authorities(session, Filters(networks=("WBE",), level=Level.SECONDARY, zone="Namur"))
    assert both.schools == both.secondary_schools
    assert 0 < both.schools < search.count_authorities(session, Filters(networks=("WBE",), zone="Namur")).schools


def test_a_communal_authority_with_secondary_has_two_federations(session):
    cpeons = search.count_authorities(session, Filters(federation="CPEONS"))
    assert cpeons.authorities == 21 + 5 + 1
    rows = list(
        search.list_authorities(session, Filters(networks=("Subventionné communal",), federation="CPEONS")).every()
    )
    codes = search.federation_codes(session, [row.Authority.id for row in rows])
    assert any(found == ["CECP", "CPEONS"] for found in codes.values())


@pytest.mark.parametrize("text", ["athenee royal", "ATHÉNÉE  ROYAL", "Athénée, royal"])
def test_a_search_ignores_accents_and_case_and_finds_by_school(session, text):
    filters = search.resolve_text(session, Filters(text=text))
    rows = list(search.list_authorities(session, filters).every())
    assert "Wallonie-Bruxelles Enseignement" in [row.Authority.name for row in rows]
    assert all("ATHÉNÉE ROYAL" in school.upper() for school in filters.found.schools.values())


@pytest.mark.parametrize("number", ["9001", "80001"])
def test_a_search_by_number_finds_authority_or_school(session, number):
    assert 9001 in [row.Authority.fase for row in search.list_authorities(session, Filters(text=number)).every()]


@pytest.mark.parametrize("text", ["' OR 1=1--", "100%", "_", "\\", "zzzz"])
def test_a_search_is_never_a_pattern(session, text):
    assert search.count_authorities(session, Filters(text=text)).authorities < 100


def test_a_letter_that_stands_for_four_words_two_hundred_times_finds_nothing(session):
    assert search.count_authorities(session, Filters(text="\ufdfa" * LONGEST_SEARCH)).authorities == 0


def test_a_bounced_box_is_found(session):
    (row,) = search.list_authorities(session, Filters(reach=ReachFilter.BOUNCED)).every()
    assert row.mailbox is None


@pytest.mark.parametrize("sort", ["", "name", "fase", "-schools", "secondary", "mailboxes", "-municipality"])
def test_pages_hold_every_row_once(session, sort):
    filters = Filters(networks=("Subventionné communal",))
    listed = search.list_authorities(session, filters, sort)
    numbers = [row.Authority.fase for page in range(1, 8) for row in listed.page(page)]
    assert len(numbers) == len(set(numbers)) == 265
    assert numbers == [row.Authority.fase for row in listed.every()]


def test_a_page_of_schools_takes_three_statements_however_many(sample_database, session):
    authority = authorities.authority_by_fase(session, 9001)
    with asked(sample_database) as seen:
        found = authorities.list_schools(session, authority).page(1)
    assert len(found) == PAGE_ROWS
    assert all(school.types and school.sites for school in found)
    assert len(seen) == 3


@pytest.mark.postgresql
def test_no_row_follows_a_number_beyond_all(sample_database):
    """PostgreSQL takes none of more than four bytes for a column of four: somebody may make one up."""
    with sample_database.reading() as session:
        for number in (2**31 - 1, 2**31, 2**60 - 1):
            assert search.list_authorities(session, Filters()).following(number, 10) == ([], None)
