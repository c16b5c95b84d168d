"""Keep letters of today as files, for the test that composes them again with the code of later versions.

    .venv/bin/python -m tests.campaigns.letter.make_golden 0.2.0

Makes `golden/0.2.0/`, and refuses where it is there: golden files are never made again. They are what databases of
that version hold; a test that fails on them has found letters that would not leave again as they left. New ones are
for a new version whose mailings or letters are kept in another form, beside those that are there.
"""

import json
import sys
import tempfile
from pathlib import Path

from sqlalchemy import select, text

from outreach.adherence import programmes
from outreach.campaigns.letter import Composer
from outreach.cli.preparation import prepare
from outreach.core.db import Database
from outreach.delivery.models import Batch, Mailing
from outreach.delivery.outbox import due_in
from outreach.directory.models import Authority, Federation, Level, Membership
from outreach.engagement.tracking import TrackingMode
from tests import factories
from tests.campaigns.conftest import READING, SENDING, approved, launch, settle
from tests.conftest import NOW

FOLDER = Path(__file__).parent / "golden"
READ_MORE = "\n\nTout savoir : [la page du programme](https://programme.example/volet-1?a=1&b=2)."


def main(version):
    folder = FOLDER / version
    folder.mkdir()
    keep(folder / "plain", settle_few, SENDING, TrackingMode.NONE)
    keep(folder / "counted", settle_a_group, READING, TrackingMode.AGGREGATE)


def keep(folder, fill, sending, tracking):
    """A mailing as the database holds it, and three of its letters: what is kept of each, and its bytes."""
    folder.mkdir()
    with tempfile.TemporaryDirectory() as place:
        database = Database(f"sqlite:///{place}/x.sqlite3")
        prepare(database)
        with database.writing() as session:
            factories.add_people(session, NOW)
            programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor=factories.AUTHOR)
        fill(database)
        stated = factories.invitation()
        launch(database, approved(database, letter=stated.letter + READ_MORE, tracking=tracking), sending=sending)
        with database.reading() as session:
            mailing = session.scalars(select(Mailing)).one()
            batch = session.scalars(select(Batch.id)).one()
            due = due_in(session, batch, now=mailing.filled_at)[:3]
            composed = Composer(sending, lambda: NOW)(session, mailing, due)
            kept = {
                "revision": session.scalar(text("SELECT version_num FROM alembic_version")),
                "mailing": {name: getattr(mailing, name) for name in ("message_class", "letter", "headers")},
                "messages": [_message(row) for row in due],
                "compositions": [composed[row.id].content for row in due],
            }
        database.dispose()
    (folder / "rows.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for row in due:
        (folder / f"{row.public_id}.eml").write_bytes(composed[row.id].wire)


def settle_few(database):
    """One authority with a school, one with several, one with more than a table lists; the first is represented."""
    for schools in (1, 3, 30):
        settle(database, 1, schools=schools)
    with database.writing() as session:
        first = session.scalars(select(Authority).order_by(Authority.id)).first()
        first.name = "ASBL « L’Étoile » & <Cie> ((fase_po))"
        federation = session.scalars(select(Federation.id).order_by(Federation.id)).first()
        session.add(Membership(authority_id=first.id, federation_id=federation, level=Level.SECONDARY))


def settle_a_group(database):
    """As many authorities as are counted together."""
    settle(database, 20, schools=2)


def _message(due):
    names = ("address", "address_ascii", "public_id", "return_path", "revision")
    return {**{name: getattr(due, name) for name in names}, "dated_at": due.dated_at.isoformat()}


if __name__ == "__main__":
    main(sys.argv[1])
