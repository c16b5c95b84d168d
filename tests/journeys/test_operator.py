"""An operator at the command line: prepare, plan, apply, count, undo, add an account."""

import csv
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from mailbox import Maildir

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from outreach.access.accounts import User
from outreach.cli.preparation import add_people
from outreach.core.settings import ROOT
from outreach.delivery import workers
from outreach.delivery.sending import _relay_health as relay_health
from tests.conftest import PLACE, STORY_DAY
from tests.factories import DRAWN
from tests.nursery import run_command


@pytest.fixture
def run(tmp_path, fresh_url):
    """Run a command as `./run` would; returns its outcome."""
    return partial(on_database, fresh_url, tmp_path)


@pytest.fixture
def run_on_sample(tmp_path, sample_url):
    """The same where `./run sample` has been."""
    return partial(on_database, sample_url, tmp_path)


def on_database(url, folder, *arguments, answer="", **environment):
    own = {"PATH": "/usr/bin:/bin", "OUTREACH_DATA": str(folder), "OUTREACH_DATABASE_URL": url}
    return run_command([*map(str, arguments)], {**own, **environment}, folder / "streams", answer)


def from_cold(*arguments, **environment):
    """Run a command in a new interpreter, as `./run` does."""
    return subprocess.run(
        [sys.executable, "-m", "outreach", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


@pytest.fixture(scope="session")
def editions(templates):
    """The sample's files, written once a run: they depend on the day alone."""
    folder = templates.folder / "editions"

    def write():
        folder.mkdir(mode=0o700)
        url = f"sqlite:///{folder / 'x.sqlite3'}"
        assert on_database(url, folder, "sample", "--today", STORY_DAY, "--files", folder).returncode == 0

    templates.once(folder.with_suffix(".made"), write)
    return sorted(folder.glob("registre-*.csv"))


@pytest.fixture
def with_people(database, settings, now):
    add_people(database, settings, now)


def figures(outcome):
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


@pytest.mark.long
def test_from_the_first_edition_to_the_second_and_back(run, editions, with_people):
    first, second = editions
    planned = figures(run("register", "plan", first, "--json"))
    assert planned["authorities"] == {"new": 985, "changed": 0, "gone": 0, "unchanged": 0}
    assert planned["schools"] == {"new": 2726, "changed": 0, "moved": 0, "gone": 0, "unchanged": 0}
    assert figures(run("directory", "count", "--json"))["schools"] == 0

    assert figures(run("register", "apply", first, "--json", "--yes", "--edition", "2021-03-01")) == planned
    again = figures(run("register", "apply", first, "--json", "--yes"))
    assert again["schools"] == {"new": 0, "changed": 0, "moved": 0, "gone": 0, "unchanged": 2726}

    shown = run("register", "apply", second, answer="n\n")
    assert shown.returncode == 1
    assert "Passés à un autre PO (1)" in shown.stdout
    applied = run("register", "apply", second, "--edition", "2021-05-01", answer="oui\n")
    assert applied.returncode == 0, applied.stderr
    assert "L’édition est appliquée." in applied.stdout

    count = figures(run("directory", "count", "--json"))
    assert (count["authorities"], count["schools"]) == (985, 2726)
    assert (count["authorities_with_secondary"], count["secondary_schools"]) == (312, 649)
    assert count["networks"]["WBE"]["secondary_schools"] == 147

    assert run("register", "undo", "--yes").returncode == 0
    assert figures(run("register", "plan", second, "--json"))["schools"]["moved"] == 1


def test_a_migrated_demonstration_takes_an_edition_at_once(run, editions):
    assert run("migrate").returncode == 0
    assert figures(run("register", "apply", editions[0], "--json", "--yes"))["schools"]["new"] == 2726


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("campaign", "status", "9" * 20), "n’est pas un numéro"),
        (("campaign", "audience", "1", "--why", "x"), "n’est pas un numéro"),
        (("report", "situation", "--as-of", "0001-01-01"), "entre 2000 et 2099"),
        (("register", "undo", "--yes", "--as", "\udcff"), "n’est pas en UTF-8"),
        (("user", "add", "a@x.be", "--name", "\udcff", "--role", "administrator"), "caractère interdit"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_in_a_sentence(run, arguments, words):
    refused = run(*arguments)
    assert refused.returncode in {1, 2}
    assert words in refused.stderr.replace("\u00a0", " ")
    assert "Traceback" not in refused.stderr


def test_json_never_waits_for_an_answer(run, editions):
    outcome = run("register", "apply", editions[0], "--json")
    assert outcome.returncode == 2
    assert "--yes" in outcome.stderr


def test_a_file_that_is_no_register_is_refused_in_one_sentence(run, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a;b\r\n1;2\r\n")
    outcome = run("register", "plan", tmp_path / "x.csv")
    assert outcome.returncode == 1
    assert "Colonnes manquantes" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_only_who_may_applies_an_edition(run, editions, with_people):
    refused = run("register", "apply", editions[0], "--yes", "--as", "claire.simon@fwb.example")
    assert refused.returncode == 1
    assert "rédaction" in refused.stderr
    unknown = run("register", "apply", editions[0], "--yes", "--as", "personne@fwb.example")
    assert "Aucun compte actif" in unknown.stderr


REAL = {
    "OUTREACH_MODE": "trial",
    "OUTREACH_SECRET_KEY": DRAWN[0],
    "OUTREACH_SMTP_URL": "smtp://relay:25",
    "OUTREACH_PUBLIC_URL": "https://x.example",
    "OUTREACH_TOKEN_KEYS": DRAWN[1],
    "OUTREACH_MAIL_DOMAIN": "x.example",
    "OUTREACH_MAILBOX_DOMAIN": "boites.example",
}


def test_the_first_account_needs_nobody_and_the_next_an_administrator(run):
    chief = ("user", "add", "chef@fwb.example", "--name", "Chef", "--role", "administrator")
    assert "user add" in run("user", "list", **REAL).stdout, "nobody yet: the list says how to begin"
    first = run(*chief, **REAL)
    assert (first.returncode, REAL["OUTREACH_PUBLIC_URL"] in first.stdout) == (0, True)
    other = ("user", "add", "autre@fwb.example", "--name", "Autre", "--role", "author")
    assert run(*other, **REAL).returncode == 1
    done = run(*other, "--as", "chef@fwb.example", **REAL)
    assert done.returncode == 0, done.stderr
    assert "Mot de passe" in done.stdout


def must_change(database, email):
    with database.reading() as session:
        return session.scalars(select(User.must_change_password).where(User.email == email)).one()


@pytest.mark.long
def test_a_password_that_a_command_knows_is_changed_unless_it_is_the_first_account_s_own(run, database, tmp_path):
    file = tmp_path / "phrase"
    file.write_text("le chat dort sur le toit\n", encoding="utf-8")
    chief = ("user", "add", "chef@fwb.example", "--name", "Chef", "--role", "administrator")
    other = ("user", "add", "autre@fwb.example", "--name", "Autre", "--role", "author", "--as", "chef@fwb.example")
    assert run(*chief, "--password-file", file, **REAL).returncode == 0
    assert run(*other, "--password-file", file, **REAL).returncode == 0
    assert [must_change(database, f"{who}@fwb.example") for who in ("chef", "autre")] == [False, True]


def test_a_password_made_by_the_command_is_changed_but_not_in_a_demonstration(run, database):
    chief = ("user", "add", "chef@fwb.example", "--name", "Chef", "--role", "administrator")
    assert run(*chief, **REAL).returncode == 0
    assert run("user", "add", "autre@fwb.example", "--name", "Autre", "--role", "author").returncode == 0
    assert [must_change(database, f"{who}@fwb.example") for who in ("chef", "autre")] == [True, False]


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        (b"motdepasse123", "un mot courant ici"),
        (b"chef@fwb.example", "votre adresse"),
        (b"x" * 129, "128 caract"),
        (b"\xe9" * 20, "UTF-8"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_command_refuses_the_passwords_that_the_page_refuses(run, tmp_path, password, sentence):
    (tmp_path / "phrase").write_bytes(password)
    chief = ("user", "add", "chef@fwb.example", "--name", "Chef", "--role", "administrator")
    refused = run(*chief, "--password-file", tmp_path / "phrase", **REAL)
    assert (refused.returncode, sentence in refused.stderr) == (1, True), refused.stderr


def test_a_demonstration_prepares_itself_at_the_first_command(tmp_path):
    first = from_cold("directory", "count", "--json", OUTREACH_DATA=str(tmp_path / "fresh"))
    assert figures(first)["schools"] == 0
    assert stat.S_IMODE((tmp_path / "fresh" / "outreach.sqlite3").stat().st_mode) == 0o600


def test_the_first_account_must_be_an_administrator(run):
    refused = run("user", "add", "x@fwb.example", "--name", "X", "--role", "reader", **REAL)
    assert refused.returncode == 1
    assert "administrator" in refused.stderr


def test_an_edition_to_come_is_refused(run, editions, with_people):
    outcome = run("register", "apply", editions[0], "--yes", "--edition", "2999-01-01")
    assert outcome.returncode == 2


def test_the_sample_is_loaded_once(run):
    assert run("sample", "--today", STORY_DAY).returncode == 0
    told = figures(run("report", "situation", "--as-of", STORY_DAY, "--json"))
    assert told["total"]["strands"]["1"]["joined"] == 48
    again = run("sample")
    assert again.returncode == 1
    assert "base vide" in again.stderr


@pytest.mark.full
def test_the_situation_is_the_same_on_the_command_line_and_in_files(run_on_sample, tmp_path):
    run = run_on_sample
    told = figures(run("report", "situation", "--as-of", STORY_DAY, "--json"))
    assert told["total"]["strands"]["1"]["joined"] == 48
    assert run("report", "situation", "--as-of", "2999-01-01").returncode == 2
    assert "Traceback" not in run("report", "situation", "--csv", tmp_path / "no" / "x.csv").stderr
    run("report", "situation", "--as-of", STORY_DAY, "--csv", tmp_path / "s.csv", "--xlsx", tmp_path / "s.xlsx")
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text("utf-8-sig").splitlines(), delimiter=";"))
    sheet = CalamineWorkbook.from_path(str(tmp_path / "s.xlsx")).get_sheet_by_index(0).to_python()
    for row, cells in zip(rows, sheet[1:], strict=True):
        network = next((n for n in told["networks"] if n["label"] == row["Réseau"]), told["total"])
        counts = [count for name, count in network["strands"][row["Volet"]].items() if name != "reported"]
        assert list(row.values())[7:17] == [str(count) for count in counts]
        assert cells[7:17] == counts
    sentence = run("report", "situation", "--as-of", STORY_DAY).stdout.replace("\u202f", " ").replace("\xa0", " ")
    assert "Au 15 mai 2021, 48 des 649 écoles secondaires (7,4 %) ont adhéré au premier volet." in sentence


def test_a_joining_list_is_shown_applied_and_undone(run_on_sample, tmp_path):
    run = run_on_sample
    told = figures(run("report", "situation", "--json"))["total"]["strands"]["1"]["joined"]
    (tmp_path / "l.csv").write_text("fase;volet;statut;date\n80001;1;adhéré;01/05/2021\n80001;9;adhéré;01/05/2021\n")
    dry = figures(run("adherence", "import", tmp_path / "l.csv", "--json", "--dry-run"))
    assert [r["row"] for r in dry["rejected"]] == [3]
    covers = ["--complete-until", "2021-05-12", "--covers", "WBE", "Libre confessionnel"]
    done = figures(run("adherence", "import", tmp_path / "l.csv", "--json", "--yes", *covers))
    covered = {
        "complete_until": "2021-05-12",
        "covers": ["WBE", "Libre confessionnel"],
        "label": "complète jusqu’au 12 mai 2021 pour WBE et Libre confessionnel",
    }
    assert done.pop("coverage") == covered
    assert done == {key: value for key, value in dry.items() if key != "coverage"}
    covered = {
        one["network"]: one["complete_until"] for one in figures(run("adherence", "coverage", "--json"))["items"]
    }
    assert (covered["WBE"], covered["COCOF"]) == ("2021-05-12", None)
    assert run("adherence", "import", tmp_path / "l.csv", "--json").returncode == 2
    after = figures(run("report", "situation", "--json"))["total"]["strands"]["1"]["joined"]
    assert after == told + dry["changes"]
    assert run("adherence", "undo", "--yes").returncode == 0
    assert figures(run("report", "situation", "--json"))["total"]["strands"]["1"]["joined"] == told


@pytest.mark.full
@pytest.mark.long
def test_a_list_of_contacts_is_shown_applied_and_undone(run_on_sample, tmp_path):
    run, file = run_on_sample, tmp_path / "c.csv"
    file.write_text("fase;adresse;nom\n9300;a@ecole.be;Anne\n9300;po009300@adm.fwb.example;Paul\n9301;b@;\n")
    dry = figures(run("contacts", "import", file, "--json", "--dry-run", "--complete"))
    assert [dry[name] for name in ("new", "changed", "unchanged")] == [1, 1, 0]
    assert dry["withdrawn"] == 986 - 2, "all but the address that is named and that of the row in doubt"
    (rejected,) = dry["rejected"]
    assert (rejected["row"], rejected["column"]) == (4, "adresse")
    assert figures(run("contacts", "import", file, "--json", "--yes"))["new"] == 1
    assert figures(run("contacts", "import", file, "--json", "--dry-run"))["unchanged"] == 2
    file.write_text("nom_po;fase;adresse;rue\nAdministration communale de Namur;9300;b@ecole.be;1\n")
    held = figures(run("contacts", "import", file, "--json", "--yes"))
    assert (held["new"], held["waiting"], held["columns"]["set_aside"]) == (0, 1, ["rue"])
    text = run("contacts", "import", file, "--dry-run").stdout
    assert "« Administration communale de Namur », mais 9300 est « " in " ".join(text.replace("\xa0", " ").split())
    assert "Colonnes connues, laissées de côté : rue." in text.replace("\xa0", " ")
    accepted = figures(run("contacts", "import", file, "--json", "--yes", "--accept-names"))
    assert (accepted["new"], accepted["waiting"], accepted["confirmed"]) == (1, 0, 1)
    assert run("contacts", "undo", "--yes").returncode == 0
    assert run("contacts", "undo", "--yes").returncode == 0
    file.write_text("Ancien;Nouveau;Courriel\n9301;9300;c@ecole.be\n")
    words = run("contacts", "import", file, "--dry-run").stderr.replace("\xa0", " ")
    assert "« Ancien » et « Nouveau »" in words
    assert 'ajoutez --column "TITRE=numéro FASE du PO"' in words
    said = ("--column", "Nouveau=numéro FASE du PO")
    assert figures(run("contacts", "import", file, "--json", "--dry-run", *said))["new"] == 1
    assert "écrivez TITRE=CONTENU" in run("contacts", "import", file, "--dry-run", "--column", "Nouveau").stderr
    file.write_bytes(b"\x7fELF\x02\x01;secret\x00")
    refused = run("contacts", "import", file, "--dry-run")
    assert refused.returncode == 1
    assert "Fichier illisible" in refused.stderr
    assert "secret" not in refused.stderr + refused.stdout


def test_outside_a_demonstration_the_sample_stays_out(run):
    outcome = run("sample", **REAL)
    assert outcome.returncode == 1
    assert "mode démonstration" in outcome.stderr


@pytest.mark.long
def test_a_refused_configuration_is_told_without_a_traceback(tmp_path):
    outcome = from_cold("migrate", OUTREACH_MODE="production", OUTREACH_DATA=str(tmp_path))
    assert outcome.returncode == 1
    assert "OUTREACH_SECRET_KEY est obligatoire" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.long
def test_the_version_is_printed():
    assert from_cold("--version").stdout == "outreach, version 0.4.0\n"


def test_the_mailbox_of_returns_is_read_and_counted(run, tmp_path):
    unnamed = run("bounces")
    assert unnamed.returncode == 1
    assert "OUTREACH_BOUNCES_URL" in unnamed.stderr
    box = tmp_path / "returns"
    Maildir(box, create=True).add(b"From: a@b.example\r\n\r\nBonjour\r\n")
    named = {"OUTREACH_BOUNCES_URL": f"maildir://{box}"}
    told = run("bounces", **named)
    assert told.returncode == 0, told.stderr
    assert "1 courriel lu" in told.stdout.replace("\u00a0", " ")
    assert "Messages de personnes" in told.stdout
    counted = figures(run("bounces", "--json", **named))
    assert (counted["read"], counted["known"], set(counted["verdicts"].values())) == (0, 0, {0})
    missing = run("bounces", OUTREACH_BOUNCES_URL="maildir:///nowhere/at/all")
    assert (missing.returncode, "Errno" in missing.stderr) == (1, False)
    assert "nommée par OUTREACH_BOUNCES_URL n’existe pas" in missing.stderr
    unreachable = run("bounces", OUTREACH_BOUNCES_URL="imap://a:b@127.0.0.1:1/INBOX")
    assert (unreachable.returncode, "ne se lit pas" in unreachable.stderr) == (1, True)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_an_operator_sees_what_keeps_letters_and_has_the_relay_tried_at_once(run_on_sample, sample_database):
    now = datetime.now(UTC)
    with sample_database.writing() as session:
        relay_health.note_failure(session, "a.example:25", "450 plus tard", place=PLACE, alarm=False, now=now)
        workers.clock_passed(session, "L’envoi est coupé.", place=PLACE, now=now)
    content = json.loads(run_on_sample("relay", "status", "--json").stdout)
    assert {"clock": None, "hindrance": "", "relays": []}.items() <= content.items(), "of the installation that asks"
    here, there = content["installations"]
    assert (here["installation"], there["installation"]) == (content["installation"], PLACE)
    assert (there["hindrance"], datetime.fromisoformat(there["clock"])) == ("L’envoi est coupé.", now)
    (relay,) = there["relays"]
    assert (relay["name"], relay["failures"], relay["said"]) == ("a.example:25", 1, "450 plus tard")
    assert datetime.fromisoformat(relay["rests_until"]) > now
    assert "prochain essai à" in run_on_sample("relay", "status").stdout
    assert "a.example:25 est essayé de nouveau" in run_on_sample("relay", "retry").stdout
    assert "rien n’est changé" in run_on_sample("relay", "retry").stdout
    _, there = json.loads(run_on_sample("relay", "status", "--json").stdout)["installations"]
    assert there["relays"][0]["rests_until"] is None
