"""`./run api key`: a key that writes takes the password of the account in whose name it is made."""

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from outreach.api_keys.models import ApiKey
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.demo import people
from outreach.settings import PasswordSwitch, read
from tests.cli.test_accounts import CHIEF, backend
from tests.conftest import NOW

__all__ = ["backend"]
WORDS = ("api", "key", "create", "--name", "Plateforme", "--role", "reader", "--days", "90", "--as", CHIEF)


@pytest.fixture
def run(sample_database, templates):
    def run(*words, typed="", **changes):
        operation = Operation()
        operation.settings = read({"OUTREACH_DATA": str(templates.data)}).model_copy(update=changes)
        operation.database, operation.now = sample_database, NOW
        result = CliRunner().invoke(commands, [*WORDS, *words], obj=operation, input=typed)
        return result.exit_code, result.output + str(result.exception or "")

    return run


def made(database):
    with database.reading() as session:
        return [key.writes for key in session.scalars(select(ApiKey))]


def test_a_key_that_writes_takes_the_password_typed_or_in_a_file(run, sample_database, templates, tmp_path):
    password, file = people.password(templates.data), tmp_path / "password"
    assert "n’est pas celui de" in run("--writes", typed="x\n")[1]
    file.write_text("x\n", encoding="utf-8")
    assert run("--writes", "--password-file", str(file))[0] != 0
    assert made(sample_database) == []
    file.write_text(f"{password}\n", encoding="utf-8")
    status, said = run("--writes", "--password-file", str(file))
    assert (status, "lit et écrit" in said, made(sample_database)) == (0, True, [True])
    assert "s’appelle déjà" in run("--writes", typed=f"{password}\n")[1]


def test_a_key_that_reads_takes_none(run, sample_database):
    assert run()[0] == 0
    assert made(sample_database) == [False]


def test_an_account_without_a_password_here_makes_it_on_the_page(run, sample_database):
    said = run("--writes", passwords=PasswordSwitch.OFF)[1]
    assert "Accès des programmes" in said, said
    assert made(sample_database) == []
