"""Replies from a response's page: read before they are sent, sent once; and the news of a confirmed joining."""

import pytest
from sqlalchemy import func, select

from outreach.campaigns.correspondence import ServiceReply
from outreach.delivery.models import Mailing, Purpose
from tests.pages import form_of, links, text_of
from tests.web.test_responses import letters, wbe

__all__ = ["letters", "wbe"]
TEXT = "Bonjour **((nom_po))**,\r\n\r\nAppelez-moi <b>lundi</b>."


def sent(database):
    """How many replies wait in the outbox or have left."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Mailing).where(Mailing.purpose == Purpose.REPLY))


@pytest.fixture
def helped(client, wbe):
    client.post(wbe, data={"answer": "help", "comment": "Aidez-nous"})


@pytest.mark.journey
@pytest.mark.long
def test_a_reply_is_read_before_it_is_sent_and_pressing_twice_sends_it_once(author, helped, sample_database):
    page = author.get("/responses/1/reply")
    assert "Vous avez demandé de l’aide" in form_of(page)["letter"]
    gap = author.post("/responses/1/reply/preview", data=form_of(page))
    assert (gap.status_code, 'href="#letter"' in gap.text) == (422, True)
    shown = author.send("/responses/1/reply/preview", {"letter": TEXT, "handled": "y"}, page="/responses/1/reply")
    assert "Appelez-moi &lt;b&gt;lundi&lt;/b&gt;." in shown.text
    assert "Re: " in text_of(shown)
    assert sent(sample_database) == 0
    form = form_of(shown, "/responses/1/reply/sending")
    elsewhere = author.send("/responses/1/reply/preview", {"letter": "Autre."}, page="/responses/1/reply")
    again = author.post("/responses/1/reply", data=form)
    assert "Appelez-moi" in form_of(again)["letter"]
    assert [author.post("/responses/1/reply/sending", data=form).status_code for _ in range(2)] == [302, 302]
    assert sent(sample_database) == 1
    said = text_of(author.get("/responses/1"))
    assert "n’est pas envoyé deux fois" in said
    assert "1 courriel envoyé" in said
    assert "répondu par courriel" in said
    history = text_of(author.get("/directory/9001/history"))
    assert "Courriel en réponse, à po009001@adm.fwb.example : en attente" in history
    assert "Appelez-moi <b>lundi</b>." in history
    meanwhile = author.post("/responses/1/reply/sending", data=form_of(elsewhere, "/responses/1/reply/sending"))
    assert (meanwhile.status_code, sent(sample_database)) == (422, 1)
    assert "est parti pour cette réponse depuis" in text_of(meanwhile)


@pytest.mark.one_example
@pytest.mark.parametrize("form", [{}, {"key": "x"}, {"letter": "((écoles))", "key": "a" * 32}])
def test_nothing_leaves_that_was_not_read_on_its_page(author, helped, sample_database, form):
    answer = author.send("/responses/1/reply/sending", {"letter": TEXT} | form, page="/responses/1/reply")
    assert (answer.status_code, sent(sample_database)) == (422, 0)


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_a_joining_is_told_in_the_text_that_a_second_person_approved_if_it_is_ticked(
    signed_in, author, client, letters, sample_database
):
    approver = signed_in("approver")
    for address in list(letters.values())[:2]:
        client.post(address, data={"answer": "joined"})
    assert "un texte doit être validé, une fois" in text_of(author.get("/responses/1"))
    address = "/responses/texts/joined"
    assert author.send(address, {"letter": "Bravo."}, page=address).status_code == 422
    assert author.post(address, data=form_of(author.get(address), address)).status_code == 302
    assert author.send(f"{address}/approval", {"seen": "1"}, page="/account").status_code == 403
    assert 'name="news"' not in author.get("/responses/1").text
    assert [place for place, _ in links(approver.get("/today"), address)][:1] == [address], "it awaits a decision"
    approval = form_of(approver.get(address), f"{address}/approval")
    assert approver.post(f"{address}/approval", data=approval).status_code == 302
    assert "validé le" in text_of(author.get("/responses/texts"))
    page = text_of(author.get("/responses/1"))
    assert "Le service confirme l’adhésion" in page
    assert "et 108 autres écoles" in page
    author.send("/responses/1/action", page="/responses/1")
    assert sent(sample_database) == 0
    stale = author.send("/responses/2/action", {"news": "7"}, page="/responses/2")
    assert (stale.status_code, sent(sample_database)) == (409, 0)
    assert author.send("/responses/2/action", {"news": "1"}, page="/responses/2").status_code == 302
    with sample_database.reading() as session:
        (reply,) = session.scalars(select(ServiceReply))
        assert (reply.response_id, reply.text_id, "(FASE" in reply.text) == (2, 1, True)
    assert "Un courriel l’annonce" in text_of(author.get("/responses"))


def test_a_text_changed_by_a_colleague_is_not_overwritten(author):
    address = "/responses/texts/help"
    form = form_of(author.get(address), address)
    author.post(address, data={**form, "letter": "Premier."})
    second = author.post(address, data={**form, "letter": "Second."})
    assert (second.status_code, "Second." in second.text) == (409, True)
    assert author.get("/responses/texts/x").status_code == 404
