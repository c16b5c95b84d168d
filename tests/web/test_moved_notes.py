"""A joining list names the notes that it contradicts before it is applied: on its page, by command, to programs."""

import io
import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from outreach.adherence import programmes, records, situation
from outreach.adherence.imports import HEADERS, JoiningLists
from outreach.adherence.models import AdherenceRecord, JoiningList, Status, Word
from outreach.adherence.situation import Bucket, Selection
from outreach.core import tables
from outreach.core.tables import open_import
from outreach.directory import authorities
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from tests.cli.test_json import run
from tests.conftest import NOW, STORY_DAY
from tests.factories import APPROVER, AUTHOR
from tests.pages import form_of, links, text_of
from tests.reports.notes import quick
from tests.web.api.conftest import program

__all__ = ["program", "run"]
DAY = date(2021, 5, 12)
DECIDED = {"now": NOW, "actor": APPROVER}


@pytest.fixture
def silent(sample_database):
    """Three secondary schools without any status in the first strand."""
    with sample_database.reading() as session:
        found = situation.list_situation_schools(
            session, programmes.get_programme(session), STORY_DAY, Selection(1, Bucket.NONE, "WBE")
        )
        return [row.School.fase for row in found.page(1, 3)]


@pytest.fixture
def freeze(sample_database):
    """Freezes a note of a day; returns its key."""

    def call(title="Bilan pour le Parlement", as_of=DAY, **asked):
        with sample_database.writing() as session:
            gathered = notes.gather_note(session, NoteRequest(as_of, title, **asked), now=NOW)
            return notes.freeze_note(session, gathered, now=NOW, actor=AUTHOR).id

    return call


@pytest.fixture
def plan(sample_database, silent):
    """What a list of the joinings of the three schools, or of another status, each on a day, would do."""

    def call(*days, status="adhéré"):
        with sample_database.reading() as session:
            kind, sent = (
                JoiningLists(STORY_DAY, notes.by_list),
                open_import(content(silent, *days, status=status), HEADERS),
            )
            programme = programmes.get_programme(session).id
            return tables.judge_import(session, kind, tables.draft_import(kind, sent, programme_id=programme)).plan

    return call


def content(silent, *days, status="adhéré"):
    rows = [f"{school};1;{status};{day:%d/%m/%Y}" for school, day in zip(silent, days, strict=False)]
    return "\r\n".join(["fase;volet;statut;date", *rows]).encode()


@pytest.mark.long
def test_a_note_leads_to_what_the_records_say_of_its_day_today(author, sample_database, freeze, silent):
    first = approve(sample_database, freeze("Avant", date(2021, 5, 11)))
    key = freeze()
    approve(sample_database, key)
    with sample_database.writing() as session:
        (strand, *_) = programmes.get_programme(session).strands
        school = authorities.school_by_fase(session, silent[0])[0]
        fields = {"status": Status.JOINED, "word": Word.CONFIRMED, "effective_on": DAY, "source": "", "reason": ""}
        at = {"recorded_at": NOW + timedelta(seconds=1), "recorded_by": AUTHOR}
        session.add(AdherenceRecord(school_id=school.id, strand_id=strand.id, **fields, **at))
    page = author.get(f"/notes/{key}")
    same_day, since, before = [one for one in links(page, "/situation/difference") if "from=" in one[0]]
    assert [words for _, words in (same_day, since, before)] == [
        "Ce que les enregistrements disent aujourd’hui du 12 mai 2021",
        "Depuis cette note, jusqu’à aujourd’hui",
        f"Depuis la note {first}, situation au 11 mai 2021",
    ]
    assert "dit après coup +1" in text_of(author.get(same_day[0]))
    assert "Aucun chiffre n’a changé" in text_of(author.get(before[0]))


def approve(database, key):
    decided = {"address": "https://campagnes.fwb.example", "approved_as": "validation", **DECIDED}
    return notes.approve_note(database, key, quick.finisher(None), **decided)


@pytest.mark.long
def test_a_note_is_contradicted_by_the_rows_that_change_its_day(sample_database, freeze, plan):
    number = approve(sample_database, freeze())
    waiting = freeze("Autre bilan", date(2021, 5, 14))
    freeze("Avant", date(2020, 12, 31))
    found = plan(date(2020, 12, 15), date(2021, 5, 12), date(2021, 5, 13))
    assert [(note.title, note.rows) for note in found.notes] == [
        ("Autre bilan", 3),
        (found.notes[1].title, 2),
        ("Avant", 1),
    ]
    assert [(note.key, note.number) for note in found.notes][:2] == [(waiting, ""), (found.notes[1].key, number)]
    assert [note["number"] for note in found.summary()["notes"]] == [None, number, None]
    assert plan(date(2021, 5, 15)).notes == []


@pytest.mark.long
def test_the_day_that_a_note_compares_with_is_one_that_it_told(sample_database, freeze, plan, silent):
    freeze(as_of=date(2021, 5, 14), compare=date(2021, 2, 1))
    assert [note.rows for note in plan(date(2021, 1, 20)).notes] == [1]
    with sample_database.writing() as session:
        kind, sent = JoiningLists(STORY_DAY), open_import(content(silent, date(2021, 3, 1)), HEADERS)
        programme = programmes.get_programme(session).id
        tables.take_over(session, kind, sent, now=NOW, actor=AUTHOR, programme_id=programme)
    assert [note.rows for note in plan(date(2021, 1, 20)).notes] == [1], "another status on the earlier day alone"
    assert plan(date(2021, 2, 2)).notes == []


