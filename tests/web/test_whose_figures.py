"""Whose figures they are: what an account or a key of a federation copies, saves and draws names the federation."""

import csv
import io
import re
import zipfile

import hypothesis
import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from outreach.integrations import api_keys
from outreach.web.ui import request
from tests.architecture.test_sweeps import SAMPLES, addresses
from tests.factories import AUTHOR
from tests.pages import elements, text_of
from tests.web.api.conftest import Program
from tests.web.test_scoped_pages import Scope, signed_in

OF_ALL = {"notes.export"}  # what everybody reads whole
FIGURE = re.compile(r"\d")
SCOPES = [
    ("federation", "SeGEC", "membres du SeGEC"),
    pytest.param("federation", "FELSI", "membres de la FELSI", marks=pytest.mark.deep),
    pytest.param("network", "WBE", "du réseau WBE", marks=pytest.mark.deep),
]
IS_DEEP = hypothesis.settings.get_current_profile_name() == "all"
OPENS = re.compile(r"s’ouvre le")  # says a day, and counts nothing


def opened(app, database, role, code):
    """Each answer of each view that is open to a scope: its endpoint, its address, the response."""
    client, scope = signed_in(app, role, code), Scope(database, role, code)
    app.config["WTF_CSRF_ENABLED"] = False
    fase, school = str(min(scope.listed)), str(min(scope.schools))
    choices = [
        {"kind": kind, "what": what, "ending": "svg", "key": key}
        for kind in ("csv", "xlsx")
        for what in ("schools", "authorities")
        for key in ("volet-1", "volet-2", "adhesions")
    ]
    groups = (
        "",
        "?by=zone",
        "?by=federation",
        "?as_of=2021-05-10&strand=1",
        "?strand=1",
        "?network=WBE",
        f"?by={role}&{role}={code}",
    )
    seen = set()
    for chosen in choices:
        for method, endpoint, address in addresses(app, {**SAMPLES, "fase": fase, "school": school, **chosen}):
            if method != "GET" or endpoint not in request.PAGES:
                continue
            asked = groups if IS_DEEP else groups[chosen["kind"] == "xlsx" :: 2]  # each kind of file has half of them
            for query in asked if endpoint.startswith("situation.") else ("",):
                if address + query not in seen:
                    seen.add(address + query)
                    response = FlaskClient.open(client, address + query)
                    if response.status_code == 200:
                        yield endpoint, address + query, response


@pytest.mark.long
@pytest.mark.parametrize(("role", "code", "said"), SCOPES)
def test_whatever_a_scope_copies_saves_or_draws_says_whose_figures_they_are(app, launched_sample, role, code, said):
    seen = {"text": 0, "csv": 0, "xlsx": 0, "svg": 0}
    for endpoint, address, response in opened(app, launched_sample, role, code):
        if endpoint in OF_ALL:
            assert code not in response.headers["Content-Disposition"], "published notes are of everybody"
        elif response.mimetype == "text/html":
            for sentence in copied(response):
                assert said in sentence, f"{address}: {sentence}"
                seen["text"] += 1
        elif response.mimetype == "text/csv":
            assert_rows(csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";"), role, code, address)
            seen["csv"] += 1
        elif response.mimetype == "image/svg+xml":
            title, told = (re.search(rf"<{tag}>(.*?)</{tag}>", response.text)[1] for tag in ("title", "desc"))
            assert said in title.replace("\xa0", " "), address
            assert said in told.replace("\xa0", " "), address
            source = next(one for one in re.findall(r"<text[^>]*>([^<]*)</text>", response.text) if "Source" in one)
            assert said.removeprefix("du ") in source, address
            seen["svg"] += 1
        elif response.mimetype == "application/zip":
            with zipfile.ZipFile(io.BytesIO(response.data)) as slides:
                drawn = [slides.read(name).decode() for name in slides.namelist() if name.endswith(".svg")]
            assert drawn, address
            assert all(said in one.replace("\xa0", " ") for one in drawn), address
            seen["svg"] += len(drawn)
        else:
            assert_workbook(response.data, said, role, code, address)
            seen["xlsx"] += 1
        if endpoint not in OF_ALL and "Content-Disposition" in response.headers:
            assert f"_{code.lower()}_" in response.headers["Content-Disposition"], address
    assert all(count > 3 for count in seen.values()), seen


def copied(page):
    """The sentences that buttons of a page copy, as far as they have a figure; of the whole answer each paragraph."""
    whole = [
        one for box in elements(page, "textarea[@id='answer-text']") for one in "".join(box.itertext()).split("\n\n")
    ]
    told = [text_of(one) for one in elements(page, "p[@class='quotable']")] + whole
    told = [" ".join(one.replace("\xa0", " ").replace("\u202f", " ").split()) for one in told]
    return [one for one in told if FIGURE.search(one) and not (OPENS.search(one) and one.count(".") == 1)]


def assert_rows(rows, role, code, address):
    header, *body = rows
    assert header[-1].startswith("Fédération" if role == "federation" else "Réseau"), address
    assert header.count(header[-1]) == 1, f"{address}: two columns of one name"
    assert {row[-1] for row in body} <= {code}, address
    assert {len(row) for row in body} <= {len(header)}, address


def assert_workbook(content, said, role, code, address):
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        heads = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
    assert all(said in head.partition("<headerFooter>")[2] for head in heads), f"{address}: what is printed"
    assert all(code in name for name in names[:-1]), f"{address}: {names}"
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    *tables, about = (book.get_sheet_by_index(place).to_python() for place in range(len(names)))
    for rows in tables:
        assert_rows(rows, role, code, address)
    assert any(said in str(cell) for row in about for cell in row), address


@pytest.mark.long
def test_a_key_of_a_federation_reads_whose_figures_they_are_and_another_key_that_they_are_of_all(app, launched_sample):
    now = app.extensions["outreach.settings"].instant()
    said = {}
    for role in ("federation:SeGEC", "reader"):
        with launched_sample.writing() as session:
            given = api_keys.make(session, name=role, role=role, days=90, now=now, actor=AUTHOR)[1]
        program = Program(app.test_client(), given)
        situation, campaign = program.get("/situation").json, program.get("/campaigns/1").json
        said[role] = situation["counted"], campaign.get("counted")
    assert said["federation:SeGEC"] == ("pouvoirs organisateurs membres du SeGEC",) * 2
    assert said["reader"] == (None, None)
