"""Answers by a sheet: prepared, sent back, read again, recorded once; what a stranger sends costs little."""

import io
import threading
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.campaigns.waves import AnswerTerm
from outreach.core.audit import AuditEntry
from outreach.core.sandbox import workbook as workbook_module
from outreach.core.tables import ColumnMatching, Opened, grid_of, read_grid
from outreach.core.text.errors import InputError
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.directory.models import Authority, Ownership, School
from outreach.directory.supplied_names import NameBook
from outreach.engagement import replies
from outreach.engagement.replies import Answer, AnswerList, Earlier, Response
from outreach.engagement.replies import _sheets as lines
from outreach.web.public.answer_page import sheets
from tests.core.tables.books import workbook
from tests.pages import elements, form_of, text_of
from tests.web.public.test_answer_form import SIX
from tests.web.test_responses import asked_about, counted, letters, wbe

__all__ = ["letters", "wbe"]
HEADER = ["FASE", "École", "Réponse"]


def grid(*rows, header=HEADER):
    return read_grid("\n".join(";".join(map(str, row)) for row in (header, *rows)).encode())


def test_rows_are_read_as_people_fill_them_in_and_faults_are_named_by_row():
    before = Earlier([], {3: Answer.DECLINED})
    plan = lines.plan(
        grid(
            (80001, "École 1", "nous adhérons"),
            ("80002.0", "", "Marche lancé"),
            (80003, "", "Refus"),
            (80004, "", ""),
            (80001, "", "Non concerné"),
            (80006, "", "Nous adhérons"),
            (12, "", "Nous adhérons"),
            (80005, "", "peut-être"),
            ("", "", "Nous adhérons"),
            (80005, "", "Besoin d’aide"),
        ),
        SIX,
        before,
        NameBook({}),
    )
    assert plan.answers() == {1: Answer.JOINED, 2: Answer.TENDER_LAUNCHED}
    assert (plan.unchanged, plan.empty) == (1, 1)
    told = [(rejection.row, rejection.column) for rejection in plan.rejected]
    assert told == [(6, "FASE"), (7, "FASE"), (8, "FASE"), (9, "Réponse"), (10, "FASE"), (11, "FASE")]
    assert "ligne 2" in plan.rejected[0].message
    assert "peut-être" in plan.rejected[3].message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"FASE;Nom\n1;x", "Réponse"),
        ("FASE;Réponse\n".encode(), "aucune ligne"),
        ("FASE;Réponse\n".encode() + b"1;x\n" * 1001, "plus de 1000 lignes"),
        (b"x" * 1_000_001, "1 Mo"),
        (b"%PDF-1.7", "illisible"),
    ],
    ids=["no column", "no row", "many rows", "too big", "no table"],
)
def test_a_file_that_is_no_list_of_answers_is_refused(content, words):
    with pytest.raises(InputError, match=words):
        lines.open_sheet(content)


def test_until_columns_are_matched_only_the_first_are_kept_and_then_those_that_are_read():
    many = [f"Colonne {place}" for place in range(60)]
    sent = lines.open_sheet(f"{';'.join(many)}\n80001;Refus;{'x' * 9000}{';' * 56};secret\n".encode())
    assert len(sent.grid) < 1_000
    assert "secret" not in sent.grid
    told = ["school", "answer", *[""] * 18]
    read = Opened("", lines.narrow_grid(replace(grid_of(sent), fields=told)))
    assert "xxx" not in read.grid
    plan = lines.plan(grid_of(read), SIX, Earlier([], {}), NameBook({}))
    assert (plan.answers(), plan.columns) == ({1: Answer.DECLINED}, {"school": "Colonne 0", "answer": "Colonne 1"})


def test_little_is_kept_of_what_a_stranger_sends():
    long = f"80001;{'x' * 9000};secret\n".encode()
    kept = lines.open_sheet("FASE;Réponse;Remarque\n".encode() + long * 100)
    assert len(kept.grid) < 20_000
    assert "secret" not in kept.grid
    assert lines.plan(grid_of(kept), SIX, Earlier([], {}), NameBook({})).unknown_columns == ("Remarque",)


def test_workbooks_of_strangers_never_take_the_places_of_staff(monkeypatch):
    monkeypatch.setattr(workbook_module, "SECONDS", 0.01)
    monkeypatch.setattr(workbook_module, "PUBLIC_WAIT", 0.01)
    read = workbook_module.WorkbookSheet([["FASE", "Réponse"], ["80001", "Non concerné"]])
    monkeypatch.setattr(workbook_module, "_read_apart", lambda *_: read)
    with workbook_module.PUBLIC:
        with pytest.raises(InputError, match="D’autres classeurs"):
            lines.open_sheet(b"PK")
        assert read_grid(b"PK").header == ["FASE", "Réponse"]
    monkeypatch.setattr(workbook_module, "STAFF", threading.BoundedSemaphore(1))
    with workbook_module.STAFF:
        assert "Non concerné" in lines.open_sheet(b"PK").grid


