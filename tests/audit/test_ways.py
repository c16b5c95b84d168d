"""The same figures on pages, in files, to programs and in notes, as the rows have them; of a few histories."""

import csv
import io
import json
import random

import pytest
from python_calamine import CalamineWorkbook

from outreach.notes import freezing, gathering
from outreach.notes.content import TableKind
from outreach.notes.drafts import NoteRequest
from outreach.settings import Settings
from outreach.web.signing_in.trail import EXTENSION
from tests.application import sign_in, standing  # noqa: F401 - a fixture
from tests.audit import places, recount, rows, told
from tests.audit.histories import History
from tests.factories import AUTHOR
from tests.pages import cells, elements
from tests.web.api.conftest import Program, made

LABELS = {
    "Adhéré": "joined",
    "Adhésion déclarée": "declared",
    "En préparation": "in_preparation",
    "Marché lancé": "tender_launched",
    "Refus": "declined",
    "A pris connaissance": "informed",
    "Non concerné": "not_concerned",
    "Sans réponse": "none",
    "Sollicitée, sans réponse": "solicited",
    "Pas encore sollicitée": "unsolicited",
}
CODES = {
    "network": "Réseau au registre",
    "zone": "Code de la zone",
    "province": "Code de la province",
    "federation": "Code de la fédération",
}
KINDS = {"network": TableKind.NETWORK, "zone": TableKind.ZONE, "federation": TableKind.FEDERATION}
SEEDS = [3, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(10, 30))]


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def url(templates, tmp_path):
    yield from templates.copy("sqlite", "staffed", tmp_path)


@pytest.fixture(params=SEEDS)
def played(request, templates, url, standing, monkeypatch):  # noqa: F811
    """A history that was played, an application on its database, and what counts its rows as they are then."""
    database = templates.open(url)
    history = History(database, random.Random(request.param)).begin().play(25)
    monkeypatch.setattr(Settings, "instant", lambda _settings: history.now)
    app = standing.anew(database)
    yield history, app, lambda: recount.Campaigns(rows.of(url), history.now)
    assert app.extensions[EXTENSION].flush()  # what is written later would go into the next test's database
    database.dispose()


def figures_of(audit, history, by="network"):
    """The situation of the day, with one strand: {code: {figure: n}}, "-" for none and "" for all."""
    (programme,) = (one["id"] for one in audit.rows["programmes"])
    counted = audit.situation(programme, recount.day_of(history.now), by=by)
    names = {"total": "", None: "-"}
    return {
        names.get(code, code): {"authorities": row["authorities"], "schools": row["schools"], **row["strands"][1]}
        for code, row in counted.items()
    }


@pytest.mark.parametrize("by", told.GROUPINGS)
def test_the_situation_in_files_and_to_programs(played, by):
    history, app, audited = played
    author, counted = sign_in(app, "author"), figures_of(audited(), history, by)
    content = author.get(f"/situation/export.csv?by={by}").data.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(content), delimiter=";"))
    book = CalamineWorkbook.from_filelike(io.BytesIO(author.get(f"/situation/export.xlsx?by={by}").data))
    header, *cells_of = book.get_sheet_by_index(0).to_python()
    sheet = [dict(zip(header, row, strict=True)) for row in cells_of]
    shown = {code: {name: row[name] for name in row if name != "reported"} for code, row in counted.items()}
    for way, found in (("CSV", lines), ("XLSX", sheet)):
        told_rows = {row[CODES[by]].lstrip("'"): figures_in(row) for row in found}
        assert told.differences(f"{way} by {by}", told_rows, shown) == []
    program = Program(app.test_client(), made(app.extensions["outreach.database"], history.now))
    said = program.get(f"/situation?by={by}").json
    to_programs = {row[by] or "": {"authorities": row["authorities"], "schools": row["schools"], **row["strands"]["1"]}
                   for row in (said["total"], *said[f"{by}s"])}  # fmt: skip
    assert told.differences(f"to programs by {by}", to_programs, counted) == []


