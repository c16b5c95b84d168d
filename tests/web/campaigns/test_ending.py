"""A page says what is lost before a campaign is cancelled, abandoned or closed; a cancelled one is taken back."""

import re

import pytest
from sqlalchemy import func, select, update

from outreach.campaigns.models import Campaign
from outreach.delivery.models import Message, MessageState
from tests.conftest import NOW
from tests.pages import actions, elements, links, text_of
from tests.web.campaigns.test_progress import end, launched, settle

__all__ = ["launched"]
PLACE, CANCELLATION, CLOSURE = "/campaigns/1", "/campaigns/1/cancellation", "/campaigns/1/closure"


def waiting(database):
    with database.reading() as session:
        query = select(func.count()).select_from(Message).where(Message.state == MessageState.QUEUED)
        return session.scalar(query)


def test_cancelling_is_a_link_to_a_page_that_names_the_campaign_and_counts_what_is_lost(
    author, signed_in, launched, sample_database
):
    settle(sample_database, 5)
    left = waiting(sample_database)
    progress = author.get(f"{PLACE}/progress")
    assert (CANCELLATION, "Annuler ce qui n’est pas parti") in links(progress)
    assert CANCELLATION not in actions(progress)
    page = author.get(CANCELLATION)
    text = text_of(page)
    assert f"{left} courriels attendent et ne partiront pas." in text
    assert re.search(r"La relance 1, prévue le \w+ \w+ \w+ 2021 à [^,]+, ne partira pas", text)
    assert "La validation : il en faudra une autre." in text
    assert "5 courriels partis le restent" in text
    assert "Mettre en pause" in text
    assert (PLACE, "Ne rien changer") in links(page)
    assert waiting(sample_database) == left
    assert [signed_in("reader").get(place).status_code for place in (CANCELLATION, CLOSURE)] == [403, 403]


@pytest.mark.journey
@pytest.mark.long
def test_a_cancelled_campaign_is_taken_back_by_one_button_and_its_page_says_whom_it_still_writes_to(
    author, signed_in, launched, sample_database
):
    settle(sample_database, 5)
    with sample_database.writing() as session:
        session.execute(update(Campaign).values(starts_at=NOW))
    author.send(CANCELLATION)
    assert author.get(CANCELLATION).location == PLACE, "there is nothing to ask any more"
    assert author.get(CLOSURE).location == PLACE
    restoration = f"{PLACE}/restoration"
    for tab in ("progress", "check"):
        assert restoration in actions(author.get(f"{PLACE}/{tab}"))
        assert restoration not in actions(signed_in("reader").get(f"{PLACE}/{tab}"))
    text = text_of(author.get(f"{PLACE}/check"))
    assert re.search(r"Dates Première vague souhaitée le \w+ \w+ \w+ 2021 à [^.]+\. Voir les dates", text)
    assert "Pas encore choisies" not in text
    assert "Ce qui partira" not in text
    assert author.send(restoration, page=f"{PLACE}/check").location == f"{PLACE}/check"
    text = text_of(author.get(f"{PLACE}/check"))
    assert "5 courriels sont partis et le restent." in text
    assert "Écartés : courriel déjà parti 5" in text
    assert author.send(restoration, page="/account").status_code == 409
    assert author.send(f"{PLACE}/waves", page="/account").status_code == 409, "it is to be approved again"


@pytest.mark.journey
@pytest.mark.long
def test_closing_says_that_it_is_for_good_and_what_can_no_longer_be_sent_again(author, launched, sample_database):
    assert author.get(CLOSURE).location == PLACE, "a wave is under way"
    settle(sample_database, 2, MessageState.REFUSED)
    settle(sample_database, 1, MessageState.IN_DOUBT)
    end(sample_database)
    author.send(f"{PLACE}/waves/2/withdrawal", page="/account")
    author.send(f"{PLACE}/waves/3/withdrawal", page="/account")
    assert (CLOSURE, "Clôturer la campagne") in links(author.get(f"{PLACE}/progress"))
    text = text_of(author.get(CLOSURE))
    assert "2 échecs ne pourront plus être renvoyés. 1 courriel en doute ne pourra plus être renvoyé." in text
    assert "Une campagne clôturée ne se reprend pas" in text
    author.send(CLOSURE)
    assert "Terminée" in text_of(author.get(f"{PLACE}/progress"))
    assert author.get(CLOSURE).location == PLACE


@pytest.mark.long
def test_a_campaign_taken_back_to_draft_is_abandoned_by_a_page_of_that_name(author, launched, sample_database):
    end(sample_database)
    author.send(CANCELLATION)
    author.send(f"{PLACE}/restoration", page=f"{PLACE}/check")
    assert (CANCELLATION, "Abandonner la campagne") in links(author.get(f"{PLACE}/check"))
    page = author.get(CANCELLATION)
    assert [text_of(each) for each in elements(page, "h1")] == ["Abandonner la campagne"]
    assert "Abandonner la campagne" in [text_of(button) for button in elements(page, "button")]


@pytest.mark.journey
@pytest.mark.long
def test_a_draft_is_abandoned_and_taken_back_with_all_that_was_written(author):
    author.send(
        "/campaigns", {"definition": "invitation-volet-2"}, page="/campaigns/begin?definition=invitation-volet-2"
    )
    before = author.get(f"{PLACE}/check")
    assert (CANCELLATION, "Abandonner la campagne") in links(before)
    assert "Rien n’est planifié : aucun courriel n’attend." in text_of(author.get(CANCELLATION))
    author.send(CANCELLATION)
    assert "Annulée" in text_of(author.get(f"{PLACE}/check"))
    assert "Dates Aucune date n’est choisie." in text_of(author.get(f"{PLACE}/check"))
    author.send(f"{PLACE}/restoration", page=f"{PLACE}/check")
    after = author.get(f"{PLACE}/check")
    assert links(after) == links(before)
    assert "Brouillon" in text_of(after)
