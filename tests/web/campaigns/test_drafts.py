"""A person's draft on the pages of a campaign's steps: offered, taken up, ignored, and gone once it is saved."""

import pytest
from sqlalchemy import func, select

from outreach import audit
from outreach.campaigns import drafts
from outreach.campaigns.drafts import StepDraft
from outreach.campaigns.lifecycle import content_hash
from outreach.campaigns.models import Campaign
from tests.pages import actions, elements, form_of, links, text_of
from tests.web.campaigns.test_campaigns import begun, typed

__all__ = ["begun"]
OFFER = "n’a pas été enregistré"


@pytest.fixture
def drafted(author, begun):
    """A campaign of which the author has typed a letter that is not saved."""
    fields = {**typed(author, begun), "letter": "Presque fini </textarea><script>"}
    assert author.post(f"{begun}/letter/draft", data=fields).status_code == 204
    return begun


def of_database(database):
    """How many drafts there are, the campaign's digest, and how many entries its audit has."""
    with database.reading() as session:
        campaign = session.scalars(select(Campaign)).one()
        counted = session.scalar(select(func.count()).select_from(StepDraft))
        return counted, content_hash(campaign), len(audit.about(session, f"campaign:{campaign.id}"))


def test_a_draft_is_offered_taken_up_and_gone_once_it_is_saved(author, drafted, sample_database):
    before = of_database(sample_database)
    assert OFFER in text_of(author.get(f"{drafted}/letter"))
    page = author.get(links(author.get(f"{drafted}/letter"), f"{drafted}/letter?")[0][0])
    assert OFFER not in text_of(page)
    assert elements(page, "form[@data-unsaved]")
    form = form_of(page, "letter-form")
    assert form["letter"] == "Presque fini </textarea><script>"
    assert of_database(sample_database) == before
    assert author.post(f"{drafted}/letter", data={**form, "letter": "Fini"}).location == f"{drafted}/dates"
    assert of_database(sample_database)[0] == 0
    assert OFFER not in text_of(author.get(f"{drafted}/letter"))


def test_a_draft_is_ignored_by_its_button(author, drafted, sample_database):
    page = author.get(f"{drafted}/letter")
    ignored = author.post(actions(page)[0], data=form_of(page, actions(page)[0]))
    assert ignored.location == f"{drafted}/letter"
    assert of_database(sample_database)[0] == 0


def test_nobody_else_sees_a_draft_and_who_only_reads_keeps_none(drafted, signed_in):
    reader = signed_in("reader")
    for client in (reader, signed_in("approver")):
        for address in (f"{drafted}/letter", f"{drafted}/letter?draft=1"):
            assert "Presque fini" not in client.get(address).text
            assert OFFER not in text_of(client.get(address))
    token = form_of(reader.get("/account"))["csrf_token"]
    assert reader.post(f"{drafted}/letter/draft", data={"csrf_token": token, "letter": "x"}).status_code == 403


def test_a_draft_of_what_somebody_has_changed_since_is_shown_and_not_saved_over_it(author, drafted):
    author.send(f"{drafted}/dates", {"day": "18/05/2027", "hour": "9:30", "reminders": "", "deadline_days": "30"})
    form = form_of(author.get(f"{drafted}/letter?draft=1"), "letter-form")
    refused = author.post(f"{drafted}/letter", data=form)
    assert refused.status_code == 422
    assert "Quelqu’un a modifié" in refused.text


def test_drafts_of_the_other_steps_come_back_too(author, begun):
    dates = {**form_of(author.get(f"{begun}/dates")), "day": "19/05/2027", "reminders": "9"}
    audience = {
        **form_of(author.get(f"{begun}/audience")),
        "cell": ["WBE|secondary"],
        "line": "1:not_written_since",
        "1.days": "41",
    }
    token = form_of(author.get("/account"))["csrf_token"]
    for step, fields in (("dates", dates), ("audience", audience)):
        assert author.post(f"{begun}/{step}/draft", data={**fields, "csrf_token": token}).status_code == 204
        assert OFFER in text_of(author.get(f"{begun}/{step}"))
    assert form_of(author.get(f"{begun}/dates?draft=1"))["reminders"] == "9"
    resumed = form_of(author.get(f"{begun}/audience?draft=1"), "choices")
    assert (resumed["cell"], resumed["1.days"]) == ("WBE|secondary", "41")
    assert author.send(f"{begun}/audience", resumed).location == f"{begun}/letter"
    assert OFFER not in text_of(author.get(f"{begun}/audience"))


def test_a_draft_that_is_too_long_is_refused_and_the_one_before_stays(author, drafted):
    fields = {**form_of(author.get(f"{drafted}/letter"), "letter-form"), "letter": "x" * drafts.MOST_BYTES}
    assert author.post(f"{drafted}/letter/draft", data=fields).status_code == 400
    assert OFFER in text_of(author.get(f"{drafted}/letter"))
