"""The register of processing activities says what is kept, read and sent, of this installation."""

import json
from dataclasses import replace

from outreach.core import site
from outreach.core.settings import FactorPolicy
from outreach.core.site import StatementKind
from outreach.core.text.roles import RoleName
from outreach.operations import retention
from outreach.operations.retention import describe_processing, write_register
from tests.commands import invoke
from tests.conftest import NOW
from tests.factories import APPROVER


def cells(text, title):
    """The rows of the table under a title, cell by cell."""
    body = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines() if line[:1] == "|"][
        2:
    ]


def test_all_that_is_kept_stands_in_it_with_its_reason_its_ground_and_its_period(sample_database, settings):
    with sample_database.reading() as session:
        found = describe_processing(session, settings)
    rows = cells(write_register(found), "Ce qui est gardé, pourquoi et combien de temps")
    assert len(rows) == len(retention.RULES) + len(retention.KEPT)
    assert all(len(row) == 4 and all(row) for row in rows)
    assert {rule.what for rule in retention.RULES} <= {one.what for one in found.activities}


def test_roles_are_counted_by_their_open_accounts(sample_database, settings):
    with sample_database.reading() as session:
        found = describe_processing(session, settings)
    assert [access.role for access in found.accesses] == [role.label for role in RoleName]
    assert [access.accounts >= 1 for access in found.accesses] == [role is not RoleName.NETWORK for role in RoleName]


def test_where_data_goes_is_what_the_settings_name_without_their_passwords(sample_database, settings):
    changes = {"smtp_url": "smtp://moi:secret-du-relais@relais.be:587", "oidc_issuer": "https://qui.be/x"}
    changes["replies_url"] = "imaps://moi:secret-du-relais@lettres.be/INBOX"
    with sample_database.reading() as session:
        found = describe_processing(session, settings.model_copy(update=changes))
    text = write_register(found)
    hosts = {row[0]: row[1] for row in cells(text, "À qui des données sont transmises")}
    assert (hosts["Serveur d’envoi"], hosts["Service d’identité du personnel"]) == ("relais.be", "qui.be")
    assert "Boîte des retours" not in hosts
    assert hosts["Boîte des réponses"] == "lettres.be"
    assert "secret-du-relais" not in text


def test_who_answers_for_it_is_what_the_public_page_says_and_cannot_end_a_cell(sample_database, settings):
    with sample_database.reading() as session:
        before = write_register(replace(describe_processing(session, settings), stated={}))
    assert before.count("À remplir") == len(site.FIELDS[StatementKind.DATA_PROTECTION])
    words = {"controller": "Le ministère\nplace | 1", "officer": "Anne", "contact": "Ici", "processors": "Aucun"}
    with sample_database.writing() as session:
        site.write_statement(session, StatementKind.DATA_PROTECTION, words, NOW.date(), now=NOW, actor=APPROVER)
    with sample_database.reading() as session:
        text = write_register(describe_processing(session, settings))
    assert "| Le ministère place \\| 1 |" in text
    assert "À remplir" not in text


def test_security_is_stated_as_it_is_set(sample_database, settings, tmp_path):
    with sample_database.reading() as session:
        weak = write_register(
            describe_processing(session, settings.model_copy(update={"second_factor": FactorPolicy.OFF}))
        )
        strong = {"second_factor": FactorPolicy.REQUIRED, "backups": tmp_path}
        safe = write_register(describe_processing(session, settings.model_copy(update=strong)))
    assert ("aucun second facteur" in weak, "aucun dossier n’est réglé" in weak) == (True, True)
    assert ("exigé de toute personne qui valide" in safe, "aucun dossier" in safe) == (True, False)


def test_the_command_prints_both_documents_or_their_facts(sample_database, settings):
    def run(*words):
        answer = invoke(sample_database, settings, "privacy", *words)
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert {"# Registre des activités de traitement", "# Points d’une analyse d’impact"} <= set(run().splitlines())
    assert len(json.loads(run("--json"))["activities"]) == len(retention.RULES) + len(retention.KEPT)
