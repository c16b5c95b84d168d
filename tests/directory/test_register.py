import pytest

from outreach.core.text.errors import InputError
from outreach.directory.models import EducationType
from tests.directory.editions import HEADER, edition, read_register, row


def test_one_row_gives_an_authority_a_school_and_a_site():
    reading = read_register(edition(row(school=80001, site=70001, authority=9001, kind="Secondaire CEFA")))
    assert set(reading.edition.authorities) == {9001}
    assert reading.edition.schools[80001].types == {EducationType.SECONDARY_CEFA}
    assert reading.edition.schools[80001].authority == 9001
    assert set(reading.edition.sites) == {70001}
    assert reading.rejected == []


def test_types_and_sites_of_a_school_are_gathered_over_its_rows():
    rows = [row(site=70001, kind="Maternel ordinaire"), row(site=70002, kind="Primaire ordinaire")]
    school = read_register(edition(*rows)).edition.schools[80001]
    assert school.types == {EducationType.NURSERY_ORDINARY, EducationType.PRIMARY_ORDINARY}
    assert school.sites == {70001, 70002}


@pytest.mark.parametrize("kind", ["Artistique à horaire réduit", "Promotion sociale secondaire", "Université"])
def test_other_education_is_counted_and_not_kept(kind):
    reading = read_register(edition(row(), row(school=80002, kind=kind, network="Indéterminé")))
    assert reading.ignored == {kind: 1}
    assert set(reading.edition.schools) == {80001}


@pytest.mark.parametrize("marks", [0, 1, 2])
def test_any_number_of_utf8_marks_is_read(marks):
    content = b"\xef\xbb\xbf" * marks + edition(row(authority_name="École d’Évere")).removeprefix(b"\xef\xbb\xbf" * 2)
    assert read_register(content).edition.authorities[9001].name == "École d’Évere"


@pytest.mark.parametrize(("encoding", "named"), [("cp1252", "Windows-1252"), ("utf-16", "UTF-16")])
def test_other_encodings_are_detected_and_named(encoding, named):
    text = edition(row(authority_name="Collège d'Évere")).decode().lstrip("\ufeff")
    reading = read_register(text.encode(encoding))
    assert reading.label == f"{named}, séparateur « ; »"
    assert reading.edition.authorities[9001].name == "Collège d'Évere"


@pytest.mark.parametrize(
    "headers",
    [
        {"N° FASE de l'établissement": "ndeg_fase_de_l_etablissement", "N° FASE du P.O.": "ndeg_fase_du_p_o"},
        {"Nom de l'établissement": "nom_d_etablissement", "N° FASE du P.O.": "ndeg_fase_du_po"},
        {"Nom de P.O.": "NOM DU POUVOIR ORGANISATEUR", "Type d'enseignement": "type_d_enseignement"},
        {"Numéro BCE de l'établissement": "numero_bce_de_l_etablissement", "Bassin": "Zone"},
        {"N° FASE de l'implantation": "Numéro FASE de l’implantation", "Réseau": " reseau "},
    ],
)
def test_headers_of_other_editions_are_recognised(headers):
    content = edition(row()).decode()
    for usual, other in headers.items():
        assert usual in content
        content = content.replace(usual, other, 1)
    reading = read_register(content.encode())
    assert set(reading.edition.schools) == {80001}
    assert reading.unknown_columns == ()


def test_missing_and_unknown_columns_are_named_together():
    content = edition(row()).decode().replace("Réseau", "Couleur", 1).encode()
    with pytest.raises(InputError, match=r"Colonnes manquantes : Réseau\. Colonnes inconnues : Couleur\."):
        read_register(content)


def test_numbers_exported_with_a_decimal_are_read():
    reading = read_register(edition(row(school="80001.0", authority="9001.0", postcode="1070.0")))
    assert reading.edition.schools[80001].authority == 9001
    assert reading.edition.schools[80001].postcode == "1070"


@pytest.mark.parametrize(
    ("faulty", "column", "words"),
    [
        ({"network": ""}, "Réseau", "Le réseau manque. Le PO 9002 est mis de côté."),
        ({"network": "Martien"}, "Réseau", "« Martien » est inconnu"),
        ({"school": "abc"}, "N° FASE de l'établissement", "« abc » n’est pas un numéro FASE."),
        ({"school": "9" * 5_000}, "N° FASE de l'établissement", "9… » n’est pas un numéro FASE."),
        ({"school": "٣٣"}, "N° FASE de l'établissement", "n’est pas un numéro FASE."),
        ({"site": ""}, "N° FASE de l'implantation", "Le numéro FASE manque."),
        ({"kind": "Secondaire lunaire"}, "Type d'enseignement", "« Secondaire lunaire » est inconnu."),
        ({"kind": ""}, "Type d'enseignement", "Le type d’enseignement manque."),
        ({"company": "0206582285"}, "N° BCE du P.O.", "les chiffres de contrôle ne concordent pas"),
        ({"school_name": ""}, "Nom de l'établissement", "La cellule est vide."),
        ({"school_name": "x" * 201}, "Nom de l'établissement", "dépasse 200 caractères"),
        ({"school_name": "a\x00b"}, "", "Caractère interdit"),
        ({"authority_name": "y" * 20_000}, "", "dépasse 10000 caractères"),
    ],
)
def test_a_faulty_row_is_named_and_the_others_kept(faulty, column, words):
    stated = {"school": 80002, "authority": 9002, **faulty}
    reading = read_register(edition(row(), row(**stated), row(school=80003, site=70003)))
    (rejection,) = reading.rejected
    assert (rejection.row, rejection.column) == (3, column)
    assert words in rejection.message
    assert set(reading.edition.schools) == {80001, 80003}


