"""The calendar's page: a month or a list of the same, addresses that ask for nothing, what a reader sees."""

from datetime import timedelta

import pytest

from outreach.campaigns.models import Campaign
from tests.application import planned
from tests.conftest import NOW
from tests.pages import elements, links, text_of


def test_a_month_shows_its_sendings_as_links_and_what_closes_it_by_name(signed_in, sample_database):
    planned(sample_database, NOW + timedelta(days=3))
    response = signed_in("reader").get("/calendar?month=2021-05")
    page, days = response.text, elements(response, "td")
    (cell,) = [day for day in days if elements(day, "time[@datetime='2021-05-18']")]
    assert [address for address, _ in links(cell)] == ["/campaigns/1"]
    assert "11 h Invitation au premier volet volet 1, première vague, planifiée" in text_of(cell)
    (closed,) = [day for day in days if elements(day, "time[@datetime='2021-05-13']")]
    assert (closed.get("class"), "Ascension" in text_of(closed)) == ("closed", True)
    assert "Lundi de Pentecôte" in page
    assert '<a href="/calendar" aria-current="page">' in page
    assert 'href="/calendar?month=2021-04"' in page
    assert 'href="/calendar?month=2021-06"' in page
    answered = signed_in("reader").get("/calendar?month=2021-06").text
    assert "Réponses attendues" in text_of(answered)


def test_the_list_says_the_same_and_no_day_without_anything(author, sample_database):
    planned(sample_database, NOW + timedelta(days=3))
    page = author.get("/calendar?month=2021-05&view=list").text
    assert "<table" not in page
    assert "mardi 18 mai 11 h Invitation au premier volet volet 1, première vague, planifiée" in text_of(page)
    assert "jeudi 13 mai fermé : Ascension" in text_of(page)
    assert 'datetime="2021-05-19"' not in page
    assert 'href="/calendar?view=list&amp;month=2021-04"' in page
    assert 'href="/calendar?month=2021-05"' in page


def test_a_sending_of_the_next_month_in_the_last_week_is_shown_on_a_phone_and_in_the_list(author, sample_database):
    planned(sample_database, NOW + timedelta(days=17))
    month = author.get("/calendar?month=2021-05")
    (cell,) = [day for day in elements(month, "td") if elements(day, "time[@datetime='2021-06-01']")]
    assert cell.get("class").split() == ["beside"]  # a phone hides those that are silent
    assert "1er juin 11 h Invitation au premier volet" in text_of(cell)
    assert "mardi 1er juin 11 h Invitation" in text_of(author.get("/calendar?month=2021-05&view=list"))
    assert "Ensuite : mardi 15 juin 2021 à 11 h, Invitation au premier volet (volet 1, relance 1)" in text_of(month)


def test_a_run_of_closed_days_says_where_it_ends_and_whom_it_spares(author):
    page = text_of(author.get("/calendar?month=2021-04&view=list"))
    assert "mardi 6 avril fermé : vacances de printemps jusqu’au 18 avril 2021 , sauf vers les communes" in page
    assert "mercredi 7 avril" not in page
    words = "Du 16 août 2021 au 31 août 2021, vacances d’été : rien ne part, sauf vers les communes"
    assert words in text_of(author.get("/calendar?month=2021-08"))


@pytest.mark.one_example
@pytest.mark.parametrize(
    "asked",
    ["", "x", "2021", "2021-13", "2021-00", "0000-01", "1999-12", "2100-01", "9999-12", "2021-05-01", "²021-05", "%00"],
)
def test_an_address_that_names_no_month_opens_this_one(author, asked):
    page = author.get(f"/calendar?month={asked}")
    assert page.status_code == 200
    assert 'aria-current="date"' in page.text


@pytest.mark.parametrize(("month", "near"), [("2000-01", ["2000-02"]), ("2099-12", ["2099-11"])])
def test_no_link_leaves_the_century(author, month, near):
    page = author.get(f"/calendar?month={month}")
    assert [link.get("href").partition("month=")[2] for link in elements(page, "a[@rel]")] == near


def test_a_month_without_a_sending_says_so_and_leads_on(author):
    page = author.get("/calendar?month=2030-03").text
    assert "Aucune vague en mars 2030." in text_of(page)
    assert 'href="/campaigns"' in page
    assert "sans avoir été comparés" in text_of(page)


def test_a_title_is_text(author, sample_database):
    author.send(
        "/campaigns", {"definition": "invitation-volet-2"}, page="/campaigns/begin?definition=invitation-volet-2"
    )
    with sample_database.writing() as session:
        campaign = session.get_one(Campaign, 1)
        campaign.title, campaign.starts_at = "<b>x</b>", NOW
    page = author.get("/calendar?month=2021-05").text
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "souhaitée, brouillon" in text_of(page)
