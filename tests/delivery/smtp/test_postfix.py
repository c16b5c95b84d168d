"""A real relay between us and the recipients: what Postfix says at once, and what it writes back later."""

import re
import smtplib
import time
from datetime import timedelta
from email import message_from_bytes
from mailbox import Maildir
from urllib.parse import unquote

import pytest
from sqlalchemy import select, update

from outreach.campaigns.models import Campaign
from outreach.campaigns.results import verify_ledger
from outreach.cli.preparation import add_people
from outreach.cli.running.work import letter_source_for
from outreach.core.audit import entries_about
from outreach.core.settings import read
from outreach.delivery import bounces, outbox
from outreach.delivery.bounces import Handling, NoticeVerdict
from outreach.delivery.models import Message, MessageState, Suppression
from outreach.directory.models import Contact
from outreach.operations.demo import people
from outreach.operations.worker.clock import ask
from outreach.operations.worker.process import WorkProcess
from outreach.web.app import create_app
from tests import factories
from tests.delivery.conftest import states
from tests.needed import refuse
from tests.pages import PageClient
from tests.servers import postfix
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.only_one

RETURNS = r"/^[bu]-[a-z2-7]{40}@courriel\.example$/"
ARRIVES, LATER, UNKNOWN, BOUNCES, LOST, PLAIN = (f"po{9001 + number:06}@adm.fwb.example" for number in range(6))
ACCENTED = "hélène@adm.fwb.example"
S = MessageState


@pytest.fixture
def world(relay):
    """What lies behind the relay: the server of most recipients, which knows two of them no more."""
    behind = relay("--lint-every", "0", "--no-pipelining", "--offer", "SMTPUTF8", "--keep")
    behind.script({"stage": "rcpt", "match": f"{BOUNCES}|{ACCENTED}", "reply": "550 5.1.1 <x>: no such user here"})
    return behind


USUAL = {
    "refused": {LATER: "450 4.2.0 try again", UNKNOWN: "550 5.1.1 no such user"},
    "routes": {LOST: "[127.0.0.1]:1"},
}


@pytest.fixture
def real(world, request):
    if hindrance := postfix.hindrance():
        refuse(hindrance)
    started = Postfix(world.port, RETURNS, **getattr(request, "param", USUAL))
    yield started
    started.stop()


@pytest.fixture
def settings(real, fresh_url, tmp_path):
    return read(
        {
            "OUTREACH_DATA": str(tmp_path / "data"),
            "OUTREACH_DATABASE_URL": fresh_url,
            "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{real.port}",
            "OUTREACH_ALLOWED_RECIPIENTS": "@adm.fwb.example",
            "OUTREACH_MAIL_DOMAIN": "courriel.example",
            "OUTREACH_BOUNCES_URL": f"maildir://{real.box}",
        }
    )


@pytest.fixture
def process(database, settings):
    one = WorkProcess(settings, database, letter_source_for(settings, database))
    one.open()
    yield one
    one.close()


def launch(database, now, count=6):
    factories.gather(database, count, now=now)
    with database.writing() as session:
        accented = {"address": ACCENTED, "address_key": ACCENTED, "address_ascii": ""}
        session.execute(update(Contact).where(Contact.address == PLAIN).values(**accented))
    number = factories.plan(database, now + timedelta(hours=1), now=now)
    with database.writing() as session:
        session.get_one(Campaign, number).waves[0].due_at = now


def until(question, seconds=60):
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end
        time.sleep(0.02)


def outcomes(database):
    return [row.state for row in states(database, 1).values()]


def leave(address, real, world):
    """Write to the address to unsubscribe that somebody's letter names, as a mail program does."""
    (taken,) = (one for one in world.accepted if one["to"] == address)
    letter = message_from_bytes((world.folder / f"{taken['id'].strip('<>')}.eml").read_bytes())
    to, subject = re.search(r"<mailto:(.*?)\?subject=(.*?)>", letter["List-Unsubscribe"]).groups()
    with smtplib.SMTP("127.0.0.1", real.port, timeout=60) as client:
        client.sendmail(address, to, f"From: {address}\nTo: {to}\nSubject: {unquote(subject)}\n\n")


def sheet(database, settings, fase):
    """The page of an authority's contacts, as staff read it."""
    add_people(database, settings, settings.instant())
    app = create_app(settings, database)
    app.test_client_class = PageClient
    client = app.test_client()
    client.sign_in(people.person_for("reader").email, people.password(settings.data))
    return client.get(f"/directory/{fase}/contacts").text


