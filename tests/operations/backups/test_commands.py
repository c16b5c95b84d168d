"""`./run backup` and `./run restore`: what they print, and with which status they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.core import audit
from outreach.core.db import Database
from outreach.core.erasure import _digests as digests
from outreach.core.settings import read
from outreach.core.text import french
from outreach.delivery import outbox, workers
from outreach.delivery.models import SuppressionReason
from outreach.operations import retention
from tests.conftest import NOW
from tests.operations.backups import beside, programs_of_the_server

pytestmark = pytest.mark.postgresql
assert programs_of_the_server
MARKED, ERASING = "zoe.marquee@ecole.example", {"erasure_key": "a key that was drawn at random, 61f0"}


@pytest.fixture
def run(programmed, fresh_url, tmp_path):
    """Run a command in this process; returns its status and the object it printed, or its text."""

    def run(*words, **settings):
        operation = Operation()
        named = {"OUTREACH_DATA": str(tmp_path / "data"), "OUTREACH_DATABASE_URL": fresh_url}
        operation.settings = read({**named, **{f"OUTREACH_{name.upper()}": value for name, value in settings.items()}})
        operation.now, operation.database = NOW, programmed
        programmed.info |= digests.info_of(operation.settings)
        result = CliRunner().invoke(commands, words, obj=operation)
        said = result.stdout + ("" if "--json" in words else str(result.exception or ""))
        return result.exit_code, json.loads(said) if "--json" in words else said.replace("\xa0", " ")

    return run


@pytest.mark.long
def test_a_backup_is_made_restored_checked_and_then_the_settings_are_named(run, fresh_url, tmp_path):
    status, made = run("backup", str(tmp_path), "--json")
    assert (status, set(made)) == (0, {"file", "manifest"})
    with beside(fresh_url, tmp_path) as new:
        status, told = run("restore", made["file"], "--database-url", new, "--json")
        assert (status, told["ok"], told["faults"], told["settings"]) == (0, True, [], {"OUTREACH_DATABASE_URL": new})
        assert (told["tables"] > 90, told["rows"] > 0, bool(told["revision"])) == (True, True, True)
        status, told = run("restore", made["file"], "--database-url", new, "--json")
        assert (status, set(told)) == (1, {"error"})


@pytest.mark.long
def test_a_database_restored_from_before_an_erasure_forgets_the_person_again(run, programmed, fresh_url, tmp_path):
    with programmed.writing() as session:
        audit.record_entry(session, NOW, "ada@fwb.example", f"Adresse {MARKED} ajoutée.", "authority:1")
        outbox.suppress_address(session, MARKED, SuppressionReason.STAFF, now=NOW, actor="ada@fwb.example")
    _, made = run("backup", str(tmp_path), "--json", **ERASING)
    assert run("person", "erase", MARKED, **ERASING)[0] == 1  # nobody confirmed
    status, told = run("person", "erase", MARKED, "--yes", "--json", **ERASING)
    assert (status, told["rows"] >= 2, told["keeps_address"]) == (0, True, False)
    with beside(fresh_url, tmp_path) as new:
        status, told = run("restore", made["file"], "--database-url", new, "--json", **ERASING)
        assert (status, told["ok"], told["erased_again"]) == (0, True, 1)
        restored = Database(new)
        with restored.reading() as session:
            assert retention.known_of(session, MARKED) == {}
            assert audit.verify_seals(session).fault == ""
        restored.dispose()
    status, told = run("person", "replay", "--json", **ERASING)
    assert (status, told) == (0, {"erased": 0})


@pytest.mark.long
def test_erasures_lie_beside_the_backup_and_come_back_with_it_to_a_machine_with_a_new_data_folder(
    run, programmed, fresh_url, tmp_path
):
    old, new_one = tmp_path / "data", tmp_path / "new-data"
    new_one.mkdir()
    kept = tmp_path / "kept"
    kept.mkdir()
    with programmed.writing() as session:
        outbox.suppress_address(session, MARKED, SuppressionReason.STAFF, now=NOW, actor="ada@fwb.example")
    _, made = run("backup", str(kept), "--json", **ERASING)
    assert not (kept / digests.FILE).exists()
    run("person", "erase", MARKED, "--yes", "--json", **ERASING)
    again = kept / "again"
    again.mkdir()
    run("backup", str(again), "--json", **ERASING)
    assert (again / digests.FILE).read_bytes() == (old / digests.FILE).read_bytes()
    (again / digests.FILE).rename(kept / digests.FILE)
    with beside(fresh_url, tmp_path) as new:
        _, told = run("restore", made["file"], "--database-url", new, "--json", data=str(new_one), **ERASING)
        assert (told["faults"], told["erased_again"]) == ([], 1)
        restored = Database(new)
        with restored.reading() as session:
            assert retention.known_of(session, MARKED) == {}
        restored.dispose()
    assert {line.digest for line in digests.read_erasures(new_one)} == {
        line.digest for line in digests.read_erasures(old)
    }


def test_a_machine_that_knows_no_erasure_says_so_of_a_backup_from_elsewhere(run, fresh_url, tmp_path):
    kept, new_one = tmp_path / "kept", tmp_path / "new-data"
    for folder in (kept, new_one, tmp_path / "data"):
        folder.mkdir(exist_ok=True)
    workers.read(tmp_path / "data")
    _, made = run("backup", str(kept), "--json", **ERASING)
    with beside(fresh_url, tmp_path) as new:
        _, said = run("restore", made["file"], "--database-url", new, data=str(new_one), **ERASING)
        assert "Aucun effacement n’est connu ici" in said


@pytest.mark.long
def test_the_words_say_what_to_do_next(run, fresh_url, tmp_path):
    status, said = run("backup", backups=str(tmp_path))
    assert (status, "Manifeste : " in said) == (0, True)
    (file,) = tmp_path.glob(f"outreach-*.{'dump' if 'postgresql' in fresh_url else 'sqlite3'}")
    with beside(fresh_url, tmp_path) as new:
        status, said = run("restore", str(file), "--database-url", new)
        assert (status, f"OUTREACH_DATABASE_URL={new}" in said, "./run instance confirm" in said) == (0, True, True)


def test_a_manifest_given_for_its_backup_leads_to_the_backup(run, fresh_url, tmp_path):
    _, made = run("backup", str(tmp_path), "--json")
    with beside(fresh_url, tmp_path) as new:
        status, said = run("restore", made["manifest"], "--database-url", new)
    assert (status, f"indiquez {Path(made['file']).name}" in said) == (1, True)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_folders_that_a_restored_file_lacks_are_made_for_the_service_alone(run, tmp_path):
    _, made = run("backup", str(tmp_path), "--json")
    new = tmp_path / "one" / "two" / "new.sqlite3"
    assert run("restore", made["file"], "--database-url", f"sqlite:///{new}", "--json")[0] == 0
    assert [oct(path.stat().st_mode)[-3:] for path in (new.parent.parent, new.parent, new)] == ["700", "700", "600"]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_an_empty_word_is_no_folder_for_backups(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run("backup", "")[0] == 2
    status, told = run("backup", __file__)[:2]
    assert (status, "n’est pas un dossier" in str(told)) == (1, True), "not: make it"
    assert not list(tmp_path.glob("outreach-*"))


@pytest.mark.long
def test_a_lost_key_is_named_with_what_it_costs(run, fresh_url, tmp_path):
    _, made = run("backup", str(tmp_path), "--json", token_keys="a" * 40, secret_key="b" * 40)
    with beside(fresh_url, tmp_path) as new:
        other = {"token_keys": "c" * 40, "secret_key": "d" * 40}
        status, told = run("restore", made["file"], "--database-url", new, "--json", **other)
    assert (status, told["ok"], told["faults"]) == (1, False, [])
    assert list(told["settings"]) == ["OUTREACH_DATABASE_URL", "OUTREACH_TOKEN_KEYS", "OUTREACH_SECRET_KEY"]
    assert "les liens des courriels partis ne marchent plus" in told["settings"]["OUTREACH_TOKEN_KEYS"]


def test_without_a_folder_a_backup_says_which_setting_names_it(run):
    status, told = run("backup", "--json")
    assert (status, told["error"]) == (
        1,
        french.typeset("Nommez le dossier des sauvegardes, ou le réglage OUTREACH_BACKUPS."),
    )


def test_a_damaged_backup_makes_no_database(run, fresh_url, tmp_path):
    _, made = run("backup", str(tmp_path), "--json")
    with Path(made["file"]).open("r+b") as file:
        file.seek(5000)
        file.write(b"damaged")
    with beside(fresh_url, tmp_path) as new:
        status, told = run("restore", made["file"], "--database-url", new, "--json")
        assert (status, "n’a plus le code de contrôle" in told["error"]) == (1, True)
        assert not (tmp_path / "restored.sqlite3").exists()
