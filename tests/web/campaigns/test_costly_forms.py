"""While the largest form that is allowed is answered, somebody unsubscribes at once."""

import json
import threading
from datetime import UTC, datetime
from itertools import islice, product

import pytest
from sqlalchemy import event, func, select

from outreach.adherence.models import Status
from outreach.campaigns.models import Campaign, CampaignState
from outreach.campaigns.planning import content_hash
from outreach.delivery.models import Suppression
from outreach.operations.demo import people
from tests.pages import form_of
from tests.web.public.test_recipient_pages import letter

__all__ = ["letter"]
SETS = islice(product([False, True], repeat=len(Status)), 1, 41)
WORST = [
    {
        "not": {
            "school_status": {
                "strand": 1,
                "statuses": [status for status, is_in in zip(Status, chosen, strict=True) if is_in],
                "which": "all",
            }
        }
    }
    for chosen in SETS
]
WHERE_SCHOOLS_STAND = "row_number() OVER"


@pytest.fixture
def draft(client, password, sample_database, request):
    """A draft with a date and the worst criteria, of an author who is signed in: its address, its form's fields."""
    assert client.sign_in(people.person_for("author").email, password).status_code == 302
    address = client.begin("/campaigns/begin?definition=invitation-volet-1").location
    letter = (
        form_of(client.get(address.replace("/audience", "/letter")), "letter-form")
        if "letter" in request.node.name
        else {}
    )
    with sample_database.writing() as session:
        campaign = session.get_one(Campaign, int(address.split("/")[2]))
        campaign.criteria, campaign.starts_at = json.dumps({"or": WORST}), datetime(2027, 5, 18, 7, 30, tzinfo=UTC)
        fields = {
            **letter,
            "version": content_hash(campaign),
            "csrf_token": form_of(client.get("/account"))["csrf_token"],
            "criteria": campaign.criteria,
        }
    return address.removesuffix("/audience"), fields


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("submission", 302),
        pytest.param("refused audience", 422, marks=pytest.mark.deep),
        pytest.param("audience", 302, marks=pytest.mark.deep),
        ("letter/preview", 200),
    ],
)
def test_an_unsubscription_waits_for_no_form(app, client, letter, draft, sample_database, form, status):
    (_, token), (address, fields) = letter, draft
    if form == "refused audience":
        fields["version"] = "another"
    asks, unsubscribed, answered, in_time = threading.Event(), threading.Event(), [], []

    def send():
        answered.append(client.post(f"{address}/{form.removeprefix('refused ')}", data=fields))
        asks.set()

    def hold(_connection, _cursor, statement, *_details):
        if threading.current_thread() is sender and WHERE_SCHOOLS_STAND in statement:
            asks.set()
            in_time.append(unsubscribed.wait(20))

    sender = threading.Thread(target=send)
    event.listen(sample_database.engine, "before_cursor_execute", hold)
    sender.start()
    assert asks.wait(60)
    with app.test_client() as stranger:
        assert stranger.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    unsubscribed.set()
    sender.join()
    assert all(in_time), "each statement of the form that was held was so until the unsubscription was answered"
    event.remove(sample_database.engine, "before_cursor_execute", hold)
    assert [response.status_code for response in answered] == [status]
    with sample_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Suppression)) >= 1
        is_submitted = session.get_one(Campaign, int(address.split("/")[2])).state is CampaignState.TO_APPROVE
        assert is_submitted == (form == "submission")
