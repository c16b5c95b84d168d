"""Commands where several programmes are loaded: each is told which, and takes none by itself."""

import csv
import json

import pytest
from click import Context, Group
from python_calamine import CalamineWorkbook

from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket
from outreach.cli.main import commands
from outreach.core.text.dates import today
from tests.commands import invoke
from tests.conftest import NOW
from tests.programmes import FIRST, JOINED, NAME, PROGRAMME, SECOND, two_programmes

pytestmark = pytest.mark.only_one

__all__ = ["two_programmes"]
CODES = f"« {FIRST} », « {SECOND} »"


@pytest.fixture
def run(two_programmes, templates):
    """Run a command in this process; returns its status and what it printed, or refused."""

    def run(*words):
        result = invoke(two_programmes, {"OUTREACH_DATA": str(templates.data)}, *words)
        said = result.stdout_bytes.decode() + str(result.exception or "")
        return result.exit_code, said.replace("\xa0", " ").replace("\u202f", " ")

    return run


@pytest.fixture
def joinings(tmp_path):
    def written(*rows, header="fase;volet;statut;date"):
        file = tmp_path / "liste.csv"
        file.write_text("\n".join([header, *rows]), encoding="utf-8")
        return str(file)

    return written


READS = [
    ("report", "situation"),
    ("report", "situation", "--json"),
    ("report", "actions"),
    ("report", "difference", "--strand", "1", "--from", "2021-04-01", "--to", "2021-05-01"),
    ("adherence", "coverage"),
]
OF_A_CAMPAIGN = [
    *(("campaign", what, "1") for what in ("audience", "counts", "status")),
    ("campaign", "audience", "1", "--why", "9300"),
    ("campaign", "list"),
]
OF_NO_STRAND = {
    "it shows the register, or mailboxes": "directory register contacts suppressions consent",
    "it tells of the service, of its accounts and of days": "api audit backup bounces closure doctor healthy instance"
    " job mailbox migrate privacy purge rehearse relay replies restore sample up user verify web work",
    "it prints the rows that are kept of a person, as they are": "person",
    "its file names one": "programme",
    "a note names its own, in its title and in its files": "note",
}
TESTED_BELOW = {("adherence", "import")}
TESTED_ELSEWHERE = {("campaign", "new")}  # test_new_campaign.py
OF_A_DRAW = {("campaign", "draw"), ("campaign", "effect")}  # test_draw.py, test_effect.py


def every_command(group=commands, path=()):
    for name in group.list_commands(Context(group)):
        command = group.get_command(Context(group), name)
        yield from every_command(command, (*path, name)) if isinstance(command, Group) else [((*path, name), command)]


def test_every_command_that_is_about_a_strand_takes_a_programme_and_stands_in_the_sweep():
    options = {path: {one for each in command.params for one in each.opts} for path, command in every_command()}
    takes = {path for path, theirs in options.items() if "--programme" in theirs}
    assert {path for path, theirs in options.items() if "--strand" in theirs} <= takes
    assert takes == {words[:2] for words in READS} | TESTED_BELOW | TESTED_ELSEWHERE
    assert len(options) > 40
    known = {words[:2] for words in (*READS, *OF_A_CAMPAIGN)} | TESTED_BELOW | TESTED_ELSEWHERE | OF_A_DRAW
    others = {word for words in OF_NO_STRAND.values() for word in words.split()}
    gone = {path for path, command in every_command() if [one.name for one in command.params] == ["_words"]}
    left = {path for path in options.keys() - known - gone if path[0] not in others}
    assert left == {("adherence", "undo")}, "its programme is said below"


@pytest.mark.long
@pytest.mark.parametrize("words", OF_A_CAMPAIGN)
def test_whatever_a_command_says_of_a_campaign_names_its_programme(run, words):
    status, said = run(*words)
    assert (status, "Mes outils numériques, volet 1" in said) == (0, True), said
    content = json.loads(run(*words, "--json")[1])
    for one in content.get("items", [content]) if "programme" not in content else [content]:
        assert (one["programme"], one["strand"]) == (FIRST, 1)


@pytest.mark.parametrize("words", READS)
def test_a_command_that_names_none_of_several_programmes_is_refused_with_their_codes(run, words):
    status, said = run(*words)
    assert (status != 0, CODES in said) == (True, True), said
    status, said = run(*words, "--programme", "autre")
    assert (status != 0, CODES in said) == (True, True), said
    status, said = run(*words, "--programme", SECOND)
    assert (status, NAME in said or f'"{SECOND}"' in said) == (0, True), said


