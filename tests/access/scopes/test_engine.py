"""What a scoped session sees is what stands in a copy from which the rest was deleted by hand."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from outreach.access.scopes import AccessScope, ScopeKind, scoped_database
from outreach.access.scopes import _engine as engine
from outreach.access.scopes import _policy as policy
from outreach.access.scopes._engine import Unguarded
from outreach.access.scopes._policy import TABLES, ByValue, Public, Scoped
from outreach.adherence import programmes, situation
from outreach.adherence.situation import Bucket, Grouping, Selection
from outreach.campaigns import counting, planning, segments
from outreach.campaigns.models import Wave
from outreach.campaigns.results import _actions as actions
from outreach.campaigns.segments import context_at
from outreach.core.db import Base
from outreach.core.db.prepared import Prepared
from outreach.delivery.models import Message, MessageState
from outreach.directory import authorities
from outreach.directory.authorities import Filters
from outreach.directory.models import Authority, Contact
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from outreach.operations.retention import _erasure as erasure  # noqa: F401
from tests import application, factories  # noqa: F401 - the state that this one goes on from
from tests.access.scopes.pruned import prune
from tests.access.scopes.talked import talk
from tests.conftest import NOW, STORY_DAY, state_from

DEEP = [pytest.mark.long, pytest.mark.deep]
EXAMPLES = [  # each kind on PostgreSQL, and the largest one on SQLite
    pytest.param("postgresql", "federation", "CECP", marks=pytest.mark.long),
    ("postgresql", "network", "WBE"),
    ("sqlite", "federation", "SeGEC"),
    pytest.param("postgresql", "federation", "SeGEC", marks=DEEP),
    pytest.param("sqlite", "federation", "CECP", marks=DEEP),
    pytest.param("sqlite", "network", "WBE", marks=DEEP),
]
KNOWN = [name for name in TABLES if name in Base.metadata.tables]
CECP = AccessScope(ScopeKind.FEDERATION, "CECP")
SEGEC = AccessScope(ScopeKind.FEDERATION, "SeGEC")


@state_from("launched_sample")
def talked_sample(database, _settings):
    """The launched sample with rows, about some of all schools, of what else hangs on schools and letters."""
    with database.writing() as session:
        pairs = session.execute(
            text(
                "SELECT o.school_id, o.authority_id, s.fase, c.id, c.address_key FROM listings o"
                " JOIN authorities a ON a.id = o.authority_id JOIN schools s ON s.id = o.school_id"
                " JOIN contacts c ON c.authority_id = a.id WHERE o.until IS NULL ORDER BY o.id"
            )
        ).all()
        tables, mailboxes = Base.metadata.tables, set()
        for at, (school, authority, fase, contact, key) in enumerate(pairs[::37], 1):
            signed = {"corrected_at": NOW, "corrected_by": "x"}
            named = {"kind": "school", "fase": fase, "register_name": "x", "corrected_name": "y", **signed}
            session.execute(insert(tables["name_corrections"]).values(**named))
            session.execute(insert(tables["authority_lists"]).values(id=at, name=f"x{at}", made_by="x", made_at=NOW))
            session.execute(insert(tables["authority_list_members"]).values(list_id=at, authority_id=authority))
            session.execute(insert(tables["school_reports"]).values(**factories.school_report(school, authority, NOW)))
            if contact not in mailboxes:
                session.execute(insert(tables["contact_schools"]).values(contact_id=contact, school_id=school))
                why = {"reason": "unsubscribed", "scope": "awareness", "created_at": NOW, "created_by": "x"}
                session.execute(insert(tables["suppressions"]).values(address_key=key, detail="said", **why))
            mailboxes.add(contact)
        letters = session.scalars(select(Message).order_by(Message.id)).all()
        for letter in letters[::5]:
            replies.give_answers(session, letter, Given({}, request=Answer.HELP, comment="dit"), now=NOW)
        talk(session, [(school, authority) for school, authority, *_ in pairs[::37]], letters[::5])


def rows(session, name):
    table = Base.metadata.tables[name]
    return {tuple(row) for row in session.execute(select(*(table.primary_key.columns or table.columns)))}


def figures(found):
    """The figures of a situation, without whose they are: a copy that was pruned by hand has no scope."""
    return {name: told for name, told in found.as_json().items() if name != "counted"}


def every_figure(session):
    """What real functions say, about the directory, the situation of today and of the past, audiences and waves."""
    programme = programmes.get_programme(session)
    day, past = STORY_DAY, date(2021, 3, 1)
    yield "counts", authorities.count_authorities(session, Filters())
    yield "capped", authorities.count_authorities(session, Filters(level="secondary"), 10)
    yield "typo", authorities.count_authorities(session, Filters(text="comunale"))
    yield "federation", authorities.count_authorities(session, Filters(text="SeGEC"))
    yield "directory", [tuple(row) for row in authorities.list_authorities(session, Filters(), "name").table().rows]
    yield "zones", authorities.list_zones(session)
    yield "municipalities", authorities.list_municipalities(session)
    for by in Grouping:
        yield f"by {by}", figures(situation.count_situation(session, programme, day, by=by))
        yield f"past by {by}", figures(situation.count_situation(session, programme, past, by=by))
        known = {"known_at": NOW - timedelta(days=20)}
        yield f"known by {by}", figures(situation.count_situation(session, programme, past, by=by, **known))
    yield "curve", situation.joining_curve(session, programme, day)
    for bucket in (None, Bucket.NONE, Bucket.JOINED):
        found = situation.list_situation_schools(session, programme, day, Selection(1, bucket))
        yield f"schools {bucket}", [(row.School.fase, row.Authority.fase, row.status) for row in found.every()]
        asked = situation.list_situation_authorities(session, programme, day, Selection(1, bucket))
        yield f"authorities {bucket}", [(row.Authority.fase, row.concerned, row.joined) for row in asked.every()]
    acted = actions.list_actions(session, programme, now=NOW)
    yield "actions", acted.as_json()
    yield "departures", actions.list_departures(session, programme)
    yield "calendar", planning.calendar_weeks(session, day.replace(day=1))
    for wave in session.scalars(select(Wave).order_by(Wave.id)):
        scope = planning.context_of(session, wave.campaign, now=NOW)
        planned = planning.planned_of(wave, now=NOW)
        yield f"audience {wave.number}", segments.count_audience(session, planned, scope)
    for authority in session.scalars(select(Authority).order_by(Authority.fase).limit(5)):
        listed = authorities.list_schools(session, authority)
        yield (
            f"sheet {authority.fase}",
            [(one.school.fase, one.types, [s.fase for s in one.sites]) for one in listed.every()],
        )
        yield (
            f"of {authority.fase}",
            [(one.code, levels) for one, levels in authorities.represented_by(session, authority)],
        )


@pytest.mark.postgresql
@pytest.mark.parametrize(("backend", "kind", "code"), EXAMPLES)
def test_real_functions_say_what_they_say_of_a_copy_pruned_by_hand(talked_sample, kind, code):
    with scoped_database(talked_sample, AccessScope(ScopeKind(kind), code)).reading() as session:
        seen = dict(every_figure(session))
        tables = {name: rows(session, name) for name in KNOWN}
    prune(talked_sample, kind, code)
    with talked_sample.reading() as session:
        expected = dict(every_figure(session))
        left = {name: rows(session, name) for name in KNOWN}
    assert {name for name in KNOWN if tables[name] != left[name]} == set()
    assert {name for name in expected if seen[name] != expected[name]} == set()
    assert len(expected) > 30


@pytest.mark.long
def test_each_view_taken_out_shows_what_is_out_of_scope(talked_sample, monkeypatch):
    """The comparison above would see it: each table shows rows out of scope without its declaration."""
    with scoped_database(talked_sample, SEGEC).reading() as session:
        seen = {name: rows(session, name) for name in KNOWN}
    with talked_sample.reading() as session:
        whole = {name: rows(session, name) for name in KNOWN}
    scoped = [name for name in KNOWN if isinstance(TABLES[name], Scoped | ByValue)]
    assert {name for name in scoped if not seen[name]} == set(), "no row in scope"
    assert {name for name in scoped if whole[name] == seen[name]} == set(), "no row out of scope"
    shadowed = [name for name in KNOWN if not isinstance(TABLES[name], Public) and whole[name] != seen[name]]
    assert len(shadowed) >= len(scoped) + 10, "hidden ones with rows"
    for name in shadowed:
        monkeypatch.setitem(policy.TABLES, name, Public())
        opened = engine.ScopedDatabase(talked_sample).of(SEGEC)
        with opened.reading() as session:
            assert rows(session, name) > seen[name], name
        opened.dispose()
        monkeypatch.undo()


@pytest.mark.full
@pytest.mark.long
def test_a_wave_of_a_draw_is_counted_with_its_answers(talked_sample):
    """A scope sees nothing to repeat the draw by, and counts need no draw."""
    with talked_sample.writing() as session:
        wave = session.scalars(select(Wave).where(Wave.mailing_id.is_not(None))).one()
        wave.departure, mailing = 1, wave.mailing_id
        waits = Message.state == MessageState.QUEUED
        session.execute(update(Message).where(waits).values(state=MessageState.REFUSED, settled_at=NOW))
    with scoped_database(talked_sample, SEGEC).reading() as session:
        counts = actions.by_network(session, session.scalars(select(Wave)).all(), NOW)[mailing]
    prune(talked_sample, SEGEC.kind, SEGEC.code)
    with talked_sample.reading() as session:
        expected = actions.by_network(session, session.scalars(select(Wave)).all(), NOW)[mailing]
    assert counts["meant"] == {"Libre confessionnel": 261}
    assert counts["answered"] == expected["answered"] != {}


@pytest.mark.long
def test_whom_a_launch_meant_entered_with_it_where_no_letter_was_for_a_member(talked_sample):
    """The wave is hidden then, and the campaign was launched nevertheless."""
    with talked_sample.reading() as session:
        number = session.scalars(select(Wave.campaign_id).where(Wave.mailing_id.is_not(None))).one()
    with scoped_database(talked_sample, CECP).reading() as session:
        assert session.scalars(select(Wave).where(Wave.mailing_id.is_not(None))).all() == []
        classified = counting.classify_campaign(session, planning.campaign_numbered(session, number), now=NOW)
        entered = session.scalars(select(classified.authorities.c.entered_later)).all()
    assert entered
    assert not any(entered)


@pytest.mark.full
@pytest.mark.postgresql
def test_two_federations_take_turns_on_one_connection(sample_database):
    count, keys = select(func.count(Authority.id)), Prepared(select(Contact.authority_id))
    used = set()
    for _ in range(3):
        for scope, number in ((CECP, 261), (SEGEC, 667), (AccessScope(ScopeKind.NETWORK, "WBE"), 1)):
            with scoped_database(sample_database, scope).reading() as session:
                assert session.scalar(count) == number
                assert session.scalar(text("SELECT count(*) FROM authorities")) == number
                assert len(set(keys.keys(session, {}))) == number
                used.add(id(session.connection().connection.dbapi_connection))
    assert len(used) == 1
    for scope in (
        AccessScope(ScopeKind.FEDERATION, "WBE"),
        AccessScope(ScopeKind.NETWORK, ""),
        AccessScope(ScopeKind.FEDERATION, "cecp"),
    ):
        with scoped_database(sample_database, scope).reading() as session:
            assert session.scalar(count) == 0


@pytest.mark.full
@pytest.mark.postgresql
def test_a_connection_at_rest_and_one_without_a_sight_see_nothing(sample_database):
    opened = scoped_database(sample_database, CECP)
    with opened.reading() as session, pytest.raises(ZeroDivisionError):
        assert session.scalar(text("SELECT count(*) FROM contacts")) == 261
        raise ZeroDivisionError
    with opened.engine.connect().execution_options(outreach_begin="BEGIN DEFERRED") as connection:
        for name in KNOWN:
            if not isinstance(TABLES[name], Public):
                assert connection.scalar(text(f"SELECT count(*) FROM {name}")) == 0, name
    with pytest.raises(Unguarded), opened.writing():
        pass
    with pytest.raises(Unguarded):
        opened.connect()


AROUND = (
    *("DELETE FROM contacts", "UPDATE contacts SET name = ''", "INSERT INTO networks (id) VALUES (9)", "DISCARD ALL"),
    *("SELECT count(*) FROM main.authorities", "SELECT count(*) FROM public . authorities", "COPY contacts TO STDOUT"),
    *('SELECT 1 FROM "main"."authorities"', 'SELECT 1 FROM "public".authorities', "PRAGMA query_only=OFF"),
    *("SELECT 1; DELETE FROM contacts", "WITH gone AS (DELETE FROM contacts RETURNING id) SELECT id FROM gone"),
    *("SELECT name FROM sqlite_master", "SELECT 1 FROM pg_class", "SET search_path TO public", "SET ROLE postgres"),
    *("SELECT set_config('search_path', 'public', false)", "DROP VIEW contacts", "DELETE FROM sight_schools"),
    *("SELECT id FROM sight_authorities", "SELECT 1 FROM pg_temp.contacts", "ATTACH 'x' AS y", "RESET ROLE"),
    *("WITH messages AS (SELECT 1 AS id) SELECT id FROM messages", "CREATE TEMP TABLE x (id INTEGER)", "VACUUM"),
    *("WITH a AS (SELECT 1), contacts (id) AS MATERIALIZED (SELECT 2) SELECT id FROM contacts", "EXPLAIN SELECT 1"),
    # read otherwise than they look
    *("SELECT count(*) FROM public/**/.users", "SELECT count(*) FROM main/**/.users", "SELECT 1 -- ' \n FROM hits"),
    *('SELECT count(*) FROM U&"\\0070ublic".users', "SELECT count(*) FROM u&\"!0070ublic\" UESCAPE '!' .users"),
    *(
        "SELECT count(*) FROM 'main'.'users'",
        "SELECT count(*) FROM `main`.users",
        "SELECT count(*) FROM [main].[users]",
    ),
    *("SELECT E'\\'', count(*) FROM public.users WHERE '' = ''", "SELECT $a$'$a$, count(*) FROM public.users"),
    # functions that take a statement, or the name of a table, as a text
    *("SELECT * FROM ts_stat('SELECT password FROM users')", "SELECT query_to_xml('TABLE users', true, true, '')"),
    *("SELECT table_to_xml('users', true, true, '')", "SELECT * FROM dblink('x', 'SELECT 1') AS t (a text)"),
    *("SELECT d FROM query_to_xml('TABLE users', true, true, '') AS materialized (d)", "SELECT lo_get(1) AS (a)"),
    *("SELECT * FROM ts_stat('SELECT email FROM users') AS not materialized (word, n, m)",),
    *("SELECT y FROM set_config('role', 'none', true) AS materialized (y)", "SELECT * FROM crosstab('x') AS (a text)"),
    *("SELECT ts_rewrite('a', 'SELECT 1')", "SELECT \"ts_stat\"('SELECT 1')", 'SELECT "lo_get"(1)'),
    *("SELECT load_extension('x')", "SELECT lo_get(1)", "SELECT * INTO TEMP x FROM contacts", "TABLE contacts"),
)


@pytest.mark.postgresql
def test_the_guard_refuses_what_goes_round_the_views(sample_database):
    for statement in AROUND:
        with pytest.raises(Unguarded), scoped_database(sample_database, CECP).reading() as session:
            session.execute(text(statement))
            pytest.fail(statement)


def test_the_guard_lets_pass_what_reads_and_a_schema_by_any_name_is_refused():
    for statement in (
        "SELECT a.id, 'it''s -- a /* word;' FROM contacts AS a WHERE a.id IN (%(a_1)s, ?) AND a.x ->> 'public.y' = '1'",
        "WITH RECURSIVE x (a, b) AS NOT MATERIALIZED (SELECT 1, 2.5) SELECT x.a FROM x, (SELECT 1) AS y (c)",
        'SELECT count(DISTINCT "a"."role") FILTER (WHERE b > 1) FROM hits AS "a" GROUP BY CAST(c AS VARCHAR(40))',
    ):
        engine.guard(statement, "outreach")
    for statement in ('SELECT 1 FROM "Ours".users', "SELECT 1 FROM x, ours.users", 'SELECT 1 FROM base."ours".users'):
        with pytest.raises(Unguarded):
            engine.guard(statement, '"Ours"')


@pytest.mark.full
def test_without_the_guard_a_statement_goes_round_the_views(sample_database, monkeypatch):
    """On SQLite the authorizer still refuses what names a column; counting rows it cannot tell apart."""
    monkeypatch.setattr(engine, "guard", lambda *_: None)
    place = {"sqlite": "main", "postgresql": "public"}[sample_database.engine.name]
    with scoped_database(sample_database, CECP).reading() as session:
        assert session.scalar(text(f"SELECT count(*) FROM {place}.authorities")) > 261


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_authorizer_of_sqlite_refuses_beside_the_guard(talked_sample, monkeypatch):
    monkeypatch.setattr(engine, "guard", lambda *_: None)
    for statement in ("SELECT name FROM main.authorities", "DELETE FROM main.contacts", "DROP TABLE hits"):
        with (
            pytest.raises(DatabaseError, match="SQLITE_AUTH"),
            scoped_database(talked_sample, CECP).reading() as session,
        ):
            session.execute(text(statement))
    with scoped_database(talked_sample, CECP).reading() as session:
        assert session.scalar(text("SELECT count(*) FROM contacts")) == len(session.scalars(select(Contact.id)).all())


def test_what_names_a_person_of_the_service_and_what_a_letter_says_is_empty(talked_sample):
    with scoped_database(talked_sample, SEGEC).reading() as session:
        assert set(session.scalars(text("SELECT comment FROM responses"))) == {""}
        assert set(session.scalars(text("SELECT letter FROM campaigns"))) == {""}
        assert set(session.scalars(text("SELECT added_by FROM contacts"))) == {""}
        assert set(session.scalars(text("SELECT recorded_by FROM school_reports"))) == {""}
        assert set(session.scalars(text("SELECT public_id FROM messages"))) == {""}


@pytest.mark.full
@pytest.mark.postgresql
def test_whatever_changes_a_scope_is_seen_by_the_next_reading(sample_database):
    count, memberships = select(func.count(Authority.id)), Base.metadata.tables["memberships"]
    with scoped_database(sample_database, CECP).reading() as session:
        assert session.scalar(count) == 261
        (member, mine) = session.execute(text("SELECT authority_id, federation_id FROM memberships")).first()
    gone = memberships.c.authority_id == member, memberships.c.federation_id == mine
    with sample_database.writing() as session:
        session.execute(update(memberships).where(*gone).values(until=STORY_DAY))
    with scoped_database(sample_database, CECP).reading() as session:
        assert session.scalar(count) == 260
        assert session.get(Authority, member) is None
    with sample_database.writing() as session:
        session.execute(update(memberships).where(*gone).values(until=None))
    for _ in range(2):  # found anew, then as found
        with scoped_database(sample_database, CECP).reading() as session:
            assert session.scalar(count) == 261
            assert len(rows(session, "schools")) == 1044


@pytest.mark.postgresql
@pytest.mark.parametrize("asks", ["situation", "audience"])
def test_what_reads_most_letters_in_a_scope_joins_by_hashing_until_its_transaction_ends(backend, sample_database, asks):
    """PostgreSQL guesses few keys of a scope, and looked each letter up among all schools: 12 seconds for a page."""
    scoped = scoped_database(sample_database, SEGEC)
    with scoped.reading() as session:
        programme = programmes.get_programme(session)
        if asks == "situation":
            situation.count_situation(session, programme, STORY_DAY)
        else:
            context_at(session, programme.id, now=NOW)
        if backend == "postgresql":
            assert session.scalar(text("SELECT current_setting('enable_nestloop')")) == "off"
    with scoped.reading() as session:
        if backend == "postgresql":
            assert session.scalar(text("SELECT current_setting('enable_nestloop')")) == "on"


@pytest.mark.postgresql
def test_a_scoped_statement_is_not_compiled(backend, sample_database):
    """To compile the statement of an audience, with its views, took PostgreSQL half a minute, to run it a quarter of a
    second."""
    if backend == "postgresql":
        for _ in range(2):
            with scoped_database(sample_database, SEGEC).reading() as session:
                assert session.scalar(text("SELECT current_setting('jit')")) == "off"
