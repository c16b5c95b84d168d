import csv
import gc
import io
import re
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from outreach.adherence import programmes, situation
from outreach.adherence.models import JoiningList
from outreach.adherence.situation import Bucket, Selection
from outreach.core.tables import _imports as imports
from outreach.directory import authorities
from outreach.directory.models import Level
from tests.conftest import STORY_DAY
from tests.core.tables.books import BOMB, PAGE, changed, repeated, workbook
from tests.pages import actions, elements, form_of, links, text_of
from tests.web.test_account import form_token


@pytest.fixture
def silent(sample_database):
    with sample_database.reading() as session:
        programme = programmes.get_programme(session)
        found = situation.list_situation_schools(session, programme, STORY_DAY, Selection(1, Bucket.NONE)).page(1, 600)
        return [row.School.fase for row in found]


def joined(author):
    return int(re.search(r"(\d+) des [^.]*ont adhéré au premier volet", text_of(author.get("/")))[1])


def upload(author, content, name="liste.csv"):
    return author.send("/adherence/lists", {"file": (io.BytesIO(content), name)})


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_2500_rows_of_excel_with_20_errors_are_corrected_and_applied_in_six_pages(author, silent):
    """Upload, look, download the errors, upload the corrected file, apply, see: five pages and one file."""
    statuses = ["a pris connaissance", "en préparation", "marché lancé", "refusé", "adhéré"]
    lines = ["fase;volet;statut;date;source;motif"]
    lines += [
        f"{fase};{1 + place % 2};{statuses[step]};{day}/05/2021;Courriel reçu;"
        for step, day in enumerate(range(2, 7)) for place, fase in enumerate(silent[:500])
    ]  # fmt: skip
    assert len(lines) == 2501
    faulty = list(lines)
    for place in range(100, 2100, 100):
        faulty[place] = faulty[place].replace("/05/2021", "/13/2021")
    before = joined(author)

    response = upload(author, "\r\n".join(faulty).encode("cp1252"))
    page = author.get(response.location).text
    assert "Windows-1252" in page
    assert "20\u00a0lignes rejetées" in page
    assert '<th scope="row">D101</th>' in page
    errors = author.get(f"{response.location}/rejected.csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(errors), delimiter=";"))
    assert len(rows) == 20
    assert all(
        ("13/2021" in row["date"] and row["erreur"].startswith("date\u00a0: ")) or "date : " in row["erreur"]
        for row in rows
    )

    corrected = upload(author, "\r\n".join(lines).encode("cp1252")).location
    assert "Lignes rejetées</dt><dd>0</dd>" in author.get(corrected).text
    done = author.send(f"{corrected}/application", page=corrected)
    assert "2\u202f500\u00a0statuts enregistrés" in author.get(done.location).text
    assert joined(author) == before + 250


@contextmanager
def growth_in_megabytes():
    """By how much this process has grown at its largest, once the block has ended."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the largest size is now the present one
    before, grown = _largest_size(), []
    yield grown
    grown.append((_largest_size() - before) / 1024)


def _largest_size():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1])


def hostile_workbooks():
    """Five files of at most 300 kB, one by one, since one of them is 300 MB before it is packed."""
    single = workbook(["a"])
    yield repeated("a" * 9_000, 48_000)
    yield changed(single, "xl/sharedStrings.xml", lambda xml: xml.replace("<t>a", "<t>" + "a" * 300_000_000))
    yield changed(single, PAGE, lambda xml: xml.replace("</row>", "<c><v>1</v></c>" * 3_000_000 + "</row>"))
    yield changed(single, "xl/sharedStrings.xml", lambda xml: BOMB + xml.replace("<t>a", "<t>&h;"))
    far = changed(workbook(["a"], ["b"]), PAGE, lambda xml: xml.replace('"A2"', '"XFD1048576"'))
    yield changed(far, PAGE, lambda xml: xml.replace("A1:A2", "A1:XFD1048576"))


def grown_over(author, content):
    """By how many megabytes the process grows while it receives this file, which it refuses."""
    assert len(content) < 300_000
    with growth_in_megabytes() as grown:
        response = upload(author, content)
    assert response.status_code == 422
    assert re.search(
        r"Le (?:classeur|fichier) (?:a plus|contient plus|déclare plus|est|n’a pas pu être lu)|Fichier illisible",
        text_of(response),
    )
    return grown[0]


@pytest.mark.deep
def test_a_small_workbook_that_holds_432_million_characters_costs_the_web_process_little(author):
    assert grown_over(author, repeated("a" * 9_000, 48_000)) < 100


@pytest.mark.journey
@pytest.mark.deep
def test_the_web_process_hardly_grows_over_five_hostile_workbooks(author):
    assert max(grown_over(author, content) for content in hostile_workbooks()) < 100


@pytest.mark.deep
def test_a_list_as_big_as_the_limits_allow_costs_its_pages_little(author):
    row = b"80001;1;ferm\xe9;01/05/2021;" + b"s" * 12 + b";" + b"m" * 12 + b"\n"
    with growth_in_megabytes() as grown:
        place = upload(author, b"fase;volet;statut;date;source;motif\n" + row * 99_000).location
        assert "99\u202f000\u00a0lignes rejetées" in author.get(place).text
        author.get("/adherence/lists")
    assert grown[0] < 150


@pytest.mark.long
def test_the_cells_of_a_list_are_read_once_a_page_and_not_for_pages_that_only_name_it(
    author, silent, sample_database, monkeypatch
):
    place = upload(author, f"fase;volet;statut;date\n{silent[0]};1;?;01/05/2021".encode()).location
    made, fetched, grid = [], [], imports.Grid
    monkeypatch.setattr(imports, "Grid", lambda *cells, **more: made.append(cells) or grid(*cells, **more))
    event.listen(sample_database.engine, "before_cursor_execute", lambda *facts: fetched.append("grid" in facts[2]))
    for page, times in ((place, 1), (f"{place}/rejected.csv", 1), ("/adherence/lists", 0)):
        made.clear(), fetched.clear()
        assert author.get(page).status_code == 200
        assert (len(made), sum(fetched)) == (times, times), page


def test_an_author_is_led_to_the_rows_of_other_services_that_await_a_judgement(author):
    assert 'href="/administration/hooks"' in author.get("/adherence/lists").text
    assert author.get("/administration/hooks").status_code == 200


@pytest.mark.journey
@pytest.mark.long
def test_a_list_is_undone_in_the_browser(author, silent):
    before = joined(author)
    place = upload(author, f"fase;volet;statut;date\n{silent[0]};1;adhéré;01/05/2021".encode()).location
    author.send(f"{place}/application", page=place)
    assert joined(author) == before + 1
    assert author.send(f"{place}/application", page="/account").status_code == 409
    page = author.get(f"{place}/withdrawal")
    assert "Ce qu’elle a changé revient en arrière, comme avant elle : Statuts enregistrés 1" in text_of(page)
    assert (joined(author), f"{place}/withdrawal" in actions(author.get(place))) == (before + 1, False), "it asks first"
    author.send(f"{place}/withdrawal", page=f"{place}/withdrawal")
    assert joined(author) == before
    undone = text_of(author.get(place))
    assert "Annulée" in undone
    assert "Voici ce qu’elle avait changé, et qui est revenu en arrière : Statuts enregistrés 1" in undone
    assert author.get(f"{place}/withdrawal").location == place, "once"


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "vide.csv", "vide"),
        (b"%PDF-1.4", "liste.xlsx", "ni un CSV"),
        (b"fase;volet\n1;1", "../../etc/x", "Colonnes manquantes"),
        (b"PK\x03\x04abc", "liste.xlsx", "abîmé"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_on_the_page(author, content, name, words):
    response = upload(author, content, name)
    assert response.status_code == 422
    assert words in response.text


def test_no_file_is_refused_on_the_page(author):
    assert "Choisissez un fichier." in author.send("/adherence/lists", {}).text


def test_too_big_a_file_is_refused_with_a_page(author):
    response = upload(author, b"x" * 17_000_000)
    assert response.status_code == 413
    assert "Rien n’a été enregistré" in response.text


@pytest.mark.long
def test_a_big_list_within_the_limit_is_read(author):
    line = b"80001;1;adh\xc3\xa9r\xc3\xa9;01/05/2021;" + b"x" * 190 + b";" + b"y" * 1_800 + b"\r\n"
    content = b"fase;volet;statut;date;source;motif\r\n" + line * (15_000_000 // len(line))
    assert upload(author, content).status_code == 302


def test_the_example_can_be_sent_back(author):
    content = author.get("/adherence/lists/example.csv").data
    assert upload(author, content).status_code == 302


def record(author, fase, **changes):
    form = {"strand": "1", "school": "all", "status": "joined", "word": "confirmed", "day": "2021-05-03",
            "source": "Appel téléphonique", "person": "Direction", "note": "Rappeler en juin"}  # fmt: skip
    return author.send(f"/directory/{fase}/statuses", {**form, **changes})


@pytest.mark.journey
@pytest.mark.long
def test_a_status_recorded_by_mistake_is_withdrawn_after_a_page_that_says_what_changes(author, signed_in):
    before, place = joined(author), "/directory/9300/statuses"
    record(author, 9300)
    (withdrawal,) = (address for address, _ in links(author.get(place), f"{place}/"))
    page = author.get(withdrawal)
    assert "Adhéré Sans réponse" in text_of(page)
    assert [text_of(entry) for entry in elements(page, "a[@aria-current='page']")] == ["Annuaire"]
    assert actions(page)[-1] == withdrawal
    assert (place, "Le garder") in links(page)
    assert joined(author) == before + 2
    elsewhere = withdrawal.replace("9300", "9301")
    assert (author.get(elsewhere).status_code, author.send(elsewhere, page=place).status_code) == (404, 404)
    reader = signed_in("reader")
    assert (reader.get(withdrawal).status_code, reader.send(withdrawal, page="/account").status_code) == (403, 403)
    assert links(reader.get(place), f"{place}/") == []
    assert author.send(withdrawal, page=withdrawal).location == place
    assert joined(author) == before
    assert "Volet 1\u00a0: <strong>Aucune école n’a adhéré" in author.get(place).text
    assert "Enregistrement annulé" in author.get("/directory/9300/history").text
    assert withdrawal not in actions(author.get(withdrawal)), "it is withdrawn already"


@pytest.mark.long
def test_a_declared_joining_is_printed_beside_the_confirmed_ones(author, sample_database):
    with sample_database.reading() as session:
        schools = authorities.list_schools(session, authorities.authority_by_fase(session, 9300)).page(1)
        one = next(one for one in schools if any(kind.level is Level.SECONDARY for kind in one.types))
    before = joined(author)
    assert record(author, 9300, school=str(one.school.fase), word="declared").status_code == 302
    page = author.get("/directory/9300/statuses")
    assert "Aucune école n’a adhéré ; 1 déclare y adhérer" in re.sub(r"\s", " ", text_of(page))
    ((to, _),) = [link for link in links(page, "/directory/9300/statuses") if "confirm=" in link[0]]
    filled = form_of(author.get(to.partition("#")[0]), "/directory/9300/statuses")
    wanted = {"school": str(one.school.fase), "strand": "1", "status": "joined", "word": "confirmed"}
    assert {name: filled[name] for name in wanted} == wanted
    page = author.get("/")
    assert joined(author) == before
    assert "1" in [text for address, text in links(page, "/situation/", {"ds-sr-only"}) if "status=declared" in address]
    assert "1 autre déclare y adhérer" in text_of(page)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strand": "9"}, "strand"),
        ({"school": "1"}, "school"),
        ({"status": "x"}, "status"),
        ({"word": "x"}, "word"),
        ({"day": "demain"}, "day"),
        ({"day": "2999-01-01"}, "day"),
        ({"source": "x"}, "source"),
        ({"note": "x" * 2001}, "note"),
        ({"note": "a\x00b"}, "note"),
        ({"person": "Direction\x00"}, "person"),
    ],
)
def test_a_refused_status_names_the_field_and_keeps_the_form(author, change, field):
    response = record(author, 9300, **change)
    assert response.status_code == 422
    assert f'href="#{field}"' in response.text
    assert "Direction" in response.text


def test_a_joining_after_the_closing_is_refused_at_its_day_by_the_form_and_by_a_list(author, silent, sample_database):
    with sample_database.writing() as session:
        programmes.get_programme(session).strand(1).closed_on = date(2021, 5, 2)
    said = "Le volet 1 a fermé le 2 mai 2021 : aucune école n’y adhère le 3 mai 2021."
    refused = record(author, 9300)
    assert (refused.status_code, 'href="#day"' in refused.text) == (422, True)
    named = [text_of(one).replace("\xa0", " ") for one in elements(refused, "label") if "Volet" in text_of(one)]
    assert ["fermé depuis le 2 mai 2021" in one for one in named if one.startswith("Volet ")] == [True, False]
    assert said in text_of(refused).replace("\xa0", " ")
    assert record(author, 9300, day="2021-05-02").status_code == 302
    sent = upload(author, f"fase;volet;statut;date\n{silent[0]};1;oui;03/05/2021\n".encode())
    assert said in text_of(author.get(sent.location)).replace("\xa0", " ")


def test_the_form_of_a_status_opens_with_nothing_chosen_and_asks_for_each_choice_keeping_what_was_typed(author):
    place = "/directory/9300/statuses"
    opened = form_of(author.get(place), place)
    chosen = {name: value for name, value in opened.items() if name not in {"csrf_token", "day"}}
    assert chosen == {"school": "", "status": "", "source": "", "person": "", "note": ""}
    refused = author.send(place, {**chosen, "day": "2021-05-03", "person": "Direction", "note": "Rappeler en juin"})
    assert refused.status_code == 422
    _, *told = [text for _, text in links(refused, "#")]
    assert told == [
        "Choisissez un volet.",
        "Choisissez une école de ce pouvoir organisateur, ou toutes.",
        "Choisissez un statut.",
        "Dites qui affirme ce statut : le service, ou le pouvoir organisateur.",
        "Choisissez la source.",
    ]
    kept = form_of(refused, place)
    assert (kept["day"], kept["person"], kept["note"]) == ("2021-05-03", "Direction", "Rappeler en juin")


LINE = b"fase;volet;statut;date\n80001;1;adh\xc3\xa9r\xc3\xa9;01/05/2021"


def kept(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(JoiningList))


@pytest.mark.one_example
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "x" * 300 + ".csv", "\u202evsc.exe", "logo.svg", "a\x00b.csv", "é.csv"]
)
def test_the_name_of_a_file_means_nothing(author, sample_database, name):
    sent = upload(author, LINE, name)
    assert sent.status_code == 302
    assert "passwd" not in author.get(sent.location).text
    assert kept(sample_database) == 2, "the sample has one"


@pytest.mark.one_example
@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a",
    ],
)
def test_a_picture_or_a_page_is_no_list(author, sample_database, content):
    refused = upload(author, content, "liste.csv")
    assert refused.status_code == 422
    assert "Fichier illisible" in refused.text
    assert "alert(1)" not in refused.text
    assert kept(sample_database) == 1


def test_the_same_file_sent_twice_is_one_list(author, sample_database):
    assert upload(author, LINE).location == upload(author, LINE).location
    assert kept(sample_database) == 2


def body(author, content):
    token = form_of(author.get("/adherence/lists"))["csrf_token"]
    part = '--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    return b"".join(
        (
            (part % ("csrf_token", "")).encode(),
            token.encode(),
            (part % ("file", '; filename="a.csv"')).encode().join((b"\r\n", content)),
            b"\r\n--x--\r\n",
        )
    )


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("cut", "length"),
    [(1.0, None), (0.5, None), (0.5, "full"), (1.0, "1"), (1.0, "99999999"), (1.0, "-1"), (1.0, "x"), (0.0, None)],
    ids=str,
)
def test_an_upload_that_was_cut_or_lies_about_its_length_stores_nothing(author, sample_database, cut, length):
    whole = body(author, LINE + b"\n" + b"x" * 2_000)
    told = {"CONTENT_LENGTH": str(len(whole)) if length == "full" else length} if length else {}
    response = author.post(
        "/adherence/lists",
        data=whole[: int(len(whole) * cut)],
        content_type="multipart/form-data; boundary=x",
        environ_overrides=told,
    )
    is_whole = (cut, length) == (1.0, None)
    assert response.status_code == 302 if is_whole else response.status_code in {400, 413, 422}
    assert kept(sample_database) == 1 + is_whole


@pytest.mark.parametrize(
    ("size", "code", "words"), [(501_000, 422, "dépasse"), (2_000_000, 413, "Rien n’a été enregistré")]
)
def test_a_field_of_a_form_has_its_size(author, size, code, words):
    token = form_token(author, "/directory/9300/history")
    form = {"note": "x" * size, "csrf_token": token, "kind": "phone", "day": "2021-05-03"}
    refused = author.post("/directory/9300/calls", data=form)
    assert refused.status_code == code
    assert words in refused.text


def test_rejected_rows_come_back_without_a_formula_in_a_cell_or_a_header(author):
    content = "fase;volet;statut;date;=cmd()\nx;1;adhéré;01/05/2021;@SUM(1)".encode()
    place = upload(author, content).location
    header, row = csv.reader(io.StringIO(author.get(f"{place}/rejected.csv").data.decode("utf-8-sig")), delimiter=";")
    assert header[4] == "'=cmd()"
    assert row[4] == "'@SUM(1)"


@pytest.mark.journey
@pytest.mark.long
def test_a_list_may_say_until_which_day_it_is_complete(author, silent):
    content = f"fase;volet;statut;date\r\n{silent[0]};1;adhéré;10/05/2021".encode()

    def send(**said):
        return author.send("/adherence/lists", {"file": (io.BytesIO(content), "liste.csv"), **said})

    refused = send(complete_until="2021-05-12")
    assert refused.status_code == 422
    assert "Dites pour quels réseaux la liste est complète." in refused.text
    assert send(complete_until="2031-05-12", covers=["WBE"]).status_code == 422
    page = send(complete_until="2021-05-12", covers=["WBE", "COCOF"]).location
    shown = text_of(author.get(page)).replace("\xa0", " ")
    assert "complète jusqu’au 12 mai 2021 pour WBE, Officiel subventionné COCOF" in shown
    author.send(f"{page}/application", page=page)
    lists = text_of(author.get("/adherence/lists")).replace("\xa0", " ")
    assert "WBE 12 mai 2021" in lists
    assert "Libre confessionnel aucune liste ne le dit" in lists
