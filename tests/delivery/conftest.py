"""Fixtures of sending: a relay that does as it is told, mailings in a small directory, a dispatcher."""

import time
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from outreach.adherence import programmes
from outreach.core.db import Database
from outreach.delivery import outbox, workers
from outreach.delivery.letters import Mailbox, Personal, SharedHeaders
from outreach.delivery.letters import _mime as mime
from outreach.delivery.models import DoubtPolicy, Gate, Mailing, Message, MessageClass
from outreach.delivery.outbox import Addressee, Composed
from outreach.delivery.sending import Dispatcher, LetterSource
from outreach.delivery.smtp import Guard, Pool, Relay
from outreach.directory.models import Authority, Network, School
from tests import factories
from tests.conftest import NOW, PLACE
from tests.delivery.mailboxes import Folders, Server
from tests.servers.relays import Relays

STANDING = SharedHeaders(
    sender=Mailbox("sensibilisation@courriel.example", "Service du numérique"),
    reply_to=Mailbox("nadia.lambert@fwb.example"),
    list_id="<w1.courriel.example>",
    feedback_id="w1:c1:awareness:outreach",
    unsubscribe="https://courriel.example/u/",
)


@pytest.fixture
def relay(tmp_path):
    running = []

    def start(*options):
        running.append(Relays(tmp_path / f"sink{len(running)}", *options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


class Clock:
    """A clock that a test moves."""

    def __init__(self, at=NOW):
        self.at = at

    def __call__(self):
        return self.at

    def forward(self, **amount):
        self.at += timedelta(**amount)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def strand(database):
    with database.writing() as session:
        return programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor="a@fwb.example").strands[0].id


def schools(database, count):
    """So many authorities with one school each; returns the schools' keys."""
    with database.writing() as session:
        network = session.scalars(select(Network)).first()
        made = []
        for number in range(count):
            authority = Authority(**factories.authority(number, network=network))
            school = School(**factories.school(80001 + number, f"École {number}"))
            session.add_all([authority, school])
            made.append(school)
        session.flush()
        return [school.id for school in made]


def mail_to(database, addresses, *, strand=None, kind=MessageClass.AWARENESS, policy=DoubtPolicy.HOLD, listed=None):
    """A mailing with its gate open, one letter an address; `listed` are the schools of each."""
    with database.writing() as session:
        settled = {"message_class": kind, "doubt_policy": policy, "stop_strand_id": strand, "filled_at": NOW}
        mailing = Mailing(**factories.mailing(NOW, **settled))
        session.add(mailing)
        session.flush()
        several = list(dict.fromkeys(addresses))
        to, listed = dict(zip(several, _authorities(session, len(several)), strict=True)), listed or {}
        addressees = [Addressee(to[one], one, one.casefold(), one, tuple(listed.get(one, ()))) for one in addresses]
        outbox.put_recipients(session, mailing, addressees, lambda identity: f"b-{identity}@courriel.example", now=NOW)
        outbox.set_gate(session, mailing, Gate.OPEN, now=NOW, actor="a@fwb.example")
        return mailing.id


def _authorities(session, count):
    """The keys of so many authorities: those there are, and new ones where these are too few."""
    query = select(Authority.id).order_by(Authority.id).limit(count)
    there = session.scalars(query).all()
    network = session.scalars(select(Network.id)).first()
    rows = [factories.authority(500_000 + number, network_id=network) for number in range(len(there), count)]
    if rows:
        session.execute(insert(Authority), rows)
    return session.scalars(query).all()


def compose(_session, _mailing, due):
    """A small letter that lists its schools; what is kept is its text."""
    return {one.id: letter(one) for one in due}


def letter(due):
    said = due.kept or f"Écoles : {', '.join(map(str, due.schools))}."
    url = "https://courriel.example/u/" + "t" * 40
    body = f"Bonjour nadia.lambert@fwb.example {url}\n{said}\n"
    personal = Personal(due.public_id, due.recipient, due.dated_at, "Volet 1", "t" * 40)
    html = f'<html lang="fr"><p>{body}</p></html>'
    wire = mime.assemble_message(STANDING, personal, mime.encode(body), mime.encode(html))
    return Composed.of(due, wire, said)


class Patient(Dispatcher):
    """A dispatcher who comes back from a mailing once the relay has answered every dot, however slow the machine is."""

    def deliver(self, mailing_id):
        has_more = super().deliver(mailing_id)
        attend_until(self, lambda: not self.is_busy)
        return has_more


def attend_until(dispatcher, question):
    """Have a dispatcher look after what dawdles until it is so."""
    repeat_until(question, dispatcher.attend, 0.05)


def deliver_until(dispatcher, mailing, question):
    """Have a dispatcher woken, as the clock does, until it is so."""
    repeat_until(question, dispatcher.deliver, mailing)


def repeat_until(question, act, given, seconds=60):
    """Do it again and again until it is so."""
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, f"still waiting after {seconds} s"
        act(given)


@pytest.fixture
def dispatcher(database, clock, monkeypatch):
    """Makes dispatchers for a relay; each is a worker of its own, and patient where the relay answers in the end.

    None leaves batches for later because the machine is slow, nor letters because it stood still for some seconds.
    """
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.SHARE_SECONDS", 60)
    monkeypatch.setattr("outreach.delivery.sending._rounds.DOT_SECONDS", 60.0)
    made = []

    def hire(sink, *, url=None, guard=None, timeouts=None, context=None, patient=True, **options):
        with database.writing() as session:
            worker = workers.join_in(session, now=clock())
        urls = (url or f"smtp://127.0.0.1:{sink.port}").split()
        wide = {name: options.pop(name) for name in ("connections", "rate") if name in options}
        relays = [Relay.at(one, "courriel.example", **wide) for one in urls]
        pool = Pool(relays, guard or Guard(anybody=True), timeouts, context)
        source = LetterSource(database, options.pop("compose", compose), clock)
        one = (Patient if patient else Dispatcher)(
            database, pool, source, clock, worker_id=worker, place=PLACE, **options
        )
        made.append(one)
        return one

    yield hire
    for one in made:
        one.pool.close()


def states(database, mailing):
    """What became of each letter, by address."""
    with database.reading() as session:
        rows = session.scalars(select(Message).where(Message.mailing_id == mailing).order_by(Message.id))
        return {row.address: row for row in rows}


def addresses(count, name="po"):
    return [f"{name}{number:06}@adm.fwb.example" for number in range(count)]


class LostAnswer(Database):
    """A database whose commit happens, and whose answer is lost; or fails for good."""

    def __init__(self, url, *, commits):
        super().__init__(url)
        self.commits, self.failing = commits, False

    @contextmanager
    def writing(self):
        failing, self.failing = self.failing, False
        with super().writing() as session:
            yield session
            if failing and not self.commits:
                raise OperationalError("COMMIT", {}, Exception("disk full"))
        if failing:
            raise OperationalError("COMMIT", {}, Exception("connection lost"))


@pytest.fixture
def unreliable(fresh_url):
    made = []

    def open_one(commits):
        made.append(LostAnswer(fresh_url, commits=commits))
        return made[-1]

    yield open_one
    for one in made:
        one.dispose()


@pytest.fixture
def unhurried(monkeypatch):
    """A round waits for the relay, which answers everything: on a busy machine, too, it is a round of them all.

    Rounds alone widen again what a relay asked to narrow, not the seconds that they took.
    """
    monkeypatch.setattr("outreach.delivery.sending._pacing.SECONDS_TO_WIDEN", 3600)
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.TURN_SECONDS", 60)
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.PATIENCE_SECONDS", 60)


@pytest.fixture(scope="session")
def server():
    with closing(Server()) as started:
        yield started


@pytest.fixture(params=["maildir", "imap"])
def box(request, tmp_path):
    if request.param == "maildir":
        with closing(Folders(tmp_path / "returns")) as made:
            yield made
        return
    server = request.getfixturevalue("server")
    server.empty()
    yield server
