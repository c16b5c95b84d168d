"""What the operator's commands leave in the audit, and whether it is intact."""

import json

from sqlalchemy import select, update

from outreach.core.audit import AuditEntry
from outreach.core.db import Way, system_user
from outreach.web.app import create_app
from tests.audit.test_seals import note, seal
from tests.campaigns.conftest import AUTHOR, people, strand
from tests.journeys.test_operator import run
from tests.tampering import unguard

__all__ = ["people", "run", "strand"]


def test_whatever_a_command_records_says_so_and_who_ran_it(database, people, strand, run):
    done = run("campaign", "new", "invitation-volet-1", "--as", AUTHOR)
    assert done.returncode == 0, done.stderr
    with database.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (last.actor, last.way, last.run_by) == (AUTHOR, Way.COMMAND, system_user())


def test_the_application_opens_every_session_by_the_way_of_pages(database, settings):
    lent = create_app(settings, database).extensions["outreach.database"]
    with lent.writing() as written:
        assert written.info["way"] is Way.PAGE
    assert database.way is Way.COMMAND, "who lent it goes on by their own way"


def test_both_checks_name_the_first_entry_that_was_changed(database, run):
    keys = note(database, "Un.", "Deux.")
    seal(database)
    head = json.loads(run("audit", "verify", "--json").stdout)["head"]
    assert run("audit", "verify", "--head", head).returncode == 0
    text = " ".join(run("verify").stdout.split())
    assert "Le journal est intact : 2 entrées, 1 sceau ;" in text
    with database.writing() as session:
        unguard(session, "audit_entries")
        session.execute(update(AuditEntry).where(AuditEntry.id == keys[1]).values(actor="personne"))
    for command in (("audit", "verify"), ("verify",)):
        done = run(*command)
        assert done.returncode == 1
        assert f"L’entrée {keys[1]} ne correspond plus à son sceau" in done.stdout
    assert json.loads(run("audit", "verify", "--json").stdout)["entry"] == keys[1]
