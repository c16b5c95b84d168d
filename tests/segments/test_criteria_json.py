"""What is no criterion is refused, with its name."""

import json

import pytest

from outreach.errors import InputError
from outreach.segments.criteria_json import from_json


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
