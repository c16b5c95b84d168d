"""Pages, files and commands call a colleague by name, wherever one has done something; never by address."""

import re
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from outreach.adherence.programmes import get_programme
from outreach.adherence.records import of_authority
from outreach.delivery.models import Suppression
from outreach.directory.authorities import authority_by_fase
from outreach.operations.demo import people
from tests.pages import elements, links, text_of

SHEET = "/directory/9300"
STATUS = {
    "strand": "1",
    "school": "all",
    "status": "joined",
    "word": "confirmed",
    "day": "2021-05-12",
    "source": "Appel téléphonique",
    "person": "",
    "note": "",
}


@pytest.fixture
def acts(author, sample_database):
    """What the author did: a campaign, two addresses, an exclusion and a status."""
    author.send(
        "/campaigns", {"definition": "invitation-volet-1"}, page="/campaigns/begin?definition=invitation-volet-1"
    )
    form = {"address": "direction@ecole.be", "kind": "impersonal", "name": ""}
    author.send(f"{SHEET}/contacts", form, page=f"{SHEET}/contacts/new")
    addresses = re.findall(rf"{SHEET}/contacts/(\d+)/retirement", author.get(f"{SHEET}/contacts").text)
    excluded, retired = (f"{SHEET}/contacts/{number}" for number in addresses)
    author.send(f"{excluded}/exclusion", {"note": "Demandé par téléphone"}, page=f"{excluded}/exclusion")
    author.send(f"{retired}/retirement", page=f"{retired}/retirement")
    author.send(f"{SHEET}/statuses", STATUS)
    with sample_database.reading() as session:
        (entry,) = of_authority(session, authority_by_fase(session, 9300), get_programme(session))
        withdrawal = f"{SHEET}/statuses/{entry.number}/withdrawal"
        exclusion = session.scalars(select(Suppression.id).where(Suppression.detail == "Demandé par téléphone")).one()
    return withdrawal, f"/directory/exclusions/{exclusion}"


@pytest.mark.journey
@pytest.mark.long
def test_a_colleague_is_named_wherever_one_has_done_something(author, acts):
    person = people.person_for("author")
    withdrawal, exclusion = acts
    pages = ["/campaigns", f"{SHEET}/contacts", f"{SHEET}/statuses", withdrawal, "/directory/exclusions", exclusion]
    for page in [*pages, "/adherence/lists", "/adherence/lists/1"]:
        (told,) = (text_of(part) for part in elements(author.get(page), "main"))
        assert person.name in told, page
        assert person.email not in told, page
    listed = author.get("/directory/exclusions/export.csv").data.decode("utf-8-sig")
    assert f";{person.name};Demandé par téléphone;" in listed
    author.send(withdrawal)
    (told,) = (text_of(part) for part in elements(author.get(f"{SHEET}/statuses"), "main"))
    assert re.search(rf"Annulé le [^@]+ par {person.name}", told)
    assert person.email not in told


def test_whoever_lacks_a_role_reads_whose_task_it_is_and_writes_to_them_of_the_page(signed_in):
    reader, task = signed_in("reader"), "une personne qui a le rôle « rédaction »"
    for page, code in (("/notes/drafts/new?network=WBE", 403), (SHEET, 200)):
        shown = reader.get(page)
        assert (shown.status_code, task in spaced(text_of(shown))) == (code, True)
        ((address, name),) = links(shown, "mailto:nadia.lambert@")
        assert (name, unquote(address).endswith(page)) == ("Nadia Lambert", True)
    assert not links(signed_in("author").get(SHEET), "mailto:nadia")


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")
