import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from outreach.adherence import programmes, records, situation
from outreach.adherence.imports import JoiningLists, StatedJoining, open_joinings
from outreach.adherence.models import Status, Strand, Word
from outreach.adherence.records import SchoolStandings, Standing
from outreach.adherence.situation import Bucket, Selection
from outreach.core import audit, tables
from outreach.core.text.errors import InputError
from outreach.directory import authorities
from outreach.directory.models import School
from tests.campaigns.waves.test_retrying import wait_for_somebody_whose_turn_it_is_not
from tests.conftest import STORY_DAY


@pytest.fixture
def record(session, now):
    """Record a status for some schools of an authority, all of them unless told otherwise."""

    def call(fase, status=Status.JOINED, word=Word.CONFIRMED, day=STORY_DAY, strand=1):
        programme = programmes.get_programme(session)
        authority = authorities.authority_by_fase(session, fase)
        chosen = programme.strand(strand)
        schools = records.eligible_schools(session, authority, [chosen], STORY_DAY)
        details = {"now": now, "today": STORY_DAY, "actor": "nadia", "source": "Appel"}
        return records.record_adherence(
            session, authority, programme, chosen, schools, status=status, word=word, effective_on=day, **details
        )

    return call


def counts(session, strand=1):
    return situation.count_situation(session, programmes.get_programme(session), STORY_DAY).total.strands[strand]


def test_a_status_is_recorded_for_every_school_and_told_once(session, record):
    assert record(9300)[0] == 2
    assert counts(session)[Bucket.JOINED] == 50
    assert "2 écoles" in audit.entries_about(session, "authority:9300")[0].sentence


@pytest.mark.full
def test_a_declared_word_never_replaces_a_confirmed_joining(session, record):
    """WBE has 14 schools whose joining is confirmed: declaring all 147 leaves these 14 as they are."""
    count, notes = record(9001, word=Word.DECLARED)
    assert count == 147 - 14
    assert counts(session)[Bucket.JOINED] == 48
    assert counts(session)[Bucket.DECLARED] == 147 - 14
    assert "14\xa0écoles restent sans changement" in notes[0]


def test_a_declared_word_waits_for_a_list_that_is_being_applied(sample_database, now):
    """On PostgreSQL both would see the other's records only once they had written their own."""
    with sample_database.reading() as session:
        programme, authority = programmes.get_programme(session), authorities.authority_by_fase(session, 9300)
        strand = programme.strand(1)
        schools = records.eligible_schools(session, authority, [strand], STORY_DAY)
        key, fases = programme.id, [school.fase for school in schools]
        session.expunge_all()
    begun = threading.Event()

    def declare():
        begun.set()
        details = {"now": now, "today": STORY_DAY, "actor": "x", "source": records.FROM_A_LETTER}
        details |= {"status": Status.JOINED, "word": Word.DECLARED, "effective_on": STORY_DAY}
        with sample_database.writing() as session, pytest.raises(InputError, match="déjà confirmé"):
            records.record_adherence(session, authority, programme, strand, schools, **details)

    rows = [StatedJoining(fase, 1, Status.JOINED, STORY_DAY) for fase in fases]
    with ThreadPoolExecutor(1) as pool:
        with sample_database.writing() as session:
            tables.take_over(
                session,
                JoiningLists(STORY_DAY),
                open_joinings(rows, "x"),
                now=now,
                actor="x",
                programme_id=key,
                coverage=None,
            )
            session.flush()
            declared = pool.submit(declare)
            assert begun.wait(20)
            wait_for_somebody_whose_turn_it_is_not(session)
        declared.result()


def test_the_service_may_change_a_confirmed_joining(session, record):
    record(9001, status=Status.DECLINED)
    assert counts(session)[Bucket.JOINED] == 48 - 14


def test_a_day_to_come_is_refused_and_the_same_status_is_not_recorded_twice(record):
    with pytest.raises(InputError, match="avenir"):
        record(9300, day=date(2021, 5, 16))
    record(9300)
    with pytest.raises(InputError, match="déjà connu"):
        record(9300)


