import pytest

from outreach.adherence import programmes, records
from outreach.directory.authorities import authority_by_fase
from tests.conftest import STORY_DAY
from tests.pages import elements

SHEET = "/directory/9300"


@pytest.fixture
def school(sample_database):
    """The FASE number of a school of authority 9300 that may join."""
    with sample_database.reading() as session:
        authority, strands = authority_by_fase(session, 9300), programmes.get_programme(session).strands
        return records.eligible_schools(session, authority, strands, STORY_DAY)[0].fase


@pytest.mark.journey
@pytest.mark.long
def test_a_departure_is_reported_from_the_sheet_in_two_pages_and_withdrawn_there(author, school):
    address = f"{SHEET}/schools/{school}/report"
    assert f'href="{address}"' in author.get(SHEET).text
    refused = author.send(address, {"day": STORY_DAY.isoformat(), "source": ""}, page=address)
    assert refused.status_code == 422
    assert ("Dites ce que devient" in refused.text, "Dites qui l’a signalé" in refused.text) == (True, True)
    values = {"fate": "closed", "day": STORY_DAY.isoformat(), "source": "Appel du secrétariat"}
    assert author.send(address, values, page=address).location == SHEET
    for page in (SHEET, f"/directory/schools/{school}"):
        shown = author.get(page).text
        assert ("a fermé depuis le 15 mai 2021" in shown.replace("\xa0", " "), address in shown) == (True, True), page
    said = elements(author.get("/"), "p[@class='note']")
    assert sum("signalée comme partie ou fermée" in each.text for each in said) == 1, "once for both strands"
    assert author.send(f"{address}/withdrawal", {}, page=SHEET).location == SHEET
    assert "École signalée" not in author.get(SHEET).text


def test_a_day_to_come_is_refused_beside_its_field_and_what_was_typed_stays(author, school):
    address = f"{SHEET}/schools/{school}/report"
    values = {"fate": "gone", "day": "2099-12-31", "source": "Appel du secrétariat"}
    refused = author.send(address, values, page=address)
    assert (refused.status_code, "dans l’avenir" in refused.text) == (422, True)
    assert "Appel du secrétariat" in refused.text


def test_who_only_reads_sees_it_and_is_offered_nothing(author, signed_in, school):
    address = f"{SHEET}/schools/{school}/report"
    values = {"fate": "gone", "day": STORY_DAY.isoformat(), "source": "Appel"}
    author.send(address, values, page=address)
    reader = signed_in("reader")
    shown = reader.get(SHEET).text
    assert ("École signalée" in shown, "Annuler ce signalement" in shown, address in shown) == (True, False, False)
    assert reader.get(address).status_code == 403
