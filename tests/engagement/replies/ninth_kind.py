"""A ninth kind of answer, by the recipe in docs/develop.md: one row, and one migration. Tests run it as a module.

It runs in a process of its own, as the row has to be there before anything reads the table.
"""

import io
import sys
import zipfile

from tests import one_row_more

FACTS = 'AnswerFacts("Nous hésitons", Status.IN_PREPARATION, Tray.REFUSED, promise="vous appelle")'


one_row_more.load("outreach.engagement.replies._kinds", "Answer", f'HESITATING = "hesitating", {FACTS}')

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.exc import IntegrityError

from outreach.campaigns import results
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.campaigns.waves import _receipts as receipts
from outreach.core.db import Database
from outreach.core.settings import read
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState
from outreach.engagement import replies
from outreach.engagement.replies import (
    Answer,
    Given,
    Response,
)
from outreach.engagement.replies import _sheets as sheets
from outreach.operations.migrations import tables
from outreach.web.app import create_app
from tests.application import sign_in
from tests.conftest import NOW
from tests.pages import as_a_person


def migrate(connection):
    """What the recipe's migration does, in `upgrade`."""
    with Operations.context(MigrationContext.configure(connection)):
        tables.allow("responses", "answer", "answer", *Answer)


def main(url, data):
    """Follow the recipe on a sample with a launched wave; on PostgreSQL as far as the database goes."""
    settings = read({"OUTREACH_DATA": data, "OUTREACH_DATABASE_URL": url})
    database, sending, kind = Database(url), SenderIdentity.of(settings), Answer("hesitating")
    with database.writing() as session:
        letter = session.scalars(sa.select(Message).where(Message.reason.is_(None)).limit(1)).one()
        letter.state, letter.fence_id, letter.fenced_at = MessageState.ACCEPTED, "f", NOW
        letter.settled_at, letter.reply_code = NOW, 250
        number, token = letter.id, Keys(settings.signing_keys).make(TokenKind.ANSWER, bytes.fromhex(letter.public_id))
    refuse_before_the_migration(database, number, kind)
    with database.engine.begin() as connection:
        migrate(connection)
    if database.engine.name == "postgresql":  # what pages make of an answer does not depend on the database
        give(database, number, kind)
        return
    app = create_app(settings, database)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    answer_by_its_page(app.test_client(), f"/a/{token}", kind)
    answer_by_a_sheet(app.test_client(), f"/a/sheet/{token}", kind)
    confirm_by_mail(database, number, sending)
    handle(sign_in(app, "author"), database)
    read_elsewhere(sign_in(app, "reader"), database)


def refuse_before_the_migration(database, number, kind):
    try:
        give(database, number, kind)
    except IntegrityError:
        return
    raise AssertionError("the check on answers took a value that it does not name")


def give(database, number, kind):
    with database.writing() as session:
        letter = session.get_one(Message, number)
        question = replies.question_of(session, letter, now=NOW)
        replies.give_answers(session, letter, Given({question.open()[0].id: kind}), now=NOW)


def answer_by_its_page(client, address, kind):
    page = client.get(address).text
    assert f'data-place="{kind.place}" id="answer-hesitating" name="answer" value="hesitating"' in page
    given = client.post(
        address, data=as_a_person(client.application, address, {"answer": "hesitating"}), follow_redirects=True
    )
    assert given.status_code == 200
    assert "Nous hésitons" in given.text
    assert "Le service vous appelle au plus tard le" in given.text, "the promise of its row"


def answer_by_a_sheet(client, address, kind):
    assert "Nous hésitons" in words_of(client.get(address).data)
    assert sheets.WORDS["nous hesitons"] is kind
    assert sheets.WORDS["en preparation"] is Answer.IN_PREPARATION, "the first that declares a status"


def confirm_by_mail(database, number, sending):
    with database.reading() as session:
        letter = session.get_one(Message, number)
        told = receipts.letter(receipts.last_receipt(session, letter), letter, sending)
    assert "**Nous hésitons**" in told
    assert "Le service vous appelle au plus tard" in told


def handle(author, database):
    listed = author.get("/responses?tray=refused").text
    assert "Nous hésitons" in listed
    assert "Prendre acte" in listed
    assert "Nous hésitons" not in author.get("/responses?tray=joined").text
    assert "Nous hésitons" in author.get("/responses/export.csv?tray=refused").text
    with database.reading() as session:
        number = session.scalars(sa.select(Response.id)).one()
    page = author.get(f"/responses/{number}").text
    version = page.partition('name="version" type="hidden" value="')[2].partition('"')[0]
    assert author.post(f"/responses/{number}/action", data={"version": version}).status_code == 302
    assert "Prise d’acte" in author.get("/responses?tray=handled").text


def read_elsewhere(reader, database):
    filtered = "?answer=hesitating"
    assert "Nous hésitons" in words_of(reader.get("/campaigns/1/results/export.xlsx").data)
    for page in (f"authorities{filtered}", f"authorities/export.csv{filtered}"):
        assert "Nous hésitons" in reader.get(f"/campaigns/1/{page}").text, page
    with database.reading() as session:
        found = results.campaign_results(session, session.get_one(Campaign, 1), now=NOW)
    assert {answer.value: count for answer, count in found.answers.items() if count} == {"hesitating": 1}


def words_of(workbook):
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        return " ".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


if __name__ == "__main__":
    main(*sys.argv[1:])
