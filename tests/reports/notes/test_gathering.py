"""What a note says is what the situation says: each figure, each sentence, and what it refuses to say."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from outreach.adherence import programmes, situation
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status, Word
from outreach.adherence.situation import Bucket, Grouping, Solicitation, standing_of_schools
from outreach.campaigns import results
from outreach.campaigns.planning import known_until
from outreach.core.text.errors import InputError, NotFound
from outreach.delivery.outbox import listed_schools
from outreach.directory.models import Authority, Ownership, School
from outreach.directory.register import SchoolReport
from outreach.reports import notes
from outreach.reports.notes import ActionState, HandFigure, NoteRequest, TableKind, read_request
from outreach.reports.notes._content import read_figures
from outreach.reports.notes._models import NoteRow
from tests import factories
from tests.conftest import NOW, STORY_DAY
from tests.factories import AUTHOR
from tests.reports.notes.conftest import approve_in

pytestmark = pytest.mark.full  # what the story of 2021 counts of all networks

ASKED = NoteRequest(STORY_DAY, "Un premier bilan")
GIVEN = HandFigure("Connexions", "près de 100 000", "Statistiques", "2021-05-10")


@pytest.mark.long
def test_every_figure_is_that_of_the_situation(session):
    programme = programmes.get_programme(session)
    kinds = TableKind.NETWORK, TableKind.ZONE, TableKind.FEDERATION
    asked = replace(ASKED, groupings=kinds[1:])
    gathered = notes.gather_note(session, asked, now=NOW)
    content = gathered.content
    assert [(table.kind, table.strand) for table in content.tables] == [(kind, n) for kind in kinds for n in (1, 2)]
    for table in content.tables:
        listed = listed_schools(known_until(STORY_DAY, None))
        found = situation.count_situation(session, programme, STORY_DAY, by=Grouping(table.kind.value), listed=listed)
        rows = [*(row for row in found.rows if row.open_to(table.strand)), found.total]
        names = [column.name for column in table.columns]
        assert len(rows) == len(table.rows)
        for row, cells in zip(rows, table.rows, strict=True):
            values = dict(zip(names, cells, strict=True))
            assert {name: values[name] for name in (*Bucket, *Solicitation)} == row.figures(table.strand)
            assert (values["schools"], values["authorities"]) == (
                row.base(table.strand),
                row.strand_authorities[table.strand],
            )
    joined = [row for row in gathered.rows if (row.strand, row.status, row.word) == (1, Status.JOINED, Word.CONFIRMED)]
    assert (len(joined), len([row for row in gathered.rows if row.strand == 1])) == (48, 649)
    found = situation.count_situation(session, programme, STORY_DAY)
    assert [answer.sentence for answer in content.answers] == situation.situation_sentences(found, programme.strands)
    assert next(source.dated for source in content.sources).startswith("édition du")
    assert read_figures(content.figures(), content.text) == content


@pytest.mark.long
def test_a_note_keeps_a_reported_school_in_its_denominator_and_says_so_beside(sample_database):
    """Of a school of WBE: another network's note says nothing of it."""
    with sample_database.writing() as session:
        (wbe,) = session.scalars(select(Authority).where(Authority.network.has(code="WBE")))
        strand = programmes.get_programme(session).strands[0]
        rows = standing_of_schools(STORY_DAY, [strand])
        school = session.scalars(select(rows.c.school_id).where(rows.c.authority_id == wbe.id).limit(1)).one()
        session.add(SchoolReport(**factories.school_report(school, wbe.id, NOW, since=STORY_DAY)))
        session.flush()
        values = {}
        for network in ("WBE", "COCOF"):
            asked = replace(ASKED, networks=(network,), strands=(1,))
            content = notes.gather_note(session, asked, now=NOW).content
            values[network] = [one for one in content.unknowns if "signalée" in one]
            assert content.tables[0].rows[-1][2] == 649
    assert "14 des 147 écoles" in gathered_answer(sample_database)
    assert [sentence.replace("\xa0", " ") for sentence in values["WBE"]] == [
        "1 école secondaire signalée comme partie ou fermée : elle reste comptée tant que le registre la cite."
    ]
    assert values["COCOF"] == []


def gathered_answer(database):
    with database.reading() as session:
        content = notes.gather_note(session, replace(ASKED, networks=("WBE",), strands=(1,)), now=NOW).content
        return content.answers[0].networks[0].sentence


