"""The audience of a planned wave beside the approved one, on its page."""

from datetime import timedelta

import pytest

from outreach.access.approvals import Extent
from outreach.campaigns import planning, waves
from tests import factories
from tests.pages import elements, form_of, text_of

AUTHOR, APPROVER = "nadia.lambert@fwb.example", "marc.dethier@fwb.example"
PAGE = "/campaigns/1/waves/1/drift"


@pytest.fixture
def drifted(app, sample_database):
    """A campaign that was approved for ten authorities and is planned for all; the clock has seen that."""
    now = app.extensions["outreach.settings"].instant()
    with sample_database.writing() as session:
        campaign = factories.campaign(session, factories.invitation(), now)
        planning.submit_campaign(session, campaign, now=now, actor=AUTHOR)
        planning.approve_campaign(session, campaign, now=now, actor=APPROVER, extent=Extent(10, 12))
        planning.schedule_campaign(session, campaign, now + timedelta(days=1), now=now, actor=AUTHOR)
    with sample_database.writing() as session:
        wave = waves.planned_wave(planning.campaign_numbered(session, 1), 1)
        wave.due_at = now + timedelta(hours=2)
        session.flush()
        waves.note_drift(session, wave.id, waves.news_of(session, wave.id, now=now), now=now)


@pytest.mark.journey
@pytest.mark.long
def test_an_approver_reads_both_audiences_and_confirms_today_s(signed_in, author, drifted):
    progress = author.get("/campaigns/1/progress")
    assert "le public est passé de 10 à" in text_of(progress)
    assert PAGE in [link.get("href") for link in elements(progress, "a[@href]")]
    assert not [form for form in elements(author.get(PAGE), "form") if form.get("action") == PAGE], "who wrote it"
    assert (
        author.send(PAGE, {"authorities": "10", "letters": "12"}, page="/campaigns/1/cancellation").status_code == 403
    )
    approver = signed_in("approver")
    page = approver.get(PAGE)
    assert "se mettra en pause" in text_of(page)
    filled = form_of(page, PAGE)
    stale = {**filled, "letters": str(int(filled["letters"]) + 1)}
    assert "a encore changé" in approver.post(PAGE, data=stale).text
    assert "Relisez les nombres" in approver.post(PAGE, data={**filled, "letters": "x"}).text
    assert approver.post(PAGE, data=filled).location == "/campaigns/1/progress"
    assert "le public est passé" not in text_of(approver.get("/campaigns/1/progress"))
    assert "sans autre confirmation" in text_of(approver.get(PAGE))


def test_a_wave_that_is_planned_no_more_has_no_audience_to_confirm(signed_in, drifted):
    approver = signed_in("approver")
    approver.send("/campaigns/1/cancellation")
    assert approver.get(PAGE).status_code == 409
    assert approver.get("/campaigns/1/waves/9/drift").status_code == 404
