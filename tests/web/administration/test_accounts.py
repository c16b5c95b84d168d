"""The administration's pages on accounts: who sees them, and what they tell."""

import json
import re

import pytest
from sqlalchemy import select

from outreach.access.accounts import AccountLink
from outreach.access.accounts import _password_links as password_links
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Mailing
from outreach.web.pages.administration import accounts
from tests.pages import cells, elements, form_of, links, text_of

LEA, PHRASE = "lea.roland@fwb.example", "le chat dort sur le toit"
AUTHOR = "nadia.lambert@fwb.example"


def test_an_administrator_finds_the_accounts_and_the_trail_by_the_bar(signed_in):
    chief = signed_in("administrator")
    assert ("/administration", "Administration") in links(chief.get("/"))
    page = chief.get("/administration")
    assert {"/administration/accounts", "/trail"} <= dict(links(page)).keys()
    assert [link.get("href") for link in elements(page, "nav//a[@aria-current]")] == ["/administration"]
    listed = cells(elements(chief.get("/administration/accounts"), "table")[0])
    assert ["Hugo Willems hugo.willems@fwb.example", "administration", "ouvert", "jamais"] in listed


JUDGING = {
    "hook_senders.index",
    "hook_senders.export",
    "hook_senders.judge",
}  # what another service sent awaits authors


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize(
    "role", ["author", *(pytest.param(one, marks=pytest.mark.deep) for one in ("reader", "approver"))]
)
def test_nobody_else_is_led_there_nor_let_do_anything_there(app, signed_in, role):
    person = signed_in(role)
    assert "Administration" not in text_of(elements(person.get("/"), "nav")[0])
    token = form_of(person.get("/account"), "/account/notices")
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/administration")]
    theirs = JUDGING if role == "author" else set()
    rules = [rule for rule in rules if rule.endpoint not in theirs]
    for rule in rules:
        place = re.sub(r"<any\('?([\w-]+)[^>]+>", r"\1", rule.rule)  # of some words, the first
        place = re.sub("<[^>]+>", "1", place)
        if "GET" in rule.methods:
            assert person.get(place).status_code == 403, place
        if "POST" in rule.methods:
            assert person.post(place, data=token).status_code == 403, place
    assert len(rules) > 15


@pytest.mark.long
def test_an_account_shows_its_last_sign_in_and_an_administrator_ends_it_elsewhere(signed_in, client, password):
    client.sign_in(AUTHOR, password)
    chief, page = signed_in("administrator"), "/administration/accounts/1"
    shown = text_of(chief.get(page))
    assert "Dernière connexion jamais" not in shown
    assert "Navigateur inconnu, depuis le" in shown
    assert chief.send(f"{page}/sessions/end", page=page).status_code == 302
    assert client.get("/account").status_code == 302, "signed out elsewhere, at once"
    assert "Sessions de nadia.lambert@fwb.example terminées" in text_of(chief.get(page))


@pytest.mark.journey
@pytest.mark.long
def test_roles_are_ticked_and_the_last_administrator_keeps_one(signed_in):
    chief, page = signed_in("administrator"), "/administration/accounts/1"
    assert chief.send(f"{page}/roles", {"roles": ["approver", "author", "king"]}, page=page).status_code == 302
    assert form_of(chief.get(page), f"{page}/roles")["roles"] == ["author", "approver"]
    none = chief.send(f"{page}/roles", {}, page=page)
    assert (none.status_code, "au moins un rôle" in text_of(none)) == (422, True)
    mine = dict(links(chief.get("/administration/accounts"), "/administration/accounts/")).items()
    (own,) = [address for address, name in mine if name == "Hugo Willems"]
    refused = chief.send(f"{own}/roles", {"roles": ["author"]}, page=own)
    assert (refused.status_code, "dernière personne" in text_of(refused)) == (409, True)
    assert elements(refused, "h1")[0].text == "Compte de Hugo Willems", "the form stays, with what is wrong"
    closing = chief.get(f"{own}/closure")
    assert "dernière personne" in text_of(closing)
    assert "garder ouvert" not in text_of(closing)


@pytest.mark.journey
@pytest.mark.long
def test_an_account_is_closed_with_what_it_follows_and_opened_again(app, signed_in, client, password):
    client.sign_in(AUTHOR, password)
    chief, page = signed_in("administrator"), "/administration/accounts/1"
    response = chief.get(f"{page}/closure")
    assert "Elle ne suit aucune réponse" in text_of(response)
    wrong = chief.send(f"{page}/closure", {"to": AUTHOR})
    assert (wrong.status_code, "une autre personne" in text_of(wrong)) == (422, True)
    assert chief.send(f"{page}/closure").status_code == 302
    assert client.get("/account").status_code == 302
    assert ["Votre session est terminée" in text_of(client.get("/sign-in")) for _ in range(2)] == [True, False]
    refused = app.test_client().sign_in(AUTHOR, password)
    assert "ne convient pas" in text_of(refused), "as for any wrong password"
    assert "fermé" in text_of(chief.get(page))
    assert chief.send(f"{page}/closure", page=page).status_code == 409
    assert chief.send(f"{page}/reopening", page=page).status_code == 302
    assert app.test_client().sign_in(AUTHOR, password).status_code == 302


@pytest.fixture
def received(sample_database):
    """The path of the link in the last letter of the outbox."""

    def read():
        with sample_database.reading() as session:
            letter = session.scalars(select(Mailing.letter).order_by(Mailing.id.desc())).first()
        return re.search(r"http://[^/]+(/account/links/[\w-]+)\n", json.loads(letter)["draft"]["text"])[1]

    return read


