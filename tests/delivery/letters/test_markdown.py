"""How long the Markdown of letters takes to read."""

import time

import pytest

from outreach.delivery import letters
from outreach.delivery.letters._language import LONGEST_SOURCE, MOST_STEPS

ESCAPED = "\\a" * (LONGEST_SOURCE // 2 - 4000)


@pytest.mark.parametrize(
    "source",
    ["[" * 2001, "[" * 1_000_000, "[" * 500 + ESCAPED, "a" * (LONGEST_SOURCE + 1)],
    ids=["brackets", "a form full of brackets", "escapes", "too long"],
)
def test_no_link_is_looked_for_in_what_takes_too_long_to_read(source):
    begun = time.process_time()
    assert letters.list_links(source) == []
    assert time.process_time() - begun < 0.3


def test_links_are_found_however_many_paragraphs_have_one():
    assert len(letters.list_links("[a](https://b.example)\r\n\r\n" * 2000)) == 2000


@pytest.mark.deep
def test_the_most_brackets_that_a_letter_may_have_are_soon_read():
    begun = time.process_time()
    letters.list_links("[" * (MOST_STEPS // len(ESCAPED) - 1) + ESCAPED)
    assert time.process_time() - begun < 3
