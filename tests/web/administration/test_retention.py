"""The pages on how long things are kept, for administrators."""

import pytest

from tests.pages import form_of, links, text_of

PLACE = "/administration/retention"


@pytest.mark.journey
def test_an_administrator_changes_a_period_and_the_public_page_follows(client, signed_in, sample_database):
    chief = signed_in("administrator")
    assert (PLACE, "Conservation") in links(chief.get("/administration"))
    shown = text_of(chief.get(PLACE))
    assert "Connexion 12 heures rien ne reste fixe" in shown
    assert "OUTREACH_" not in shown
    assert "tant que le service existe" in text_of(chief.get(f"{PLACE}?kept=1"))
    page = f"{PLACE}/trail_entries"
    typed = form_of(chief.get(page), page)
    assert typed["period"] == "12 mois"
    refused = chief.post(page, data=typed | {"period": "3 jours"})
    assert refused.status_code == 422
    assert "Choisissez une durée entre 6 mois et 24 mois." in text_of(refused)
    assert 'value="3 jours"' in refused.text.replace("\u00a0", " ")
    assert chief.post(page, data=typed | {"period": "18 mois"}).location == PLACE
    assert "Le journal des accès du personnel : 18 mois après" in text_of(client.get("/data-protection"))
    assert "18 mois, le " in text_of(chief.get(page))
    assert chief.post(f"{PLACE}/sessions", data=typed).status_code == 409
    assert chief.get(f"{PLACE}/weather").status_code == 404
    assert signed_in("author").get(PLACE).status_code == 403