def invite(chief, **changes):
    page = "/administration/accounts/invitation"
    return chief.send(
        page, {"email": f" {LEA.upper()}", "name": "Léa Roland", "roles": ["author"], **changes}, page=page
    )


@pytest.mark.journey
@pytest.mark.long
def test_who_is_invited_chooses_the_password_by_a_link_that_scanners_may_open(
    signed_in, client, received, sample_database
):
    chief = signed_in("administrator")
    assert invite(chief).status_code == 302
    assert "invitation en attente" in text_of(chief.get("/administration/accounts"))
    link = received()
    opened = [client.get(link) for _ in range(3)]
    assert {page.status_code for page in opened} == {200}
    with sample_database.reading() as session:
        assert session.scalars(select(AccountLink.used_at)).all() == [None]
    weak = client.send(link, {"new_password": "lea roland 2021", "new_password_confirm": "lea roland 2021"}, page=link)
    assert (weak.status_code, "votre nom" in text_of(weak)) == (422, True)
    chosen = {"new_password": PHRASE, "new_password_confirm": PHRASE}
    assert client.send(link, chosen, page=link).location == "/sign-in"
    assert client.sign_in(LEA, PHRASE).status_code == 302
    used, altered = client.get(link), client.get(f"{link}x")
    assert (used.status_code, "déjà servi" in text_of(used)) == (410, True)
    assert (altered.status_code, "pas entier" in text_of(altered)) == (404, True)


def test_who_gives_roles_reads_what_each_permits_and_who_will_need_a_telephone(signed_in, monkeypatch):
    chief, page = signed_in("administrator"), "/administration/accounts/invitation"
    assert all(role.permits in text_of(chief.get(page)) for role in RoleName)
    assert "second facteur" not in text_of(chief.get(page)), "optional, as in a demonstration"
    monkeypatch.setattr(accounts, "factors_required", lambda: True)
    assert "met en place un second facteur" in text_of(chief.get(page))


@pytest.mark.journey
@pytest.mark.long
def test_an_invitation_that_cannot_be_is_refused_on_its_form(signed_in, app, sample_database):
    chief = signed_in("administrator")
    assert chief.send("/administration/accounts/2/closure").status_code == 302
    for wrong, sentence in (
        ({"email": "lea"}, "manque le signe @"),
        ({"name": " "}, "Indiquez le nom"),
        ({"name": "Léa\0"}, "caractère interdit"),
        ({"email": "a" * 9000}, "trop longue"),
        ({"roles": []}, "au moins un rôle"),
        ({"email": AUTHOR}, "existe déjà"),
        ({"email": "marc.dethier@fwb.example"}, "Il est fermé : rouvrez-le"),
        ({"name": "Lambert, Nadia"}, "une personne n’a qu’un compte"),
    ):
        refused = invite(chief, **wrong)
        assert (refused.status_code, sentence in text_of(refused)) == (422, True), sentence
    app.extensions["outreach.settings"] = app.extensions["outreach.settings"].model_copy(
        update={"smtp_url": "smtp://x"}
    )
    withheld = invite(chief)
    assert (withheld.status_code, "liste de test" in text_of(withheld)) == (422, True)
    with sample_database.reading() as session:
        assert session.scalars(select(AccountLink.id)).all() == []


@pytest.mark.journey
@pytest.mark.long
def test_a_forgotten_password_gets_the_same_answer_for_any_address(client, sample_database):
    page = "/sign-in/forgotten"
    sign_in = client.get("/sign-in")
    assert (page, "Mot de passe oublié") in links(sign_in)
    assert "le ministère de la Fédération Wallonie-Bruxelles écrit aux pouvoirs organisateurs" in text_of(sign_in)
    answers = []
    for address in (AUTHOR, "personne@fwb.example"):
        response = client.send(page, {"email": address}, page=page)
        answers.append((response.status_code, response.location, text_of(client.get(response.location))))
    assert answers[0] == answers[1]
    assert "Si un compte a cette adresse" in answers[0][2]
    wrong = client.send(page, {"email": "nadia"}, page=page)
    assert (wrong.status_code, "manque le signe @" in text_of(wrong)) == (422, True)


@pytest.mark.long
def test_one_stranger_s_requests_stop_nobody_else_s_behind_a_web_server(client, monkeypatch):
    monkeypatch.setattr(password_links, "MOST_BY_NETWORK", 1)
    page, codes = "/sign-in/forgotten", []
    for number, place in enumerate(("192.0.2.1", "192.0.2.1", "192.0.2.2")):
        form = {**form_of(client.get(page)), "email": f"personne{number}@fwb.example"}
        codes.append(client.post(page, data=form, headers={"X-Forwarded-For": place}).status_code)
    assert codes == [302, 429, 302]


@pytest.mark.journey
@pytest.mark.long
def test_an_administrator_sends_a_link_to_a_new_password(signed_in, client, password, received):
    chief, page = signed_in("administrator"), "/administration/accounts/1"
    client.sign_in(AUTHOR, password)
    assert chief.send(f"{page}/link", page=page).status_code == 302
    assert "Il vaut jusqu’au" in text_of(chief.get(page))
    other, link = client.application.test_client(), received()
    assert other.send(link, {"new_password": PHRASE, "new_password_confirm": PHRASE}, page=link).status_code == 302
    assert client.get("/account").status_code == 302, "whoever had the old password is signed out"
    assert other.sign_in(AUTHOR, PHRASE).status_code == 302
