"""Cells are mended as they are probably meant; one that is right stays as it is, and mending twice is mending once."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.core.text import addresses


@pytest.mark.parametrize(
    "cell", ["9312", "PO 9312", "po n° 9312", "FASE : 9312", "9312.0", "9312,00", "n°9312", "École 9312"]
)
def test_a_fase_number_is_read_as_people_write_it(cell):
    assert addresses.fase(cell) == "9312"


KNOWN = {101, 301, 9312, 9313}


@pytest.mark.parametrize(
    "cell",
    [
        *("9312", "Bertrix (9312)", "9312 – Bertrix", "Bertrix - 9312", "PO n° 9312 (Bertrix)", "9312/Bertrix"),
        *("Commune de Bertrix, FASE 9312", "9312 Bertrix", "Bertrix (6880) : 9312.0", "009312", "9 312", "9.312"),
    ],
)
def test_the_only_known_number_of_a_cell_is_the_one_it_names(cell):
    assert addresses.known_fase(cell, KNOWN).lstrip("0") == "9312"


@pytest.mark.parametrize(
    "cell", ["Bertrix", "9312 et 9313", "9 301", "9312.5", "9312@ecole.be", "x9312", "02 555 93 12"]
)
def test_a_cell_with_no_known_number_or_several_names_none(cell):
    assert addresses.known_fase(cell, KNOWN) == cell


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        *(("Bertrix (9312)", "Bertrix"), ("PO n° 9312 – Ville de Namur", "Ville de Namur"), ("FASE : 9312", "")),
        *(("Saint-Jean (n° 9312)", "Saint-Jean"), ("9312", "")),
    ],
)
def test_what_stands_beside_a_number_is_a_name(cell, words):
    assert addresses.words_beside(cell) == words


@pytest.mark.parametrize("cell", ["", "abc", "9312.5", "9312 9313", "PO", "93-12", "1" * 12])
def test_what_is_no_fase_number_stays(cell):
    assert addresses.fase(cell) == cell


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("mailto:a@ecole.be", "a@ecole.be"),
        ("MAILTO: a@ecole.be?subject=x%20y", "a@ecole.be"),
        ("<a@ecole.be>", "a@ecole.be"),
        ("a@ecole.be.", "a@ecole.be"),
        ("a @ ecole.be", "a@ecole.be"),
        ("a@ecole.be;", "a@ecole.be"),
        ("a@ecole.be; c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be,c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be et c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be / c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be a@ecole.be", "a@ecole.be"),
        ("Anne <a@ecole.be>; <c@ecole.be>", "Anne <a@ecole.be> et c@ecole.be"),
        ("Anne Dupont <mailto:a@ecole.be>", "Anne Dupont <a@ecole.be>"),
        ("a@ecole.be (direction) / c@ecole.be (secrétariat)", "a@ecole.be et c@ecole.be"),
        ("dir. : a@ecole.be sec. : c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("Secrétariat général : a@ecole.be", "a@ecole.be"),
        ("a@ecole.be | c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be - c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("a@ecole.be et/ou c@ecole.be", "a@ecole.be et c@ecole.be"),
        ("« a@ecole.be »", "a@ecole.be"),
        ("a@ecole.be?subject=x", "a@ecole.be"),
        ("Tél. 02 555 12 34 - a@ecole.be", "a@ecole.be"),
        ("a@ecole.be, GSM : 0475/12.34.56", "a@ecole.be"),
        ("Anne Dupont - a@ecole.be", "Anne Dupont <a@ecole.be>"),
        ("a@ecole.be, Anne Dupont", "Anne Dupont <a@ecole.be>"),
    ],
)
def test_addresses_are_read_as_people_write_them(cell, meant):
    assert addresses.addresses(cell) == meant


@pytest.mark.parametrize(
    "cell",
    [
        *("", "abc", "a@ecole.be", "a/b@ecole.be", "a?b=c@ecole.be", "a@b@c.be", "rue Haute 1, 1000"),
        *("a@ecole.be (ancienne)", "plus utilisée : a@ecole.be", "ancienne adresse - a@ecole.be"),
    ],
)
def test_what_is_right_or_cannot_be_mended_stays(cell):
    assert addresses.addresses(cell) == cell


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("02 555 12 34", "02 555 12 34"),
        ("25551234.0", "25551234"),
        ("'+32 2 555 12 34", "+32 2 555 12 34"),
        ("à demander", ""),
    ],
)
def test_what_is_no_phone_number_is_left_aside(cell, meant):
    assert addresses.phone(cell) == meant


PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "Anne",
            "é",
            ".",
            "@",
            "<",
            ">",
            " ",
            ";",
            ",",
            "/",
            "?",
            "mailto:",
            "et",
            "ou",
            "ecole.be",
            "PO",
            "n°",
            "93",
            ".0",
            "'",
            "+",
            "(",
            ")",
            ":",
        ]
    ),
    max_size=12,
).map("".join)


@given(PIECES | st.text(max_size=30))
@example("<a@b.be.>. ")
@example("mailto:mailto:a@b.be?x?y")
@example("a@b.be et <c@d.be>; mailto:e@f.be")
@example("a: b: c@d.be (e) (f)")
def test_mending_twice_is_mending_once(cell):
    tidied = " ".join(cell.split())
    for mend in (addresses.fase, addresses.addresses, addresses.phone):
        once = mend(tidied)
        assert mend(once) == once, mend


LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.", min_size=1, max_size=20)


@given(LOCAL | PIECES, st.sampled_from(["ecole.be", "éc.be", "a-b.brussels"]))
@example("mailto", "ecole.be")
@example("a/b?subject=c", "ecole.be")
def test_a_valid_address_never_becomes_another(local, domain):
    cell = f"{local}@{domain}"
    try:
        validate_email(cell, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return
    assert addresses.each_address(addresses.addresses(cell)) == [cell]