def test_strangers_do_not_wait_in_the_threads_of_pages_for_as_long_as_a_workbook_is_read(monkeypatch):
    waited = []

    class Full:
        def acquire(self, timeout):
            waited.append(timeout)

    monkeypatch.setattr(workbook_module, "STAFF", Full())
    for places in (Full(), None):
        with pytest.raises(InputError, match="D’autres classeurs"):
            workbook_module.read_workbook(b"PK", places)
    assert waited == [2, workbook_module.SECONDS]


def send(client, wbe, content):
    return client.post(wbe.replace("/a/", "/a/lists/"), data={"file": (io.BytesIO(content), "x.xlsx")})


@pytest.mark.full
@pytest.mark.long
def test_the_prepared_sheet_is_filled_in_read_again_and_recorded_once(client, wbe, sample_database):
    sheet = client.get(wbe.replace("/a/", "/a/sheet/"))
    assert sheet.headers["Content-Disposition"] == 'attachment; filename="reponses-9001.xlsx"'
    with zipfile.ZipFile(io.BytesIO(sheet.data)) as book:
        page = book.read("xl/worksheets/sheet1.xml").decode()
    assert 'sqref="E2:E134"' in page
    assert "Nous adhérons,En préparation" in page
    table = read_grid(sheet.data)
    rows = [cells for _, cells in table.records]
    assert len(rows) == 133
    filled = [
        [*(cells + [""] * 4)[:4], "Nous n’adhérons pas" if at < 20 else "Nous adhérons"]
        for at, cells in enumerate(rows)
    ]
    filled[-1][4] = "Peut-être"
    shown = client.get(send(client, wbe, workbook(table.header, *filled)).location)
    said = text_of(shown)
    assert "Nous n’adhérons pas 20 écoles sur 147" in said
    assert "ligne 134 Réponse « Peut-être » n’est pas une réponse" in said
    today = {
        text_of(row.find("th/span")): text_of(row.find("td"))
        for row in elements(shown, "table[@class='ds-table cards']/tbody/tr")
        if row.find("th/span") is not None
    }
    assert today == {f"FASE {fase}": situation for fase, _, _, situation, *_ in rows[:-1]}
    assert counted(sample_database)[0] == 0
    form, action = form_of(shown), wbe.replace("/a/", "/a/lists/application/")
    assert client.post(action, data={**form, "plan": "x"}).status_code == 409
    kept = client.post(action, data={**form, "comment": "x" * 2001})
    assert (kept.status_code, form_of(kept)["comment"]) == (409, "x" * 2001)
    done = client.post(action, data={**form, "comment": "Par feuille"}, follow_redirects=True)
    assert "Nous adhérons (112 écoles sur 147)" in text_of(done)
    assert "Nous n’adhérons pas (20 écoles sur 147)" in text_of(done)
    again = client.post(action, data=form)
    assert (again.status_code, counted(sample_database)[0]) == (404, 2)
    assert "Cette feuille n’attend plus" in text_of(again)
    with sample_database.reading() as session:
        assert set(session.scalars(select(Response.comment))) == {"Par feuille"}
        assert session.scalars(select(AnswerList.grid)).one() == ""


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_sheet_with_its_own_header_is_matched_mended_compared_by_name_and_recorded(
    client, letters, wbe, sample_database
):
    with sample_database.reading() as session:
        listed = select(School).join(Ownership, Ownership.school_id == School.id).where(Ownership.current())
        mine = listed.join(Authority, Authority.id == Ownership.authority_id).where(Authority.fase == 9001)
        names = {school.fase: school.display_name for school in session.scalars(mine)}
    one, two, three = map(int, asked_about(client.get(wbe).text)[:3])
    rows = [
        *(["Nos écoles"], [], ["Matricule", "Avis", "Dénomination de l’école"]),
        [f"École {one}", "Refus", names[one].upper()],
        [float(two), "Refus", "Institut de la Lune"],
        [three, "peut-être", ""],
    ]
    place = client.get(send(client, wbe, workbook(*rows)).location).location
    asks = client.get(place)
    assert "2 colonnes requises ne sont pas reconnues : FASE, Réponse." in text_of(asks)
    action, form = wbe.replace("/a/", "/a/lists/columns/"), form_of(asks)
    refused = client.post(action, data={**form, "column-0": "school"})
    assert (refused.status_code, "Colonnes manquantes : Réponse" in text_of(refused)) == (422, True)
    foreign = next(address for address in letters.values() if address != wbe).replace("/a/", "/a/lists/columns/")
    assert client.post(foreign, data=form).status_code == 404
    shown = client.get(client.post(action, data={**form, "column-0": "school", "column-1": "answer"}).location)
    said = text_of(shown)
    assert "en-tête à la ligne 3" in said
    assert f"« École {one} » est lu « {one} »." in said
    assert "ligne 5 Dénomination de l’école « Institut de la Lune » est loin de" in said
    file = client.get(wbe.replace("/a/", "/a/lists/rejected.csv/") + "?" + place.partition("?")[2])
    header, *faulty = file.data.decode("utf-8-sig").splitlines()
    assert header.split(";")[-1] == "erreur"
    assert [line.split(";")[1] for line in faulty] == ["Refus", "peut-être"]
    client.post(wbe.replace("/a/", "/a/lists/application/"), data=form_of(shown))
    assert counted(sample_database)[0] == 1
    with sample_database.reading() as session:
        assert not session.scalars(select(ColumnMatching)).all(), "nobody knows who said it"
        told = select(AuditEntry.sentence).where(AuditEntry.subject.startswith("answers:"))
        assert session.scalars(told).all() == ["Feuille de réponses enregistrée, pour 1\u00a0école."]


