"""The closures' pages: a school year seen, a day closed and opened again, a planned wave named and moved."""

from datetime import timedelta

import pytest

from outreach.campaigns import planning
from tests.application import planned
from tests.conftest import NOW
from tests.pages import actions, cells, elements, form_of, links, text_of

PLACE = "/administration/closures"
STRIKE = {"first": "18/05/2021", "last": "", "part": "day", "spares": "nobody", "name": "grève générale"}


@pytest.fixture
def app(app, sample_database):
    """The application on the sample's day: the clock of a demonstration may be moved."""
    settings = app.extensions["outreach.settings"]
    passed = (settings.instant() - NOW).total_seconds()
    app.extensions["outreach.settings"] = settings.model_copy(update={"clock_offset": settings.clock_offset - passed})
    return app


@pytest.mark.journey
@pytest.mark.long
def test_a_day_is_closed_and_the_wave_of_that_day_is_named_then_moved_by_who_planned_it(
    signed_in, app, sample_database
):
    planned(sample_database, NOW + timedelta(days=3))
    chief = signed_in("administrator")
    assert (PLACE, "Fermetures") in links(chief.get("/administration"))
    made = chief.send(PLACE, STRIKE).location
    page = chief.get(made)
    (_, (campaign, leaves, goes, _by)) = cells(elements(page, "table")[0], {"ds-sr-only"})
    assert campaign.endswith("première vague")
    assert ("mardi 18 mai" in leaves, "mercredi 19 mai" in goes) == (True, True)
    (waves,) = [address for address, _ in links(page, "/campaigns/")]
    assert "Grève générale" in text_of(chief.get("/calendar?month=2021-05"))

    author, other = signed_in("author"), signed_in("reader")
    move = "/campaigns/1/waves/1/move"
    assert move not in actions(other.get(waves))
    assert "Tombe dans une fermeture : grève générale" in text_of(other.get(waves))
    form = form_of(author.get(waves), move)
    assert author.post(move, data=form | {"to": "demain"}).status_code == 400
    assert author.post(move, data=form).location == waves
    with sample_database.reading() as session:
        wave = planning.campaign_numbered(session, 1).waves[0]
        assert wave.due_at == NOW + timedelta(days=4)
    assert author.post(move, data=form).status_code == 409

    assert "Aucune vague planifiée" in text_of(chief.get(made))
    chief.send(f"{made}/withdrawal", page=made)
    listed = cells(elements(chief.get(f"{PLACE}?year=2020"), "table")[0])
    assert (listed[1][1], "retirée" in listed[1][3]) == ("Grève générale", True), "own days come first"
    assert chief.send(f"{made}/withdrawal", page="/account").status_code == 409


def test_a_year_that_was_not_compared_is_marked_and_what_it_computes_is_shown(signed_in):
    chief = signed_in("administrator")
    page = chief.get(f"{PLACE}?year=2027")
    assert "2027-2028 sont calculés" in text_of(page)
    rows = cells(elements(page, "table")[0])
    assert ["Ascension", "Calculé, sans comparaison"] in [[row[1], row[3]] for row in rows]
    compared = cells(elements(chief.get(f"{PLACE}?year=2026"), "table")[0])
    assert {row[3] for row in compared[1:]} == {"Calendrier du service"}
    assert text_of(chief.get(f"{PLACE}/export.csv?year=2026&q=ascension")).count("Ascension") == 1
    assert chief.get(f"{PLACE}?year=99999").status_code == 200


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first": "32/05/2021"}, "#first"),
        ({"last": "x"}, "#last"),
        ({"part": "x"}, "#part"),
        ({"spares": "x"}, "#spares"),
    ],
)
def test_a_refused_closure_names_the_field_and_keeps_the_form(signed_in, change, field):
    refused = signed_in("administrator").send(PLACE, STRIKE | change)
    assert refused.status_code == 422
    assert links(refused, field)
    assert elements(refused, "input[@id='name']")[0].get("value") == "grève générale"
