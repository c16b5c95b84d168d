"""Where several programmes are loaded: each page, file and slide says which, and goes on with it."""

import csv
import io
import re

import pytest
from python_calamine import CalamineWorkbook

from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket
from outreach.days import today
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.pages import cells, elements, form_of, links, text_of
from tests.programmes import FIRST, JOINED, NAME, SECOND, two_programmes
from tests.web.test_scoped_pages import signed_in as signed_in_for
from tests.web.test_situation import table

__all__ = ["two_programmes"]
NURSERY = """
code = "premiers-mots"
name = "Premiers mots"
[[strands]]
number = 1
name = "Premiers mots"
opened_on = 2021-05-01
level = "nursery"
"""
CODES = f"« {FIRST} », « {SECOND} »"


def said(response):
    return " ".join(text_of(response).replace("\xa0", " ").replace("\u202f", " ").split())


def current(page):
    (chosen,) = elements(page, "nav[@aria-label='Programmes']//a[@aria-current='page']")
    return text_of(chosen)


def test_the_situation_is_that_of_the_programme_in_the_address(author, two_programmes):
    page = author.get(f"/?programme={SECOND}")
    assert current(page) == NAME
    assert table(page, 1)[-1][3] == len(JOINED)
    told = [text_of(one).replace("\xa0", " ") for one in elements(page, "p[@class='quotable']")]
    assert len(told) == 2
    assert all(f"volet du programme « {NAME} »" in one for one in told), told
    answers = author.get(f"/?programme={SECOND}&network=WBE")
    (answer, _) = [text_of(one) for one in elements(answers, "p[@class='quotable']")][2:]
    assert f"du programme « {NAME} »" in answer.replace("\xa0", " ")
    whole = "".join(elements(answers, "textarea[@id='answer-text']")[0].itertext()).replace("\xa0", " ")
    assert f"volet du programme « {NAME} »" in whole


def test_links_forms_and_files_of_a_page_keep_its_programme(author, two_programmes):
    seen, todo = set(), [f"/?programme={SECOND}"]
    while todo:
        address = todo.pop()
        place = address.partition("?")[0]
        if place in seen:
            continue
        seen.add(place)
        response = author.get(address)
        assert response.status_code == 200, address
        assert NAME in (said(response) if "html" in response.mimetype else _of_file(response)), address
        if "html" in response.mimetype:
            for led, _ in links(response, "/situation/"):
                assert f"programme={SECOND}" in led, f"{address} leads to {led}"
                todo.append(led)
            for form in elements(response, "form[@method='get']"):
                assert elements(form, f"input[@name='programme'][@value='{SECOND}']"), address
            for form in elements(response, "form[@method='post']"):
                assert f"programme={SECOND}" in form.get("action") or "/situation" not in form.get("action"), address
    assert len(seen) > 12, seen


def _of_file(response):
    if response.mimetype.startswith("image/png"):
        return NAME  # the same slide as the SVG
    if response.mimetype == "image/svg+xml":
        assert all(NAME in re.search(rf"<{tag}>(.*?)</{tag}>", response.text)[1] for tag in ("title", "desc"))
        (source,) = [one for one in re.findall(r"<text[^>]*>([^<]*)</text>", response.text) if "Source" in one]
        return source
    assert f"_{SECOND}_" in response.headers["Content-Disposition"]
    if response.mimetype == "text/csv":
        header, *rows = csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";")
        assert header[-1] == "Programme"
        return {row[-1] for row in rows} | {NAME}
    book = CalamineWorkbook.from_filelike(io.BytesIO(response.data))
    *tables, about = (book.get_sheet_by_index(place).to_python() for place in range(len(book.sheet_names)))
    assert all(row[-1] == (NAME if place else "Programme") for rows in tables for place, row in enumerate(rows))
    return [str(cell) for row in about for cell in row]


