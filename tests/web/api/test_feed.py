"""The feed: what happened as programs follow it, waiting for it, and rebuilding any day of it."""

import importlib.util
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.situation import count_situation
from outreach.core import audit, tables
from outreach.core.audit import Event
from outreach.core.settings import ROOT
from outreach.core.tables import open_import
from outreach.delivery import outbox
from outreach.delivery.models import Message, SuppressionReason
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from tests import factories
from tests.conftest import NOW
from tests.factories import AUTHOR

SPEC = importlib.util.spec_from_file_location("feed_client", ROOT / "docs" / "feed_client.py")
client = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(client)
LIST = "fase;volet;statut;date\n80001;1;adhéré;01/05/2021\n80002;1;refus;02/05/2021\n"


def joined(database, text=LIST, at=NOW, code=""):
    kind = JoiningLists(at.date())
    with database.writing() as session:
        programme = programmes.get_programme(session, code)
        tables.take_over(
            session, kind, open_import(text.encode(), HEADERS), now=at, actor=AUTHOR, programme_id=programme.id
        )


class Killed(BaseException):
    """The client's process ends."""


@pytest.fixture
def fetching(app, program):
    """What a client fetches with, which kills it on the way so often."""

    def made(kills=0):
        left = [kills]

        def fetch(service, key, after):
            content = program.get(f"/events?after={after}&limit=100").json
            if content and left[0]:
                left[0] -= 1
                raise Killed
            return content

        return fetch

    return made


def rebuilt(path, fetch, day, *code):
    while True:
        with closing(client.opened(str(path))) as kept, suppress(Killed):
            client.follow(kept, "", "", fetch)
            return client.situation(kept, day.isoformat(), *code)


def counted(database, day, code=""):
    with database.reading() as session:
        found = count_situation(session, programmes.get_programme(session, code), day)
    return {
        (strand, row.code, bucket.value): n
        for row in found.rows
        for strand, buckets in row.strands.items()
        for bucket, n in buckets.items()
        if n
    }


def flat(situation):
    return {
        (strand, network, status): n
        for strand, networks in situation.items()
        for network, statuses in networks.items()
        for status, n in statuses.items()
    }


@pytest.mark.journey
@pytest.mark.long
def test_a_client_killed_ten_times_rebuilds_any_day(sample_database, fetching, tmp_path):
    joined(sample_database)
    with sample_database.writing() as session:
        tables.undo_import(session, JoiningLists(NOW.date()), now=NOW, actor=AUTHOR)
    joined(sample_database, LIST.replace("80002", "80003"))
    audit.number_waiting(sample_database)
    for day in (NOW.date(), NOW.date() - timedelta(days=10), date(2021, 3, 1), date(2019, 1, 1)):
        told = flat(rebuilt(tmp_path / f"{day}.sqlite", fetching(kills=10), day))
        assert told == counted(sample_database, day), day


@pytest.mark.journey
@pytest.mark.long
def test_a_client_tells_programmes_apart(sample_database, fetching, tmp_path):
    """Strands of two programmes have the same numbers."""
    with sample_database.writing() as session:
        programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor=AUTHOR)
        codes = [programme.code for programme in programmes.all_programmes(session)]
    joined(sample_database, code=codes[0])
    joined(sample_database, LIST.replace("refus", "adhéré").replace("80001", "80004"), code="mon")
    audit.number_waiting(sample_database)
    for code in codes:
        told = rebuilt(tmp_path / "kept.sqlite", fetching(), NOW.date(), code)
        assert flat(told) == counted(sample_database, NOW.date(), code), code
    for other in ("", "autre"):
        with pytest.raises(SystemExit, match=", ".join(codes)):
            rebuilt(tmp_path / "kept.sqlite", fetching(), NOW.date(), other)


@pytest.mark.long
def test_no_event_names_an_address(launched_sample, program):
    with launched_sample.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        replies.give_answers(session, letter, Given({}, request=Answer.HELP, comment="a@ecole.example"), now=NOW)
        outbox.suppress_address(session, letter.address_key, SuppressionReason.STAFF, now=NOW, actor="x")
        outbox.lift_suppression(session, letter.address_key, SuppressionReason.STAFF, now=NOW, actor="x")
    audit.number_waiting(launched_sample)
    after, kinds = 0, Counter()
    while batch := program.get(f"/events?after={after}&limit=1000"):
        content = batch.json
        if not content:
            break
        assert "@" not in batch.text
        assert batch.mimetype == "application/cloudevents-batch+json"
        kinds.update(one["type"] for one in content)
        after = int(content[-1]["id"])
    assert {"outreach.wave.launched", "outreach.response.received", "outreach.address.excluded"} <= set(kinds)
    assert kinds["outreach.address.readmitted"] == 1
    with launched_sample.reading() as session:
        assert sum(kinds.values()) == after == len(session.scalars(select(Event.id)).all())


@pytest.mark.long
def test_a_program_waits_for_an_event_and_gets_it(sample_database, program):
    audit.number_waiting(sample_database)
    after = len(program.get("/events?after=0&limit=1000").json)
    while more := program.get(f"/events?after={after}&limit=1000").json:
        after += len(more)
    empty = program.get(f"/events?after={after}")
    assert (empty.json, empty.headers["Retry-After"]) == ([], "5")
    answer = {}

    def wait():
        began = time.monotonic()
        answer["told"], answer["seconds"] = program.get(f"/events?after={after}&wait=20").json, time.monotonic() - began

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    joined(sample_database)
    audit.number_waiting(sample_database)
    waiting.join()
    assert [one["data"]["school"] for one in answer["told"]] == [80001, 80002]
    assert answer["seconds"] < 10


def test_two_wait_at_a_time_and_a_third_is_told_when_to_come_back(sample_database, program, monkeypatch):
    from outreach.web.api import feed

    waits, over, last = threading.Semaphore(0), threading.Event(), "9" * 12

    def sleep(_seconds):
        waits.release()
        assert over.wait(60)

    monkeypatch.setattr(feed, "_WAITING", threading.BoundedSemaphore(2))
    monkeypatch.setattr(feed, "time", SimpleNamespace(monotonic=lambda: 60.0 if over.is_set() else 0.0, sleep=sleep))
    waiting = [threading.Thread(target=lambda: program.get(f"/events?after={last}&wait=2")) for _ in range(2)]
    for thread in waiting:
        thread.start()
    assert all(waits.acquire(timeout=60) for _ in waiting)
    third = program.get(f"/events?after={last}&wait=2")
    assert not waits.acquire(blocking=False), "it did not wait"
    over.set()
    assert (third.json, third.headers["Retry-After"]) == ([], "5")
    for thread in waiting:
        thread.join()


@pytest.mark.journey
@pytest.mark.long
def test_an_edition_that_is_undone_is_told_as_what_it_leaves(sample_database, program, fetching, tmp_path):
    """The sample applied two editions: a day is the same from the feed after the second is undone."""
    from outreach.directory.register import Editions

    with sample_database.writing() as session:
        tables.undo_import(session, Editions("adm.fwb.example"), now=NOW, actor=AUTHOR)
    audit.number_waiting(sample_database)
    day = NOW.date()
    assert flat(rebuilt(tmp_path / "kept.sqlite", fetching(), day)) == counted(sample_database, day)