@pytest.mark.long
def test_a_real_relay_accepts_puts_off_refuses_and_writes_back(database, settings, process, real, world):
    launch(database, process.clock())
    ask(process.due)
    until(lambda: S.HANDING not in outcomes(database) and outcomes(database).count(S.ACCEPTED) == 4)
    rows = states(database, 1)
    assert rows[ARRIVES].reply_text.startswith("2.0.0 Ok: queued as ")
    assert (rows[LATER].state, rows[LATER].attempts, rows[LATER].reply_status) == (S.QUEUED, 1, "4.2.0")
    assert (rows[UNKNOWN].state, rows[UNKNOWN].reply_status) == (S.REFUSED, "5.1.1")

    until(lambda: real.kept() == 3)
    found = bounces.collect_notices(database, settings, process.clock)
    assert found.verdicts == {NoticeVerdict.FAILED: 2, NoticeVerdict.DELAYED: 1}
    assert found.handled == {Handling.EXCLUDED: 2, Handling.NOTHING: 1}
    rows = states(database, 1)
    for gone in (BOUNCES, ACCENTED):
        assert (rows[gone].state, rows[gone].reply_status) == (S.REFUSED, "5.1.1")
        assert rows[gone].reply_text.startswith("revenu le ")
    assert rows[LOST].state is S.ACCEPTED
    assert "adresse à corriger" in sheet(database, settings, 9004)

    real.relent()
    until(lambda: real.kept() == 1)
    found = bounces.collect_notices(database, settings, process.clock)
    assert (found.verdicts, found.handled) == ({NoticeVerdict.FAILED: 1}, {Handling.REFUSED: 1})
    assert "4.4.1" in states(database, 1)[LOST].reply_text
    with database.writing() as session:
        session.execute(update(Message).where(Message.state == S.QUEUED).values(due_at=process.clock()))
    ask(process.due)
    until(lambda: states(database, 1)[LATER].state is S.ACCEPTED)

    until(lambda: {one["to"] for one in world.accepted} == {ARRIVES, LATER})
    leave(ARRIVES, real, world)
    until(lambda: real.kept() == 1)
    found = bounces.collect_notices(database, settings, process.clock)
    assert found.handled == {Handling.UNSUBSCRIBED: 1}

    with database.reading() as session:
        tally = outbox.tally_mailings(session, [1])[1]
        assert (tally.intended, tally.accepted, tally.refused) == (6, 2, 4)
        assert set(session.scalars(select(Suppression.address_key))) == {UNKNOWN, BOUNCES, ACCENTED, ARRIVES}
        assert verify_ledger(session, now=process.clock()) == []
    assert len(Maildir(real.box / ".traites")) == 5


FAILS = {  # what a mailbox is, or forwards to: what the server behind the relay says of it
    "unknown": "550 5.1.1 <x>: no such user here",
    "disabled": "550 5.2.1 <x>: account disabled",
    "full": "552 5.2.2 <x>: mailbox full",
}
DEAD = "dead.invalid"  # a domain that does not exist (RFC 6761 §6.4)
TARGETS = {**{kind: f"{kind}@commune.example" for kind in FAILS}, "dead": f"jeanne@{DEAD}"}
NUMBERED = [f"po{9001 + number:06}@adm.fwb.example" for number in range(9)]
OWN = dict(zip(TARGETS, NUMBERED[:4], strict=True))
ALIASES = dict(zip(TARGETS, [*NUMBERED[4:5], *NUMBERED[6:9]], strict=True))  # the sixth address is another one here
FORWARDING = {
    "aliases": {ALIASES[kind]: target for kind, target in TARGETS.items()},
    "routes": {OWN["dead"]: f"[{DEAD}]", DEAD: f"[{DEAD}]"},
}


@pytest.mark.long
@pytest.mark.parametrize("real", [FORWARDING], indirect=True)
def test_an_alias_whose_target_fails_stays_and_a_mailbox_that_fails_does_not(database, settings, process, real, world):
    world.script(
        *({"stage": "rcpt", "match": f"{OWN[kind]}|{TARGETS[kind]}", "reply": reply} for kind, reply in FAILS.items())
    )
    launch(database, process.clock(), 9)
    ask(process.due)
    until(lambda: real.kept() == 8)
    found = bounces.collect_notices(database, settings, process.clock)
    assert found.verdicts == {NoticeVerdict.FAILED: 8}
    assert found.handled == {Handling.ELSEWHERE: 4, Handling.EXCLUDED: 2, Handling.REFUSED: 2}
    rows = states(database, 1)
    assert {rows[address].state for address in ALIASES.values()} == {S.ACCEPTED}
    statuses = {kind: rows[address].reply_status for kind, address in OWN.items()}
    assert statuses == {"unknown": "5.1.1", "disabled": "5.2.1", "full": "5.2.2", "dead": "5.4.4"}
    with database.reading() as session:
        assert set(session.scalars(select(Suppression.address_key))) == {OWN["unknown"], OWN["disabled"]}
        for kind, address in ALIASES.items():
            (entry,) = entries_about(session, f"authority:{address[4:8]}")
            assert f"Courriel à {address} rejeté plus loin par {TARGETS[kind]}" in entry.sentence
