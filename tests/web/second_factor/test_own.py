"""One's own second factor: with the password and a code, on one's own page, and by true time."""

import pytest
from sqlalchemy import select

from outreach.access.accounts.second_factors import RecoveryCode
from outreach.core import audit
from outreach.core.settings import FactorPolicy
from tests.pages import elements, text_of
from tests.web.second_factor.test_entering import CODE, choose, code, code_of, email, give

OWN, SET_UP = "/account/second-factor", "/account/second-factor/set-up"


@pytest.fixture
def secret(author, password):
    """The author's second factor, set up on the author's own page; the author stays signed in."""
    assert author.send(OWN, {"password": password}).location == SET_UP
    page = author.get(SET_UP)
    shown = author.send(SET_UP, {"code": code_of(page)})
    assert CODE.search(shown.text)
    return text_of(elements(page, "code[@class='key']")[0]).replace(" ", "")


@pytest.mark.journey
@pytest.mark.long
def test_it_is_set_up_with_the_password_ends_other_sessions_and_is_asked_from_then_on(
    app, author, signed_in, password, sample_database
):
    other = signed_in("author")
    wrong = author.send(OWN, {"password": "faux"})
    assert (wrong.status_code, author.get(SET_UP).location) == (422, OWN)
    author.send(OWN, {"password": password})
    page = author.get(SET_UP)
    author.send(SET_UP, {"code": code_of(page)})
    assert author.get("/directory").status_code == 200
    assert other.get("/directory").status_code == 302
    client = app.test_client()
    assert client.sign_in(email("author"), password).location == "/sign-in/second-factor"
    key = text_of(elements(page, "code[@class='key']")[0]).replace(" ", "")
    assert give(client, code(key, ahead=1)).location == "/today"


@pytest.mark.journey
@pytest.mark.long
def test_a_change_takes_the_password_and_a_code(author, secret, password, sample_database):
    for typed in ({"password": password}, {"password": password, "code": "000000"}, {"password": "faux", "code": "1"}):
        for address in (OWN, f"{OWN}/codes", f"{OWN}/removal"):
            assert author.send(address, typed, page=OWN).status_code == 422
    with sample_database.reading() as session:
        before = set(session.scalars(select(RecoveryCode.digest)))
    shown = author.send(f"{OWN}/codes", {"password": password, "code": code(secret, ahead=1)}, page=OWN)
    fresh = CODE.findall(shown.text)
    with sample_database.reading() as session:
        assert before.isdisjoint(session.scalars(select(RecoveryCode.digest)))
    assert author.send(OWN, {"password": password, "code": fresh[0]}).location == SET_UP
    replaced = author.send(SET_UP, {"code": code_of(author.get(SET_UP))})
    assert fresh[1] not in replaced.text
    assert author.get("/directory").status_code == 200
    newest = CODE.findall(replaced.text)[0]
    assert author.send(f"{OWN}/removal", {"password": password, "code": newest}, page=OWN).location == "/account"
    with sample_database.reading() as session:
        said = [entry.sentence for entry in audit.entries_about(session, f"user:{email('author')}")][:4]
    assert said[0::2] == ["Second facteur retiré.", "Second facteur remplacé."]
    assert author.get("/directory").status_code == 200


def test_whoever_has_to_have_one_is_not_offered_to_remove_it(app, author, secret, password, monkeypatch):
    monkeypatch.setattr("outreach.access.accounts.second_factors.THEIRS", {"author"})
    choose(app, FactorPolicy.REQUIRED)
    assert "Retirer" not in text_of(author.get(OWN))
    typed = {"password": password, "code": code(secret, ahead=1)}
    assert author.send(f"{OWN}/removal", typed, page=OWN).status_code == 409


@pytest.mark.long
def test_a_new_password_keeps_the_session_that_gave_a_second_factor(author, secret, password):
    phrase = "une phrase vraiment longue"
    form = {"password": password, "new_password": phrase, "new_password_confirm": phrase}
    assert author.send("/account/password", form).status_code == 302
    assert author.get("/directory").status_code == 200


@pytest.mark.long
def test_a_demonstration_at_another_time_takes_the_codes_of_today(app, author, password):
    settings = app.extensions["outreach.settings"]
    app.extensions["outreach.settings"] = settings.model_copy(update={"clock_offset": 7200.0})
    author.send(OWN, {"password": password})
    assert CODE.search(author.send(SET_UP, {"code": code_of(author.get(SET_UP))}).text)


def test_an_installation_without_second_factors_offers_none(app, author):
    assert OWN in author.get("/account").text
    choose(app, FactorPolicy.OFF)
    assert OWN not in author.get("/account").text
    assert author.get(OWN).status_code == 404
