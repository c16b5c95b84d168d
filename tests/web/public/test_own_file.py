"""« Votre dossier »: it begins under the answer page, all of it has pages, and it ends with the answers."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from outreach.adherence.models import Strand
from outreach.directory.models import Authority, Contact, Network
from tests.pages import elements, text_of
from tests.web.campaigns.test_progress import stop_clock
from tests.web.test_responses import LAST, finish, letters, wbe

__all__ = ["letters", "wbe"]


@pytest.mark.full
@pytest.mark.long
def test_the_answer_page_begins_the_file_and_leads_to_all_of_it_in_pages(client, wbe):
    assert "Lire école par école : 147 écoles" in text_of(client.get(wbe)).replace("\u00a0", " ")
    address = wbe.replace("/a/", "/a/file/")
    first, last = client.get(address), client.get(f"{address}?page=3")
    assert [len(elements(page, "tbody/tr")) for page in (first, last)] == [50, 47]
    assert "Ce qui a été répondu cette année scolaire Rien encore." in text_of(first)  # nothing was answered
    few = client.get(f"{address}?page=99")
    assert len(elements(few, "tbody/tr")) == 47


def test_neither_the_file_nor_the_sheet_counts_a_strand_before_its_opening(client, author, wbe, sample_database):
    with sample_database.writing() as session:
        second = session.scalars(select(Strand).where(Strand.number == 2)).one()
        second.opened_on = date(2099, 7, 31)
        fase = session.scalars(select(Authority.fase).join(Network).where(Network.code == "WBE")).one()
    for page in (client.get(wbe.replace("/a/", "/a/file/")), author.get(f"/directory/{fase}/statuses")):
        said = text_of(page).replace("\u00a0", " ")
        assert "Le volet 2 s’ouvre le 31 juillet 2099." in said
        assert [text_of(head) for head in elements(page, "thead/tr/th")][:3] in (
            ["École", "Volet 1"],
            ["École", "Volet 1", "Enregistré"],
        )


@pytest.mark.long
def test_the_file_names_no_person_and_no_address_but_the_contact(client, wbe, sample_database):
    who = {"name": "Zoé Dubois", "function": "Préfète", "copy_to": "prefet@ecole.be"}
    client.post(wbe, data={"answer": "joined", "comment": "Appelez Max.", **who})
    client.post(wbe, data={"answer": "wrong_contact", "proposed": "direction@ecole.be"})
    said = client.get(wbe.replace("/a/", "/a/file/")).text
    assert "Nous adhérons" in said
    for word in ("Zoé", "Préfète", "prefet@", "direction@", "Max"):
        assert word not in said
    with sample_database.reading() as session:
        assert not any(address in said for address in session.scalars(select(Contact.address)))
    assert said.count("@") == said.count("nadia.lambert@fwb.example") > 0


def test_ninety_days_after_the_last_wave_both_pages_show_the_contact_alone(client, wbe, sample_database, monkeypatch):
    finish(sample_database, ends=False)
    stop_clock(monkeypatch, LAST + timedelta(days=1))
    for address in (wbe, wbe.replace("/a/", "/a/file/")):
        page = client.get(address)
        said = text_of(page)
        assert "nadia.lambert@fwb.example" in said
        assert "Votre dossier" not in said
        assert "FASE" not in said


def test_a_wrong_link_has_no_file(client, wbe):
    assert client.get("/a/file/x").status_code == 404
    assert client.get(wbe.replace("/a/", "/a/file/").replace(wbe[3:8], "aaaaa")).status_code == 404
