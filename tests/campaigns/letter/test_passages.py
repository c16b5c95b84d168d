"""A letter's source as the editor shows it: apart what depends on the number of schools, and nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.campaigns.letter import FIELDS, GROUPS, add_variant, split_passages
from outreach.campaigns.letter._passages import ONE, SEVERAL

LINES = ["", "texte", f"(% if {ONE} %)", f"(% if {SEVERAL} %)", "(% if rappel %)", "(% else %)", "(% endif %)"]


def joined(source):
    return "\n".join(value for passage in split_passages(source) for value in passage.values)


@given(st.lists(st.sampled_from([*LINES, f"a (% if {ONE} %)b(% endif %)", "(% elif rappel %)"]), max_size=14))
def test_the_passages_of_any_source_are_that_source_again(lines):
    source = "\n".join(lines)
    assert joined(source) == source
    values = [value for passage in split_passages(source) for value in passage.values]
    assert [values[passage.last] for passage in split_passages(source)] == [
        one.values[-1] for one in split_passages(source)
    ]


def test_a_choice_between_one_and_several_schools_is_told_apart():
    source = f"Bonjour\n(% if {SEVERAL} %)\n\nVos écoles\n(% else %)\nVotre école\n(% endif %)\nFin"
    first, choice, last = split_passages(source)
    assert (first.texts, last.texts) == (("Bonjour",), ("Fin",))
    assert (choice.texts, choice.schools) == (("\nVos écoles", "Votre école"), (SEVERAL, ONE))


@pytest.mark.parametrize(
    "source",
    [
        "(% if rappel %)\nx\n(% else %)\ny\n(% endif %)",
        f"(% if {ONE} and rappel %)\nx\n(% else %)\ny\n(% endif %)",
        f"(% if {ONE} %)\nx\n(% elif rappel %)\ny\n(% endif %)",
        f"(% if {ONE} %)école(% else %)écoles(% endif %)",
        f"(% if rappel %)\n(% if {ONE} %)\nx\n(% endif %)\n(% endif %)",
    ],
)
def test_any_other_condition_stays_in_the_text(source):
    assert [passage.texts for passage in split_passages(source)] == [(source,)]


def test_a_condition_within_one_of_the_two_texts_stays_there():
    inside = "(% if rappel %)\nEncore\n(% else %)\nBonjour\n(% endif %)"
    (choice,) = split_passages(f"(% if {ONE} %)\n{inside}\n(% else %)\ny\n(% endif %)")
    assert choice.texts == (inside, "y")


def test_a_passage_is_added_after_the_text_it_was_asked_for():
    first, choice, last = split_passages(add_variant(["Avant", "Après"], 0))
    assert (first.texts, choice.texts, last.texts) == (("Avant",), ("", ""), ("Après",))
    assert split_passages(add_variant(["Avant"], 99))[0].texts == ("Avant",)


def test_each_field_is_in_one_group():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(FIELDS)
