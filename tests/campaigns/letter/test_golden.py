"""Letters kept by earlier versions leave again as they left, to the byte. See make_golden.py before any change here."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach import migrations
from outreach.campaigns.letter.composing import Composer
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.delivery.ledger.letters import due_in
from outreach.delivery.models import Mailing
from outreach.directory.models import Network
from outreach.mail.tokens import Keys
from tests import factories
from tests.conftest import NOW
from tests.migrations.dumps import insert

FOLDER = Path(__file__).parent / "golden"
LATER = SenderIdentity("autre.example", "https://autre.example", Keys((b"another key, of thirty-two bytes",)))


pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize("name", sorted(str(path.parent.relative_to(FOLDER)) for path in FOLDER.rglob("rows.json")))
def test_a_letter_kept_by_an_earlier_version_is_composed_again_to_the_byte(database, strand, name):
    kept = json.loads((FOLDER / name / "rows.json").read_text(encoding="utf-8"))
    with database.reading() as session:
        network = session.scalars(select(Network.id)).first()
    migrations.downgrade(database.engine, kept["revision"])
    insert(database, rows(kept, strand, network))
    migrations.upgrade(database.engine)
    with database.reading() as session:
        due = due_in(session, 1, now=NOW)
        composed = Composer(LATER, lambda: NOW)(session, session.get_one(Mailing, 1), due)
        made = {f"{row.public_id}.eml": composed[row.id].wire for row in due}
    assert made == {path.name: path.read_bytes() for path in (FOLDER / name).glob("*.eml")}


def rows(kept, strand, network):
    """The rows as they were, by table, of letters that are to be sent again."""
    now = NOW.isoformat()
    mailing = {"id": 1, "purpose": "campaign", "gate": "open", "doubt_policy": "hold", "strand_id": strand}
    letter = {"mailing_id": 1, "batch_id": 1, "recipient_kind": "authority", "state": "queued", "attempts": 0}
    answer = {"due_at": now, "resent_at": now, "reply_status": "", "reply_text": ""}
    messages = [
        {"id": number, "recipient_id": number, "address_key": row["address"], **row, **letter, **answer}
        for number, row in enumerate(kept["messages"], 1)
    ]
    return {
        "authorities": [{"id": row["id"], "network_id": network, **factories.authority(row["id"])} for row in messages],
        "mailings": [{**mailing, "created_at": now, **kept["mailing"]}],
        "batches": [{"id": 1, "mailing_id": 1, "number": 1}],
        "messages": messages,
        "compositions": [
            {"message_id": row["id"], "revision": row["revision"], "content": content}
            for row, content in zip(messages, kept["compositions"], strict=True)
        ],
    }
