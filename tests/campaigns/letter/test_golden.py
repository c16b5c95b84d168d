"""Letters kept by earlier versions leave again as they left, to the byte. See make_golden.py before any change here.

The rows of 0.1.0 are as the migrations before 0.3.0 left them in a database of 0.3.0; its letters are as it made them.
"""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach.adherence.models import Strand
from outreach.campaigns.letter import Composer, SenderIdentity
from outreach.delivery.letters import Keys
from outreach.delivery.models import Mailing
from outreach.delivery.outbox import due_in
from outreach.directory.models import Network
from outreach.operations import migrations
from tests import factories
from tests.conftest import NOW, state_from
from tests.operations.migrations.dumps import insert

FOLDER = Path(__file__).parent / "golden"
LATER = SenderIdentity("autre.example", "https://autre.example", Keys((b"another key, of thirty-two bytes",)))


NAMES = sorted(str(path.parent.relative_to(FOLDER)) for path in FOLDER.rglob("rows.json"))
pytestmark = pytest.mark.postgresql


def kept_of(name):
    return json.loads((FOLDER / name / "rows.json").read_text(encoding="utf-8"))


@state_from("programmed")
def letters_of_earlier_versions(database, _settings):
    """The letters of every name, each put into the schema of its version, which is then brought to today's."""
    with database.reading() as session:
        belong = {"strand": session.scalars(select(Strand.id)).one(), "network": session.scalar(select(Network.id))}
    together = {}
    for number, name in enumerate(NAMES, 1):
        together.setdefault(kept_of(name)["revision"], []).append((number, name))
    for revision, those in together.items():
        migrations.downgrade(database.engine, revision)
        for number, name in those:
            insert(database, rows(kept_of(name), number, **belong))
        migrations.upgrade(database.engine)


@pytest.mark.parametrize("name", NAMES)
def test_a_letter_kept_by_an_earlier_version_is_composed_again_to_the_byte(letters_of_earlier_versions, name):
    number = NAMES.index(name) + 1
    with letters_of_earlier_versions.reading() as session:
        due = due_in(session, number, now=NOW)
        composed = Composer(LATER, lambda: NOW)(session, session.get_one(Mailing, number), due)
        made = {f"{row.public_id}.eml": composed[row.id].wire for row in due}
    assert made == {path.name: path.read_bytes() for path in (FOLDER / name).glob("*.eml")}


def rows(kept, place, strand, network):
    """The rows as they were, by table, of letters that are to be sent again as the mailing of this number."""
    now = NOW.isoformat()
    mailing = {"id": place, "purpose": "campaign", "gate": "open", "doubt_policy": "hold", "strand_id": strand}
    letter = {"mailing_id": place, "batch_id": place, "state": "queued", "attempts": 0}
    answer = {"due_at": now, "resent_at": now, "reply_status": "", "reply_text": ""}
    messages = [
        {"id": number, "authority_id": number, "address_key": row["address"], **row, **letter, **answer}
        for number, row in enumerate(kept["messages"], 100 * place)
    ]
    return {
        "authorities": [{"id": row["id"], "network_id": network, **factories.authority(row["id"])} for row in messages],
        "mailings": [{**mailing, "created_at": now, **kept["mailing"]}],
        "batches": [{"id": place, "mailing_id": place, "number": 1}],
        "messages": messages,
        "compositions": [
            {"message_id": row["id"], "revision": row["revision"], "content": content}
            for row, content in zip(messages, kept["compositions"], strict=True)
        ],
    }
