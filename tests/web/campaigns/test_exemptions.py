"""What will happen once a campaign is planned, and what an approver lets depart from a rule, on pages."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns.models import Wave
from outreach.campaigns.segments._context import KEY
from outreach.core.settings import FrequencyCap
from tests.application import planned
from tests.conftest import NOW
from tests.pages import actions, elements, links, text_of
from tests.web.campaigns.test_progress import end, launched, starts_in

__all__ = ["launched"]
HOURS = "/campaigns/1/waves/1/hours"


@pytest.mark.journey
@pytest.mark.long
def test_a_campaign_just_planned_shows_what_will_happen_and_an_approver_lets_it_leave_at_night(
    author, signed_in, app, sample_database
):
    planned(sample_database, NOW)
    starts_in(sample_database, app, 5 * 24 * 3600)
    with sample_database.writing() as session:
        first, *later = session.scalars(select(Wave).order_by(Wave.number))
        for days, wave in enumerate(later, start=1):
            wave.due_at = first.due_at + timedelta(days=14 * days)
    text = text_of(author.get("/campaigns/1/progress"))
    for said in ("recevront ce courriel", "Validé par Marc Dethier", "Relance 1, à ceux", "Concernés", "Reçoivent"):
        assert said in text
    assert re.search(r"Le courriel « À répondre pour le [0-9].+ – FASE [0-9]+ » L’objet pour ", text)
    assert "((" not in text
    assert author.get(HOURS).status_code == 403
    approver = signed_in("approver")
    assert HOURS in [place for place, _ in links(approver.get("/campaigns/1/progress/waves"))]
    night = app.extensions["outreach.settings"].instant() + timedelta(days=1)
    values = {"day": f"{night:%d/%m/%Y}", "hour": "23:30"}
    assert "Dites pourquoi" in text_of(approver.send(HOURS, values))
    assert approver.send(HOURS, values | {"reason": "Correction urgente"}).location == "/campaigns/1/progress/waves"
    for tab in ("progress", "progress/waves"):
        assert "hors des heures d’envoi : Correction urgente (Marc Dethier" in text_of(
            author.get(f"/campaigns/1/{tab}")
        )
    with sample_database.reading() as session:
        first = session.scalars(select(Wave).where(Wave.number == 1)).one()
        assert first.due_at.date() == night.date() or first.due_at > night


@pytest.mark.journey
@pytest.mark.long
def test_those_already_written_to_are_left_out_until_an_approver_says_why_not(
    author, signed_in, app, launched, sample_database
):
    end(sample_database)
    app.extensions["outreach.database"].info[KEY] = FrequencyCap(1, 3650)
    author.send(
        "/campaigns", {"definition": "invitation-volet-1"}, page="/campaigns/begin?definition=invitation-volet-1"
    )
    text = text_of(author.get("/campaigns/2/check"))
    assert "Écartés : déjà sollicité" in text
    assert "Choisissez une date plus tardive, ou demandez" in text_of(author.get("/campaigns/2/audience"))
    assert "/campaigns/2/calm" not in actions(author.get("/campaigns/2/check"))
    approver = signed_in("approver")
    refused = approver.send("/campaigns/2/calm", {"why": "x" * 501}, page="/campaigns/2/check")
    assert (refused.status_code, [place for place, _ in links(refused, "#calm")]) == (422, ["#calm"])
    [why], [fault] = (elements(refused, f"*[@id='calm{part}']") for part in ("", "-error"))
    assert (why.get("value"), text_of(fault)) == ("x" * 501, "500 caractères au plus.")
    approver.send("/campaigns/2/calm", {"why": "Rectification"}, page="/campaigns/2/check")
    text = text_of(author.get("/campaigns/2/check"))
    assert "Écrit aussi aux PO déjà sollicités : Rectification (Marc Dethier" in text
    assert "Écartés : déjà sollicité" not in text
    assert "/campaigns/2/calm/withdrawal" not in actions(author.get("/campaigns/2/check"))
    approver.send("/campaigns/2/calm/withdrawal", page="/campaigns/2/check")
    text = text_of(author.get("/campaigns/2/check"))
    assert "Écartés : déjà sollicité" in text
    assert "dérogation retirée par Marc Dethier" in text


@pytest.mark.long
def test_a_sheet_and_the_audience_say_how_many_letters_came_this_school_year(author, app, launched, sample_database):
    end(sample_database)
    author.send(
        "/campaigns", {"definition": "invitation-volet-1"}, page="/campaigns/begin?definition=invitation-volet-1"
    )
    page = author.get("/campaigns/2/audience/authorities")
    sheet = next(place for place, _ in links(page, "/directory/"))
    assert "Reçus cette année" in text_of(page)
    assert "Courriels partis cette année scolaire, toutes campagnes : " in text_of(author.get(sheet))
