"""The mailbox of replies is read beside that of returns: each mail is kept once, whatever the server does meanwhile."""

from contextlib import closing

import pytest
from sqlalchemy import select

from outreach.core.settings import read
from outreach.delivery import received
from outreach.delivery.bounces import BoxError, KeptNotice
from outreach.delivery.bounces import _boxes as boxes
from outreach.delivery.received import ReceivedMail
from tests.conftest import NOW
from tests.delivery.bounces.returns import FIRST, THIRD, three_sent, told
from tests.delivery.mailboxes import Folders, Frail
from tests.delivery.received.corpus import BOX, KEYS, mail

HUGE = b"Subject: sans personne\r\n\r\nTexte\r\n"  # no sender: refused


@pytest.fixture
def returned(tmp_path):
    """The mailbox of returns."""
    with closing(Folders(tmp_path / "returned")) as made:
        yield made


@pytest.fixture
def settings(tmp_path, fresh_url, returned):
    """The settings of an installation; its mailbox of replies is named by each test."""
    named = {"DATA": tmp_path / "data", "DATABASE_URL": fresh_url, "BOUNCES_URL": returned.url}
    named |= {"TOKEN_KEYS": KEYS.keys[0].decode()}
    return read({f"OUTREACH_{name}": str(value) for name, value in named.items()})


@pytest.fixture
def mailing(database):
    return three_sent(database)


def collect(database, settings, box, **named):
    received.collect_mails(database, settings.model_copy(update={"replies_url": box.url, **named}), lambda: NOW)


def texts(database):
    with database.reading() as session:
        return session.scalars(select(ReceivedMail.text).order_by(ReceivedMail.text)).all()


def written(*words):
    return [mail(said, sender=f"{said.casefold()}@ecole.example", to=BOX) for said in words]


def test_mails_are_kept_once_and_what_is_unreadable_is_put_aside_for_people(database, settings, box):
    first, second = written("Oui", "Non")
    box.put(first, b"Received: from x\r\n" + first, second, HUGE)
    collect(database, settings, box)
    box.put(first)
    collect(database, settings, box)
    assert texts(database) == ["Non", "Oui"]
    assert [len(box.lying(folder)) for folder in ("", "traites", "a-lire")] == [0, 4, 1]


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("command", [b"AUTHENTICATE", b"FETCH", b"COPY"])
def test_a_server_that_dies_or_hangs_loses_nothing_and_gives_nothing_twice(
    database, settings, server, command, hangs, monkeypatch
):
    monkeypatch.setattr(boxes, "TIMEOUT_SECONDS", 0.5)
    server.empty()
    server.put(*written("Oui", "Non"))
    unread = pytest.raises(BoxError, match="La boîte des réponses ne se lit pas")
    with closing(Frail(server.port, command, hangs=hangs)) as line, unread:
        collect(database, settings, line)
    assert len(server.lying()) == 2
    monkeypatch.undo()
    collect(database, settings, server)
    assert texts(database) == ["Non", "Oui"]
    assert [len(server.lying(folder)) for folder in ("", "traites")] == [0, 2]


@pytest.mark.parametrize("box", ["maildir"], indirect=True)
def test_letters_name_the_mailbox_once_it_has_been_read_and_as_long_as_it_is_named(database, settings, box):
    named = f"{box.url}?address=r@fwb.example&marks=on"
    with pytest.raises(BoxError):
        collect(database, settings, box, replies_url=named.replace("?", "/none?"))
    assert named_by(database) == ""
    collect(database, settings, box, replies_url=named)
    assert named_by(database) == "r+@fwb.example"
    collect(database, settings, box, replies_url="")
    assert named_by(database) == ""


def named_by(database):
    with database.reading() as session:
        return received.replies_address(session)


@pytest.mark.parametrize("box", ["maildir"], indirect=True)
def test_a_mailbox_that_cannot_be_read_keeps_nobody_from_the_other(database, settings, box):
    box.put(*written("Oui"))
    with pytest.raises(BoxError, match="La boîte des retours"):
        collect(database, settings, box, bounces_url="maildir:///nowhere/at/all")
    assert texts(database) == ["Oui"]


@pytest.mark.parametrize("box", ["maildir"], indirect=True)
@pytest.mark.parametrize("is_one", [False, True])
def test_what_a_person_wrote_to_the_mailbox_of_returns_is_a_reply_where_replies_are_read(
    database, mailing, settings, box, returned, is_one
):
    returned.put(told(database, mailing, "human", THIRD), told(database, mailing, "postfix", FIRST))
    collect(database, settings, box, replies_url="")
    assert (texts(database), len(returned.lying("a-lire"))) == ([], 1)
    returned.put(*returned.lying("a-lire"))
    for _ in range(2):
        collect(database, settings, returned if is_one else box)
    with database.reading() as session:
        kept = session.scalars(select(ReceivedMail)).one()
        assert (kept.attached_by, len(session.scalars(select(KeptNotice)).all())) == ("mark", 2)