def test_a_joining_after_the_strand_has_closed_is_refused_with_its_day_and_one_before_it_is_recorded(session, record):
    programmes.get_programme(session).strand(1).closed_on = STORY_DAY - timedelta(2)
    with pytest.raises(InputError, match=r"Le volet 1 a fermé le 13.mai.2021.: aucune école n’y adhère le 15.mai.2021"):
        record(9300)
    assert record(9300, status=Status.DECLINED)[0] == 2, "whatever is no joining"
    assert record(9300, day=STORY_DAY - timedelta(2))[0] == 2


def test_what_goes_back_in_time_or_lacks_a_condition_is_told(record):
    record(9300, status=Status.DECLINED)
    assert "plus récent" in record(9300, day=date(2021, 3, 1))[1][0]
    _, notes = record(9300, strand=2, day=date(2021, 1, 20))
    assert "condition requise" in notes[0]


def test_confirming_what_was_declared_of_a_later_day_changes_today_and_not_the_past_alone(session, record):
    record(9300, word=Word.DECLARED)
    assert record(9300, day=date(2021, 3, 1)) == (2, [])
    assert (counts(session)[Bucket.JOINED], counts(session)[Bucket.DECLARED]) == (50, 0)
    with pytest.raises(InputError, match="déjà confirmé"):
        record(9300, word=Word.DECLARED, day=date(2021, 4, 1))


@pytest.mark.full
@pytest.mark.long
def test_the_authorities_of_a_strand_are_those_its_figure_counts(session):
    programme = programmes.get_programme(session)
    total = situation.count_situation(session, programme, STORY_DAY)
    for row in (total.total, *total.rows):
        found = Selection(1, None, row.code or "")
        assert (
            situation.list_situation_authorities(session, programme, STORY_DAY, found).count()
            == row.strand_authorities[1]
        )
    (wbe,) = situation.list_situation_authorities(session, programme, STORY_DAY, Selection(1, None, "WBE")).page(1, 10)
    assert (wbe.roll_up, wbe.joined, wbe.concerned) == ("partial", 14, 147)


@pytest.mark.full
def test_strands_of_different_levels_each_count_their_own(session, now):
    content = """
code = "deux-niveaux"
name = "Deux niveaux"
[[strands]]
number = 1
name = "Secondaire"
opened_on = 2021-01-01
[[strands]]
number = 2
name = "Primaire"
opened_on = 2021-01-01
level = "primary"
"""
    programme = programmes.load_programme(session, content, now=now, actor="nadia")
    total = situation.count_situation(session, programme, STORY_DAY).total
    assert total.open_to(1) == 649
    assert total.open_to(2) > 1500
    assert total.strand_authorities[1] == 312
    rows = records.list_standings(session, authorities.authority_by_fase(session, 9001), programme, STORY_DAY)
    assert records.standing_in_words(rows[:0], programme.strands[0]) == ""
    assert {frozenset(row.strands) for row in rows} >= {frozenset({1}), frozenset({2})}


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ([(Status.NOT_CONCERNED, Word.CONFIRMED)], ""),
        ([(Status.JOINED, Word.CONFIRMED)], "Son école a adhéré"),
        ([(Status.JOINED, Word.CONFIRMED)] * 2, "Toutes ses écoles ont adhéré"),
        ([(Status.TENDER_LAUNCHED, Word.DECLARED)] * 2, "Aucune école n’a adhéré ; 2 ont lancé leur marché"),
        ([(Status.JOINED, Word.DECLARED)], "Aucune école n’a adhéré ; 1 déclare y adhérer"),
        (
            [(Status.JOINED, Word.CONFIRMED), *[(Status.NONE, None)] * 2, (Status.DECLINED, Word.CONFIRMED)],
            "1 de ses 4 écoles a adhéré ; 2 sont sans réponse ; 1 a refusé",
        ),
    ],
)
def test_an_authority_s_standing_is_told_in_a_sentence(known, told):
    strand = Strand(number=1)
    rows = [SchoolStandings(School(), {1: Standing(status, word, None)}) for status, word in known]
    assert records.standing_in_words(rows, strand).replace("\xa0", " ").replace("\u202f", " ") == told
