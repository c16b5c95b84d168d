"""Mails that strangers write to stop the reading of others: each is refused or set aside, and the next one is read."""

import threading
import time

import pytest
from sqlalchemy import select

from outreach.delivery import bounces, received
from outreach.delivery.bounces import Folder
from outreach.delivery.received import MailVerdict, ReceivedMail, Trust
from outreach.delivery.received._reading import MOST_LINES, MailKind, UnreadableMailError, read
from tests.conftest import NOW
from tests.delivery.received.corpus import KEYS, mail

pytestmark = pytest.mark.postgresql
PARAMETERS = 'a="' + '\\";' * 2600 + '"'


def part(number):
    kind = f"Content-Type: text/plain; {PARAMETERS}\r\nContent-Disposition: attachment; {PARAMETERS}"
    return f"--B\r\n{kind}\r\n\r\n{number}\r\n"


HOSTILE = {
    "groups without end": b"From: " + b"a:" * 1000 + b"\r\n\r\nx",
    "a name that grows as its case is folded": f"From: {'ﬃ' * 200}@b.example\r\n\r\nx".encode(),
    "lines that only CR ends": b"From: a@b.example\r\n\r\n" + b"a\r" * 1_000_000,
    "headers that only CR ends": b"From: a@b.example\r\n" + b"X: a\r" * 500_000,
    "parameters": "".join(
        ("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n", *map(part, range(190)), "--B--\r\n")
    ).encode(),
    "subjects in punycode": b"From: a@b.example\r\n" + b"Subject: =?punycode?b?" + b"YWJj" * 1900 + b"?=\r\n" * 400,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_costs_little_and_fails_nothing(database, content):
    begun = time.process_time()
    received.take_in(database, content, KEYS, Trust(), now=NOW)
    assert time.process_time() - begun < 4
    received.take_in(database, mail("Oui.", sender="a@b.example"), KEYS, Trust(), now=NOW)
    with database.reading() as session:
        assert "Oui." in session.scalars(select(ReceivedMail.text)).all()


class Box:
    """A mailbox of two mails."""

    def __init__(self):
        self.mails, self.folders = {"1": b"bad", "2": b"good"}, {}

    def keys(self, _most):
        return list(self.mails)

    def read(self, keys, _whole=0):
        return {key: self.mails[key] for key in keys}

    def put_away(self, keys, folder):
        self.folders |= dict.fromkeys(keys, folder)


def test_a_mail_at_which_reading_fails_is_set_aside_and_the_next_is_read(caplog):
    def take(content):
        if content == b"bad":
            raise ZeroDivisionError
        return Folder.HANDLED

    box = Box()
    assert bounces.handle_each(box, take, threading.Event(), 10)
    assert box.folders == {"1": Folder.FOR_PEOPLE, "2": Folder.HANDLED}
    assert "set aside" in caplog.text


PERSONS = {
    "Absence prolongée de notre directrice": "Nous répondrons.",
    "Re: Absence": "Nous répondrons.",
    "Volet 1": "Réponse automatique reçue de la commune, je vous écris donc ici.",
    "Re: Volet 1": "Voici un message automatique que j’ai reçu.",
}


@pytest.mark.parametrize(("subject", "text"), PERSONS.items())
def test_what_a_person_writes_about_an_absence_is_a_person_s(subject, text):
    assert read(mail(text, sender="a@b.example", subject=subject), KEYS).kind is MailKind.PERSON


def test_words_that_came_over_a_list_are_a_person_s_and_what_may_be_a_return_is_for_people(database):
    assert read(mail("Oui.", sender="a@b.example", Precedence="list"), KEYS).kind is MailKind.PERSON
    taken = received.take_in(database, mail("Oui.", sender="mailer-daemon@b.example"), KEYS, Trust(), now=NOW)
    assert (taken.verdict, taken.is_unsure) == (MailVerdict.RETURN, True)


@pytest.mark.parametrize(
    ("said", "of", "kind"),
    [
        ("Nous adhérons.", {}, MailKind.PERSON),
        ("Nous adhérons.", {"Auto_Submitted": "auto-replied"}, MailKind.AUTOMATIC),
        ("Nous adhérons.", {"subject": "Volet 1"}, MailKind.RETURN),
        ("Nous adhérons.", {"subject": "Re: Undeliverable: Volet 1"}, MailKind.RETURN),
        ("Nous adhérons.", {"Return_Path": "<>"}, MailKind.RETURN),
        ("Nous adhérons.", {"X_Failed_Recipients": "a@b.example"}, MailKind.RETURN),
        ("Nous adhérons.", {"Sender": "MAILER-DAEMON@b.example"}, MailKind.RETURN),
        ("La boîte est pleine (552 5.2.2).", {}, MailKind.RETURN),
    ],
)
def test_a_postmaster_who_answers_a_letter_is_a_person_where_nothing_names_a_program(said, of, kind):
    assert read(mail(said, sender="postmaster@ecole.example", **of), KEYS).kind is kind


@pytest.mark.long
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_lines_are_counted_however_they_end(end):
    """The parser splits at each of them, and holds each line."""
    head = b"From: a@b.example" + end * 2
    assert read(head + (b"a" + end) * (MOST_LINES - 2), KEYS).text
    with pytest.raises(UnreadableMailError):
        read(head + (b"a" + end) * (MOST_LINES - 1), KEYS)
