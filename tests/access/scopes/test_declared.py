"""Every table is declared, and no path of foreign keys is forgotten."""

import pytest

from outreach.access.scopes._policy import KEYS, TABLES, ByValue, Hidden, Public, Scoped
from outreach.core.db import Base
from outreach.operations.retention import _erasure as erasure  # noqa: F401

TABLE_OF = {"sight_authorities": "authorities", "sight_schools": "schools", "sight_federations": "federations"}


def test_every_table_is_declared_and_what_is_no_table_is_hidden():
    missing = set(Base.metadata.tables) - set(TABLES)
    assert missing == set(), "declare in outreach/access/scopes/_policy.py what a scope sees of it"
    assert {type(TABLES[name]) for name in set(TABLES) - set(Base.metadata.tables)} <= {Hidden}


@pytest.mark.parametrize("name", [name for name in TABLES if name in Base.metadata.tables])
def test_a_declaration_speaks_of_every_foreign_key_and_of_columns_that_exist(name):
    table, seen = Base.metadata.tables[name], TABLES[name]
    assert set(getattr(seen, "masked", ())) <= set(table.c.keys())
    keys = {key.parent.name: key.column.table.name for key in table.foreign_keys}
    if isinstance(seen, Scoped):
        assert set(seen.paths) | set(seen.beside) <= {*table.c.keys()}
        assert set(keys) <= {*seen.paths, *seen.beside}, "a path is forgotten"
        for column, parent in seen.paths.items():
            if column in keys:
                assert TABLE_OF.get(parent, parent) == keys[column]
        for column in seen.beside:
            is_free = column in keys and isinstance(TABLES[keys[column]], Public)
            assert is_free or (column in BESIDE or (name, column) in OF_PROPOSALS | OF_ENTRIES | OF_MAILS), (
                f"{name}.{column} leads to what is in scope"
            )
    elif isinstance(seen, Public):
        assert all(isinstance(TABLES[parent], Public) or (name, column) in EXCUSED for column, parent in keys.items())
    else:
        assert isinstance(seen, Hidden | ByValue)


# Foreign keys beside the path: batches and trackers are hidden, a mailing's and a reminder's rows are about no
# authority, the sites of a school are those that it uses, a note that was corrected may not have been published.
BESIDE = {"call_id", "batch_id", "tracker_id", "mailing_id", "added_reminder_id", "site_id", "corrects_id"}
# A proposal is about a member, whose mailbox and school its author saw; one from a letter is not seen.
OF_PROPOSALS = {("proposals", column) for column in ("contact_id", "school_id", "message_id")}
# Whoever entered a campaign counts, also where the wave through which it did wrote to nobody in scope.
OF_ENTRIES = {("campaign_authorities", "wave_id"), ("campaign_schools", "wave_id")}
# A mail that was attached by its sender names no letter: the condition speaks of one that is named.
OF_MAILS = {("received_mails", "message_id")}
EXCUSED = {("note_publications", "note_id"), ("authority_lists", "id")}


def test_a_view_reads_only_those_before_it():
    order = [*KEYS, *TABLES]
    for name, seen in TABLES.items():
        where = getattr(seen, "where", "")
        read = {other for other in order if f"{{v}}{other}" in f"{where} ".replace(")", " ").replace(",", " ") + " "}
        read |= set(getattr(seen, "paths", {}).values())
        exact = {
            other
            for other in read
            if other in getattr(seen, "paths", {}).values() or f"{{v}}{other} " in f"{where} ".replace(")", " ")
        }
        assert all(order.index(other) < order.index(name) for other in exact), name
