import re
import threading
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher, extract_parameters
from flask_login.utils import encode_cookie
from sqlalchemy import event, select, update

from outreach.access import accounts
from outreach.access.accounts import StaffSession, User, passwords
from outreach.core import audit
from outreach.web.app import create_app
from outreach.web.sign_in import sessions
from tests.pages import PageClient, actions, cells, elements, form_of, text_of

EMAIL = "nadia.lambert@fwb.example"


def test_signing_in_leads_to_the_page_that_was_asked(client, password):
    asked = client.get("/directory/9001?page=2")
    assert asked.status_code == 302
    page = client.get(asked.location)
    response = client.post(actions(page)[0], data={**form_of(page), "email": EMAIL, "password": password})
    assert response.location == "/directory/9001?page=2"


def test_the_page_on_data_protection_counts_the_cookies_of_a_sign_in(client, password):
    form = {**form_of(client.get("/sign-in")), "email": EMAIL, "password": password, "remember": "y"}
    given = client.post("/sign-in", data=form).headers.getlist("Set-Cookie")
    kept = {cookie.partition("=")[0] for cookie in given if "Max-Age=0" not in cookie}
    assert kept == {"outreach", sessions.COOKIE}
    said = client.get("/data-protection").text
    assert "en a deux" in said
    assert f"{sessions.REMEMBERED_SECONDS // (24 * 3600)} jours" in said.replace("\u00a0", " ").replace("&nbsp;", " ")


@pytest.mark.one_example
@pytest.mark.parametrize(
    "target", ["//evil.test", "/\\evil.test", "https://evil.test", "http://[", "javascript:alert(1)"]
)
def test_signing_in_never_leads_elsewhere(client, password, target):
    form = {**form_of(client.get("/sign-in")), "email": EMAIL, "password": password, "next": target}
    response = client.post("/sign-in", query_string={"next": target}, data=form)
    assert (response.status_code, response.location) == (302, "/today")


@pytest.mark.one_example
@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "https:evil.test", "\t//evil.test", "/%0d%0aX: y"])
def test_whoever_is_in_already_is_led_nowhere_else_either(author, target):
    for method in ("GET", "POST"):
        form = {"csrf_token": form_token(author, "/account"), "next": target} if method == "POST" else None
        response = author.open("/sign-in", method=method, query_string={"next": target}, data=form)
        led = urlsplit(response.headers.get("Location", "/"))
        assert (led.scheme, led.netloc) == ("", "")
        assert "X" not in response.headers


@pytest.mark.one_example
@pytest.mark.parametrize("email", [EMAIL, "personne@fwb.example"])
def test_a_wrong_sign_in_does_not_tell_which_accounts_exist(client, email):
    response = client.sign_in(email, "pas le bon mot de passe")
    assert response.text.count("L’adresse ou le mot de passe ne convient pas.") == 1
    assert client.get("/directory").status_code == 302


@pytest.mark.one_example
@pytest.mark.parametrize("email", [EMAIL, "marc.dethier@fwb.example", "personne@fwb.example"])
def test_a_wrong_sign_in_takes_as_long_whether_an_account_exists_or_not(client, sample_database, monkeypatch, email):
    with sample_database.writing() as session:
        session.execute(update(User).where(User.email == "marc.dethier@fwb.example").values(password=""))
    real, compared = passwords.HASHER, []

    class Watched:
        hash = staticmethod(real.hash)

        def verify(self, digest, given):
            compared.append(extract_parameters(digest))
            return real.verify(digest, given)

    monkeypatch.setattr(passwords, "HASHER", Watched())
    client.sign_in(email, "pas le bon mot de passe")
    assert compared == [extract_parameters(real.hash("x"))]


def test_an_empty_sign_in_is_refused_in_a_summary(client):
    page = client.sign_in("", "").text
    assert 'id="error-summary"' in page
    assert "<title>Erreur" in page


def test_a_disabled_account_loses_its_sessions_at_once(author, sample_database):
    assert author.get("/directory").status_code == 200
    with sample_database.writing() as session:
        session.execute(update(User).where(User.email == EMAIL).values(active=False))
    assert author.get("/directory").status_code == 302