def test_a_school_claimed_by_two_authorities_is_a_conflict_and_stays_out():
    reading = read_register(edition(row(authority=9001), row(authority=9002, site=70002)))
    assert reading.rejected[0].column == "N° FASE du P.O."
    assert reading.withheld == {80001}
    assert reading.edition.schools == {}


def test_more_cells_than_columns_is_a_fault_of_that_row_only():
    content = edition(row(), row(school=80002)).rstrip() + b";trop\r\n"
    reading = read_register(content)
    assert [r.row for r in reading.rejected] == [3]
    assert set(reading.edition.schools) == {80001}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Le fichier est vide."),
        (b"  \r\n \r\n", "Le fichier est vide."),
        (HEADER.encode() + b"\r\n", "n’a qu’un en-tête"),
        (HEADER.encode() + b';"x"\r\n', "n’a qu’un en-tête|guillemet"),
        ((HEADER + ";" + "Réseau").encode() + b"\r\n", "« Réseau » figure deux fois"),
        (";".join(f"c{n}" for n in range(300)).encode() + b"\r\n1", "300 colonnes"),
        (b"\xff\xfe\x00", "UTF-16"),
    ],
)
def test_a_file_that_is_no_register_is_refused_in_words(content, words):
    with pytest.raises(InputError, match=words):
        read_register(content)


def test_an_open_quote_is_named_by_its_line():
    content = edition(row(), row(school=80002, school_name="Début"), row(school=80003))
    content = content.replace(b"D\xc3\xa9but", b'"D\xc3\xa9but')
    with pytest.raises(InputError, match="Ligne 3 : un guillemet ouvert n’est jamais refermé"):
        read_register(content)


def test_an_open_quote_is_named_by_its_line_in_a_long_file_too():
    content = edition(row(), row(school=80002, school_name="Début"), *(row(school=81000 + n) for n in range(1500)))
    content = content.replace(b"D\xc3\xa9but", b'"D\xc3\xa9but')
    with pytest.raises(InputError, match="Ligne 3 : un guillemet ouvert n’est jamais refermé"):
        read_register(content)


def test_a_huge_cell_is_refused_with_its_line():
    content = edition(row(), row(school=80002, school_name="x" * 200_000))
    with pytest.raises(InputError, match=r"Ligne 3 : .* une cellule dépasse"):
        read_register(content)


@pytest.mark.long
def test_the_hundred_thousand_and_first_row_is_refused():
    line = edition(row()).splitlines(keepends=True)[1]
    content = HEADER.encode() + b"\r\n" + line * 100_001
    with pytest.raises(InputError, match="plus de 1\u202f400\u202f000 cellules"):
        read_register(content)
    narrow = HEADER.encode() + b"\r\n" + b"1;x\r\n" * 100_001
    with pytest.raises(InputError, match="plus de 100\u202f000 lignes"):
        read_register(narrow)


def test_thousands_of_empty_columns_behind_the_last_do_no_harm():
    content = b"\r\n".join(line + b";" * 5000 for line in edition(row()).strip().split(b"\r\n"))
    assert set(read_register(content).edition.schools) == {80001}


def test_a_comma_file_with_quoted_commas_is_read():
    text = edition(row(authority_name="Collège; Bourgmestre")).decode().lstrip("\ufeff")
    commas = (
        text.replace(", 4.29", " 4.29")
        .replace('"Collège; Bourgmestre"', "@")
        .replace(";", ",")
        .replace("@", '"Collège, Bourgmestre"')
    )
    assert read_register(commas.encode()).edition.authorities[9001].name == "Collège, Bourgmestre"


@pytest.mark.parametrize("cells", [201, 5_000, 1_000_000])
def test_a_row_wider_than_any_table_is_refused_with_its_line(cells):
    content = edition(row(), row(school=80002)).rstrip() + b";x" * cells + b"\r\n"
    with pytest.raises(InputError, match=r"Ligne 3 : \d+ colonnes, 200 au plus"):
        read_register(content)
