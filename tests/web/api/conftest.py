"""A program with a key, and the addresses of the interface."""

import re

import pytest
from sqlalchemy import select

from outreach.campaigns import segments
from outreach.campaigns.segments import InNetwork
from outreach.delivery import outbox
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, SuppressionReason
from outreach.delivery.received import ReceivedMail
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from outreach.integrations import api_keys
from tests.conftest import NOW
from tests.factories import AUTHOR

ROOT = "/api/v1"
CODE = {"authority": "9300", "campaign": "1", "wave": "1"}


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

    def every(self, path, limit=250, programme=""):
        """Every item of a list, page by page; of one programme, where it is named."""
        items, cursor, of = [], "", f"&programme={programme}" if programme else ""
        while cursor is not None:
            page = self.get(f"{path}?limit={limit}&cursor={cursor}{of}").json
            items, cursor = items + page["items"], page["next"]
        return items


def made(database, now=NOW, name="Tableau de bord", *, writes=True):
    with database.writing() as session:
        return api_keys.make(session, name=name, role="reader", days=365, writes=writes, now=now, actor=AUTHOR)[1]


@pytest.fixture
def program(app, sample_database):
    now = app.extensions["outreach.settings"].instant()
    return Program(app.test_client(), made(sample_database, now))


@pytest.fixture
def filled(app, launched_sample):
    """A program that finds something in every list."""
    settings = app.extensions["outreach.settings"]
    token = Keys(settings.signing_keys)
    with launched_sample.writing() as session:
        letters = session.scalars(select(Message).where(Message.reason.is_(None)).limit(6)).all()
        for letter in letters:
            link = f"https://campagnes.example/a/{token.make(TokenKind.ANSWER, bytes.fromhex(letter.public_id))}"
            replies.give_answers(session, letter, Given({}, request=Answer.HELP, comment=f"{link} ne va pas"), now=NOW)
            outbox.suppress_address(session, letter.address_key, SuppressionReason.STAFF, now=NOW, actor="x")
            _write_back(session, letter)
            letter.reply_text = f"{link}: rejected"
        segments.save_segment(session, "WBE", InNetwork(("WBE",)), now=NOW, actor=AUTHOR)
    return Program(app.test_client(), made(launched_sample, settings.instant()))


def _write_back(session, letter):
    said = dict.fromkeys(
        ("digest", "sender", "sender_key", "sender_name", "subject", "text", "folded"), letter.public_id
    )
    of = {"authority_id": letter.authority_id, "message_id": letter.id, "attached_by": "mark"}
    session.add(ReceivedMail(received_at=NOW, is_automatic=False, **of, **said))


def routes(app):
    """Every address of the interface, with its endpoint and method."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(ROOT):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: CODE[found[1]], rule.rule)
                yield method, rule.endpoint, address.removeprefix(ROOT)
