"""The pixel and the links of letters: what a token leads to, and nothing else; a hit is all that a GET may add."""

import threading
import time

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import EnvironBuilder

from outreach.campaigns import waves
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.core.db import Database
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Batch, Mailing, Message
from outreach.delivery.outbox import due_in
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.tracking import Hit, HitClass
from outreach.engagement.tracking._models import HitCount, NewHit, Tracker
from outreach.web.public import tracking_endpoint
from outreach.web.public.tracking_endpoint import GIF, Hits, Recent
from tests.application import planned
from tests.arriving import move_all
from tests.conftest import NOW, state_from
from tests.delivery.letters.linter import faults
from tests.web.public.test_recipient_pages import JUNK

PROGRAMME, QUESTIONS = "https://programme.example/volet-1?a=1&b=2", "https://programme.example/questions"
ALONE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def sending(app):
    return SenderIdentity.of(app.extensions["outreach.settings"])


@state_from("sample")
def linked_sample(database, settings):
    """The sample with a launched wave, whose letters have two links."""
    more = f"\n\nVoir [le programme]({PROGRAMME}) ou [la foire aux questions]({QUESTIONS}).\n"
    wave = planned(database, NOW, more)
    with database.writing() as session:
        waves.advance_wave(session, wave, SenderIdentity.of(settings), now=NOW)


@pytest.fixture
def mailing(linked_sample):
    with linked_sample.reading() as session:
        return session.scalars(select(Mailing.id)).one()


@pytest.fixture
def token(mailing, sending, sample_database):
    """The pixel's token and the first link's, of the biggest group."""
    with sample_database.reading() as session:
        identity = session.scalars(select(Tracker.public_id).order_by(Tracker.recipients.desc())).first()
    return {
        kind: sending.keys.make(kind, bytes.fromhex(identity), link)
        for kind, link in ((TokenKind.OPEN, 0), (TokenKind.CLICK, 1))
    }


@pytest.fixture
def at_once(app):
    """However long it takes, all that is asked for is asked for at one moment."""
    app.wsgi_app.clock = lambda: NOW


def counted(database):
    with database.reading() as session:
        query = select(HitCount.link, HitCount.hit_class, func.sum(HitCount.count))
        rows = session.execute(query.group_by(HitCount.link, HitCount.hit_class))
        return {(link, hit_class): count for link, hit_class, count in rows if count}


def test_a_pixel_is_answered_and_counted(client, token, sample_database):
    for _ in range(3):
        answer = client.get(f"/o/{token[TokenKind.OPEN]}.gif", headers=BROWSER)
        assert (answer.status_code, answer.data, answer.mimetype) == (200, GIF, "image/gif")
        assert len(answer.data) == 43
        assert "Set-Cookie" not in answer.headers
        assert ALONE.items() <= dict(answer.headers).items()
    assert counted(sample_database) == {(0, HitClass.HUMAN): 3}


