"""Whoever lacks a role reads whose task a page is, and asks those who have it by mail."""

import pytest
from sqlalchemy import func, select

from outreach.delivery.models import Mailing, Message, Purpose
from tests.pages import form_of, text_of

NEW = "/notes/drafts/new"


def asked(database):
    """To whom requests went, in order."""
    with database.reading() as session:
        query = select(Message.address).join(Mailing, Mailing.id == Message.mailing_id)
        return list(session.scalars(query.where(Mailing.purpose == Purpose.STAFF).order_by(Message.id)))


def test_a_refused_page_says_whose_task_it_is_and_leads_to_asking_for_it(signed_in, sample_database):
    reader = signed_in("reader")
    page = reader.get(f"{NEW}?network=WBE")
    assert (page.status_code, "Ceci revient à une personne qui a le rôle « rédaction »" in text_of(page)) == (403, True)
    address = "/ask/author?page=/notes/drafts/new?network%3DWBE"
    form = form_of(reader.get(address), "/ask/author")
    assert form["page"] == f"{NEW}?network=WBE"
    empty = reader.post("/ask/author", data=form)
    assert (empty.status_code, "Dites ce que vous demandez." in text_of(empty)) == (422, True)
    sent = reader.post("/ask/author", data=form | {"words": "Une note sur WBE, pour jeudi."})
    assert (sent.status_code, asked(sample_database)) == (302, ["nadia.lambert@fwb.example"])


def test_an_authority_s_sheet_says_whose_task_it_is_to_who_may_not_change_it(signed_in):
    shown = signed_in("reader").get("/directory/9300")
    assert "Corriger, écrire ou noter un appel revient à une personne qui a le rôle « rédaction »" in text_of(shown)
    assert 'href="/ask/author?page=/directory/9300"' in shown.text
    assert "/ask/" not in signed_in("author").get("/directory/9300").text


@pytest.mark.one_example
@pytest.mark.parametrize("page", ["//evil.example/x", "https://evil.example", "x", "/" + "x" * 500])
def test_no_other_address_than_a_page_of_ours_is_mailed(signed_in, sample_database, page):
    reader = signed_in("reader")
    assert reader.get("/ask/author", query_string={"page": page}).status_code == 404
    form = form_of(reader.get("/ask/author"), "/ask/author") | {"page": page, "words": "Cliquez."}
    assert (reader.post("/ask/author", data=form).status_code, asked(sample_database)) == (404, [])


@pytest.mark.long
def test_one_person_asks_so_often_in_an_hour(signed_in, sample_database, monkeypatch):
    monkeypatch.setattr("outreach.staff_mail.handing_over.MOST_AN_HOUR", 1)
    reader = signed_in("reader")
    form = form_of(reader.get("/ask/author"), "/ask/author") | {"words": "Une note."}
    assert [reader.post("/ask/author", data=form).status_code for _ in range(2)] == [302, 422]
    with sample_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mailing).where(Mailing.purpose == Purpose.STAFF)) == 1
