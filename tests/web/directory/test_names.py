import pytest
from sqlalchemy import select

from outreach.directory.models import Authority, Ownership, School


def a_school(sample_database):
    """The FASE number of a school of authority 9300, which the register now writes in capitals."""
    with sample_database.writing() as session:
        query = select(School).join(Ownership, Ownership.school_id == School.id).where(Ownership.current())
        query = query.join(Authority, Authority.id == Ownership.authority_id).where(Authority.fase == 9300)
        school = session.scalars(query.order_by(School.fase).limit(1)).one()
        school.name = "ECOLE SPECIALISEE SAINT-ELOI"
        return school.fase


@pytest.mark.journey
@pytest.mark.long
def test_a_name_is_corrected_and_the_correction_taken_back(author, sample_database):
    school = a_school(sample_database)
    sheet, address = "/directory/9300", f"/directory/9300/schools/{school}/name"
    shown = author.get(sheet).text
    assert "École spécialisée Saint-Éloi" in shown
    assert "<bdi>ECOLE SPECIALISEE SAINT-ELOI</bdi>" in shown
    refused = author.send(address, {"name": "École spécialisée Saint-Éloi"}, page=address)
    assert (refused.status_code, "C’est déjà le nom affiché." in refused.text) == (422, True)
    assert author.send(address, {"name": "École Éloi"}, page=address).status_code == 302
    assert "École Éloi" in author.get(sheet).text
    with sample_database.writing() as session:
        session.scalars(select(School).where(School.fase == school)).one().name = "ECOLE ELOI"
    for page in (sheet, "/directory", address):
        assert "à revoir" in author.get(page).text
    assert author.send(f"{address}/withdrawal", {}, page=address).status_code == 302
    assert "à revoir" not in author.get(sheet).text


def test_an_authority_s_name_is_corrected_on_its_sheet(author):
    assert 'href="/directory/9300/name"' in author.get("/directory/9300").text
    assert author.send("/directory/9300/name", {"name": "Collège communal"}, page="/directory/9300/name").location
    assert "<h1><bdi>Collège communal</bdi></h1>" in author.get("/directory/9300").text
    assert "devient « Collège communal »" in author.get("/directory/9300/history").text.replace("\u202f", " ").replace(
        "\u00a0", " "
    )
