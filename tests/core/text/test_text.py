"""`line_of_words`, which reads names and titles (the N family of bad input)."""

import pytest

from outreach.core.text.errors import InputError
from outreach.core.text.typed import line_of_words

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Dupont, Jean « le » ", "Dupont, Jean « le »"),
        ("Marie\u00a0Dupont", "Marie\u00a0Dupont"),
        ("Volet 1\u2028suite\u0085fin", "Volet 1 suite fin"),
        (f"Direction {FAMILY} \u2764\ufe0f", f"Direction {FAMILY} \u2764\ufe0f"),
        ("e\u0301cole de Hue\u0302\u0301", "e\u0301cole de Hue\u0302\u0301"),
        ("null", "null"),
        ("", ""),
    ],
)
def test_what_people_write_is_kept(typed, kept):
    assert line_of_words(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["Jean\r\nBcc: x@y.be", "a\nb", "a\x00b", "a\x1fb", "\u202eegnahC", "a\u2066b", "a\ud800b", "a\ue000b", "a\tb"],
)
def test_what_would_end_a_header_or_turn_a_line_around_is_refused(typed):
    with pytest.raises(InputError, match="caractère interdit"):
        line_of_words(typed)


@pytest.mark.parametrize("signs", ["\u0301" * 5, "\u0301" * 500, "\u0301\u0488\u0322\u0323\u0324"])
def test_a_letter_overloaded_with_signs_is_refused(signs):
    with pytest.raises(InputError, match="trop de signes"):
        line_of_words(f"Jean{signs} Dupont")
