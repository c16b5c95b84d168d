"""Figures for a monitor: who gets them, what they say, what they cost, and that alert rules name what there is."""

import re
import threading
from datetime import timedelta

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, select
from werkzeug.test import Client
from werkzeug.wrappers import Response

from outreach.core import audit
from outreach.core.db import Database
from outreach.core.settings import ROOT, read
from outreach.delivery import workers
from outreach.delivery.models import Message, MessageState
from outreach.delivery.sending import _relay_health as relay_health
from outreach.engagement.tracking import HitClass
from outreach.engagement.tracking._models import HitCount, Tracker
from outreach.operations import alerts, backups
from outreach.operations.alerts import AlertCondition, AlertKind
from outreach.operations.backups import _restore_tests as restore_tests
from outreach.operations.health import Figures
from outreach.operations.health import _figures as collector
from outreach.operations.health import _machine as machine
from outreach.web.public.health import Metrics
from tests.conftest import NOW, PLACE
from tests.delivery.conftest import addresses, mail_to

TOKEN = "t" * 32
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr("outreach.core.settings.Settings.instant", lambda _self: NOW)


@pytest.fixture
def metered(settings):
    return settings.model_copy(update={"metrics_token": type(settings.metrics_token)(TOKEN)})


def figures_of(settings, database):
    """The values by name and labels."""
    text = Figures(settings, database).text().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


@pytest.mark.parametrize("backend", ["sqlite"])
def test_only_who_has_the_token_gets_figures_and_without_the_setting_there_are_none(settings, metered, database):
    def pages(_environ, start):
        start("404 Not Found", [])
        return [b""]

    def ask(named, address="/metrics", given=f"Bearer {TOKEN}", **how):
        headers = {"Authorization": given} if given else {}
        return Client(Metrics(pages, database, named), Response).open(address, headers=headers, **how)

    assert ask(metered).status_code == 200
    assert b"outreach_database_up 1.0" in ask(metered).data
    assert ask(metered, method="HEAD").data == b""
    assert ask(metered, method="POST").status_code == 405
    for given in ("", f"Bearer {TOKEN}x", f"Bearer {TOKEN[1:]}", f"Basic {TOKEN}", "Bearer é", "Bearer "):
        assert ask(metered, given=given).status_code == 401, given
    assert ask(metered, "/metrics/").status_code == 404
    assert ask(settings).status_code == 404
    assert ask(settings, given="Bearer ").status_code == 404


def test_a_token_that_could_be_guessed_by_its_length_is_refused(tmp_path):
    for wrong in ("short", "x" * 31, f"{'x' * 20} {'x' * 20}"):
        with pytest.raises(Exception, match="OUTREACH_METRICS_TOKEN"):
            read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_METRICS_TOKEN": wrong})
    named = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_METRICS_TOKEN": TOKEN})
    assert TOKEN not in repr(named)


