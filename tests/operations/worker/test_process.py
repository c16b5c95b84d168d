"""The work process: its clock, its wake-ups, and what keeps it from sending."""

import resource
import time
from base64 import b64encode
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from mailbox import Maildir

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from sqlalchemy import func, select, update

from outreach.access import accounts
from outreach.access.approvals import Extent
from outreach.campaigns import planning
from outreach.campaigns.models import Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.results import verify_ledger
from outreach.campaigns.waves import _drift as drift
from outreach.campaigns.waves import _launching as launching
from outreach.cli.running.work import letter_source_for
from outreach.core import audit
from outreach.core.audit import AuditEntry
from outreach.core.db import Way
from outreach.core.settings import Mode, read
from outreach.delivery import outbox, workers
from outreach.delivery.models import ClockPass, Installation, Mailing, Message, MessageState, Worker
from outreach.delivery.outbox import _recipients as recipients
from outreach.engagement.tracking import Agent, Hit, HitClass
from outreach.engagement.tracking._bot_detection import VERSION, Why
from outreach.operations import retention
from outreach.operations.alerts import AlertKind
from outreach.operations.retention import RULES
from outreach.operations.worker import due, resilience
from outreach.operations.worker.clock import ask, clock, collect, forget, tell
from outreach.operations.worker.process import WorkProcess
from tests import factories
from tests.conftest import NOW
from tests.delivery.bounces.returns import notice
from tests.servers.relays import Relays

ADMINISTRATOR = "hugo.willems@fwb.example"
REAL = {
    "OUTREACH_SECRET_KEY": factories.DRAWN[0],
    "OUTREACH_TOKEN_KEYS": factories.DRAWN[1],
    "OUTREACH_PUBLIC_URL": "https://x.example",
    "OUTREACH_MAIL_DOMAIN": "x.example",
    "OUTREACH_MAILBOX_DOMAIN": "boites.test",
}
IN_PRODUCTION = {**REAL, "OUTREACH_MODE": "production", "OUTREACH_DATABASE_URL": "sqlite://"}


@pytest.fixture
def sink(tmp_path):
    started = Relays(tmp_path / "sink", "--keep")
    yield started
    started.stop()


@pytest.fixture
def environment(fresh_url, tmp_path, sink):
    return {
        "OUTREACH_DATA": str(tmp_path / "data"),
        "OUTREACH_DATABASE_URL": fresh_url,
        "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
        "OUTREACH_ALLOWED_RECIPIENTS": "@adm.fwb.example",
    }


@pytest.fixture
def begin(database, environment):
    """Makes work processes that are open, and closes them."""
    made = []

    def open_one(**changes):
        settings = read({**environment, **changes})
        one = WorkProcess(settings, database, letter_source_for(settings, database))
        one.open()
        made.append(one)
        return one

    yield open_one
    for one in made:
        one.close()


def plan(database, works, count=5, after=timedelta(seconds=-1)):
    now = works.clock()
    if count:
        factories.gather(database, count, now=now)
    number = factories.plan(database, now + timedelta(hours=1), now=now)
    with database.writing() as session:
        session.get_one(Campaign, number).waves[0].due_at = now + after
    return number


def accepted(database):
    with database.reading() as session:
        query = select(func.count()).where(Message.state == MessageState.ACCEPTED)
        return session.scalar(query)


def until(question, seconds=60):
    end = time.monotonic() + seconds
    while not question() and time.monotonic() < end:
        time.sleep(0.02)
    return question()


def hindrance(database):
    with database.reading() as session:
        return session.scalars(select(ClockPass.hindrance).order_by(ClockPass.at.desc())).first()


def test_a_pass_of_the_clock_starts_what_is_due_sends_it_and_ends_it(database, begin, sink):
    works = begin()
    plan(database, works)
    ask(works.due)
    assert until(lambda: accepted(database) == 5)
    ask(works.due)
    with database.reading() as session:
        assert session.get_one(Campaign, 1).waves[0].state == "finished"
        assert workers.last_pass(session).hindrance == ""
    assert len(sink.accepted) == 5


@pytest.mark.long
def test_the_clock_settles_the_doubt_about_a_letter_whose_own_link_was_used(database, begin):
    works = begin()
    plan(database, works)
    ask(works.due)
    assert until(lambda: accepted(database) == 5)
    with database.writing() as session:
        row = session.get_one(Message, 1)
        row.state, row.reply_code = MessageState.IN_DOUBT, None
        seen = {"link": 1, "agent": Agent.BROWSER, "is_head": False, "version": VERSION}
        judged = {"hit_class": HitClass.HUMAN, "why": Why.NOTHING_SUSPECT}
        session.add(Hit(message_id=1, at=row.fenced_at, **seen, **judged))
    works.due.settle("")
    with database.reading() as session:
        assert session.get_one(Message, 1).state is MessageState.ACCEPTED
        assert verify_ledger(session, now=works.clock()) == []


