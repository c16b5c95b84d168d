"""The one offer about letters sent before: its choices are the stored criteria, which keep their bytes."""

import pytest

from outreach.campaigns import segments
from outreach.campaigns.segments import from_json, to_json
from outreach.core.text.errors import InputError

STORED = (
    '{"received":{"mailings":[1,2]}}',
    '{"received":{"strand":1}}',
    '{"reached":{"mailings":[3],"reach":"unproved"}}',
    '{"reacted":{"mailings":[1],"reaction":"none","with_later":true}}',
    '{"reacted":{"strand":2,"reaction":"answered","answers":["help","joined"]}}',
)
KNOWN = {"mailings": [("1", "Volet 1, première vague")], "strand": [("1", "Volet 1")]}


@pytest.mark.parametrize("stored", STORED)
def test_a_stored_criterion_is_shown_in_the_one_offer_and_keeps_its_bytes(stored):
    criterion = from_json(stored)
    word, values = segments.values_of(criterion)
    assert word == segments.LETTERS
    assert to_json(segments.make_leaf(word, values)) == to_json(criterion)


@pytest.mark.parametrize("stored", STORED)
def test_a_form_that_states_an_old_word_is_read_as_before(stored):
    criterion = from_json(stored)
    plain = criterion.model_dump(mode="json", exclude_none=True)
    given = {
        name: [str(one) for one in (value if isinstance(value, list) else [value])] for name, value in plain.items()
    }
    given = {name: [one for one in values if one != "False"] for name, values in given.items()}
    word, values = segments.offered_as(criterion.word, given)
    assert to_json(segments.make_leaf(word, values)) == to_json(criterion)


def test_there_is_one_offer_and_each_of_its_choices_is_found_in_words():
    offered = segments.list_offers(KNOWN)
    assert segments.LETTERS in offered
    assert set(offered).isdisjoint(segments.OF_LETTERS)
    labels = {found.label: (found.part, found.value) for found in segments.find_offers(offered, "ni répondu")}
    assert labels["Réponses et vagues : N’a ni répondu ni adhéré"] == ("what", "reacted.none")
    assert not segments.list_offers({})[segments.LETTERS].is_possible, "nothing was sent yet"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"what": ["received"], "mailings": ["1"], "answers": ["help"]}, "les réponses vont avec"),
        ({"what": ["received"], "mailings": ["1"], "strand": ["1"]}, "pas les deux"),
        ({"what": ["reacted.none"]}, "choisissez des vagues, ou un volet"),
        ({"what": ["nosuch"], "mailings": ["1"]}, "Complétez la condition"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(values, said):
    with pytest.raises(InputError, match=said):
        segments.make_leaf(segments.LETTERS, values)
