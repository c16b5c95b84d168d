"""The name of an organisation in a row is compared with the names that its FASE number has."""

from itertools import islice, product

import pytest
from sqlalchemy import func, select

from outreach.core.tables._headers import LONGEST_CELL
from outreach.directory import supplied_names
from outreach.directory.models import Authority, Network, Ownership, School
from outreach.directory.supplied_names import LONGEST, NameBook, names_an_organisation

COMMUNE, FREE = "Subventionné communal", "Libre confessionnel"


@pytest.fixture
def known(session):
    """Gives an authority of one school and that school their names, and says whether a third is far from them."""
    one = select(Ownership.authority_id).where(Ownership.current())
    one = one.group_by(Ownership.authority_id).having(func.count() == 1).limit(1)
    authority = session.get(Authority, session.scalar(one))
    listed = select(School).join(Ownership, Ownership.school_id == School.id)
    school = session.scalars(listed.where(Ownership.authority_id == authority.id, Ownership.current())).one()

    def far(network, name, of_school, stated, place="Mons", *, is_of_school=False):
        authority.network_id = session.scalars(select(Network.id).where(Network.code == network)).one()
        authority.name, school.name = name, of_school
        for named in (authority, school):
            named.corrected_name, named.locality, named.municipality = None, place, place
        session.flush()
        return NameBook.of(session).far(authority.id, [school.id] if is_of_school else (), stated)

    return far


@pytest.mark.parametrize(
    ("network", "name", "stated"),
    [
        (COMMUNE, "Collège des Bourgmestre et Echevins de la commune d'Anderlecht", "Adm. communale d’Anderlecht"),
        (COMMUNE, "Ville de Namur", "AC NAMUR"),
        (FREE, "ASBL Pouvoir organisateur de l'Ecole fondamentale libre Saint-Joseph", "P.O. Ec. fond. lib. St Joseph"),
        (FREE, "INSTITUT NOTRE-DAME DE LA PAIX", "Inst. N.-D. de la Paix, a.s.b.l. (Mons)"),
        (FREE, "Comité scolaire Notre-Dame de Mons", "Comité scolaire ND Mons"),
        (FREE, "Comité scolaire Sainte-Élisabeth", "Comite scolaire Ste Elisabet"),
        (FREE, "Comité scolaire Sainte-Élisabeth", "Institut des Ursulines de Binche"),
        (FREE, "Comité scolaire Sainte-Élisabeth", "École fondamentale libre"),
    ],
    ids=[
        "council",
        "capitals",
        "abbreviations",
        "more words",
        "initials",
        "typo",
        "the school's",
        "no word of its own",
    ],
)
def test_accents_capitals_and_abbreviations_keep_a_name_near(known, network, name, stated):
    assert known(network, name, "Institut des Ursulines de Binche", stated) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("network", "name", "stated"),
    [
        (FREE, "Notre-Dame de Mons", "Administration communale de Namur"),
        (FREE, "Notre-Dame de Mons", "Administration communale de Mons"),
        (FREE, "Notre-Dame de Mons", "École fondamentale communale"),
        (COMMUNE, "Ville de Mons", "Institut Notre-Dame de Mons"),
        (COMMUNE, "Ville de Mons", "Ville de Namur"),
        (FREE, "Comité scolaire Notre-Dame de Mons", "Comité scolaire Notre-Dame de Namur"),
        (FREE, "Comité scolaire Notre-Dame", "Notre-Dame de Namur"),
    ],
    ids=[
        "stranger",
        "same place",
        "kind alone",
        "a school of the place",
        "another commune",
        "elsewhere",
        "place unsaid",
    ],
)
def test_another_organisation_is_far_and_the_name_of_the_number_is_said(known, network, name, stated):
    assert known(network, name, "Les Tilleuls", stated) == name


@pytest.mark.long
def test_a_row_of_one_school_is_compared_with_that_school_and_its_authority(known, session):
    own = (FREE, "Notre-Dame de Mons", "Les Tilleuls")
    assert known(*own, "École Les Tilleuls", is_of_school=True) == ""
    assert known(*own, "Notre-Dame", is_of_school=True) == ""
    assert known(*own, "École Les Glycines", is_of_school=True) == "Les Tilleuls"


def test_no_name_of_the_directory_is_far_from_its_own_number_and_few_are_near_another_one(session):
    book = NameBook.of(session)
    owned = sorted(book.authorities.items())
    of_schools = [(key, school) for key, each in owned for school in each.schools]
    assert not [each.name.shown for key, each in owned if book.far(key, (), each.name.shown)]
    shown = {(key, school): book.authorities[key].schools[school].shown for key, school in of_schools}
    assert not [name for (key, school), name in shown.items() if book.far(key, [school], name)]
    wrong = [book.far(key, (), other.name.shown) for (key, _), (_, other) in zip(owned, owned[101:], strict=False)]
    assert wrong.count("") < len(wrong) / 10


def test_a_cell_as_long_as_a_file_takes_costs_no_more_than_the_longest_name(known, monkeypatch):
    compared, is_near = set(), supplied_names._is_near
    monkeypatch.setattr(
        supplied_names, "_is_near", lambda one, other: compared.update((one, other)) or is_near(one, other)
    )
    words = ("".join(letters) for letters in product("bcdfg", "aeiou", "lmnpr", "aeiou", "stvxz"))
    long = " ".join(islice(words, LONGEST_CELL // 6))
    assert known(FREE, "Notre-Dame de Mons", "Les Tilleuls", long) == "Notre-Dame de Mons"
    assert 0 < len(compared) < LONGEST / 4


@pytest.mark.parametrize(
    ("text", "is_one"), [("Institut Saint-Joseph", True), ("Anne Dupont", False), ("Ville de Namur", True)]
)
def test_a_name_is_an_organisation_s_by_its_words(text, is_one):
    assert names_an_organisation(text) is is_one