@pytest.mark.long
def test_a_changed_password_ends_the_other_sessions_and_leaves_a_trace(app, author, password, sample_database):
    other = app.test_client()
    other.sign_in(EMAIL, password)
    phrase = "une phrase vraiment longue"
    form = {"password": password, "new_password": phrase, "new_password_confirm": phrase}
    response = author.send("/account/password", form)
    assert response.status_code == 302
    assert author.get("/directory").status_code == 200
    assert other.get("/directory").status_code == 302
    assert app.test_client().sign_in(EMAIL, phrase).status_code == 302
    with sample_database.reading() as session:
        assert audit.entries_about(session, f"user:{EMAIL}")[0].sentence == "Mot de passe changé."


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            {"password": "faux", "new_password": "a" * 12, "new_password_confirm": "a" * 12},
            "Le mot de passe actuel ne convient pas.",
        ),
        (
            {"password": "", "new_password": "abcdefghijkl", "new_password_confirm": "autre"},
            "Les deux saisies du nouveau mot de passe diffèrent.",
        ),
        ({"new_password": "", "new_password_confirm": ""}, "Indiquez votre mot de passe."),
    ],
)
def test_a_refused_password_says_why_in_french(author, form, words):
    response = author.send("/account/password", form)
    assert words in response.text


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        ("court", "au moins 12 caractères"),
        ("aaaaaaaaaaaa", "se devine vite"),
        ("motdepasse123", "un mot courant ici"),
        ("nadia.lambert@fwb.example", "votre adresse"),
        ("Nadia Lambert 2026", "votre nom"),
        ("e\u0301" * 11, "au moins 12 caractères"),
        ("le chat dort sur le toit" * 500, "128 caractères au plus"),
    ],
    ids=lambda text: text[:20],
)
def test_a_password_that_will_not_do_is_refused(author, password, phrase, sentence):
    form = {"password": password, "new_password": phrase, "new_password_confirm": phrase}
    response = author.send("/account/password", form)
    assert (response.status_code, sentence in text_of(response)) == (422, True)


@pytest.mark.journey
@pytest.mark.long
def test_a_password_of_two_or_three_screens_is_refused_in_a_sentence(app, author, client, few):
    """Beyond 4096 characters the hash raises an exception."""
    endless = "é" * 5_000
    assert [client.sign_in(EMAIL, endless).status_code for _ in range(4)] == [200] * 4
    assert "ne convient pas" in client.sign_in("personne@fwb.example", endless).text
    phrase = "une phrase vraiment longue"
    form = {"password": endless, "new_password": phrase, "new_password_confirm": phrase}
    assert "128 caractères au plus" in text_of(author.send("/account/password", form))


@pytest.mark.journey
@pytest.mark.long
def test_whoever_has_a_password_that_somebody_else_chose_changes_it_first(app, client, password, sample_database):
    with sample_database.writing() as session:
        session.execute(update(User).where(User.email == EMAIL).values(must_change_password=True))
    signed_in = client.sign_in(EMAIL, password)
    for page in (signed_in.location, "/directory", "/account", "/campaigns"):
        assert client.get(page).location == "/account/password"
    piece = client.get("/directory", headers={"HX-Request": "true"})
    assert (piece.status_code, piece.headers["HX-Redirect"]) == (204, "/account/password")
    response = client.get("/account/password")
    assert "Quelqu’un d’autre connaît votre mot de passe" in response.text
    form = {"csrf_token": form_of(response)["csrf_token"], **CONTACT}
    assert client.post("/directory/9300/contacts", data=form).location == "/account/password"
    same = {"password": password, "new_password": password, "new_password_confirm": password}
    assert "différent de l’actuel" in client.send("/account/password", same).text
    phrase = "une phrase vraiment longue"
    form = {"password": password, "new_password": phrase, "new_password_confirm": phrase}
    assert client.send("/account/password", form).status_code == 302
    assert client.get("/directory").status_code == 200


def test_signing_out_takes_a_post(author):
    assert author.get("/sign-out").status_code == 405
    author.send("/sign-out", page="/account")
    assert author.get("/directory").status_code == 302


def copied(app, client):
    """Another browser with a copy of a client's cookie."""
    thief = app.test_client()
    thief.set_cookie("outreach", client.get_cookie("outreach").value)
    return thief