@pytest.mark.long
def test_the_report_says_the_programme_in_sentences_json_and_files(run, tmp_path):
    content = json.loads(run("report", "situation", "--programme", SECOND, "--json")[1])
    assert (content["programme"], content["total"]["strands"]["1"]["joined"]) == (SECOND, len(JOINED))
    assert f"volet du programme « {NAME} »" in run("report", "situation", "--programme", SECOND)[1]
    book, text = tmp_path / "a.xlsx", tmp_path / "a.csv"
    assert run("report", "situation", "--programme", SECOND, "--xlsx", str(book), "--csv", str(text))[0] == 0
    with text.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert (header[-2:], {tuple(row[-2:]) for row in rows}) == (["Programme", "Code du programme"], {(NAME, SECOND)})
    assert CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()[0][-2:] == header[-2:]


def test_the_list_of_campaigns_names_the_programme_and_the_strand_of_each(run):
    status, said = run("campaign", "list")
    assert status == 0
    assert " : Invitation au premier volet (Mes outils numériques, volet 1)" in said
    assert json.loads(run("report", "actions", "--programme", FIRST, "--json")[1])["programme"] == FIRST
    assert json.loads(run("adherence", "coverage", "--programme", SECOND, "--json")[1])["programme"] == SECOND


@pytest.mark.long
def test_a_list_is_of_the_programme_that_the_command_or_its_column_names(run, joinings, two_programmes):
    row = "80004;1;adhéré;11/05/2021"
    status, said = run("adherence", "import", joinings(row), "--yes")
    assert (status != 0, CODES in said) == (True, True), said
    file = joinings(f"{row};plan lecture", header="fase;volet;statut;date;programme")
    assert run("adherence", "import", file, "--yes")[0] == 0
    assert run("adherence", "import", joinings("80005;1;adhéré;11/05/2021"), "--programme", SECOND, "--yes")[0] == 0
    with two_programmes.reading() as session:
        joined = {
            one.code: situation.count_situation(session, one, today(NOW)).total.strands[1][Bucket.JOINED]
            for one in programmes.all_programmes(session)
        }
    assert joined[SECOND] == len(JOINED) + 2
    other = joinings(f"{row};{FIRST}", header="fase;volet;statut;date;programme")
    said = run("adherence", "import", other, "--programme", SECOND, "--dry-run")[1]
    assert f"La liste est du programme « {SECOND} », et cette ligne de « {FIRST} »." in said
    both = joinings(f"{row};{SECOND}", f"80005;1;refus;11/05/2021;{FIRST}", header="fase;volet;statut;date;programme")
    status, said = run("adherence", "import", both, "--yes")
    assert (status != 0, f"La ligne 2 est du programme « {SECOND} », la ligne 3 de « {FIRST} »." in said) == (
        True,
        True,
    )
    content = json.loads(run("adherence", "import", both, "--programme", SECOND, "--dry-run", "--json")[1])
    assert (content["programme"], content["programme_name"], [one["row"] for one in content["rejected"]]) == (
        SECOND,
        NAME,
        [3],
    )
    unknown = joinings(f"{row};autre", header="fase;volet;statut;date;programme")
    status, said = run("adherence", "import", unknown, "--dry-run")
    assert (status != 0, "Aucun programme ne s’appelle « autre »" in said, CODES in said) == (True, True, True)
    assert f"La liste du programme « {NAME} » est annulée." in run("adherence", "undo", "--yes")[1]


def test_a_file_of_a_programme_is_compared_first_and_loaded_by_its_own_word(run, two_programmes, tmp_path):
    file = tmp_path / "programme.toml"
    file.write_text(PROGRAMME.replace("7102", "7200").replace("2021-03-01", "2021-03-02"), encoding="utf-8")
    status, said = run("programme", "load", str(file), "--dry-run")
    assert (status, said.splitlines()[0]) == (0, "Volet 1, circulaire : « 7102 » → « 7200 ».")
    assert "change aussi les écoles comptées" in said
    compared = json.loads(run("programme", "load", str(file), "--dry-run", "--json")[1])
    assert (compared["programme"], compared["is_loaded"], len(compared["changes"])) == (SECOND, False, 2)
    with two_programmes.reading() as session:
        assert programmes.strand_named(session, SECOND, 1).circular == "7102"
    loaded = json.loads(run("programme", "load", str(file), "--json")[1])
    assert loaded == compared | {"is_loaded": True}
    with two_programmes.reading() as session:
        assert programmes.strand_named(session, SECOND, 1).circular == "7200"