def test_the_figures_are_those_of_the_rows(metered, database, clock):
    mail_to(database, addresses(5))
    ago = timedelta(minutes=2)
    with database.writing() as session:
        letters = session.scalars(select(Message).order_by(Message.id)).all()
        letters[0].state, letters[0].fence_id, letters[0].settled_at = MessageState.IN_DOUBT, "f", NOW - ago
        letters[1].state, letters[1].fence_id = MessageState.ACCEPTED, "f"
        letters[2].due_at = NOW - 2 * ago
        workers.clock_passed(session, "", place=PLACE, now=NOW + ago)
        workers.clock_passed(session, "Rien ne part.", place="other:/data", now=NOW - ago)
        workers.join_in(session, now=NOW)
        relay_health.note_failure(session, "relay:25", "non", place=PLACE, alarm=True, now=NOW)
        alerts.begin(session, AlertCondition(AlertKind.DISK_FULL, "", NOW))
        audit.record_entry(session, NOW - ago, "a@fwb.example", "x", "y")
        tracker = Tracker(mailing_id=letters[0].mailing_id, public_id="1" * 16, name="WBE", recipients=5)
        session.add(tracker)
        session.flush()
        for link, count in ((0, 7), (1, 3)):
            cell = {"tracker_id": tracker.id, "link": link, "hit_class": HitClass.HUMAN, "count": count}
            session.add(HitCount(hour=NOW.replace(minute=0), **cell))
            session.add(HitCount(hour=NOW.replace(minute=0) - timedelta(hours=1), **cell))
    found = figures_of(metered, database)
    expected = {
        ("outreach_letters", "queued"): 3,
        ("outreach_letters", "in_doubt"): 1,
        ("outreach_letters_oldest_seconds", "in_doubt"): 120,
        ("outreach_letters_due",): 3,
        ("outreach_letters_due_oldest_seconds",): 240,
        ("outreach_letters_recent", "accepted"): 1,
        ("outreach_letters_recent", "refused"): 0,
        ("outreach_clock_pass_age_seconds", PLACE): -120,
        ("outreach_clock_pass_age_seconds", "other:/data"): 120,
        ("outreach_hindered", PLACE): 0,
        ("outreach_hindered", "other:/data"): 1,
        ("outreach_relay_held", PLACE, "relay:25"): 1,
        ("outreach_relay_alarm", PLACE, "relay:25"): 1,
        ("outreach_workers",): 1,
        ("outreach_alerts_open", "disk_full"): 1,
        ("outreach_alerts_open", "worker_gone"): 0,
        ("outreach_hits_total", "opening"): 7,
        ("outreach_hits_total", "click"): 3,
        ("outreach_database_up",): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert found["outreach_audit_unsealed",] >= 1
    assert found["outreach_audit_unsealed_oldest_seconds",] >= 120
    assert found["outreach_disk_free_bytes",] > 0


@pytest.mark.parametrize("backend", ["sqlite"])
def test_responses_that_wait_are_counted_by_tray_with_the_age_of_the_oldest(sample_database, metered, clock):
    found = figures_of(metered, sample_database)
    waiting = [value for (name, *_), value in found.items() if name == "outreach_responses_waiting"]
    assert waiting
    assert (found["outreach_responses_waiting_oldest_seconds",] > 0) is (sum(waiting) > 0)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_database_is_asked_once_in_fifteen_seconds_whoever_asks(metered, database, monkeypatch):
    at, asked = [1000.0], []
    event.listen(database.engine, "before_cursor_execute", lambda *_details: asked.append(1))
    monkeypatch.setattr(collector.time, "monotonic", lambda: at[0])
    figures = Figures(metered, database)
    figures.text()
    first = len(asked)
    for at[0] in (1001.0, 1014.9):
        figures.text()
    assert len(asked) == first > 5
    at[0] = 1015.1
    figures.text()
    assert len(asked) > first


@pytest.mark.parametrize("backend", ["sqlite"])
def test_who_asks_while_figures_are_made_gets_those_of_before_and_waits_for_nobody(metered, database, monkeypatch):
    at, begun, go_on = [0.0], threading.Event(), threading.Event()
    figures = Figures(metered, database)
    first = figures.text()
    monkeypatch.setattr(collector.time, "monotonic", lambda: at[0])
    figures._made_at = 0.0

    def slow(_registry):
        begun.set()
        assert go_on.wait(10)
        return b"newer"

    monkeypatch.setattr(collector, "generate_latest", slow)
    at[0] = collector.KEPT_SECONDS
    found = []
    one = threading.Thread(target=lambda: found.append(figures.text()))
    one.start()
    assert begun.wait(10)
    assert [figures.text() for _ in range(5)] == [first] * 5, "each would wait for ever"
    go_on.set()
    one.join()
    assert (found, figures.text()) == ([b"newer"], b"newer")


def test_where_the_database_is_silent_the_machine_still_tells_its_own(metered):
    away = Database("postgresql://127.0.0.1:1/none")
    found = figures_of(metered, away)
    away.dispose()
    assert found["outreach_database_up",] == 0
    assert found["outreach_disk_free_bytes",] > 0
    assert ("outreach_workers",) not in found


def test_each_process_of_this_service_is_measured_and_no_other():
    import multiprocessing
    import os
    import resource

    context = multiprocessing.get_context("spawn")
    over = context.Event()
    child = context.Process(target=over.wait)
    child.start()
    try:
        measured = {one.pid: one for one in machine.measured(os.getpid())}
    finally:
        over.set()
        child.join()
    assert child.pid in measured
    assert os.getppid() not in measured
    # In bytes. The highest resident size grows with the tests that ran before; the kernel keeps it by estimate.
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert 10_000_000 < measured[os.getpid()].pss < 1.5 * highest


@pytest.mark.parametrize("backend", ["sqlite"])
def test_every_rule_names_figures_that_there_are_says_what_to_do_and_there_are_ten(metered, database, clock, tmp_path):
    with database.writing() as session:
        workers.clock_passed(session, "", place=PLACE, now=NOW)
        relay_health.note_failure(session, "relay:25", "non", place=PLACE, alarm=False, now=NOW)
        restore_tests.record_restore_test(session, restore_tests.Rehearsed("x", NOW, []), now=NOW, seconds=1)
    backups.make_backup(metered.database, tmp_path, backups.BackupOrigin("", {}), now=NOW)
    metered = metered.model_copy(update={"backups": tmp_path})
    there = {name for name, *_ in figures_of(metered, database)}
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert "outreach_backup_age_seconds" in there
    named = {name for rule in rules for name in re.findall(r"\boutreach_\w+", rule["expr"])}
    assert len(rules) == 10
    assert named - there == set()
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    text = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    assert {name for name in there if f"`{name}`" not in text} == set()
