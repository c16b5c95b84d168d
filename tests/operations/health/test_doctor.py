"""The doctor: each check against the thing itself, well and not well; what is told is what to do."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from outreach.access import accounts
from outreach.access.accounts import second_factors
from outreach.cli.main import commands
from outreach.core.db import Database
from outreach.core.settings import Mode
from outreach.core.text.errors import Refused
from outreach.delivery import workers
from outreach.delivery.deliverability import dns
from outreach.delivery.letters.dkim import Signer
from outreach.delivery.models import Gate, Worker
from outreach.operations.backups import BackupOrigin, make_backup, newest_backup
from outreach.operations.backups import _manifest as manifest
from outreach.operations.backups import _restore_tests as restore_tests
from outreach.operations.demo import mailbox
from outreach.operations.health import CHECKS, Check, Examined, HealthState, run_checks
from outreach.operations.health import _backups as backups
from outreach.operations.health import _databases as databases
from outreach.operations.health import _domain as domain
from outreach.operations.health import _machine as machine
from outreach.operations.health import _mail as mail
from outreach.operations.health import _secrets as secrets
from outreach.operations.health import _work as work
from outreach.operations.health._check import ok
from tests import factories
from tests.commands import invoke
from tests.conftest import NOW
from tests.delivery.conftest import addresses, mail_to
from tests.delivery.conftest import relay as sink
from tests.machine import free_port
from tests.servers import issuer as issuers
from tests.servers.dns import name_server

__all__ = ["sink"]
OK, WARNING, FAULT = HealthState
DOMAIN = "campagnes.ecole.be"
WELL = {
    DOMAIN: {"MX": "10 mx.ecole.be.", "TXT": '"autre chose"\n"v=spf1 include:relais.be " "ip4:203.0.114.7 -all"'},
    "mx.ecole.be": {"A": "203.0.114.9"},
    "relais.be": {"TXT": '"v=spf1 a:relais.be -all"', "A": "203.0.114.7"},
    "_dmarc.ecole.be": {"TXT": '"v=DMARC1; p=none; rua=mailto:d@ecole.be"'},
    "7.114.0.203.in-addr.arpa": {"PTR": "relais.be."},
}


@pytest.fixture
def examined(settings, database):
    """Examine this installation, with other settings where they are named."""

    def examine(**changes):
        return Examined(settings.model_copy(update=changes), database, {})

    return examine


@pytest.fixture
def ask(examined):
    """What DNS checks find where DNS has these zones."""

    def ask(look, zones, **changes):
        with name_server(zones) as server:
            place = {"check_domains": f"127.0.0.1:{server.place[1]}", "mail_domain": DOMAIN}
            return look(examined(smtp_url="smtp://relais.be:587", **place, **changes))

    return ask


@pytest.mark.parametrize("look", [domain.spf, domain.dmarc, domain.mx, domain.ptr])
@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_domain_whose_dns_is_in_order_is_well(ask, look):
    assert ask(look, WELL).state is OK


@pytest.mark.parametrize(
    ("look", "zone", "records", "state", "told"),
    [
        (domain.spf, DOMAIN, {}, FAULT, "publiez un TXT « v=spf1"),
        (domain.spf, DOMAIN, {"TXT": '"v=spf1 -all"\n"v=spf1 a -all"'}, FAULT, "n’en gardez qu’un"),
        (domain.spf, DOMAIN, {"TXT": '"v=spf1 ip4:203.0.114.7"'}, WARNING, "ajoutez -all"),
        (domain.spf, DOMAIN, {"TXT": f'"v=spf1 {"a:relais.be " * 11}-all"'}, FAULT, "plus de 10 recherches"),
        (domain.spf, "relais.be", {"TXT": '"v=spf1 include:relais.be -all"'}, FAULT, "plus de 10 recherches"),
        (domain.dmarc, "_dmarc.ecole.be", {}, FAULT, "publiez un TXT « v=DMARC1"),
        (domain.dmarc, "_dmarc.ecole.be", {"TXT": '"v=DMARC1; p=none"\n"v=DMARC1; p=reject"'}, FAULT, "n’en gardez"),
        (domain.mx, DOMAIN, {"A": "203.0.114.9"}, FAULT, "n’a pas de MX"),
        (domain.mx, DOMAIN, {"MX": "0 ."}, FAULT, "n’a pas de MX"),
        (domain.mx, "mx.ecole.be", {}, FAULT, "corrigez ce nom"),
        (domain.ptr, "7.114.0.203.in-addr.arpa", {}, WARNING, "n’a pas de PTR"),
        (domain.ptr, "7.114.0.203.in-addr.arpa", {"PTR": "mx.ecole.be."}, WARNING, "ne ramène pas à elle"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"])
def test_each_fault_of_the_domain_is_told_with_what_to_publish(ask, look, zone, records, state, told):
    finding = ask(look, {**WELL, zone: records})
    assert finding.state is state
    assert told in finding.in_words


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_published_key_is_compared_with_ours_and_ours_is_told_where_it_is_not(ask, tmp_path):
    path = tmp_path / "dkim.pem"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem)
    named = {"dkim": f"s1:{path}"}
    ours = Signer.of(DOMAIN, "s1", pem).published
    zone = f"s1._domainkey.{DOMAIN}"
    assert ask(domain.dkim, {zone: {"TXT": f'"{ours[:20]}" "{ours[20:]}"'}}, **named).state is OK
    for records in ({}, {"TXT": '"v=DKIM1; k=ed25519; p=AAAA"'}):
        finding = ask(domain.dkim, {zone: records}, **named)
        assert (finding.state, ours in finding.in_words) == (FAULT, True)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_dns_server_that_is_silent_is_a_fault_of_the_check_alone(examined, monkeypatch):
    monkeypatch.setattr(dns, "SECONDS", 1.0)
    with name_server({}, silent=frozenset([DOMAIN])) as server:
        silent = {"check_domains": f"127.0.0.1:{server.place[1]}", "mail_domain": DOMAIN}
        there = examined(smtp_url="smtp://relais.be", **silent)
        results = run_checks(there, [Check("mx", "MX", 10, domain.mx), Check("settings", "", 5, machine.settings)])
    assert [result.finding.state for result in results] == [FAULT, OK]
    assert "OUTREACH_CHECK_DOMAINS" in results[0].finding.in_words


def test_a_check_that_breaks_or_hangs_is_a_fault_that_says_so_and_keeps_no_other(examined):
    ended = threading.Event()

    def breaks(_examined):
        raise KeyError("a word that somebody typed")

    def refuses(_examined):
        raise Refused("Ce qu’il faut faire.")

    def hangs(_examined):
        ended.wait(30)
        return ok("")

    looks = {"breaks": breaks, "hangs": hangs, "refuses": refuses, "well": lambda _examined: ok("bien")}
    began = time.monotonic()
    results = run_checks(
        examined(), [Check(name, name, 0.5 if name == "hangs" else 10, look) for name, look in looks.items()]
    )
    ended.set()
    assert time.monotonic() - began < 9
    assert [result.finding.state for result in results] == [FAULT, FAULT, FAULT, OK]
    assert "KeyError" in results[0].finding.in_words
    assert "typed" not in results[0].finding.in_words
    assert "abandonné" in results[1].finding.in_words
    assert "Ce qu’il faut faire." in results[2].finding.in_words


@pytest.mark.parametrize("backend", ["sqlite"])
def test_no_check_holds_a_transaction_while_it_waits_for_the_network(examined, database):
    def is_free(*_name):
        held.append(database.engine.pool.checkedout())

    held = []
    with name_server(WELL, on_question=is_free) as server, issuers.running(lambda: NOW) as provider:
        provider.before = is_free
        named = {"oidc_issuer": provider.url, "oidc_client_id": "c", "smtp_url": "smtp://relais.be"}
        there = examined(check_domains=f"127.0.0.1:{server.place[1]}", mail_domain=DOMAIN, **named)
        for look in (domain.spf, domain.dmarc, domain.mx, domain.ptr, secrets.issuer):
            look(there)
    assert len(held) > 8
    assert set(held) == {0}


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_relay_is_spoken_to_as_sending_does_and_is_handed_nothing(examined, sink, monkeypatch):
    small, plain = sink("--size", "50000"), sink()
    assert mail.relay(examined(smtp_url=f"smtp://localhost:{plain.port}")).state is OK
    finding = mail.relay(examined(smtp_url=f"smtp://localhost:{small.port}"))
    assert (finding.state, "0,1" in finding.in_words) == (WARNING, True)
    required = f"smtp://localhost:{plain.port}?starttls=on"
    finding = mail.relay(examined(smtp_url=required))
    assert finding.state is FAULT
    assert "STARTTLS" in finding.in_words
    assert mail.relay(examined(smtp_url=f"{required},smtp://localhost:{small.port}")).state is WARNING, "one serves"
    monkeypatch.setattr("outreach.delivery.smtp._relay.Relay.is_near", False)
    in_clear = mail.relay(examined(smtp_url=f"smtp://localhost:{plain.port}"))
    assert (in_clear.state, "starttls=off" in in_clear.in_words) == (WARNING, True)
    assert plain.accepted == small.accepted == []


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_demonstration_s_mailbox_is_found_where_it_opened(examined, settings):
    here = {"mode": Mode.DEMO, "smtp_url": "", "demo_mailbox": "127.0.0.1:1"}
    assert mail.relay(examined(**here)).state is FAULT
    with mailbox.serving(f"127.0.0.1:{free_port()}", mailbox.folder_of(settings.data)):
        assert mail.relay(examined(**here)).state is OK, "its usual port was taken"
    assert mail.relay(examined(**here)).state is FAULT


def test_a_relay_that_refuses_our_password_or_is_not_there_is_a_fault(examined, sink):
    with_auth = sink("--offer", "AUTH PLAIN")
    url = f"smtp://us:hush@localhost:{with_auth.port}"
    assert "identifié" in mail.relay(examined(smtp_url=url)).in_words
    with_auth.script({"stage": "auth", "reply": "535 5.7.8 no"})
    finding = mail.relay(examined(smtp_url=url))
    assert (finding.state, "hush" in finding.in_words) == (FAULT, False)
    assert "OUTREACH_SMTP_URL" in finding.in_words
    assert mail.relay(examined(smtp_url="smtp://127.0.0.1:1")).state is FAULT


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_mailbox_of_returns_is_opened(examined, tmp_path):
    for part in ("cur", "new"):
        (tmp_path / "box" / part).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1").write_bytes(b"x")
    finding = mail.returns(examined(bounces_url=f"maildir://{tmp_path / 'box'}"))
    assert (finding.state, "1\u00a0message attend" in finding.in_words) == (OK, True)
    assert mail.returns(examined(bounces_url=f"maildir://{tmp_path / 'none'}")).state is FAULT
    assert mail.returns(examined(bounces_url="imaps://u:p@127.0.0.1:1/INBOX")).state is FAULT
    assert mail.returns(examined(smtp_url="smtp://relais.be")).state is WARNING
    assert mail.replies(examined()).in_words.startswith("Aucune")
    for options, believes in (("", False), ("?proven-by=mx.example", True)):
        finding = mail.replies(examined(replies_url=f"maildir://{tmp_path / 'box'}{options}"))
        assert (finding.state, "nul expéditeur n’est cru" in finding.in_words) == (OK, not believes)
    gone = mail.replies(examined(replies_url=f"maildir://{tmp_path / 'none'}"))
    assert (gone.state, "La boîte des réponses" in gone.in_words, "OUTREACH_REPLIES_URL" in gone.in_words) == (
        FAULT,
        True,
        True,
    )


@pytest.mark.parametrize("backend", ["sqlite"])
def test_an_issuer_is_asked_for_its_keys(examined):
    with issuers.running(lambda: NOW) as provider:
        named = {"oidc_issuer": provider.url, "oidc_client_id": "c"}
        assert secrets.issuer(examined(**named)).state is OK
        provider.answer["/keys"] = (200, {}, '{"keys": []}')
        assert "ne publie aucune clé" in secrets.issuer(examined(**named)).in_words
        provider.answer["/.well-known/openid-configuration"] = (503, {}, "{}")
        assert secrets.issuer(examined(**named)).state is FAULT
    finding = secrets.issuer(examined(**{**named, "oidc_issuer": "http://127.0.0.1:1"}))
    assert (finding.state, "OUTREACH_OIDC_ISSUER" in finding.in_words) == (FAULT, True)
    assert secrets.issuer(examined()).state is OK, "there is none"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_key_of_notes_is_read_and_closed_to_others(examined, tmp_path):
    path = tmp_path / "note-key.pem"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o400)
    assert secrets.note_keys(examined(note_key_file=path)).state is OK
    path.chmod(0o444)
    assert "chmod 400" in secrets.note_keys(examined(note_key_file=path)).in_words
    path.chmod(0o600)
    path.write_text("no key")
    assert secrets.note_keys(examined(note_key_file=path)).state is FAULT


def test_a_second_factor_that_no_key_reads_any_more_is_found(examined, database):
    with database.writing() as session:
        factories.add_people(session, NOW)
        user = accounts.user_named(session, factories.AUTHOR)
        sealed = second_factors.new_secret(second_factors.factor_cipher(examined().settings.secret_keys), user.id)
        second_factors.set_up(session, user.id, user.email, sealed, 1, replacing=False, now=NOW)
    assert secrets.factor_keys(examined()).state is OK
    other = type(examined().settings.secret_key)("another key that was drawn at random")
    finding = secrets.factor_keys(examined(secret_key=other))
    assert (finding.state, "OUTREACH_SECRET_KEY" in finding.in_words) == (FAULT, True)


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(("over", "state"), [(-1, FAULT), (0, WARNING), (9 * machine.LEAST_FREE, OK)])
def test_a_disk_is_full_below_the_room_that_the_alert_knows(examined, monkeypatch, over, state):
    real = os.statvfs(examined().settings.data)
    free = (machine.LEAST_FREE + over, 1, 1)  # in blocks of an octet
    fields = [1, 1, 10 * free[0], free[0], free[0], *real[5:]]
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(fields))
    finding = machine.disk(examined())
    assert finding.state is state
    assert ("place" in finding.in_words) is (state is not OK)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_data_folder_is_ours_alone(examined, tmp_path):
    there = examined()
    there.settings.data.chmod(0o700)
    assert machine.folder(there).state is OK
    (there.settings.data / "installation").write_text("{}")
    (there.settings.data / "installation").chmod(0o644)
    assert "chmod 600" in machine.folder(there).in_words
    assert machine.folder(examined(data=tmp_path / "none")).state is FAULT


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_name_that_is_no_setting_is_told(examined, database):
    there = Examined(examined().settings, database, {"OUTREACH_MODE": "demo", "OUTREACH_OLD_WISH": "1"})
    finding = machine.settings(there)
    assert (finding.state, "OUTREACH_OLD_WISH" in finding.in_words) == (WARNING, True)


@pytest.mark.postgresql
def test_the_database_tells_its_version_and_an_older_one_is_to_be_migrated(examined, database):
    finding = databases.database(examined())
    assert finding.state is OK, finding.in_words
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0010'"))
    assert "./run migrate" in databases.database(examined()).in_words


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_table_that_has_grown_since_it_was_analysed_is_named(examined, database, monkeypatch):
    monkeypatch.setattr(databases, "MANY_ROWS", 5)
    with database.writing() as session:
        session.add_all(Worker(id=f"w{i}", place="m:1", started_at=NOW, seen_at=NOW) for i in range(40))
        session.flush()
        session.execute(text("SELECT pg_stat_force_next_flush()"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert "workers" in databases.database(examined()).in_words
        connection.execute(text("ANALYZE workers"))
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    assert "de workers" not in databases.database(examined()).in_words


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize(("off", "state"), [(0, OK), (5, WARNING), (120, FAULT), (-120, FAULT)])
def test_a_clock_that_is_off_is_compared_with_the_database(examined, off, state):
    finding = databases.clock(examined(clock_offset=off))
    assert finding.state is state
    assert ("NTP" in finding.in_words) is (state is not OK)


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"])
def test_the_clock_of_another_machine_is_compared_as_it_passes(examined, database, monkeypatch):
    held = datetime.now(UTC)  # our clock stands still, however long a pass takes to come in sight
    monkeypatch.setattr("outreach.core.settings.Settings.instant", lambda _self: held)

    def passes():
        at = held
        while not stop.wait(0.3):
            at += timedelta(milliseconds=1)
            with database.writing() as session:
                workers.clock_passed(session, "", place="right:/data", now=at)
                workers.clock_passed(session, "", place="ahead:/data", now=at + timedelta(minutes=2))

    stop, other = threading.Event(), threading.Thread(target=passes)
    other.start()
    try:
        deadline = time.monotonic() + 20
        while len(databases._passes(database, "us")) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        finding = databases.clock(examined())
    finally:
        stop.set()
        other.join()
    assert finding.state is FAULT
    assert "en retard de 120 secondes sur ahead" in finding.in_words
    assert "À l’heure de right" in finding.in_words


def test_a_work_process_that_is_late_hindered_or_gone_is_told(examined, database, monkeypatch):
    monkeypatch.setattr("outreach.core.settings.Settings.instant", lambda _self: NOW)
    assert "lancez ./run work" in work.clocks_and_workers(examined()).in_words
    with database.writing() as session:
        workers.clock_passed(session, "", place="one:/data", now=NOW)
        workers.join_in(session, now=NOW)
    assert work.clocks_and_workers(examined()).state is OK
    with database.writing() as session:
        hour = timedelta(hours=1)
        session.add(Worker(id="g", place="gone:7", started_at=NOW - 2 * hour, seen_at=NOW - hour))
    finding = work.clocks_and_workers(examined())
    assert (finding.state, "gone:7" in finding.in_words) == (WARNING, True)
    with database.writing() as session:
        workers.clock_passed(session, "Rien ne part.", place="one:/data", now=NOW)
    assert work.clocks_and_workers(examined()).state is FAULT
    with database.writing() as session:
        workers.clock_passed(session, "", place="one:/data", now=NOW - timedelta(minutes=1))
    assert "Relancez" in work.clocks_and_workers(examined()).in_words


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_backup_is_of_these_days_and_one_was_restored_well(examined, database, tmp_path, monkeypatch):
    now = datetime.now(UTC)
    here = examined(backups=tmp_path, mode=Mode.PRODUCTION)
    assert "lancez ./run backup" in backups.backup(here).in_words
    assert backups.restore(here).state is WARNING
    assert backups.backup(examined(mode=Mode.PRODUCTION)).state is WARNING
    assert backups.backup(examined()).state is OK
    make_backup(here.settings.database, tmp_path, BackupOrigin("", {}), now=now)
    states = []
    for days in (1, 3):
        at = now + timedelta(days=days)
        monkeypatch.setattr("outreach.core.settings.Settings.instant", lambda _self, at=at: at)
        states.append(backups.backup(here).state)
    assert states == [OK, FAULT]
    for rehearsed_at, faults, state in ((at, [], OK), (at, ["Une table manque."], FAULT)):
        with database.writing() as session:
            restore_tests.record_restore_test(
                session, restore_tests.Rehearsed("x", now, faults), now=rehearsed_at, seconds=1
            )
        finding = backups.restore(here)
        assert finding.state is state, finding.in_words
    assert "Une table manque." in finding.in_words
    newest_backup(tmp_path).with_suffix(".json").write_text("{}")
    assert backups.backup(here).state is FAULT, "its manifest cannot be read"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_backup_that_is_cut_short_or_gone_is_a_fault_before_any_rehearsal(examined, tmp_path):
    here, now = examined(backups=tmp_path, mode=Mode.PRODUCTION), datetime.now(UTC)
    made = make_backup(here.settings.database, tmp_path, BackupOrigin("", {}), now=now)
    assert (backups.backup(here).state, len(list(backups.age_of_backup(here.settings)))) == (OK, 1)
    with made.file.open("rb+") as file:
        file.truncate(4096)
    assert "elle est abîmée" in backups.backup(here).in_words
    assert list(backups.age_of_backup(here.settings)) == []
    made.file.unlink()
    assert f"La sauvegarde {made.file.name} manque" in backups.backup(here).in_words
    assert list(backups.age_of_backup(here.settings)) == []


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_manifest_that_says_no_time_zone_is_no_manifest(examined, tmp_path):
    here, now = examined(backups=tmp_path, mode=Mode.PRODUCTION), datetime.now(UTC)
    made = make_backup(here.settings.database, tmp_path, BackupOrigin("", {}), now=now)
    read = manifest.read(made.file)
    lying = read.model_copy(update={"made_at": read.made_at.replace(tzinfo=None)}).sealed()
    made.manifest.write_text(lying.model_dump_json())
    assert "ne se lit pas" in backups.backup(here).in_words
    assert list(backups.age_of_backup(here.settings)) == []


def test_letters_that_are_due_may_wait_for_minutes_and_not_for_hours(examined, database, monkeypatch):
    mail_to(database, addresses(2))
    states = []
    for waited in (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=3)):
        monkeypatch.setattr("outreach.core.settings.Settings.instant", lambda _self, waited=waited: NOW + waited)
        states.append(work.waiting(examined()).state)
    assert states == [OK, WARNING, FAULT]
    with database.writing() as session:
        session.execute(text("UPDATE mailings SET gate = :held"), {"held": Gate.HELD})
    assert work.waiting(examined()).state is OK, "a person holds them"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_command_prints_a_line_a_check_and_ends_with_1_at_a_fault(settings, database, monkeypatch):
    def told(*words):
        return invoke(database, settings, "doctor", *words)

    result = told()
    assert len(result.stdout.splitlines()) == sum(check.look is not None for check in CHECKS)
    assert "Le contrôle lui-même" not in result.stdout
    assert result.exit_code == 1, "nothing listens at the demonstration's mailbox"
    monkeypatch.setattr("outreach.cli.running.doctor.CHECKS", [Check("settings", "Réglages", 5, machine.settings)])
    assert told().exit_code == 0


def test_settings_that_keep_every_command_from_running_are_told_as_a_check(monkeypatch, tmp_path):
    monkeypatch.setenv("OUTREACH_DATA", str(tmp_path))
    monkeypatch.setenv("OUTREACH_BIND", "nowhere")
    result = CliRunner().invoke(commands, ["doctor", "--json"])
    assert result.exit_code == 1
    assert '"name": "settings", "state": "fault"' in result.stdout
    assert "OUTREACH_BIND" in result.stdout


def test_a_database_that_is_missing_is_a_fault_and_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setenv("OUTREACH_DATA", str(tmp_path))
    result = CliRunner().invoke(commands, ["doctor"])
    assert "lancez ./run migrate" in result.stdout.replace("\u00a0", " ").replace("\u202f", " ")
    assert not (tmp_path / "outreach.sqlite3").exists()


def test_a_silent_database_holds_up_no_check_that_does_not_need_it(settings):
    away = settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/none"})
    opened = Database(away.database)
    needs = [check for check in CHECKS if check.name in {"database", "waiting", "settings"}]
    results = run_checks(Examined(away, opened, {}), needs)
    opened.dispose()
    assert {result.check.name: result.finding.state for result in results} == {
        "settings": OK,
        "database": FAULT,
        "waiting": FAULT,
    }
