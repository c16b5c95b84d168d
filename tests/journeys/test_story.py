"""The whole story: from the register's file to a reminder that leaves out whom it should, and one number everywhere."""

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.adherence.models import AdherenceRecord, Status, Strand
from outreach.campaigns.letter._links import IN_HEADER
from outreach.campaigns.models import Wave
from outreach.cli.preparation import add_people
from outreach.cli.running.work import letter_source_for
from outreach.core.settings import read
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState
from outreach.directory import contacts
from outreach.directory.models import Authority, Contact, Level, Network, Ownership, School, Teaching, types_of
from outreach.operations.demo import mailbox, people
from outreach.operations.worker.clock import ask
from outreach.operations.worker.process import WorkProcess
from outreach.web.app import create_app
from tests.conftest import STORY_DAY
from tests.nursery import run_command
from tests.pages import PageClient, as_a_person, text_of
from tests.web.campaigns.test_authorities import tables_of
from tests.web.campaigns.test_campaigns import dated, typed
from tests.web.test_mailbox import free_port

pytestmark = pytest.mark.timeout(900)
WRITTEN = datetime(2021, 5, 15, 9, 0, tzinfo=UTC)
SENT = datetime(2021, 5, 18, 7, 30, 1, tzinfo=UTC)  # 9.30 in Brussels
REMINDED = datetime(2021, 6, 1, 7, 30, 1, tzinfo=UTC)
NETWORK = "Libre confessionnel"
OPEN = ["none", "informed", "in_preparation", "tender_launched", "declined"]
PROGRAMME = "https://programme.example/volet-1"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


