"""The second step of signing in: nothing opens before it, and a code opens once."""

import re
from datetime import timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import select, update

from outreach.access.accounts import AccessLogEntry, TrailKind, User, second_factors
from outreach.access.accounts.second_factors import SecondFactor
from outreach.core import audit
from outreach.core.settings import FactorPolicy
from outreach.operations.demo import people
from outreach.web.sign_in import sessions
from outreach.web.sign_in.access_log_queue import EXTENSION
from outreach.web.sign_in.second_factor import blueprint
from tests.application import ASKED_AT
from tests.architecture.test_sweeps import OPEN, addresses
from tests.pages import actions, elements, form_of, text_of
from tests.web.campaigns.test_campaigns import begun
from tests.web.signing_in.test_kept import OURS, WRITTEN, ended, letter_of, written
from tests.web.signing_in.test_kept import sign_in as sign_in_again

__all__ = ["begun", "ended", "written"]
CHECK, SET_UP = "/sign-in/second-factor", "/sign-in/second-factor/set-up"
PROGRAMS = {"api": 401, "hooks": 404}  # what asks for a key, or knows no sender `x`, sends nobody to a sign-in
CODE = re.compile(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}")


def choose(app, policy):
    settings = app.extensions["outreach.settings"].model_copy(update={"second_factor": policy})
    app.extensions["outreach.settings"] = settings


@pytest.fixture
def required(app):
    choose(app, FactorPolicy.REQUIRED)


def email(role):
    return people.person_for(role).email


def key_of(page):
    return text_of(elements(page, "code[@class='key']")[0]).replace(" ", "")


def code_of(page, ahead=0):
    """The code that a telephone makes of the key on a page."""
    return code(key_of(page), ahead)


def code(secret, ahead=0):
    return TOTP(secret).at(int(ASKED_AT.timestamp()) + 30 * ahead)


@pytest.fixture
def enrolled(app, sample_database):
    """Give the person of a role a second factor; returns the secret and the recovery codes."""

    def enrol(role):
        keys = second_factors.factor_cipher(app.extensions["outreach.settings"].secret_keys)
        now = app.extensions["outreach.settings"].instant()
        with sample_database.writing() as session:
            number = session.scalars(select(User.id).where(User.email == email(role))).one()
            sealed = second_factors.new_secret(keys, number)
            codes = second_factors.set_up(session, number, email(role), sealed, -1, replacing=False, now=now)
        return second_factors.open_secret(keys, number, sealed), codes

    return enrol


def held(kept):
    """What a sealed text holds: its last two parts are the second it was sealed in, and the seal."""
    return kept.rsplit(".", 2)[0]


def give(client, typed):
    page = client.get(CHECK)
    return client.post(CHECK, data={**form_of(page), "code": typed})


@pytest.mark.journey
@pytest.mark.long
def test_a_right_password_alone_opens_nothing_of_whoever_has_to_have_a_second_factor(
    app, client, password, required, sample_database
):
    """Half signed in, every address that asks for a sign-in still asks for it, whatever is sent there."""
    assert client.sign_in(email("administrator"), password).location == SET_UP
    app.config["WTF_CSRF_ENABLED"] = False
    tried = 0
    for method, endpoint, address in addresses(app):
        if endpoint in OPEN or endpoint.startswith("second_factor."):
            continue
        answer = client.open(address, method=method)
        if program := PROGRAMS.get(endpoint.partition(".")[0]):
            assert answer.status_code == program, (method, address)
            continue
        answer = client.get(answer.location) if endpoint == "start" else answer
        assert (answer.status_code, answer.location[:8]) == (302, "/sign-in"), (method, address)
        tried += 1
    assert tried > 50
    assert client.get(CHECK).location == SET_UP
    assert client.get("/account/second-factor").location.startswith("/sign-in?")
    with sample_database.reading() as session:
        assert session.scalars(select(SecondFactor.user_id)).all() == []


