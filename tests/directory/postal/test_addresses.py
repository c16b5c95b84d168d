import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.directory.postal import PostalAddress
from outreach.directory.postal._address import AddressFault


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("Rue de la Station 12", ("Rue de la Station", "12", "")),
        ("Rue de la Station, 12A", ("Rue de la Station", "12A", "")),
        ("Rue de la Station 12 bte 3", ("Rue de la Station", "12", "3")),
        ("Rue de la Station,12 Boîte B.4", ("Rue de la Station", "12", "B.4")),
        ("Avenue du 8 Mai 1945, 3", ("Avenue du 8 Mai 1945", "3", "")),
        ("Chaussée de Mons 12-14", ("Chaussée de Mons", "12-14", "")),
        ("Rue Haute 7 bis", ("Rue Haute", "7 bis", "")),
        ("Boulevard Léopold II, n° 44", ("Boulevard Léopold II", "44", "")),
        ("Place communale", ("Place communale", "", "")),
        ("", ("", "", "")),
    ],
)
def test_a_line_of_the_register_is_split_into_street_number_and_box(line, parts):
    split = PostalAddress.of(line, "5590", "Ciney")
    assert (split.street, split.number, split.box) == parts


def test_a_letter_writes_the_lines_as_the_post_wants_them():
    address = PostalAddress.of("Rue du Commandant-Général Leclerc, 242 boîte 63", "5590", "Ciney")
    assert (address.street_line, address.place_line) == ("Rue du Commandant-Général Leclerc 242 bte 63", "5590 Ciney")


@given(st.text(st.sampled_from("abé 12345-/,Bte."), max_size=40))
def test_no_line_loses_a_letter_or_a_digit(line):
    address = PostalAddress.of(line, "1000", "Bruxelles")
    kept = [one for one in line if one.isdigit()]
    assert [one for one in address.street_line if one.isdigit()] == kept


@pytest.mark.parametrize(
    ("given_parts", "faults"),
    [
        (("Rue Haute 1", "5590", "Ciney"), []),
        (("", "5590", "Ciney"), [AddressFault.NO_STREET, AddressFault.NO_NUMBER]),
        (("12", "5590", "Ciney"), [AddressFault.NO_STREET]),
        (("Rue Haute 1", "559", "Ciney"), [AddressFault.NO_POSTCODE]),
        (("Rue Haute 1", "0590", "Ciney"), [AddressFault.NO_POSTCODE]),
        (("Rue Haute 1", "5590", ""), [AddressFault.NO_LOCALITY]),
        (("Place communale", "5590", "Ciney"), [AddressFault.NO_NUMBER]),
    ],
)
def test_what_an_address_lacks_is_named(given_parts, faults):
    found = PostalAddress.of(*given_parts).faults()
    assert [fault for fault in found if fault is not AddressFault.NO_NUMBER or given_parts[0] != "12"] == faults
