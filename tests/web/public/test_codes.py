"""Codes of letters on paper: they lead to the answer page; a wrong one tells nothing, and too many are refused."""

import hmac
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, select, update

from outreach.campaigns import channels, evidence
from outreach.campaigns.channels import _paper_letters as paper_letters
from outreach.campaigns.channels._paper import MOST, PERIOD
from outreach.campaigns.evidence import ReachAnswer, ReachChannel, StepReason
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, PaperLetter, Wave
from outreach.campaigns.waves import AnswerTerm, Term
from outreach.core.settings import Settings
from outreach.delivery.letters import Keys
from outreach.delivery.letters import _tokens as tokens
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Authority
from outreach.engagement.replies import Response
from outreach.operations.alerts import AlertKind, Incident
from outreach.operations.health import AlertWatch
from outreach.operations.health import _others as others
from outreach.operations.health._sentences import words_of
from outreach.web.public.answer_page import pages
from outreach.web.public.answer_page.codes import WRONG_OF_CLIENT
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import form_of, text_of


@pytest.fixture
def coded(launched_sample, standing):
    """A printed letter: its code, and the key of the message that it stands for."""
    keys = Keys(standing.settings.signing_keys)
    with launched_sample.writing() as session:
        letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
        of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
        fields = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.SILENT}
        evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR)
        wave = session.scalars(select(Wave).where(Wave.mailing_id == letter.mailing_id)).one()
        made = channels.make_batch(
            session, wave.campaign, wave, SenderIdentity.of(standing.settings), sheet=False, now=NOW, actor=AUTHOR
        )
        assert made.batch is not None
        return paper_letters.code_kept(session.scalars(select(PaperLetter)).one(), keys), letter.id


@pytest.mark.long
def test_a_code_typed_in_any_way_leads_to_the_answer_page(client, coded):
    code, _ = coded
    assert client.get("/r/").text == client.get("/r").text
    shown = client.get(f"/r/{code}")
    assert f'value="{code}"' in shown.text
    assert "boîte" not in text_of(shown.text), "opening the address tells nothing"
    for typed in (code, code.lower().replace("-", " "), code.replace("0", "o").replace("1", "l")):
        opened = client.post("/r", data={"code": typed})
        assert opened.status_code == 303
        assert "/a/" in opened.location
    assert client.get(opened.location).status_code == 200


@pytest.mark.long
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


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.usefixtures("at_noon")
def test_a_wrong_code_tells_nothing_and_many_from_a_client_wait_a_little(client, coded, monkeypatch):
    code, _ = coded
    right = client.get(f"/r/{code}").text.replace(code, "")
    assert client.get("/r/ZZZZ-ZZZZ").text.replace("ZZZZ-ZZZZ", "") == right
    told = {client.post("/r", data={"code": f"ZZZZ-ZZZ{one}"}).status_code for one in range(WRONG_OF_CLIENT)}
    assert told == {404}
    waits = client.post("/r", data={"code": code})
    assert (waits.status_code, waits.headers["Retry-After"]) == (429, "5"), "the right one, too: none is found so"
    assert "réessayez dans 5 secondes, ou donnez aussi le numéro FASE" in text_of(waits.text)
    assert form_of(waits, "/r")["fase"] == "", "who shares a network with somebody who guesses gets in by the pair"
    pair = client.post("/r", data={"code": "ZZZZ-ZZZZ", "fase": "9001"})
    assert (pair.status_code, "comparez le code et le numéro FASE" in text_of(pair.text)) == (429, True)
    assert "donnez aussi" not in text_of(pair.text)
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW + timedelta(seconds=5))
    assert client.post("/r", data={"code": code}).status_code == 303, "nobody is locked out"
    assert client.post("/r", data={"code": "ZZZZ-ZZZZ"}).status_code == 404
    assert client.post("/r", data={"code": code}).status_code == 429


def test_what_is_no_code_is_refused_in_a_sentence(client, coded):
    refused = client.post("/r", data={"code": "<script>" * 30})
    assert refused.status_code == 404
    assert "huit signes" in text_of(refused.text)


@pytest.fixture
def at_noon(client, monkeypatch):
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW)