@pytest.mark.long
def test_signing_out_ends_the_session_in_every_copy_of_its_cookie_and_in_every_process(app, client, password):
    client.sign_in(EMAIL, password)
    thief = copied(app, client)
    other = create_app(app.extensions["outreach.settings"], app.extensions["outreach.database"])
    elsewhere = copied(other, client)
    assert (thief.get("/directory").status_code, elsewhere.get("/directory").status_code) == (200, 200)
    client.send("/sign-out", page="/account")
    assert (thief.get("/directory").status_code, elsewhere.get("/directory").status_code) == (302, 302)


def test_a_session_stays_where_network_and_browser_change(app, client, password):
    client.sign_in(EMAIL, password)
    moved = client.get("/directory", headers={"User-Agent": "another"}, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert moved.status_code == 200
    assert client.get("/directory").status_code == 200


def test_a_session_lasts_twelve_hours(author, sample_database):
    with sample_database.writing() as session:
        row = session.scalars(select(StaffSession)).one()
        row.began_at -= timedelta(hours=12)
    assert author.get("/directory").status_code == 302


@pytest.mark.journey
@pytest.mark.long
def test_a_person_sees_the_sessions_and_ends_others(app, author, password):
    others = [app.test_client() for _ in range(3)]
    for other in others:
        other.sign_in(EMAIL, password, headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})
    page = author.get("/account")
    table = [row[:1] + row[2:] for row in cells(elements(page, "table")[0], without={"ds-sr-only"})][1:]
    assert sorted(table) == sorted(
        [["Firefox sous Windows", "Terminer"]] * 3 + [["Firefox sous Linux", "Cette session"]]
    )
    newest = next(action for action in actions(page) if action.endswith("/end") and action != "/account/sessions/end")
    assert author.send(newest, page="/account").location == "/account"
    assert [other.get("/directory").status_code for other in others] == [200, 200, 302]
    assert author.send("/account/sessions/end", page="/account").status_code == 302
    assert [other.get("/directory").status_code for other in others] == [302, 302, 302]
    assert author.get("/account").status_code == 200
    assert "Terminer" not in text_of(elements(author.get("/account"), "table")[0])


@pytest.mark.long
def test_nobody_ends_somebody_else_s_session(author, signed_in, sample_database):
    reader = signed_in("reader")
    with sample_database.reading() as session:
        newest = session.scalars(select(StaffSession.id).order_by(StaffSession.id.desc())).first()
    assert author.send(f"/account/sessions/{newest}/end", page="/account").status_code == 404
    assert author.send("/account/sessions/end", page="/account").status_code == 302
    assert reader.get("/directory").status_code == 200


def test_reading_a_session_is_one_statement_and_writes_nothing(author, sample_database):
    asked = []
    author.get("/accessibility")

    def note(_connection, _cursor, statement, *_rest):
        asked.append(statement)

    event.listen(sample_database.engine, "before_cursor_execute", note)
    author.get("/directory")
    about = [statement for statement in asked if re.search(r"FROM (users|sessions|role)", statement)]
    assert len(about) == 1
    assert not [statement for statement in asked if not statement.startswith(("SELECT", "PRAGMA", "BEGIN"))]


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox sous Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge sous Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537 Chrome/140.0 Mobile Safari/537.36", "Chrome sous Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari sous iOS"),
        ("curl/8.0\x00\r\n" + "x" * 9_000, "Navigateur inconnu"),
    ],
)
def test_a_browser_is_described_coarsely(agent, browser):
    assert sessions.browser_of(agent) == browser


def test_a_form_of_another_session_is_refused(author):
    response = author.post("/directory/9300/contacts", data={"address": "a@ecole.be", "csrf_token": "x"})
    assert response.status_code == 400
    assert "Le formulaire a expiré" in response.text


def test_another_host_name_is_refused(client):
    assert client.get("/sign-in", headers={"Host": "evil.test"}).status_code == 400


def test_a_host_name_compares_without_case(client):
    page = client.get("/sign-in", headers={"Host": "LocalHost"})
    assert page.status_code == 200
    answer = client.post("/sign-in", data=form_of(page), headers={"Host": "LOCALHOST", "Origin": "http://localhost"})
    assert answer.status_code == 200, "no form of another site"


