"""`./run note`: notes listed, shown and verified, and their figures beside those of `./run report`."""

import json
import shutil
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.cli import context
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.core.db import Database
from outreach.core.settings import Mode, read
from outreach.core.text import french
from outreach.reports import notes
from outreach.reports.notes import HandFigure, NoteRequest
from tests.commands import invoke
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.reports.notes import quick
from tests.reports.notes.conftest import approve_in

pytestmark = pytest.mark.only_one

FIGURE = HandFigure("Connexions", "près de 100 000", "Statistiques", "2021-05-10")
ASKED = NoteRequest(date(2021, 5, 15), "Un premier bilan", networks=("WBE",), hand_figures=(FIGURE,))


@pytest.fixture
def note(sample_database, templates):
    """Run a command, of `note` without `group`, in this process; returns its status and what it printed."""

    def run(*words, group="note"):
        result = invoke(sample_database, {"OUTREACH_DATA": str(templates.data)}, group, *words)
        return result.exit_code, result.stdout_bytes.decode() + str(result.exception or "")

    return run


@pytest.fixture
def make(sample_database):
    """Freeze and approve a note, as pages do; returns its number."""

    def call(asked=ASKED):
        with sample_database.writing() as session:
            key = notes.freeze_note(session, notes.gather_note(session, asked, now=NOW), now=NOW, actor=AUTHOR).id
        return approve_in(sample_database, key, finish=quick.finisher(None))

    return call


@pytest.mark.full
def test_a_note_is_listed_shown_and_verified_with_its_correction(note, make, sample_database, tmp_path):
    assert note("list")[1] == "Aucune note.\n"
    assert make() == "2021-001"
    status, told = note("show", "2021-001")
    assert (status, "14 des 147 écoles de WBE" in told) == (0, True)
    file = tmp_path / "note.json"
    assert note("show", "2021-001", "--format", "json", "--output", str(file))[0] == 0
    stored = note("show", "2021-001", "--format", "json")[1]
    assert file.read_text(encoding="utf-8") == stored
    assert json.loads(stored)["figures"]["hand_figures"][0]["dated"] == "2021-05-10"
    assert note("verify", str(file))[0] == 0
    file.write_text(json.dumps(dict(reversed(json.loads(stored).items())), indent=1), encoding="utf-8")
    assert json.loads(note("verify", str(file), "--json")[1])["valid"] is True, "another order is the same note"
    file.write_text(stored.replace("près de 100 000", "près de 200 000"), encoding="utf-8")
    status, told = note("verify", str(file))
    assert (status, "modifiés" in told) == (1, True)
    with sample_database.reading() as session:
        again = notes.correction_request(session, "2021-001")
    make(replace(again, hand_figures=(replace(FIGURE, value="99 871"),), reason="Le compte définitif."))
    listed = json.loads(note("list", "--json")[1])["items"]
    assert [(row["number"], row["corrected_by"]) for row in listed] == [("2021-002", None), ("2021-001", "2021-002")]
    assert note("list", "--state", "published")[1] == "Aucune note.\n"
    assert note("show", "2021-009") == (1, "Aucune note ne porte le numéro « 2021-009 ».")


def test_each_figure_of_the_seeds_answer_is_that_of_the_report(note, make):
    """The question of Parliament, from the sample as of 15 May 2021: the note and `report situation` agree."""
    make()
    figures = json.loads(note("show", "2021-001", "--format", "json")[1])["figures"]
    report = ("situation", "--as-of", "2021-05-15", "--network", "WBE")
    lines = note(*report, group="report")[1].splitlines()
    counted = json.loads(note(*report, "--json", group="report")[1])
    for answer in figures["answers"]:
        assert answer["sentence"] in lines
        told = [one["sentence"].partition("2021. ")[2] for one in answer["networks"]]
        assert [one for one in told if not any(f"Non\u00a0: {one}" in line for line in lines)] == [], (
            "unasked: no « Non »"
        )
    for table in figures["tables"]:
        names = [column["name"] for column in table["columns"]]
        for cells, row in zip(table["rows"], (*counted["networks"], counted["total"]), strict=True):
            said, buckets = dict(zip(names, cells, strict=True)), dict(row["strands"][str(table["strand"])])
            assert buckets.pop("reported") == 0
            assert said.pop("network") in {row["label"], "Tous les réseaux"}
            assert said.pop("share") == french.percent(buckets["joined"] / row["schools"])
            assert said == {"authorities": row["authorities"], "schools": row["schools"], **buckets}


