"""The same figures on pages, in files, to programs and in notes, as the rows have them; of a few histories."""

import csv
import io
import json
import random
import shutil
from dataclasses import dataclass
from datetime import datetime

import hypothesis
import pytest
from python_calamine import CalamineWorkbook

from outreach.core.settings import Settings
from outreach.reports import notes
from outreach.reports.notes import NoteRequest, TableKind
from outreach.web.sign_in.access_log_queue import EXTENSION
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
pytestmark = [pytest.mark.sweep, pytest.mark.only_one]  # of all that says a figure
IS_DEEP = hypothesis.settings.get_current_profile_name() == "all"
PARTS = 4  # of the figures whose lists are counted: each history has one part, and the four that land have them all
SEEDS = [3, *(pytest.param(seed, marks=pytest.mark.long) for seed in (10, 12, 13))]
SEEDS += [pytest.param(seed, marks=[pytest.mark.long, pytest.mark.deep]) for seed in (11, *range(14, 30))]


@dataclass(frozen=True)
class Past:
    """What is left of a history: what it was made from, its last moment, and what was done in it."""

    seed: int
    now: datetime
    told: list[str]


@pytest.fixture(params=SEEDS)
def past(request, templates, tmp_path):
    """A history that is played once a run, and the address of a copy of its database.

    Every second seed has two programmes of two strands each.
    """
    name = f"history-{request.param}"
    kept = templates.folder / f"{name}.json"
    templates.once(kept, lambda: play(templates, request.param, kept, tmp_path), turn=name)
    said = json.loads(kept.read_text())
    copy = shutil.copy(kept.with_suffix(".sqlite3"), tmp_path)
    return Past(request.param, datetime.fromisoformat(said["now"]), said["told"]), f"sqlite:///{copy}"


def play(templates, seed, kept, folder):
    """Leave the database of a history and what it tells beside the other templates."""
    for url in templates.copy("sqlite", "staffed", folder):
        database = templates.open(url)
        history = History(database, random.Random(seed), several=seed % 2 == 1).begin().play(25)
        database.dispose()
        shutil.copy(url.removeprefix("sqlite:///"), kept.with_suffix(".sqlite3"))
    kept.write_text(json.dumps({"now": history.now.isoformat(), "told": history.told}))


@pytest.fixture
def played(past, templates, standing, monkeypatch):  # noqa: F811
    """A history that was played, an application on its database, and what counts its rows as they are then."""
    history, url = past
    database = templates.open(url)
    monkeypatch.setattr(Settings, "instant", lambda _settings: history.now)
    app = standing.anew(database)
    yield history, app, lambda: recount.Campaigns(rows.of(url), history.now)
    assert app.extensions[EXTENSION].flush()  # what is written later would go into the next test's database
    database.dispose()


def figures_of(audit, programme, history, by="network"):
    """A programme's situation of the day: {(code, strand): {figure: n}}, "-" for none and "" for all."""
    counted = audit.situation(programme["id"], recount.day_of(history.now), by=by)
    names = {"total": "", None: "-"}
    return {
        (names.get(code, code), number): {"authorities": row["authorities"], "schools": row["schools"], **figures}
        for code, row in counted.items()
        for number, figures in row["strands"].items()
    }


def figures_of_strands(audit, programme, history, by="network"):
    """The same of the strands that are open, with the authorities and schools of each."""
    counted = audit.situation(programme["id"], recount.day_of(history.now), by=by)
    names = {"total": "", None: "-"}
    return {
        (names.get(code, code), number): {**row["strands"][number], **whose}
        for code, row in counted.items()
        for number, whose in row["of_strands"].items()
    }


@pytest.mark.parametrize("by", told.GROUPINGS)
def test_the_situation_in_files_and_to_programs(played, by):
    history, app, audited = played
    author, audit = sign_in(app, "author"), audited()
    program = Program(app.test_client(), made(app.extensions["outreach.database"], history.now))
    for programme in audit.rows["programmes"]:
        counted, words = figures_of(audit, programme, history, by), f"by={by}&programme={programme['code']}"
        content = author.get(f"/situation/export.csv?{words}").data.decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(content), delimiter=";"))
        book = CalamineWorkbook.from_filelike(io.BytesIO(author.get(f"/situation/export.xlsx?{words}").data))
        header, *cells_of = book.get_sheet_by_index(0).to_python()
        sheet = [dict(zip(header, row, strict=True)) for row in cells_of]
        shown = {key: {name: row[name] for name in row if name not in {"reported", "opens_on"}}
                 for key, row in counted.items()}  # fmt: skip
        for way, found in (("CSV", lines), ("XLSX", sheet)):
            told_rows = {(row[CODES[by]].lstrip("'"), int(row["Volet"])): figures_in(row) for row in found}
            assert told.differences(f"{way} of {words}", told_rows, shown) == []
            assert {row.get("Programme", programme["name"]) for row in found} == {programme["name"]}
        said = program.get(f"/situation?{words}").json
        to_programs = {
            (row[by] or "", int(number)): {"authorities": row["authorities"], "schools": row["schools"], **figures}
            for row in (said["total"], *said[f"{by}s"])
            for number, figures in row["strands"].items()
        }
        assert told.differences(f"to programs, {words}", to_programs, counted) == []