def test_a_click_leads_where_the_letter_was_frozen_to_lead(client, token, sample_database):
    answer = client.get(f"/c/{token[TokenKind.CLICK]}?url=https://ailleurs.example", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (302, PROGRAMME)
    assert "Set-Cookie" not in answer.headers
    assert ALONE.items() <= dict(answer.headers).items()
    assert counted(sample_database) == {(1, HitClass.HUMAN): 1}


def test_asking_only_for_the_headers_is_a_machine_s(client, token, sample_database):
    assert client.head(f"/c/{token[TokenKind.CLICK]}", headers=BROWSER).status_code == 302
    assert client.head(f"/o/{token[TokenKind.OPEN]}.gif", headers=BROWSER).data == b""
    assert counted(sample_database) == {(0, HitClass.MACHINE): 1, (1, HitClass.MACHINE): 1}


@pytest.mark.long
def test_two_links_at_once_are_a_machine_s_the_first_as_well(client, token, sending, mailing, sample_database, at_once):
    with sample_database.reading() as session:
        identity = session.scalars(select(Tracker.public_id).order_by(Tracker.recipients.desc())).first()
    other = sending.keys.make(TokenKind.CLICK, bytes.fromhex(identity), 2)
    client.get(f"/c/{token[TokenKind.CLICK]}", headers=BROWSER)
    assert counted(sample_database) == {(1, HitClass.HUMAN): 1}
    client.get(f"/c/{other}", headers=BROWSER)
    assert counted(sample_database) == {(1, HitClass.MACHINE): 1, (2, HitClass.MACHINE): 1}


def test_a_burst_of_a_mailbox_measured_alone_is_kept_hit_by_hit(client, sending, mailing, sample_database, at_once):
    with sample_database.writing() as session:
        message = session.scalars(select(Message).where(Message.reason.is_(None)).limit(1)).one()
        contact = session.scalars(select(Contact).where(Contact.address_key == message.address_key)).one()
        given = {"reference": "DPO 1", "given_by": "DPO", "taken_on": NOW.date()}
        tracking.record_decision(session, contact, **given, now=NOW, actor="nadia.lambert@fwb.example")
        identity = bytes.fromhex(message.public_id)
    for link in (1, 2):
        client.get(f"/c/{sending.keys.make(TokenKind.CLICK, identity, link)}", headers=BROWSER)
    with sample_database.writing() as session:
        move_all(session)
        kept = session.execute(select(Hit.link, Hit.hit_class).order_by(Hit.id)).all()
    assert kept == [(1, HitClass.MACHINE), (2, HitClass.MACHINE)]
    assert counted(sample_database) == {}


@pytest.fixture
def statements(sample_database):
    """What the database is asked and told from here on."""
    said = []

    def note(_connection, _cursor, statement, *_rest):
        said.append(statement)

    event.listen(sample_database.engine, "before_cursor_execute", note)
    yield said
    event.remove(sample_database.engine, "before_cursor_execute", note)


def test_of_a_letter_nothing_is_looked_up_but_where_a_click_leads(
    client, sending, mailing, sample_database, statements
):
    with sample_database.reading() as session:
        letters = session.scalars(select(Message.public_id).where(Message.reason.is_(None)).limit(3)).all()
    first, second, third = map(bytes.fromhex, letters)
    statements.clear()
    for identity in (first, second):
        answer = client.get(f"/o/{sending.keys.make(TokenKind.OPEN, identity)}.gif", headers=BROWSER)
        assert (answer.status_code, answer.data) == (200, GIF)
    assert not [said for said in statements if "FROM messages" in said]
    for _ in range(2):
        click = client.get(f"/c/{sending.keys.make(TokenKind.CLICK, third, 1)}", headers=BROWSER)
        assert (click.status_code, click.headers["Location"]) == (302, PROGRAMME)
    assert len([said for said in statements if "FROM messages" in said]) == 1
    assert {said.split()[2] for said in statements if said.startswith("INSERT")} == {"hits_new"}
    with sample_database.reading() as session:
        came = session.execute(select(NewHit.public_id, NewHit.link)).all()
    assert sorted(came) == sorted([(letters[0], 0), (letters[1], 0), (letters[2], 1), (letters[2], 1)])


def test_a_click_on_no_link_of_a_letter_is_not_stored(client, sending, mailing, sample_database):
    with sample_database.reading() as session:
        identity = bytes.fromhex(session.scalars(select(Message.public_id).limit(1)).one())
    for _ in range(2):
        assert client.get(f"/c/{sending.keys.make(TokenKind.CLICK, identity, 99)}").status_code == 404
    with sample_database.reading() as session:
        assert session.scalars(select(NewHit.link)).all() == []


def test_a_group_that_came_since_is_counted_by_the_clock_then_at_once(app, client, token, sample_database, monkeypatch):
    pixel = f"/o/{token[TokenKind.OPEN]}.gif"
    monkeypatch.setattr(app.wsgi_app, "_looked_at", time.monotonic())  # just before it came
    client.get(pixel, headers=BROWSER)
    assert counted(sample_database) == {}
    with sample_database.writing() as session:
        move_all(session)
    assert counted(sample_database) == {(0, HitClass.HUMAN): 1}
    monkeypatch.setattr(app.wsgi_app, "_looked_at", float("-inf"))
    client.get(pixel, headers=BROWSER)
    assert counted(sample_database) == {(0, HitClass.HUMAN): 2}


@pytest.mark.parametrize("address", ["/o/{}.gif", "/c/{}"])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_nothing_but_reading_is_taken(client, token, sample_database, address, method):
    kind = TokenKind.OPEN if address.startswith("/o") else TokenKind.CLICK
    assert getattr(client, method)(address.format(token[kind])).status_code == 405
    assert counted(sample_database) == {}


def changed(token, place):
    other = "a" if token[place] != "a" else "b"
    return token[:place] + other + token[place + 1 :]


@pytest.mark.journey
@pytest.mark.long
def test_a_changed_character_anywhere_makes_a_token_worthless(client, token, sample_database):
    for place in range(40):
        assert client.get(f"/c/{changed(token[TokenKind.CLICK], place)}").status_code == 404
        assert client.get(f"/o/{changed(token[TokenKind.OPEN], place)}.gif").data == GIF
    assert counted(sample_database) == {}


@pytest.mark.one_example
@pytest.mark.parametrize("junk", [*JUNK, "%00", "../../etc/passwd", "٣" * 40, "x" * 39, "x" * 41])
def test_junk_gets_the_picture_or_the_neutral_page(client, token, sample_database, junk):
    assert client.get(f"/o/{junk}.gif").data == GIF
    page = client.get(f"/c/{junk}")
    assert (page.status_code, "Lien inconnu" in page.text) == (404, True)
    assert counted(sample_database) == {}


@pytest.mark.one_example
@pytest.mark.parametrize("added", [".", ">", "%3E", "&amp;", "="])
def test_what_a_mail_program_adds_is_stripped_once(client, token, added):
    assert client.get(f"/c/{token[TokenKind.CLICK]}{added}").status_code == 302
    assert client.get(f"/c/{token[TokenKind.CLICK].upper()}").status_code == 302
    assert client.get(f"/c/{token[TokenKind.CLICK]}{added}{added}").status_code == 404


@pytest.mark.one_example
@pytest.mark.parametrize("kind", sorted(set(TokenKind) - {TokenKind.CLICK}))
def test_a_token_of_another_kind_is_worth_nothing(client, token, sending, mailing, sample_database, kind):
    with sample_database.reading() as session:
        identity = session.scalars(select(Tracker.public_id)).first()
    assert client.get(f"/c/{sending.keys.make(kind, bytes.fromhex(identity), 1)}").status_code == 404


def test_a_genuine_token_of_a_link_that_is_not_there_is_unknown(client, sending, mailing, sample_database):
    with sample_database.reading() as session:
        identity = session.scalars(select(Tracker.public_id)).first()
    assert client.get(f"/c/{sending.keys.make(TokenKind.CLICK, bytes.fromhex(identity), 99)}").status_code == 404
    assert client.get(f"/c/{sending.keys.make(TokenKind.CLICK, bytes(8), 1)}").status_code == 404


def test_a_retired_key_counts_nothing(client, sending, mailing, sample_database):
    with sample_database.reading() as session:
        identity = session.scalars(select(Tracker.public_id)).first()
    retired = Keys((b"retired" * 6,)).make(TokenKind.CLICK, bytes.fromhex(identity), 1)
    assert client.get(f"/c/{retired}").status_code == 404


def test_without_a_database_a_picture_stays_a_picture_and_a_known_link_leads_on(app, client, token, sample_database):
    hits = app.wsgi_app
    assert client.get(f"/c/{token[TokenKind.CLICK]}").status_code == 302
    before = counted(sample_database)
    silent = Database("postgresql://nobody@127.0.0.1:1/none")
    hits.database = silent
    assert client.get(f"/c/{token[TokenKind.CLICK]}").status_code == 302
    assert client.get(f"/o/{token[TokenKind.OPEN]}.gif").data == GIF
    hits._known.clear()
    hits._leads.clear()
    assert client.get(f"/c/{token[TokenKind.CLICK]}").status_code == 503
    assert client.get(f"/o/{token[TokenKind.OPEN]}.gif").data == GIF
    silent.dispose()
    hits.database = sample_database
    assert counted(sample_database) == before


@pytest.mark.long
def test_letters_of_a_group_share_a_pixel_and_links_and_say_so(mailing, sending, sample_database):
    with sample_database.reading() as session:
        row = session.get_one(Mailing, mailing)
        due = due_in(session, session.scalars(select(Batch.id)).first(), now=NOW)
        made = Composer(sending, lambda: NOW)(session, row, due)
        groups = session.scalar(select(func.count()).select_from(Tracker))
    assert [faults(one.wire) for one in made.values() if faults(one.wire)] == []
    decoded = [one.wire.replace(b"=\r\n", b"").decode() for one in made.values()]
    pixels = {text.partition("/o/")[2][:40] for text in decoded}
    assert 1 <= len(pixels) <= groups
    assert all(text.count("/o/") == 1 and "/c/" in text for text in decoded)


def test_reading_a_letter_in_the_service_is_nobody_s_opening(author, mailing, sample_database):
    with sample_database.reading() as session:
        number = session.scalars(select(Campaign.id).order_by(Campaign.id.desc())).first()
        message = session.scalars(select(Message.id).where(Message.reason.is_(None)).limit(1)).one()
    page = FlaskClient.open(author, f"/campaigns/{number}/letters/{message}/html").text
    assert "/o/" not in page
    assert "/c/" not in page
    assert escape(PROGRAMME) in page
    assert "comptés par réseau" in page


def test_a_database_that_says_nothing_holds_nobody_up(app, client, token, sample_database, monkeypatch):
    hits, gate = app.wsgi_app, threading.Event()
    client.get(f"/o/{token[TokenKind.OPEN]}.gif")
    before = counted(sample_database)
    monkeypatch.setattr(tracking_endpoint, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(hits, "database", Silent(gate))
    assert client.get(f"/o/{token[TokenKind.OPEN]}.gif").data == GIF
    assert client.get(f"/c/{token[TokenKind.CLICK]}").status_code == 302, "the letter's links are known by its pixel"
    hits._known.clear()
    assert client.get(f"/c/{token[TokenKind.CLICK].upper()}").status_code == 503
    assert counted(sample_database) == before
    gate.set()


class Silent:
    """A database that does not answer before the gate opens, and then refuses."""

    def __init__(self, gate):
        self.gate = gate

    def writing(self):
        self.gate.wait(60)
        raise OperationalError("x", None, Exception())

    reading = writing


@pytest.mark.long
def test_an_address_met_before_is_still_read_for_its_method(client, token, sample_database):
    for _ in range(2):
        assert client.get(f"/c/{token[TokenKind.CLICK]}", headers=BROWSER).status_code == 302
        assert client.post(f"/c/{token[TokenKind.CLICK]}").status_code == 405
        assert client.head(f"/o/{token[TokenKind.OPEN]}.gif", headers=BROWSER).data == b""
    assert counted(sample_database) == {(0, HitClass.MACHINE): 2, (1, HitClass.HUMAN): 2}


@pytest.mark.journey
def test_of_the_many_spellings_of_an_address_one_is_remembered(app, client, token):
    click = token[TokenKind.CLICK]
    for place in range(10):
        assert client.get(f"/c/{click[:place]}{click[place:].upper()}.").status_code == 302
    assert client.get(f"/c/{click}").status_code == 302
    assert list(app.wsgi_app._leads._new) == [f"/c/{click}"]


def test_what_is_remembered_is_bounded_and_what_is_used_stays():
    recent = Recent(10)
    for number in range(100):
        recent.put(number, -number)
        assert recent.get(0) == 0
    assert sum(recent.get(number) is not None for number in range(100)) <= 20
    assert recent.get(99) == -99


@pytest.mark.one_example
@pytest.mark.parametrize("end", [".gif", ".GIF", ".gif>", ".gif%3E", "."])
def test_a_pixel_s_address_is_read_as_mail_programs_write_it(client, token, sample_database, end):
    assert client.get(f"/o/{token[TokenKind.OPEN]}{end}", headers=BROWSER).data == GIF
    assert counted(sample_database) == {(0, HitClass.HUMAN): 1}


ODD = [
    {"HTTP_RANGE": "bytes=0-1"},
    {"SERVER_PROTOCOL": "HTTP/1.0"},
    {"HTTP_USER_AGENT": ""},
    {"HTTP_USER_AGENT": "x" * 8_192},
    {"HTTP_USER_AGENT": "\xff\xfe\x00"},
    {"HTTP_COOKIE": "outreach=x; " * 500},
    {"HTTP_X_FORWARDED_FOR": "1.2.3.4, " * 500},
    {"HTTP_IF_NONE_MATCH": "*", "HTTP_ACCEPT": "application/json"},
    {"HTTP_HOST": "autre.example"},
    {"CONTENT_LENGTH": "x", "HTTP_TRANSFER_ENCODING": "chunked"},
    {"QUERY_STRING": "%ff%00&" * 100},
]


@pytest.mark.journey
@pytest.mark.long
def test_an_odd_request_gets_the_usual_answer(client, token):
    for odd in ODD:
        clicked = client.get(f"/c/{token[TokenKind.CLICK]}", environ_overrides=odd)
        assert (clicked.status_code, clicked.headers["Location"]) == (302, PROGRAMME), odd
        assert client.get(f"/o/{token[TokenKind.OPEN]}.gif", environ_overrides=odd).data == GIF, odd


def test_a_reader_is_told_by_who_asks_and_not_by_what_strangers_write(app, sample_database):
    """Else a scanner would look like many readers."""
    hits = Hits(app, sample_database, app.extensions["outreach.settings"])
    told = {hits._reader({"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": f"192.0.2.{n}"}) for n in range(3)}
    assert len(told) == 1
    behind = {hits._reader({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": f"192.0.2.{n}"}) for n in range(3)}
    assert len(behind) == 3, "the web server in front says whom it asks for"


def test_a_reader_who_says_nothing_of_itself_gets_the_usual_answer(app, token):
    started = []
    environ = EnvironBuilder(path=f"/c/{token[TokenKind.CLICK]}").get_environ()
    for name in ("HTTP_USER_AGENT", "HTTP_HOST", "QUERY_STRING", "REMOTE_ADDR"):
        environ.pop(name, None)
    assert b"".join(app.wsgi_app(environ, lambda status, _headers: started.append(status))) == b""
    assert started == ["302 Found"]
