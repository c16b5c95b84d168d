"""Pages without data: each names the next step, and leads there."""

import pytest

from outreach.adherence import programmes
from outreach.cli.preparation import add_people
from outreach.core.settings import read
from outreach.core.text.roles import RoleName
from outreach.operations.demo import people, sample
from outreach.web.app import create_app
from tests.conftest import NOW, STORY_DAY
from tests.pages import PageClient, elements, links


@pytest.fixture
def newcomer(database, tmp_path):
    """An author in a demonstration that was never filled."""
    settings = read({"OUTREACH_DATA": str(tmp_path)})
    add_people(database, settings, NOW)
    app = create_app(settings, database)
    app.test_client_class = PageClient
    client = app.test_client()
    email = people.person_for(RoleName.AUTHOR).email
    assert client.sign_in(email, people.password(settings.data)).status_code == 302
    return client


@pytest.mark.journey
def test_pages_without_data_lead_to_the_next_step(newcomer):
    steps = {
        "/": "/directory",
        "/campaigns": "/campaigns/new",
        "/campaigns?state=draft": "/campaigns",
        "/responses": "/campaigns",
        "/responses?tray=help": "/responses",
        "/mailbox": "/campaigns",
        "/mailbox?q=x": "/mailbox",
        "/directory": "/directory/register",
        "/directory?q=x": "/directory",
        "/directory/exclusions": "/directory",
        "/directory/exclusions?q=x": "/directory/exclusions",
    }
    for page, step in steps.items():
        assert step in dict(links(_empty(newcomer, page))), page


@pytest.mark.long
@pytest.mark.parametrize("page", ["/situation/schools?strand=1", "/situation/authorities?strand=1"])
def test_a_programme_without_a_directory_leads_back(newcomer, database, page):
    with database.writing() as session:
        programmes.load_programme(session, sample.build(STORY_DAY).programme, now=NOW, actor="installation")
    assert "/" in {address.partition("?")[0] for address, _ in links(_empty(newcomer, page))}


def _empty(client, page):
    """The element that says, where a page has nothing to list, what to do next."""
    return elements(client.get(page), "*[@class='empty']")[0]
