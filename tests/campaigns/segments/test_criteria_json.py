"""What is no criterion is refused, with its name."""

import json

import pytest

from outreach.campaigns.segments import InZone, from_json, from_plain, from_store, within_limits
from outreach.campaigns.segments._criteria import count_leaves
from outreach.core.text.errors import InputError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"and":' * 2000 + "[]" + "}" * 2000, "8 niveaux"),
        (json.dumps({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"unreachable": {}}}}}}}}}}), "8"),
        ("[" * 100_000, "trop longs"),
        ('{"and":[],"or":[]}', "un seul nom"),
        ('{"and":[],"and":[]}', "deux fois"),
        ('{"not_written_since":{"days":NaN}}', "nombre"),
        ('{"not_written_since":{"days":1e999}}', "nombre"),
        ('{"not_written_since":{"days":12345678901234567890123456789}}', "not_written_since.days"),
        ('{"not_written_since":{"days":true}}', "pas permise"),
        ('{"not_written_since":{"days":"7"}}', "pas permise"),
        ('{"password_hash":"x"}', "« password_hash » n’existe pas"),
        ('{"__class__":1}', "n’existe pas"),
        ('{"network":["Inconnu"]}', "network"),
        ('{"network":[]}', "network"),
        ('{"network":"WBE"}', "network"),
        ('{"zone":["Namur\\u0000"]}', "« zone.0 » : cette valeur n’est pas permise"),
        ('{"zone":["\\ud800"]}', "« zone.0 » : cette valeur n’est pas permise"),
        ('{"zone":["' + "x" * 61 + '"]}', "zone.0"),
        (
            '{"school_status":{"strand":1,"statuses":["none"],"sql":"1=1"}}',
            "« school_status.sql » : ce nom n’existe pas",
        ),
        ('{"school_status":{"strand":1}}', "il manque"),
        ('{"or":[]}', "liste"),
        ('{"and":{}}', "liste"),
        ('{"not":[]}', "un seul nom"),
        ("null", "un seul nom"),
        ("{", "JSON"),
        ("", "JSON"),
    ],
)
def test_what_is_no_criterion_is_refused_with_its_name(text, words):
    with pytest.raises(InputError) as refusal:
        from_json(text)
    assert words in str(refusal.value)


@pytest.mark.parametrize("op", ["and", "or"])
def test_a_tree_has_forty_conditions_at_most_however_they_are_nested(op):
    one = {"not": {"school_status": {"strand": 1, "statuses": ["joined"]}}}
    most = {op: [{op: [one] * 20}, {"not": {op: [one] * 20}}]}
    assert count_leaves(from_json(json.dumps(most))) == count_leaves(from_plain(most)) == 40
    for read, stated in ((from_json, json.dumps({"and": [most, one]})), (from_plain, {"and": [most, one]})):
        with pytest.raises(InputError, match=r"41 conditions ; 40 au plus .* Retirez-en"):
            read(stated)


@pytest.mark.parametrize("empty", [{"and": []}, {"or": [{"and": []}]}, {"not": {"and": []}}])
def test_brackets_around_nothing_are_conditions_as_well(empty):
    assert from_json(json.dumps({"and": [{"and": [empty] * 20}] * 2}))
    with pytest.raises(InputError, match="41 conditions"):
        from_json(json.dumps({"and": [{"and": [empty] * 20}] * 2 + [empty]}))


def test_boxes_make_no_criterion_that_could_not_be_read_again():
    with pytest.raises(InputError, match="retirez des choix"):
        within_limits(InZone(tuple(f"{number:060}" for number in range(300))))


def test_a_campaign_that_is_older_than_the_limit_is_still_read():
    assert count_leaves(from_store(json.dumps({"and": [{"unreachable": {}}] * 200}))) == 200
