"""The mailbox of notices: a Maildir on disk, and an IMAP server of its own process (pymap)."""

import socket
import threading
import time
from contextlib import closing, suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
import trustme

from outreach.core.settings import read
from outreach.core.text.errors import Refused
from outreach.delivery import bounces, workers
from outreach.delivery.bounces import BoxError, Folder, Handling, NoticeVerdict
from outreach.delivery.bounces import _handling as handling
from outreach.delivery.bounces._boxes import ImapBox, MaildirBox
from outreach.delivery.bounces._parsing import MOST_BYTES
from outreach.delivery.models import MessageState
from tests.conftest import NOW
from tests.delivery.bounces.returns import FIRST, KEYS, SECOND, THIRD, three_sent, told
from tests.delivery.conftest import states
from tests.delivery.mailboxes import Server, Wrapped

LATER = NOW + timedelta(hours=1)
SMALL = b"From: a@b.example\r\nSubject: Bonjour\r\n\r\nTexte\r\n"


@pytest.fixture
def mailing(database):
    return three_sent(database)


def test_the_first_megabyte_is_read_and_nothing_is_touched(box):
    box.put(SMALL, SMALL + b"a" * (2 * MOST_BYTES))
    with bounces.open_box(box.url) as opened:
        keys = opened.keys(10)
        sizes = sorted(len(content) for content in opened.read(keys).values())
    assert sizes == [len(SMALL), MOST_BYTES]
    assert len(box.lying()) == 2


@pytest.mark.parametrize("end", [[b" UID 7)"], [b" FLAGS (\\Recent) UID 7)", b"9 (UID 3 FLAGS (\\Seen))"]])
def test_a_server_may_name_a_mail_behind_its_content(end):
    answers = [(b"1 (BODY[]<0> {4}", b"Oui."), *end, (b"2 (UID 8 BODY[]<0> {4}", b"Non."), b")"]
    client = SimpleNamespace(uid=lambda *_: ("OK", answers))
    folder = SimpleNamespace(get=lambda: "INBOX")
    box = ImapBox(SimpleNamespace(client=client, folder=folder))
    assert box.read(["7", "8"]) == {"7": b"Oui.", "8": b"Non."}


@pytest.mark.parametrize("refused", [b"", b" NO refused\r\n"], ids=["as one signs in", "as one signs out"])
def test_a_server_that_drips_its_answer_does_not_keep_a_pass_for_good(monkeypatch, refused):
    monkeypatch.setattr("outreach.delivery.bounces._boxes.PASS_SECONDS", 0.1)
    dripped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, args=(listening, dripped, refused), daemon=True).start()
        with pytest.raises(BoxError), bounces.open_box(f"imap://a:b@127.0.0.1:{listening.getsockname()[1]}/INBOX"):
            pass
    assert not dripped.is_set()


def drip(listening, dripped, refused):
    connection, _ = listening.accept()
    with connection, suppress(OSError):
        connection.sendall(b"* OK ready\r\n")
        tag = connection.recv(1000).split()[0]
        connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
        if refused:
            connection.sendall(connection.recv(1000).split()[0] + refused)
        for _ in range(100):
            connection.sendall(b"*")
            time.sleep(0.05)
        dripped.set()


def test_so_many_are_named_and_no_more_the_oldest_first(box):
    box.put(*(SMALL.replace(b"Texte", str(number).encode()) for number in range(5)))
    with bounces.open_box(box.url) as opened:
        assert len(opened.keys(10)) == 5
        first = opened.keys(2)
        assert len(first) == 2
        if isinstance(opened, ImapBox):
            assert [content[-3:-2] for content in opened.read(first).values()] == [b"0", b"1"]


def test_what_is_put_away_lies_in_its_folder_and_what_is_gone_is_nobody_s_business(box):
    box.put(SMALL, SMALL, SMALL)
    with bounces.open_box(box.url) as opened:
        one, two, three = opened.keys(10)
        opened.put_away([one], Folder.HANDLED)
        opened.put_away([two], Folder.FOR_PEOPLE)
        opened.put_away([one, two], Folder.HANDLED)
        assert list(opened.read([one, three])) == [three]
        assert opened.keys(10) == [three]
    assert [len(box.lying(folder)) for folder in ("", "traites", "a-lire")] == [1, 1, 1]


def test_who_looks_at_a_notice_does_not_take_it_away(box):
    box.put(SMALL)
    if isinstance(box, Server):
        box.client.folder.set("INBOX")
        box.client.flag(box.client.uids(), "\\Seen", True)
    else:
        ((key, message),) = box.box.items()
        message.set_subdir("cur")
        message.set_flags("S")
        box.box[key] = message
    with bounces.open_box(box.url) as opened:
        (only,) = opened.keys(10)
        opened.put_away([only], Folder.HANDLED)
        assert opened.keys(10) == []


@pytest.mark.parametrize("url", ["maildir:///nowhere/at/all", "imap://a:b@127.0.0.1:1/INBOX"])
def test_a_box_that_is_not_there_is_said(url):
    with pytest.raises(BoxError, match="ne se lit pas"), bounces.open_box(url) as opened:
        opened.keys(1)


