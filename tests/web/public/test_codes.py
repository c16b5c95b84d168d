"""Codes of letters on paper: they lead to the answer page; a wrong one tells nothing, and too many are refused."""

import pytest
from sqlalchemy import select

from outreach.campaigns.models import Wave
from outreach.campaigns.paper import batches, sheets
from outreach.campaigns.paper.models import PaperLetter
from outreach.campaigns.waves.answer_term import AnswerTerm, Term
from outreach.delivery.models import Message
from outreach.mail.tokens import Keys
from outreach.reach import steps
from outreach.reach.models import ReachAnswer, ReachChannel, StepReason
from outreach.responses.models import Response
from outreach.web.public import recipient_pages
from outreach.web.public.codes import OF_CODE, WRONG_OF_CLIENT
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import text_of


@pytest.fixture
def coded(launched_sample, standing):
    """A printed letter: its code, and the key of the message that it stands for."""
    keys = Keys(standing.settings.signing_keys)
    with launched_sample.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
        of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
        told = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.SILENT}
        steps.open_step(session, **of, **told, now=NOW, actor=AUTHOR)
        wave = session.scalars(select(Wave).where(Wave.mailing_id == letter.mailing_id)).one()
        made = batches.make(session, wave.campaign, wave, keys, sheet=False, now=NOW, actor=AUTHOR)
        assert made.batch is not None
        return sheets.code_kept(session.scalars(select(PaperLetter)).one(), keys), letter.id


def test_a_code_typed_in_any_way_leads_to_the_answer_page(client, coded):
    code, _ = coded
    shown = client.get(f"/r/{code}")
    assert f'value="{code}"' in shown.text
    assert "boîte" not in text_of(shown.text), "opening the address tells nothing"
    for typed in (code, code.lower().replace("-", " "), code.replace("0", "o").replace("1", "l")):
        opened = client.post("/r", data={"code": typed})
        assert opened.status_code == 303
        assert "/a/" in opened.location
    assert client.get(opened.location).status_code == 200


def test_an_answer_by_code_names_its_step_and_proves_nothing_of_the_mail(client, coded, launched_sample):
    code, key = coded
    page = client.post("/r", data={"code": code}).location
    given = client.post(page, data={"answer": "help", "confirmed": "1"}, follow_redirects=True)
    assert "donnée par le code de votre lettre" in text_of(given.text)
    with launched_sample.reading() as session:
        response = session.scalars(select(Response).where(Response.message_id == key)).one()
        assert session.get_one(ReachAnswer, response.id).step_id
        letters = session.scalars(select(Message).where(Message.authority_id == response.authority_id)).all()
        assert all(letter.mailing_id == letters[0].mailing_id for letter in letters), "no receipt to the mailbox"


def test_a_wrong_code_tells_nothing_and_too_many_from_a_client_are_refused(client, coded):
    code, _ = coded
    right = client.get(f"/r/{code}").text.replace(code, "")
    assert client.get("/r/ZZZZ-ZZZZ").text.replace("ZZZZ-ZZZZ", "") == right
    told = {client.post("/r", data={"code": f"ZZZZ-ZZZ{one}"}).status_code for one in range(WRONG_OF_CLIENT)}
    assert told == {404}
    assert client.post("/r", data={"code": code}).status_code == 429, "also the right one, so that none is found"
    assert client.post("/r", data={"code": "ZZZZ-ZZZZ"}).status_code == 429


def test_what_is_no_code_is_refused_in_a_sentence(client, coded):
    refused = client.post("/r", data={"code": "<script>" * 30})
    assert refused.status_code == 404
    assert "huit signes" in text_of(refused.text)


def test_one_code_is_opened_only_so_often(client, coded):
    code, _ = coded
    opened = [client.post("/r", data={"code": code}).status_code for _ in range(OF_CODE + 1)]
    assert opened == [303] * OF_CODE + [429]


def test_a_code_ends_as_links_do(client, coded, monkeypatch):
    code, _ = coded
    page = client.post("/r", data={"code": code}).location
    assert 'name="answer"' in client.get(page).text
    standing = recipient_pages.standing_of
    over = Term(AnswerTerm.OVER, NOW.date())
    monkeypatch.setattr(recipient_pages, "standing_of", lambda *given: (standing(*given)[0], over))
    assert 'name="answer"' not in client.get(page).text


def test_staff_read_that_an_answer_came_by_the_code(client, signed_in, coded, launched_sample):
    code, key = coded
    page = client.post("/r", data={"code": code}).location
    client.post(page, data={"answer": "help", "confirmed": "1"})
    with launched_sample.reading() as session:
        response = session.scalars(select(Response).where(Response.message_id == key)).one()
        number, fase = response.id, response.authority.fase
    author = signed_in("author")
    assert "Par le code du courrier" in text_of(author.get(f"/responses/{number}").text)
    assert "Réponse par le code du courrier" in text_of(author.get(f"/directory/{fase}/history").text)