@pytest.mark.full
@pytest.mark.long
def test_answers_and_sheets_from_a_test_letter_are_shown_and_not_recorded(client, wbe, sample_database):
    with sample_database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    before = counted(sample_database)
    (fase, *_) = asked_about(client.get(wbe).text)
    said = text_of(client.post(wbe, data={"pick": fase, "other": "declined"}))
    assert "Essai : rien n’est enregistré" in said
    assert "Nous n’adhérons pas (1 école sur 147)" in said
    checked = client.get(send(client, wbe, f"FASE;Réponse\n{fase};Refus".encode()).location)
    done = client.post(wbe.replace("/a/", "/a/lists/application/"), data=form_of(checked))
    assert "Essai : rien n’est enregistré" in text_of(done)
    assert counted(sample_database) == before


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_five_files_an_hour_are_read_of_a_letter_even_those_that_cannot_be(client, letters, wbe, sample_database):
    other = next(address for address in letters.values() if address != wbe)
    codes = [send(client, wbe, b"%PDF").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]
    assert send(client, other, b"%PDF").status_code == 422, "each letter has its own"
    with sample_database.writing() as session:
        letter = session.get_one(Message, session.scalars(select(AnswerList.message_id)).first())
        later = session.scalar(select(func.max(AnswerList.received_at))) + timedelta(hours=1, seconds=1)
        assert replies.begin_sheet(session, letter, now=later)


@pytest.mark.long
def test_what_is_too_big_or_empty_says_so_and_a_list_of_another_letter_is_unknown(client, letters, wbe):
    assert "Choisissez le fichier" in text_of(client.post(wbe.replace("/a/", "/a/lists/"), data={}))
    big = send(client, wbe, b"x" * 1_100_000)
    assert (big.status_code, "1 Mo" in text_of(big)) == (413, True)
    few = next(address for address in letters.values() if address != wbe)
    taken = send(client, wbe, "FASE;Réponse\n80001;Nous adhérons".encode()).location
    stranger = few.replace("/a/", "/a/lists/") + "?" + taken.partition("?")[2]
    assert client.get(stranger).status_code == 404
    assert client.get(taken).status_code == 200


def test_a_sheet_that_is_gone_when_the_term_ends_leads_to_the_answer(client, wbe, monkeypatch):
    asked_when, standing = [], sheets.standing_of

    def until_asked_again(*of):
        asked_when.append(of)
        shared, term = standing(*of)
        return shared, term if len(asked_when) == 1 else replace(term, stands=AnswerTerm.OVER)

    monkeypatch.setattr(sheets, "standing_of", until_asked_again)
    gone = client.get(wbe.replace("/a/", "/a/lists/") + "?list=12")
    assert (gone.status_code, gone.location, len(asked_when)) == (303, wbe, 2)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("method", "place"),
    [
        *(("get", "sheet"), ("get", "lists"), ("post", "lists"), ("post", "lists/application")),
        *(("get", "lists/columns"), ("post", "lists/columns"), ("get", "lists/rejected.csv")),
    ],
)
def test_a_wrong_link_to_a_list_gets_the_neutral_page_without_a_look_into_the_database(app, client, method, place):
    app.extensions["outreach.database"] = None
    for token in ("x", "a" * 40):
        answer = getattr(client, method)(f"/a/{place}/{token}")
        assert (answer.status_code, "Lien inconnu" in answer.text) == (404, True)