class World:
    """One installation at moments of its story: its pages, its commands, its work process, its mailbox."""

    def __init__(self, database, url, folder):
        self.database, self.port, self.folder = database, free_port(), folder
        self.environment = {
            "OUTREACH_DATA": str(folder),
            "OUTREACH_DATABASE_URL": url,
            "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{self.port}",
            "OUTREACH_ALLOWED_RECIPIENTS": "@adm.fwb.example",
        }
        self.box, self.commands = mailbox.folder_of(folder), 0

    def settings(self, at):
        offset = (at - datetime.now(UTC)).total_seconds()
        return read({**self.environment, "OUTREACH_CLOCK_OFFSET": str(int(offset))})

    def pages(self, at):
        app = create_app(self.settings(at), self.database)
        app.test_client_class = PageClient
        return app

    def person(self, at, role):
        client = self.pages(at).test_client()
        email = people.person_for(role).email
        assert client.sign_in(email, people.password(self.folder)).status_code == 302
        return client

    def command(self, *arguments):
        self.commands += 1
        folder = self.folder.parent / f"command-{self.commands}"
        environment = {"PATH": "/usr/bin:/bin", **self.environment}
        done = run_command([str(argument) for argument in arguments], environment, folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def work(self, at):
        """Let the work process do what is due, until nothing is on its way."""
        with mailbox.serving(f"127.0.0.1:{self.port}", self.box):
            settings = self.settings(at)
            work_process = WorkProcess(settings, self.database, letter_source_for(settings, self.database))
            work_process.open()
            try:
                end = time.monotonic() + 300
                while time.monotonic() < end:
                    ask(work_process.due)
                    if not self.on_the_way():
                        ask(work_process.due)
                        break
                    time.sleep(0.1)
            finally:
                work_process.close()
        assert not self.on_the_way()

    def on_the_way(self):
        with self.database.reading() as session:
            states = Counter(session.scalars(select(Message.state)))
        return not states or states[MessageState.QUEUED] or states[MessageState.HANDING]

    def letters(self):
        """What arrived, by the recipient's address, since it was last looked at."""
        found = {}
        for path in mailbox.letters_in(self.box):
            letter = mailbox.letter(self.box, path.name)
            assert letter.to not in found, "one letter each"
            found[letter.to] = letter
            path.unlink()
        return found


@pytest.fixture
def world(database, fresh_url, tmp_path):
    made = World(database, fresh_url, tmp_path / "data")
    files = tmp_path / "files"
    made.command("sample", "--today", STORY_DAY, "--files", files)
    made.command("register", "apply", files / "registre-2021-04-15.csv", "--yes", "--edition", "2020-09-01")
    add_people(database, made.settings(WRITTEN), WRITTEN)
    made.command("--now", "2021-05-15 09:00", "programme", "load", files / "programme.toml")
    made.command("--now", "2021-05-15 09:00", "adherence", "import", files / "adhesions-2021-05-15.csv", "--yes")
    return made


def link(letter, kind):
    return re.search(rf'"http[^"]+(/{kind}/[a-z2-7]{{40}}(?:\.gif)?)', letter.html)[1]


def planned(world):
    """From the ready-made campaign to planned waves, by two people on pages; returns the campaign's address."""
    author, approver = world.person(WRITTEN, "author"), world.person(WRITTEN, "approver")
    begun = author.send(
        "/campaigns", {"definition": "invitation-volet-1"}, page="/campaigns/begin?definition=invitation-volet-1"
    ).location
    address = begun.removesuffix("/audience")
    boxes = {"asked": "1", "network": NETWORK, "line": "1:school_status", "concerns": "open"}
    boxes |= {"1.strand": "1", "1.statuses": OPEN, "1.which": "any"}
    assert author.send(f"{address}/audience", boxes).status_code == 302
    letter = typed(author, address)
    letter["letter"][-1] += f"\n\nTout savoir : [le programme]({PROGRAMME}).\n"
    assert author.send(f"{address}/letter", letter).status_code == 302
    assert dated(author, address, day="18/05/2021", reminders="14").status_code == 302
    assert author.send(f"{address}/submission", page=f"{address}/check").status_code == 302
    assert approver.send(f"{address}/approval", page=f"{address}/check").status_code == 302
    assert author.send(f"{address}/waves", page=f"{address}/check").status_code == 302
    return address


def meant(database):
    """Whom the segment means, read from the sample's rows by hand: {address: FASE numbers of its open schools}."""
    found = {}
    with database.reading() as session:
        records = select(AdherenceRecord.school_id, AdherenceRecord.status).join(Strand).where(Strand.number == 1)
        latest = dict(session.execute(records.order_by(AdherenceRecord.effective_on, AdherenceRecord.id)).all())
        secondary = Teaching.education_type.in_(types_of(Level.SECONDARY))
        query = (
            select(Contact.address, School.id, School.fase)
            .join(Ownership, Ownership.authority_id == Contact.authority_id)
            .join(School, School.id == Ownership.school_id)
            .join(Authority, Authority.id == Contact.authority_id)
            .join(Network, Network.id == Authority.network_id)
            .where(Network.code == NETWORK, School.id.in_(select(Teaching.school_id).where(secondary)))
        )
        for address, school, fase in session.execute(query):
            if latest.get(school, Status.NONE) in OPEN:
                found.setdefault(address, set()).add(fase)
    return found


@pytest.mark.journey
@pytest.mark.long
def test_from_the_register_to_a_reminder_that_leaves_out_whom_it_should(world, database):
    address = planned(world)
    number = address.rpartition("/")[2]
    expected = meant(database)

    world.work(SENT)
    letters = world.letters()
    assert set(letters) == set(expected)
    for to, letter in letters.items():
        listed = set(map(int, re.findall(r"FASE\s(8\d{4})\b", letter.text)))
        assert listed == expected[to] or len(expected[to]) > 25
    assert {row.state for row in _wave(database, 1)} == {MessageState.ACCEPTED}

    joined, helped, gone, bounced, read_only = sorted(letters, key=lambda to: len(expected[to]))[:5]
    public = world.pages(SENT + timedelta(hours=1)).test_client()
    for to in (joined, read_only):
        assert public.get(link(letters[to], "o"), headers=BROWSER).mimetype == "image/gif"
    assert public.get(link(letters[read_only], "c"), headers=BROWSER).location == PROGRAMME
    for to, answer in ((joined, "joined"), (helped, "help")):
        to_answer = link(letters[to], "a")
        form = as_a_person(public.application, to_answer, {"answer": answer})
        page = FlaskClient.post(public, to_answer, data=form, follow_redirects=True)
        assert "Votre réponse est enregistrée" in text_of(page), text_of(page)[:300]
    one_click = {"List-Unsubscribe": "One-Click"}
    assert FlaskClient.post(public, link(letters[gone], "u"), data=one_click).status_code == 422, "that of the text"
    keys = Keys(public.application.extensions["outreach.settings"].signing_keys)
    held = keys.read(link(letters[gone], "u").removeprefix("/u/"), TokenKind.UNSUBSCRIBE)
    in_header = f"/u/{keys.make(TokenKind.UNSUBSCRIBE, held.id, IN_HEADER)}"
    unsubscribed = FlaskClient.post(public, in_header, data=one_click)
    assert (unsubscribed.status_code, unsubscribed.data) == (200, b"")
    with database.writing() as session:
        assert contacts.record_bounce(session, bounced, now=SENT, actor="relais") == 1

    world.work(SENT + timedelta(hours=2))
    assert set(world.letters()) == {joined, helped}, "a confirmation each"

    world.work(REMINDED)
    reminded = world.letters()
    assert set(reminded) == set(expected) - {joined, helped, gone, bounced}
    assert all("rappel" in letter.text for letter in reminded.values())
    reasons = _reasons(database, 2)
    assert {to: reasons[to] for to in (joined, helped, gone, bounced)} == {
        joined: "joined",
        helped: "answered",
        gone: "suppressed",
        bounced: "bounced",
    }
    _the_same_numbers_everywhere(world, number, len(expected), len(expected[joined]))


def _the_same_numbers_everywhere(world, number, intended, declared):
    content = json.loads(world.command("campaign", "status", number, "--json"))
    first, second = content["waves"]
    assert (first["intended"], first["accepted"], first["withdrawn"]) == (intended, intended, {})
    assert (second["intended"], second["accepted"]) == (intended, intended - 4)
    assert second["withdrawn"] == {"answered": 1, "bounced": 1, "joined": 1, "suppressed": 1}
    came = content["counts"]
    assert (came["recipients"], came["answered"], came["declared"]) == (intended, 2, 1)
    assert (came["handed_over"], came["returned"]) == (intended, 0), "the mailbox was noted by hand"
    assert content["answers"] == {"joined": 1, "help": 1}
    (measured,) = content["measured"]
    assert (measured["opens"]["human"], measured["clicks"]["human"]) == (2, 1)
    author = world.person(REMINDED + timedelta(hours=1), "author")
    shown = text_of(author.get(f"/campaigns/{number}/progress"))
    assert f"Reçoivent {intended} Reçoivent" in shown
    assert "2 Ont répondu" in shown
    assert re.search(rf"{re.escape(measured['group'])} {measured['delivered']} 1 2 ", shown), shown[-900:]
    for wave in (first, second):
        of_wave = f"wave={wave['number']}&figure=targeted"
        shown = text_of(author.get(f"/campaigns/{number}/authorities?{of_wave}&outcome=accepted"))
        assert re.search(rf", {wave['accepted']}\scourriels?\b.*Filtré : Remis", shown), shown[:900]
        _, rows, *_ = tables_of(author, f"/campaigns/{number}/authorities/export.csv?{of_wave}")
        assert len(rows) == wave["intended"]
        outcomes = Counter(row["Issue"] for row in rows)
        assert outcomes == +Counter({"Remis": wave["accepted"], "Écartés": sum(wave["withdrawn"].values())})
    situation = json.loads(world.command("report", "situation", "--as-of", "2021-06-01", "--json"))
    strand = situation["total"]["strands"]["1"]
    assert (strand["joined"], strand["declared"]) == (48, declared)
    page = text_of(author.get("/?as_of=2021-06-01"))
    assert f"{declared} le déclarent, volet 1" in page or f"{declared} autre déclare y adhérer" in page
    assert "2 choses vous attendent" in page
    checked = json.loads(world.command("verify", "--json"))
    assert (checked["ok"], checked["breaches"], checked["audit"]["fault"]) == (True, [], "")


def _reasons(database, wave):
    return {row.address or row.address_key: row.reason for row in _wave(database, wave) if row.reason}


def _wave(database, number):
    with database.reading() as session:
        mailing = session.scalars(select(Wave.mailing_id).where(Wave.number == number)).one()
        return session.scalars(select(Message).where(Message.mailing_id == mailing)).all()
