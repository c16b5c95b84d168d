"""Drafts: each person's own, one for each page they type on, and gone once something is saved."""

from datetime import timedelta

import pytest

from outreach.access import accounts, form_drafts
from outreach.access.form_drafts import MOST, Place
from outreach.core.text.errors import InputError
from outreach.operations.demo import people
from tests.conftest import NOW

FIELDS = [("version", "x"), ("cell", "WBE|secondary"), ("cell", "COCOF|secondary"), ("letter", "Bonjour\r\n« à tous »")]
LATER = NOW + timedelta(minutes=2)


@pytest.fixture
def place(sample_database):
    """Where an author types."""
    with sample_database.reading() as session:
        return Place(accounts.user_named(session, people.person_for("author").email).id, "campaign:1:letter", "saved")


def kept(database, place):
    """What is kept in a place: by page, the letter that was typed; the last first."""
    with database.reading() as session:
        return {draft.page: dict(draft.pairs)["letter"] for draft in form_drafts.drafts_of(session, place)}


def keep(database, place, page, letter, now=NOW, resumed=""):
    with database.writing() as session:
        form_drafts.keep(session, place, page, [("letter", letter)], now=now, resumed=resumed)


def test_a_draft_is_one_persons_and_the_last_typed_on_its_page(sample_database, place):
    keep(sample_database, place, 7, "Avant")
    with sample_database.writing() as session:
        form_drafts.keep(session, place, 7, FIELDS, now=NOW)
    with sample_database.reading() as session:
        (draft,) = form_drafts.drafts_of(session, place)
        assert (draft.pairs, draft.typed_at) == (FIELDS, NOW)
        assert not form_drafts.drafts_of(session, Place(place.user_id + 1, place.subject))
        assert not form_drafts.drafts_of(session, Place(place.user_id, "campaign:1:dates"))


@pytest.mark.parametrize(
    ("arrived", "stays"),
    [(timedelta(milliseconds=-5), "A button's"), (timedelta(), "Typed"), (timedelta(hours=-1), "Typed")],
    ids=["overtaken", "at the same instant", "the clock was set back"],
)
def test_what_was_typed_before_a_button_was_pressed_does_not_come_back_after_it(sample_database, place, arrived, stays):
    keep(sample_database, place, 7, "A button's")
    keep(sample_database, place, 7, "Typed", NOW + arrived)
    assert kept(sample_database, place) == {7: stays}


def test_what_is_typed_on_another_page_is_kept_beside(sample_database, place):
    keep(sample_database, place, 7, "Avant")
    keep(sample_database, place, 9, "Après", LATER)
    assert list(kept(sample_database, place).items()) == [(9, "Après"), (7, "Avant")]
    with sample_database.writing() as session:
        form_drafts.discard(session, place, 7)
    assert kept(sample_database, place) == {9: "Après"}


def test_a_draft_that_is_resumed_goes_on_in_its_place_unless_more_was_typed_to_it_elsewhere(sample_database, place):
    keep(sample_database, place, 7, "Avant")
    with sample_database.reading() as session:
        resumed = form_drafts.drafts_of(session, place)[0].version
    keep(sample_database, place, 8, "Repris", LATER, resumed)
    assert kept(sample_database, place) == {8: "Repris"}
    keep(sample_database, place, 7, "Ailleurs", LATER)
    keep(sample_database, place, 8, "Repris encore", LATER, resumed)
    assert kept(sample_database, place) == {7: "Ailleurs", 8: "Repris encore"}


def test_a_place_has_so_many_drafts_and_the_oldest_goes_first(sample_database, place):
    for page in range(1, MOST + 3):
        keep(sample_database, place, page, f"{page}", NOW + timedelta(minutes=page))
    assert list(kept(sample_database, place)) == list(range(MOST + 2, 2, -1))


def test_a_draft_is_not_newer_than_what_was_saved_in_another_way_since(sample_database, place):
    keep(sample_database, place, 7, "Avant")
    with sample_database.reading() as session:
        (draft,) = form_drafts.drafts_of(session, place)
        assert draft.is_newer_than(place)
        assert not draft.is_newer_than(Place(place.user_id, place.subject, "saved anew"))


def test_a_draft_has_a_size(sample_database, place):
    with pytest.raises(InputError, match="trop long"):
        keep(sample_database, place, 7, "é" * form_drafts.MOST_BYTES)
    assert kept(sample_database, place) == {}