@pytest.mark.long
def test_the_clock_ticks_by_itself_and_a_knock_is_not_repeated(database, begin, sink, monkeypatch):
    monkeypatch.setattr("outreach.operations.worker.clock.TICK_SECONDS", 1)  # a busy database may hinder the first
    works = begin()
    plan(database, works, 40)
    ticking = clock(works.due)
    ticking.start()
    try:
        assert until(lambda: accepted(database) == 40)
    finally:
        ticking.shutdown()
    for _ in range(3):
        ask(works.due)
    assert len(sink.accepted) == 40


@pytest.mark.long
def test_a_mailing_takes_turns_with_the_others_and_needs_no_further_tick(database, begin, sink, monkeypatch):
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.SHARE_SECONDS", 0)
    monkeypatch.setattr(recipients, "BATCH", 10)
    works = begin()
    plan(database, works, 40)
    plan(database, works, 0)
    ask(works.due)
    assert until(lambda: accepted(database) == 80)
    with database.reading() as session:
        order = session.scalars(select(Message.mailing_id).order_by(Message.fenced_at, Message.id)).all()
    assert set(order[:40]) == {1, 2}  # without turns, the first one's 40 letters would come first


@pytest.mark.long
def test_an_alert_leaves_in_the_same_pass_beside_a_wave(database, begin, sink):
    works = begin(OUTREACH_ALERTS_TO="operator@adm.fwb.example", OUTREACH_ALLOWED_RECIPIENTS="@adm.fwb.example")
    plan(database, works)
    works.due.watch.note(AlertKind.RETURNS_UNREADABLE, is_so=True)
    ask(works.due)
    assert until(lambda: accepted(database) == 6)
    letters = [message_from_bytes(path.read_bytes(), policy=default) for path in sink.folder.glob("*.eml")]
    (told,) = [letter for letter in letters if letter["To"] == "operator@adm.fwb.example"]
    assert told["Subject"].replace("\u00a0", " ") == "Alerte : boîte des retours ou des réponses illisible"
    for kind in ("plain", "html"):
        assert "Vérifiez son serveur" in told.get_body((kind,)).get_content()


def test_sending_off_holds_everything_and_says_so(database, begin, sink):
    works = begin(OUTREACH_SENDING="off")
    plan(database, works)
    ask(works.due)
    assert "OUTREACH_SENDING=off" in hindrance(database)
    with database.reading() as session:
        assert session.scalars(select(Mailing)).all() == []


@pytest.mark.long
def test_a_relay_that_cannot_be_reached_is_said(database, begin, sink):
    works = begin()
    plan(database, works)
    sink.stop()
    ask(works.due)

    def is_told():
        ask(works.due)
        return "ne prend rien" in hindrance(database)

    assert until(is_told)


@pytest.mark.long
def test_a_copy_of_the_database_sends_nothing_until_it_is_confirmed(database, begin, sink, tmp_path):
    plan(database, begin())
    copy = begin(OUTREACH_DATA=str(tmp_path / "elsewhere"))
    ask(copy.due)
    assert "vient d’une autre installation" in hindrance(database)
    assert accepted(database) == 0
    with database.writing() as session:
        here = workers.read(copy.settings.data)
        workers.confirm(session, here, now=copy.clock(), actor=ADMINISTRATOR)
    ask(copy.due)
    assert until(lambda: accepted(database) == 5)


def test_each_installation_has_its_own_hindrance_however_their_clocks_alternate(database, begin, sink, tmp_path):
    original, copy = begin(), begin(OUTREACH_DATA=str(tmp_path / "elsewhere"))
    for works in (original, copy, original, original, copy, copy, original):
        ask(works.due)
        with database.reading() as session:
            passes = {passed.place: passed.hindrance for passed in workers.last_passes(session)}
        assert passes[original.place] == ""
        hindered = resilience.hindrance(copy.settings, copy.database)
        assert "vient d’une autre installation" in passes.get(copy.place, hindered)


def test_a_copied_folder_or_another_machine_sends_nothing(database, begin, sink):
    works = begin()
    with database.writing() as session:
        session.execute(update(Installation).values(place="autre:/srv"))
    assert "déplacée ou copiée" in resilience.hindrance(works.settings, works.database)


