"""Alerts: each state that a person should know is one episode, one log line and one mail, and so is its end."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from outreach.campaigns import planning
from outreach.campaigns.letter import LetterSnapshot, SenderIdentity
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.waves import AUTO_PAUSE
from outreach.core.db.errors import says_full
from outreach.delivery import outbox, workers
from outreach.delivery.models import Mailing, Message, MessageState, Purpose, Worker
from outreach.delivery.outbox import Addressee
from outreach.delivery.sending import _relay_health as relay_health
from outreach.operations import alerts, backups
from outreach.operations.alerts import AlertCondition, AlertKind, Incident
from outreach.operations.backups._restore_tests import Rehearsed
from outreach.operations.health import AlertWatch, watch_clock
from outreach.operations.health._sentences import words_of
from tests import factories
from tests.conftest import NOW, PLACE

RELAYS = ["relay-one.example:25", "relay-two.example:25"]
TO = "operator@fwb.example"
SECOND = timedelta(seconds=1)


class Clock:
    """The clock of a watch that a test moves."""

    def __init__(self):
        self.at = NOW


@pytest.fixture
def clock(monkeypatch):
    moved = Clock()
    monkeypatch.setattr("outreach.core.settings.Settings.instant", lambda _self: moved.at)
    return moved


@pytest.fixture
def watch(database, settings, clock):
    named = settings.model_copy(update={"alerts_to": f"{TO}, {TO.upper()}"})
    one = AlertWatch(named, database, RELAYS[:1], SenderIdentity.of(named), "looking", least_free=0)
    one.place = PLACE
    return one


def told(database):
    """The subjects and texts of the mails to staff so far."""
    with database.reading() as session:
        mailings = session.scalars(select(Mailing).where(Mailing.purpose == Purpose.STAFF).order_by(Mailing.id))
        drafts = [read_letter(mailing.letter) for mailing in mailings]
    return [(draft.subject.replace("\u00a0", " "), draft.text.replace("\u00a0", " ")) for draft in drafts]


def read_letter(kept):
    return LetterSnapshot.from_json(kept).draft


def rows(database):
    with database.reading() as session:
        found = session.scalars(select(Incident).order_by(Incident.id))
        return [(row.kind, row.began_at, row.ended_at) for row in found]


def fail(database, relay, now, place=PLACE):
    with database.writing() as session:
        relay_health.note_failure(session, relay, "ne répond pas", place=place, alarm=False, now=now)


def work(database, *ages, now=NOW):
    """Add workers that were last seen so many seconds ago."""
    with database.writing() as session:
        for place, age in enumerate(ages):
            seen = now - age * SECOND
            session.add(Worker(id=f"w{place}", place="here:1", started_at=seen - timedelta(hours=1), seen_at=seen))


def test_a_lost_relay_is_told_once_when_it_is_back_from_when_to_when(database, watch, clock, caplog):
    fail(database, RELAYS[0], NOW)
    for _ in range(3):
        watch.look("")
    assert rows(database) == [(AlertKind.RELAY_LOST, NOW, None)]
    assert told(database) == [], "nothing can leave"
    clock.at = NOW + timedelta(minutes=3)
    with database.writing() as session:
        relay_health.forget_failures(session, RELAYS[0], place=PLACE)
    for _ in range(3):
        watch.look("")
    assert rows(database) == [(AlertKind.RELAY_LOST, NOW, clock.at)]
    ((subject, text),) = told(database)
    assert subject == "Fin d’alerte : serveur d’envoi en panne"
    assert "Du 15 mai 2021 à 11 h au 15 mai 2021 à 11 h 03 : " in text
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["alert: relay_lost"] * 2
    assert "example" not in text, "no relay is named"


def test_where_no_letter_waits_the_mail_itself_tries_the_relay(database, watch, clock):
    fail(database, RELAYS[0], NOW)
    watch.look("")
    clock.at = NOW + timedelta(minutes=4)
    watch.look("")
    assert [subject for subject, _ in told(database)] == ["Alerte : serveur d’envoi en panne"]


def test_what_one_installation_has_lost_no_other_one_ends_and_both_are_named_apart(
    database, watch, clock, settings, tmp_path
):
    elsewhere = settings.model_copy(update={"data": tmp_path / "other"})
    other = AlertWatch(elsewhere, database, RELAYS[1:], watch.sending, "other", least_free=0)
    with database.writing() as session:
        for place in (PLACE, other.place):
            workers.clock_passed(session, "", place=place, now=NOW)
    fail(database, RELAYS[0], NOW)
    watch.note(AlertKind.DISK_FULL, is_so=True)
    watch._least_free = 10**18
    for _ in range(3):
        watch.look("")
        other.look("")
    assert [(kind, ended) for kind, _, ended in rows(database)] == [
        (AlertKind.RELAY_LOST, None),
        (AlertKind.DISK_FULL, None),
    ]
    with database.reading() as session:
        relay, full = (words_of(session, one.kind, one.subject, RELAYS[:1]) for one in alerts.going_on(session))
    assert relay.so == f"Sur {PLACE} : Le serveur d’envoi ne prend plus de courriels."
    assert full.so.startswith(f"Sur {PLACE} : Le disque")
    work(database, 40)
    with database.reading() as session:
        gone = words_of(session, AlertKind.WORKER_GONE, "w0", RELAYS[:1])
    assert gone.so.startswith("Sur here : Un processus d’envoi ne donne plus signe")
    clock.at = NOW + timedelta(days=2)
    with database.writing() as session:
        session.execute(delete(Worker))
        workers.clock_passed(session, "", place=other.place, now=clock.at)
    other.look("")
    assert [ended for _, _, ended in rows(database)] == [clock.at] * 2, "of an installation that is no more"


def test_where_another_relay_serves_a_lost_one_is_told_at_once_and_when_it_is_back(database, watch, clock):
    watch.relays = RELAYS
    fail(database, RELAYS[1], NOW)
    watch.look("")
    watch.look("")
    assert [subject for subject, _ in told(database)] == ["Alerte : serveur d’envoi en panne"]
    assert "Le serveur d’envoi n° 2 ne prend plus de courriels." in told(database)[0][1]
    with database.writing() as session:
        relay_health.forget_failures(session, RELAYS[1], place=PLACE)
    watch.look("")
    assert [subject for subject, _ in told(database)] == [
        "Alerte : serveur d’envoi en panne",
        "Fin d’alerte : serveur d’envoi en panne",
    ]


def test_a_mail_goes_once_to_each_address_and_waits_for_no_authority(database, watch):
    watch.note(AlertKind.RETURNS_UNREADABLE, is_so=True)
    watch.look("")
    with database.reading() as session:
        (message,) = session.scalars(select(Message))
        assert (message.address_key, message.authority_id, message.state) == (TO, None, MessageState.QUEUED)
        assert "+" not in message.return_path, "no token"


def test_a_work_process_that_has_just_begun_ends_nothing_that_it_has_not_looked_at(database, watch, settings):
    watch.note(AlertKind.RETURNS_UNREADABLE, is_so=True)
    watch.look("")
    read_here = settings.model_copy(update={"bounces_url": "maildir:///x"})
    begun = AlertWatch(read_here, database, RELAYS[:1], watch.sending, "begun", least_free=0)
    begun.place = PLACE
    begun.look("")
    assert [ended for _, _, ended in rows(database)] == [None]
    begun.note(AlertKind.RETURNS_UNREADABLE, is_so=False)
    begun.look("")
    assert [ended for _, _, ended in rows(database)] == [NOW]


def test_nothing_is_mailed_while_letters_may_not_leave_nor_where_nobody_is_named(database, watch):
    watch.note(AlertKind.RETURNS_UNREADABLE, is_so=True)
    watch.look("L’envoi est coupé.")
    watch.settings = watch.settings.model_copy(update={"alerts_to": ""})
    watch.look("")
    assert len(rows(database)) == 1
    assert told(database) == []


@pytest.fixture
def wave(database):
    """A wave that runs, with one letter."""
    factories.gather(database, 1, now=NOW)
    number = factories.plan(database, NOW, now=NOW)
    with database.writing() as session:
        (made,) = session.get_one(Campaign, number).waves
        made.mailing = Mailing(**factories.mailing(NOW, filled_at=NOW))
        session.flush()
        planning.move_wave(session, made, WaveState.RUNNING, now=NOW, actor="automatique")
        return made.id


def test_a_wave_that_pauses_by_itself_is_told_until_it_is_resumed(database, watch, clock, wave):
    def move(state, actor):
        clock.at += SECOND
        with database.writing() as session:
            planning.move_wave(session, session.get_one(Wave, wave), state, now=clock.at, actor=actor)
        watch.look("")

    move(WaveState.PAUSED, AUTO_PAUSE)
    move(WaveState.RUNNING, factories.AUTHOR)
    assert [kind for kind, _, ended in rows(database) if ended] == [AlertKind.WAVE_PAUSED]
    move(WaveState.PAUSED, factories.AUTHOR)
    assert len(rows(database)) == 1, "a person knows what a person did"
    first, last = told(database)
    assert first[0] == "Alerte : vague mise en pause d’elle-même"
    assert "La première vague de la campagne n° 1 s’est mise en pause d’elle-même." in first[1]
    assert "La première vague de la campagne n° 1 n’est plus en pause." in last[1]
    assert last[0].startswith("Fin d’alerte")


def test_doubts_are_told_and_forgotten_after_a_week(database, watch, clock, wave):
    doubt = {"state": MessageState.IN_DOUBT, "fence_id": "f", "settled_at": NOW}
    with database.writing() as session:
        mailing = session.scalars(select(Mailing)).one()
        addressee = Addressee(1, "a@b.example", "a@b.example", "a@b.example")
        outbox.put_recipients(session, mailing, [addressee], lambda _: "r@x.example", now=NOW)
        session.execute(update(Message).values(**doubt))
    watch.look("")
    assert rows(database) == [(AlertKind.LETTERS_IN_DOUBT, NOW, None)]
    clock.at = NOW + timedelta(days=8)
    watch.look("")
    assert rows(database) == [(AlertKind.LETTERS_IN_DOUBT, NOW, clock.at)]


def test_a_worker_that_died_is_told_beside_others_and_ends_when_one_takes_its_place(database, watch, clock):
    work(database, 1, 40)
    watch.look("")
    assert rows(database) == [(AlertKind.WORKER_GONE, NOW - 40 * SECOND, None)]
    with database.writing() as session:
        workers.join_in(session, now=NOW)
    clock.at = NOW + 5 * SECOND
    watch.look("")
    assert rows(database)[0][2] == clock.at


def test_a_worker_that_had_replaced_another_is_itself_replaced_by_one(database, watch):
    work(database, 3000, 40)
    with database.writing() as session:
        session.get_one(Worker, "w1").started_at = NOW - 2900 * SECOND  # it had replaced the first
        workers.join_in(session, now=NOW - SECOND)
    watch.look("")
    assert rows(database) == []


def test_a_worker_that_was_frozen_does_not_miss_itself(database, watch):
    work(database, 40)
    watch._worker = "w0"
    watch.look("")
    assert rows(database) == []


def test_a_worker_that_stopped_in_order_is_not_missed(database, watch):
    work(database, 1, 40)
    with database.writing() as session:
        workers.leave(session, "w1", now=NOW - 40 * SECOND)
    watch.look("")
    assert rows(database) == []


def test_a_clock_that_broke_off_is_told_from_when_to_when_though_nobody_saw_it(database, watch):
    work(database, 100)
    with database.writing() as session:
        workers.clock_passed(session, "", place=PLACE, now=NOW - 100 * SECOND)
    watch.look("")
    watch.look("")
    assert (AlertKind.CLOCK_SILENT, NOW - 100 * SECOND, NOW) in rows(database)
    assert sum("service d’envoi muet" in subject or "2 alertes" in subject for subject, _ in told(database)) == 1


def test_a_clock_that_was_stopped_in_order_is_no_alert(database, watch):
    work(database, 100)
    with database.writing() as session:
        workers.clock_passed(session, "", place=PLACE, now=NOW - 100 * SECOND)
        workers.leave(session, "w0", now=NOW - 99 * SECOND)
    watch.look("")
    assert rows(database) == []


def test_the_pages_notice_a_silent_clock_once_and_a_work_process_ends_it(database, watch, caplog):
    with database.writing() as session:
        workers.clock_passed(session, "", place=PLACE, now=NOW - 31 * SECOND)
    assert [watch_clock(database, NOW) for _ in range(3)] == [True, False, False]
    assert [record.getMessage() for record in caplog.records] == [
        "alert: clock_silent, since 2021-05-15T08:59:29+00:00"
    ]
    watch.look("")
    assert not watch_clock(database, NOW), "that it is over was written before the clock has passed"
    assert rows(database) == [(AlertKind.CLOCK_SILENT, NOW - 31 * SECOND, NOW)]


def test_a_copy_is_told_once_it_is_confirmed(database, watch, tmp_path):
    with database.writing() as session:
        workers.settle_in(session, workers.read(tmp_path / "original"), now=NOW)
    real = {"smtp_url": "smtp://relay.example", "alerts_to": TO}
    watch.settings = watch.settings.model_copy(update=real)
    watch.look("copie")
    assert rows(database) == [(AlertKind.COPY_UNCONFIRMED, NOW, None)]
    with database.writing() as session:
        workers.confirm(session, workers.read(watch.settings.data), now=NOW, actor=factories.AUTHOR)
    watch.look("")
    assert [subject for subject, _ in told(database)] == ["Fin d’alerte : copie non confirmée"]


def test_a_restore_that_is_proven_no_longer_is_told_where_backups_are_set_up(database, watch, clock, tmp_path):
    with database.writing() as session:
        backups.record_restore_test(session, Rehearsed("x", NOW, []), now=NOW, seconds=1)
    clock.at = NOW + timedelta(days=2) + SECOND
    watch.look("")
    assert rows(database) == []
    watch.settings = watch.settings.model_copy(update={"backups": tmp_path})
    watch.look("")
    assert rows(database) == [(AlertKind.RESTORE_UNPROVEN, NOW + timedelta(days=2), None)]
    with database.writing() as session:
        backups.record_restore_test(session, Rehearsed("x", clock.at, []), now=clock.at, seconds=1)
    watch.look("")
    ended = "Fin d’alerte : restauration non prouvée"
    assert [subject for subject, _ in told(database)] == ["Alerte : restauration non prouvée", ended]


def test_a_disk_that_is_nearly_full_is_told(database, watch):
    watch._least_free = 10**18
    watch.look("")
    watch._least_free = 0
    watch.look("")
    assert [subject for subject, _ in told(database)] == ["Alerte : disque plein", "Fin d’alerte : disque plein"]


def test_a_database_without_room_is_in_the_log_at_once_and_in_a_row_when_it_can_be(database, watch, clock, caplog):
    full = OperationalError("UPDATE", {}, Exception("database or disk is full"))
    watch.note_writing(full)
    away, watch.database = watch.database, Away()
    for _ in range(2):
        with pytest.raises(OperationalError):
            watch.look("")
    assert len(caplog.records) == 1
    watch.database, clock.at = away, NOW + SECOND
    watch.look("")
    assert rows(database) == [(AlertKind.DISK_FULL, NOW, None)]
    assert told(database) == []
    watch.note_writing(None)
    watch.look("")
    assert [subject for subject, _ in told(database)] == ["Fin d’alerte : disque plein"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2, "one as it begins, one as it ends"


class Away:
    """A database that cannot be reached."""

    def reading(self):
        raise OperationalError("BEGIN", {}, Exception("away"))


@pytest.mark.parametrize(
    ("said", "is_full"), [("database or disk is full", True), ("database is locked", False), ("disk I/O error", False)]
)
def test_a_database_that_has_no_room_is_told_from_one_that_is_away(said, is_full):
    assert says_full(OperationalError("", {}, Exception(said))) is is_full


def test_an_episode_begins_once_and_ends_once(database):
    seen = AlertCondition(AlertKind.DISK_FULL, "here", NOW)
    with database.writing() as session:
        assert [alerts.begin(session, seen) for _ in range(2)] == [True, False]
        assert [alerts.end(session, seen, now=NOW) for _ in range(2)] == [True, False]
        assert not alerts.begin(session, seen)
