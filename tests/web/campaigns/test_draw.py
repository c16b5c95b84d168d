"""Departures drawn by lot, on pages: chosen with the dates, said before the approval, made by it."""

import pytest
from sqlalchemy import select

from outreach.campaigns import experiments
from outreach.campaigns.models import Campaign, Wave
from tests.pages import elements, text_of
from tests.web.campaigns.test_campaigns import begun, dated, version

__all__ = ["begun"]
HALF_A_THOUSAND = {"asked": "1", "concerns": "open"}


@pytest.fixture
def to_all(author, begun):
    """A draft to everybody, whose first wave is dated; returns its address."""
    author.send(f"{begun}/audience", HALF_A_THOUSAND)
    return begun


@pytest.mark.full
@pytest.mark.long
def test_three_departures_are_chosen_with_the_dates(author, to_all, sample_database):
    fields = {"day": "04/05/2027", "hour": "9:30", "reminders": "7", "deadline_days": "30", "stops_on": ""}
    seen = author.get(f"{to_all}/dates", query_string={**fields, "departures": "14", "first_come": "no"})
    (plan,) = elements(seen, "section[@id='plan']")
    words = text_of(plan)
    assert "Première vague du départ 1 : mardi 11 mai 2027 à 9 h 30" in words
    assert "Première vague du départ 2 : mardi 25 mai 2027" in words
    assert dated(author, to_all, **fields, departures="14", first_come="no").status_code == 302
    with sample_database.reading() as session:
        campaign = session.get_one(Campaign, 1)
        assert (campaign.departure_gap, campaign.first_come) == (14, False)
    assert 'value="14" selected' in author.get(f"{to_all}/dates").text
    assert "ni places ni moyens" in text_of(author.get(f"{to_all}/check"))
    assert dated(author, to_all, **fields).status_code == 302
    with sample_database.reading() as session:
        campaign = session.get_one(Campaign, 1)
        assert (campaign.departure_gap, campaign.first_come) == (0, None)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"first_come": "yes"}, "favoriseraient le premier départ"),
        ({"first_come": ""}, "Dites si des places ou des moyens"),
        ({"stops_on": "10/05/2027"}, "viendrait après le dernier jour d’envoi"),
        ({"departures": "15"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_drawn_is_refused_beside_the_choice(author, to_all, changes, why):
    refused = dated(
        author, to_all, **{"day": "04/05/2027", "departures": "14", "first_come": "no", "reminders": ""} | changes
    )
    assert refused.status_code == 422
    if "departures" not in changes:
        assert why in text_of(refused)


def test_the_check_of_departures_without_a_date_asks_for_one(author, to_all, sample_database):
    """A copy keeps its departures, and no date."""
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).departure_gap = 14
    page = author.get(f"{to_all}/check")
    assert (page.status_code, "date" in text_of(page)) == (200, True)


@pytest.mark.long
def test_too_few_authorities_are_refused(author, begun):
    author.send(f"{begun}/audience", {"asked": "1", "network": "WBE", "concerns": "open"})
    refused = dated(author, begun, departures="14", first_come="no", reminders="")
    assert refused.status_code == 422
    assert "Un tirage demande au moins 200 PO" in text_of(refused)


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_the_approval_draws_and_the_draw_is_final(author, signed_in, to_all, sample_database):
    dated(author, to_all, day="04/05/2027", departures="14", first_come="no", reminders="7")
    page = author.get(f"{to_all}/check")
    form = {"version": version(author, to_all, "check")}
    (told,) = elements(page, "form[@action='/campaigns/1/submission']//button")
    form["confirmed"] = "".join(filter(str.isdigit, text_of(told).partition("PO")[0]))
    assert author.send(f"{to_all}/submission", form, page=f"{to_all}/check").status_code == 302
    approver = signed_in("approver")
    page = approver.get(f"{to_all}/check")
    assert "se fait à la validation, et il est final" in text_of(page)
    with sample_database.reading() as session:
        attempt = experiments.open_attempt(session, 1)
        assert attempt.commitment in page.text
        assert experiments.plan_of(attempt)["first_come"] is False
        assert attempt.nonce not in page.text
    given = {"version": version(approver, to_all, "check"), "then": "plan"}
    assert approver.send(f"{to_all}/approval", given, page=f"{to_all}/check").status_code == 302
    with sample_database.reading() as session:
        attempt = experiments.draw_of(session, 1)
        assert [
            wave.departure for wave in session.scalars(select(Wave).where(Wave.reminder == 0).order_by(Wave.number))
        ] == [1, 2, 3]
    page = author.get(f"{to_all}/check").text
    assert attempt.seed in page
    assert attempt.nonce in page
    assert author.get(f"{to_all}/progress").status_code == 200
