"""`migrate`: what it would do, and who has to stop before; programs that meet a database further than they are."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.cli.preparation import prepare
from outreach.core.db.watch import DatabaseFault
from outreach.delivery import workers
from outreach.operations import migrations
from outreach.operations.migrations import Pending
from outreach.operations.migrations.kinds import AppliedRevision, MigrationKind
from tests.conftest import NOW
from tests.operations.migrations.dumps import bare

pytestmark = pytest.mark.postgresql
BEFORE, REWRITES = "0092", "0093"  # a breaking revision, and the one before it


@pytest.fixture
def operation(database, settings):
    """An installation whose clock shows NOW."""
    made = Operation()
    made.settings, made.opened, made.now = settings, database, NOW
    return made


@pytest.fixture
def run(operation):
    """Run a command of this installation."""

    def invoke(*arguments):
        return CliRunner().invoke(commands, arguments, obj=operation)

    return invoke


def plan(run):
    return json.loads(run("migrate", "--plan", "--json").stdout)


def words(outcome):
    return outcome.output.replace("\xa0", " ")


def go_further(database, *kinds):
    """Say that revisions were applied that this program does not know, the first one being 9001."""
    with database.engine.begin() as connection:
        for number, kind in enumerate(kinds, 9001):
            connection.execute(AppliedRevision.__table__.insert().values(revision=str(number), kind=kind))
        connection.execute(text("UPDATE alembic_version SET version_num = :last"), {"last": str(9000 + len(kinds))})


def test_a_plan_names_each_revision_with_its_kind_and_changes_nothing(run, database):
    assert "Rien à faire" in words(run("migrate", "--plan"))
    migrations.downgrade(database.engine, BEFORE)
    told, program = plan(run), migrations.known_revisions()[-1]
    assert (told["version"], told["program"], told["kind"]) == (BEFORE, program, "breaking")
    assert told["revisions"][0] == {"revision": REWRITES, "kind": "breaking"}
    assert [one["revision"] for one in told["revisions"]] == [
        number for number in migrations.known_revisions() if number > BEFORE
    ]
    assert "arrêtez le service sur toutes les machines" in words(run("migrate", "--plan"))
    assert migrations.revisions_of(database.engine) == [BEFORE]
    assert json.loads(run("migrate", "--json").stdout) == {"before": BEFORE, "after": program}
    assert plan(run) == {"version": program, "program": program, "kind": "none", "revisions": []}


def test_what_only_adds_lets_machines_be_taken_one_by_one(run, monkeypatch):
    monkeypatch.setattr(migrations, "pending", lambda _engine: [Pending("9001", MigrationKind.ADDITIVE)])
    assert "l’une après l’autre" in words(run("migrate", "--plan"))
    assert plan(run)["kind"] == "additive"


def test_the_plan_of_an_empty_database_has_nobody_to_stop(run, operation, fresh_url):
    operation.opened = bare(fresh_url)
    assert "./run migrate la crée" in words(run("migrate", "--plan"))
    assert plan(run)["version"] is None
    operation.opened.dispose()


@pytest.mark.long
def test_a_breaking_revision_waits_until_nobody_sends_and_an_additive_one_does_not(run, database, monkeypatch):
    migrations.downgrade(database.engine, BEFORE)
    with database.writing() as session:
        worker = workers.join_in(session, now=NOW)
    refused = run("migrate")
    assert refused.exit_code == 1
    assert "tout soit arrêté" in str(refused.exception)
    assert migrations.revisions_of(database.engine) == [BEFORE]
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "pending", lambda _engine: [Pending(REWRITES, MigrationKind.ADDITIVE)])
        assert run("migrate").exit_code == 0
    migrations.downgrade(database.engine, BEFORE)
    with database.writing() as session:
        workers.leave(session, worker, now=NOW)
    assert run("migrate").exit_code == 0


def test_the_database_says_of_each_revision_what_kind_it_is(database):
    with database.reading() as session:
        applied = dict(session.execute(select(AppliedRevision.revision, AppliedRevision.kind)).all())
    assert applied["0094"] is MigrationKind.ADDITIVE
    assert sorted(applied) == migrations.known_revisions()
    migrations.downgrade(database.engine, BEFORE)
    migrations.upgrade(database.engine)
    with database.reading() as session:
        assert dict(session.execute(select(AppliedRevision.revision, AppliedRevision.kind)).all()) == applied


def test_a_program_goes_on_with_a_database_that_only_has_more(run, database):
    go_further(database, MigrationKind.ADDITIVE, MigrationKind.ADDITIVE)
    with database.engine.begin() as connection:  # as a database holds that came through the revisions before 0.3.0
        connection.execute(AppliedRevision.__table__.insert().values(revision="0066", kind=MigrationKind.BREAKING))
    assert migrations.fault_of(database.engine) is None
    prepare(database)
    assert run("directory", "count").exit_code == 0
    assert "à jour, à la version 9002" in words(run("migrate"))
    assert "Rien à faire" in words(run("migrate", "--plan"))


@pytest.mark.parametrize(
    "kinds",
    [
        (MigrationKind.BREAKING,),
        (MigrationKind.BREAKING, MigrationKind.ADDITIVE),
        (MigrationKind.ADDITIVE, MigrationKind.BREAKING),
    ],
)
def test_a_program_refuses_a_database_in_which_anything_broke_since(run, database, kinds):
    go_further(database, *kinds)
    assert migrations.fault_of(database.engine) is DatabaseFault.NEWER
    for command in (("directory", "count"), ("migrate",), ("migrate", "--plan"), ("work",)):
        refused = run(*command)
        assert refused.exit_code == 1
        assert "ne peut pas continuer" in str(refused.exception)


def test_a_database_of_before_the_first_revision_goes_by_the_version_that_knows_it(run, database):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0029'"))
    assert migrations.fault_of(database.engine) is DatabaseFault.TOO_OLD
    for command in (("directory", "count"), ("migrate",), ("migrate", "--plan"), ("work",)):
        refused = run(*command)
        assert refused.exit_code == 1
        assert "d’abord ./run migrate avec le programme de la version 0.3.0" in str(refused.exception)
    assert migrations.revisions_of(database.engine) == ["0029"]


def test_a_revision_of_which_nothing_is_said_is_refused(database):
    go_further(database, MigrationKind.ADDITIVE)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9002'"))
    assert migrations.fault_of(database.engine) is DatabaseFault.NEWER
    with database.engine.begin() as connection:
        AppliedRevision.__table__.drop(connection)
    assert migrations.fault_of(database.engine) is DatabaseFault.NEWER
