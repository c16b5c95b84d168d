"""An operator at the command line: prepare, plan, apply, count, undo, add an account."""

import json
import subprocess
import sys

import pytest

from outreach.settings import ROOT
from tests.conftest import STORY_DAY


@pytest.fixture
def run(tmp_path, fresh_url):
    """Run a command as `./run` would; returns its outcome."""

    def call(*arguments, answer="", **environment):
        return subprocess.run(
            [sys.executable, "-m", "outreach", *map(str, arguments)],
            cwd=ROOT,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            env={
                "PATH": "/usr/bin:/bin",
                "OUTREACH_DATA": str(tmp_path),
                "OUTREACH_DATABASE_URL": fresh_url,
                **environment,
            },
        )

    return call


@pytest.fixture
def editions(run, tmp_path):
    assert run("sample", "--today", STORY_DAY, "--files", tmp_path / "files").returncode == 0
    return sorted((tmp_path / "files").glob("registre-*.csv"))


@pytest.fixture
def with_people(database, settings, now):
    from outreach.cli.install import add_people

    add_people(database, settings, now)


def figures(outcome):
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


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
    applied = run("register", "apply", second, "--edition", "2021-05-01", answer="y\n")
    assert applied.returncode == 0, applied.stderr
    assert "L’édition est appliquée." in applied.stdout

    count = figures(run("directory", "count", "--json"))
    assert (count["authorities"], count["schools"]) == (985, 2726)
    assert (count["authorities_with_secondary"], count["secondary_schools"]) == (312, 649)
    assert count["networks"]["WBE"]["secondary_schools"] == 147

    assert run("register", "undo", "--yes").returncode == 0
    assert figures(run("register", "plan", second, "--json"))["schools"]["moved"] == 1


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


def test_the_first_account_needs_nobody_and_the_next_an_administrator(run):
    assert run("user", "add", "chef@fwb.example", "--name", "Chef", "--role", "administrator").returncode == 0
    refused = run("user", "add", "autre@fwb.example", "--name", "Autre", "--role", "author")
    assert refused.returncode == 1
    done = run("user", "add", "autre@fwb.example", "--name", "Autre", "--role", "author", "--as", "chef@fwb.example")
    assert done.returncode == 0, done.stderr
    assert "Mot de passe" in done.stdout


def test_outside_a_demonstration_the_sample_stays_out(run):
    real = {
        "OUTREACH_MODE": "trial",
        "OUTREACH_SECRET_KEY": "k" * 40,
        "OUTREACH_SMTP_URL": "smtp://relay:25",
        "OUTREACH_PUBLIC_URL": "https://x.example",
        "OUTREACH_MAIL_DOMAIN": "x.example",
    }
    outcome = run("sample", **real)
    assert outcome.returncode == 1
    assert "mode démonstration" in outcome.stderr


def test_a_refused_configuration_is_told_without_a_traceback(run):
    outcome = run("migrate", OUTREACH_MODE="production")
    assert outcome.returncode == 1
    assert "OUTREACH_SECRET_KEY est obligatoire" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_the_version_is_printed(run):
    assert run("--version").stdout == "outreach, version 0.1.0\n"