def test_no_page_is_there_that_is_not_ours(app):
    homes = {app.view_functions[rule.endpoint].__module__ for rule in app.url_map.iter_rules()}
    assert {home.partition(".")[0] for home in homes} == {"outreach"}


def form_token(client, page="/sign-in"):
    return form_of(client.get(page))["csrf_token"]


CONTACT = {"address": "a@ecole.be", "kind": "impersonal"}


@pytest.mark.long
def test_what_was_known_of_a_session_before_signing_in_is_worth_nothing_after(app, client, password):
    planted = form_token(client)
    cookie = client.get_cookie("outreach").value
    assert client.sign_in(EMAIL, password).status_code == 302
    assert client.post("/directory/9300/contacts", data={**CONTACT, "csrf_token": planted}).status_code == 400
    other = app.test_client()
    other.set_cookie("outreach", cookie)
    assert other.get("/directory").status_code == 302


def test_the_token_of_somebody_else_s_session_is_refused(author, signed_in):
    token = form_token(signed_in("approver"), "/account")
    assert author.post("/directory/9300/contacts", data={**CONTACT, "csrf_token": token}).status_code == 400
    assert author.post("/directory/9300/contacts", data=CONTACT).status_code == 400


@pytest.mark.one_example
@pytest.mark.parametrize("origin", ["null", "https://evil.test", "http://127.0.0.1.evil.test", "", "http://[", "evil"])
def test_a_form_that_stands_on_another_site_is_refused_whatever_token_it_has(author, origin):
    form = {**CONTACT, "csrf_token": form_token(author, "/directory/9300/contacts/new")}
    refused = author.post("/directory/9300/contacts", data=form, headers={"Origin": origin})
    assert refused.status_code == 400
    assert "vient d’une autre session" in refused.text
    assert author.post("/directory/9300/contacts", data=form, headers={"Origin": "http://localhost"}).status_code == 302


@pytest.mark.one_example
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/xml", "multipart/form-data", "x"])
def test_what_is_no_form_of_words_is_refused(author, kind):
    refused = author.post("/directory/9300/contacts", data=b'{"address": 1}', content_type=kind)
    assert refused.status_code == 415
    assert "formulaires" in refused.text


@pytest.mark.journey
@pytest.mark.parametrize("body", [b"[1]", b"{", b"[" * 2_000_000, b'{"auth_token": {}}'], ids=lambda body: body[:9])
def test_a_stranger_s_body_is_never_read_for_a_way_in(client, body):
    for method in ("GET", "POST"):
        sent = {"method": method, "data": body, "content_type": "application/json"}
        for address in ("/sign-in", "/directory", "/nowhere"):
            assert client.open(address, **sent).status_code == 415
        for address in ("/accessibility", "/u/x"):
            assert client.open(address, **sent).status_code in {200, 404, 415}


def test_no_token_opens_what_a_session_opens(app, client, sample_database):
    with app.test_request_context(), sample_database.reading() as session:
        sign = accounts.account_of(session, EMAIL).get_id()
        remembered = encode_cookie(sign)
    assert client.get("/directory", query_string={"auth_token": sign}).status_code == 302
    assert client.get("/directory", headers={"Authentication-Token": sign, "Authorization": sign}).status_code == 302
    client.set_cookie("remember_token", remembered)
    assert client.get("/directory").status_code == 302


@pytest.mark.one_example
@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-URL"])
def test_only_the_host_itself_names_the_host(client, header):
    response = client.get("/directory", headers={header: "host=evil.test", "X-Forwarded-For": "1.2.3.4"})
    assert response.location == "/sign-in?next=/directory"


@pytest.fixture
def few(monkeypatch):
    """Two failures are enough: each costs the time of a digest."""
    for name in ("MOST_BY_ACCOUNT", "MOST_BY_BROWSER", "MOST_BY_SESSION"):
        monkeypatch.setattr(sessions, name, 2)
    monkeypatch.setattr(sessions, "MOST_BY_ADDRESS", 3)


def tried(app, email, password="", **headers):
    return app.test_client().sign_in(email, password or "faux", headers=headers).status_code