def test_a_restored_backup_sends_nothing_until_it_is_confirmed(database, begin, sink):
    """However often the clock passes meanwhile; and the page goes on saying that it ticks, and why nothing leaves."""
    works = begin()
    ask(works.due)
    assert resilience.hindrance(works.settings, works.database) == ""
    plan(database, works)
    restored = {"passed_at": works.clock() - timedelta(hours=8), "confirmed_at": works.clock() - timedelta(days=30)}
    with database.writing() as session:
        session.execute(update(Installation).values(restored))
    for _ in range(3):
        ask(works.due)
        assert "copie de sauvegarde" in resilience.hindrance(works.settings, works.database)
        assert "copie de sauvegarde" in hindrance(database)
    with database.reading() as session:
        assert not workers.is_late(workers.last_pass(session).at, now=works.clock())
        assert session.scalars(select(Mailing)).all() == []
    with database.writing() as session:
        workers.confirm(session, workers.read(works.settings.data), now=works.clock(), actor=ADMINISTRATOR)
    for _ in range(2):
        ask(works.due)
        assert resilience.hindrance(works.settings, works.database) == ""
    assert until(lambda: accepted(database) == 5)


def test_a_backup_restored_while_sending_is_off_is_still_one_when_it_is_on_again(database, begin, sink):
    ask(begin().due)
    with database.writing() as session:
        session.execute(update(Installation).values(passed_at=None, confirmed_at=NOW))
    ask(begin(OUTREACH_SENDING="off").due)
    works = begin()
    ask(works.due)
    assert "copie de sauvegarde" in hindrance(database)


@pytest.mark.one_example
@pytest.mark.parametrize("content", ["", "{", "[]", '{"identity": "x"}', '{"identity": "x", "seen_at": "hier"}'])
def test_an_identity_that_cannot_be_read_holds_everything_and_says_so(database, begin, sink, content):
    works = begin()
    plan(database, works)
    path = works.settings.data / "installation"
    before = path.read_text()
    path.write_text(content)
    ask(works.due)
    assert "ne se lit pas" in hindrance(database)
    with database.reading() as session:
        assert session.scalars(select(Mailing)).all() == []
    path.write_text(before)
    ask(works.due)
    assert until(lambda: accepted(database) == 5)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_full_disk_holds_everything_and_says_so(database, begin, sink):
    """On PostgreSQL, since the limit that stands for a full disk is this process's."""
    works = begin()
    plan(database, works)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        ask(works.due)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "ne s’écrit pas" in hindrance(database)
    with database.reading() as session:
        assert session.scalars(select(Mailing)).all() == []
    ask(works.due)
    assert until(lambda: accepted(database) == 5)


@pytest.mark.long
def test_a_wave_that_cannot_start_keeps_no_other_from_starting_and_ending(database, begin, sink):
    works = begin()
    broken, sound = plan(database, works), plan(database, works, 0)
    with database.writing() as session:
        session.get_one(Campaign, broken).criteria = "{"
    ask(works.due)
    assert until(lambda: accepted(database) == 5)
    ask(works.due)
    with database.reading() as session:
        assert session.get_one(Campaign, broken).waves[0].state == "planned"
        assert session.get_one(Campaign, sound).waves[0].state == "finished"


def test_a_campaign_whose_criteria_cannot_be_read_keeps_no_other_audience_from_being_looked_at(
    database, begin, sink, caplog, monkeypatch
):
    monkeypatch.setattr(resilience, "_failing", {})  # nothing failed before in this process
    works = begin()
    broken, drifted = plan(database, works), plan(database, works, 0)
    with database.writing() as session:
        session.get_one(Campaign, broken).criteria = "{"
        seen = {"now": works.clock(), "actor": factories.APPROVER, "extent": Extent(50)}
        planning.confirm_extent(session, session.get_one(Campaign, drifted), **seen)
    works.due.look_for_drift()
    with database.reading() as session:
        noted = select(Wave.campaign_id).join(WaveTransition, WaveTransition.wave_id == Wave.id)
        assert session.scalars(noted.where(WaveTransition.note.startswith(drift.WORDS))).all() == [drifted]
    assert "looking at the audience of wave 1 broke off" in caplog.text


