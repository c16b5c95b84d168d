"""The first page of the administration: a sentence on the service, and a fact of today in each entry."""

from outreach.core.text.roles import RoleName
from outreach.operations import alerts
from outreach.operations.alerts import AlertCondition, AlertKind
from tests.conftest import NOW
from tests.pages import elements, text_of


def test_it_says_how_the_service_is_and_what_there_is_today(signed_in, sample_database):
    chief = signed_in(RoleName.ADMINISTRATOR)
    page = chief.get("/administration")
    (lead,) = elements(page, "p[@class='lead']")
    assert text_of(lead).startswith("Le service fonctionne")
    facts = [text_of(one) for one in elements(page, "p[@class='note']") if text_of(one)]
    assert len(facts) == len(elements(page, "ul[@class='rows']/li")) == 11
    assert "1 programme, 2 volets, dont 2 ouverts" in facts
    assert "Aucune : rien ne lit le service" in facts
    with sample_database.writing() as session:
        assert alerts.begin(session, AlertCondition(AlertKind.CLOCK_SILENT, "1", NOW))
    (lead,) = elements(chief.get("/administration"), "p[@class='lead']")
    assert text_of(lead).startswith("1 chose demande votre attention")
    assert signed_in(RoleName.AUTHOR).get("/administration").status_code == 403
