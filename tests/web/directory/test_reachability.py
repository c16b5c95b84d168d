"""The state of mailboxes: whom no letter reaches, by network, who looks after them, and a campaign to the others."""

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.campaigns.segments._stored_lists import AuthorityListMember
from outreach.directory import authorities, confirmations, contacts
from outreach.directory.confirmations import ConfirmationWay
from outreach.engagement.mailboxes import Freshness
from tests.application import ASKED_AT
from tests.conftest import NOW
from tests.pages import cells, elements, links, text_of
from tests.web.campaigns.test_progress import stop_clock

LIST = "/directory/reachability"
WITHOUT = f"{LIST}?state=no_mailbox&state=bounced"
SHEET = "/directory/9300/reachability"


@pytest.fixture
def troubled(sample_database, now):
    """The sample, in which 9300 has no address any more and that of 9302 bounced."""
    with sample_database.writing() as session:
        bare, bounced = (authorities.authority_by_fase(session, fase) for fase in (9300, 9302))
        for held in contacts.contacts_of(session, bare):
            contacts.retire(session, bare, held, now=now, actor="x")
        for held in contacts.contacts_of(session, bounced):
            held.bounced_at = now
    return sample_database


def fases_of(response):
    """The FASE numbers of a file."""
    return [row[0] for row in csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";")][1:]


def test_the_list_its_file_and_the_sentence_that_leads_there_count_the_same(author, signed_in, troubled):
    home = signed_in("administrator").get("/")
    (leads,) = [address for address, _ in links(home, LIST)]
    page = author.get(leads)
    assert [text_of(entry) for entry in elements(page, "nav//a[@aria-current='page']")][:1] == ["Annuaire"]
    listed, _ = elements(page, "table")
    assert f"{len(cells(listed)) - 1} pouvoirs organisateurs sans contact" in text_of(home)
    assert "en échec depuis le 15 mai 2021" in text_of(listed)
    fases = fases_of(author.get(leads.replace("?", "/export.csv?")))
    assert [f"FASE {fase}" in row[1] for fase, row in zip(fases, cells(listed)[1:], strict=True)] == [True] * len(fases)
    assert {"9300", "9302"} <= set(fases)


def test_faults_are_listed_first_and_the_rest_is_a_count_that_leads_to_them(author, troubled):
    page = author.get(LIST)
    listed, _ = elements(page, "table")
    assert not {"Jamais confirmée", "Confirmée"} & {row[2] for row in cells(listed)}
    (address, told), *_ = links(page, f"{LIST}?state=unconfirmed")
    figure = told.removesuffix(" à la boîte jamais confirmée")
    assert f"{figure} pouvoirs organisateurs : jamais confirmée" in text_of(author.get(address))


def test_whom_one_follows_is_listed_in_any_state(author):
    author.send(f"{SHEET}/owner", {"to": "nadia.lambert@fwb.example"}, page=SHEET)
    assert "9300" not in fases_of(author.get(f"{LIST}/export.csv"))
    assert fases_of(author.get(f"{LIST}/export.csv?owner=me")) == ["9300"]


@pytest.mark.long
def test_figures_by_network_lead_to_as_many_and_the_definitions_are_on_the_page(author, troubled):
    page = author.get(LIST)
    assert "Une boîte peut servir, mais aucune réponse n’en est venue" in text_of(page)
    table = elements(page, "table")[-1]
    for address, figure in links(table, LIST, without={"ds-sr-only"})[:4]:
        assert f"{figure} pouvoir" in text_of(author.get(address))
    *rows, total = [[int(text.split(" PO")[0].replace(" ", "")) for text in row[1:]] for row in cells(table)[1:]]
    assert [sum(column) for column in zip(*rows, strict=True)] == total