def figures_in(row):
    """The figures of a line of a file, whose header must hold no figure that the auditor does not know."""
    named = {**LABELS, "PO": "authorities", "Écoles": "schools"}
    said = {"Au", "D’après ce qui était enregistré le", "Volet", "Part qui a adhéré", "Remarque", *CODES.values()}
    said |= {"Réseau", "Zone", "Province", "Fédération", "Programme"}
    assert set(row) <= {*named, *said}, "a column that the auditor does not know"
    return {key: int(row[label]) for label, key in named.items()}


def test_the_situation_on_its_page(played):
    history, app, audited = played
    counted = figures_of(audited(), history)
    page = sign_in(app, "author").get("/")
    (section,) = elements(page, "section[@aria-labelledby='strand-1']")
    header, *lines = cells(section, without={"ds-sr-only", "share"})
    totals = [int(word.replace("\u202f", "")) for word in lines[-1][1:] if word]
    always, names = ("authorities", "schools", "joined"), [name for name in LABELS.values() if name != "none"]
    total = counted[""]
    assert totals == [total[key] for key in (*always[:2], *names) if key in always or total[key]], header


def test_what_a_note_freezes(played):
    history, app, audited = played
    day = recount.day_of(history.now)
    asked = NoteRequest(day, "Bilan", groupings=(TableKind.ZONE, TableKind.FEDERATION))
    with app.extensions["outreach.database"].writing() as session:
        gathered = gathering.gather(session, asked, now=history.now)
        freezing.freeze(session, gathered, now=history.now, actor=AUTHOR)
    audit = audited()
    figures = json.loads(audit.rows["notes"][-1]["figures"])
    tables = {table["kind"]: table for table in figures["tables"]}
    assert set(tables) == set(KINDS)
    labels = {one["label"]: one["code"] for one in audit.rows["networks"]} | {"Sans fédération": "-"}
    for by in KINDS:
        counted = figures_of(audit, history, by)
        names = [column["name"] for column in tables[by]["columns"]]
        *groups, total = [dict(zip(names, row, strict=True)) for row in tables[by]["rows"]]
        said = {labels.get(row[by], row[by]): row for row in groups} | {"": total}
        shown = {code: {**row, "schools": row["schools"] - row["not_concerned"]} for code, row in counted.items()}
        for row in (*said.values(), *shown.values()):
            for name in (by, "share", "reported"):  # names, a share of these figures, and what the text says beside
                row.pop(name, None)
        assert told.differences(f"note by {by}", said, shown) == []
    (programme,), (code,) = zip(*((one["id"], one["code"]) for one in audit.rows["programmes"]), strict=True)
    assert places.Places(None, audit).of_note(figures, code) == []
    for point in figures["curve"]:
        day = recount.date.fromisoformat(point["day"])
        known = audit.situation(programme, day).get("total")
        joined = known["strands"][1]["joined"] if known else 0
        assert point["joined"] == [[1, joined]], day


def test_campaigns_on_their_pages_and_in_their_files(played):
    history, app, audited = played
    shown = places.Places(sign_in(app, "author"), audited())
    run = told.Commands(app.extensions["outreach.database"], app.extensions["outreach.settings"]).at(history.now)
    (code,) = (one["code"] for one in shown.audit.rows["programmes"])
    found = [*shown.of_list(), *shown.of_actions(code, run("report", "actions"))]
    for campaign in shown.counted:
        found += shown.of_campaign(campaign)
    assert found == [], "\n".join([*found, *history.told])


def test_the_ledger_and_the_counts_to_programs(played):
    history, app, audited = played
    audit = audited()
    program = Program(app.test_client(), made(app.extensions["outreach.database"], history.now))
    for one in audit.rows["campaigns"]:
        said = program.get(f"/campaigns/{one['id']}").json
        assert told.of_waves(said["waves"], audit, one["id"]) == []
        counted = said["counts"]
        assert told.about(counted)["campaign"] == one["id"]
        assert told.differences(f"campaign {one['id']} to programs", counted, audit.counts(one["id"])) == []
