"""What a contact says of who reads it, shown and corrected on the sheets of its authority and of its schools."""

import pytest

from outreach.directory import authorities, contacts
from tests.pages import links, text_of

TOLD = {"name": "Anne Dupont", "function": "Directrice", "phone": "+32 2 555 12 34", "usage": "Courrier officiel"}
PLACE = "/directory/9300/contacts"
BOX = {"address": "direction@ecole.example", "kind": "impersonal", "source": "Circulaire", **TOLD}


def schools_of(database, fase=9300):
    with database.reading() as session:
        return list(contacts.own_schools(session, authorities.authority_by_fase(session, fase)))


@pytest.mark.long
def test_a_box_of_one_school_is_made_on_its_sheet_and_shown_on_both(author, sample_database):
    school, *others = schools_of(sample_database)
    sheet = author.get(f"/directory/schools/{school}")
    assert f"/directory/9300/contacts/new?schools={school}" in [link for link, _ in links(sheet)]
    refused = author.send(PLACE, {**BOX, "schools": "80000000", "phone": "néant"}, page=f"{PLACE}/new")
    assert refused.status_code == 422
    assert "n’est pas le numéro d’une école de ce pouvoir organisateur" in text_of(refused)
    assert "n’est pas un numéro de téléphone" in text_of(refused)
    author.send(PLACE, {**BOX, "schools": str(school)}, page=f"{PLACE}/new")
    on_both = (author.get("/directory/9300/contacts"), author.get(f"/directory/schools/{school}"))
    for shown in map(text_of, on_both):
        assert all(told in shown for told in ("direction@ecole.example", *list(TOLD.values())[:3]))
    assert "Usage : Courrier officiel" in text_of(on_both[0])
    assert "Source : Circulaire" in text_of(on_both[0])
    assert "direction@ecole.example" not in text_of(author.get(f"/directory/schools/{others[0]}"))


@pytest.mark.journey
@pytest.mark.long
def test_a_correction_keeps_or_changes_the_schools_and_says_since_when(author, sample_database):
    first, second, *_ = schools_of(sample_database)
    author.send(PLACE, {**BOX, "schools": str(first)}, page=f"{PLACE}/new")
    with sample_database.reading() as session:
        authority = authorities.authority_by_fase(session, 9300)
        (held,) = (c for c in contacts.contacts_of(session, authority) if c.address == BOX["address"])
    place = f"/directory/9300/contacts/{held.id}"
    assert f'value="{first}"' in author.get(place).text
    author.send(place, {**BOX, "schools": f"{first}, {second}", "function": "Direction"})
    shown = text_of(author.get("/directory/9300/contacts"))
    assert "Répond pour 2 écoles seulement" in shown
    assert "Directrice" not in shown
    author.send(place, {**BOX, "schools": ""})
    assert "seulement" not in text_of(author.get("/directory/9300/contacts"))
    history = text_of(author.get("/directory/9300/history"))
    assert f"répond pour les écoles {min(first, second)}, {max(first, second)} seulement" in history
    assert "répond pour toutes les écoles" in history


def test_a_school_that_does_not_exist_is_a_page_that_says_so(author):
    missing = author.get("/directory/schools/1")
    assert missing.status_code == 404
    assert "Aucune école ne porte le numéro FASE 1." in text_of(missing)
