"""The administration's pages on accounts: who sees them, and what they tell."""

import pytest

from tests.pages import cells, elements, form_of, links, text_of

AUTHOR = "nadia.lambert@fwb.example"


def test_an_administrator_finds_the_accounts_and_the_trail_by_the_bar(signed_in):
    chief = signed_in("administrator")
    assert ("/administration", "Administration") in links(chief.get("/"))
    page = chief.get("/administration")
    assert {"/administration/accounts", "/trail"} <= dict(links(page)).keys()
    assert [link.get("href") for link in elements(page, "nav//a[@aria-current]")] == ["/administration"]
    listed = cells(elements(chief.get("/administration/accounts"), "table")[0])
    assert ["Hugo Willems hugo.willems@fwb.example", "administration", "ouvert", "jamais"] in listed


@pytest.mark.parametrize("role", ["reader", "author", "approver"])
def test_nobody_else_is_led_there(signed_in, role):
    person = signed_in(role)
    assert "Administration" not in text_of(elements(person.get("/"), "nav")[0])
    pages = ("/administration", "/administration/accounts", "/administration/accounts/1")
    assert {person.get(page).status_code for page in pages} == {403}


def test_an_account_shows_its_last_sign_in_and_an_administrator_ends_it_elsewhere(signed_in, client, password):
    client.sign_in(AUTHOR, password)
    chief, page = signed_in("administrator"), "/administration/accounts/1"
    shown = text_of(chief.get(page))
    assert "Dernière connexion jamais" not in shown
    assert "Navigateur inconnu, depuis le" in shown
    assert chief.send(f"{page}/sessions/end", page=page).status_code == 302
    assert client.get("/account").status_code == 302, "signed out elsewhere, at once"
    assert "Sessions de nadia.lambert@fwb.example terminées" in text_of(chief.get(page))


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


def test_an_account_is_closed_with_what_it_follows_and_opened_again(app, signed_in, client, password):
    client.sign_in(AUTHOR, password)
    chief, page = signed_in("administrator"), "/administration/accounts/1"
    asked = chief.get(f"{page}/closure")
    assert "Elle ne suit aucune réponse" in text_of(asked)
    wrong = chief.send(f"{page}/closure", {"to": AUTHOR})
    assert (wrong.status_code, "une autre personne" in text_of(wrong)) == (422, True)
    assert chief.send(f"{page}/closure").status_code == 302
    assert client.get("/account").status_code == 302
    refused = app.test_client().sign_in(AUTHOR, password)
    assert "ne convient pas" in text_of(refused), "as for any wrong password"
    assert "fermé" in text_of(chief.get(page))
    assert chief.send(f"{page}/closure", page=page).status_code == 409
    assert chief.send(f"{page}/reopening", page=page).status_code == 302
    assert app.test_client().sign_in(AUTHOR, password).status_code == 302
