"""The newest backup is restored aside and checked; what came of it is a row, an alert, a line on the home page."""

import json
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from outreach.delivery import workers
from outreach.operations.backups import (
    Rehearsal,
    RehearsalOutcome,
    record_restore_test,
    restore_test_sentences,
    run_restore_test,
)
from outreach.operations.backups import _making as making
from outreach.operations.backups import _manifest as manifest
from outreach.operations.backups._restore_tests import Rehearsed
from outreach.operations.health import _backups as backups
from outreach.operations.health._check import Watched
from tests.commands import invoke
from tests.conftest import NOW, PLACE
from tests.operations.backups import ORIGIN, programs_of_the_server, well

pytestmark = pytest.mark.postgresql
assert programs_of_the_server
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def aside(url, folder):
    """Whether anything stands where a backup is rehearsed."""
    if url.startswith("sqlite"):
        return sorted(path.name for path in folder.glob(".*"))
    place = make_url(url)
    with closing(psycopg.connect(url)) as server:
        named = "SELECT datname FROM pg_database WHERE datname = %s"
        return server.execute(named, [f"{place.database}_rehearsal"]).fetchall()


def rehearse(url, folder, here=ORIGIN.keys, prove=well):
    return run_restore_test(folder, url, here, prove)


@pytest.mark.long
def test_the_newest_backup_is_restored_aside_checked_and_dropped(programmed, fresh_url, folder):
    making.make_backup(fresh_url, folder, ORIGIN, now=NOW - DAY)
    newest = making.make_backup(fresh_url, folder, ORIGIN, now=NOW)
    asked = []

    def prove(url, at):
        asked.append((making.of(url).contents_of(url) == manifest.read(newest.file).contents, at))
        return []

    before = making.of(fresh_url).contents_of(fresh_url)
    assert rehearse(fresh_url, folder, prove=prove) == Rehearsed(newest.file.name, NOW, [])
    assert asked == [(True, NOW)]
    assert making.of(fresh_url).contents_of(fresh_url) == before
    assert not aside(fresh_url, folder)


@pytest.mark.long
def test_what_is_wrong_is_told_and_nothing_stays(programmed, fresh_url, folder):
    made = making.make_backup(fresh_url, folder, ORIGIN, now=NOW)
    assert rehearse(fresh_url, folder, prove=lambda *_: ["Le registre."]).faults == ["Le registre."]
    assert "n’a pas la clé" in rehearse(fresh_url, folder, here={}).faults[0]
    made.file.write_bytes(made.file.read_bytes()[:-1])
    assert "abîmée" in rehearse(fresh_url, folder).faults[0]
    made.manifest.unlink()
    assert "manque" in rehearse(fresh_url, folder).faults[0]
    made.file.unlink()
    assert "n’a aucune sauvegarde" in rehearse(fresh_url, folder).faults[0]
    assert "n’existe pas" in rehearse(fresh_url, folder / "nowhere").faults[0]
    assert not aside(fresh_url, folder)


def test_a_manifest_without_its_file_is_no_backup(programmed, fresh_url, folder):
    """Not passed over for the backup before it."""
    making.make_backup(fresh_url, folder, ORIGIN, now=NOW - DAY)
    making.make_backup(fresh_url, folder, ORIGIN, now=NOW).file.unlink()
    assert rehearse(fresh_url, folder).faults != []


@pytest.mark.long
def test_what_a_rehearsal_left_when_it_was_killed_is_dropped_by_the_next(programmed, fresh_url, folder):
    made = making.make_backup(fresh_url, folder, ORIGIN, now=NOW)

    def killed(url, _at):
        making.of(url).drop = lambda _url: None
        raise SystemExit

    kind = making.of(fresh_url)
    drop = kind.drop
    try:
        with pytest.raises(SystemExit):
            rehearse(fresh_url, folder, prove=killed)
    finally:
        kind.drop = drop
    assert aside(fresh_url, folder)
    assert rehearse(fresh_url, folder) == Rehearsed(made.file.name, NOW, [])
    assert not aside(fresh_url, folder)