@pytest.mark.journey
@pytest.mark.long
def test_an_account_under_attack_is_slowed_and_its_owner_comes_in_as_always(app, client, password, few, caplog):
    assert client.sign_in(EMAIL, password).status_code == 302
    client.send("/sign-out", page="/account")
    assert [tried(app, EMAIL) for _ in range(4)] == [200, 200, 429, 429]
    assert tried(app, EMAIL.upper(), password) == 429, "a stranger is not told that this one is right"
    assert "too many sign-ins failed, of one account" in caplog.text
    assert "nadia" not in caplog.text
    assert client.sign_in(EMAIL, password).status_code == 302, "a browser that the person has used here"
    assert tried(app, "marc.dethier@fwb.example", password) == 302


@pytest.mark.long
@pytest.mark.parametrize(
    "domain", ["ｆｗｂ.ｅｘａｍｐｌｅ", "fwb。example", "fwb．example", "fwb.exⓐmple", "FWB.exᵃmple"]
)
def test_an_account_is_slowed_however_its_address_is_written(app, password, few, domain):
    assert [tried(app, EMAIL) for _ in range(2)] == [200, 200]
    assert tried(app, f"nadia.lambert@{domain}", password) == 429


@pytest.mark.journey
@pytest.mark.long
def test_a_browser_that_somebody_uses_is_slowed_like_any_other_and_for_that_person_only(app, client, password, few):
    client.sign_in(EMAIL, password)
    client.send("/sign-out", page="/account")
    assert [client.sign_in(EMAIL, "faux").status_code for _ in range(3)] == [200, 200, 429]
    assert client.sign_in("marc.dethier@fwb.example", "faux").status_code == 200
    assert "Attendez un quart d’heure" in client.sign_in(EMAIL, password).text
    assert tried(app, EMAIL, password) == 302, "elsewhere the person comes in"


@pytest.mark.journey
@pytest.mark.parametrize(("place", "said"), [("198.51.100.7", "192.0.2.{}"), ("127.0.0.1", "192.0.2.{}, 198.51.100.7")])
def test_many_accounts_from_one_client_are_slowed_whatever_it_says_of_itself(app, few, place, said):
    def code(number, forwarded):
        headers = {"X-Forwarded-For": forwarded.format(number)}
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = place
        return client.sign_in(f"agent{number}@fwb.example", "faux", headers=headers).status_code

    assert [code(number, said) for number in range(4)] == [200, 200, 200, 429]
    others = 429 if place == "198.51.100.7" else 200  # behind a web server of this machine others do not wait
    assert code(5, "198.51.100.8") == others


@pytest.mark.long
def test_what_one_process_counts_counts_in_every_other(app, few):
    other = create_app(app.extensions["outreach.settings"], app.extensions["outreach.database"])
    other.test_client_class = PageClient
    assert [tried(process, EMAIL) for process in (app, other, app, other)] == [200, 200, 429, 429]


def test_a_password_is_hashed_while_no_transaction_writes(app, client, password, monkeypatch):
    """SQLite has one writer, and a hash takes longer than most transactions."""
    database, hashed = app.extensions["outreach.database"], []

    def verify(user, given):
        with database.writing() as session:
            session.connection()  # beside another writer it would wait, and fail
            hashed.append(given)
        return True

    monkeypatch.setattr(User, "has_password", verify)
    assert client.sign_in(EMAIL, password).status_code == 302
    assert hashed == [password]


@pytest.mark.long
def test_a_password_hashed_with_older_parameters_opens_as_before(client, sample_database):
    older = PasswordHasher(time_cost=2, memory_cost=65536).hash("correct horse battery")
    with sample_database.writing() as session:
        session.execute(update(User).where(User.email == "nadia.lambert@fwb.example").values(password=older))
    assert client.sign_in("nadia.lambert@fwb.example", "correct horse battery").status_code == 302


@pytest.fixture
def at_once(app, monkeypatch):
    """Sign in so many times that each is still comparing its password as the next begins; the statuses, last first."""

    def signed_in(times, is_right):
        codes, begun = [], []

        def try_again():
            begun.append(True)
            codes.append(tried(app, EMAIL, "x"))

        def verify(*_arguments):
            verdict = is_right(len(begun))
            if len(begun) < times:
                thread = threading.Thread(target=try_again)
                thread.start()
                thread.join()
            return verdict

        monkeypatch.setattr(User, "has_password", verify)
        try_again()
        return codes

    return signed_in


