"""What `--json` prints, of every command that has it: one object, also where the command ends by a fault."""

import json

import click
import pytest
from click.testing import CliRunner

from outreach.cli.context import Operation
from outreach.cli.main import NO_DATABASE, PLACES, commands, load, sentence
from outreach.core import jobs
from outreach.core.jobs import AskedJob
from outreach.core.settings import read
from outreach.core.text import french
from tests import factories
from tests.conftest import NOW
from tests.directory.editions import edition, row
from tests.nursery import run_command
from tests.programmes import PROGRAMME

pytestmark = pytest.mark.only_one

JOININGS = "fase;volet;statut;date\n80001;1;adhéré;01/05/2021\n"
CONTACTS = "fase;adresse;nom\n9300;a@ecole.be;Anne\n"
# Every command with --json, in an order in which each finds what it needs. None: the file written for it.
CALLS = {
    "register plan": (None,),
    "register apply": (None, "--yes"),
    "adherence import": (None, "--dry-run"),
    "contacts import": (None, "--dry-run"),
    "campaign new": ("invitation-volet-1",),
    "campaign audience": ("1", "--why", "9300"),
    "campaign status": ("1",),
    "campaign counts": ("1",),
    "note verify": (None,),
    "programme load": (None, "--dry-run"),
    "report situation": (),
    "report difference": ("--strand", "1", "--from", "2021-05-01", "--to", "2021-05-12"),
    "bounces": (),
    "directory count": (),
    "report actions": (),
    "relay status": (),
    "doctor": (),
    "privacy": (),
    "job show": ("1",),
    "job cancel": ("1",),
    "verify": (),
    "purge": ("--dry-run",),
    "person export": ("direction@ecole.example",),
    "audit verify": (),
    "migrate": ("--plan",),
    "healthy work": (),
}
LISTS = {
    "adherence coverage": (),
    "campaign list": (),
    "job list": (),
    "note list": (),
    "user list": (),
}
ELSEWHERE = {"backup", "restore", "rehearse", "person erase", "person replay", "replies read"}  # tests of their own
ELSEWHERE |= {"campaign draw", "campaign effect"}
FILES = {"register plan": edition(row()), "register apply": edition(row()), "note verify": b"{}"}
FILES |= {"programme load": PROGRAMME.encode()}
FILES |= {"adherence import": JOININGS.encode(), "contacts import": CONTACTS.encode()}


def with_json(command, name=""):
    """The names of the commands below this one that have `--json`."""
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from with_json(each, f"{name} {below}")
    elif any("--json" in parameter.opts for parameter in command.params):
        yield name


def words_of(name, folder):
    """The words of an ordinary call."""
    file = folder / f"{name}.csv"
    file.write_bytes(FILES.get(name, b""))
    return [*name.split(), *(str(file) if word is None else word for word in {**LISTS, **CALLS}[name])]


@pytest.fixture
def run(tmp_path, sample_database, templates):
    """Run a command in this process, on the sample or at another address; returns its result."""

    def run(*words, url=""):
        operation, settings = Operation(), read({"OUTREACH_DATA": str(templates.data)})
        box = f"maildir://{tmp_path / 'returns'}"
        operation.settings = settings.model_copy(update={"bounces_url": box, **({"database_url": url} if url else {})})
        operation.now = NOW
        if not url:
            operation.opened = operation.database = sample_database
        return CliRunner().invoke(commands, words, obj=operation)

    for part in ("cur", "new", "tmp"):
        (tmp_path / "returns" / part).mkdir(parents=True)
    return run


def test_every_command_with_json_is_called_here():
    assert {*CALLS, *LISTS, *ELSEWHERE} == {name for place in PLACES for name in with_json(load(place), place)}


def test_every_command_prints_one_object_and_its_list_as_items(run, tmp_path, sample_database):
    with sample_database.writing() as session:
        jobs.ask_job(session, factories.AUTHOR, AskedJob("Fichier", "/x.csv"), now=NOW)
    for name in (*CALLS, *LISTS):
        result = run(*words_of(name, tmp_path), "--json")
        assert result.exit_code == (1 if name in {"note verify", "doctor", "healthy work"} else 0), (
            name,
            result.output,
            result.exception,
        )
        printed = json.loads(result.stdout)
        assert isinstance(printed, dict), name
        assert isinstance(printed.get("items"), list) is (name in LISTS), name


@pytest.mark.parametrize("name", sorted({*CALLS, *LISTS}))
def test_every_command_prints_its_fault_with_its_status(run, name, tmp_path):
    misused = run(*name.split(), "--json", "--nosuch")
    assert (misused.exit_code, list(json.loads(misused.stdout))) == (2, ["error"])
    (tmp_path / "letter.docx").write_bytes(b"PK not a database at all, though long enough to look like one" * 99)
    refused = run(*words_of(name, tmp_path), "--json", url=f"sqlite:///{tmp_path / 'letter.docx'}")
    assert refused.exit_code == 1
    if name not in {"note verify", "doctor"}:  # they judge without the database, and what it lacks
        assert (
            json.loads(refused.stdout)
            == {"error": french.typeset(NO_DATABASE)}
            == {"error": sentence(refused.exception)}
        )


@pytest.mark.parametrize("url", ["sqlite:////dev/null", "sqlite:///{}"])
def test_a_file_that_is_no_database_is_a_sentence(tmp_path, url):
    (tmp_path / "letter.docx").write_bytes(b"PK not a database at all, though long enough to look like one" * 99)
    own = {"OUTREACH_DATA": str(tmp_path / "data"), "OUTREACH_DATABASE_URL": url.format(tmp_path / "letter.docx")}
    ended = run_command(["campaign", "status", "1"], own, tmp_path / "streams")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "Traceback" not in ended.stderr


def test_what_does_not_exist_is_an_error_on_both_outputs(run):
    result = run("campaign", "status", "99", "--json")
    assert json.loads(result.stdout) == {"error": sentence(result.exception)}
    assert "99" in sentence(result.exception)