def test_a_database_of_somebody_s_is_never_dropped(programmed, fresh_url, folder):
    if fresh_url.startswith("sqlite"):
        pytest.skip("SQLite's file has a name of its own")
    making.make_backup(fresh_url, folder, ORIGIN, now=NOW)
    name = f"{make_url(fresh_url).database}_rehearsal"
    with closing(psycopg.connect(fresh_url, autocommit=True)) as server:
        server.execute(f"CREATE DATABASE {name}")
        assert "renommez-la" in rehearse(fresh_url, folder).faults[0]
        assert aside(fresh_url, folder)
        server.execute(f"DROP DATABASE {name}")


@pytest.mark.long
def test_the_command_keeps_a_row_of_each_rehearsal(programmed, fresh_url, folder, tmp_path):
    def run(*words):
        named = {"OUTREACH_DATA": str(tmp_path / "data"), "OUTREACH_DATABASE_URL": fresh_url}
        return invoke(programmed, {**named, "OUTREACH_BACKUPS": str(folder)}, *words, "--json")

    assert run("rehearse").exit_code == 1
    assert run("backup").exit_code == 0
    proven = run("rehearse")
    assert (proven.exit_code, json.loads(proven.stdout)["ok"]) == (0, True)
    with programmed.reading() as session:
        kept = session.scalars(select(Rehearsal).order_by(Rehearsal.id)).all()
        assert [row.outcome for row in kept] == [RehearsalOutcome.FAILED, RehearsalOutcome.PROVEN]
        assert (kept[0].file, kept[1].made_at) == ("", NOW)
        assert "n’a aucune sauvegarde" in kept[0].told


@pytest.mark.long
def test_a_backup_of_another_version_proves_nothing_in_a_rehearsal(programmed, fresh_url, folder):
    from outreach.cli.running.backups import prove, prove_all

    with programmed.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0060'")
    making.make_backup(fresh_url, folder, ORIGIN, now=NOW)
    assert rehearse(fresh_url, folder, prove=prove).faults == []
    assert "autre version" in rehearse(fresh_url, folder, prove=prove_all).faults[0]


def record(session, made_at, *faults):
    record_restore_test(session, Rehearsed("x", made_at, faults), now=made_at + DAY / 24, seconds=2.4)


def test_a_proof_older_than_two_days_is_seen_until_a_newer_backup_is_proven(database, settings, tmp_path):
    watched = Watched(settings.model_copy(update={"backups": tmp_path}), PLACE, "w")
    with database.writing() as session:
        assert backups.unproven(session, watched, NOW) == {}, "nothing can leave from here yet"
        workers.confirm(session, workers.Here("a" * 32, PLACE, None), now=NOW, actor="a@fwb.example")
        assert backups.unproven(session, watched, NOW + 2 * DAY) == {}
        assert backups.unproven(session, watched, NOW + 3 * DAY) == {PLACE: NOW + 2 * DAY}
        record(session, NOW + 2 * DAY)
        assert backups.unproven(session, watched, NOW + 4 * DAY) == {}
        record(session, NOW + 3 * DAY, "Une table manque.")
        assert backups.unproven(session, watched, NOW + 4.5 * DAY) == {PLACE: NOW + 4 * DAY}
        record(session, NOW + 4 * DAY)
        assert backups.unproven(session, watched, NOW + 5 * DAY) == {}


def test_administrators_read_when_a_backup_was_last_restored_well(database, tmp_path):
    def said(folder=tmp_path):
        return " ".join(restore_test_sentences(session, folder)).replace("\xa0", " ")

    with database.writing() as session:
        assert "réglée : nommez leur dossier dans OUTREACH_BACKUPS" in said(None)
        assert "encore été essayée" in said()
        record(session, NOW - DAY, "Une table manque.", "Une autre aussi.")
        assert "Aucune sauvegarde n’a encore été restaurée avec succès. L’essai du 14 mai" in said()
        record(session, NOW)
        assert said() == said(None)
        assert "prouvée : 15 mai 2021 à 12 h (sauvegarde du 15 mai 2021 à 11 h)." in said()
        assert "échoué" not in said()
        record(session, NOW + DAY, "Une table manque.", "Une autre aussi.")
        assert said().endswith("L’essai du 16 mai 2021 à 12 h a échoué. Une table manque.")
