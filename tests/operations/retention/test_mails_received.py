"""Mails received of a person: they are told, and go with the person and with time."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core.erasure import _digests as digests
from outreach.delivery import received
from outreach.delivery.received import ReceivedFile, ReceivedMail, Trust
from outreach.operations import retention
from outreach.operations.retention import RULES
from tests.conftest import NOW
from tests.delivery.received.corpus import KEYS, mail

ADDRESS, OTHER = "zoe.marquee@ecole.example", "x@ecole.example"
WORDS = "Mes mots à moi."


@pytest.fixture
def written(database, tmp_path):
    """A mail of one person, with a file, and one of another."""
    database.info |= {digests.INFO: "a key that only this installation has, 4f1c"}
    content = (
        f"From: Zoé Marquée <{ADDRESS}>\r\nSubject: Volet 1\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=B\r\n\r\n"
        f"--B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}\r\n"
        "--B\r\nContent-Type: application/pdf; name=zoe.pdf\r\n\r\nx\r\n--B--\r\n"
    )
    for one in (content.encode(), mail("Oui.", sender=OTHER)):
        received.take_in(database, one, KEYS, Trust(), ("pdf",), now=NOW)
    return database


def kept(database):
    with database.reading() as session:
        return session.scalars(select(ReceivedMail).order_by(ReceivedMail.id)).all()


def erase(database, folder):
    with database.reading() as session:
        planned = retention.plan_erasure(session, ADDRESS, has_sorting_list=True)
    retention.carry_out(database, planned, folder, now=NOW, actor="ada@fwb.example")


def test_what_is_known_of_a_person_has_their_mails_and_files_and_nobody_elses(written):
    with written.reading() as session:
        known = retention.known_of(session, ADDRESS)
    assert [row["text"] for row in known["received_mails"]] == [WORDS]
    assert [row["name"] for row in known["received_files"]] == ["zoe.pdf"]
    with written.reading() as session:
        assert [file.content for file in session.scalars(select(ReceivedFile))] == [b"x"]


def test_an_erased_person_s_mails_say_nothing_any_more_and_a_new_one_names_nobody(written, tmp_path):
    erase(written, tmp_path)
    first, other = kept(written)
    assert (first.sender_name, first.subject, first.text, first.folded) == ("", "", "", "")
    assert digests.is_mark(first.sender)
    assert digests.is_mark(first.sender_key)
    assert (other.sender, other.text) == (OTHER, "Oui.")
    with written.reading() as session:
        assert session.scalars(select(ReceivedFile)).all() == []
    received.take_in(written, mail("Encore.", sender=ADDRESS, name="Zoé"), KEYS, Trust(), now=NOW)
    again = kept(written)[-1]
    assert (again.sender, again.sender_name) == (first.sender, "")


def test_mails_go_after_their_time_with_what_is_told_of_their_files(written):
    rule = next(rule for rule in RULES if rule.name == "received_mails")
    for at, count in ((NOW + rule.period - timedelta(hours=1), 2), (NOW + rule.period + timedelta(hours=1), 0)):
        retention.forget_by_rule(written, rule, lambda at=at: at, threading.Event(), None)
        assert len(kept(written)) == count
