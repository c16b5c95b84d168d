from datetime import date

import pytest
from sqlalchemy import select

from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound
from outreach.directory import authorities, register
from outreach.directory.authorities import Filters, authority_by_fase
from outreach.directory.models import School
from tests.directory import editions
from tests.directory.editions import edition, row

CAPITALS = "ECOLE SPECIALISEE SAINT-ELOI"
SHOWN, CORRECTED = "École spécialisée Saint-Éloi", "École Saint-Éloi, Baudouin Ier"
WHO = "claire@fwb.example"


@pytest.fixture
def apply(database, now):
    def applied(*rows, on):
        with database.writing() as session:
            return editions.apply(session, edition(*rows), now, on, WHO)

    applied(row(authority_name="CECP ASBL", school_name=CAPITALS), on=date(2021, 3, 1))
    return applied


def names(database):
    with database.reading() as session:
        school = session.scalars(select(School)).one()
        return school.name, school.display_name


def found(database, words):
    with database.reading() as session:
        return authorities.count_authorities(
            session, authorities.resolve_text(session, Filters(text=words))
        ).authorities


def correct(database, now, words=CORRECTED):
    with database.writing() as session:
        register.correct_name(session, session.scalars(select(School)).one(), words, now=now, actor=WHO)


def asked_again(database):
    with database.reading() as session:
        return [(each.name, each.owner) for each in register.asked_again(session)]


def test_the_register_s_spelling_is_kept_and_compared_beside_the_name_that_is_shown(database, apply):
    assert names(database) == (CAPITALS, SHOWN)
    assert apply(row(authority_name="CECP ASBL", school_name=CAPITALS), on=date(2021, 4, 1)).changes == []


def test_a_correction_wins_and_outlives_editions_that_leave_the_register_s_name(database, apply, now):
    correct(database, now)
    apply(row(authority_name="CECP ASBL", school_name=CAPITALS, street="Rue Basse 2"), on=date(2021, 4, 1))
    assert names(database) == (CAPITALS, CORRECTED)
    assert [found(database, words) for words in ("specialisee", "baudouin ier")] == [1, 1]


def test_a_name_that_the_register_changed_is_asked_for_again_until_the_edition_is_undone(database, apply, now):
    correct(database, now)
    apply(row(authority_name="CECP ASBL", school_name="ECOLE SAINT-ELOI"), on=date(2021, 4, 1))
    assert names(database) == ("ECOLE SAINT-ELOI", "École Saint-Éloi")
    assert asked_again(database) == [("ECOLE SAINT-ELOI", 9001)]
    assert found(database, "baudouin ier") == 0
    with database.writing() as session:
        editions.undo(session, now, WHO)
    assert (names(database), asked_again(database)) == ((CAPITALS, CORRECTED), [])


def test_a_correction_is_withdrawn_and_the_history_tells_both(database, apply, now):
    correct(database, now)
    with database.writing() as session:
        register.withdraw_name(session, session.scalars(select(School)).one(), now=now, actor=WHO)
    assert names(database) == (CAPITALS, SHOWN)
    with database.reading() as session:
        told = [entry.in_words for entry in audit.entries_about(session, "authority:9001")]
    assert f"École 80001. Nom corrigé : « {SHOWN} » devient « {CORRECTED} »." in told
    assert f"École 80001. Correction du nom « {CORRECTED} » annulée." in told
    with database.writing() as session, pytest.raises(NotFound):
        register.withdraw_name(session, session.scalars(select(School)).one(), now=now, actor=WHO)


@pytest.mark.parametrize("words", ["", " ", SHOWN, "x" * 201, "deux\nlignes"])
def test_a_correction_that_says_nothing_new_or_no_name_is_refused(database, apply, now, words):
    with pytest.raises(InputError):
        correct(database, now, words)


def test_an_authority_s_name_is_corrected_too_and_again(database, apply, now):
    for words in ("CECP", "Conseil, ASBL"):
        with database.writing() as session:
            register.correct_name(session, authority_by_fase(session, 9001), words, now=now, actor=WHO)
    with database.reading() as session:
        authority = authority_by_fase(session, 9001)
        assert (authority.name, authority.display_name) == ("CECP ASBL", "Conseil, ASBL")
        assert register.name_correction(session, authority).corrected_name == "Conseil, ASBL"