def test_the_report_of_a_strand_that_is_not_open_yet_says_when_it_opens(note):
    report = ("situation", "--as-of", "2021-01-14", "--network", "WBE")
    lines = note(*report, group="report")[1].replace("\xa0", " ").splitlines()
    assert ("Le volet 2 s’ouvre le 15 janvier 2021." in lines, "Volet 2" in lines) == (True, False)
    content = json.loads(note(*report, "--json", group="report")[1])
    for row in (content["total"], *content["networks"]):
        assert {name: value for name, value in row["strands"]["2"].items() if value is not None} == {
            "opens_on": "2021-01-15"
        }


@pytest.mark.full
def test_a_note_is_proven_by_the_database_or_by_a_key_that_is_given(note, make, tmp_path):
    make()
    file, key, stranger = (tmp_path / name for name in ("note.json", "key.pem", "stranger.pem"))
    note("show", "2021-001", "--format", "json", "--output", str(file))

    def judged(*words):
        status, told = note("verify", *words, "--json")
        stated = json.loads(told.removesuffix(str(status)))
        assert stated["valid"] is (stated["verdict"] == "valid")
        return status, stated["verdict"]

    key.write_text(notes.pem(json.loads(file.read_text(encoding="utf-8"))["signature"]["public_key"]))
    assert judged(str(file)) == (0, "valid")
    assert judged(str(file), "--alone", "--key", str(key)) == (0, "valid")
    assert judged(str(file), "--alone") == (3, "unproven")
    assert "Verdict : non prouvé" in note("verify", str(file), "--alone")[1].replace("\u00a0", " ")
    stranger.write_text(notes.pem(notes.public_key_of(Ed25519PrivateKey.generate())))
    assert judged(str(file), "--alone", "--key", str(stranger)) == (1, "invalid")
    file.write_text(file.read_text(encoding="utf-8").replace("14 des 147", "15 des 147"), encoding="utf-8")
    assert judged(str(file), "--alone") == judged(str(file), "--alone", "--key", str(key)) == (1, "invalid")
    stranger.write_bytes(b"rien")
    assert note("verify", str(file), "--key", str(stranger))[0] == 2, "no verdict, as nothing was judged"


@pytest.mark.parametrize(
    ("away", "said"),
    [
        ("silent", "ne répond pas : le fichier est vérifié sans elle"),
        ("broken", "ne peut pas être lue : le fichier est vérifié sans elle"),
        ("older", "lancez ./run migrate : le fichier est vérifié sans elle"),
        ("empty", "ne garde aucune note validée : le fichier est vérifié sans elle"),
    ],
)
def test_a_database_that_cannot_be_asked_leaves_a_true_note_unproven(
    note, make, database, tmp_path, templates, away, said
):
    make()
    file = tmp_path / "note.json"
    note("show", "2021-001", "--format", "json", "--output", str(file))
    operation, other = Operation(), Database(f"sqlite:///{tmp_path / 'none' / 'x.sqlite3'}")
    operation.settings = read({"OUTREACH_DATA": str(templates.data)}).model_copy(update={"mode": Mode.TRIAL})
    operation.now = NOW
    if away == "older":
        operation.opened = other
    else:
        operation.database = database if away == "empty" else other
        shutil.rmtree(tmp_path / "none")
        if away == "broken":
            (tmp_path / "none").mkdir()
            (tmp_path / "none" / "x.sqlite3").write_bytes(b"no database" * 1000)
    result = CliRunner().invoke(commands, ["note", "verify", str(file)], obj=operation)
    other.dispose()
    assert (result.exit_code, said in result.stderr.replace("\u00a0", " ")) == (3, True), result.output
    assert "relancez la commande quand la base de données répond" in result.stdout


def test_no_command_shows_what_a_terminal_obeys(capsys):
    """A name or a file of somebody else's could otherwise wipe out what a command says, and say something else."""
    context.say("Non valide.\x1b[1A\x1b[2K\u009b2K\u202e « Note »")
    assert capsys.readouterr().out == "Non valide.[1A[2K2K «\u00a0Note\u00a0»\n"
