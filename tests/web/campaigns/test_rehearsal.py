"""The page of a rehearsal: asked for, played as a job, offered on the dates and on the approval, stale when it is."""

from tests.pages import actions, text_of
from tests.web.campaigns.test_campaigns import begun, dated
from tests.web.test_jobs import do

__all__ = ["begun", "do"]


def test_a_campaign_is_rehearsed_by_a_job_and_its_page_tells_what_came_out(author, begun, do):
    page = f"{begun}/rehearsal"
    assert "Choisissez d’abord les dates" in text_of(author.get(page))
    assert page not in actions(author.get(page))
    dated(author, begun)
    assert page in author.get(f"{begun}/dates").text
    assert page in author.get(f"{begun}/check").text
    assert "/jobs/" in author.send(page, {}, page=page).location
    assert "auraient une adhésion confirmée" in do().said
    shown = text_of(author.get(page))
    for told in (
        "auraient une adhésion confirmée au",
        "une supposition",
        "Relance 2",
        "Courriels qui partent",
        "Réponses à traiter",
    ):
        assert told in shown
    assert "Répétition du" in text_of(author.get(f"{begun}/check"))
    dated(author, begun, day="25/05/2027")
    assert "les dates ont changé. Répétez" in text_of(author.get(page))
    assert "les dates ont changé." in text_of(author.get(f"{begun}/check"))


def test_a_reader_sees_a_rehearsal_and_asks_for_none(signed_in, author, begun):
    dated(author, begun)
    page = f"{begun}/rehearsal"
    assert page in actions(author.get(page))
    assert page not in actions(signed_in("reader").get(page))
