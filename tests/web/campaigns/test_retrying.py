"""What leaves again from a campaign's page: failures and doubts, counted beside their buttons."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.core.text import french
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, SuppressionReason
from tests.conftest import NOW
from tests.pages import form_of, text_of
from tests.web.campaigns.test_progress import end, launched, settle, stop_clock

__all__ = ["launched"]

FENCED = {"fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
ACTOR = "nadia.lambert@fwb.example"


@pytest.mark.long
def test_failures_are_sent_again_by_a_button_that_counts_them(author, launched, sample_database):
    settle(sample_database, 3, MessageState.REFUSED)
    assert "Renvoyer" not in text_of(author.get("/campaigns/1/progress"))
    end(sample_database)
    page = text_of(author.get("/campaigns/1/progress"))
    assert "Renvoyer les 3 courriels en échec" in page
    assert "ne repart" not in page
    assert author.send("/campaigns/1/waves/1/retries", page="/campaigns/1/progress").status_code == 302
    page = text_of(author.get("/campaigns/1/progress"))
    assert "3 courriels en échec repartent" in page
    assert "Renvoyer les" not in page
    assert "Les 3 autres partent en ce moment" in page
    assert author.send("/campaigns/1/waves/1/retries", page="/campaigns/1/progress").status_code == 409
    assert "3 courriels en échec à renvoyer" in text_of(author.get("/campaigns/1/progress/journal"))


def test_failures_that_do_not_leave_again_are_counted_apart(author, launched, sample_database):
    settle(sample_database, 3, MessageState.REFUSED)
    end(sample_database)
    values = {
        1: "Renvoyer les 2 courriels en échec 1 autre échec ne repart pas",
        3: "3 échecs ne repartent pas",
    }
    for count, sentence in values.items():
        with sample_database.writing() as session:
            refused = select(Message).where(Message.state == MessageState.REFUSED).order_by(Message.id)
            for row in session.scalars(refused.limit(count)).all():
                outbox.suppress_address(
                    session, row.address_key, SuppressionReason.HARD_BOUNCE, now=NOW, actor="automatique"
                )
        page = text_of(author.get("/campaigns/1/progress"))
        beside = "Ajouter une relance |Annuler ce qui n’est pas parti |Clôturer la campagne "
        assert sentence in re.sub(beside, "", page)
    assert "Renvoyer les" not in page


@pytest.mark.long
def test_a_doubt_says_from_when_it_may_be_sent_again_and_that_it_may_arrive_twice(
    author, signed_in, app, launched, sample_database, monkeypatch
):
    settle(sample_database, 2, MessageState.IN_DOUBT)
    end(sample_database)
    left = app.extensions["outreach.settings"].instant() - timedelta(minutes=5)
    with sample_database.writing() as session:
        session.execute(update(Message).where(Message.state == MessageState.IN_DOUBT).values(fenced_at=left))
    listed, twice = "/campaigns/1/authorities?wave=1&outcome=in_doubt", "renvoyé, il arrive alors deux fois"
    page = text_of(author.get(listed))
    at = " ".join(french.hour(left + timedelta(minutes=15, seconds=59)).split())
    assert page.count(f"Renvoi possible à partir de {at}") == 2
    assert "Renvoyer à l’identique" not in page
    assert "Renvoi possible" not in text_of(signed_in("reader").get(listed))
    assert twice not in text_of(author.get("/campaigns/1/progress"))
    stop_clock(monkeypatch, left + timedelta(minutes=16))
    page = text_of(author.get(listed))
    assert (page.count("Renvoyer à l’identique"), "Renvoi possible" in page, twice in page) == (2, False, True)
    page = text_of(author.get("/campaigns/1/progress"))
    assert page.index("Renvoyer les 2 courriels en doute") < page.index(twice)
    assert "« En doute » : le serveur d’envoi n’a pas dit s’il a pris le courriel." in page


@pytest.mark.journey
@pytest.mark.long
def test_doubts_are_sent_again_together_or_one_by_one_and_once(author, signed_in, launched, sample_database):
    settle(sample_database, 3, MessageState.IN_DOUBT)
    end(sample_database)
    listed = "/campaigns/1/authorities?wave=1&outcome=in_doubt"
    assert "Renvoyer à l’identique" not in text_of(signed_in("reader").get(listed))
    page = author.get(listed)
    assert text_of(page).count("Renvoyer à l’identique") == 3
    again = "/campaigns/1/waves/1/doubts"
    key = form_of(page, again)["message"]
    assert author.send(again, {"message": "x"}, page=listed).status_code == 400
    assert author.send(again, {"message": key}, page=listed).status_code == 302
    assert author.send(again, {"message": key}, page="/campaigns/1/progress").status_code == 409
    assert "Renvoyer les 2 courriels en doute" in text_of(author.get("/campaigns/1/progress"))
    assert author.send(again, page="/campaigns/1/progress").status_code == 302
    page = text_of(author.get("/campaigns/1/progress"))
    assert "2 courriels en doute repartent à l’identique" in page
    assert "Les 3 autres partent en ce moment" in page