def guess(database, count=MOST + 1):
    with database.writing() as session:
        for _ in range(count):
            channels.count_wrong_code(session, now=NOW)


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.usefixtures("at_noon")
def test_while_codes_are_guessed_the_form_asks_for_the_fase_number_and_a_right_pair_passes(
    client, coded, launched_sample
):
    code, key = coded
    with launched_sample.reading() as session:
        fase = session.get_one(Authority, session.get_one(Message, key).authority_id).fase
    guess(launched_sample, MOST)
    assert 'name="fase"' not in client.get("/r").text
    guess(launched_sample, 1)
    assert 'name="fase"' in client.get("/r").text
    asked = [client.post("/r", data={"code": typed}) for typed in (code, "ZZZZ-ZZZZ")]
    assert {one.status_code for one in asked} == {422}
    assert asked[0].text.replace(code, "ZZZZ-ZZZZ") == asked[1].text
    assert "donnez aussi le numéro FASE" in text_of(asked[0].text)
    wrong = client.post("/r", data={"code": code, "fase": fase + 1})
    nothing = client.post("/r", data={"code": "ZZZZ-ZZZZ", "fase": fase + 1})
    assert (wrong.status_code, wrong.text.replace(code, "ZZZZ-ZZZZ")) == (404, nothing.text)
    for one in range(WRONG_OF_CLIENT):
        client.post("/r", data={"code": f"ZZZZ-ZZZ{one}", "fase": fase})
    assert client.post("/r", data={"code": "ZZZZ-ZZZZ", "fase": fase}).status_code == 429
    for typed in (fase, f"FASE {fase}"):
        assert client.post("/r", data={"code": code, "fase": typed}).status_code == 303, "a right pair always passes"


@pytest.mark.usefixtures("at_noon")
def test_wrong_codes_of_all_clients_are_counted_and_their_alert_ends(client, coded, launched_sample, settings):
    guess(launched_sample, MOST)

    def seen(now):
        with launched_sample.reading() as session:
            return list(others.GUESSED.look(session, None, now).values())

    assert seen(NOW) == []
    assert client.post("/r", data={"code": "ZZZZ-ZZZZ"}).status_code == 404
    assert seen(NOW) == [NOW]
    assert seen(NOW + PERIOD) == []
    watch = AlertWatch(settings, launched_sample, ["relay"], SenderIdentity.of(settings), "w", least_free=0)
    watch.look("nothing leaves")
    with launched_sample.reading() as session:
        (episode,) = session.scalars(select(Incident).where(Incident.kind == AlertKind.CODES_GUESSED))
        assert "demande aussi le numéro FASE" in words_of(session, episode.kind, episode.subject, []).advice


@pytest.mark.long
def test_a_code_ends_as_links_do(client, coded, monkeypatch):
    code, _ = coded
    page = client.post("/r", data={"code": code}).location
    assert 'name="answer"' in client.get(page).text
    standing = pages.standing_of
    over = Term(AnswerTerm.OVER, NOW.date())
    monkeypatch.setattr(pages, "standing_of", lambda *given: (standing(*given)[0], over))
    assert 'name="answer"' not in client.get(page).text


@pytest.mark.long
def test_staff_read_that_an_answer_came_by_the_code(client, signed_in, coded, launched_sample):
    code, key = coded
    page = client.post("/r", data={"code": code}).location
    client.post(page, data={"answer": "help", "confirmed": "1"})
    with launched_sample.reading() as session:
        response = session.scalars(select(Response).where(Response.message_id == key)).one()
        number, fase = response.id, response.authority.fase
    author = signed_in("author")
    assert "Par le code de la lettre" in text_of(author.get(f"/responses/{number}").text)
    assert "Réponse par le code de la lettre" in text_of(author.get(f"/directory/{fase}/history").text)


@pytest.mark.long
def test_an_old_code_and_a_wrong_one_are_the_same_and_cost_the_same_statements(
    client, coded, launched_sample, monkeypatch
):
    code, _ = coded
    later = NOW + timedelta(days=400)
    with launched_sample.writing() as session:
        session.execute(update(Campaign).values(state="closed"))
    monkeypatch.setattr(Settings, "instant", lambda _settings: later)

    def statements(typed):
        seen = []

        def note(_connection, _cursor, statement, *_more):
            seen.append(re.sub(r"\?(, \?)*", "?", statement))

        event.listen(launched_sample.engine, "before_cursor_execute", note)
        answer = client.post("/r", data={"code": typed})
        event.remove(launched_sample.engine, "before_cursor_execute", note)
        return answer.status_code, answer.text.replace(typed, ""), seen

    statements("ZZZZ-ZZZ1")
    assert statements(code) == statements("ZZZZ-ZZZZ")
    assert statements(code)[0] == 404


@pytest.mark.journey
@pytest.mark.long
def test_guesses_sent_at_once_open_no_more_than_guesses_sent_in_turn(app, coded, launched_sample):
    code, _ = coded
    typed = [f"ZZZZ-ZZ{one:02}" for one in range(WRONG_OF_CLIENT * 3)]

    def guess(one):
        return app.test_client().post("/r", data={"code": one}).status_code

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(guess, typed))
    assert told.count(404) == WRONG_OF_CLIENT
    assert told.count(429) == len(typed) - WRONG_OF_CLIENT
    assert guess(code) == 429, "the right one, last: nobody learns that it is right"