@pytest.mark.journey
def test_right_passwords_at_the_same_moment_do_not_slow_each_other(at_once, few):
    assert at_once(5, lambda _place: True) == [302] * 5


@pytest.mark.journey
def test_of_guesses_at_the_same_moment_no_more_are_answered_than_one_by_one(at_once, few):
    assert at_once(5, lambda _place: False) == [200, 200, 429, 429, 429]


def test_a_right_guess_is_not_answered_once_too_many_others_failed_meanwhile(at_once, few):
    assert at_once(3, lambda place: place == 1) == [200, 200, 429]


@pytest.mark.journey
@pytest.mark.long
def test_the_current_password_is_counted_for_the_session_that_is_asked(app, author, client, password, few):
    client.sign_in(EMAIL, password)
    phrase = "une phrase vraiment longue"
    form = {"password": "faux", "new_password": phrase, "new_password_confirm": phrase}
    assert [author.send("/account/password", form).status_code for _ in range(3)] == [422, 422, 429]
    right = {**form, "password": password}
    assert author.send("/account/password", right).status_code == 429
    assert author.get("/directory").status_code == 200
    assert tried(app, EMAIL, password) == 302
    assert client.send("/account/password", right).status_code == 302


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize(("email", "given"), [(EMAIL, ""), ("", "faux"), ("Ma phrase secrète", "faux")])
def test_what_cannot_be_an_attempt_is_not_counted(app, password, few, email, given):
    client = app.test_client()
    assert {client.sign_in(email, given).status_code for _ in range(4)} == {200}
    assert tried(app, EMAIL, password) == 302


@pytest.mark.long
def test_what_was_typed_instead_of_an_address_stands_in_no_log(app, few, caplog):
    for _ in range(4):
        tried(app, "ma-phrase-secrete@example.org")
    assert "too many sign-ins failed, of no account" in caplog.text
    assert "secrete" not in caplog.text


@pytest.mark.long
@pytest.mark.parametrize("cookie", ["x.y.z", "é"])
def test_a_forged_mark_of_a_browser_is_none(app, few, cookie):
    client = app.test_client()
    client.set_cookie("outreach-known", cookie, path="/sign-in")
    assert [client.sign_in(EMAIL, "faux").status_code for _ in range(3)] == [200, 200, 429]


def test_a_right_current_password_is_not_answered_once_too_many_guesses_failed_meanwhile(author, monkeypatch, few):
    def verify(*_arguments):
        claim = sessions.claim_in_session()
        while sessions.count_failure(claim):
            pass
        return True

    monkeypatch.setattr(User, "has_password", verify)
    phrase = "une phrase vraiment longue"
    form = {"password": "juste", "new_password": phrase, "new_password_confirm": phrase}
    assert author.send("/account/password", form).status_code == 429


@pytest.mark.long
def test_each_chooses_how_often_the_service_writes(author):
    assert 'value="at_once" checked' in author.get("/account").text
    assert author.send("/account/notices", {"pace": "daily"}, page="/account").status_code == 302
    page = author.get("/account").text
    assert 'value="daily" checked' in page
    assert "une fois par jour, à 8 heures" in text_of(page)
    assert author.send("/account/notices", {"pace": "hourly"}, page="/account").status_code == 400


def test_passwords_are_hashed_one_at_a_time_since_each_takes_64_mb(monkeypatch):
    under_way, most, guard = 0, 0, threading.Lock()

    class Counting:
        def verify(self, *_words):
            nonlocal under_way, most
            with guard:
                under_way += 1
                most = max(most, under_way)
            time.sleep(0.01)
            with guard:
                under_way -= 1
            return False

        hash = verify

    monkeypatch.setattr(passwords, "HASHER", Counting())
    ways = [(passwords.is_right, ("x", "x")), (passwords.hash_password, ("x",))]
    tries = [threading.Thread(target=way, args=words) for way, words in ways * 3]

    for one in tries:
        one.start()
    for one in tries:
        one.join()
    assert most == 1