def test_a_note_about_networks_answers_for_these_beside_all(session):
    content = notes.gather_note(session, replace(ASKED, networks=("WBE",), strands=(1,)), now=NOW).content
    (answer,) = content.answers
    assert [network.network for network in answer.networks] == ["WBE"]
    assert "14 des 147 écoles du réseau WBE ont adhéré" in answer.networks[0].sentence
    (table,) = content.tables
    assert [row[0] for row in table.rows] == ["WBE", "Tous les réseaux"]
    assert not content.all_networks


def test_a_note_has_no_figure_of_a_strand_before_its_opening(session):
    asked = replace(ASKED, as_of=date(2021, 1, 14), networks=("WBE",), groupings=(TableKind.ZONE,))
    gathered = notes.gather_note(session, asked, now=NOW)
    first, second = gathered.content.answers
    assert (len(first.networks), second.networks) == (1, ())
    assert second.sentence.replace("\xa0", " ") == "Le volet 2 s’ouvre le 15 janvier 2021."
    assert {table.strand for table in gathered.content.tables} == {row.strand for row in gathered.rows} == {1}


@pytest.mark.long
@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"as_of": date(2021, 5, 19)}, "as_of", "avenir"),
        ({"as_of": date(2019, 1, 1)}, "as_of", "Le volet 1 s’ouvre le 16 novembre 2020. Choisissez ce jour"),
        ({"as_of": date(2021, 1, 14), "strands": (2,)}, "as_of", "Le volet 2 s’ouvre le 15 janvier 2021."),
        ({"known_at": NOW + timedelta(days=1)}, "known_at", "avenir"),
        ({"known_at": NOW - timedelta(days=30)}, "known_at", "précède"),
        ({"networks": ("Marsien",)}, "networks", "Le réseau « Marsien » n’existe pas. Choisissez parmi : "),
        ({"strands": (9,)}, "strands", "volet 9"),
        ({"title": " "}, "title", "Indiquez un titre"),
        ({"title": "x" * 201}, "title", "200 caractères"),
        ({"title": "a\0"}, "title", "interdit"),
        ({"question": "x" * 2001}, "question", "caractères"),
        ({"text": "[ici](http://x)"}, "text", "lien refusé"),
        ({"text": "a\0"}, "text", "interdit"),
        ({"hand_figures": (replace(GIVEN, source=""),)}, "hand_figures", "Chiffre 1 : indiquez la source"),
        ({"hand_figures": (replace(GIVEN, dated=""),)}, "hand_figures", "Chiffre 1 : indiquez sa date."),
        ({"hand_figures": (replace(GIVEN, dated="hier"),)}, "hand_figures", "Chiffre 1"),
        ({"hand_figures": (replace(GIVEN, dated="2021-06-10"),)}, "hand_figures", "avenir"),
        ({"hand_figures": (GIVEN,) * 21}, "hand_figures", "20 chiffres"),
        ({"corrects": "2021-001"}, "reason", "pourquoi"),
    ],
)
def test_a_note_that_cannot_be_made_is_refused_with_its_field(session, changes, field, said):
    faults = notes.draft_faults(session, replace(ASKED, **changes), now=NOW)
    assert list(faults) == [field]
    assert said in faults[field].replace("\xa0", " ")


def test_what_is_refused_is_not_gathered(session):
    with pytest.raises(InputError, match="Indiquez un titre"):
        notes.gather_note(session, replace(ASKED, title=""), now=NOW)


def test_an_unknown_note_cannot_be_corrected(session):
    with pytest.raises(NotFound, match="2021-077"):
        notes.gather_note(session, replace(ASKED, corrects="2021-077", reason="x"), now=NOW)


@pytest.mark.long
def test_a_correction_names_each_figure_before_and_after(sample_database):
    with sample_database.writing() as session:
        first = notes.gather_note(session, replace(ASKED, hand_figures=(GIVEN,)), now=NOW)
        key = notes.freeze_note(session, first, now=NOW, actor=AUTHOR).id
    number = approve_in(sample_database, key)
    given = replace(GIVEN, value="99 871")
    asked = replace(ASKED, as_of=date(2021, 1, 15), corrects=number, reason="Le jour.", hand_figures=(given,))
    with sample_database.reading() as session:
        correction = notes.gather_note(session, asked, now=NOW).content.correction
    assert correction is not None
    assert (correction.number, correction.sha256) == (number, first.content.sha256())
    values = {change.label: (change.before, change.after) for change in correction.changes}
    assert values["Connexions"] == ("près de 100 000", "99 871")
    before, after = values["Volet 1, par réseau, Tous les réseaux : Adhéré"]
    assert before == "48"
    assert int(after) < 48