@pytest.mark.parametrize(("old", "new"), [("s%C3%A9same", "faux"), ("INBOX", "Nulle-part")])
def test_a_wrong_password_or_folder_is_said(server, old, new):
    with pytest.raises(BoxError, match="ne se lit pas"), bounces.open_box(server.url.replace(old, new)) as opened:
        opened.keys(1)


def test_a_certificate_is_checked(server, tmp_path, monkeypatch):
    authority, path = trustme.CA(), tmp_path / "certificate.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    server.empty()
    server.put(SMALL)
    with closing(Wrapped(server.port, path)) as wrapped:
        url = f"imaps://retours:s%C3%A9same@localhost:{wrapped.port}/INBOX"
        with pytest.raises(BoxError, match="CERTIFICATE_VERIFY_FAILED"), bounces.open_box(url):
            pass
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        with bounces.open_box(url) as opened:
            (only,) = opened.keys(10)
            opened.put_away([only], Folder.HANDLED)


@pytest.fixture
def settings(tmp_path, fresh_url, box):
    return read(
        {
            "OUTREACH_DATA": str(tmp_path / "data"),
            "OUTREACH_DATABASE_URL": fresh_url,
            "OUTREACH_BOUNCES_URL": box.url,
            "OUTREACH_TOKEN_KEYS": KEYS.keys[0].decode(),
        }
    )


def collect(database, settings, **details):
    return handling.collect_notices(database, settings, lambda: LATER, **details)


def test_a_pass_handles_what_lies_there_and_puts_it_away(database, mailing, settings, box):
    box.put(
        told(database, mailing, "postfix", FIRST),
        told(database, mailing, "arf", SECOND),
        told(database, mailing, "human", THIRD),
        told(database, mailing, "exchange-nl", THIRD),
        told(database, mailing, "postfix", FIRST),
    )
    found = collect(database, settings)
    assert found.as_json()["verdicts"] == {
        **dict.fromkeys(NoticeVerdict, 0), "failed": 2, "complaint": 1, "human": 1, "undetermined": 1,
    }  # fmt: skip
    assert (found.known, found.handled[Handling.EXCLUDED], found.handled[Handling.COMPLAINED]) == (1, 1, 1)
    assert [len(box.lying(folder)) for folder in ("", "traites", "a-lire")] == [0, 3, 2]
    assert states(database, mailing)[FIRST].state is MessageState.REFUSED
    assert collect(database, settings).as_json()["read"] == 0


def test_killed_before_it_is_put_away_a_notice_is_known_the_next_time(
    database,
    mailing,
    settings,
    box,
    monkeypatch,
):
    box.put(told(database, mailing, "postfix", FIRST), told(database, mailing, "gmail", SECOND))

    def die(*_details):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        for kind in (MaildirBox, ImapBox):
            patched.setattr(kind, "put_away", die)
        with pytest.raises(KeyboardInterrupt):
            collect(database, settings)
    assert len(box.lying()) == 2
    before = {address: row.settled_at for address, row in states(database, mailing).items()}
    found = collect(database, settings)
    assert (found.known, found.handled.total()) == (2, 0)
    assert {address: row.settled_at for address, row in states(database, mailing).items()} == before
    assert (len(box.lying()), len(box.lying("traites"))) == (0, 2)


def test_a_pass_ends_when_asked_and_after_so_many(database, mailing, settings, box, monkeypatch):
    monkeypatch.setattr(handling, "AT_ONCE", 2)
    box.put(*(SMALL + str(number).encode() for number in range(7)))
    assert collect(database, settings, most=3).as_json()["read"] == 3
    asked = threading.Event()
    asked.set()
    assert collect(database, settings, stop=asked).as_json()["read"] == 0
    assert collect(database, settings).as_json()["read"] == 4


class Watched(threading.Event):
    """Remembers how long it was waited for."""

    def __init__(self):
        super().__init__()
        self.rests = []

    def wait(self, timeout=None):
        self.rests.append(timeout)
        return super().wait(timeout)


@pytest.mark.parametrize("box", ["maildir"], indirect=True)
def test_senders_have_their_turn_after_each_notice(database, settings, box):
    box.put(SMALL, SMALL + b"1", SMALL + b"2")
    stop = Watched()
    collect(database, settings, stop=stop)
    assert len(stop.rests) == 3
    assert min(stop.rests) > 0


@pytest.mark.parametrize("box", ["maildir"], indirect=True)
def test_two_processes_on_one_box_handle_each_notice_once(database, mailing, settings, box):
    box.put(*(told(database, mailing, name, FIRST) for name in ("postfix", "gmail", "exim", "exchange") * 5))
    found = []
    several = [threading.Thread(target=lambda: found.append(collect(database, settings))) for _ in range(3)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert sum(one.handled.total() for one in found) == 4
    assert sum(one.handled[Handling.EXCLUDED] for one in found) == 1
    assert box.lying() == []


@pytest.mark.parametrize("box", ["maildir"], indirect=True)
def test_a_copy_takes_nothing_away(database, settings, box, tmp_path):
    box.put(SMALL)
    with database.writing() as session:
        workers.settle_in(session, workers.read(tmp_path / "original"), now=NOW)
    real = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    with pytest.raises(Refused, match="autre installation"):
        collect(database, real)
    assert len(box.lying()) == 1
