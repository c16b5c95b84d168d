"""The public statements' pages: filled in by an administrator, read by anybody, asked for on the home page."""

import pytest
from sqlalchemy import delete, text

from outreach.core.settings import Mode
from outreach.core.site import FIELDS, PublicStatement, StatementKind
from outreach.core.text.roles import RoleName
from outreach.operations.demo.people import EXAMPLES
from tests.pages import form_of, links, text_of

PLACE = "/administration/statements"
PUBLIC = {StatementKind.DATA_PROTECTION: "/data-protection", StatementKind.ACCESSIBILITY: "/accessibility"}


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize("kind", StatementKind)
def test_what_an_administrator_fills_in_is_what_the_public_page_says(client, signed_in, sample_database, kind):
    page, chief = f"{PLACE}/{kind}", signed_in("administrator")
    assert (PLACE, "Pages publiques") in links(chief.get("/administration"))
    opened = form_of(chief.get(page), page)
    assert {opened[name].replace("\r\n", "\n") for name in ("contact",)} == {EXAMPLES[kind]["contact"]}
    typed = opened | {
        "contact": "Cellule <b>Égalité</b> : https://fwb.example\r\nRue Neuve 1",
        "dated_on": "14/05/2021",
    }
    refused = chief.post(page, data=typed | {FIELDS[kind][0].name: "", "dated_on": "demain"})
    assert refused.status_code == 422
    assert "Cellule &lt;b&gt;" in refused.text
    assert chief.post(page, data=typed).location == page
    public = client.get(PUBLIC[kind]).text
    assert "Cellule &lt;b&gt;Égalité&lt;/b&gt; : https://fwb.example<br>Rue Neuve 1" in public.replace("\u00a0", " ")
    assert "relue par le service le 14 mai 2021" in public.replace("\u00a0", " ")
    assert "Version 2" in text_of(chief.get(page))
    assert EXAMPLES[kind]["contact"].split("\n")[0] in chief.get(page).text
    late = chief.post(page, data=typed | {"contact": "Autre"})
    assert late.status_code == 409
    assert "Autre" in late.text
    assert signed_in("author").get(page).status_code == 403


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("mode", "role", "reminded"),
    [
        (Mode.PRODUCTION, RoleName.ADMINISTRATOR, True),
        (Mode.TRIAL, RoleName.ADMINISTRATOR, True),
        (Mode.TRIAL, RoleName.AUTHOR, False),
        (Mode.DEMO, RoleName.ADMINISTRATOR, False),
    ],
)
def test_the_home_page_reminds_administrators_of_an_empty_page_outside_a_demonstration(
    app, signed_in, sample_database, mode, role, reminded
):
    with sample_database.writing() as session:
        session.execute(text("DROP TRIGGER public_statements_delete"))
        session.execute(delete(PublicStatement).where(PublicStatement.kind == StatementKind.ACCESSIBILITY))
    app.extensions["outreach.settings"] = app.extensions["outreach.settings"].model_copy(update={"mode": mode})
    home = signed_in(role, has_factor=True).get("/")
    assert (f"{PLACE}/accessibility" in home.text, "1 page publique à remplir" in text_of(home)) == (reminded, reminded)
    assert f"{PLACE}/data-protection" not in home.text


@pytest.mark.long
def test_without_a_version_of_the_service_the_public_pages_keep_their_own_words(client, sample_database):
    with sample_database.writing() as session:
        session.execute(text("DROP TRIGGER public_statements_delete"))
        session.execute(delete(PublicStatement))
    for page in PUBLIC.values():
        assert "personne de contact" in text_of(client.get(page))
        assert "relue par le service" not in text_of(client.get(page))
