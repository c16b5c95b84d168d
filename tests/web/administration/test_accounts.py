"""The administration's pages on accounts: who sees them, and what they tell."""

import pytest

from tests.pages import cells, elements, links, text_of


def test_an_administrator_finds_the_accounts_and_the_trail_by_the_bar(signed_in):
    chief = signed_in("administrator")
    assert ("/administration", "Administration") in links(chief.get("/"))
    page = chief.get("/administration")
    assert {"/administration/accounts", "/trail"} <= dict(links(page)).keys()
    assert [link.get("href") for link in elements(page, "nav//a[@aria-current]")] == ["/administration"]
    listed = cells(elements(chief.get("/administration/accounts"), "table")[0])
    assert ["Hugo Willems hugo.willems@fwb.example", "administration", "ouvert"] in listed


@pytest.mark.parametrize("role", ["reader", "author", "approver"])
def test_nobody_else_is_led_there(signed_in, role):
    person = signed_in(role)
    assert "Administration" not in text_of(elements(person.get("/"), "nav")[0])
    assert [person.get(page).status_code for page in ("/administration", "/administration/accounts")] == [403, 403]
