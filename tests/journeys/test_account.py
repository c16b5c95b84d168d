"""A person signs in, takes another password and signs out, on both databases; the trail tells it."""

import pytest

from outreach.access import accounts
from outreach.access.accounts import Filter, TrailKind
from outreach.core.settings import read
from outreach.core.text.roles import RoleName
from outreach.operations.demo import people
from outreach.web.app import create_app
from outreach.web.sign_in.access_log_queue import EXTENSION
from tests.pages import PageClient, links

PHRASE = "le chat dort sur le toit"


@pytest.mark.journey
def test_an_account_from_sign_in_to_sign_out(sample_database, templates):
    settings = read({"OUTREACH_DATA": str(templates.data)})
    email, password = people.person_for(RoleName.AUTHOR).email, people.password(settings.data)
    processes = [create_app(settings, sample_database) for _ in range(2)]
    first, second = processes
    for app in processes:
        app.test_client_class = PageClient
    here, elsewhere = first.test_client(), second.test_client()
    assert [client.sign_in(email, password).status_code for client in (here, elsewhere)] == [302, 302]
    form = {"password": password, "new_password": PHRASE, "new_password_confirm": PHRASE}
    assert here.send("/account/password", form).location == "/account"
    assert (here.get("/directory").status_code, elsewhere.get("/directory").status_code) == (200, 302)
    assert elsewhere.sign_in(email, password).status_code == 200
    here.send("/sign-out", page="/account")
    assert here.get("/directory").status_code == 302
    assert all(app.extensions[EXTENSION].flush() for app in processes)
    with sample_database.reading() as session:
        told = [(line.kind, line.person) for line in accounts.list_access(session, Filter()).page(1)]
    kinds = [TrailKind.SIGNED_IN] * 2 + [TrailKind.SIGN_IN_FAILED, TrailKind.SIGNED_OUT]
    assert sorted(told) == sorted((kind, email) for kind in kinds)


@pytest.mark.long
def test_the_sign_in_page_of_a_demonstration_opens_a_federation_and_the_interface(sample_database, templates):
    settings = read({"OUTREACH_DATA": str(templates.data)})
    app = create_app(settings, sample_database)
    app.test_client_class = PageClient
    client, adviser = app.test_client(), people.person_for(RoleName.FEDERATION)
    page = client.get("/sign-in")
    assert all(person.email in page.text for person in people.PEOPLE)
    assert "fédération SeGEC" in page.text
    (interface,) = [address for address, text in links(page) if "interface des programmes" in text]
    assert client.get(interface).status_code == 200
    client.sign_in(adviser.email, people.password(settings.data))
    assert (client.get("/directory").status_code, client.get("/campaigns").status_code) == (200, 403)
