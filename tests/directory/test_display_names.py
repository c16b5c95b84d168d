import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.directory.display_names import ACRONYMS, COMMON, PHRASES, PROPER, display_name
from outreach.directory.reference import fold


@pytest.mark.parametrize(
    "shown",
    [
        "École d'enseignement spécialisé",
        "Athénée communal Léonie de Waha",
        "Athénée provincial Jean d'Avesnes",
        "Athénée royal Baudouin I er",
        "Athénée royal d'Uccle II",
        "Athénée royal de Bastogne - Houffalize",
        "Athénée royal de Braine-l'Alleud",
        "Athénée royal de la Rive gauche",
        "Athénée royal de La Roche-en-Ardenne",
        "Athénée royal et école d'hôtellerie de Spa",
        "Athénée royal La Louvière",
        "Athénée royal Leonardo da Vinci",
        "Athénée royal Les Marlaires",
        "Athénée royal Liège 1 Charles Rogier",
        "Athénée royal Pont-à-Celles",
        "Athénée royal Woluwe-Saint-Lambert",
        'CEFA - Centre éducatif communal secondaire "La Garenne"',
        'CEFA - Dinant "L\'Atout"',
        "CEFA - École polytechnique de Huy-Enseignement de la Province de Liège",
        "CEFA - Institut des Arts et Métiers",
        "CEFA - Institut Notre-Dame - Séminaire",
        "Centre scolaire de Ma Campagne",
        "Centre scolaire du Sacré-Cœur",
        "Collège Jean XXIII",
        "Collège Providence II D.O.A.",
        "Collège Roi Baudouin Enseignement technique et professionnel",
        "Collège Saint-Benoît de Maredsous",
        "Collège Saint-Guibert (D2-D3)",
        "Collège Saint-Vincent - 2e-3e degrés",
        "Communauté éducative Saint-Jean-Baptiste (2e et 3e degrés)",
        "Comité scolaire de l'institut de la Providence École professionnelle polyvalente ASBL",
        "Dames de l'Instruction chrétienne D.I.C. Collège",
        "École du SHAPE section belge",
        "École Second'Air 'Singelijn'",
        "Institut d'enseignement des arts, techniques, sciences et artisanat - I.A.T.A.",
        "Institut De Mot-Couvreur",
        "Institut des techniques et des commerces agro-alimentaires",
        "Institut provincial de nursing du Centre",
        "Institut Saint-Jean-Baptiste de La Salle",
        "Institut technique de la Communauté française Val - ITMA",
        "Lycée Martin V",
        "Lycée provincial des sciences et des technologies",
        "Saint Lambert Collège DOA",
        "École communale n° 3",
        "École Saint-Joseph à Bolland",
        "École fondamentale annexée à l’athénée royal",
        "École A",
        "IPES d'Ath",
        "C.E.B.E.",
        "ARTS²",
        "IPES",
    ],
)
def test_a_name_in_capitals_is_shown_as_people_write_it(shown):
    bare = shown.upper().translate(str.maketrans("ÀÂÇÉÈÊËÎÏÔÛÜ", "AACEEEEIIOUU")).replace("Œ", "OE")
    assert display_name(shown.upper()) == shown
    assert display_name(bare) == shown


def test_small_letters_in_a_name_in_capitals_stay():
    assert (
        display_name("INSTITUT DES FRERES MARISTES 2e et 3e degrés") == "Institut des Frères maristes 2e et 3e degrés"
    )
    assert display_name("COLLEGE SAINT-ANDRE (enseignement général)") == "Collège Saint-André (enseignement général)"


@pytest.mark.parametrize(
    "name",
    [
        'Ecole fondamentale communale "La Roue"  n°21',
        "Haute Ecole ICHEC - ECAM - ISFSC",
        "Centre scolaire Saint-Michel de PATURAGES",
        "ASBL PO Sacré-Coeur HUY",
        "école de devoirs ICHEC",
        "12",
        "",
    ],
)
def test_a_name_in_mixed_case_stays_byte_for_byte(name):
    assert display_name(name) == name


WORDS = [
    *ACRONYMS,
    *COMMON,
    *PROPER,
    *PHRASES,
    "a",
    "la",
    "l'",
    "d’",
    "n°",
    "2e",
    "xii",
    "ß",
    "ﬁn",
    "œ",
    "é",
    "e\u0301",
]
PARTS = st.sampled_from([word.upper() for word in WORDS] + WORDS) | st.text("AÉŒßİΣςŉﬁ²Ⅷ1°\u0301", max_size=4)
NAMES = st.lists(st.tuples(PARTS, st.sampled_from([" ", "-", " - ", "", "'", '"', "(", ". "])), max_size=6)


@given(NAMES.map(lambda parts: "".join(word + gap for word, gap in parts)))
@example("ÉCOLE DU SACRÉ-CŒUR")
def test_folding_both_gives_the_same(name):
    assert fold(display_name(name)) == fold(name)
