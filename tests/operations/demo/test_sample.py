import csv
import io
from collections import Counter
from datetime import date

import pytest
from sqlalchemy import func, select

from outreach.directory.models import Authority, Contact, Level, Ownership, RegisterChange, RegisterKind, School
from outreach.directory.register._comparison import compare
from outreach.directory.register._edition import Edition
from outreach.operations.demo import sample
from outreach.operations.demo.population import of
from tests.conftest import STORY_DAY
from tests.directory.editions import read_register

pytestmark = pytest.mark.full  # the register as it is: its figures, names and places


@pytest.fixture(scope="module")
def files():
    return sample.build(STORY_DAY)


@pytest.mark.long
def test_the_same_day_gives_the_same_files(files):
    assert sample.build(STORY_DAY) == files


@pytest.mark.long
@pytest.mark.parametrize("name", ["first", "second"])
def test_both_editions_are_in_the_real_format_and_exact(files, name):
    content = getattr(files, name)
    assert content.startswith(b"\xef\xbb\xbf\xef\xbb\xbfN\xc2\xb0 FASE")
    assert b"\r\n" in content
    reading = read_register(content)
    edition = reading.edition
    secondary = [s for s in edition.schools.values() if any(kind.level is Level.SECONDARY for kind in s.types)]
    assert (len(edition.authorities), len(edition.schools), len(secondary)) == (985, 2726, 649)
    assert len({school.authority for school in secondary}) == 312
    assert reading.rejected == []
    assert reading.ignored["Artistique à horaire réduit"] == 40


@pytest.mark.long
def test_the_second_edition_brings_the_known_changes(files):
    first = compare(Edition(), read_register(files.first)).target
    difference = compare(first, read_register(files.second))
    assert difference.counts(RegisterKind.AUTHORITY) == {
        "new": 1,
        "changed": 6,
        "moved": 0,
        "gone": 1,
        "unchanged": 978,
    }
    assert difference.counts(RegisterKind.SCHOOL) == {"new": 1, "changed": 11, "moved": 1, "gone": 1, "unchanged": 2713}


def test_nothing_in_it_could_be_real(session):
    assert session.scalar(select(func.min(Authority.fase))) == 9001
    assert session.scalar(select(func.min(School.fase))) == 80001
    assert all(n.startswith("0999") for n in session.scalars(select(Authority.company_number)) if n)
    assert all(n.startswith("2999") for n in session.scalars(select(School.company_number)))
    assert all(address.endswith("@adm.fwb.example") for address in session.scalars(select(Contact.address)))


def test_every_awkward_case_is_there(session):
    sizes = dict(
        session.execute(
            select(Authority.fase, func.count()).join(Ownership).where(Ownership.current()).group_by(Authority.fase)
        ).all()
    )
    assert max(sizes.values()) == 332
    numbers = Counter(session.scalars(select(Authority.company_number)))
    assert numbers[None] == 1
    assert max(numbers.values()) == 2
    assert max(len(name) for name in session.scalars(select(Authority.name))) == 140
    homonyms = (
        select(func.count())
        .select_from(School)
        .group_by(School.name, School.municipality)
        .order_by(func.count().desc())
    )
    assert session.scalars(homonyms).first() > 1
    assert session.scalar(select(func.count()).select_from(Contact).where(Contact.bounced_at.is_not(None))) == 1
    told = {
        tuple(row) for row in session.execute(select(RegisterChange.kind, RegisterChange.nature, RegisterChange.field))
    }
    assert ("school", "moved", "authority") in told
    assert ("authority", "changed", "name") in told


@pytest.mark.long
def test_the_joining_list_tells_the_spring_of_2021(files):
    rows = list(csv.DictReader(io.StringIO(files.joinings.decode("utf-8-sig")), delimiter=";"))
    found = Counter((row["volet"], row["statut"]) for row in rows)
    assert found == {
        ("1", "adhéré"): 48,
        ("1", "en préparation"): 48,
        ("1", "refus"): 15,
        ("2", "adhéré"): 14,
        ("2", "en préparation"): 34,
    }
    edition = read_register(files.second).edition
    networks = Counter(
        edition.authorities[edition.schools[int(row["fase"])].authority].network
        for row in rows
        if (row["volet"], row["statut"]) == ("1", "adhéré")
    )
    assert networks == {
        "Libre confessionnel": 24,
        "WBE": 14,
        "Subventionné provincial": 4,
        "Subventionné communal": 3,
        "Libre non confessionnel": 2,
        "COCOF": 1,
    }
    joined = {
        strand: {row["fase"] for row in rows if (row["volet"], row["statut"]) == (strand, "adhéré")} for strand in "12"
    }
    assert joined["2"] - joined["1"], "a school that joined the second strand alone"
    assert all(date(2020, 11, 16) <= date.fromisoformat(row["date"]) < STORY_DAY for row in rows)
    assert all(bool(row["motif"]) == (row["statut"] == "refus") for row in rows)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("Anderlecht", "d’Anderlecht"),
        ("Le Roeulx", "du Roeulx"),
        ("Les Bons Villers", "des Bons Villers"),
        ("La Louvière", "de La Louvière"),
        ("Huy", "de Huy"),
        ("Écaussinnes", "d’Écaussinnes"),
        ("Yvoir", "d’Yvoir"),
    ],
)
def test_places_are_elided_as_french_wants(place, words):
    assert of(place) == words