@pytest.mark.long
def test_a_large_wave_holds_up_no_other_that_is_due(database, begin, sink, monkeypatch):
    works, steps = begin(), []
    monkeypatch.setattr(launching, "SLICE", 3)
    usual = works.due._advance
    monkeypatch.setattr(works.due, "_advance", lambda wave: steps.append(wave) or usual(wave))
    monkeypatch.setattr(works.due, "wake_due", lambda: steps.append("wake_due"))
    plan(database, works, 8)
    plan(database, works, 0)
    with monkeypatch.context() as short:
        short.setattr(due, "LAUNCH_SECONDS", 0)  # of a pass of the clock, which has other questions, too
        works.due.start_waves()
    assert steps == [1, 2]
    monkeypatch.setattr(due, "LAUNCH_SECONDS", 60)
    works.due.start_waves()
    assert steps == [1, 2, 1, 2, "wake_due", 1, 2]


def test_a_work_process_gives_signs_of_life_and_leaves_in_order(database, environment):
    works = WorkProcess(settings := read(environment), database, letter_source_for(settings, database))
    works.open()
    works.close()
    with database.reading() as session:
        assert session.get_one(Worker, works.worker_id).stopped_at is not None


@pytest.mark.parametrize(
    ("changes", "address", "stopped"),
    [
        ({}, "po009001@adm.fwb.example", False),
        ({}, "po001136@adm.cfwb" + ".be", True),
        ({"OUTREACH_SMTP_URL": "smtp://relay"}, "a@b.example", True),
        ({"OUTREACH_SMTP_URL": "smtp://relay", "OUTREACH_ALLOWED_RECIPIENTS": "A@b.example"}, "a@b.example", False),
        ({**REAL, "OUTREACH_MODE": "trial", "OUTREACH_SMTP_URL": "smtp://relay"}, "a@b.example", True),
        ({**IN_PRODUCTION, "OUTREACH_SMTP_URL": "smtp://relay"}, "a@x.cfwb" + ".be", False),
    ],
)
def test_who_may_be_written_to_depends_on_the_mode(tmp_path, changes, address, stopped):
    settings = read({"OUTREACH_DATA": str(tmp_path), **changes})
    assert workers.guard_of(settings).stops(address) is stopped


def test_a_link_that_was_asked_for_leaves_and_its_letter_is_emptied(database, begin):
    works = begin(OUTREACH_ALLOWED_RECIPIENTS="@fwb.example")
    key = accounts.request_key(works.settings.secret_key.get_secret_value())
    with database.writing() as session:
        factories.add_people(session, works.clock())
        accounts.ask_for_link(session, key, factories.AUTHOR, "192.0.2.1", now=works.clock())
    tell(works.due)
    with database.reading() as session:
        assert "/account/links/" in session.scalars(select(Mailing.letter)).one()
    assert until(lambda: accepted(database))
    works.due.settle("")
    with database.reading() as session:
        assert "/account/links/" not in session.scalars(select(Mailing.letter)).one()


def test_the_clock_deletes_what_is_old_in_the_rhythm_of_its_row_and_goes_on_after_one_that_fails(
    database, begin, monkeypatch
):
    works, told = begin(), []
    jobs = {tuple(job.args[1:]): job for job in clock(works.due).get_jobs() if job.func is forget}
    assert {rhythm.value: job.trigger.interval.total_seconds() for (rhythm,), job in jobs.items()} == {
        60: 60,
        3600: 3600,
    }

    def fail(_database, row, _clock, _stop, _archives):
        told.append(row)
        raise ValueError("a row that cannot be read")

    monkeypatch.setattr(retention, "forget_by_rule", fail)
    for (rhythm,) in jobs:
        forget(works.due, rhythm)
    assert {row.name for row in told} == {rule.name for rule in RULES}
    assert len(told) == len(RULES)


def test_two_clocks_in_the_same_second_start_a_wave_once(database, begin, sink):
    first, second = begin(), begin()
    plan(database, first, 30)
    ticks = [clock(first.due), clock(second.due)]
    for ticking in ticks:
        ticking.start()
    try:
        assert until(lambda: accepted(database) == 30)
    finally:
        for ticking in ticks:
            ticking.shutdown()
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mailing)) == 1
    assert len(sink.accepted) == len({entry["to"] for entry in sink.accepted}) == 30


def returned(sink, folder, name="postfix"):
    """A notice about the first letter that a relay took, as it comes back to the letter's own return address."""
    letter = sink.accepted[0]
    identity = letter["id"].strip("<>").partition("@")[0]
    content = notice(name, identity=identity, address=letter["to"], RETURN=letter["from"].strip("<>"))
    Maildir(folder, create=True).add(content)
    return letter["to"]