@pytest.mark.long
@pytest.mark.postgresql
def test_an_approved_note_stays_as_it_was_whatever_is_recorded_later(sample_database):
    """Every school joins, every earlier record is withdrawn, half of the schools leave: only new notes say so."""
    with sample_database.writing() as session:
        first = notes.gather_note(session, ASKED, now=NOW)
        key = notes.freeze_note(session, first, now=NOW, actor=AUTHOR).id
    number = approve_in(sample_database, key)
    before = kept(sample_database, number)
    later = NOW + timedelta(days=1)
    with sample_database.writing() as session:
        held = session.scalars(select(AdherenceRecord)).all()
        session.execute(
            insert(RecordWithdrawal),
            [{"record_id": record.id, "withdrawn_at": later, "withdrawn_by": AUTHOR} for record in held],
        )
        session.execute(update(Ownership).where(Ownership.school_id % 2 == 0).values(until=date(2021, 1, 1)))
    with sample_database.reading() as session:
        again = notes.gather_note(session, ASKED, now=later).content
    assert kept(sample_database, number) == before
    assert again.tables != first.content.tables
    with sample_database.writing() as session:
        second = notes.freeze_note(session, replace(first, content=again), now=later, actor=AUTHOR).id
    assert [number, approve_in(sample_database, second)] == ["2021-001", "2021-002"]


@pytest.mark.long
def test_a_figure_known_then_is_the_one_that_was_given_then(sample_database):
    later = NOW + timedelta(days=1)
    with sample_database.reading() as session:
        first = notes.gather_note(session, ASKED, now=NOW)
    with sample_database.writing() as session:
        strand = programmes.get_programme(session).strands[0]
        school = session.scalars(select(School.id).where(School.fase == first.rows[0].fase)).one()
        record = {"status": Status.DECLINED, "word": Word.CONFIRMED, "effective_on": STORY_DAY, "recorded_at": later}
        told = {"recorded_by": AUTHOR, "source": "x", "reason": ""}
        session.add(AdherenceRecord(school_id=school, strand_id=strand.id, **record, **told))
    with sample_database.reading() as session:
        now = notes.gather_note(session, ASKED, now=later)
        then = notes.gather_note(session, replace(ASKED, known_at=NOW), now=later)
    assert (now.content.tables != first.content.tables, now.rows != first.rows) == (True, True)
    unknowns = [f"Au 16 mai 2021, {told}" for told in first.content.unknowns]
    assert (list(then.content.unknowns), len(unknowns) > 0) == (unknowns, True), "no replay tells these"
    assert (then.content.tables, then.rows, then.content.known_at) == (
        first.content.tables,
        first.rows,
        first.content.known_at,
    )


def kept(database, number):
    """All that a database keeps of a note: its figures, rows and files, to the byte."""
    with database.reading() as session:
        note = notes.by_number(session, number)
        rows = session.execute(select(*NoteRow.__table__.c).where(NoteRow.note_id == note.id)).all()
        files = {file.kind: file.content for file in notes.files_of(session, note)}
        return note.figures, note.sha256, note.approval.signature, sorted(map(str, rows)), files


def test_a_request_is_read_back_as_it_was_kept():
    asked = replace(
        ASKED, known_at=NOW, strands=(1,), networks=("WBE",), groupings=(TableKind.ZONE,), hand_figures=(GIVEN,)
    )
    assert read_request(asked.as_json()) == asked


def test_what_is_planned_is_said_with_whom_it_means(database):
    factories.gather(database, 3, now=NOW)
    factories.plan(database, NOW + timedelta(days=3), now=NOW)
    with database.reading() as session:
        acted = results.list_actions(session, programmes.get_programme(session), now=NOW)
        content = notes.gather_note(session, ASKED, now=NOW).content
        past = notes.gather_note(session, ASKED, now=NOW + timedelta(days=1)).content
    (planned,), (action,) = acted.planned, content.actions
    assert (action.state, action.day, action.strand) == (ActionState.PLANNED, "2021-05-18", 1)
    assert (action.sentence, action.counted) == (planned.sentence(acted.labels), (("meant", 3),))
    assert dict(action.networks) == {acted.labels[code]: count for code, count in planned.meant.items()}
    assert read_figures(content.figures()) == content
    assert past.actions[0].counted == (), "whom a wave meant on a past day is not known"