@pytest.mark.journey
@pytest.mark.long
def test_whoever_has_to_sets_it_up_reads_the_codes_once_and_is_in(app, client, password, required, sample_database):
    response = client.get("/directory/9001?page=2")
    form = {**form_of(client.get(response.location)), "email": email("approver"), "password": password}
    assert client.post(response.location, data=form).location == SET_UP
    page = client.get(SET_UP)
    assert len(elements(page, "div[@class='qr']/*")) == 1
    assert key_of(page) == key_of(client.get(SET_UP)), "a page opened again shows the same key"
    wrong = client.post(SET_UP, data={**form_of(page), "code": "12345"})
    assert (wrong.status_code, "Ce code ne convient pas" in text_of(wrong)) == (422, True)
    shown = client.post(SET_UP, data={**form_of(page), "code": code_of(page)})
    codes = CODE.findall(shown.text)
    assert len(set(codes)) == second_factors.RECOVERY_CODES
    assert 'href="/directory/9001?page=2"' in shown.text
    assert client.get("/directory").status_code == 200
    assert client.get(SET_UP).location == "/sign-in"
    assert "codes de secours qui restent : 10" in text_of(client.get("/account"))
    with sample_database.reading() as session:
        said = audit.entries_about(session, f"user:{email('approver')}")[0]
        assert (said.actor, said.sentence) == (email("approver"), "Second facteur mis en place.")


@pytest.mark.long
def test_a_session_from_before_the_role_was_given_leads_to_the_set_up(app, signed_in, password, required):
    reader, approver = signed_in("reader"), signed_in("approver")
    assert reader.get("/directory").status_code == 200
    assert approver.get("/directory").location.startswith("/sign-in?")
    assert approver.sign_in(email("approver"), password).location == SET_UP
    choose(app, FactorPolicy.OFF)
    assert signed_in("approver").get("/directory").status_code == 200


@pytest.mark.journey
@pytest.mark.long
def test_a_code_opens_after_the_password_and_never_twice(app, client, password, enrolled):
    secret, _ = enrolled("author")
    right = code(secret)
    other = app.test_client()
    for tab in (client, other):
        assert tab.sign_in(email("author"), password).location == CHECK
        assert tab.get("/directory").status_code == 302
    assert give(client, right).location == "/today"
    replayed = give(other, right)
    assert (replayed.status_code, "Ce code a déjà servi" in text_of(replayed)) == (422, True)
    assert other.get("/directory").status_code == 302
    assert give(other, code(secret, ahead=1)).location == "/today"
    assert [tab.get("/directory").status_code for tab in (client, other)] == [200, 200]


@pytest.mark.long
def test_the_page_of_the_code_names_somebody_else_who_can_take_a_lost_factor_away(
    app, client, password, enrolled, sample_database
):
    enrolled("approver")
    enrolled("administrator")
    client.sign_in(email("approver"), password)
    named = [text_of(one) for one in elements(client.get(CHECK), "main//p/bdi")]
    assert named == [people.person_for("administrator").name, email("administrator")]
    alone = app.test_client()
    alone.sign_in(email("administrator"), password)
    assert email("administrator") not in alone.get(CHECK).text
    assert "adressez-vous à la personne qui exploite le service" in text_of(alone.get(CHECK))


@pytest.mark.long
def test_a_form_of_a_tab_that_was_left_behind_is_refused(client, password, enrolled):
    secret, _ = enrolled("author")
    client.sign_in(email("author"), password)
    left_behind = form_of(client.get(CHECK))
    right = code(secret)
    assert give(client, right).location == "/today"
    refused = client.post(CHECK, data={**left_behind, "code": right})
    assert (refused.status_code, "Le formulaire a expiré" in refused.text) == (400, True)


@pytest.mark.journey
@pytest.mark.long
def test_a_recovery_code_opens_once_and_the_next_page_says_how_many_remain(app, client, password, enrolled):
    _, codes = enrolled("author")
    client.sign_in(email("author"), password)
    assert give(client, codes[0].replace("-", " ").upper()).location == "/today"
    assert "Il vous reste 9 codes de secours." in text_of(client.get("/directory"))
    other = app.test_client()
    other.sign_in(email("author"), password)
    assert "Ce code de secours a déjà servi" in text_of(give(other, codes[0]))


@pytest.mark.journey
@pytest.mark.long
def test_wrong_codes_are_slowed_and_stand_in_the_trail(app, client, password, enrolled, monkeypatch, sample_database):
    monkeypatch.setattr(sessions, "MOST_BY_ACCOUNT", 2)
    secret, _ = enrolled("author")
    client.sign_in(email("author"), password)
    assert [give(client, "000000").status_code for _ in range(3)] == [422, 422, 429]
    slowed = give(client, code(secret))
    assert (slowed.status_code, "Attendez un quart d’heure" in text_of(slowed)) == (429, True)
    assert client.get("/directory").status_code == 302
    assert app.extensions[EXTENSION].flush()
    with sample_database.reading() as session:
        failed = select(AccessLogEntry).where(AccessLogEntry.kind == TrailKind.SIGN_IN_FAILED)
        said = session.scalars(failed).first()
        assert (said.person, said.detail) == (email("author"), blueprint.TRIED)