@pytest.mark.journey
@pytest.mark.long
def test_ticked_authorities_are_handed_over_with_a_day_and_found_again_by_both(
    author, signed_in, troubled, monkeypatch
):
    stop_clock(monkeypatch, NOW)
    nobody_ticked = author.send(f"{LIST}/owner?state=bounced", {"to": "nadia.lambert@fwb.example"}, page=WITHOUT)
    assert (nobody_ticked.status_code, "Cochez au moins un" in nobody_ticked.text) == (422, True)
    given = {"pick": ["9300", "9302"], "to": "nadia.lambert@fwb.example", "day": "2021-05-17"}
    assert author.send(f"{LIST}/owner?state=bounced", given, page=WITHOUT).status_code == 302
    assert set(fases_of(author.get(f"{LIST}/export.csv?owner=me&recall=any"))) == {"9300", "9302"}
    assert "à rappeler lundi" in text_of(author.get(f"{LIST}?owner=me"))
    assert signed_in("reader").get(f"{LIST}?owner=me").text.count("à rappeler") == 0
    assert signed_in("reader").post(f"{LIST}/owner").status_code in {400, 403}
    past = author.send(f"{SHEET}/recall", {"day": "2021-05-01"}, page=SHEET)
    assert (past.status_code, 'href="#day"' in past.text) == (422, True)
    author.send(f"{SHEET}/recall", {"never": "1"}, page=SHEET)
    author.send(f"{SHEET}/owner", {"nobody": "1"}, page=SHEET)
    assert set(fases_of(author.get(f"{LIST}/export.csv?owner=me"))) == {"9302"}
    assert "Plus suivie" in text_of(author.get(SHEET))
    assert "Boîtes suivies par personne." in author.get("/directory/9300/history").text


@pytest.mark.long
def test_a_mailbox_that_somebody_confirmed_wants_no_work_any_more(author, sample_database):
    assert "9300" in fases_of(author.get(f"{LIST}/export.csv?state=unconfirmed"))
    (address,) = [
        form.get("action") for form in elements(author.get(SHEET), "form") if form.get("action")[-1].isdigit()
    ]
    assert author.send(address, {"note": "appelée, Mme Dubois"}, page=SHEET).status_code == 302
    assert "9300" in fases_of(author.get(f"{LIST}/export.csv?state=confirmed"))
    assert "par Nadia Lambert : appelée, Mme Dubois" in text_of(author.get(SHEET))


@pytest.mark.long
def test_a_campaign_begins_with_those_of_the_list_whom_mail_can_reach(author, troubled):
    query = "state=no_mailbox&state=bounced&state=unconfirmed"
    begun = author.begin(f"{LIST}/campaign?{query}")
    assert begun.status_code == 302
    page, audience = text_of(author.get(f"{LIST}?{query}")), text_of(author.get(begun.location))
    assert "État des boîtes : Jamais confirmée" in audience
    (listed,) = {int(number.replace(" ", "")) for number in re.findall(r"(\d[\d ]*) pouvoirs organisateurs :", page)}
    (reached,) = {int(number.replace(" ", "")) for number in re.findall(r"Écrire à ces ([\d ]+) PO", page)}
    assert 0 < reached < listed
    with troubled.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuthorityListMember)) == reached


def test_the_list_is_filtered_by_when_addresses_were_confirmed_and_only_of_those_a_letter_reaches(author, troubled):
    ages = {9303: 10, 9304: 400, 9305: 800, 9302: 10}
    with troubled.writing() as session:
        for fase, days in ages.items():
            one = authorities.authority_by_fase(session, fase)
            key = contacts.contacts_of(session, one)[0].address_key
            confirmations.confirm(session, one.id, key, ConfirmationWay.CALL, at=ASKED_AT - timedelta(days=days))
    found = {age: set(fases_of(author.get(f"{LIST}/export.csv?confirmed={age}"))) for age in Freshness}
    assert (found[Freshness.YEAR], found[Freshness.TWO_YEARS]) == ({"9303"}, {"9304"})
    assert "9305" in found[Freshness.STALE]
    assert not found[Freshness.STALE] & {"9300", "9302", "9303", "9304"}
    page = author.get(f"{LIST}?confirmed=year")
    assert "adresse confirmée depuis moins d’un an" in text_of(page)
    assert "confirmée le 21 novembre 2026 (appel, joint)" in text_of(page)