@pytest.mark.long
def test_a_letter_that_comes_back_by_mail_counts_as_refused_and_every_promise_holds(database, begin, sink, tmp_path):
    works = begin(OUTREACH_BOUNCES_URL=f"maildir://{tmp_path / 'returns'}")
    plan(database, works)
    ask(works.due)
    assert until(lambda: accepted(database) == 5)
    ask(works.due)
    gone = returned(sink, tmp_path / "returns")
    collect(works.due)
    with database.reading() as session:
        tally = outbox.tally_mailings(session, [1])[1]
        assert (tally.accepted, tally.refused, tally.total) == (4, 1, tally.intended)
        assert session.scalars(select(Message.address).where(Message.state == MessageState.REFUSED)).all() == [gone]
        assert verify_ledger(session, now=works.clock()) == []
    assert [len(Maildir(tmp_path / "returns")), len(Maildir(tmp_path / "returns" / ".traites"))] == [0, 1]


def test_the_mailbox_of_returns_is_looked_into_beside_the_other_questions(database, begin, sink, tmp_path):
    """And only where there is one; one that cannot be read holds nothing up."""
    usual = {"ask", "forget", "tell", "apply_sent", "push", "number_events", "look_for_revisions"}
    assert {job.func.__name__ for job in clock(begin()).get_jobs()} == usual
    works = begin(OUTREACH_BOUNCES_URL=f"maildir://{tmp_path / 'nowhere'}")
    assert {job.func.__name__ for job in clock(works).get_jobs()} == usual | {"collect"}
    collect(works.due)


@pytest.mark.long
def test_a_wave_to_addresses_that_do_not_exist_pauses_after_a_batch(database, begin, sink):
    sink.script({"stage": "rcpt", "reply": "550 5.1.1 no such user"})
    one = begin()
    plan(database, one, 300)
    ask(one.due)
    assert until(lambda: _state(database) is WaveState.PAUSED)
    with database.reading() as session:
        tally = outbox.tally_mailings(session, [1])[1]
        assert tally.refused + tally.pending == 300
        assert tally.refused <= 100
        assert verify_ledger(session, now=one.clock()) == []


def _state(database):
    with database.reading() as session:
        return session.scalars(select(Wave.state)).one()


@pytest.mark.long
def test_letters_are_signed_where_a_key_is_named(database, begin, sink, tmp_path):
    key, path = ed25519.Ed25519PrivateKey.generate(), tmp_path / "dkim.pem"
    how = {"format": serialization.PrivateFormat.PKCS8, "encryption_algorithm": serialization.NoEncryption()}
    path.write_bytes(key.private_bytes(encoding=serialization.Encoding.PEM, **how))
    one = begin(OUTREACH_DKIM=f"s1:{path}")
    plan(database, one, 1)
    ask(one.due)
    assert until(lambda: accepted(database) == 1)
    public = b"v=DKIM1; k=ed25519; p=" + b64encode(key.public_key().public_bytes_raw())
    (letter,) = sink.folder.glob("*.eml")
    assert dkim.verify(letter.read_bytes(), dnsfunc=lambda *_asked, **_how: public)


@pytest.mark.long
@pytest.mark.parametrize("mode", [Mode.DEMO, Mode.TRIAL])
def test_the_clock_seals_the_audit_says_so_of_what_it_does_and_logs_the_head_once_a_day(database, begin, caplog, mode):
    works = begin()
    works.due.sealing.settings = works.settings.model_copy(update={"mode": mode})
    plan(database, works, count=1)
    for _ in range(2):
        works.due.sealing.seal()
    with database.reading() as session:
        head, verdict = audit.last_seal(session), audit.verify_seals(session)
        before = session.scalar(select(func.max(AuditEntry.id)))
    assert (verdict.fault, verdict.waiting, verdict.seals) == ("", 0, 1)
    assert caplog.text.count(head.digest) == (mode is not Mode.DEMO), (
        "a newcomer's terminal is no log that keeps a head"
    )
    works.due.start_waves()
    with database.reading() as session:
        done = session.scalars(select(AuditEntry).where(AuditEntry.id > before)).all()
        assert {(entry.way, entry.run_by) for entry in done} == {(Way.CLOCK, None)}


@pytest.mark.long
def test_sealing_is_asked_at_every_pass_of_the_clock(database, begin):
    works = begin()
    plan(database, works, count=1)
    ask(works.due)
    with database.reading() as session:
        assert audit.last_seal(session) is not None
