import pytest
from sqlalchemy import select, update

from outreach.directory.authorities import Filters, list_authorities, resolve_text
from outreach.directory.models import Authority, Contact
from tests.conftest import NOW

pytestmark = pytest.mark.full  # the register as it is: its figures, names and places

WBE = 9001


@pytest.fixture
def session(sample_database):
    with sample_database.writing() as session:
        yield session
        session.rollback()


def found(session, text, **filters):
    filters = resolve_text(session, Filters(text=text, **filters))
    return filters.found, [row.Authority for row in list_authorities(session, filters).every()]


def test_words_may_stand_in_a_name_a_place_a_number_an_address_and_a_federation(session):
    one = session.scalars(select(Authority).where(Authority.municipality == "Anderlecht")).first()
    address = session.scalar(select(Contact.address).where(Contact.authority_id == one.id))
    for text in (f"{one.name} {one.fase}", f"anderlecht {one.fase}", address, f"{one.fase} {address.split('@')[0]}"):
        assert one in found(session, text)[1]
    by_federation = found(session, "cpeons")[1]
    assert {listed.fase for listed in by_federation} == {
        row.Authority.fase for row in list_authorities(session, Filters(federation="CPEONS")).every()
    }
    both = found(session, "cpeons anderlecht")[1]
    assert {listed.id for listed in both} <= {listed.id for listed in by_federation}


def test_a_word_of_a_school_and_one_of_its_authority_find_both_and_words_of_two_schools_do_not(session):
    schools, authorities = found(session, "wallonie bassenge")
    assert [one.fase for one in authorities] == [WBE]
    assert "BASSENGE" in schools.schools[authorities[0].id].upper()
    assert found(session, "athenee bassenge arlon")[1] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("andrelecht", "anderlecht"),
        ("anderleht", "anderlecht"),
        ("anderllecht", "anderlecht"),
        ("amderlecht", "anderlecht"),
    ],
)
def test_a_word_with_one_typo_finds_what_was_meant_and_says_so(session, typed, meant):
    corrected, authorities = found(session, f"{typed} communal")
    assert corrected.corrected == ((typed, (meant,)),)
    assert authorities == found(session, f"{meant} communal")[1] != []


def test_no_word_is_corrected_as_long_as_something_is_found(session):
    assert found(session, "anderlecht")[0].corrected == ()
    assert found(session, "namur")[0].corrected == ()


def test_numbers_and_short_words_are_never_corrected(session):
    assert found(session, "90011234")[1] == found(session, "zqx")[1] == []


def test_a_retired_address_finds_nobody(session):
    address = "unique-box@ecole.example"
    key = session.scalar(select(Contact.id).limit(1))
    session.execute(update(Contact).where(Contact.id == key).values(address=address, address_key=address))
    assert len(found(session, "unique-box")[1]) == 1
    session.execute(update(Contact).where(Contact.id == key).values(retired_at=NOW, retired_by="x"))
    assert found(session, "unique-box")[1] == []


def test_filters_of_schools_hold_for_the_school_that_is_found(session):
    for row in list_authorities(session, Filters(text="athenee", municipality="Namur")).every():
        assert row.schools
    assert found(session, "bassenge", municipality="Namur")[1] == []