def figures_in(row):
    """The figures of a line of a file, whose header must hold no figure that the auditor does not know."""
    named = {**LABELS, "PO": "authorities", "Écoles": "schools"}
    said = {"Au", "D’après ce qui était enregistré le", "Volet", "Part qui a adhéré", "Remarque", *CODES.values()}
    said |= {"Réseau", "Zone", "Province", "Fédération", "Programme", "Code du programme"}
    assert set(row) <= {*named, *said}, "a column that the auditor does not know"
    return {key: None if row[label] == "" else int(row[label]) for label, key in named.items()}


def of_the_page(row):
    """The page's columns: schools that are concerned, joined, declared, under way, refused, without an answer."""
    under_way, silent = row["in_preparation"] + row["tender_launched"], row["informed"] + row["none"]
    concerned = row["schools"] - row["not_concerned"]
    return [concerned, row["joined"], row["declared"], under_way, row["declined"], silent]


@pytest.mark.parametrize("by", told.GROUPINGS)
def test_the_situation_on_its_page(played, by):
    history, app, audited = played
    audit, author = audited(), sign_in(app, "author")
    for programme in audit.rows["programmes"]:
        counted = figures_of_strands(audit, programme, history, by)
        for number in {number for _, number in counted}:
            page = author.get(f"/?programme={programme['code']}&strand={number}&by={by}")
            (section,) = elements(page, f"section[@aria-labelledby='strand-{number}']")
            header, *lines = cells(section, without={"ds-sr-only", "share"})
            said = [[int(word.replace("\u202f", "")) for word in line[1:] if word] for line in lines]
            total = counted["", number]
            assert said[-1] == of_the_page(total), header
            groups = [of_the_page(row) for (code, of), row in counted.items() if code and of == number]
            assert sorted(said[:-1]) == sorted(groups), header


def test_what_a_note_freezes(played):
    history, app, audited = played
    for programme in audited().rows["programmes"]:
        frozen_as_counted(programme, history, app, audited)


def frozen_as_counted(programme, history, app, audited):
    """A note about a programme says what the rows say."""
    note_request = NoteRequest(
        recount.day_of(history.now), "Bilan", programme["code"], groupings=(TableKind.ZONE, TableKind.FEDERATION)
    )
    with app.extensions["outreach.database"].writing() as session:
        gathered = notes.gather_note(session, note_request, now=history.now)
        notes.freeze_note(session, gathered, now=history.now, actor=AUTHOR)
    audit = audited()
    figures = json.loads(audit.rows["notes"][-1]["figures"])
    assert {table["kind"] for table in figures["tables"]} == set(KINDS)
    labels = {one["label"]: one["code"] for one in audit.rows["networks"]} | {"Sans fédération": "-"}
    for by in KINDS:
        said = {}
        for table in (one for one in figures["tables"] if one["kind"] == by):
            names = [column["name"] for column in table["columns"]]
            *groups, total = [dict(zip(names, row, strict=True)) for row in table["rows"]]
            said |= {(labels.get(row[by], row[by]), table["strand"]): row for row in groups}
            said["", table["strand"]] = total
        counted = {key: row for key, row in figures_of_strands(audit, programme, history, by).items() if row["schools"]}
        shown = {key: {**row, "schools": row["schools"] - row["not_concerned"]} for key, row in counted.items()}
        for row in (*said.values(), *shown.values()):
            for name in (by, "share", "reported"):  # names, a share of these figures, and what the text says beside
                row.pop(name, None)
        assert told.differences(f"note of {programme['code']} by {by}", said, shown) == []
    assert places.Places(None, audit).of_note(figures, programme["code"]) == []
    for point in figures["curve"]:
        day = recount.date.fromisoformat(point["day"])
        known = audit.situation(programme["id"], day).get("total")
        joined = {number: of["joined"] for number, of in known["strands"].items()} if known else {}
        assert dict(point["joined"]) == {number: joined.get(number) or 0 for number, _ in point["joined"]}, day
        assert {number for number, _ in point["joined"]} >= {number for number, many in joined.items() if many}, day


def test_campaigns_on_their_pages_and_in_their_files(played):
    history, app, audited = played
    behind = places.FIGURES if IS_DEEP else places.FIGURES[history.seed % PARTS :: PARTS]
    shown = places.Places(sign_in(app, "author"), audited(), behind)
    run = told.Commands(app.extensions["outreach.database"], app.extensions["outreach.settings"]).at(history.now)
    found = shown.of_list()
    for code in sorted(one["code"] for one in shown.audit.rows["programmes"]):
        found += shown.of_actions(code, run("report", "actions", "--programme", code))
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
        assert told.misnamed(audit, one["id"], counted) == []
        assert told.differences(f"campaign {one['id']} to programs", counted, audit.counts(one["id"])) == []
