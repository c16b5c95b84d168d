"""Accès des logiciels: a key made, shown once, listed, ended; by administrators only."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.integrations.api_keys import ApiKey
from tests.pages import elements, form_of, text_of

PLACE = "/administration/api-keys"


@pytest.mark.journey
@pytest.mark.long
def test_a_key_is_made_shown_once_and_ended(signed_in, sample_database, password):
    chief = signed_in("administrator")
    assert "Aucun logiciel n’a de clé." in text_of(chief.get(PLACE))
    page = chief.send(PLACE, {"name": "Tableau de bord", "days": "90", "password": password})
    key = page.text.partition('value="outreach_')[2].partition('"')[0]
    assert len(key) > 40, text_of(page)
    listed = chief.get(PLACE)
    assert key not in listed.text
    assert "Tableau de bord" in text_of(listed)
    assert "jamais" in text_of(listed)
    response = chief.get(f"{PLACE}/1/end")
    assert "rien ne la rétablit" in text_of(response)
    chief.send(f"{PLACE}/1/end", page=f"{PLACE}/1/end")
    assert "terminée" in text_of(chief.get(PLACE))
    assert "déjà terminée" in text_of(chief.get(f"{PLACE}/1/end"))
    with sample_database.reading() as session:
        assert session.scalars(select(ApiKey.ended_at)).one() is not None


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize("may", ["read", "write"])
def test_a_key_takes_the_password_again_within_ten_minutes(app, signed_in, sample_database, password, may):
    def ask(name, **proof):
        return chief.send(PLACE, {"name": name, "role": "reader", "may": may, "days": "90", **proof})

    chief = signed_in("administrator")
    asked = ask("Plateforme")
    assert "Confirmez que c’est vous" in text_of(asked)
    typed = form_of(asked, PLACE)
    assert typed["name"] == "Plateforme"
    wrong = chief.post(PLACE, data=typed | {"password": "x"})
    assert wrong.status_code == 422
    assert made(sample_database) == []
    assert "La clé est faite" in text_of(chief.post(PLACE, data=typed | {"password": password}))
    assert "La clé est faite" in text_of(ask("Entrepôt"))
    settings = app.extensions["outreach.settings"]
    later = settings.clock_offset + timedelta(minutes=11).total_seconds()
    app.extensions["outreach.settings"] = settings.model_copy(update={"clock_offset": later})
    assert "Confirmez que c’est vous" in text_of(ask("Bord"))
    writes = may == "write"
    assert made(sample_database) == [("Plateforme", writes), ("Entrepôt", writes)]
    rows = [text_of(cell) for cell in elements(chief.get(PLACE), "td[@data-label='Droits']")]
    assert rows == ["lit et écrit" if writes else "lit"] * 2


def made(database):
    """The name of each key, and whether it writes, in the order of their making."""
    with database.reading() as session:
        return [(key.name, key.writes) for key in session.scalars(select(ApiKey).order_by(ApiKey.id))]


def test_what_is_wrong_is_said_beside_the_form(signed_in, password):
    chief = signed_in("administrator")
    assert "Nommez le logiciel" in text_of(chief.send(PLACE, {"name": "", "days": "90"}))
    chief.send(PLACE, {"name": "Bord", "days": "90", "password": password})
    again = chief.send(PLACE, {"name": "Bord", "days": "30"})
    assert again.status_code == 422
    assert "s’appelle déjà" in text_of(again)


def test_a_reader_makes_none(signed_in):
    assert signed_in("reader").get(PLACE).status_code == 403
