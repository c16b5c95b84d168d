"""A program with a key, and the addresses of the interface."""

import re

import pytest

from outreach.api_keys import keys
from tests.conftest import NOW
from tests.factories import AUTHOR

ROOT = "/api/v1"
CODE = {"fase": "9300", "number": "1", "wave": "1"}


class Program:
    """A program that shows its key."""

    def __init__(self, client, key):
        self.client, self.headers = client, {"Authorization": f"Bearer {key}"}

    def get(self, path, **headers):
        with self.client.get(f"{ROOT}{path}", headers={**self.headers, **headers}) as response:
            response.get_data()
            return response

    def post(self, path, told, **headers):
        return self.client.post(f"{ROOT}{path}", json=told, headers={**self.headers, **headers})

    def every(self, path, limit=250):
        """Every item of a list, page by page."""
        items, cursor = [], ""
        while cursor is not None:
            page = self.get(f"{path}?limit={limit}&cursor={cursor}").json
            items, cursor = items + page["items"], page["next"]
        return items


def made(database, now=NOW, name="Tableau de bord", *, writes=True):
    with database.writing() as session:
        return keys.make(session, name=name, role="reader", days=365, writes=writes, now=now, actor=AUTHOR)[1]


@pytest.fixture
def program(app, sample_database):
    now = app.extensions["outreach.settings"].instant()
    return Program(app.test_client(), made(sample_database, now))


def routes(app):
    """Every address of the interface, with its endpoint and method."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(ROOT):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: CODE[found[1]], rule.rule)
                yield method, rule.endpoint, address.removeprefix(ROOT)