@pytest.mark.parametrize(
    "address",
    [
        "/situation/export.csv",
        "/situation/export.xlsx",
        "/situation/actions.csv",
        "/situation/schools.csv?strand=1",
        "/situation/charts/volet-1.svg",
    ],
)
def test_a_file_takes_no_programme_by_itself(author, two_programmes, address):
    refused = author.get(address)
    assert (refused.status_code, CODES in said(refused)) == (409, True)
    unknown = author.get(address + ("&" if "?" in address else "?") + "programme=autre")
    assert (unknown.status_code, CODES in said(unknown)) == (404, True)


def test_a_page_without_one_shows_that_of_ones_latest_work_or_the_latest_to_open(author, signed_in, two_programmes):
    assert current(author.get("/")) == "Mes outils numériques", "the author's campaign is about it"
    assert current(signed_in("reader").get("/")) == NAME, "its second strand opened last"
    assert current(author.get("/situation/actions")) == "Mes outils numériques"


def test_the_switch_of_a_federation_has_the_programmes_that_concern_its_members(app, two_programmes):
    with two_programmes.writing() as session:
        programmes.load(session, NURSERY, now=NOW, actor=AUTHOR)
    offered = {}
    for code in ("FELSI", "CECP", "CPEONS"):
        page = signed_in_for(app, "federation", code).get("/")
        offered[code] = [text_of(one) for one in elements(page, "nav[@aria-label='Programmes']//a")]
        with two_programmes.reading() as session:
            every = [one.name for one in programmes.every(session)]
        assert set(offered[code]) <= set(every)
    assert len({tuple(each) for each in offered.values()}) > 1, offered
    assert "Premiers mots" not in offered["CPEONS"], "its members have no nursery school"


def test_with_one_programme_a_page_has_no_switch(author):
    page = author.get("/")
    assert elements(page, "nav[@aria-label='Programmes']") == []
    assert "programme=" not in page.text
    assert "du programme" not in said(page)


def test_the_figures_are_counted_of_the_programme_that_is_said(two_programmes):
    with two_programmes.reading() as session:
        of = {one.code: situation.situation(session, one, today(NOW)) for one in programmes.every(session)}
    assert of[SECOND].programme == NAME
    assert of[SECOND].total.strands[1][Bucket.JOINED] == len(JOINED) != of[FIRST].total.strands[1][Bucket.JOINED]


def test_a_note_is_about_the_programme_that_its_form_names(author, signed_in, two_programmes):
    page = author.get(f"/notes/drafts/new?programme={SECOND}")
    assert current(page) == NAME
    form = form_of(page)
    assert form["programme"] == SECOND
    asked = {"title": "Lire", "as_of": "2021-05-15", "question": "Combien ?"}
    unnamed = author.post("/notes/drafts/new", data=form | asked | {"programme": ""})
    assert (unnamed.status_code, CODES in said(unnamed)) == (409, True)
    preview = author.get(author.post("/notes/drafts/new", data=form | asked).headers["Location"])
    assert f"volet du programme « {NAME} »" in said(preview)
    freezing = next(one.get("action") for one in elements(preview, "form") if "freezing" in one.get("action"))
    author.post(freezing, data=form_of(preview, freezing))
    listed = author.get("/notes")
    assert [row[1] for row in cells(elements(listed, "main")[0])[1:]] == [NAME]
    assert "Lire" in said(author.get(f"/notes?programme={SECOND}"))
    assert "Lire" not in said(author.get(f"/notes?programme={FIRST}"))
    assert current(author.get("/")) == NAME, "the author's latest work is about it"


def test_a_note_is_asked_for_about_the_programme_of_the_page(signed_in, two_programmes):
    reader = signed_in("reader")
    home = reader.get(f"/?programme={SECOND}")
    (action,) = {one.get("action") for one in elements(home, "form") if "/notes/requests" in one.get("action")}
    address = reader.post(action, data=form_of(home, action) | {"question": "Combien ?"}).headers["Location"]
    assert f"volet du programme « {NAME} »" in said(reader.get(address))
