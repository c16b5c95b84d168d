"""Pages of segments and lists: a list from numbers or a file, a segment saved from a campaign, and what has changed."""

import io

import pytest
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import Status
from outreach.campaigns import segments
from outreach.campaigns.segments import SchoolStatus
from outreach.directory.models import Authority
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import elements, form_of, links, text_of
from tests.programmes import PROGRAMME


@pytest.fixture
def fases(sample_database):
    """The first three FASE numbers of the sample."""
    with sample_database.reading() as session:
        return session.scalars(select(Authority.fase).order_by(Authority.fase).limit(3)).all()


@pytest.mark.journey
@pytest.mark.long
def test_a_list_is_made_of_known_numbers_and_what_is_none_is_named(author, fases):
    first, second, third = fases
    file = (io.BytesIO(f"FASE\n{third}\n".encode()), "po.csv")
    fields = {"name": "Pilotes", "numbers": f"{first} {second}\nNamur 999999"}
    response = author.send("/segments/lists", {**fields, "file": file}, page="/segments/lists")
    assert response.status_code == 422
    said = text_of(response)
    assert "Ligne 2 : « Namur » n’est pas un numéro FASE." in said
    assert "1 numéro n’est d’aucun PO connu : 999999." in said
    assert f"{first}\n{second}\n{third}</textarea>" in response.text
    made = author.send(
        "/segments/lists", {"name": "Pilotes", "numbers": " ".join(map(str, fases))}, page="/segments/lists"
    )
    page = author.get(made.location)
    assert "3 pouvoirs organisateurs" in text_of(page)
    assert author.get(f"{made.location}.csv").text.count("\n") == 4
    assert "Pilotes" in author.get("/segments/lists").text
    assert "Écrire à ces 3 PO" in text_of(page)
    begun = author.begin(f"{made.location}/campaign")
    assert "Visés 3 " in text_of(author.get(begun.location))


def test_where_several_programmes_are_loaded_a_segment_says_that_its_strands_are_those_of_the_campaign(
    author, sample_database
):
    with sample_database.writing() as session:
        segments.save_segment(
            session, "Sans réponse", SchoolStatus(strand=2, statuses=(Status.NONE,)), now=NOW, actor=AUTHOR
        )
    assert "au volet 2" in text_of(author.get("/segments/1"))
    assert "du programme de la campagne" not in text_of(author.get("/segments/1"))
    with sample_database.writing() as session:
        programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR)
    assert "au volet 2 du programme de la campagne" in text_of(author.get("/segments/1"))
    assert "au volet 2 du programme de la campagne" in author.get("/segments/export.csv").text


@pytest.mark.journey
@pytest.mark.long
def test_a_segment_is_saved_from_a_campaign_taken_by_another_and_says_where_it_is_used(author):
    addresses = [author.begin("/campaigns/begin?definition=invitation-volet-1").location for _ in range(2)]
    first, second = (address.split("/")[-2] for address in addresses)
    author.send(f"/campaigns/{first}/segment", {"name": "Secondaires"}, page=addresses[0])
    author.send(addresses[1], form_of(author.get(addresses[1]), "choices") | {"whom": "listed", "listed": "segment:1"})
    assert "Public repris du segment Secondaires , version 1" in text_of(author.get(addresses[1]))
    choices = form_of(author.get(addresses[0]), "choices") | {"whom": "some", "network": "WBE"}
    author.send(addresses[0], choices, page=addresses[0])
    assert "puis modifié dans cette campagne" in text_of(author.get(addresses[0]))
    author.send(f"/campaigns/{first}/segment", {"segment": "1"}, page=addresses[0])
    assert "Le segment a changé depuis : il en est à la version 2." in text_of(author.get(addresses[1]))
    said = text_of(author.get("/segments/1"))
    assert "1 (le segment a changé depuis)" in said
    begun = author.begin("/segments/1/campaign").location
    assert "Public repris du segment Secondaires , version 2" in text_of(author.get(begun))
    refused = author.send("/segments/1/name", {"name": "a\u202eb"}, page="/segments/1")
    assert (refused.status_code, [place for place, _ in links(refused, "#name")]) == (422, ["#name"])
    taken = author.send(f"/campaigns/{second}/segment", {"name": "Secondaires"}, page=addresses[1])
    assert (taken.status_code, [place for place, _ in links(taken, "#segment-")]) == (422, ["#segment-name"])
    [named], [fault] = (elements(taken, f"*[@id='segment-name{part}']") for part in ("", "-error"))
    assert (named.get("value"), text_of(fault)[:34]) == ("Secondaires", "Un segment s’appelle déjà « Second")
    author.send("/segments/1/name", {"name": "WBE"}, page="/segments/1")
    author.send("/segments/1/retirement", page="/segments/1")
    assert "Aucun segment." in text_of(author.get("/segments"))
    assert "Retiré le" in text_of(author.get("/segments/1"))


def test_who_only_reads_makes_no_list(signed_in):
    assert "Nouvelle liste" not in signed_in("reader").get("/segments/lists").text
