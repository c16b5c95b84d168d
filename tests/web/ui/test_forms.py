"""Forms say a day in French words, whatever the browser's language."""

import pytest

from outreach.web.ui.templates import in_words
from tests.pages import elements, text_of


def test_a_day_in_a_form_is_said_in_french_words_and_read_with_its_field(author):
    page = author.get("/?as_of=2021-05-15")
    (words,) = elements(page, "p[@id='as_of-spelt']")
    assert text_of(words) == "samedi 15 mai 2021"
    (field,) = elements(page, "input[@id='as_of']")
    assert "as_of-spelt" in field.get("aria-describedby").split()


@pytest.mark.parametrize(
    ("typed", "said"),
    [("2027-05-13", "jeudi 13 mai 2027"), ("2027-02-30", ""), ("13/05/2027", ""), ("", ""), (None, "")],
)
def test_what_a_browser_does_not_send_as_a_day_is_said_by_nothing(typed, said):
    assert in_words(typed).replace("\xa0", " ") == said
