"""An eighth status, by the recipe in docs/develop.md: one row, and one migration. Tests run it as a module.

It runs in a process of its own, as the row has to be there before anything reads the table.
"""

import io
import sys
import zipfile

from tests import one_row_more

FACTS = """StatusFacts("Hésite", Meaning.UNDER_WAY, "L’école hésite encore.", ("hésite encore", "hésitent encore"))"""


one_row_more.load("outreach.adherence.statuses", "Status", f'HESITATING = "hesitating", {FACTS}')

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.exc import IntegrityError

from outreach.adherence import (
    programmes,
    records,
)
from outreach.adherence.imports import _rows as lines
from outreach.adherence.models import Status, Word
from outreach.campaigns.segments import SchoolStatus
from outreach.core.db import Database
from outreach.core.settings import read
from outreach.directory.models import Authority, Network
from outreach.operations.migrations import append_only, tables
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from outreach.web.app import create_app
from tests.application import sign_in
from tests.conftest import NOW, STORY_DAY
from tests.factories import AUTHOR
from tests.web.api.conftest import Program, made

GUARDED = (
    ("recorded_by", "source", "reason"),
    ("id", "school_id", "strand_id", "status", "word", "effective_on", "recorded_at", "list_id"),
)
DAY = f"as_of={STORY_DAY.isoformat()}"


def migrate(connection):
    """What the recipe's migration does, in `upgrade`."""
    with Operations.context(MigrationContext.configure(connection)):
        append_only.unguard("adherence_records")
        tables.allow("adherence_records", "status", "status", *Status)
        append_only.guard_words("adherence_records", *GUARDED)
        append_only.unguard("note_rows")
        tables.allow("note_rows", "status", "status", *Status)
        append_only.guard("note_rows", ("note_id", "strand", "fase"))


def main(url, data):
    """Follow the recipe on the sample; on PostgreSQL as far as the database goes."""
    settings = read({"OUTREACH_DATA": data, "OUTREACH_DATABASE_URL": url})
    database = Database(url)
    refuse_before_the_migration(database)
    with database.engine.begin() as connection:
        migrate(connection)
    owner, school = record(database)
    freeze(database)
    change_nothing_that_is_only_added(database)
    if database.engine.name == "postgresql":  # what pages make of a status does not depend on the database
        return
    app = create_app(settings, database)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    reader = sign_in(app, "reader")
    see_the_situation(reader)
    see_the_lists(reader, school)
    see_the_files(reader)
    see_the_charts(reader)
    see_the_programs(Program(app.test_client(), made(database, settings.instant())))
    author = sign_in(app, "author")
    see_the_page_of_lists(author)
    see_the_sheet(author, owner)
    choose_it_in_words()


def refuse_before_the_migration(database):
    try:
        record(database)
    except IntegrityError:
        return
    raise AssertionError("the check on statuses took a value that it does not name")


def record(database):
    with database.writing() as session:
        programme = programmes.get_programme(session)
        authority = session.scalars(sa.select(Authority).where(Authority.network.has(Network.code == "WBE"))).one()
        stands = records.list_standings(session, authority, programme, STORY_DAY)
        school = next(one.school for one in stands if one.strands[1].status is Status.NONE)
        how = {"status": Status("hesitating"), "word": Word.CONFIRMED, "effective_on": STORY_DAY, "source": "Téléphone"}
        added, _ = records.record_adherence(
            session, authority, programme, programme.strands[0], [school], **how, now=NOW, today=STORY_DAY, actor=AUTHOR
        )
        assert added == 1
        after = records.list_standings(session, authority, programme, STORY_DAY)
        assert "1 hésite encore" in records.standing_in_words(after, programme.strands[0])
        return authority.fase, school.fase


def freeze(database):
    with database.writing() as session:
        gathered = notes.gather_note(session, NoteRequest(STORY_DAY, "Un bilan"), now=NOW)
        notes.freeze_note(session, gathered, now=NOW, actor=AUTHOR)
    columns = {column.name: place for place, column in enumerate(gathered.content.tables[0].columns)}
    assert gathered.content.tables[0].rows[-1][columns["hesitating"]] == 1
    assert ("Hésite", "L’école hésite encore.") in {(one.term, one.meaning) for one in gathered.content.definitions}


def change_nothing_that_is_only_added(database):
    for table in ("adherence_records", "note_rows"):
        try:
            with database.writing() as session:
                session.execute(sa.text(f"UPDATE {table} SET status = 'hesitating'"))  # noqa: S608 - our own tables
        except IntegrityError:
            continue
        raise AssertionError(f"the migration took the guard of {table} away")


def see_the_situation(reader):
    page = reader.get(f"/?{DAY}&network=WBE").text
    assert f"/situation/schools?strand=1&amp;{DAY}&amp;network=WBE&amp;meaning=under_way" in page, (
        "it counts in a column"
    )
    assert "une hésite encore" in page, "the words of its sentence"
    assert "L’école hésite encore." in page, "what it means"


def see_the_lists(reader, school):
    page = reader.get(f"/situation/schools?strand=1&meaning=under_way&{DAY}").text
    assert f"FASE {school}" in page
    assert '<span class="ds-tag" data-color="info">Hésite</span>' in page
    assert f"{school}" in reader.get(f"/situation/schools.csv?strand=1&status=hesitating&{DAY}").text
    everything = reader.get(f"/situation/schools?strand=1&{DAY}&sort=status").text
    assert "Hésite" in everything


def see_the_files(reader):
    header, *rows = reader.get(f"/situation/export.csv?{DAY}").text.lstrip("\ufeff").splitlines()
    place = header.split(";").index("Hésite")
    assert sum(int(row.split(";")[place] or 0) for row in rows if ";Total;" in row) == 1
    words = words_of(reader.get(f"/situation/export.xlsx?{DAY}").data)
    assert "Hésite" in words
    assert "L’école hésite encore." in words


def see_the_charts(reader):
    with zipfile.ZipFile(io.BytesIO(reader.get(f"/situation/slides.zip?{DAY}").data)) as archive:
        drawn = "".join(archive.read(one).decode() for one in archive.namelist() if "volet-1.svg" in one)
    assert "En préparation, marché lancé ou hésite" in drawn


def see_the_programs(program):
    content = program.get(f"/situation?{DAY}").json
    assert content["total"]["strands"]["1"]["hesitating"] == 1
    stated = program.get("/openapi.json").json["components"]["schemas"]
    assert "hesitating" in stated["Figures"]["required"]
    assert "hesitating" in stated["Status"]["enum"]
    (recorded,) = (one for one in program.every("/adherence-records") if one["status"] == "hesitating")
    sent = {"school": recorded["school"], "strand": 1, "status": "hesitating", "day": STORY_DAY.isoformat()}
    response = program.post(
        "/adherence-lists", {"items": [sent], "dry_run": True}, **{"Idempotency-Key": "hesitating-1"}
    )
    assert response.status_code == 200, response.text
    assert response.json["rejected"] == []


def see_the_page_of_lists(author):
    assert "sans réponse, hésite." in author.get("/adherence/lists").text


def see_the_sheet(author, owner):
    page = author.get(f"/directory/{owner}/statuses").text
    assert '<option value="hesitating">Hésite</option>' in page
    assert "Hésite</span>" in page


def choose_it_in_words():
    assert lines.STATUSES["hesite"] is Status("hesitating")
    assert "« hésite »" in SchoolStatus(strand=1, statuses=("hesitating",)).words()


def words_of(workbook):
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        return " ".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


if __name__ == "__main__":
    main(*sys.argv[1:])
