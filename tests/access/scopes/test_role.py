"""On PostgreSQL a scope's connections change to a role that may read the views alone: whatever gets by the guard."""

from contextlib import suppress

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.access.scopes import _engine as engine
from outreach.access.scopes._engine import Unguarded
from outreach.access.scopes._policy import TABLES
from outreach.core.db import Base, Database
from outreach.directory.models import Authority
from outreach.operations import backups
from outreach.operations.health import Examined, HealthState
from outreach.operations.health import _databases as databases
from tests.access.scopes.test_engine import CECP, SEGEC, rows, talked_sample
from tests.conftest import NOW
from tests.operations.backups import ORIGIN, beside, programs_of_the_server, well

__all__ = ["programs_of_the_server", "talked_sample"]
pytestmark = [pytest.mark.postgresql, pytest.mark.parametrize("backend", ["postgresql"])]
ROLE = "outreach_sight_of_tests"
AROUND = (
    "SELECT count(*) FROM public.authorities",
    "SELECT password FROM public/**/.users",
    'SELECT password FROM U&"\\0070ublic".users',
    "SELECT * FROM ts_stat('SELECT to_tsvector(address) FROM public.contacts')",
    "SELECT x.ts_stat FROM unnest(array['SELECT to_tsvector(address) FROM public.contacts']) AS x",
    "SELECT (SELECT count(*) FROM public.users), count(*) FROM authorities",
)


@pytest.fixture
def named(talked_sample):
    """The database, which names a role that may read nothing."""
    with (
        talked_sample.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        suppress(ProgrammingError),  # the server has it from another test
    ):
        connection.execute(text(f"CREATE ROLE {ROLE} NOLOGIN"))
    talked_sample.info[engine.INFO] = ROLE
    return talked_sample


@pytest.fixture
def opened(named):
    """The same database as scopes have it: with the role, and without."""
    both = engine.ScopedDatabase(named), engine.ScopedDatabase(named)
    both[1].role = ""
    yield both
    for one in both:
        one.dispose()


@pytest.mark.full
@pytest.mark.long
def test_the_views_say_the_same_to_the_role_in_turn_for_each_scope(named, opened):
    known, (ours, plain) = [name for name in TABLES if name in Base.metadata.tables], opened
    for scope in (SEGEC, CECP, AccessScope(ScopeKind.NETWORK, "WBE"), SEGEC):
        with ours.of(scope).reading() as session, plain.of(scope).reading() as other:
            assert session.scalar(text("SELECT count(*) FROM authorities")) > 0
            for name in known:
                assert rows(session, name) == rows(other, name), name
    with named.reading() as session:
        assert session.scalar(select(func.count(Authority.id))) == 986, "all, as the service itself"


def test_the_guard_lets_none_of_them_come_to_the_role(opened):
    for statement in AROUND:
        with pytest.raises(Unguarded), opened[1].of(CECP).reading() as session:
            session.execute(text(statement))
            pytest.fail(statement)


def test_every_column_may_stand_behind_a_dot_though_a_function_is_called_so(opened):
    names = {f'"{column.name}"' for table in Base.metadata.tables.values() for column in table.c}
    assert {'"name"', '"text"', '"rank"'} < names
    made, read = ", ".join(f"1 AS {name}" for name in names), ", ".join(f"x.{name}" for name in names)
    with opened[1].of(CECP).reading() as session:
        session.execute(text(f"SELECT {read} FROM (SELECT {made}) AS x"))


def test_without_the_guard_the_role_reads_no_table(opened, monkeypatch):
    monkeypatch.setattr(engine, "guard", lambda *_: None)
    ours, plain = opened
    for statement in AROUND:
        with pytest.raises(ProgrammingError, match="InsufficientPrivilege"), ours.of(CECP).reading() as session:
            session.execute(text(statement)).all()
            pytest.fail(statement)
        with plain.of(CECP).reading() as session:
            assert session.execute(text(statement)).all(), f"what it would read: {statement}"


@pytest.mark.full
@pytest.mark.long
def test_a_restored_database_holds_scopes_by_the_same_role(named, tmp_path):
    """A backup has neither roles nor rights: the server's role may read nothing of the new database."""
    url = named.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    made = backups.make_backup(url, tmp_path, ORIGIN, now=NOW)
    with beside(url, tmp_path) as new:
        backups.restore_backup(made.file, new, ORIGIN.keys, well)
        restored = Database(new, {engine.INFO: ROLE})
        with restored.reading() as session:
            engine.examine_role(session, ROLE)
        with engine.scoped_database(restored, CECP).reading() as session:
            assert session.scalar(select(func.count(Authority.id))) == 261
            with pytest.raises(Unguarded):
                session.execute(text(AROUND[0]))
        restored.dispose()


def test_the_doctor_says_that_the_guard_stands_alone_and_what_is_wrong_with_a_role(named, settings):
    def found(name):
        examined = Examined(settings.model_copy(update={"sight_role": name}), named, {})
        return databases.scopes(examined)

    assert found("").state is HealthState.WARNING
    assert "OUTREACH_SIGHT_ROLE" in found("").in_words
    assert found(ROLE).state is HealthState.OK
    assert "CREATE ROLE nobody_has_it NOLOGIN" in found("nobody_has_it").in_words
    with named.writing() as session:
        session.execute(text(f"GRANT SELECT (address) ON contacts TO {ROLE}"))
    assert (found(ROLE).state, "peut lire contacts" in found(ROLE).in_words) == (HealthState.FAULT, True)
