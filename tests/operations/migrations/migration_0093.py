"""Keys of addresses whose domain has “ß” keep it, and exclusions stop whom they stopped; others stay as they are."""

from tests.operations.migrations.told import AT, BY, add, copy, values

ADDRESSES = {
    9301: ("a@straße.example", "a@strasse.example", "a@straße.example"),
    9302: ("B@strasse.example", "b@strasse.example", "b@strasse.example"),
    9303: ("groß@ecole.example", "gross@ecole.example", "gross@ecole.example"),
}
EXCLUDED = {"detail": "x93", "reason": "staff", "scope": "all", "created_at": AT, "created_by": BY}
KEYS = "SELECT address_key FROM contacts WHERE id BETWEEN 9301 AND 9303 ORDER BY id"
NUMBERED = "SELECT address_key FROM suppressions WHERE detail = 'x93' ORDER BY id"


def before_upgrade(connection):
    (first,) = values(connection, "SELECT min(id) FROM contacts")
    for number, (address, key, _) in ADDRESSES.items():
        held = {"address": address, "address_key": key, "retired_at": AT, "retired_by": BY}
        copy(connection, "contacts", first, id=number, **held)
        add(connection, "suppressions", id=number, address_key=key, **EXCLUDED)


def after_upgrade(connection, _before):
    keys = [key for *_, key in ADDRESSES.values()]
    assert values(connection, KEYS) == keys
    assert values(connection, NUMBERED) == keys, "an exclusion keeps its number, which the audit names"


def before_downgrade(connection):
    """Of two exclusions that one was copied into, as two domains had its key, one is left."""
    add(connection, "suppressions", id=9304, address_key="b@straße.example", **EXCLUDED)


def after_downgrade(connection, _before):
    keys = [key for _, key, _ in ADDRESSES.values()]
    assert values(connection, KEYS) == keys
    assert values(connection, NUMBERED) == keys