@pytest.mark.journey
@pytest.mark.long
def test_a_client_is_no_other_for_changing_what_it_may_change(client, coded):
    for one in range(WRONG_OF_CLIENT):
        values = {"REMOTE_ADDR": f"2001:db8:7:{one:x}::{one + 1:x}", "HTTP_X_FORWARDED_FOR": f"192.0.2.{one}"}
        assert client.post("/r", data={"code": f"ZZZZ-ZZZ{one}"}, environ_overrides=values).status_code == 404
    for place, status in (("2001:db8:7:ffff::1", 429), ("2001:db8:8::1", 404)):
        values = {"REMOTE_ADDR": place, "HTTP_X_FORWARDED_FOR": "192.0.2.77"}
        assert client.post("/r", data={"code": "ZZZZ-ZZZZ"}, environ_overrides=values).status_code == status
    for last in (7, 8):
        values = {"REMOTE_ADDR": f"192.0.2.{last}"}
        assert client.post("/r", data={"code": "ZZZZ-ZZZZ"}, environ_overrides=values).status_code == 404


def test_codes_tell_nothing_of_their_order_nor_of_each_other():
    key = b"k" * 32
    every = [tokens.code_of(key, number) for number in range(1, 20_001)]
    assert len(set(every)) == len(every)
    rising = sum(first < second for first, second in pairwise(every)) / len(every)
    assert rising == pytest.approx(0.5, abs=0.02)
    share = [sum(code.startswith(letter) for code in every) / len(every) for letter in tokens.CODE_ALPHABET]
    assert max(share) < 1.4 / 32
    assert every[0] != tokens.code_of(hmac.digest(key, b"x", "sha256"), 1), "without the key nobody makes it"


@pytest.mark.long
def test_a_code_leads_to_its_own_letter_alone(client, coded, launched_sample, standing):
    """Of another campaign, of a letter whose code is another: the same page as for no code at all."""
    code, key = coded
    with launched_sample.writing() as session:
        letter = session.scalars(select(PaperLetter)).one()
        unknown = tokens.code_of(Keys(standing.settings.signing_keys).keys[0], letter.id + 1)
    nothing = client.post("/r", data={"code": "ZZZZ-ZZZZ"})
    other = client.post("/r", data={"code": unknown})
    assert other.text.replace(unknown, "ZZZZ-ZZZZ") == nothing.text
    opened = client.get(client.post("/r", data={"code": code}).location)
    with launched_sample.reading() as session:
        message = session.get_one(Message, key)
        other = session.scalars(select(Message).where(Message.authority_id != message.authority_id)).first()
        assert f"FASE {session.get_one(Authority, message.authority_id).fase}" in text_of(opened.text)
        assert f"FASE {session.get_one(Authority, other.authority_id).fase}" not in text_of(opened.text)


@pytest.mark.long
def test_after_the_end_a_code_takes_no_answer(client, coded, launched_sample, monkeypatch):
    code, key = coded
    page = client.post("/r", data={"code": code}).location
    with launched_sample.writing() as session:
        session.execute(update(Campaign).values(state="closed"))
    monkeypatch.setattr(Settings, "instant", lambda _settings: NOW + timedelta(days=400))
    client.post(page, data={"answer": "help", "confirmed": "1"})
    assert "n’accepte plus de réponse" in text_of(client.get(page).text)
    with launched_sample.reading() as session:
        assert session.scalars(select(Response).where(Response.message_id == key)).first() is None


def test_a_code_opens_no_mailbox(client, coded):
    """Whoever opens the letter answers for the authority. The mailbox's own file and its choices stay its own."""
    code, _ = coded
    page = client.post("/r", data={"code": code}).location
    token = page.rpartition("/")[2]
    shown = client.get(page).text
    assert "Mesure des ouvertures" not in shown
    assert f"/a/file/{token}" not in shown
    assert client.get(f"/a/file/{token}").status_code == 404
    assert client.post(f"/a/measure/{token}", data={"measure": "1", "wording": "x"}).status_code == 404


@pytest.mark.long
def test_an_authority_without_any_mailbox_answers_by_its_code(client, coded, launched_sample):
    code, key = coded
    with launched_sample.writing() as session:
        gone = {"address": "", "address_key": "", "address_ascii": "", "state": MessageState.WITHDRAWN}
        session.execute(update(Message).where(Message.id == key).values(**gone, reason=Reason.NO_ADDRESS))
    page = client.post("/r", data={"code": code}).location
    assert client.get(page).status_code == 200
    given = client.post(page, data={"answer": "help"}, follow_redirects=True)
    assert "donnée par le code de votre lettre" in text_of(given.text)
