"""Handing the answer page to a colleague: the mail is ready, the person's own program sends it."""

from datetime import date
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import func, select

from outreach.adherence.models import Programme, Strand
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from outreach.engagement.replies import Question
from outreach.web.public.answer_page.pages import Forwarding
from tests.pages import elements
from tests.web.test_responses import counted, letters, wbe

__all__ = ["letters", "wbe"]
PAGE = "https://campagnes.example/a/" + "x" * 40


def words_of(mailto):
    parts = urlsplit(mailto)
    assert (parts.scheme, parts.path) == ("mailto", "")
    return {name: value for name, (value,) in parse_qs(parts.query).items()}


def test_the_mail_keeps_every_character_and_names_no_person():
    name = "C.P.A.S. d’Aÿ & fils?body=x#1\x00%0ABcc: a@b.be"
    authority = Authority(fase=9300, name=name)
    strand = Strand(number=2, name="Prêt & dépôt", circular="7831")
    forwarding = Forwarding.of(Question(authority, Programme(), strand, []), date(2026, 12, 19), PAGE)
    words = words_of(forwarding.mailto)
    assert words.keys() == {"subject", "body"}
    assert words["subject"] == forwarding.subject
    assert words["body"].replace("\r\n", "\n") == forwarding.text
    assert PAGE in words["body"].split()
    assert authority.display_name.replace("\x00", "") in words["body"].replace("\u00a0", " ").replace("\u202f", " ")
    EmailMessage()["Subject"] = words["subject"]  # refuses a line end


def test_the_page_offers_it_and_nothing_is_sent(client, wbe, sample_database):
    before = counted(sample_database)
    with sample_database.reading() as session:
        outbox = session.scalar(select(func.count()).select_from(Message))
    page = client.get(wbe)
    (link,) = elements(page, "a[@class='ds-button']")
    (text,) = elements(page, "textarea[@id='forwarded']")
    assert words_of(link.get("href"))["body"].replace("\r\n", "\n").strip() == text.text.strip()
    assert wbe in text.text
    with sample_database.reading() as session:
        assert (session.scalar(select(func.count()).select_from(Message)), counted(sample_database)) == (outbox, before)
