"""All that is known of an address: rows that name it and what belongs to them, in every table, and nobody else's."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import select

from outreach.core import audit
from outreach.core.text.errors import InputError
from outreach.delivery import outbox
from outreach.delivery.models import Message, SuppressionReason
from outreach.engagement.replies import Response
from outreach.operations import retention
from tests.conftest import NOW

ENTRIES = ("operations.retention", "cli.retention", "cli.running.backups")


def known(database, address):
    with database.reading() as session:
        return retention.known_of(session, address)


@pytest.mark.long
def test_what_is_known_of_a_mailbox_is_found_in_every_table_and_nothing_of_another(three_answered):
    with three_answered.writing() as session:
        address = session.scalars(select(Message.address).order_by(Message.id)).first()
        audit.record_entry(session, NOW, "x@fwb.example", f"Adresse {address} ajoutée.", "a:1")
        audit.record_entry(session, NOW, "x@fwb.example", f"Adresse x{address} ajoutée.", "a:1")
        outbox.suppress_address(session, address, SuppressionReason.STAFF, now=NOW, actor="x@fwb.example")
        theirs = session.scalars(select(Response.id).join(Message).where(Message.address == address)).all()
        others = session.scalars(select(Message.address).where(Message.address != address)).all()
    found = known(three_answered, address.upper())
    assert {"audit_entries", "compositions", "contacts", "messages", "respondents", "responses"} <= set(found)
    assert [row["id"] for row in found["responses"]] == theirs
    assert found["respondents"][0]["name"] == "Ondine Vif"
    assert [row["sentence"] for row in found["audit_entries"] if row["subject"] == "a:1"] == [
        f"Adresse {address} ajoutée."
    ]
    assert "Exclusion 1 ajoutée (décision du service)." in [row["sentence"] for row in found["audit_entries"]]
    written = json.dumps(found)
    assert not [other for other in others if other in written]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_rows_come_in_the_order_of_their_keys_and_not_in_the_database_s_own(three_answered):
    with three_answered.writing() as session:
        address = session.scalars(select(Message.address).order_by(Message.id)).first()
        for number in range(3):
            audit.record_entry(session, NOW, "x@fwb.example", f"Adresse {address} ajoutée.", f"a:{number}")
    with three_answered.reading() as session:
        session.connection().exec_driver_sql("PRAGMA reverse_unordered_selects = ON")
        found = retention.known_of(session, address)
        session.connection().exec_driver_sql("PRAGMA reverse_unordered_selects = OFF")
    numbers = {name: [row["id"] for row in rows] for name, rows in found.items() if "id" in rows[0]}
    assert len(numbers["audit_entries"]) >= 3
    assert numbers == {name: sorted(theirs) for name, theirs in numbers.items()}


@pytest.mark.long
def test_a_colleague_s_account_is_told_without_what_opens_it(three_answered):
    found = known(three_answered, "nadia.lambert@fwb.example")
    (account,) = found["users"]
    assert (account["name"], "password" in account, "fs_uniquifier" in account) == ("Nadia Lambert", False, False)
    assert {"role_holders", "decisions", "campaigns"} <= set(found)


@pytest.mark.long
def test_of_an_unknown_address_nothing_is_known_and_what_is_none_is_refused(three_answered):
    assert known(three_answered, "personne@ecole.example") == {}
    with pytest.raises(InputError):
        known(three_answered, "personne")


@pytest.mark.long
def test_every_table_is_walked_in_a_process_that_loads_only_what_it_needs():
    """A command loads no pages: a table that nobody had imported kept the person, and no export named it."""
    all_of_them, *walked = map(_tables, ("web.app", *ENTRIES))
    for entry, tables in zip(ENTRIES, walked, strict=True):
        assert tables >= all_of_them - {"applied_revisions"}, entry  # which name nobody


def _tables(entry):
    asked = f"import outreach.{entry}; from outreach.core.db import Base; print(*Base.metadata.tables)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    return set(said.split())