@pytest.mark.long
def test_a_note_that_was_refused_or_corrected_is_not_named(sample_database, freeze, plan):
    refused = freeze("Refusée")
    with sample_database.writing() as session:
        notes.refuse_note(session, refused, "Un autre jour.", **DECIDED)
    first = approve(sample_database, freeze("Fausse"))
    second = approve(sample_database, freeze("Juste", date(2021, 5, 11), corrects=first, reason="Un autre jour."))
    assert [note.number for note in plan(date(2021, 5, 1)).notes] == [second]


@pytest.mark.long
def test_a_list_is_seen_anew_once_a_note_is_frozen(freeze, plan):
    before = plan(date(2021, 5, 1)).version
    freeze()
    assert plan(date(2021, 5, 1)).version != before


@pytest.mark.long
def test_a_row_that_confirms_what_was_declared_of_a_later_day_contradicts_the_notes_after_it(
    sample_database, freeze, plan, silent
):
    with sample_database.writing() as session:
        school, authority = authorities.school_by_fase(session, silent[0])
        programme = programmes.get_programme(session)
        key = programme.id
        declared = {"status": Status.JOINED, "word": Word.DECLARED, "effective_on": date(2021, 5, 3)}
        by = {"now": NOW, "today": STORY_DAY, "actor": AUTHOR, "source": records.FROM_A_LETTER}
        records.record_adherence(session, authority, programme, programme.strands[0], [school], **declared, **by)
    freeze()
    found = plan(date(2021, 3, 1))
    assert [(line.row, line.before) for line in found.back_in_time] == [(2, Status.NONE)]
    assert [(note.as_of, note.rows) for note in found.notes] == [(DAY, 1)]
    with sample_database.writing() as session:
        sent = open_import(content(silent, date(2021, 3, 1)), HEADERS)
        tables.take_over(session, JoiningLists(STORY_DAY), sent, now=NOW, actor=AUTHOR, programme_id=key)
    freeze("Bilan corrigé")
    refused = plan(date(2021, 4, 1), status="refus")
    assert {(note.title, note.rows) for note in refused.notes} == {("Bilan pour le Parlement", 1), ("Bilan corrigé", 1)}


@pytest.mark.long
def test_the_page_names_notes_before_the_list_is_applied_and_after(author, sample_database, silent, freeze):
    key = freeze()
    sent = author.send("/adherence/lists", {"file": (io.BytesIO(content(silent, *[date(2020, 12, 15)] * 3)), "x.csv")})
    shown = author.get(sent.location)
    assert "Cette liste contredit 1 note" in text_of(shown)
    assert "3 lignes" in text_of(shown)
    assert [address for address, _ in links(shown, "/notes/")] == [f"/notes/{key}"]
    author.post(f"{sent.location}/application", data=form_of(shown, f"{sent.location}/application"))
    applied = author.get(sent.location)
    assert "Elle contredit une note à valider" in text_of(applied)
    assert [address for address, _ in links(applied, "/notes/")] == [f"/notes/{key}"]


def test_the_command_names_them_without_applying_anything(run, tmp_path, sample_database, silent, freeze):
    number = approve(sample_database, freeze())
    file = tmp_path / "liste.csv"
    file.write_bytes(content(silent, *[date(2020, 12, 15)] * 3))
    said = run("adherence", "import", str(file), "--dry-run").output
    assert f"la note {number}" in said
    body = json.loads(run("adherence", "import", str(file), "--dry-run", "--json").stdout)
    assert body["back_in_time"] == 3
    assert [(note["number"], note["as_of"], note["rows"]) for note in body["notes"]] == [(number, DAY.isoformat(), 3)]


@pytest.mark.long
def test_a_program_is_told_before_it_writes_and_knows_published_notes_alone(program, sample_database, silent, freeze):
    number = approve(sample_database, freeze())
    with sample_database.writing() as session:
        notes.publish_note(session, number, **DECIDED)
    freeze("Autre bilan", date(2021, 5, 14))
    items = [{"school": school, "strand": 1, "status": "joined", "day": "2020-12-15"} for school in silent]
    response = program.post("/adherence-lists", {"items": items, "dry_run": True}, **{"Idempotency-Key": "a"})
    assert (response.json["id"], response.json["back_in_time"]) == (None, 3)
    hidden = {"number": None, "title": None, "as_of": "2021-05-14", "rows": 3}
    named = {"number": number, "title": "Bilan pour le Parlement", "as_of": DAY.isoformat(), "rows": 3}
    assert response.json["notes"] == [hidden, named]
    with sample_database.reading() as session:
        assert session.scalar(select(JoiningList.id).where(JoiningList.received_by.startswith("api_key:"))) is None
    done = program.post("/adherence-lists", {"items": items}, **{"Idempotency-Key": "a"})
    assert done.json["notes"] == response.json["notes"]
    assert done.json["id"]