@pytest.mark.long
@pytest.mark.parametrize("change", ["password", "account", "time"])
def test_a_step_does_not_go_on_once_what_it_stands_on_has_changed(
    app, client, password, enrolled, sample_database, change, monkeypatch
):
    secret, _ = enrolled("author")
    client.sign_in(email("author"), password)
    form = {**form_of(client.get(CHECK)), "code": code(secret)}
    values = {"password": {"password": "x"}, "account": {"active": False}}.get(change)
    if values:
        with sample_database.writing() as session:
            session.execute(update(User).where(User.email == email("author")).values(**values))
    else:
        monkeypatch.setattr(blueprint, "WAITS", timedelta(0))
    assert client.post(CHECK, data=form).location == "/sign-in"
    assert client.get("/directory").status_code == 302


def test_nobody_is_asked_where_it_is_optional_and_none_is_set_up(client, password):
    assert client.sign_in(email("administrator"), password).location == "/"
    assert client.get("/directory").status_code == 200


@pytest.mark.long
def test_a_text_that_was_kept_goes_through_the_second_step(ended, begun, written, password, enrolled, sample_database):
    secret, _ = enrolled("author")
    shown = sign_in_again(ended, ended.post(f"{begun}/letter", data=written, headers=OURS), password)
    assert (shown.status_code, actions(shown), "Une heure" in text_of(shown)) == (200, [CHECK], False)
    wrong = ended.post(CHECK, data={**form_of(shown), "code": "000000"}, headers=OURS)
    read = ended.post(CHECK, data={**form_of(wrong), "code": code(secret)}, headers=OURS)
    assert "Une heure de travail" in text_of(read)
    assert ended.post(f"{begun}/letter", data=form_of(read), headers=OURS).location == f"{begun}/dates"
    assert letter_of(sample_database) == WRITTEN.replace("\r\n", "\n")


@pytest.mark.long
def test_a_text_that_was_kept_goes_through_the_set_up(ended, begun, written, password, required, monkeypatch):
    monkeypatch.setattr(second_factors, "THEIRS", {"author"})
    page = sign_in_again(ended, ended.post(f"{begun}/letter", data=written, headers=OURS), password)
    assert actions(page) == [SET_UP]
    shown = ended.post(SET_UP, data={**form_of(page), "code": code_of(page)}, headers=OURS)
    assert len(CODE.findall(shown.text)) == second_factors.RECOVERY_CODES
    read = ended.post("/sign-in/kept", data=form_of(shown, "/sign-in/kept"), headers=OURS)
    assert "Une heure de travail" in text_of(read)


@pytest.mark.long
def test_a_text_that_was_kept_is_not_lost_with_a_step_that_is_over(
    ended, begun, written, password, enrolled, monkeypatch
):
    secret, _ = enrolled("author")
    shown = sign_in_again(ended, ended.post(f"{begun}/letter", data=written, headers=OURS), password)
    monkeypatch.setattr(blueprint, "WAITS", timedelta(0))
    over = ended.post(CHECK, data={**form_of(shown), "code": code(secret)}, headers=OURS)
    assert over.status_code == 422
    assert held(form_of(over, "/sign-in/kept")["kept"]) == held(form_of(shown)["kept"])


@pytest.mark.long
def test_a_step_that_was_left_is_not_for_whoever_uses_the_browser_next(client, password, required):
    assert client.sign_in(email("approver"), password).location == SET_UP
    assert client.sign_in(email("reader"), password).location == "/"
    client.send("/sign-out", page="/account")
    assert client.get(SET_UP).location == "/sign-in"


@pytest.mark.journey
@pytest.mark.long
def test_two_tabs_set_up_one_second_factor(app, client, password, required):
    tabs = [client, app.test_client()]
    pages = [(tab.sign_in(email("approver"), password), tab.get(SET_UP))[1] for tab in tabs]
    sent = [
        tab.post(SET_UP, data={**form_of(page), "code": code_of(page)}) for tab, page in zip(tabs, pages, strict=True)
    ]
    assert (sent[0].status_code, sent[1].location) == (200, CHECK)
    assert "Un second facteur est déjà en place" in text_of(tabs[1].get(CHECK))
    assert [tab.get("/directory").status_code for tab in tabs] == [200, 302]
